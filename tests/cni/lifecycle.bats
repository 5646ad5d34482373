#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An attachment from ADD to DEL, again and again, in parallel, and with what it stands on taken away.
source "$BATS_TEST_DIRNAME/fixture.bash"

setup_file() {
    load_datapath
}

setup() {
    pod_make_veth a
}

gone() {
    [[ ! -e $1 ]]
}

@test "ADD attaches, CHECK agrees, DEL removes all, and a second DEL is no error" {
    succeed ADD a <<<"$(conf a)"
    expect_attached a
    succeed CHECK a <<<"$(conf a)"
    [ -z "$output" ]
    succeed DEL a <<<"$(conf a)"
    [ -z "$output" ]
    expect_nothing a
    succeed DEL a <<<"$(conf a)"
    fail_with 100-199 CHECK a <<<"$(conf a)"
}

@test "the record says who the pod is and that it is pending" {
    succeed ADD a CNI_ARGS="K8S_POD_UID=12-34;K8S_POD_NAME=web;K8S_POD_NAMESPACE=space" <<<"$(conf a)"
    pod_record a | jq -e '.name == "web" and .namespace_ == "space" and .uid == "12-34" and .container_id == "c-a"'
    attachment a | jq -e --arg net "$NET" --arg netns "$(ns_path a)" '.network == $net and .netns == $netns'
    bpftool -j map dump pinned "$PINS/nsp_states" |
        jq -e '[.[].value | select(.[4:8] | any(. != "0x00"))] | length == 1 and .[0][0] == "0x00"'
}

@test "DEL succeeds without a namespace, a result, a device, a datapath or a sensible configuration" {
    succeed ADD a <<<"$(conf a)"
    succeed DEL a CNI_NETNS= <<<"$(conf a 'del(.prevResult)')"
    expect_nothing a
    succeed ADD a <<<"$(conf a)"
    succeed DEL a CNI_NETNS=/run/netns/nspt-dangling CNI_ARGS="K8S_POD_UID=a/b" <<<"$(conf a)"
    expect_nothing a
    succeed ADD a <<<"$(conf a)"
    succeed DEL a CNI_NETNS=/proc/self/ns/net <<<"$(conf a '.failurePolicy = 7 | .prevResult = 7 | del(.name)')"
    expect_nothing a
    succeed ADD a <<<"$(conf a)"
    ip link delete "$(host_if a)"
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
    succeed DEL a <<<"$(conf a '.bpffs = "/sys/fs/bpf/nsptnone"')"
    succeed DEL a <<<"$(conf a '.bpffs = "/tmp"')"
}

@test "DEL of a pod whose cgroup is gone succeeds" {
    succeed ADD a <<<"$(conf a)"
    rmdir "$(cgroup_path a)"
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
}

@test "DEL of stdin that is not JSON is refused with code 6" {
    fail_with 6 DEL a <<<"{"
}

@test "a second ADD of the same key replaces the first" {
    succeed ADD a <<<"$(conf a)"
    succeed ADD a <<<"$(conf a)"
    expect_attached a
    [ "$(map_count nsp_attached)" -eq 1 ]
    [ "$(pods_count)" -eq 1 ]
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
}

@test "a second ADD with a new veth leaves the record of the old one behind" {
    succeed ADD a <<<"$(conf a)"
    ip link delete "$(host_if a)"
    veth_pair - "$(host_if a)" a eth0
    succeed ADD a <<<"$(conf a)"
    expect_attached a
    [ "$(map_count nsp_ifs)" -eq 1 ]
}

@test "a late DEL of an earlier sandbox leaves the pod's new one alone" {
    succeed ADD a <<<"$(conf a)"
    ip link delete "$(host_if a)"
    veth_pair - "$(host_if a)" a eth0
    succeed ADD a CNI_CONTAINERID=c-b <<<"$(conf a)"
    [ "$(map_count nsp_attached)" -eq 2 ]
    succeed DEL a CNI_NETNS= <<<"$(conf a)"
    expect_attached_as_b() {
        [ "$(map_count nsp_attached)" -eq 1 ] && [ "$(cgroup_programs a)" -eq $CGROUP_PROGRAMS ] &&
            [ "$(tc_programs a ingress)" == nsp_from_pod ]
    }
    expect "the new sandbox attached" expect_attached_as_b
    succeed CHECK a CNI_CONTAINERID=c-b <<<"$(conf a)"
    succeed DEL a CNI_CONTAINERID=c-b <<<"$(conf a)"
    expect_nothing a
}

