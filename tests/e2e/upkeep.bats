#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What somebody else takes off: policyd notices, and no pod is free by it while its processes live.
source "$BATS_TEST_DIRNAME/lib.bash"

CGROUP_PROGRAMS=10

setup_file() {
    node_up
    node_serve 7000
}

teardown_file() {
    node_serve_end
    node_down
}

# A pod of its own for each test: the bridge plugin leaves rules behind of an eth0 that was deleted.
setup() {
    POD=web$BATS_TEST_NUMBER
    pod_up "$POD" /bin/busybox sleep 1000000
    addresses_export "$POD"
    profile "$POD" enforce <<END
  processes: []
END
    wait_for 5 field_is "$POD" .mode enforce
    VETH=$(pod_json "$POD" | jq -r '.attachments[0].veth')
}

teardown() {
    rm -f "$PODS_MANIFESTS"/*-"$POD".yaml
    [[ ! -d $PODS_DIR/pods/$POD ]] || pod_delete "$POD"
}

field_is() {
    local got
    got=$(pod_json "$1" | jq -r "$2")
    [[ $got == "$3" ]] || {
        echo "$2 is $got, expected $3"
        return 1
    }
}

# On the pod's cgroup itself.
cgroup_programs() {
    bpftool -j cgroup show "$PODS_CGROUP/$POD" | jq -s 'flatten | map(select(.name | startswith("nsp_"))) | length'
}

logged() {
    grep -q "$1" "$PODS_DIR/policyd.log"
}

# A change of links, for policyd to look by.
stir() {
    pods_node ip link add stir type veth peer name stirred
    pods_node ip link delete stir
}

@test "a pod that deletes its eth0 keeps the programs on its cgroup, until that is gone" {
    ip -n "${PODS_ID}$POD" link delete eth0
    wait_for 10 logged "veth=$VETH is gone, the pod's cgroup is not"
    [[ $(cgroup_programs) == "$CGROUP_PROGRAMS" ]]
    field_is "$POD" .state READY
    field_is "$POD" .mode enforce
    [[ $(probe "$POD" probe tcp "$NODE4" 7000) == "connect EPERM" ]]
    # No DEL comes.
    pods_runc delete -f "$(container_id "$POD/main")"
    pods_cgroup_remove "$PODS_CGROUP/$POD"
    stir
    wait_for 10 field_is "$POD" .state ""
}

# bpftool of Linux 6.1 shows no tcx: CHECK asks the kernel.
is_attached() {
    pod_cni CHECK "$POD"
}

# Where the kernel has tcx, the links go first, which nobody is told of.
take_off_veth() {
    local pin
    for pin in "$PODS_PINS"/links/*; do
        [[ ! -e $pin ]] || pods_node bpftool link detach pinned "$pin"
    done
    pods_node tc qdisc delete dev "$VETH" clsact
}

is_settled() {
    pods_nspctl status -o json | jq -e '.attach | .clsact == 0 or .kernel_has_tcx == false'
}

@test "T9: what is taken off a veth is attached again when its qdisc goes" {
    wait_for 10 is_settled
    take_off_veth
    # Policyd may be faster than a look at what is missing, but it says only what it has found missing.
    wait_for 10 logged "pod=default/$POD veth=$VETH was taken off by somebody; attached again"
    is_attached
}

@test "programs that are taken off a pod's cgroup are attached again at the next look" {
    wait_for 10 is_settled
    bpftool cgroup detach "$PODS_CGROUP/$POD" cgroup_inet4_connect pinned "$PODS_PINS/nsp_connect4"
    [[ $(cgroup_programs) == $((CGROUP_PROGRAMS - 1)) ]]
    stir
    wait_for 10 cgroup_is_whole
    wait_for 5 logged "pod=default/$POD veth=$VETH was taken off by somebody; attached again"
    [[ $(probe "$POD" probe tcp "$NODE4" 7000) == "connect EPERM" ]]
}

cgroup_is_whole() {
    [[ $(cgroup_programs) == "$CGROUP_PROGRAMS" ]]
}

# What each pin leads to. That of nsp_cgroup, a storage, is asked for like any other map.
pins_listed() {
    local pin
    for pin in "$PODS_PINS"/nsp_*; do
        echo "${pin##*/} $(bpftool -j prog show pinned "$pin" 2>/dev/null | jq .id)" \
            "$(bpftool -j map show pinned "$pin" 2>/dev/null | jq .id)"
    done
}

# all_is_back TEXT: $PODS_DIR/pins are pinned, cgroup and veth have their programs, and status says so.
all_is_back() {
    diff <(pins_listed) "$PODS_DIR/pins" && cgroup_is_whole && is_attached && tampering_says "$1"
}

tampering_says() {
    pods_nspctl status -o json | jq -e --arg text "$1" '
        .tampering.count > 0 and any(.problems[]; .text | contains($text)) or error("\(.tampering) \(.problems)")'
}

another_policyd() {
    pods_node "$NSP_BUILD/policyd" --manifests "$PODS_MANIFESTS" --bpffs "$PODS_PINS" --socket "$PODS_DIR/b.sock" \
        --cni-socket "$PODS_DIR/b-cni.sock"
}

@test "T91: pins and programs that are unlinked, replaced or taken off, of which nobody is told, are put back in 30 s" {
    local other
    wait_for 10 is_settled
    pins_listed >"$PODS_DIR/pins"
    (($(wc -l <"$PODS_DIR/pins") > 40))
    rm "$PODS_PINS/nsp_connect4" "$PODS_PINS/nsp_pods" "$PODS_PINS/nsp_sendmsg4" "$PODS_PINS/nsp_flows"
    bpftool prog pin id "$(bpftool -j prog show pinned "$PODS_PINS/nsp_bind4" | jq .id)" "$PODS_PINS/nsp_sendmsg4"
    other=$(bpftool -j map show pinned "$PODS_PINS/nsp_ids" | jq .id)
    bpftool map pin id "$other" "$PODS_PINS/nsp_flows"
    bpftool cgroup detach "$PODS_CGROUP/$POD" cgroup_inet6_connect pinned "$PODS_PINS/nsp_connect6"
    for other in "$PODS_PINS"/links/*-in; do
        [[ ! -e $other ]] || pods_node bpftool link detach pinned "$other"
    done
    wait_for 30 all_is_back "pod=default/$POD veth=$VETH was taken off by somebody; attached again"
    logged "pin=$PODS_PINS/nsp_.* by somebody, one of 4; pinned again"
    [[ $(probe "$POD" probe tcp "$NODE6" 7000) == "connect EPERM" ]]
}

@test "T91: the whole pin directory comes back, with its lock, when somebody removes it" {
    wait_for 10 is_settled
    pins_listed >"$PODS_DIR/pins"
    rm -r "$PODS_PINS"
    stir
    wait_for 10 all_is_back "veth=$VETH was taken off by somebody; attached again"
    logged "directory=$PODS_PINS was removed by somebody; all is pinned again"
    run another_policyd
    [[ $status != 0 && $output == *"another policyd is running with it"* ]]
    [[ $(stat -c %a "$PODS_PINS" "$PODS_PINS/links" "$PODS_PINS/nsp_connect4" | xargs) == "700 700 600" ]]
    [[ $(probe "$POD" probe tcp "$NODE4" 7000) == "connect EPERM" ]]
    pod_up late /bin/busybox sleep 1000000
    pod_delete late
}
