#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What happens to a pod when the datapath or policyd is missing, hung, or of another version.
source "$BATS_TEST_DIRNAME/fixture.bash"

NONE='.bpffs = "/sys/fs/bpf/nsptnone"'
STATUS_CONF='.cniVersion = "1.1.0" | del(.prevResult)'

setup_file() {
    load_datapath
}

setup() {
    tmp_make
    pod_make_veth a
}

# policyd SOCAT_ADDRESS: answers announcements, as that program does.
policyd() {
    spawn socat "UNIX-LISTEN:$SOCKET,socktype=5,fork" "$1"
    wait_for 5 test -S "$SOCKET"
}

# took_ms CMD...: how long it took, in $elapsed_ms.
took_ms() {
    local start=${EPOCHREALTIME/./}
    "$@"
    elapsed_ms=$(((${EPOCHREALTIME/./} - start) / 1000))
}

# state_word: of the only pod, its two lowest bytes (jq has no 64-bit integers).
state_word() {
    bpftool -j map dump pinned "$PINS/nsp_states" |
        jq -r '[.[].value | select(.[4:8] | any(. != "0x00"))][0] | .[1] + .[0][2:4]'
}

expect_open() {
    expect "POD_OPEN in $(state_word)" [ $(($(state_word) & 0x1ff)) -eq $((0x100)) ]
}

expect_closed() {
    expect "PENDING in $(state_word)" [ $(($(state_word) & 0x1ff)) -eq 0 ]
}

# expect_unwatched: the answer is the previous result, stderr says why, and nothing is attached.
expect_unwatched() {
    [ "$(jq -S . <<<"$output")" == "$(conf a | jq -S '.prevResult + {cniVersion}')" ]
    expect "one line on stderr: $stderr" [ "$(wc -l <<<"$stderr")" -eq 1 ]
    [[ "$stderr" == "warning pod="*"is not watched"* ]]
    expect_nothing a
}

@test "without a datapath ADD says to try again, and what to do" {
    fail_with 11 ADD a <<<"$(conf a "$NONE")"
    [[ "$output" == *policyd* ]]
    expect_nothing a
}

@test "a datapath of which a pin is missing is no matter of time: code 102, and the remedy" {
    mv "$PINS/nsp_rules" "$PINS/nsp_away"
    run --separate-stderr call ADD a <<<"$(conf a)"
    mv "$PINS/nsp_away" "$PINS/nsp_rules"
    [ "$status" -eq 1 ]
    expect_error 102
    [[ "$output" == *nsp_rules*"policyd --remove"* ]]
    expect_nothing a
}

@test "where all slots are taken ADD says so, and how to get one" {
    local slots
    slots=$(bpftool -j map show pinned "$PINS/nsp_states" | jq .max_entries)
    fill_slots "$slots" 1
    run --separate-stderr call ADD a <<<"$(conf a)"
    fill_slots "$slots" 0
    [ "$status" -eq 1 ]
    expect_error 102
    [[ "$output" == *"all $((slots - 1)) slots for pods are taken"*GC* ]]
    expect_nothing a
}

# fill_slots COUNT EPOCH: the state word of every slot. Its flow map is forgotten, and made anew when there is need.
fill_slots() {
    local i
    for ((i = 1; i < $1; i++)); do
        echo "map update pinned $PINS/nsp_states key $((i % 256)) $((i / 256)) 0 0 value 0 0 0 0 $2 0 0 0"
    done >"$NSP_TMP/fill"
    bpftool batch file "$NSP_TMP/fill" >/dev/null
}

@test "without a datapath a pod of failurePolicy Ignore starts unwatched, and CHECK agrees" {
    succeed ADD a <<<"$(conf a "$NONE"' | .failurePolicy = "Ignore"')"
    expect_unwatched
    succeed CHECK a <<<"$(conf a "$NONE"' | .failurePolicy = "Ignore"')"
    fail_with 11 CHECK a <<<"$(conf a "$NONE")"
}

