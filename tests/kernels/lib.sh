# SPDX-License-Identifier: Apache-2.0
# What the scripts of booted machines share: TAP, waiting, the pod, its plugin and policyd. Sourced as /lib.sh.
# shellcheck shell=bash
pins=/sys/fs/bpf/nsp manifests=/manifests socket=/run/policyd.sock
number=0

# ok NAME CMD...: one test.
ok() {
    local name=$1 output
    shift
    number=$((number + 1))
    if output=$("$@" 2>&1); then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        printf '%s\n' "$*" "$output" | sed 's/^/# /'
    fi
}

# until_true SECONDS CMD...
until_true() {
    local deadline=$((SECONDS + $1 + 1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        read -rt 0.05 <> <(:) || true
    done
}

# become_pod CMD...: this shell becomes a process of the pod.
become_pod() {
    echo "$BASHPID" >/sys/fs/cgroup/pod/main/cgroup.procs
    exec nsenter --net=/run/netns/pod "$@"
}

in_pod() {
    (become_pod "$@")
}

# begin_in_pod CMD...: in the background; $! is CMD itself, and no shell around it.
begin_in_pod() {
    (become_pod "$@") &
}

# answers PATTERN CMD...: the last line of what CMD prints in the pod.
answers() {
    local expected=$1 output
    shift
    output=$(in_pod "$@" 2>&1)
    # shellcheck disable=SC2053
    [[ ${output##*$'\n'} == $expected ]] || { echo "$output" && return 1; }
}

cni() {
    jq -cn --arg pins $pins '{cniVersion: "1.0.0", name: "pods", type: "nsp", capabilities: {cgroupPath: true},
        bpffs: $pins, socket: "/run/cni.sock", runtimeConfig: {cgroupPath: "/pod"},
        prevResult: {cniVersion: "1.0.0", interfaces: [{name: "vethpod"}, {name: "eth0", sandbox: "/run/netns/pod"}],
                     ips: [{address: "10.9.0.2/24", interface: 1, gateway: "10.9.0.1"},
                           {address: "fd09::2/64", interface: 1, gateway: "fd09::1"}]}}' |
        CNI_COMMAND=$1 CNI_CONTAINERID=sandbox CNI_NETNS=/run/netns/pod CNI_IFNAME=eth0 CNI_PATH=/bin \
            CNI_ARGS="K8S_POD_NAMESPACE=default;K8S_POD_NAME=probe;K8S_POD_UID=1" /bin/nsp
}

# Its pid goes to a file: each test runs in a shell of its own. Names are known for a second after their TTL.
policyd_start() {
    policyd --manifests $manifests --bpffs $pins --socket $socket --cni-socket /run/cni.sock --name-floor 1s \
        --events-burst 100000 --events-per-second 100000 >>/policyd.log 2>&1 &
    echo $! >/policyd.pid
    until_true 150 nspctl --socket $socket status # a loaded host loads slowly in there
}

has_event() {
    nspctl --socket $socket observe -o json | jq -e "select($1)" | grep -q .
}

# attached_by clsact|tcx
attached_by() {
    nspctl --socket $socket pods -o json | jq -e ".pods[0].attachments[0].attach == \"$1\""
}

# serve NAME WORD CMD...: in the background, until its log has the word.
serve() {
    local log=/$1.log word=$2
    shift 2
    "$@" >"$log" 2>&1 &
    until_true 60 grep -q "$word" "$log"
}

# A veth to the pod, whose gateway is this machine; 10.99.0.0/16 answers here as well.
network_up() {
    mkdir -p $manifests /run/netns /sys/fs/cgroup/pod
    ip netns add pod
    ip link add vethpod type veth peer name eth0 netns pod
    ip addr add 10.9.0.1/24 dev vethpod
    ip -6 addr add fd09::1/64 dev vethpod nodad
    ip link set vethpod up
    ip -n pod addr add 10.9.0.2/24 dev eth0
    ip -n pod -6 addr add fd09::2/64 dev eth0 nodad
    ip -n pod link set eth0 up
    ip -n pod link set lo up
    ip -n pod route add default via 10.9.0.1
    ip route add local 10.99.0.0/16 dev lo
}
