#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Taking everything down again: nothing of ours stays, nothing of others goes, and the pods are free.
source "$BATS_TEST_DIRNAME/lib.bash"

setup() {
    node_up
    pod_up server /usr/bin/probe serve 7000
    pod_up client /bin/busybox sleep 1000000
    addresses_export server
    profile client <<END
  processes: []
END
    wait_for 5 is_promoted
    pods_bpf >"$NSP_TMP.bpf"
}

# On kernels with tcx policyd takes the clsact filters off again, once it has links in their place.
is_promoted() {
    pods_nspctl status -o json | jq -e '.attach | .clsact == 0 or .kernel_has_tcx == false'
}

teardown() {
    rm -f "$NSP_TMP.bpf"
    node_down
}

attached() {
    bpftool cgroup tree "$PODS_CGROUP" | grep nsp_
}

# By clsact; what is attached by tcx is a link, which pods_bpf lists.
attached_tc() {
    local link
    for link in $(pods_node ip -j link show type veth | jq -r '.[].ifname'); do
        pods_node tc filter show dev "$link" ingress
        pods_node tc filter show dev "$link" egress
    done | grep nsp_
}

nothing_attached() {
    ! attached && ! attached_tc
}

# gone FILE: none of the programs, maps and links is in the kernel any more.
gone() {
    local kind id
    while read -r kind id; do
        ! bpftool "$kind" show id "$id" >/dev/null 2>&1 || return
    done <"$1"
}

@test "policyd --remove leaves no pin, filter, link or program, and frees the pods" {
    [[ $(wc -l <"$NSP_TMP.bpf") -ge 30 ]]
    attached
    attached_tc || [[ $(grep -c '^link' "$NSP_TMP.bpf") == 4 ]]
    [[ $(probe client probe tcp "$SERVER4" 7000) == "connect EPERM" ]]
    pods_policyd_stop
    [[ $(probe client probe tcp "$SERVER4" 7000) == "connect EPERM" ]]
    pods_remove
    [[ ! -e $PODS_PINS ]]
    nothing_attached
    wait_for 10 gone "$NSP_TMP.bpf"
    [[ $(probe client probe tcp "$SERVER4" 7000) == ok ]]
    # A pod that ends afterwards does so without a word.
    pod_delete client
}

@test "policyd --remove twice, and with nothing there, is no error" {
    pods_policyd_stop
    pods_remove
    "$NSP_BUILD/policyd" --remove --bpffs "$PODS_PINS"
    "$NSP_BUILD/policyd" --remove --bpffs "$PODS_PINS"
}

@test "filters of others on the same veth stay" {
    local link
    link=$(jq -r '.interfaces[] | select(.name | startswith("veth")).name' "$PODS_DIR/pods/client/result")
    pods_node tc qdisc add dev "$link" clsact 2>/dev/null || true
    pods_node tc filter add dev "$link" ingress prio 77 protocol all bpf bytecode '1,6 0 0 0,'
    pods_policyd_stop
    pods_remove
    pods_node tc filter show dev "$link" ingress | grep -q 'pref 77 bpf.* bytecode'
}

@test "after DEL of all pods and --remove nothing at all of this node is left" {
    pods_end
    wait_for 10 gone "$NSP_TMP.bpf"
    [[ -z $(pods_leftovers "$NSP_TMP.bpf") ]]
}