@test "without a datapath pods of exempt namespaces start unwatched: kube-system, or those in the list" {
    succeed ADD a CNI_ARGS="K8S_POD_NAMESPACE=kube-system;K8S_POD_NAME=dns" <<<"$(conf a "$NONE")"
    expect_unwatched
    succeed ADD a CNI_ARGS="K8S_POD_NAMESPACE=infra" <<<"$(conf a "$NONE"' | .exemptNamespaces = ["x", "infra"]')"
    expect_unwatched
    fail_with 11 ADD a CNI_ARGS="K8S_POD_NAMESPACE=kube-system" <<<"$(conf a "$NONE"' | .exemptNamespaces = []')"
    fail_with 11 ADD a CNI_ARGS= <<<"$(conf a "$NONE"' | .exemptNamespaces = [""]')"
}

@test "with failurePolicy Ignore a missing cgroup or interface is no failure either" {
    succeed ADD a <<<"$(conf a 'del(.runtimeConfig) | .failurePolicy = "Ignore"')"
    expect_unwatched
    succeed ADD a CNI_IFNAME=net7 <<<"$(conf a '.failurePolicy = "Ignore"')"
    expect_unwatched
}

@test "a directory that is on no bpffs is refused with the command that mounts one" {
    fail_with 100-199 ADD a <<<"$(conf a '.bpffs = "/tmp/nsp"')"
    [[ "$output" == *"mount -t bpf"* ]]
}

