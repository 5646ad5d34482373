# SPDX-License-Identifier: Apache-2.0
# What every shell test stands on, sourced by bats files and by plain scripts: paths, names that carry the run's pid,
# and the promise that nothing stays behind. Everything made here is called $NSP_ID<name>; at the end all of that
# name goes, and at the start whatever runs that were killed have left. A run beside this one is not touched.
# shellcheck shell=bash

NSP_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
NSP_BUILD=${NSP_BUILD:-build}
[[ $NSP_BUILD == /* ]] || NSP_BUILD=$NSP_ROOT/$NSP_BUILD
NSP_ID=nspt$$x
NSP_TMP=${TMPDIR:-/tmp}/${NSP_ID}tmp
CNI_PATH=$NSP_BUILD:/usr/lib/cni:/opt/cni/bin
CNI_CACHE_DIR=/run/${NSP_ID}cni
export NSP_ROOT NSP_BUILD CNI_PATH CNI_CACHE_DIR
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
_exits=()

# --- names ------------------------------------------------------------------------------------------------------------
ns_name() {
    echo "$NSP_ID$1"
}

ns_path() {
    echo "/run/netns/$NSP_ID$1"
}

cgroup_path() {
    echo "$(cgroup2_root)/$NSP_ID$1"
}

# Where this host has cgroup v2: not always /sys/fs/cgroup (hybrid hosts).
cgroup2_root() {
    awk '$3 == "cgroup2" { print $2; found = 1; exit } END { exit !found }' /proc/mounts
}

# --- things -----------------------------------------------------------------------------------------------------------
# ns_make NAME: a network namespace, lo up.
ns_make() {
    ip netns add "$NSP_ID$1"
    ip -n "$NSP_ID$1" link set lo up
}

# in_ns NAME CMD...
in_ns() {
    ip netns exec "$NSP_ID$1" "${@:2}"
}

# veth_pair NS1 IF1 NS2 IF2: both ends up; a namespace of - is the current one.
veth_pair() {
    local first=(netns "$NSP_ID$1") second=(netns "$NSP_ID$3")
    [[ $1 != - ]] || first=()
    [[ $3 != - ]] || second=()
    ip link add "$2" "${first[@]}" type veth peer name "$4" "${second[@]}"
    ip ${first[1]+-n "${first[1]}"} link set "$2" up
    ip ${second[1]+-n "${second[1]}"} link set "$4" up
}

# cgroup_make NAME: a cgroup v2 below the root; cgroup_path NAME is its folder.
cgroup_make() {
    mkdir "$(cgroup_path "$1")"
}

# in_cgroup NAME CMD...: runs CMD as a member of it.
in_cgroup() {
    # shellcheck disable=SC2016
    bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$(cgroup_path "$1")" "${@:2}"
}

# tmp_make: the folder $NSP_TMP.
tmp_make() {
    mkdir -p "$NSP_TMP"
}

# bpffs where everybody expects it, left mounted: others may have pinned in it by the time we end.
ensure_bpffs() {
    [[ $(stat -f -c %T /sys/fs/bpf) == bpf_fs ]] || mount -t bpf bpf /sys/fs/bpf
}

# spawn CMD...: in the background, its pid in $SPAWNED, killed at the end. bats waits for whoever holds its fd 3.
spawn() {
    "$@" 3>&- &
    SPAWNED=$!
    on_exit "kill $SPAWNED 2>/dev/null; wait $SPAWNED 2>/dev/null"
}

# cni_chain ADD|DEL|CHECK|STATUS|GC CONFLIST CONTAINER_ID NETNS IFNAME
cni_chain() {
    "$NSP_ROOT/tests/support/cni-chain.sh" "$@"
}

# --- time -------------------------------------------------------------------------------------------------------------
# wait_for SECONDS CMD...: until CMD succeeds; the only place that sleeps. Shows CMD's last output if it never does.
wait_for() {
    local seconds=$1 output step=0.01 deadline
    shift
    deadline=$((${EPOCHREALTIME/./} + ${seconds%.*} * 1000000))
    until output=$("$@" 2>&1); do
        if ((${EPOCHREALTIME/./} >= deadline)); then
            printf 'waited %s s in vain for: %s\n%s\n' "$seconds" "$*" "$output" >&2
            return 1
        fi
        sleep "$step"
        step=0.05
    done
}

# --- the end ----------------------------------------------------------------------------------------------------------
# on_exit CMD: a string, evaluated at the end of the test or script, last come first. Not from a subshell.
on_exit() {
    _exits+=("$1")
}

cleanup() {
    local i
    for ((i = ${#_exits[@]} - 1; i >= 0; i--)); do
        eval "${_exits[i]}" || true
    done
    _exits=()
    remove_named "$NSP_ID" || true # what is going by itself meanwhile is no failure, whatever set -e says
}

# remove_named PREFIX: processes, cgroups, namespaces, links, pins, mounts and files of that name.
remove_named() {
    local it
    for it in /run/netns/"$1"*; do
        [[ -e $it ]] || continue
        ip netns pids "${it##*/}" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
    done
    remove_cgroups "$1"
    for it in /run/netns/"$1"*; do
        [[ ! -e $it ]] || ip netns delete "${it##*/}" 2>/dev/null
    done
    for it in /sys/class/net/"$1"*; do
        [[ ! -e $it ]] || ip link delete "${it##*/}" 2>/dev/null
    done
    awk -v prefix="/$1" 'index($2, prefix) { print $2 }' /proc/mounts | tac | xargs -r -n 1 umount -l 2>/dev/null
    rm -rf --one-file-system /sys/fs/bpf/"$1"* "${TMPDIR:-/tmp}/$1"* /run/"$1"*
    return 0
}

# A cgroup goes when it is empty, from the leaves up, in every hierarchy (runc on a hybrid host makes v1 ones too).
remove_cgroups() {
    local root top folder
    while read -r root; do
        while read -r top; do
            while read -r folder; do
                xargs -r kill -KILL <"$folder/cgroup.procs" 2>/dev/null
                wait_for 5 rmdir "$folder" || true
            done < <(find "$top" -depth -type d)
        done < <(find "$root" -type d -name "$1*" -prune)
    done < <(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts) 2>/dev/null
}

# A zombie does nothing more, but keeps its folder in /proc until somebody asks for it.
is_alive() {
    local state
    state=$(sed -n 's/^State:\t//p' "/proc/$1/status" 2>/dev/null)
    [[ -n $state && $state != [ZX]* ]]
}

# reap: what runs whose process is gone have left.
reap() {
    local it pid dead=""
    for it in /run/netns/nspt* /sys/class/net/nspt* /sys/fs/bpf/nspt* "${TMPDIR:-/tmp}"/nspt* /run/nspt* \
        "$(cgroup2_root)"/nspt*; do
        pid=${it##*/nspt}
        pid=${pid%%x*}
        [[ $pid =~ ^[0-9]+$ && $dead != *" $pid "* ]] || continue
        ! is_alive "$pid" || continue
        dead+=" $pid "
        remove_named "nspt${pid}x" || true
    done
}

if [[ -z ${NSP_REAPED:-} ]]; then
    reap
    export NSP_REAPED=1
fi
# bats has its own EXIT trap: there the end is teardown. A file with its own calls cleanup in it.
if [[ -n ${BATS_TEST_FILENAME:-} ]]; then
    teardown() {
        cleanup
    }
    teardown_file() {
        cleanup
    }
else
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
fi
