dnl SPDX-License-Identifier: Apache-2.0
dnl berth.m4 - for plugins of the container engine berth that are built with autotools.
dnl
dnl BERTH_PLUGIN(KIND, NAME, [ABI])
dnl
dnl Checks that the headers are there, with a KIND (state, lock, oci, net) of at least version
dnl ABI (1.0), and substitutes
dnl
dnl     BERTH_PLUGIN_CFLAGS    for the plugin's _CFLAGS
dnl     BERTH_PLUGIN_LDFLAGS   for its _LDFLAGS: a module with one exported symbol
dnl     berth_plugindir        where it is to be installed
dnl
dnl In Makefile.am:
dnl
dnl     plugindir = $(berth_plugindir)
dnl     plugin_LTLIBRARIES = state_demo.la
dnl     state_demo_la_SOURCES = plugin.c
dnl     state_demo_la_CFLAGS = $(BERTH_PLUGIN_CFLAGS)
dnl     state_demo_la_LDFLAGS = $(BERTH_PLUGIN_LDFLAGS)
AC_DEFUN([BERTH_PLUGIN], [
    m4_if(m4_bregexp([$1], [^\(state\|lock\|oci\|net\)$]), [0], [],
        [m4_fatal([BERTH_PLUGIN: "$1" is no kind of plugins])])dnl
    AC_REQUIRE([PKG_PROG_PKG_CONFIG])dnl
    PKG_CHECK_MODULES([BERTH_PLUGIN], [berth-plugin])
    PKG_CHECK_VAR([berth_plugindir], [berth-plugin], [plugindir])
    PKG_CHECK_VAR([berth_$1_abi], [berth-plugin], [$1_abi])
    AS_VERSION_COMPARE([$berth_$1_abi], [m4_default([$3], [1.0])],
        [AC_MSG_ERROR([$1_$2 needs version m4_default([$3], [1.0]) of the $1 plugin ABI, and the headers have $berth_$1_abi])])
    BERTH_PLUGIN_CFLAGS="$BERTH_PLUGIN_CFLAGS -fvisibility=hidden"
    BERTH_PLUGIN_LDFLAGS="-module -avoid-version -shrext .so -export-symbols-regex _LTX_berth_plugin\$\$ -Wl,-z,now -Wl,-z,noexecstack"
    AC_SUBST([BERTH_PLUGIN_LDFLAGS])
])