@test "a datapath of another ABI version is refused and left alone" {
    local value
    value=$(bpftool -j map lookup pinned "$PINS/nsp_control" key 0 0 0 0 | jq -r '.value | join(" ")')
    set_control() {
        # shellcheck disable=SC2086
        bpftool map update pinned "$PINS/nsp_control" key 0 0 0 0 value hex ${1//0x/}
    }
    read -ra bytes <<<"$value"
    bytes[4]=63
    on_exit "set_control '$value'"
    set_control "${bytes[*]}"
    fail_with 100-199 ADD a <<<"$(conf a)"
    [[ "$output" == *"ABI version 99"* ]]
    succeed ADD a <<<"$(conf a '.failurePolicy = "Ignore"')"
    succeed DEL a <<<"$(conf a)"
    [[ "$stderr" == *"ABI version 99"* ]]
    set_control "$value"
    expect_nothing a
}

@test "without the capabilities that it needs ADD fails and leaves nothing" {
    run --separate-stderr call ADD a < <(conf a)
    [ "$status" -eq 0 ]
    succeed DEL a <<<"$(conf a)"
    run --separate-stderr setpriv --bounding-set -bpf,-sys_admin,-net_admin env CNI_COMMAND=ADD CNI_CONTAINERID=c-a \
        CNI_NETNS="$(ns_path a)" CNI_IFNAME=eth0 "$NSP_BUILD/nsp" <<<"$(conf a)"
    [ "$status" -eq 1 ]
    expect_error 100-199
    run --separate-stderr setpriv --bounding-set -net_admin env CNI_COMMAND=ADD CNI_CONTAINERID=c-a \
        CNI_NETNS="$(ns_path a)" CNI_IFNAME=eth0 "$NSP_BUILD/nsp" <<<"$(conf a)"
    [ "$status" -eq 1 ]
    expect_error 100-199
    expect_nothing a
}

@test "without policyd the pod is attached, closed and pending" {
    took_ms succeed ADD a <<<"$(conf a)"
    [ "$elapsed_ms" -lt 1000 ]
    [[ "$stderr" == "warning pod=space/a stays pending"* ]]
    expect_attached a
    expect_closed
    succeed CHECK a <<<"$(conf a)"
}

@test "pods of failurePolicy Ignore and of exempt namespaces are open while they are pending" {
    succeed ADD a <<<"$(conf a '.failurePolicy = "Ignore"')"
    expect_attached a
    expect_open
    succeed DEL a <<<"$(conf a)"
    succeed ADD a CNI_ARGS="K8S_POD_NAMESPACE=kube-system;K8S_POD_NAME=dns" <<<"$(conf a)"
    expect_attached a
    expect_open
}

@test "a policyd that is hung costs ADD one second, and STATUS and DEL nothing" {
    policyd EXEC:cat
    kill -STOP "$SPAWNED"
    on_exit "kill -CONT $SPAWNED"
    took_ms succeed ADD a <<<"$(conf a)"
    expect "between 1 and 2 s, not $elapsed_ms ms" [ "$elapsed_ms" -ge 1000 -a "$elapsed_ms" -lt 2000 ]
    [[ "$stderr" == *"no answer within 1000 ms"* ]]
    expect_attached a
    expect_closed
    took_ms succeed STATUS a <<<"$(conf a "$STATUS_CONF")"
    expect "STATUS at once, not in $elapsed_ms ms" [ "$elapsed_ms" -lt 300 ]
    succeed CHECK a <<<"$(conf a)"
    took_ms succeed DEL a <<<"$(conf a)"
    expect "DEL at once, not in $elapsed_ms ms" [ "$elapsed_ms" -lt 500 ]
    expect_nothing a
}

@test "a policyd whose backlog is full costs ADD one second too" {
    policyd EXEC:cat
    kill -STOP "$SPAWNED"
    on_exit "kill -CONT $SPAWNED"
    local i
    for i in {1..20}; do
        spawn socat "UNIX-CONNECT:$SOCKET,socktype=5" EXEC:"sleep infinity"
    done
    took_ms succeed ADD a <<<"$(conf a)"
    expect "between 1 and 2 s, not $elapsed_ms ms" [ "$elapsed_ms" -ge 1000 -a "$elapsed_ms" -lt 2000 ]
    expect_attached a
    succeed DEL a <<<"$(conf a)"
    expect_nothing a
}

@test "a policyd that refuses or answers nonsense leaves the pod pending" {
    policyd EXEC:true
    succeed ADD a <<<"$(conf a)"
    [[ "$stderr" == *refused* ]]
    expect_attached a
    kill "$SPAWNED"
    rm -f "$SOCKET"
    policyd EXEC:"echo nonsense"
    succeed ADD a <<<"$(conf a)"
    [[ "$stderr" == *refused* ]]
    expect_attached a
}

@test "a policyd that says ready is not waited for any longer" {
    # The announcement again, with its last word set.
    policyd "SYSTEM:head -c 20 >$NSP_TMP/answer; printf '\\\\1\\\\0\\\\0\\\\0' >>$NSP_TMP/answer; cat $NSP_TMP/answer"
    took_ms succeed ADD a <<<"$(conf a)"
    expect "at once, not in $elapsed_ms ms" [ "$elapsed_ms" -lt 1000 ]
    expect "silence, not: $stderr" [ -z "$stderr" ]
    expect_attached a
}

@test "DEL announces that the pod is gone" {
    succeed ADD a <<<"$(conf a)"
    policyd "SYSTEM:cat >$NSP_TMP/heard"
    succeed DEL a <<<"$(conf a)"
    wait_for 5 test -s "$NSP_TMP/heard"
    [ "$(od -An -tu4 -j16 -N4 "$NSP_TMP/heard" | tr -d ' ')" -eq 1 ]
}

@test "STATUS is 50 where a pod could not be added, and 0 where it could" {
    succeed STATUS a <<<"$(conf a "$STATUS_CONF")"
    [ -z "$output" ]
    fail_with 50 STATUS a <<<"$(conf a "$STATUS_CONF | $NONE")"
    succeed STATUS a <<<"$(conf a "$STATUS_CONF | $NONE"' | .failurePolicy = "Ignore"')"
}
