#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mounts the roots of containers in a private mount namespace.  Needs root.
set -eu

[ "$(id -u)" = 0 ] || { echo "storage_rootfs: needs root"; exit 77; }
unshare -m true 2>/dev/null || { echo "storage_rootfs: no mount namespace may be made here"; exit 77; }
# Not on a tmpfs or overlay, so that a mount of one can be told.
work=$(mktemp -d /var/tmp/storage-rootfs.XXXXXX)
trap 'rm -rf "$work"' EXIT
case $(stat -f -c %T "$work") in
tmpfs | overlayfs) echo "storage_rootfs: /var/tmp is a $(stat -f -c %T "$work")"; exit 77 ;;
esac
unshare -m --propagation private "${VALGRIND:-env}" "${top_builddir:-.}/tests/compat/storage_rootfs" "$work"
