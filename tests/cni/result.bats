#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The previous result reaches the runtime as it was.
source "$BATS_TEST_DIRNAME/fixture.bash"

setup_file() {
    load_datapath
}

setup() {
    pod_make_veth a
}

# expect_passed JQ: ADD with the configuration changed so prints its prevResult, cniVersion added.
expect_passed() {
    local text
    text=$(conf a "$1")
    succeed ADD a <<<"$text"
    expect "the same JSON: $output" [ "$(jq -S . <<<"$output")" == \
        "$(jq -S '.prevResult + {cniVersion}' <<<"$text")" ]
    succeed DEL a <<<"$text"
}

@test "results of every version pass with keys nobody here knows" {
    local version
    for version in "${VERSIONS[@]}"; do
        expect_passed "$(at "$version")"' | .prevResult += {future: {x: [1, null, "é", 9007199254740993, -1.5]}}
            | .prevResult.interfaces[1] += {mtu: 1450, mac: "02:00:00:00:00:01", socketPath: "/x", pciID: "0000:00"}
            | .prevResult.routes = [{dst: "0.0.0.0/0", gw: "10.7.0.1", mtu: 1400, advmss: 1, priority: 0, table: 5}]'
    done
}

@test "a dual-stack result with addresses of no interface passes" {
    expect_passed '.prevResult.ips = [{address: "10.7.0.2/24", gateway: "10.7.0.1"}, {address: "fd00::2/64"}]'
}

@test "dns may be absent, empty or full" {
    expect_passed 'del(.prevResult.dns)'
    expect_passed '.prevResult.dns = {}'
    expect_passed '.prevResult.dns = {nameservers: ["10.0.0.10"], search: ["a.b"], options: ["ndots:5"]}'
}

@test "a result of 0.4.0 keeps the version of each address" {
    expect_passed "$(at 0.4.0)"' | .prevResult.ips[0].version = "4"'
}

@test "a result without cniVersion gets the configuration's" {
    expect_passed "$(at 0.3.1)"' | del(.prevResult.cniVersion)'
}

@test "keys of the entry and of runtimeConfig that nobody here knows are ignored" {
    expect_passed '. + {future: 1, args: {cni: {}}, capabilities: {cgroupPath: true}, "cni.dev/x": []}
        | .runtimeConfig.portMappings = [{hostPort: 80}]'
}

@test "an empty list of interfaces and addresses passes" {
    expect_passed '.prevResult = {cniVersion: "1.0.0"}'
    expect_passed '.prevResult = {cniVersion: "1.0.0", interfaces: null, ips: null}'
}
