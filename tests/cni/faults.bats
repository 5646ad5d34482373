#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An ADD that fails or is killed at any of its system calls. strace makes the calls fail, so that the plugin needs no
# switch for it.
source "$BATS_TEST_DIRNAME/fixture.bash"

setup_file() {
    load_datapath
}

setup() {
    tmp_make
    pod_make_veth a
    TEXT=$(conf a)
    printf '%s\n' "cgroup show $(cgroup_path a)" "net show dev $(host_if a)" \
        "map dump pinned $PINS/nsp_"{attached,ids,ifs,states,pods} >"$NSP_TMP/questions"
    call ADD a <<<"$TEXT" # for the qdisc, which stays
    call DEL a <<<"$TEXT"
    expect_nothing a
    BEFORE=$(snapshot)
}

# snapshot: everything that an ADD changes, as text.
snapshot() {
    bpftool batch file "$NSP_TMP/questions"
    ls "$PINS/links"
}

is_clean() {
    [[ $(snapshot) == "$BEFORE" ]]
}

# traced OPTION... -- ADD under strace. LeakSanitizer cannot stop a process that is traced.
traced() {
    ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" CNI_COMMAND=ADD CNI_CONTAINERID=c-a CNI_NETNS=$(ns_path a) \
        CNI_IFNAME=eth0 strace -qq -o "$NSP_TMP/trace" "$@" "$NSP_BUILD/nsp" <<<"$TEXT" 2>/dev/null
}

# calls_of SYSCALL: how many of them an ADD makes.
calls_of() {
    traced -e trace="$1" >/dev/null
    call DEL a <<<"$TEXT"
    grep -c "^$1(" "$NSP_TMP/trace"
}

# fail_each SYSCALL ERRNO: every one of them fails once. ADD either fails and has undone all, or could do without.
fail_each() {
    local i count
    count=$(calls_of "$1")
    expect "an ADD calls $1" [ "$count" -gt 0 ]
    for ((i = 1; i <= count; i++)); do
        run traced -e trace="$1" -e inject="$1:error=$2:when=$i"
        if [ "$status" -eq 0 ]; then
            expect "the previous result after $1 $i of $count" test "${output#*ips}" != "$output"
            call DEL a <<<"$TEXT"
        else
            expect "an error after $1 $i of $count: $output" test "${output#*\"code\":}" != "$output"
        fi
        expect "nothing left after $1 $i of $count failed with $2 (status $status)" is_clean
    done
}

# kill_each SYSCALL: killed at every one of them, what is left goes with DEL.
kill_each() {
    local i count
    count=$(calls_of "$1")
    for ((i = 1; i <= count; i++)); do
        run traced -e trace="$1" -e inject="$1:signal=KILL:when=$i"
        expect "killed at $1 $i of $count, not $status" [ "$status" -eq 137 ]
        call DEL a <<<"$TEXT"
        expect "nothing left after a kill at $1 $i of $count" is_clean
    done
}

@test "an ADD that fails at any call of bpf() leaves nothing" {
    fail_each bpf ENOMEM
}

@test "an ADD that fails at any netlink message or lock leaves nothing" {
    fail_each sendmsg ENOBUFS
    fail_each recvmsg ENOMEM
    fail_each flock ENOLCK
    fail_each setns EPERM
}

@test "an ADD that fails to open anything leaves nothing" {
    fail_each openat EMFILE
    fail_each openat2 ENOENT
}

@test "an ADD that is killed at any call of bpf() leaves nothing that DEL does not remove" {
    kill_each bpf
}

@test "an ADD that is killed at any netlink message or lock leaves nothing that DEL does not remove" {
    kill_each sendmsg
    kill_each flock
}
