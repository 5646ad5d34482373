#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# On the host's veth the plugin is one of several: it runs first, allows without deciding for the others, and takes off
# nothing but its own.
source "$BATS_TEST_DIRNAME/fixture.bash"

setup_file() {
    load_datapath
}

setup() {
    pod_make_veth a
    HOST=$(host_if a)
    ip addr add 10.7.0.1/24 dev "$HOST"
    ip -n "$(ns_name a)" addr add 10.7.0.2/24 dev eth0
    OPEN=$(conf a '.failurePolicy = "Ignore"')
    on_exit "ip addr del 10.7.0.1/24 dev $HOST 2>/dev/null"
}

# ping_host: from a process of the pod, once.
ping_host() {
    in_cgroup a ip netns exec "$(ns_name a)" ping -c 1 -W 1 -q 10.7.0.1 >/dev/null
}

# Older kernels have clsact alone.
has_tcx() {
    [[ $(printf '%s\n' 6.6 "$(uname -r)" | sort -V | head -n 1) == 6.6 ]]
}

# A neighbour's program, in the classic bytecode that tc takes: foreign ingress|egress PRIORITY BYTECODE.
DROP='1,6 0 0 2'
ALLOW='1,6 0 0 0'
foreign() {
    tc filter add dev "$HOST" "$1" pref "$2" protocol all bpf da bytecode "$3"
}

# expect_both_ways: by tcx links, which old tools do not show, or as expect_attached says.
expect_both_ways() {
    if [[ $(attachment a | jq .flags) == 4 ]]; then
        [ "$(find "$PINS/links" -type f | wc -l)" -eq 2 ]
    else
        expect_attached a
    fi
    succeed CHECK a <<<"$OPEN"
}

# filters: all on the device, without counters.
filters() {
    tc filter show dev "$HOST" ingress
    tc filter show dev "$HOST" egress
    tc qdisc show dev "$HOST"
}

@test "an operator sees our programs by name in tc, bpftool net and bpftool cgroup tree" {
    succeed ADD a <<<"$(conf a)"
    tc filter show dev "$HOST" ingress | grep nsp_from_pod
    tc filter show dev "$HOST" egress | grep nsp_to_pod
    bpftool net show dev "$HOST" | grep nsp_from_pod
    bpftool cgroup tree "$(cgroup_path a)" | grep nsp_connect4
}

@test "what we allow a neighbour behind us may still drop" {
    succeed ADD a <<<"$OPEN"
    ping_host
    foreign ingress 7 "$DROP"
    run ping_host
    [ "$status" -ne 0 ]
    tc filter del dev "$HOST" ingress pref 7
    ping_host
}

@test "T10: what we refuse a neighbour's program at priority 1 cannot allow" {
    tc qdisc add dev "$HOST" clsact
    foreign ingress 1 "$ALLOW"
    foreign egress 1 "$ALLOW"
    ping_host
    succeed ADD a <<<"$(conf a)"
    [ "$(tc_programs a ingress | head -n 1)" == nsp_from_pod ]
    run ping_host
    [ "$status" -ne 0 ]
    succeed DEL a <<<"$(conf a)"
    ping_host
}

@test "T10: what we refuse a neighbour's filter of another kind at priority 1 cannot allow" {
    tc qdisc add dev "$HOST" clsact
    tc filter add dev "$HOST" ingress pref 1 protocol all u32 match u32 0 0 flowid 1:1
    ping_host
    succeed ADD a <<<"$(conf a)"
    if has_tcx; then
        expect_both_ways
        run ping_host
        [ "$status" -ne 0 ]
    else
        [ "$(tc_programs a ingress)" == nsp_from_pod ]
    fi
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
    ping_host
}

@test "another tool's ingress qdisc gets no program of the other direction" {
    tc qdisc add dev "$HOST" ingress
    succeed ADD a <<<"$OPEN"
    [ -z "$(tc filter show dev "$HOST" egress)" ]
    run -0 tc filter show dev "$HOST" parent ffff:
    [[ "$output" != *nsp_to_pod* ]]
    if has_tcx; then
        expect_both_ways
    else
        [[ "$stderr" == *"ingress qdisc"* ]]
        [ "$(attachment a | jq .flags)" -eq 1 ]
    fi
    ping_host
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
    tc qdisc show dev "$HOST" | grep "qdisc ingress"
}

@test "T9: links stay when a neighbour deletes clsact" {
    has_tcx || return 0 # there are none
    tc qdisc add dev "$HOST" clsact
    tc filter add dev "$HOST" ingress pref 1 protocol all u32 match u32 0 0 flowid 1:1
    succeed ADD a <<<"$(conf a)"
    tc qdisc del dev "$HOST" clsact
    run ping_host
    [ "$status" -ne 0 ]
    succeed CHECK a <<<"$(conf a)"
}

@test "a link of a veth that is gone is unpinned by DEL" {
    tc qdisc add dev "$HOST" ingress
    succeed ADD a <<<"$(conf a)"
    ip link delete "$HOST"
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
}

@test "filters and qdiscs of others are there after our DEL as they were before our ADD" {
    local before
    tc qdisc add dev "$HOST" clsact
    foreign ingress 7 "$DROP"
    foreign egress 1 "$ALLOW"
    tc filter add dev "$HOST" ingress pref 9 protocol ip u32 match u32 0 0 flowid 1:1
    before=$(filters)
    succeed ADD a <<<"$(conf a)"
    succeed DEL a <<<"$(conf a)"
    [ "$(filters)" == "$before" ]
}

@test "packets from the pod count as egress and packets to it as ingress" {
    local slot
    succeed ADD a <<<"$OPEN"
    slot=$(attachment a | jq .slot)
    packets() {
        bpftool -j map dump pinned "$PINS/nsp_traffic" | jq --argjson slot "$slot" --argjson direction "$1" '
            [.[] | .formatted // . | select(.key == $slot) | .values[].value.packets[$direction]] | add'
    }
    ping_host
    expect "packets each way: $(packets 0), $(packets 1)" [ "$(packets 0)" -gt 0 -a "$(packets 1)" -gt 0 ]
    local egress
    egress=$(packets 0)
    in_cgroup a ip netns exec "$(ns_name a)" bash -c 'for i in {1..10}; do echo x >/dev/udp/10.7.0.1/9; done' || true
    [ "$(packets 0)" -ge $((egress + 10)) ]
}
