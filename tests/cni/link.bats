#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The host's end of a pod's interface is what the kernel says it is, whatever the previous result says.
source "$BATS_TEST_DIRNAME/fixture.bash"

setup_file() {
    load_datapath
}

# ifindex_here IFNAME
ifindex_here() {
    cat "/sys/class/net/$1/ifindex"
}

# expect_cgroup_only NAME: recorded without an interface, and judged at the sockets.
expect_cgroup_only() {
    expect "$1 is recorded without an interface" [ "$(attachment "$1" | jq .ifindex)" -eq 0 ]
    expect "all programs on the cgroup of $1" [ "$(cgroup_programs "$1")" -eq $CGROUP_PROGRAMS ]
    expect "no entry in nsp_ifs" [ "$(map_count nsp_ifs)" -eq 0 ]
}

@test "the veth is found and not the bridge that is listed first" {
    pod_make_veth a
    ip link add "$(host_if br)" type bridge
    succeed ADD a <<<"$(conf a ".prevResult.interfaces[0].name = \"$(host_if br)\"")"
    expect_attached a
    [ "$(attachment a | jq -r .host_ifname)" == "$(host_if a)" ]
    [ "$(attachment a | jq .ifindex)" -eq "$(ifindex_here "$(host_if a)")" ]
    [ -z "$(tc_programs br ingress)" ]
}

@test "a result that names only the host's side (Calico) is enough" {
    pod_make_veth a
    succeed ADD a <<<"$(conf a '.prevResult.interfaces = [{name: "cali1234"}]
        | .prevResult.ips = [{address: "10.7.0.9/32"}]')"
    expect_attached a
    pod_record a | jq -e '.addresses[0:.address_count] | any(. == [0,0,0,0,0,0,0,0,0,0,255,255,10,7,0,9])'
}

@test "a result with dummy interfaces and numbers for sandboxes (AWS) is enough" {
    pod_make_veth a
    succeed ADD a <<<"$(conf a "$(at 0.4.0)"' | .prevResult.interfaces += [{name: "dummy1", mac: "0", sandbox: "0"}]')"
    expect_attached a
}

