#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every way a pod comes and goes on a real kubelet.
source "$BATS_TEST_DIRNAME/cluster.bash"

setup_file() {
    space_up
    pod_up server n2 /usr/bin/serve serve 8000 8001
    export SERVER
    SERVER=$(pod_ip server)
    profile_apply judged judged enforce 8000
}

teardown_file() {
    space_down
}

# logs_are TEXT POD CONTAINER
logs_are() {
    local got
    got=$(kn logs "$2" -c "$3" | paste -sd ' ')
    [[ $got == "$1" ]] || {
        echo "$2/$3: $got, expected: $1"
        return 1
    }
}

# are_known COUNT NODE NAME: pods of that name, to policyd there.
are_known() {
    local names
    names=$(nspctl "$2" pods -n "$SPACE" -o json | jq -r ".pods[].name")
    [[ $(grep -cx "$3" <<<"$names") == "$1" ]]
}

@test "a pod is judged from its first packet, an init container's too" {
    POD_SPEC='  initContainers:
    - {name: first, image: "test.local/box:1", imagePullPolicy: Never, command: [/bin/sh, -c,
       "/usr/bin/other tcp '$SERVER' 8000; /usr/bin/probe tcp '$SERVER' 8000"]}' \
        pod_up judged n1
    logs_are "connect EPERM ok" judged first
    probe_is "connect EPERM" judged other tcp "$SERVER" 8000
    probe_is ok judged probe tcp "$SERVER" 8000
}

@test "a pod that comes back under its name is judged, and nothing of the one before is left" {
    pod_up again n1
    are_known 1 n1 again
    kn delete pod again --wait=true
    pod_up again n1
    kn label pod again app=judged --overwrite
    wait_for 5 probe_is "connect EPERM" again other tcp "$SERVER" 8000
    wait_for 10 are_known 1 n1 again
    kn delete pod again --wait=true
    wait_for 10 are_known 0 n1 again
}

@test "a static pod is selected by its mirror's labels" {
    pod_manifest static n1 | sed '/nodeName/d; s/metadata: {/&namespace: '"$SPACE"', /; s/app: static/app: judged/' \
        >"$CLUSTER/n1/static/static.yaml"
    on_exit "rm -f $CLUSTER/n1/static/static.yaml"
    wait_for 60 kn wait --for=condition=Ready pod/static-n1 --timeout=1s
    wait_for 10 probe_is "connect EPERM" static-n1 other tcp "$SERVER" 8000
    probe_is ok static-n1 probe tcp "$SERVER" 8000
    rm "$CLUSTER/n1/static/static.yaml"
    kn wait --for=delete pod/static-n1 --timeout=60s
}

@test "an ephemeral container is judged as its pod" {
    pod_up debugged n1
    kn label pod debugged app=judged --overwrite
    wait_for 5 probe_is "connect EPERM" debugged other tcp "$SERVER" 8000
    kn debug debugged --image=test.local/box:1 --image-pull-policy=Never --container=debugger --target=main -- \
        /bin/sh -c "/usr/bin/other tcp $SERVER 8000; /usr/bin/probe tcp $SERVER 8000"
    wait_for 30 logs_are "connect EPERM ok" debugged debugger
}
