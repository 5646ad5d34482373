#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Kubernetes on this machine: a control plane and nodes, in namespaces and cgroups of their own. Stays until it
# gets INT or TERM and then removes all of it; what one that was killed has left, the next run of any test removes.
#
#   up.sh READY [NODE]...      nodes are called n1, n2 ...; without one: only etcd and the API server. READY: a file
#                              written when the cluster is up. Then `source tests/cluster/control.bash; source READY`:
#                              k is kubectl.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../support/env.bash"
source "$here/control.bash"
source "$here/node.bash"
source "$here/nsp.bash"

ready=${1:?a file to write when the cluster is up}
shift
tmp_make
CLUSTER=$NSP_TMP
CLUSTER_ID=$NSP_ID
mkdir -p "$CLUSTER"/{bin,log,pids,pki,etcd}
groups=(control)
(($# == 0)) || groups+=(node containerd cni flannel coredns)
"$here/programs/build.sh" "$CLUSTER/bin" "${groups[@]}"
control_up "$@"
nsp_install
if (($#)); then
    controllers_start
    nodes_up "$@"
fi
printf 'export CLUSTER=%q CLUSTER_ID=%q\n' "$CLUSTER" "$CLUSTER_ID" >"$ready.new"
mv "$ready.new" "$ready"
sleep infinity &
on_exit "kill $!"
wait $!
