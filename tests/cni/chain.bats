#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The plugin behind the real ones. A namespace of its own plays the host, so that bridges, addresses and iptables rules
# meet nobody else's.
source "$BATS_TEST_DIRNAME/fixture.bash"

setup_file() {
    load_datapath
}

setup() {
    tmp_make
    ns_make host
    pod_make a
    recorder_make
    CNI_PATH+=:$NSP_TMP
    CAP_ARGS=$(jq -n --arg pod "/${NSP_ID}a" '{
        cgroupPath: $pod,
        bandwidth: {ingressRate: 8000000, ingressBurst: 80000, egressRate: 8000000, egressBurst: 80000},
        portMappings: [{hostPort: 8080, containerPort: 80, protocol: "tcp"}]
    }')
    export CAP_ARGS
}

# The plugin `recorder`: keeps what it was given, and passes it on.
recorder_make() {
    cat >"$NSP_TMP/recorder" <<END
#!/bin/bash
cat >"$NSP_TMP/recorded-\$CNI_COMMAND"
[[ \$CNI_COMMAND != ADD ]] || jq .prevResult "$NSP_TMP/recorded-ADD"
END
    chmod +x "$NSP_TMP/recorder"
}

# on_host CMD...: its network, our filesystems.
on_host() {
    nsenter --net="$(ns_path host)" "$@"
}

# chain COMMAND PLUGIN...: runs that list of plugins for pod a; each is JSON.
chain() {
    local command=$1 plugins
    shift
    plugins=$(printf '%s\n' "$@" | jq -s .)
    jq -n --arg net "$NET" --argjson plugins "$plugins" '{cniVersion: "1.0.0", name: $net, plugins: $plugins}' \
        >"$NSP_TMP/list.conflist"
    on_host "$NSP_ROOT/tests/support/cni-chain.sh" "$command" "$NSP_TMP/list.conflist" c-a "$(ns_path a)" eth0
}

# plugin_bridge, plugin_ptp, plugin_nsp: entries of the list. IPv6 costs seconds of duplicate address detection.
# ipam [RANGE]: with that range too.
ipam() {
    jq -n --arg folder "$NSP_TMP/ipam" --argjson more "[${1:-}]" '{type: "host-local", dataDir: $folder,
        ranges: ([[{subnet: "10.7.0.0/24"}]] + $more), routes: [{dst: "0.0.0.0/0"}]}'
}

plugin_bridge() {
    echo "{\"type\": \"bridge\", \"bridge\": \"cni0\", \"isGateway\": true, \"ipam\": $(ipam)}"
}

plugin_ptp() {
    echo "{\"type\": \"ptp\", \"ipam\": $(ipam '[{"subnet": "fd07::/64"}]')}"
}

plugin_nsp() {
    jq -n --arg pins "$PINS" --arg socket "$SOCKET" '{type: "nsp", bpffs: $pins, socket: $socket,
        capabilities: {cgroupPath: true}} | '"${1:-.}"
}

# veth_of_pod: the host's end, by the kernel's word.
veth_of_pod() {
    local index
    index=$(ip -j -n "$(ns_name a)" link show eth0 | jq '.[0].link_index')
    ip -j -n "$(ns_name host)" link show | jq -r --argjson index "$index" '.[] | select(.ifindex == $index) | .ifname'
}

expect_attached_here() {
    expect "a record with the veth's index" [ "$(attachment a | jq -r .host_ifname)" == "$(veth_of_pod)" ]
    expect "all programs on the cgroup" [ "$(cgroup_programs a)" -eq $CGROUP_PROGRAMS ]
    expect "CHECK of the chain" chain CHECK "$@"
}

expect_address_freed() {
    expect "no lease" [ -z "$(find "$NSP_TMP/ipam/$NET" -name '10.*' -o -name 'fd*')" ]
}

expect_all_gone() {
    expect_nothing a
    expect_address_freed
    expect "no eth0 in the pod" [ "$(ip -j -n "$(ns_name a)" link show | jq length)" -eq 1 ]
}

