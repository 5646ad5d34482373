#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real pods whose profiles and labels an API server tells: what judges them while it is there, while it is not, and
# when it comes back with nothing in it.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/kube.bash"

setup_file() {
    node_up
    pods_policyd_stop
}

teardown_file() {
    node_down
}

# The double lives where policyd does, and as long as the test.
setup() {
    API=$PODS_DIR/api-$BATS_TEST_NUMBER
    mkdir "$API"
    KUBE_NET=(nsenter "--net=/run/netns/${PODS_ID}node")
    api_up
    policyd_up
    wait_for 10 following
}

teardown() {
    pods_policyd_stop
    pod_delete web || true
    cleanup
}

policyd_up() {
    pods_policyd --source kubernetes --kubeconfig "$API/kubeconfig" --node-name node1
}

policyd_restart() {
    kill -KILL "$(cat "$PODS_DIR/policyd.pid")"
    wait_for 5 pods_gone "$(cat "$PODS_DIR/policyd.pid")"
    policyd_up
}

following() {
    pods_nspctl status -o json | jq -e '.kubernetes | .profiles.following and .pods.following'
}

problem_is() {
    pods_nspctl status | grep -qF -- "$1"
}

# tell_pod NAME [LABEL]: as the API server would have it.
tell_pod() {
    api pods "$(jq -cn --arg name "$1" --arg pod "${2:-$1}" --arg uid "$PODS_ID-$1" \
        '{metadata: {name: $name, uid: $uid, labels: {pod: $pod}}}')"
}

# tell_profile PORT: pods with pod=web may send to that TCP port of the node.
tell_profile() {
    json <<END >"$API/profile"
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: web}
spec:
  labelSelector: {matchLabels: {pod: web}}
  actions: [enforce]
  processes:
    - path: /usr/bin/probe
      network: {egress: {cidr4: [10.77.0.0/24], l3: {protocols: [ipv4]},
                         l4: {protocolPorts: [{protocol: tcp, port: $1}]}}}
END
    api profiles "$(cat "$API/profile")"
}

# web_up: the pod web, READY when ADD returns, since its object was there before it.
web_up() {
    tell_profile 81
    tell_pod web
    wait_for 5 policy_is_ready
    pod_create web
    container_start web/main probe /bin/busybox sleep 1000000
    NODE4=$(pod_gateway web 4)
}

policy_is_ready() {
    pods_nspctl status -o json | jq -e '.policies.in_force == 1'
}

field_is() {
    local got
    got=$(pod_json "$1" | jq -r "$2")
    [[ $got == "$3" ]] || {
        echo "$2 is $got, expected $3"
        return 1
    }
}

allows() {
    [[ $(probe web probe tcp "$NODE4" "$1") == "connect ECONNREFUSED" ]]
}

refuses() {
    [[ $(probe web probe tcp "$NODE4" "$1") == "connect EPERM" ]]
}

@test "T87: a pod is judged by what the API server says from its first packet on, and by each change of it" {
    web_up
    field_is web .state READY
    allows 81
    refuses 82
    tell_profile 82
    wait_for 5 allows 82
    refuses 81
    # Its labels change, and nobody selects it.
    tell_pod web other
    wait_for 5 allows 81
    field_is web .mode none
    tell_pod web
    wait_for 5 refuses 81
    # Its object goes before its sandbox does.
    api delete '{"kind": "pods", "names": ["web"]}'
    wait_for 5 field_is web .why "its Pod manifest is gone; what was in force stays"
    refuses 81
}

@test "while the API server is away policyd may restart: what is in force stays, and new pods wait" {
    web_up
    fault /api '{"status": 503}'
    api cut
    policyd_restart
    wait_for 10 problem_is "API server, SecurityProfiles: 503"
    field_is web .state READY
    allows 81
    refuses 82
    pod_create late || true
    wait_for 5 field_is late .state PENDING
    field_is late .why "the API server has not told of it yet"
    tell_pod late
    api heal
    wait_for 40 field_is late .state READY
    field_is web .state READY
    field_is web .mode enforce
    refuses 82
    pod_delete late
}

@test "T93: an API server that comes back empty opens nothing" {
    web_up
    api set '{"objects": {"profiles": {}, "pods": {}}}'
    tell_pod web
    policyd_restart
    wait_for 10 following
    wait_for 5 problem_is "no SecurityProfile, but some were in force when policyd started: they are held until one is"
    wait_for 5 field_is web .why "held: a manifest cannot be read since the restart; what was in force stays"
    refuses 82
    tell_profile 82
    wait_for 5 allows 82
    refuses 81
    [[ $(pods_nspctl status -o json | jq '.problems | length') == 0 ]]
}
