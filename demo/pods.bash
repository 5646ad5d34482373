# SPDX-License-Identifier: Apache-2.0
# Pods without Kubernetes, for the demo and the end-to-end tests. A network namespace plays the node: the bridge, its
# firewall rules and policyd live in there, so that nothing of the machine changes. A pod is a network namespace and a
# cgroup, given its network by the real bridge and portmap plugins with ours last, and its containers by runc.
# Everything made here is called $PODS_ID<name>: namespaces, the cgroup, the pins, and the folder /run/$PODS_ID with
# manifests, images, bundles, logs and sockets. pods_end removes all of it, pods_leftovers says what it did not.
# shellcheck shell=bash

PODS_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PODS_BUILD=${NSP_BUILD:-$PODS_ROOT/build}
[[ $PODS_BUILD == /* ]] || PODS_BUILD=$PODS_ROOT/$PODS_BUILD

# pods_names ID: where everything is. Makes nothing.
pods_names() {
    PODS_ID=$1
    PODS_DIR=/run/$1
    PODS_PINS=/sys/fs/bpf/$1
    PODS_SOCKET=$PODS_DIR/policyd.sock
    PODS_MANIFESTS=$PODS_DIR/manifests
    PODS_CGROUP=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/$1
    [[ $PODS_CGROUP != "/$1" ]] || pods_fail "no cgroup v2 is mounted"
}

pods_fail() {
    echo "pods: $*" >&2
    return 1
}

# pods_wait SECONDS CMD...: until CMD succeeds.
pods_wait() {
    local deadline=$((SECONDS + $1 + 1)) output
    shift
    until output=$("$@" 2>&1); do
        ((SECONDS < deadline)) || pods_fail "waited in vain for: $*: $output" || return
        sleep 0.02
    done
}

# --- the node ---------------------------------------------------------------------------------------------------------
# pods_begin ID: the node, and the network that its pods will have.
pods_begin() {
    pods_names "$1"
    [[ $(stat -f -c %T /sys/fs/bpf) == bpf_fs ]] || mount -t bpf bpf /sys/fs/bpf
    mkdir -p "$PODS_MANIFESTS" "$PODS_DIR"/{images,pods,ipam}
    mkdir "$PODS_CGROUP"
    ip netns add "${PODS_ID}node"
    ip -n "${PODS_ID}node" link set lo up
    # Nobody else has the bridge's addresses; until that is found out (1-2 s) they would not answer.
    pods_node sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
    pods_conflist >"$PODS_DIR/net.conflist"
}

# Only the network namespace: `ip netns exec` would also replace /sys, and hide bpffs and cgroups.
pods_node() {
    nsenter --net="/run/netns/${PODS_ID}node" "$@"
}

pods_conflist() {
    jq -n --arg dir "$PODS_DIR" --arg pins "$PODS_PINS" '{
        cniVersion: "1.0.0", name: "pods",
        plugins: [
            {type: "bridge", bridge: "cni0", isGateway: true, ipMasq: true, hairpinMode: true,
             ipam: {type: "host-local", dataDir: ($dir + "/ipam"),
                    ranges: [[{subnet: "10.77.0.0/24"}], [{subnet: "fd77::/64"}]],
                    routes: [{dst: "0.0.0.0/0"}, {dst: "::/0"}]}},
            {type: "portmap", capabilities: {portMappings: true}},
            {type: "nsp", capabilities: {cgroupPath: true}, failurePolicy: "Fail",
             bpffs: $pins, socket: ($dir + "/cni.sock")}
        ]}'
}

# pods_policyd [OPTION...]: starts it on the node, and returns when it answers.
pods_policyd() {
    pods_policyd_start "$@"
    pods_policyd_ready
}

# Its pid goes to $PODS_DIR/policyd.pid.
pods_policyd_start() {
    # Ctrl-C and a closing terminal are not its concern. bats waits for whoever holds its descriptor 3.
    setsid nsenter --net="/run/netns/${PODS_ID}node" "$PODS_BUILD/policyd" --manifests "$PODS_MANIFESTS" \
        --bpffs "$PODS_PINS" --socket "$PODS_SOCKET" --cni-socket "$PODS_DIR/cni.sock" "$@" \
        </dev/null >>"$PODS_DIR/policyd.log" 2>&1 3>&- &
    echo $! >"$PODS_DIR/policyd.pid"
    disown # a shell that is asked to kill it need not say so
}

pods_policyd_ready() {
    pods_wait 20 pods_nspctl status && return
    tail -n 20 "$PODS_DIR/policyd.log" >&2
    return 1
}

pods_nspctl() {
    "$PODS_BUILD/nspctl" --socket "$PODS_SOCKET" "$@"
}

# --- pods -------------------------------------------------------------------------------------------------------------
# pod_create NAME [PORT_MAPPINGS]: network namespace, cgroup, CNI ADD. PORT_MAPPINGS: JSON as the portmap plugin has it.
pod_create() {
    local name=$1 dir=$PODS_DIR/pods/$1
    mkdir "$PODS_CGROUP/$name" "$dir"
    ip netns add "$PODS_ID$name"
    ip -n "$PODS_ID$name" link set lo up
    pod_cni ADD "$name" "${2:-[]}" >"$dir/result"
    # The bridge is as new as its first pod; an IPv6 address does not answer until nobody else has claimed it (DAD).
    pods_wait 5 pods_settled
}

pods_settled() {
    [[ -z $(ip -n "${PODS_ID}node" -6 address show tentative) ]]
}

# pod_cni ADD|DEL|CHECK NAME [PORT_MAPPINGS]
pod_cni() {
    CNI_PATH=$PODS_BUILD:/usr/lib/cni:/opt/cni/bin CNI_CACHE_DIR=$PODS_DIR/cache \
        CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=$2;K8S_POD_UID=$PODS_ID-$2" \
        CAP_ARGS=$(jq -cn --arg path "/$PODS_ID/$2" --argjson ports "${3:-[]}" \
            '{cgroupPath: $path, portMappings: $ports}') \
        pods_node "$PODS_ROOT/tests/support/cni-chain.sh" "$1" "$PODS_DIR/net.conflist" "$PODS_ID$2" \
        "/run/netns/$PODS_ID$2" eth0
}

# pod_address NAME 4|6; of the node's end of the bridge: pod_gateway NAME 4|6.
pod_address() {
    jq -r --arg family "$2" '[.ips[].address | select(contains(":") == ($family == "6"))][0] | split("/")[0]' \
        "$PODS_DIR/pods/$1/result"
}

pod_gateway() {
    jq -r --arg family "$2" '[.ips[].gateway | select(contains(":") == ($family == "6"))][0]' \
        "$PODS_DIR/pods/$1/result"
}

# pod_delete NAME: containers, CNI DEL, network namespace, cgroup; goes on after a failure.
pod_delete() {
    local name=$1 dir rc=0
    for dir in "$PODS_DIR/pods/$name"/*/; do
        [[ -d $dir ]] || continue
        pods_runc delete -f "$(container_id "$name/$(basename "$dir")")" || rc=1
    done
    pod_cni DEL "$name" || rc=1
    ip netns delete "$PODS_ID$name" || rc=1
    pods_cgroup_remove "$PODS_CGROUP/$name" || rc=1
    rm -rf "$PODS_DIR/pods/$name"
    return "$rc"
}

# A cgroup goes when its last process has been reaped.
pods_cgroup_remove() {
    local folder
    [[ -d $1 ]] || return 0
    echo 1 >"$1/cgroup.kill"
    while read -r folder; do
        pods_wait 5 rmdir "$folder" || return
    done < <(find "$1" -depth -type d)
}

# --- containers -------------------------------------------------------------------------------------------------------
# pods_image NAME PATH=FILE...: a root filesystem with a shell and these programs.
pods_image() {
    local root=$PODS_DIR/images/$1 it
    shift
    mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp}
    install -m 755 "$(command -v busybox)" "$root/bin/busybox"
    ln -s busybox "$root/bin/sh"
    for it in "$@"; do
        install -D -m 755 "${it#*=}" "$root${it%%=*}"
    done
}

