# SPDX-License-Identifier: Apache-2.0
# A policyd without a node around it: its folders, its start and end, what it answers, and manifests for it.
# shellcheck shell=bash
source "$BATS_TEST_DIRNAME/../support/env.bash"

# Loading takes seconds: the tests of a file share what is pinned.
setup_file() {
    ensure_bpffs
    export PINS=/sys/fs/bpf/${NSP_ID}
    setup
    policyd_up
    [[ $(status .datapath.adopted) == false ]]
    policyd_kill TERM
}

teardown_file() {
    "$NSP_BUILD/policyd" --config /dev/null --bpffs "$PINS" --remove >&2
    cleanup
}

setup() {
    tmp_make
    MANIFESTS=$NSP_TMP/manifests
    SOCKET=$NSP_TMP/run/policyd.sock
    LOG=$NSP_TMP/policyd.log
    OPTIONS=(--config /dev/null --manifests "$MANIFESTS" --bpffs "$PINS" --socket "$SOCKET"
        --cni-socket "$NSP_TMP/run/cni.sock")
    mkdir -p "$MANIFESTS"
}

policyd() {
    "$NSP_BUILD/policyd" "${OPTIONS[@]}" "$@"
}

# policyd_up: running, and answering; its pid in $POLICYD.
policyd_up() {
    "$NSP_BUILD/policyd" "${OPTIONS[@]}" --log-level debug >>"$LOG" 2>&1 3>&- &
    POLICYD=$!
    on_exit "kill $POLICYD 2>/dev/null; wait $POLICYD 2>/dev/null"
    wait_for 60 is_up
}

is_up() {
    [[ -S $NSP_TMP/run/cni.sock ]] && [[ $(ask healthz | jq -r .status) == ok ]]
}

policyd_kill() {
    kill "-$1" "$POLICYD"
    wait "$POLICYD"
}

ask() {
    curl -sS --unix-socket "$SOCKET" "http://policyd/$1"
}

# status EXPRESSION: what jq makes of /v1/status.
status() {
    ask v1/status | jq -r "$1"
}

status_is() {
    local got
    got=$(status "$1")
    [[ $got == "$2" ]] || {
        echo "$1 is $got, expected $2"
        return 1
    }
}

# profile NAME ACTION: selects the pod that pod_of() writes.
profile() {
    cat <<END
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: $1}
spec:
  labelSelector: {matchLabels: {app: ping}}
  actions: [$2]
  processes:
    - path: /usr/bin/curl
      network:
        egress: {cidr4: [10.0.0.0/8], l3: {protocols: [ipv4]}, l4: {protocolPorts: [{protocol: tcp, port: 80}]}}
END
}

pod() {
    cat <<END
apiVersion: v1
kind: Pod
metadata: {name: ping, labels: {app: ping}}
END
}

mode_of() {
    ask v1/profiles | jq -r --arg name "$1" '.profiles[] | select(.name == $name) | .mode'
}

mode_is() {
    [[ $(mode_of "$1") == "$2" ]]
}

entries() {
    bpftool -j map dump pinned "$PINS/$1" | jq length
}