@test "fifty ADDs and fifty DELs at once lose nothing and mix nothing" {
    local i pids=()
    for i in {1..50}; do
        cgroup_make "p$i"
        veth_pair - "$(host_if "p$i")" a "e$i"
    done
    each() {
        local i
        for i in {1..50}; do
            call "$1" "p$i" CNI_NETNS="$(ns_path a)" CNI_IFNAME="e$i" >/dev/null 2>&1 <<<"$(conf "p$i")" &
            pids+=($!)
        done
        for i in "${pids[@]}"; do
            wait "$i"
        done
        pids=()
    }
    each ADD
    [ "$(map_count nsp_attached)" -eq 50 ]
    [ "$(pods_count)" -eq 50 ]
    [ "$(map_count nsp_ifs)" -eq 50 ]
    for i in 1 25 50; do
        expect_attached "p$i"
        [ "$(attachment "p$i" | jq .ifindex)" -eq "$(cat "/sys/class/net/$(host_if "p$i")/ifindex")" ]
        [ "$(pod_record "p$i" | jq -r .name)" == "p$i" ]
    done
    each DEL
    expect_nothing p1
    expect_nothing p50
}

@test "CHECK finds what is missing" {
    local broken
    for broken in "tc filter del dev $(host_if a) ingress" "tc filter del dev $(host_if a) egress" \
        "detach_one_program" "forget nsp_attached" "forget nsp_ids" "forget nsp_ifs"; do
        succeed ADD a <<<"$(conf a)"
        succeed CHECK a <<<"$(conf a)"
        $broken
        fail_with 100-199 CHECK a <<<"$(conf a)"
        succeed DEL a <<<"$(conf a)"
        succeed ADD a <<<"$(conf a)"
        succeed DEL a <<<"$(conf a)"
        expect_nothing a
    done
}

detach_one_program() {
    local id
    id=$(bpftool -j cgroup show "$(cgroup_path a)" | jq '.[] | select(.name == "nsp_connect4") | .id')
    bpftool cgroup detach "$(cgroup_path a)" cgroup_inet4_connect id "$id"
}

# forget MAP: its only entry.
forget() {
    local key
    key=$(bpftool -j map dump pinned "$PINS/$1" | jq -r '.[0].key | join(" ")')
    # shellcheck disable=SC2086
    bpftool map delete pinned "$PINS/$1" key hex ${key//0x/}
}

@test "CHECK finds another interface or another namespace in the place of the old one" {
    succeed ADD a <<<"$(conf a)"
    ip link delete "$(host_if a)"
    fail_with 100-199 CHECK a <<<"$(conf a)"
    veth_pair - "$(host_if a)" a eth0
    fail_with 100-199 CHECK a <<<"$(conf a)"
    fail_with 8 CHECK a CNI_NETNS=/run/netns/nspt-none <<<"$(conf a)"
}

# collect [JQ]: GC with the configuration changed so.
collect() {
    succeed GC a CNI_CONTAINERID= CNI_NETNS= CNI_IFNAME= <<<"$(conf a '.cniVersion = "1.1.0" | del(.prevResult)
        | '"${1:-.}")"
}

@test "GC removes what is neither in the list nor alive, of this network alone" {
    local kept='."cni.dev/valid-attachments" = [{containerID: "c-kept", ifname: "eth0"}]'
    pod_make_veth dead
    pod_make_veth kept
    pod_make_veth far
    succeed ADD a <<<"$(conf a)"
    succeed ADD dead <<<"$(conf dead)"
    succeed ADD kept <<<"$(conf kept)"
    succeed ADD far <<<"$(conf far '.name = "other"')"
    rmdir "$(cgroup_path dead)" "$(cgroup_path kept)" "$(cgroup_path far)"
    collect
    [ "$(map_count nsp_attached)" -eq 4 ]
    collect "$kept"
    [[ "$stderr" == *c-a*alive* ]]
    run attachment dead
    [ "$status" -ne 0 ]
    expect_attached a
    attachment kept
    attachment far
    succeed DEL far <<<"$(conf far)"
}

@test "GC takes an empty list, null and the other spelling for what they mean" {
    local list
    for list in '."cni.dev/valid-attachments" = []' '."cni.dev/valid-attachments" = null' \
        '."cni.dev/attachments" = []'; do
        succeed ADD a <<<"$(conf a)"
        collect "$list"
        expect_attached a
        rmdir "$(cgroup_path a)"
        collect "$list"
        expect_nothing a
        cgroup_make a
    done
}

@test "GC keeps the programs on the cgroup of a pod that has deleted its interface" {
    succeed ADD a <<<"$(conf a)"
    ip netns exec "$(basename "$(ns_path a)")" ip link delete eth0
    collect '."cni.dev/valid-attachments" = []'
    [[ "$stderr" == *c-a*alive* ]]
    [ "$(cgroup_programs a)" -eq $CGROUP_PROGRAMS ]
    attachment a
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
}

@test "GC with a list that makes no sense is refused and removes nothing" {
    succeed ADD a <<<"$(conf a)"
    ip link delete "$(host_if a)"
    local list
    for list in '{}' '[1]' '[{"containerID": "x"}]' '"x"'; do
        fail_with 6 GC a <<<"$(conf a '.cniVersion = "1.1.0" | ."cni.dev/valid-attachments" = '"$list")"
    done
    [ "$(map_count nsp_attached)" -eq 1 ]
}

@test "GC without a datapath has nothing to do" {
    collect '.bpffs = "/sys/fs/bpf/nsptnone" | ."cni.dev/valid-attachments" = []'
}