# pods_image_host NAME [PATH=FILE...]: this machine's own root filesystem, read-only, with these files over it: whatever
# is installed here can run in a container. An overlay without an upper folder, so that nothing in it can be changed, of
# two filesystems, since one layer must not be in the other.
pods_image_host() {
    local root=$PODS_DIR/images/$1 over=$PODS_DIR/over/$1 it
    shift
    mkdir -p "$root" "$over"
    mount -t tmpfs -o mode=755 "$PODS_ID" "$over"
    mkdir "$over"/{etc,dev,proc,sys,tmp}
    touch "$over/etc/resolv.conf"
    for it in "$@"; do
        install -D -m 755 "${it#*=}" "$over${it%%=*}"
    done
    mount -t overlay -o "ro,lowerdir=$over:/" "$PODS_ID" "$root"
}

# pods_image_writable NAME IMAGE: one of those again, with an upper folder: what is written into it is the container's.
pods_image_writable() {
    local root=$PODS_DIR/images/$1 over=$PODS_DIR/over/$1
    mkdir -p "$root" "$over"
    mount -t tmpfs -o mode=755 "$PODS_ID" "$over"
    mkdir "$over"/{upper,work}
    mount -t overlay -o "lowerdir=$PODS_DIR/over/$2:/,upperdir=$over/upper,workdir=$over/work" "$PODS_ID" "$root"
}

