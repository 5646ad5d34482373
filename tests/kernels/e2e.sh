#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job in short, on a kernel booted by boot.sh, whose only process tree this is: the plugin adds a pod, policyd
# follows a folder, and two paths of one program try the same things. Prints TAP. The machine is thrown away afterwards.
# On the host's kernel what e2e/ does not is done by both of its ways to attach.
# boot: -t 400 -m veth -m sch_ingress -m cls_bpf
# boot: build/nsp build/policyd build/nspctl build/support/e2e-probe build/support/e2e-resolve build/support/e2e-spoof
# boot: tests/kernels/lib.sh tests/kernels/rules.sh tests/kernels/forge.py
# boot: tests/support/peers/responder.py tests/support/peers/http_server.py tests/support/clients/http_client.py
# boot: -p encodings.unicode_escape,encodings.latin_1
# boot: /usr/sbin/ip /usr/sbin/tc /usr/sbin/bpftool /usr/bin/jq
set -u
source /lib.sh
source /rules.sh

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

# SYN-ACK, RST and TIME_WAIT ACK carry no socket, and what they carry instead differs between kernels.
stray_segments() {
    nspctl --socket $socket pods -o json | jq '[.pods[0].violations[] | select(.reason == "not_a_reply").seen] | add'
}

# On the host judged_hellos came before: the server of a connection that was ended there goes on sending its last byte,
# and each RST with which the pod's kernel answers is one more.
no_stray_segments() {
    [[ ${MACHINE:-} == host || $(stray_segments) == "$strays" ]] || {
        echo "$strays before, now $(stray_segments)"
        return 1
    }
    ! has_new_event '.flow.l4.TCP and .reason == "no_default"'
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
    begin_in_pod e2e-probe hold 10.9.0.1 7000 send >/held 2>&1
    local pid=$!
    until_true 20 grep -q holding /held || { cat /held && return 1; }
    profile enforce 7001
    wait $pid
    grep -q ECONNRESET /held || { cat /held && return 1; }
}

nothing_left() {
    [[ ! -e $pins ]] && ! tc filter show dev vethpod ingress | grep nsp_ && ! bpftool net show | grep nsp_ &&
        ! bpftool cgroup tree /sys/fs/cgroup | grep nsp_ || return
    # On a host there may be others'.
    [[ ${MACHINE:-} == host ]] || until_true 10 eval '! bpftool prog show | grep nsp_'
}

# hold_clsact: policyd makes no links for the pod to come where it cannot pin them, and stays with what ADD has done.
hold_clsact() {
    local slot
    for slot in {1..9}; do
        mkdir "$pins/links/$slot-$(cat /sys/class/net/vethpod/ifindex)-in"
    done
}

release_clsact() {
    rmdir $pins/links/*-in
    ip link add stir type veth peer name stirred
    ip link delete stir
}

network_up
cp /bin/e2e-probe /bin/other
profile alert 7000
ok "policyd loads the datapath and answers" policyd_start
[[ ${MACHINE:-} != host ]] || hold_clsact
ok "the plugin adds a pod, whose profile is in force when it returns" cni ADD
mkdir /sys/fs/cgroup/pod/main
ok "servers answer" rules_servers
ok "CHECK finds everything in its place" cni CHECK
ok "alert lets the unlisted executable pass" answers ok other tcp 10.9.0.1 7000
ok "and reports it by its path" until_true 60 has_event '.flow.verdict == "AUDIT" and .process.binary == "/bin/other"'
ok "a pod's forged neighbours would be believed" forgeries_are_believed
if [[ ${MACHINE:-} == host ]]; then
    rules_manifests
    ok "the programs are on the veth by clsact" attached_by clsact
    check_rules clsact
    ok "and stayed there" attached_by clsact
    release_clsact
    rm $manifests/shadow.yaml
fi
strays=$(stray_segments) since=$(jq -nr 'now | todate')
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
rules_manifests
mode=tcx
[[ $(uname -r) != 6.1.* ]] || mode=clsact
check_rules $mode
rm $manifests/shadow.yaml
profile enforce 7000
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
