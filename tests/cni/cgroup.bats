#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The pod's cgroup: found where runtimes and kubelet say it is, and nowhere else.
source "$BATS_TEST_DIRNAME/fixture.bash"

setup_file() {
    load_datapath
}

setup() {
    ns_make a
    veth_pair - "$(host_if a)" a eth0
}

# A uid no other test and no kubelet has. tree DIR... makes it below the root, and takes it away at the end.
UID_TEXT=$(printf '%08x-0000-4000-8000-%012x' $$ $$)

tree() {
    local path=$UNIFIED part
    for part in ${1//\// }; do
        path+=/$part
        [[ -d $path ]] || mkdir "$path"
        on_exit "rmdir $path 2>/dev/null"
    done
}

# expect_cgroup PATH: that is what was recorded, by path and id.
expect_cgroup() {
    expect "cgroup $1, not $(pod_record a | jq -r .cgroup_path)" [ "$(pod_record a | jq -r .cgroup_path)" == "$1" ]
    [ "$(pod_record a | jq .cgroup_id)" -eq "$(stat -c %i "$UNIFIED$1")" ]
    expect "all programs on $1" [ "$(programs_of "$UNIFIED$1")" -eq $CGROUP_PROGRAMS ]
}

by_path() {
    succeed ADD a <<<"$(conf a ".runtimeConfig.cgroupPath = \"$1\"")"
}

by_uid() {
    succeed ADD a CNI_ARGS="K8S_POD_UID=$1" <<<"$(conf a 'del(.runtimeConfig)')"
}

@test "a full cgroupPath is taken as it is" {
    tree "/${NSP_ID}k/burstable/pod1"
    by_path "/${NSP_ID}k/burstable/pod1"
    expect_cgroup "/${NSP_ID}k/burstable/pod1"
}

@test "the name of a slice is expanded as systemd does" {
    tree "/${NSP_ID}k.slice/${NSP_ID}k-burstable.slice/${NSP_ID}k-burstable-pod1_2.slice"
    by_path "${NSP_ID}k-burstable-pod1_2.slice"
    expect_cgroup "/${NSP_ID}k.slice/${NSP_ID}k-burstable.slice/${NSP_ID}k-burstable-pod1_2.slice"
}

@test "without cgroupPath the pod's uid is looked for where kubelet puts it" {
    local place uid=${UID_TEXT//-/_}
    for place in "/kubepods/burstable/pod$UID_TEXT" "/kubepods/besteffort/pod$UID_TEXT" "/kubepods/pod$UID_TEXT" \
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod$uid.slice" \
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod$uid.slice" \
        "/kubepods.slice/kubepods-pod$uid.slice" \
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod$uid.slice" \
        "/kubelet/kubepods/pod$UID_TEXT"; do
        tree "$place"
        by_uid "$UID_TEXT"
        expect_cgroup "$place"
        succeed DEL a <<<"$(conf a)"
        rmdir "$UNIFIED$place"
    done
}

@test "a static pod's uid of 32 digits is found" {
    local hash
    hash=$(printf '%032x' $$)
    tree "/kubepods/burstable/pod$hash"
    by_uid "$hash"
    expect_cgroup "/kubepods/burstable/pod$hash"
}

@test "a cgroupPath that is gone falls back on the uid" {
    tree "/kubepods/pod$UID_TEXT"
    succeed ADD a CNI_ARGS="K8S_POD_UID=$UID_TEXT" <<<"$(conf a '.runtimeConfig.cgroupPath = "/nspt-none"')"
    expect_cgroup "/kubepods/pod$UID_TEXT"
}

@test "a cgroupPath that leaves the mount or means all of it is refused with code 7" {
    local path
    for path in / ../../etc /../etc "/a/../../etc" . -.slice; do
        fail_with 7 ADD a <<<"$(conf a ".runtimeConfig.cgroupPath = \"$path\"")"
        [[ "$output" == *cgroupPath* ]]
    done
    expect_nothing a
}

@test "a cgroup that has vanished is code 11" {
    fail_with 11 ADD a <<<"$(conf a '.runtimeConfig.cgroupPath = "/nspt-none"')"
    expect_nothing a
}

@test "a runtime that names no cgroup is a clear error" {
    fail_with 100-199 ADD a <<<"$(conf a 'del(.runtimeConfig)')"
    [[ "$output" == *cgroupPath* ]]
    fail_with 100-199 ADD a CNI_ARGS="K8S_POD_UID=$UID_TEXT" <<<"$(conf a 'del(.runtimeConfig)')"
    [[ "$output" == *"$UID_TEXT"* ]]
    expect_nothing a
}

@test "a host with cgroup v1 only is a clear error" {
    # shellcheck disable=SC2016
    run --separate-stderr unshare -m bash -c '
        while awk "\$3 == \"cgroup2\" { exit 1 }" /proc/mounts; [[ $? == 1 ]]; do
            umount -l "$(awk "\$3 == \"cgroup2\" { print \$2; exit }" /proc/mounts)" || exit 2
        done
        exec env CNI_COMMAND=ADD CNI_CONTAINERID=c-a CNI_NETNS="$1" CNI_IFNAME=eth0 "$2"
    ' - "$(ns_path a)" "$NSP_BUILD/nsp" <<<"$(conf a)"
    [ "$status" -eq 1 ]
    expect_error 100-199
    [[ "$output" == *"cgroup v1 only"* ]]
    expect_nothing a
}

@test "T2: a process in a cgroup below the pod's is the pod's, and one beside it is not" {
    cgroup_make a
    cgroup_make b
    mkdir -p "$(cgroup_path a)/crio-1.scope/container"
    succeed ADD a <<<"$(conf a)"
    run in_cgroup a/crio-1.scope/container ip netns exec "$(ns_name a)" bash -c 'exec 3<>/dev/tcp/10.7.0.1/80'
    [[ "$output" == *"not permitted"* ]]
    run in_cgroup b ip netns exec "$(ns_name a)" bash -c 'exec 3<>/dev/tcp/10.7.0.1/80'
    [[ "$output" == *"unreachable"* ]]
}