# runc sees our cgroup as the root of the only hierarchy. So it does on every host what it does on a pure v2 one (a
# container's first process is in <pod>/<container> before it runs anything), and touches neither v1 nor the real root.
pods_runc() {
    # shellcheck disable=SC2016
    unshare --mount sh -c 'mount --bind "$1" /sys/fs/cgroup && shift && exec runc "$@"' - \
        "$PODS_CGROUP" --root "$PODS_DIR/runc" "$@"
}

container_id() {
    echo "$PODS_ID${1/\//-}"
}

# container_start POD/NAME IMAGE CMD...: in the background; what it writes goes to the file that container_log names.
container_start() {
    local container=$1 dir=$PODS_DIR/pods/$1
    mkdir "$dir"
    container_spec "$dir" "$@"
    pods_runc run --detach --bundle "$dir" "$(container_id "$container")" </dev/null >"$dir/log" 2>&1 3>&- ||
        pods_fail "$container: $(cat "$dir/log")"
}

# container_spec DIR POD/NAME IMAGE CMD...: the capabilities are containerd's default ones; without NET_RAW a raw socket
# would fail for another reason than ours. /tmp is the container's own; as a kubelet does, the pod's resolv.conf is
# mounted where there is one (pod_resolver).
container_spec() {
    local dir=$1 container=$2 image=$3 readonly=true
    shift 3
    [[ ! -d $PODS_DIR/over/$image/upper ]] || readonly=false
    runc spec --bundle "$dir"
    jq --arg image "$PODS_DIR/images/$image" --arg container "$container" --arg pod "${container%%/*}" \
        --arg netns "/run/netns/$PODS_ID${container%%/*}" --arg resolv "$(pod_resolv_conf "${container%%/*}")" \
        --argjson readonly "$readonly" '
        ["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
         "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE" | "CAP_" + .] as $capabilities
        | .root = {path: $image, readonly: $readonly} | .hostname = $pod
        | .process.terminal = false | .process.args = $ARGS.positional
        | .process.capabilities = {bounding: $capabilities, effective: $capabilities, permitted: $capabilities}
        | .mounts |= map(select(.type != "cgroup"))
        | .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=1777"]}]
        | if $resolv != "" then .mounts += [{destination: "/etc/resolv.conf", type: "bind", source: $resolv,
                                             options: ["bind", "ro"]}] else . end
        | .linux.cgroupsPath = "/" + $container
        | .linux.namespaces = [{type: "network", path: $netns}, ("pid", "ipc", "uts", "mount" | {type: .})]
        ' --args -- "$@" <"$dir/config.json" >"$dir/config.new"
    mv "$dir/config.new" "$dir/config.json"
}

# pod_resolver POD LINE...: the lines of its resolv.conf, now and later on. Before its first container.
pod_resolver() {
    printf '%s\n' "${@:2}" >"$PODS_DIR/pods/$1/resolv.conf"
}

pod_resolv_conf() {
    [[ ! -e $PODS_DIR/pods/$1/resolv.conf ]] || echo "$PODS_DIR/pods/$1/resolv.conf"
}

container_log() {
    echo "$PODS_DIR/pods/$1/log"
}

# container_exec POD/NAME CMD...: another process in it, in the foreground.
container_exec() {
    local container=$1
    shift
    pods_runc exec "$(container_id "$container")" "$@" 3>&-
}

# container_signal POD/NAME SIGNAL: to its first process.
container_signal() {
    pods_runc kill "$(container_id "$1")" "$2"
}

# --- the end ----------------------------------------------------------------------------------------------------------
# pods_policyd_stop: as an operator would; what it attached keeps judging.
pods_policyd_stop() {
    local pid
    pid=$(cat "$PODS_DIR/policyd.pid" 2>/dev/null) || return 0
    rm -f "$PODS_DIR/policyd.pid"
    kill -TERM "$pid" 2>/dev/null || return 0
    pods_wait 10 pods_gone "$pid"
}

# Whether a process has ended; one that its parent has not yet reaped has.
pods_gone() {
    [[ ! -e /proc/$1 || $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) == [ZX] ]]
}

# pods_remove: takes the datapath off this node, as an operator would who has had enough of it.
pods_remove() {
    [[ -e $PODS_PINS ]] || return 0
    pods_node "$PODS_BUILD/policyd" --remove --bpffs "$PODS_PINS" >>"$PODS_DIR/policyd.log" 2>&1
}

# pods_end: everything of $PODS_ID, whole or half made; goes on after a failure and then returns it.
pods_end() {
    local it rc=0
    for it in "$PODS_DIR"/pods/*/; do
        [[ ! -d $it ]] || pod_delete "$(basename "$it")" || rc=1
    done
    pods_policyd_stop || rc=1
    pods_remove || rc=1
    for it in /run/netns/"$PODS_ID"*; do
        [[ ! -e $it ]] || ip netns delete "$(basename "$it")" || rc=1
    done
    pods_cgroup_remove "$PODS_CGROUP" || rc=1
    pods_unmount || rc=1
    rm -rf --one-file-system "$PODS_PINS" "$PODS_DIR" || rc=1
    return "$rc"
}

# An image of pods_image_host is this machine's own files: it must be gone before anything is deleted.
pods_unmount() {
    local it rc=0
    while read -r it; do
        umount "$it" || rc=1
    done < <(awk -v prefix="$PODS_DIR/" 'index($2, prefix) == 1 { print $2 }' /proc/mounts | tac)
    return "$rc"
}

# pods_bpf: the programs, maps and links pinned by this node, as "prog 12", one a line.
pods_bpf() {
    local kind
    for kind in prog map link; do
        bpftool --bpffs --json "$kind" show | jq -r --arg kind "$kind" --arg pins "$PODS_PINS/" \
            '.[] | select(any(.pinned[]?; startswith($pins))) | "\($kind) \(.id)"'
    done
}

# pods_leftovers [FILE]: what is still there of this node; FILE has an earlier output of pods_bpf.
pods_leftovers() {
    local it kind id
    for it in /run/netns/"$PODS_ID"* "$PODS_PINS"* "$PODS_DIR"*; do
        [[ ! -e $it ]] || echo "$it"
    done
    awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts | while read -r it; do
        find "$it" -maxdepth 1 -name "$PODS_ID*"
    done
    # The pattern comes by a file: grep would find itself.
    grep -lzF -f <(echo "/$PODS_ID") /proc/[0-9]*/cmdline 2>/dev/null
    while read -r kind id; do
        ! bpftool "$kind" show id "$id" >/dev/null 2>&1 || echo "$kind $id"
    done <"${1:-/dev/null}"
    return 0
}