@test "behind bridge the result is bridge's, the veth is attached, and DEL leaves nothing" {
    local alone
    alone=$(chain ADD "$(plugin_bridge)")
    chain DEL "$(plugin_bridge)"
    run --separate-stderr chain ADD "$(plugin_bridge)" "$(plugin_nsp)"
    [ "$status" -eq 0 ]
    # The same but for addresses and names that are drawn anew.
    same() {
        jq -S '.interfaces[] |= del(.mac) | .interfaces[1].name = "veth" | .ips[].address |= sub("[0-9a-f]+/"; "/")'
    }
    [ "$(same <<<"$output")" == "$(same <<<"$alone")" ]
    [ "$(jq -r '.interfaces[0].name' <<<"$output")" == cni0 ]
    expect_attached_here "$(plugin_bridge)" "$(plugin_nsp)"
    chain DEL "$(plugin_bridge)" "$(plugin_nsp)"
    expect_all_gone
}

@test "behind ptp both addresses of the pod are recorded" {
    local result
    result=$(chain ADD "$(plugin_ptp)" "$(plugin_nsp)")
    expect_attached_here "$(plugin_ptp)" "$(plugin_nsp)"
    [ "$(jq '.ips | length' <<<"$result")" -eq 2 ]
    [ "$(pod_record a | jq .address_count)" -ge 2 ]
    chain DEL "$(plugin_ptp)" "$(plugin_nsp)"
    expect_all_gone
}

@test "behind portmap and bandwidth a plugin after us sees the same result" {
    local list result
    list=("$(plugin_bridge)" '{"type": "portmap", "capabilities": {"portMappings": true}}'
        '{"type": "bandwidth", "capabilities": {"bandwidth": true}}' "$(plugin_nsp)" '{"type": "recorder"}')
    result=$(chain ADD "${list[@]}")
    [ "$(jq -S . <<<"$result")" == "$(jq -S .prevResult "$NSP_TMP/recorded-ADD")" ]
    jq -e '.interfaces | length == 4' <<<"$result" # bandwidth's ifb is one of them
    expect "the veth, not bandwidth's ifb" [ "$(attachment a | jq -r .host_ifname)" == "$(veth_of_pod)" ]
    [ "$(cgroup_programs a)" -eq $CGROUP_PROGRAMS ]
    chain DEL "${list[@]}"
    expect_all_gone
}

@test "a DEL of ours with everything broken lets the primary free the address" {
    chain ADD "$(plugin_bridge)" "$(plugin_nsp)"
    chain DEL "$(plugin_bridge)" "$(plugin_nsp '.bpffs = "/sys/fs/bpf/nsptnone" | .socket = "/" | .failurePolicy = 1')"
    expect_address_freed
    expect "no eth0 in the pod" [ "$(ip -j -n "$(ns_name a)" link show | jq length)" -eq 1 ]
    call DEL a <<<"$(conf a)"
    expect_nothing a
}

@test "an ADD of ours that fails ends the chain, and the runtime's DEL frees the address" {
    run --separate-stderr chain ADD "$(plugin_bridge)" "$(plugin_nsp '.bpffs = "/sys/fs/bpf/nsptnone"')"
    [ "$status" -eq 1 ]
    expect_error 11
    chain DEL "$(plugin_bridge)" "$(plugin_nsp)"
    expect_all_gone
}

@test "a plugin after us that fails leaves to DEL what we attached" {
    run chain ADD "$(plugin_bridge)" "$(plugin_nsp)" '{"type": "nsptmissing"}'
    [ "$status" -eq 1 ]
    [ "$(map_count nsp_attached)" -eq 1 ]
    chain DEL "$(plugin_bridge)" "$(plugin_nsp)"
    expect_all_gone
}

@test "T13: behind macvlan the pod is judged at its sockets" {
    ip link add "$(host_if p)" type veth peer name "$(host_if q)"
    ip link set "$(host_if p)" netns "$(ns_name host)" name up0
    on_host ip link set up0 up
    local list=("{\"type\": \"macvlan\", \"master\": \"up0\", \"ipam\": $(ipam)}" "$(plugin_nsp)")
    chain ADD "${list[@]}"
    attachment a | jq -e '.ifindex == 0'
    [ "$(cgroup_programs a)" -eq $CGROUP_PROGRAMS ]
    chain DEL "${list[@]}"
    expect_all_gone
}
