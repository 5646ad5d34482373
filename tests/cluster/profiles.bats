#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# SecurityProfiles as people use them: kubectl apply, edit and delete, on two nodes.
source "$BATS_TEST_DIRNAME/cluster.bash"

setup_file() {
    space_up
    pod_up server n2 /usr/bin/serve serve 8000 8001
    pod_up one n1
    pod_up two n2
    export SERVER
    SERVER=$(pod_ip server)
}

teardown_file() {
    space_down
}

setup() {
    kn delete secprof --all >/dev/null
    wait_for 10 is_open one
    wait_for 10 is_open two
}

# is_open POD: to a program that no profile lists.
is_open() {
    probe_is ok "$1" other tcp "$SERVER" 8000
}

is_shut() {
    probe_is "connect EPERM" "$1" other tcp "$SERVER" 8000
}

n1_says() {
    nspctl n1 status | tee /dev/stderr | grep -q "$1"
}

# is_audited POD PROFILE: n1 has reported a violation of the pod's under that profile, and let it pass.
is_audited() {
    nspctl n1 observe --pod "$SPACE/$1" --verdict AUDIT | tee /dev/stderr | grep -q "$2"
}

@test "nodes are Ready, and each pod that they start is watched by its node's policyd" {
    [[ $(k get nodes -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}') == "True True" ]]
    nspctl n1 pods -n "$SPACE" | grep -q one
    nspctl n2 pods -n "$SPACE" | grep -q two
    run ! grep -q two <<<"$(nspctl n1 pods -n "$SPACE")"
}

@test "a profile that is applied is enforced on both nodes" {
    profile both "" enforce 8000 |
        sed 's/matchLabels: .*}/matchExpressions: [{key: app, operator: In, values: [one, two]}]}/' | kn apply -f -
    wait_for 5 is_shut one
    wait_for 5 is_shut two
    probe_is ok one probe tcp "$SERVER" 8000
    probe_is ok two probe tcp "$SERVER" 8000
    probe_is "connect EPERM" one probe tcp "$SERVER" 8001
    probe_is "connect EPERM" two probe tcp "$SERVER" 8001
}

@test "an edit takes effect, and so does deletion" {
    profile_apply one one enforce 8000
    wait_for 5 probe_is "connect EPERM" one probe tcp "$SERVER" 8001
    profile_apply one one enforce 8001
    wait_for 5 probe_is ok one probe tcp "$SERVER" 8001
    probe_is "connect EPERM" one probe tcp "$SERVER" 8000
    kn patch secprof one --type=merge -p '{"spec": {"actions": ["alert"]}}'
    wait_for 5 is_open one
    kn patch secprof one --type=merge -p '{"spec": {"actions": ["enforce"]}}'
    wait_for 5 is_shut one
    kn delete secprof one
    wait_for 10 is_open one
}

@test "a profile that is made invalid in a way that no schema sees leaves in force what was" {
    local globs
    profile_apply one one enforce 8000
    wait_for 5 is_shut one
    globs=$(seq -f '"a%g*b.example.com"' 17 | paste -sd ,)
    kn patch secprof one --type=json -p "[{\"op\": \"add\", \"path\": \"/spec/processes/0/network/egress/fqdns\",
        \"value\": [$globs]}, {\"op\": \"replace\", \"path\": \"/spec/actions\", \"value\": [\"alert\"]}]"
    wait_for 5 n1_says "more than 16 patterns"
    is_shut one
    probe_is ok one probe tcp "$SERVER" 8000
    profile_apply one one alert 8000
    kn patch secprof one --type=json -p '[{"op": "remove", "path": "/spec/processes/0/network/egress/fqdns"}]' || true
    wait_for 5 is_open one
}

@test "two profiles on a pod: one in force, its stricter successor in shadow beside it" {
    profile_apply one one enforce 8000
    profile_apply successor one alert 8001
    wait_for 5 is_shut one
    probe_is ok one probe tcp "$SERVER" 8000
    wait_for 5 is_audited one successor
}

@test "labels that change on a running pod change what selects it" {
    profile_apply labelled labelled enforce 8000
    is_open one
    kn label pod one app=labelled --overwrite
    wait_for 5 is_shut one
    kn label pod one app=one --overwrite
    wait_for 5 is_open one
}

@test "a CRD that is deleted drops nothing that is in force; its return is taken up" {
    profile_apply one one enforce 8000
    wait_for 5 is_shut one
    k delete crd securityprofiles.securityprobe.datadoghq.com --wait=true
    wait_for 10 n1_says CustomResourceDefinition
    is_shut one
    k apply -f "$NSP_ROOT/install/crd.yaml"
    k wait --for=condition=Established crd/securityprofiles.securityprobe.datadoghq.com
    is_shut one
    wait_for 30 profile_apply one one enforce 8001
    wait_for 60 probe_is ok one probe tcp "$SERVER" 8001
    is_shut one
}
