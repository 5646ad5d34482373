# SPDX-License-Identifier: Apache-2.0
# What the tests of the plugin share: pods (a namespace and a cgroup), a pinned datapath of their own, stdin for the
# plugin, and what must be true of its answers. A pod NAME has container id c-NAME, and eth0.
# shellcheck shell=bash disable=SC2034,SC2154
bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/../support/env.bash"

NET=${NSP_ID}net
SOCKET=$NSP_TMP/cni.sock
UNIFIED=$(cgroup2_root)
VERSIONS=(0.3.0 0.3.1 0.4.0 1.0.0 1.1.0)
CGROUP_PROGRAMS=10

# load_datapath: for setup_file. Loading takes seconds, so the tests of a file share what is pinned and leave it empty.
load_datapath() {
    export PINS=/sys/fs/bpf/${NSP_ID}pins
    ensure_bpffs
    "$NSP_BUILD/support/nsp-load" --bpffs "$PINS"
}

# The pods of a test are gone then, so their records can go: by GC, or if that fails with all that is pinned.
teardown() {
    cleanup
    [[ -n ${PINS:-} ]] || return 0
    call GC none <<<"$(conf none '.cniVersion = "1.1.0" | ."cni.dev/valid-attachments" = []')"
    [[ $(map_count nsp_attached)$(pods_count) != 00 ]] || return 0
    "$NSP_BUILD/support/nsp-load" --remove --bpffs "$PINS"
    "$NSP_BUILD/support/nsp-load" --bpffs "$PINS"
    echo "records were left of this test's pods" >&2
    return 1
}

# --- pods -------------------------------------------------------------------------------------------------------------
# pod_make NAME: without an interface.
pod_make() {
    ns_make "$1"
    cgroup_make "$1"
}

# host_if NAME: the host's end of pod NAME's eth0.
host_if() {
    echo "$NSP_ID$1"
}

# pod_make_veth NAME: with eth0, whose other end is here.
pod_make_veth() {
    pod_make "$1"
    veth_pair - "$(host_if "$1")" "$1" eth0
}

# --- the plugin -------------------------------------------------------------------------------------------------------
# conf NAME [JQ]: stdin for pod NAME, changed by a jq filter.
conf() {
    jq -cn --arg net "$NET" --arg pins "${PINS:-/sys/fs/bpf/nsptnone}" --arg socket "$SOCKET" --arg pod "/$NSP_ID$1" \
        --arg netns "$(ns_path "$1")" --arg host "$(host_if "$1")" '{
            cniVersion: "1.0.0", name: $net, type: "nsp", bpffs: $pins, socket: $socket,
            runtimeConfig: {cgroupPath: $pod},
            prevResult: {
                cniVersion: "1.0.0",
                interfaces: [{name: "cni0"}, {name: $host}, {name: "eth0", sandbox: $netns}],
                ips: [{address: "10.7.0.2/24", interface: 2}], dns: {}
            }
        } | '"${2:-.}"
}

# at VERSION: the jq filter that says so in the configuration and in prevResult.
at() {
    echo ".cniVersion = \"$1\" | .prevResult.cniVersion = \"$1\""
}

# call COMMAND NAME [VARIABLE=VALUE]...: the plugin, as a runtime calls it for pod NAME; stdin is passed on.
call() {
    env CNI_COMMAND="$1" CNI_CONTAINERID="c-$2" CNI_NETNS="$(ns_path "$2")" CNI_IFNAME=eth0 \
        CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=space;K8S_POD_NAME=$2" "${@:3}" "$NSP_BUILD/nsp"
}

# succeed COMMAND NAME [VARIABLE=VALUE]... and fail_with CODE COMMAND NAME ...: call, and judge the answer.
succeed() {
    run --separate-stderr call "$@"
    expect "$1 $2 exits 0, not $status: $output $stderr" [ "$status" -eq 0 ]
}

