#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job in short, on a kernel booted by boot.sh, whose only process tree this is: the plugin adds a pod, policyd
# follows a folder, and two paths of one program try the same things. Prints TAP. The machine is thrown away afterwards.
# boot: -t 240 -m veth -m sch_ingress -m cls_bpf
# boot: build/nsp build/policyd build/nspctl build/support/e2e-probe
# boot: /usr/sbin/ip /usr/sbin/tc /usr/sbin/bpftool /usr/bin/jq
set -u
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

profile() {
    cat >"$manifests/.new" <<END
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: probe}
spec:
  labelSelector: {matchLabels: {app: probe}}
  actions: [$1]
  processes:
    - path: /bin/e2e-probe
      network:
        egress:
          cidr4: [10.9.0.0/24]
          cidr6: ["fd09::/64"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocolPorts: [{protocol: tcp, port: $2}, {protocol: udp, port: $2}]}
---
apiVersion: v1
kind: Pod
metadata: {name: probe, labels: {app: probe}}
END
    mv "$manifests/.new" "$manifests/probe.yaml"
}

in_pod() {
    (
        echo "$BASHPID" >/sys/fs/cgroup/pod/main/cgroup.procs
        exec nsenter --net=/run/netns/pod "$@"
    )
}

# answers WORDS CMD...: what CMD prints in the pod.
answers() {
    local expected=$1 output
    shift
    output=$(in_pod "$@" 2>&1)
    [[ $output == "$expected" ]] || { echo "$output" && return 1; }
}

cni() {
    jq -cn --arg pins $pins '{cniVersion: "1.0.0", name: "pods", type: "nsp", capabilities: {cgroupPath: true},
        bpffs: $pins, socket: "/run/cni.sock", runtimeConfig: {cgroupPath: "/pod"},
        prevResult: {cniVersion: "1.0.0", interfaces: [{name: "vethpod"}, {name: "eth0", sandbox: "/run/netns/pod"}],
                     ips: [{address: "10.9.0.2/24", interface: 1}, {address: "fd09::2/64", interface: 1}]}}' |
        CNI_COMMAND=$1 CNI_CONTAINERID=sandbox CNI_NETNS=/run/netns/pod CNI_IFNAME=eth0 CNI_PATH=/bin \
            CNI_ARGS="K8S_POD_NAMESPACE=default;K8S_POD_NAME=probe;K8S_POD_UID=1" /bin/nsp
}

# Its pid goes to a file: each test runs in a shell of its own.
policyd_start() {
    policyd --manifests $manifests --bpffs $pins --socket $socket --cni-socket /run/cni.sock >>/policyd.log 2>&1 &
    echo $! >/policyd.pid
    until_true 60 nspctl --socket $socket status
}

has_event() {
    nspctl --socket $socket observe -o json | jq -e "select($1)" | grep -q .
}

attached_by() {
    nspctl --socket $socket pods -o json | jq -e ".pods[0].attachments[0].attach == \"$1\""
}

# SYN-ACK, RST and TIME_WAIT ACK carry no socket, and what they carry instead differs between kernels.
no_stray_segments() {
    ! nspctl --socket $socket pods -o json | jq -e '.pods[0].violations[] | select(.reason == "not_a_reply")' &&
        ! has_event '.flow.l4.TCP and .reason == "no_default"'
}

# clsact filters show by name in tc and bpftool. Debian's bpftool knows no tcx: what shows is that our filters are gone
# and that, with the qdisc gone as well, a datagram that only tc can refuse is refused.
is_attached() {
    if [[ $(uname -r) == 6.1.* ]]; then
        attached_by clsact && tc filter show dev vethpod ingress | grep -q nsp_from_pod &&
            bpftool net show dev vethpod | grep -q nsp_to_pod
    else
        attached_by tcx && ! tc filter show dev vethpod ingress | grep nsp_from_pod
    fi
}

datagram_is_dropped() {
    [[ $(uname -r) == 6.1.* ]] || tc qdisc del dev vethpod clsact
    answers "recv ETIMEDOUT" e2e-probe udp-connected 10.9.0.1 7001
}

# A connection that lives while its port is taken out of the profile.
live_flow_is_cut() {
    in_pod e2e-probe hold 10.9.0.1 7000 send >/held 2>&1 &
    local pid=$!
    until_true 20 grep -q holding /held || { cat /held && return 1; }
    profile enforce 7001
    wait $pid
    grep -q ECONNRESET /held || { cat /held && return 1; }
}

nothing_left() {
    [[ ! -e $pins ]] && ! tc filter show dev vethpod ingress | grep nsp_ && ! bpftool net show | grep nsp_ &&
        ! bpftool cgroup tree /sys/fs/cgroup | grep nsp_ && until_true 10 eval '! bpftool prog show | grep nsp_'
}

mkdir -p $manifests /run/netns /sys/fs/cgroup/pod
cp /bin/e2e-probe /bin/other
ip netns add pod
ip link add vethpod type veth peer name eth0 netns pod
ip addr add 10.9.0.1/24 dev vethpod
ip -6 addr add fd09::1/64 dev vethpod nodad
ip link set vethpod up
ip -n pod addr add 10.9.0.2/24 dev eth0
ip -n pod -6 addr add fd09::2/64 dev eth0 nodad
ip -n pod link set eth0 up
ip -n pod link set lo up
profile alert 7000
ok "policyd loads the datapath and answers" policyd_start
ok "the plugin adds a pod, whose profile is in force when it returns" cni ADD
mkdir /sys/fs/cgroup/pod/main
e2e-probe serve 7000 7001 >/serve.log 2>&1 &
until_true 20 grep -q ready /serve.log
ok "CHECK finds everything in its place" cni CHECK
ok "alert lets the unlisted executable pass" answers ok other tcp 10.9.0.1 7000
ok "and reports it by its path" until_true 10 has_event '.flow.verdict == "AUDIT" and .process.binary == "/bin/other"'
profile enforce 7000
ok "enforce refuses it at connect" until_true 20 answers "connect EPERM" other tcp 10.9.0.1 7000
ok "over IPv6 too" answers "connect EPERM" other tcp fd09::1 7000
ok "and at sendto" answers "sendto EPERM" other udp 10.9.0.1 7000
ok "and its raw socket" answers "socket EPERM" other raw 10.9.0.1
ok "the listed executable goes on" answers ok e2e-probe tcp 10.9.0.1 7000
ok "over IPv6 too" answers ok e2e-probe tcp fd09::1 7000
ok "and gets its datagram's answer" answers ok e2e-probe udp 10.9.0.1 7000
ok "but not to another port" answers "connect EPERM" e2e-probe tcp 10.9.0.1 7001
ok "the kernel's last words of a connection follow it" no_stray_segments
ok "an MPTCP socket is refused" answers "socket EPERM" e2e-probe mptcp 10.9.0.1 7000
ok "the programs are on the veth as this kernel has it" until_true 20 is_attached
ok "a connected datagram to another port is dropped there" datagram_is_dropped
kill -9 "$(cat /policyd.pid)"
ok "without policyd verdicts stay" answers "connect EPERM" other tcp 10.9.0.1 7000
ok "on both sides" answers ok e2e-probe tcp 10.9.0.1 7000
ok "a new policyd adopts what is pinned" policyd_start
ok "a live connection that the profile no longer allows is reset" live_flow_is_cut
kill "$(cat /policyd.pid)"
until_true 20 test ! -e "/proc/$(cat /policyd.pid)"
ok "policyd --remove ends well" policyd --remove --bpffs $pins
ok "and leaves nothing attached or pinned" nothing_left
echo "1..$number"
