#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The demo is what a newcomer sees first: it must do what it says, and leave nothing, however it ends.
bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/../support/env.bash"
source "$BATS_TEST_DIRNAME/../../demo/pods.bash"

DEMO=$BATS_TEST_DIRNAME/../../demo/run

# Runs the demo in the background, its words in $NSP_TMP/out.
demo_start() {
    tmp_make
    env "$@" "$DEMO" </dev/null >"$NSP_TMP/out" 2>&1 3>&- &
    DEMO_PID=$!
    on_exit "kill $DEMO_PID 2>/dev/null; wait_for 30 pods_gone $DEMO_PID"
    pods_names "nspdemo${DEMO_PID}x"
}

@test "the demo shows alert and enforce, loses no request and removes everything" {
    run "$DEMO"
    echo "$output"
    [[ $status == 0 ]]
    [[ $output != *unexpected* && $output != *$'\e'* ]]
    grep -qE '^  another name.* HTTP 200, AUDIT +ETIMEDOUT, DROPPED$' <<<"$output"
    grep -qE '^  another path.* HTTP 200, AUDIT +ECONNRESET, DROPPED$' <<<"$output"
    grep -qE '^  another method.* HTTP 200, AUDIT +ECONNRESET, DROPPED$' <<<"$output"
    grep -qE '^  another address.* HTTP 200, AUDIT +EPERM, DROPPED$' <<<"$output"
    grep -qE '^  data in a name.* HTTP 200, AUDIT +ETIMEDOUT, DROPPED$' <<<"$output"
    grep -qE '^  same request, /tmp/curl +pong, AUDIT +no such host, DROPPED$' <<<"$output"
    grep -qE '^  port scan.* 1 open, 99 ECONNREFUSED, AUDIT +100 EPERM, DROPPED$' <<<"$output"
    grep -qE '^  raw socket.* echo reply, AUDIT +socket: EPERM, DROPPED$' <<<"$output"
    grep -qE '^  ARP spoofing.* sendto: ok, AUDIT +sendto: ok, DROPPED$' <<<"$output"
    grep -qE '^  open connection.* connect: ok, AUDIT +after [0-9]+ answers: ECONNRESET, DROPPED$' <<<"$output"
    grep -qE '^  ping +sent=([0-9]+) ok=\1 lost=0 ' <<<"$output"
    grep -q 'nothing is left$' <<<"$output"
}

@test "a demo that is ended half way removes everything too" {
    demo_start
    wait_for 60 grep -q '^Enforce' "$NSP_TMP/out"
    kill -TERM "$DEMO_PID"
    wait_for 30 pods_gone "$DEMO_PID"
    cat "$NSP_TMP/out"
    [[ -z $(pods_leftovers /dev/null) ]]
    grep -q 'nothing is left$' "$NSP_TMP/out"
}

@test "KEEP=1 leaves it running for nspctl, and stop ends it" {
    demo_start KEEP=1
    wait_for 60 grep -q '^Left running' "$NSP_TMP/out"
    wait_for 5 pods_gone "$DEMO_PID"
    pods_nspctl pods | grep -q ping
    [[ $(pods_nspctl pods -o json | jq '.pods | length') == 2 ]]
    run "$DEMO" stop "$PODS_ID"
    echo "$output"
    [[ $status == 0 ]]
    [[ -z $(pods_leftovers /dev/null) ]]
}
