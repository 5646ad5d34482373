#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Pods whose policy cannot be known or made: who is closed, who keeps what is in force, and what ends that.
source "$BATS_TEST_DIRNAME/lib.bash"

setup_file() {
    node_up
    pod_up web /bin/busybox sleep 1000000
    addresses_export web
}

teardown_file() {
    node_down
}

teardown() {
    rm -f "$PODS_MANIFESTS"/profile-*.yaml
    wait_for 10 field_is web .state READY
    wait_for 10 field_is web .mode none
    cleanup
}

# spec NAME ACTION [COUNT]: a profile that selects the pod web, with that many processes.
spec() {
    local i
    cat <<END
---
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: $1}
spec:
  labelSelector: {matchLabels: {pod: web}}
  actions: [$2]
  processes:
END
    for ((i = 1; i <= ${3:-1}; i++)); do
        echo "  - {path: /usr/bin/p$i, network: {egress: {cidr4: [10.$i.0.0/16], l3: {protocols: [ipv4]}}}}"
    done
}

# nine ACTION: one more than a policy holds.
nine() {
    for i in {1..9}; do
        spec "many$i" "$1"
    done >"$PODS_DIR/new"
    mv "$PODS_DIR/new" "$PODS_MANIFESTS/profile-many.yaml"
}

field_is() {
    local got
    got=$(pod_json "$1" | jq -r "$2")
    [[ $got == "$3" ]] || {
        echo "$2 is $got, expected $3"
        return 1
    }
}

why_is() {
    local got
    got=$(pod_json "$1" | jq -r .why)
    # shellcheck disable=SC2053 # a pattern
    [[ $got == $2 ]] || {
        echo "why is $got, expected $2"
        return 1
    }
}

is_problem() {
    pods_nspctl status -o json | jq -r '.problems[] | "\(.origin): \(.text)"' | grep -q "^pod default/$1: $2"
}

# restart COMMAND...: which is run while policyd is down.
restart() {
    kill "$(cat "$PODS_DIR/policyd.pid")"
    wait_for 5 pods_gone "$(cat "$PODS_DIR/policyd.pid")"
    "$@"
    pods_policyd
}

# late: a second pod that the profiles of web select.
late() {
    pod_manifest late | sed 's/pod: late/pod: web/' >"$PODS_MANIFESTS/pod-late.yaml"
    pod_create late || true
    on_exit "pod_delete late; rm -f $PODS_MANIFESTS/pod-late.yaml"
}

write() {
    echo "$2" >"$PODS_MANIFESTS/profile-$1.yaml"
}

@test "while a file cannot be read since the start, new pods that nothing else selects wait" {
    for text in "spec: [" ""; do
        spec one enforce >"$PODS_MANIFESTS/profile-web.yaml"
        wait_for 5 field_is web .mode enforce
        restart write web "$text"
        late
        wait_for 5 why_is late "waits: $PODS_MANIFESTS/profile-web.yaml could not be read since the start and may \
select it; mend it or delete it"
        field_is late .state PENDING
        is_problem late "waits: "
        field_is web .state READY
        [[ $(probe web other tcp "$NODE4" 81) == "connect EPERM" ]]
        rm "$PODS_MANIFESTS/profile-web.yaml"
        wait_for 5 field_is late .state READY
        pod_delete late
        wait_for 5 field_is late .state ""
    done
}

@test "a profile that was in force and is not valid after the restart holds those it selects" {
    spec one enforce >"$PODS_MANIFESTS/profile-web.yaml"
    wait_for 5 field_is web .mode enforce
    restart write web "$(spec one enfocre)"
    late
    wait_for 5 why_is late "waits: default/one selects it, was in force before the restart and is not valid now; \
mend it"
    field_is late .state PENDING
    spec one enforce >"$PODS_MANIFESTS/profile-web.yaml"
    wait_for 5 field_is late .state READY
    field_is late .mode enforce
}

@test "an open pod is closed when its profiles enforce and cannot be brought in force" {
    [[ $(probe web other tcp "$NODE4" 81) == "connect ECONNREFUSED" ]]
    nine enforce
    wait_for 5 field_is web .state PENDING
    why_is web "closed, its profiles cannot be brought in force: *"
    is_problem web "closed, its profiles cannot be brought in force: "
    [[ $(probe web other tcp "$NODE4" 81) != "connect ECONNREFUSED" ]]
    rm "$PODS_MANIFESTS/profile-many.yaml"
    wait_for 5 field_is web .state READY
    [[ $(probe web other tcp "$NODE4" 81) == "connect ECONNREFUSED" ]]
}

@test "an open pod stays open, loudly, where its profiles would only report" {
    nine alert
    wait_for 5 why_is web "open, its profiles are not in force: *"
    is_problem web "open, its profiles are not in force: "
    field_is web .state READY
}

@test "a policy that is in force stays when its successor cannot be made" {
    spec one enforce >"$PODS_MANIFESTS/profile-web.yaml"
    wait_for 5 field_is web .mode enforce
    revision=$(revision_of web)
    nine alert
    wait_for 5 why_is web "*profiles*"
    field_is web .state READY
    field_is web .revision "$revision"
    [[ $(probe web other tcp "$NODE4" 81) == "connect EPERM" ]]
}

# descriptors N: how many more policyd may open. It gets the lowest number that is free.
descriptors() {
    local pid number=0 free=0
    pid=$(cat "$PODS_DIR/policyd.pid")
    while ((free < $1)); do
        [[ -L /proc/$pid/fd/$number ]] || ((++free))
        ((++number))
    done
    prlimit --pid "$pid" --nofile="$number:"
}

@test "a write that fails closes the pod, and is tried again without being asked" {
    descriptors 3
    spec one enforce 30 >"$PODS_MANIFESTS/profile-web.yaml"
    wait_for 5 why_is web "closed, its profiles cannot be brought in force: *Too many open files*"
    field_is web .state PENDING
    descriptors 1000
    wait_for 20 field_is web .mode enforce
    field_is web .state READY
    field_is web .why null
}
