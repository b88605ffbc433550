#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What podman 5.4 kept in db.sql, and what podman 4.3 kept in bolt_state.db, moved through
# other stores and given to the podman of this host, which reads bolt_state.db.
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-state.sh"
need_stores boltdb sqlite lmdb
command -v podman >/dev/null || { echo "needs podman"; exit 77; }
case $(podman --version) in
"podman version 4."*) ;;
*) echo "needs podman 4, which keeps its state in bolt_state.db"; exit 77 ;;
esac

give_podman() { give "$@" boltdb root/libpod/bolt_state.db; }
p() { podman --root "$C/root" --runroot "$C/run" --tmpdir "$C/tmp" "$@" 2>/dev/null; }

for via in sqlite lmdb; do
	give_podman sqlite podman-5.4/db.sql $via
	is "containers" "5aab6ff1c1e8-infra bare-1 exited3 hosty mapped multi never out0 pod-a pod-b pod-init sidecar web " \
		"$(p ps -a --format '{{.Names}}' | LC_ALL=C sort | words)"
	is "networks" "backnet podman " "$(p ps -a --filter name=multi --format '{{.Networks}}' | tr , '\n' | sort | words)"
	is "pods" "bare web-pod " "$(p pod ps --format '{{.Name}}' | sort | words)"
	is "members" 4 "$(p ps -aq --filter pod=web-pod | wc -l)"
	is "volumes" 12 "$(p volume ls -q | wc -l)"
	is "a volume" "My_Vol" "$(p volume inspect --format '{{.Name}}' My_Vol)"
	rc "one that is needed stays" 125 p rm web
	rc "remove containers" 0 p rm hosty sidecar multi
	rc "remove a pod" 0 p pod rm -f web-pod
	is "the rest is there" "bare-1 exited3 mapped never out0 web " "$(p ps -a --format '{{.Names}}' | sort | words)"
done

give_podman boltdb podman-4.3/bolt_state.db sqlite
is "containers of podman 4.3" 15 "$(p ps -aq | wc -l)"
is "its pods" "pod-a pod-b " "$(p pod ps --format '{{.Name}}' | sort | words)"
is "its volumes" "cache d1aeca0f74a9a9b502f49a5b3711343421dff8cfcaf343992d037235038288d9 data imgvol scratch " "$(p volume ls -q | sort | words)"
is "its networks" "db-net plain-net web-net " "$(p ps -a --filter name=app --format '{{.Networks}}' | tr , '\n' | sort | words)"
is "a container in a namespace" "nsctr" "$(p --namespace prod ps -a --format '{{.Names}}')"
rc "remove one with dependents" 0 p rm worker
rc "remove a pod" 0 p pod rm -f pod-a
finish
