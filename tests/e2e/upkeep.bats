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

setup() {
    pod_up web /bin/busybox sleep 1000000
    addresses_export web
    profile web enforce <<END
  processes: []
END
    wait_for 5 field_is web .mode enforce
    VETH=$(pod_json web | jq -r '.attachments[0].veth')
}

teardown() {
    rm -f "$PODS_MANIFESTS"/*-web.yaml
    [[ ! -d $PODS_DIR/pods/web ]] || pod_delete web
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
    bpftool -j cgroup show "$PODS_CGROUP/web" | jq -s 'flatten | map(select(.name | startswith("nsp_"))) | length'
}

logged() {
    grep -q "$1" "$PODS_DIR/policyd.log"
}

# A change of links, for policyd to look by.
stir() {
    pods_node ip link add stir type dummy
    pods_node ip link delete stir
}

@test "a pod that deletes its eth0 keeps the programs on its cgroup, until that is gone" {
    ip -n "${PODS_ID}web" link delete eth0
    wait_for 10 logged "veth=$VETH is gone, the pod's cgroup is not"
    [[ $(cgroup_programs) == "$CGROUP_PROGRAMS" ]]
    field_is web .state READY
    field_is web .mode enforce
    [[ $(probe web probe tcp "$NODE4" 7000) == "connect EPERM" ]]
    # No DEL comes.
    pods_runc delete -f "$(container_id web/main)"
    pods_cgroup_remove "$PODS_CGROUP/web"
    stir
    wait_for 10 field_is web .state ""
}