@test "another host interface in the result (bandwidth's ifb) is left alone" {
    pod_make_veth a
    ip link add "$(host_if ifb)" type ifb
    succeed ADD a <<<"$(conf a ".prevResult.interfaces += [{name: \"$(host_if ifb)\"}]")"
    expect_attached a
    [ -z "$(tc_programs ifb ingress)" ]
}

@test "a veth that was renamed since the result is found" {
    pod_make_veth a
    local text
    text=$(conf a)
    ip link set "$(host_if a)" name "$(host_if n)"
    succeed ADD a <<<"$text"
    [ "$(attachment a | jq -r .host_ifname)" == "$(host_if n)" ]
    [ "$(tc_programs n ingress)" == nsp_from_pod ]
}

@test "of a pod with two interfaces the one in CNI_IFNAME is attached" {
    pod_make_veth a
    veth_pair - "$(host_if n)" a net1
    succeed ADD a CNI_IFNAME=net1 <<<"$(conf a)"
    [ "$(tc_programs n ingress)" == nsp_from_pod ]
    [ -z "$(tc_programs a ingress)" ]
}

@test "two interfaces of a pod share its slot, and the cgroup is released with the last" {
    pod_make_veth a
    veth_pair - "$(host_if n)" a net1
    succeed ADD a <<<"$(conf a)"
    succeed ADD a CNI_IFNAME=net1 <<<"$(conf a)"
    [ "$(pods_count)" -eq 1 ]
    [ "$(map_count nsp_attached)" -eq 2 ]
    [ "$(pod_record a | jq .attachments)" -eq 2 ]
    succeed DEL a <<<"$(conf a)"
    [ "$(cgroup_programs a)" -eq $CGROUP_PROGRAMS ]
    [ "$(tc_programs n ingress)" == nsp_from_pod ]
    succeed DEL a CNI_IFNAME=net1 <<<"$(conf a)"
    expect_nothing a
}

@test "a veth whose peer is in a third namespace is not taken for the host's device of that index" {
    pod_make a
    ns_make far
    ns_make other
    local index=$((100000 + $$ * 2))
    ip link add eth0 index $index netns "$(ns_name a)" \
        type veth peer name far0 index $((index + 1)) netns "$(ns_name far)"
    # As alike as can be: the index of the peer, and its other end has that of the pod's. Only the namespace differs.
    ip link add "$(host_if x)" index $((index + 1)) \
        type veth peer name eth0 index $index netns "$(ns_name other)"
    succeed ADD a <<<"$(conf a)"
    expect_cgroup_only a
    [ -z "$(tc_programs x ingress)" ]
}

@test "a veth with both ends in the pod has no end here" {
    pod_make a
    veth_pair a eth0 a eth1
    succeed ADD a <<<"$(conf a)"
    expect_cgroup_only a
}

@test "T13: a macvlan pod is judged at its sockets, refused or left alone, as nonVeth says" {
    pod_make a
    ip link add "$(host_if p)" type veth peer name "$(host_if q)"
    ip link add "$(host_if m)" link "$(host_if p)" type macvlan
    ip link set "$(host_if m)" netns "$(ns_name a)" name eth0
    succeed ADD a <<<"$(conf a)"
    expect_cgroup_only a
    succeed CHECK a <<<"$(conf a)"
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
    fail_with 100-199 ADD a <<<"$(conf a '.nonVeth = "fail"')"
    [[ "$output" == *macvlan* ]]
    expect_nothing a
    succeed ADD a <<<"$(conf a '.nonVeth = "ignore"')"
    [ "$(jq .ips <<<"$output")" == "$(conf a | jq .prevResult.ips)" ]
    expect_nothing a
    succeed CHECK a <<<"$(conf a '.nonVeth = "ignore"')"
}

@test "a namespace without that interface is refused and nothing is left" {
    pod_make a
    fail_with 100-199 ADD a <<<"$(conf a)"
    [[ "$output" == *eth0* ]]
    expect_nothing a
}

@test "the addresses of the pod are those the kernel has, link-local and tentative too, and the result's" {
    pod_make_veth a
    ip -n "$(ns_name a)" addr add 10.7.0.3/24 dev eth0
    ip -n "$(ns_name a)" addr add fd00::3/64 dev eth0
    ip -n "$(ns_name a)" addr add fe80::3/64 dev eth0
    ip -n "$(ns_name a)" addr add 127.0.0.9/8 dev lo
    succeed ADD a <<<"$(conf a)"
    local want='[[0,0,0,0,0,0,0,0,0,0,255,255,10,7,0,2], [0,0,0,0,0,0,0,0,0,0,255,255,10,7,0,3],
        [253,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3], [254,128,0,0,0,0,0,0,0,0,0,0,0,0,0,3]]'
    # shellcheck disable=SC2016
    expect "these addresses: $(pod_record a)" jq -e --argjson want "$want" '
        .addresses[0:.address_count] as $are
        | ($want - $are == []) and ($are | any(.[10] == 255 and .[12] == 127) | not)' <<<"$(pod_record a)"
    [ "$(pod_record a | jq -c .mac)" == "$(in_ns a cat /sys/class/net/eth0/address | tr : '\n' |
        while read -r byte; do echo $((16#$byte)); done | jq -sc .)" ]
}

@test "more addresses than are recorded are a warning, not a failure" {
    pod_make_veth a
    local i
    for i in {10..20}; do
        ip -n "$(ns_name a)" addr add "10.7.0.$i/24" dev eth0
    done
    succeed ADD a <<<"$(conf a)"
    [[ "$stderr" == *"addresses more than"* ]]
    expect_attached a
}

@test "the plugin's own namespace is taken where CNI_NETNS_OVERRIDE says so" {
    pod_make_veth a
    # The plugin runs inside the pod: eth0's other end is then somewhere else.
    fail_with 8 ADD a CNI_NETNS=/proc/self/ns/net <<<"$(conf a)"
    succeed ADD a CNI_NETNS=/proc/self/ns/net CNI_NETNS_OVERRIDE=1 CNI_IFNAME=lo <<<"$(conf a)"
    expect_cgroup_only a
}