fail_with() {
    run --separate-stderr call "${@:2}"
    expect "$2 $3 exits 1, not $status: $output $stderr" [ "$status" -eq 1 ]
    expect_error "$1"
}

# expect_error CODE: stdout is one JSON object, the specification's error with that code (a number or a range N-M).
expect_error() {
    # shellcheck disable=SC2016
    expect "one error object on stdout: $output" jq -se --arg code "$1" '
        length == 1 and (.[0] | (.cniVersion | type == "string") and (.msg | type == "string" and length > 0)
        and (($code | split("-") | map(tonumber)) as $range | .code >= $range[0] and .code <= $range[-1]))' \
        <<<"$output"
}

# expect TEXT CMD...: CMD succeeds, or TEXT says what was expected.
expect() {
    "${@:2}" >/dev/null && return 0
    echo "expected: $1" >&2
    return 1
}

# --- what is there ----------------------------------------------------------------------------------------------------
# map_count MAP: entries of a hash map.
map_count() {
    bpftool -j map dump pinned "$PINS/$1" | jq length
}

# pods_count: slots in use, which is those with an epoch (the upper half of the state word).
pods_count() {
    bpftool -j map dump pinned "$PINS/nsp_states" | jq '[.[].value[4:8] | select(any(. != "0x00"))] | length'
}

# programs_of FOLDER: how many of ours are attached to that cgroup itself.
programs_of() {
    bpftool -j cgroup show "$1" | jq -s 'flatten | map(select(.name | startswith("nsp_"))) | length'
}

# cgroup_programs NAME: ours that are attached to the pod's cgroup.
cgroup_programs() {
    programs_of "$(cgroup_path "$1")"
}

# tc_programs NAME DIRECTION: names of BPF programs on the host's end, tcx or clsact, in the order in which they run.
tc_programs() {
    bpftool -j net show dev "$(host_if "$1")" |
        jq -r --arg direction "$2" '.[0].tc[] | select(.kind | endswith("/" + $direction)) | .name'
}

# attachment NAME: the value of its entry in nsp_attached.
attachment() {
    bpftool -j map dump pinned "$PINS/nsp_attached" |
        jq -e --arg id "c-$1" '.[].formatted | select(.key.container_id == $id) | .value'
}

# pod_record NAME: its slot's record.
pod_record() {
    local slot
    slot=$(attachment "$1" | jq -s '.[0].slot')
    bpftool -j map lookup pinned "$PINS/nsp_pods" key $((slot % 256)) $((slot / 256)) 0 0 | jq -e .formatted.value
}

# expect_attached NAME: recorded and attached, at the cgroup and on both directions of the veth, once each.
expect_attached() {
    expect "$1 is recorded" attachment "$1"
    expect "all programs on the cgroup of $1" [ "$(cgroup_programs "$1")" -eq $CGROUP_PROGRAMS ]
    expect "one program from pod $1" [ "$(tc_programs "$1" ingress)" == nsp_from_pod ]
    expect "one program to pod $1" [ "$(tc_programs "$1" egress)" == nsp_to_pod ]
}

# expect_nothing NAME: no record of any pod, and none of ours attached to this one.
expect_nothing() {
    expect "nsp_attached is empty" [ "$(map_count nsp_attached)" -eq 0 ]
    expect "nsp_ids is empty" [ "$(map_count nsp_ids)" -eq 0 ]
    expect "nsp_ifs is empty" [ "$(map_count nsp_ifs)" -eq 0 ]
    expect "every slot is free" [ "$(pods_count)" -eq 0 ]
    expect "no link is pinned" [ -z "$(ls "$PINS/links")" ]
    [[ ! -d $(cgroup_path "$1") ]] || expect "no program on the cgroup of $1" [ "$(cgroup_programs "$1")" -eq 0 ]
    [[ ! -d /sys/class/net/$(host_if "$1") ]] ||
        expect "no program on the veth of $1" [ -z "$(tc_programs "$1" ingress)$(tc_programs "$1" egress)" ]
}
