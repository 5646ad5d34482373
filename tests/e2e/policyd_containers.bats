#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Blocks with `container`: which process they are for, as the pod's status and its cgroups tell, and what happens while
# nobody knows.
source "$BATS_TEST_DIRNAME/lib.bash"

export MAIN=0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9
export SIDE=ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100

# Each container's cgroup is called by its id, as with the cgroupfs driver.
setup_file() {
    node_up
    pod_manifest web >"$PODS_MANIFESTS/pod-web.yaml"
    pod_create web
    container_start "web/$MAIN" probe /bin/busybox sleep 1000000
    container_start "web/$SIDE" probe /bin/busybox sleep 1000000
    addresses_export web
    profile web <<'EOF'
  processes:
    - path: /usr/bin/probe
      container: main
      network: {egress: {cidr4: [10.0.0.0/8], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}}
    - path: /usr/bin/other
      network: {egress: {cidr4: [10.0.0.0/8], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}}
EOF
}

teardown_file() {
    node_down
}

# status_is_known [ID NAME]...: the Pod's manifest as a cluster has it once its containers run.
status_is_known() {
    {
        pod_manifest web
        echo "status:"
        echo "  containerStatuses:"
        while (($#)); do
            echo "    - {name: $2, containerID: \"containerd://$1\"}"
            shift 2
        done
    } >"$PODS_DIR/pod.new"
    mv "$PODS_DIR/pod.new" "$PODS_MANIFESTS/pod-web.yaml"
}

# in_container ID BINARY OUTCOME
in_container() {
    local got
    got=$(container_exec "web/$1" "/usr/bin/$2" tcp "$NODE4" 81)
    [[ $got == "connect $3" ]] || {
        echo "$2 in ${1:0:6}: $got, expected connect $3"
        return 1
    }
}

why_is() {
    [[ $(pod_json web | jq -r '.why // ""') == "$1" ]]
}

known() {
    bpftool -j map dump pinned "$PODS_PINS/nsp_containers" | jq length
}

known_is() {
    [[ $(known) == "$1" ]]
}

@test "without a status a block with a container is for nobody, and the pod says so" {
    wait_for 5 why_is \
        "blocks with \`container\` do not apply: its Pod manifest has no status that names containers"
    in_container "$MAIN" probe EPERM
    in_container "$SIDE" probe EPERM
    in_container "$SIDE" other ECONNREFUSED
}

@test "with a status the block is for the processes of its container" {
    status_is_known "$MAIN" main "$SIDE" side
    wait_for 5 known_is 2
    in_container "$MAIN" probe ECONNREFUSED
    in_container "$SIDE" probe EPERM
    in_container "$SIDE" other ECONNREFUSED
    why_is ""
}

@test "a name that moves to another container takes its block with it" {
    status_is_known "$MAIN" side "$SIDE" main
    wait_for 5 in_container "$SIDE" probe ECONNREFUSED
    in_container "$MAIN" probe EPERM
    status_is_known "$MAIN" main "$SIDE" side
    wait_for 5 in_container "$MAIN" probe ECONNREFUSED
}

@test "a cgroup that a container makes in its own is the container's, whatever it is called" {
    local inner=$PODS_CGROUP/web/$SIDE/$MAIN
    mkdir "$inner"
    wait_for 5 known_is 3
    [[ $(bpftool -j map dump pinned "$PODS_PINS/nsp_containers" | jq '[.[].value] | unique | length') == 2 ]]
    rmdir "$inner"
    wait_for 5 known_is 2
}

@test "what is known survives a restart, with the manifest and without it" {
    rm "$PODS_MANIFESTS/pod-web.yaml"
    kill -TERM "$(cat "$PODS_DIR/policyd.pid")"
    wait_for 5 pods_gone "$(cat "$PODS_DIR/policyd.pid")"
    pods_policyd
    known_is 2
    in_container "$MAIN" probe ECONNREFUSED
    in_container "$SIDE" probe EPERM
    status_is_known "$SIDE" main
    wait_for 5 in_container "$SIDE" probe ECONNREFUSED
    in_container "$MAIN" probe EPERM
    known_is 1
}

@test "with the pod its containers leave the map" {
    pod_delete web
    wait_for 5 known_is 0
}
