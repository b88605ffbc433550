dnl SPDX-License-Identifier: Apache-2.0
dnl Macros of this project's own configure.ac.

dnl BERTH_TRY_FLAG(VARIABLE, FLAG): append FLAG to VARIABLE if the compiler takes it.
AC_DEFUN([BERTH_TRY_FLAG], [
    AS_VAR_PUSHDEF([berth_cache], [berth_cv_flag_$2])
    AC_CACHE_CHECK([whether $CC accepts $2], [berth_cache], [
        berth_saved=$CFLAGS
        CFLAGS="$CFLAGS -Werror $2"
        AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([berth_cache], [yes])],
            [AS_VAR_SET([berth_cache], [no])])
        CFLAGS=$berth_saved
    ])
    AS_VAR_IF([berth_cache], [yes], [$1="$$1 $2"])
    AS_VAR_POPDEF([berth_cache])
])

AC_DEFUN([BERTH_COMPILER_FLAGS], [
    BERTH_CFLAGS="-std=gnu11 -fvisibility=hidden"
    BERTH_CPPFLAGS=
    BERTH_LDFLAGS=
    dnl A program that waits for others most of the time: small rather than aligned.
    m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
        -Wold-style-definition -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wcast-qual
        -Wwrite-strings -Wimplicit-fallthrough -Wdate-time
        -Wduplicated-cond -Wlogical-op -Wno-missing-field-initializers
        -fstack-protector-strong -fstack-clash-protection -fcf-protection
        -ffunction-sections -fdata-sections
        -falign-functions=1 -falign-jumps=1 -falign-labels=1 -falign-loops=1],
        [BERTH_TRY_FLAG([BERTH_CFLAGS], m4_defn([flag]))])
    dnl Nothing is thrown through our frames, and debuggers have .debug_frame: a tenth of the
    dnl program less.  Sanitizers print traces without debug information, too.
    AS_IF([test "x$enable_sanitizers" = xno && test "x$enable_fuzzing" = xno],
        [BERTH_TRY_FLAG([BERTH_CFLAGS], [-fno-asynchronous-unwind-tables])])
    dnl glibc warns when fortifying without optimisation or under a sanitizer.
    AS_IF([test "x$enable_sanitizers" = xno && test "x$enable_fuzzing" = xno],
        [AS_CASE([" $CFLAGS "], [*" -O0 "*], [], [*FORTIFY*], [],
            [BERTH_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
         BERTH_TRY_FLAG([BERTH_LDFLAGS], [-Wl,-z,defs])])
    m4_foreach_w([flag], [-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
        -Wl,--gc-sections -Wl,-z,pack-relative-relocs],
        [BERTH_TRY_FLAG([BERTH_LDFLAGS], m4_defn([flag]))])
    PLUGIN_LDFLAGS="-shrext .so -Wl,-z,nodelete"
])

dnl BERTH_PLUGIN_SWITCH(KIND, NAME, [PKG-CONFIG MODULE], PACKAGE)
dnl Adds --enable-KIND-NAME=yes|no|builtin, with conditionals <KIND>_<NAME>_MODULE,
dnl _BUILTIN and _ON, and a line for the closing table.  Without the switch, a
dnl plugin is built when its library is there (with --disable-shared: linked in);
dnl asked for by name, a missing library is an error.
AC_DEFUN([BERTH_PLUGIN_SWITCH], [
    m4_pushdef([UP], m4_toupper([$1_$2]))
    AC_ARG_ENABLE([$1-$2],
        [AS_HELP_STRING([--enable-$1-$2=yes|no|builtin], [$1 plugin $2: a .so, left out, or linked in])],
        [berth_asked=yes], [berth_asked=no; enable_$1_$2=yes])
    AS_CASE([$enable_$1_$2], [yes|no|builtin], [],
        [AC_MSG_ERROR([--enable-$1-$2 takes yes, no or builtin, not "$enable_$1_$2"])])
    AS_IF([test "x$enable_shared" = xno && test "x$enable_$1_$2" = xyes],
        [AS_IF([test $berth_asked = yes],
            [AC_MSG_ERROR([--enable-$1-$2=yes makes a .so, which --disable-shared forbids: say builtin or no])])
         enable_$1_$2=builtin])
    berth_lib="-"
    m4_ifnblank([$3], [
        AS_IF([test "x$enable_$1_$2" != xno], [
            PKG_CHECK_MODULES(UP, [$3], [
                berth_lib="m4_car(m4_unquote(m4_split([$3]))) `$PKG_CONFIG --modversion m4_car(m4_unquote(m4_split([$3])))`"
            ], [
                AS_IF([test $berth_asked = yes],
                    [AC_MSG_ERROR([$1 plugin "$2" was asked for, but its library ($3) is not there])])
                enable_$1_$2=no
                berth_lib="$3 not found"
            ])
        ])
    ])
    AM_CONDITIONAL(UP[_MODULE], [test "x$enable_$1_$2" = xyes])
    AM_CONDITIONAL(UP[_BUILTIN], [test "x$enable_$1_$2" = xbuiltin])
    AM_CONDITIONAL(UP[_ON], [test "x$enable_$1_$2" != xno])
    AS_CASE([$enable_$1_$2], [no], [], [berth_have_$1="$berth_have_$1 $2"])
    AS_CASE([$enable_$1_$2], [builtin], [berth_builtin="$berth_builtin X($1_$2)"])
    BERTH_PACKAGES="$BERTH_PACKAGES $1_$2:$4"
    berth_summary="$berth_summary
`printf '  %-14s %-8s %-22s %s' $1_$2 "$enable_$1_$2" "$berth_lib" $4`"
    m4_popdef([UP])
])

dnl BERTH_DEFAULT(KIND, NAME): --with-default-KIND=NAME
AC_DEFUN([BERTH_DEFAULT], [
    AC_ARG_WITH([default-$1],
        [AS_HELP_STRING([--with-default-$1=NAME], [$1 plugin used when the configuration names none ($2)])],
        [], [with_default_$1=$2])
    AS_CASE([" $berth_have_$1 "], [*" $with_default_$1 "*], [],
        [AC_MSG_WARN([the default $1 plugin "$with_default_$1" is not among those built here])])
    AC_DEFINE_UNQUOTED(m4_toupper([BERTH_DEFAULT_$1]), ["$with_default_$1"], [Default $1 plugin])
])

AC_DEFUN([BERTH_SUMMARY], [
    cat <<EOF

berth $PACKAGE_VERSION: plugin, how it is built, library, package that would hold it
$berth_summary

  defaults: state $with_default_state, lock $with_default_lock, oci $with_default_oci, net $with_default_net
  prefix $prefix, sanitizers $enable_sanitizers, fuzzing $enable_fuzzing, unit tests $have_check
EOF
])
