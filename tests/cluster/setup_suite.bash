# SPDX-License-Identifier: Apache-2.0
# One cluster for all files of a run. $NSP_CLUSTER_NODES: its nodes, "n1 n2" if unset, none if empty. A cluster that
# up.sh keeps for a developer is used as it is: `source READY` first.
# shellcheck shell=bash

setup_suite() {
    [[ -z ${CLUSTER:-} ]] || return 0
    local here ready nodes
    here=$(dirname "${BASH_SOURCE[0]}")
    ready=$BATS_RUN_TMPDIR/cluster
    read -ra nodes <<<"${NSP_CLUSTER_NODES-n1 n2}"
    setsid "$here/up.sh" "$ready" "${nodes[@]}" >"$ready.log" 2>&1 </dev/null 3>&- &
    export CLUSTER_KEEPER=$!
    while [[ ! -e $ready ]]; do
        kill -0 "$CLUSTER_KEEPER" 2>/dev/null || {
            cat "$ready.log" >&2
            return 1
        }
        read -rt 0.1 <> <(:) || true
    done
    # shellcheck source=/dev/null
    source "$ready"
}

teardown_suite() {
    [[ -n ${CLUSTER_KEEPER:-} ]] || return 0
    kill "$CLUSTER_KEEPER" 2>/dev/null
    while kill -0 "$CLUSTER_KEEPER" 2>/dev/null; do
        read -rt 0.1 <> <(:) || true
    done
}
