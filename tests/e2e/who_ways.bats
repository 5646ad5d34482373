#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Other ways in and out of a pod: interfaces that no plugin made, namespaces inside it, service addresses, listeners
# without a bind, sockets that are older than the profile.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    peer_http
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
    host_pod_up stranger /usr/bin/other serve 7999
}

teardown_file() {
    pods_node iptables -w -t nat -F PREROUTING
    peers_down
    node_down
}

# client_profile ADDRESS [INGRESS]: probe and python may reach it.
client_profile() {
    local path
    {
        echo "  processes:"
        for path in /usr/bin/probe "$PYTHON"; do
            cat <<END
    - path: $path
      network:
        egress: {cidr4: [$1/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp, udp, icmp]}}
        ${2:+ingress: $2}
END
        done
    } | profile client
}

setup() {
    profile_none client
    events_watch
}

in_client() {
    nsenter --net="/run/netns/${PODS_ID}client" "$@"
}

@test "T12: an interface that none of ours was attached to is judged at the pod's sockets" {
    ip link add net1 netns "${PODS_ID}client" type veth peer name second netns "${PODS_ID}peers"
    in_client ip address add 10.90.0.1/24 dev net1
    in_client ip link set net1 up
    peer_ip address add 10.90.0.2/24 dev second
    peer_ip link set second up
    client_profile 10.90.0.2
    rows client <<END
probe tcp 10.90.0.2 7000 | ok
other tcp 10.90.0.2 7000 | connect EPERM
other udp 10.90.0.2 7000 | sendto EPERM
END
    [[ $(in_peers "$NSP_BUILD/support/e2e-probe" tcp 10.90.0.1 7999) == "connect ETIMEDOUT" ]]
    events_expect '.flow.traffic_direction == "INGRESS" and .hook == "cgroup_ingress"'
    client_profile 10.88.0.2
    rows client <<END
probe tcp 10.90.0.2 7000 | connect EPERM
END
    in_client ip link delete net1
}

@test "T28: who listens without a bind is judged when somebody connects" {
    client_profile 10.88.0.2
    local log=$PODS_DIR/listener port
    container_exec client/main "$PYTHON" -c '
import socket
s = socket.socket(); s.listen(); print(s.getsockname()[1], flush=True); s.settimeout(20); s.accept()' \
        </dev/null >"$log" 2>&1 &
    local listener=$!
    wait_for 5 grep -q '^[0-9]' "$log"
    port=$(cat "$log")
    rows stranger <<END
probe tcp $CLIENT4 $port | connect ETIMEDOUT
END
    events_expect ".flow.traffic_direction == \"INGRESS\" and .flow.l4.TCP.destination_port == $port
        and .process.binary == \"$PYTHON\""
    kill "$listener"
}

@test "T29: a connection that is older than the profile ends when that comes" {
    container_exec client/main /usr/bin/probe hold 10.99.1.9 7000 send </dev/null >"$PODS_DIR/old" 2>&1 &
    wait_for 5 grep -q holding "$PODS_DIR/old"
    client_profile 10.88.0.2
    wait_for 5 grep -q ECONNRESET "$PODS_DIR/old"
    events_expect '.flow.verdict == "DROPPED" and .flow.IP.destination == "10.99.1.9"'
}

@test "T31: a connection belongs to the program that listens, whoever accepts it" {
    client_profile 10.88.0.2 "{cidr4: [$STRANGER4/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}"
    container_exec client/main "$PYTHON" -c '
import os, shutil, socket, subprocess, sys
s = socket.socket(); s.bind(("", 7100)); s.listen(); s.set_inheritable(True)
shutil.copy(sys.executable, "/tmp/inherits")
code = "import socket; c, _ = socket.socket(fileno=%d).accept(); c.sendall(c.recv(64))" % s.fileno()
subprocess.run(["/tmp/inherits", "-c", code], close_fds=False, env={"PYTHONHOME": "/usr"}, timeout=20)' \
        </dev/null >"$PODS_DIR/inherits" 2>&1 &
    wait_for 5 listens client 7100
    rows stranger <<END
probe tcp $CLIENT4 7100 | ok
END
}

listens() {
    nsenter --net="/run/netns/$PODS_ID$1" ss -Hltn "sport = $2" | grep -q .
}

@test "T35: a service's address is judged as the pod wrote it, translated behind the veth or not" {
    pods_node iptables -w -t nat -A PREROUTING -d 10.96.0.10 -p tcp -j DNAT --to-destination 10.88.0.2
    client_profile 10.96.0.10
    rows client <<END
probe tcp 10.96.0.10 7000 | ok
probe tcp 10.88.0.2 7000  | connect EPERM
END
    # Towards itself through a service: out as egress, in as ingress from its own address.
    pods_node iptables -w -t nat -I PREROUTING -d 10.96.0.11 -p tcp -j DNAT --to-destination "$CLIENT4"
    client_profile 10.96.0.11
    rows client <<END
probe tcp 10.96.0.11 7999 | connect ETIMEDOUT
END
    pods_node iptables -w -t nat -F PREROUTING
}

@test "T37: what a namespace inside the pod sends through it has no process of the pod's, and does not leave" {
    ip netns add "${PODS_ID}nested"
    ip link add nested0 netns "${PODS_ID}client" type veth peer name eth0 netns "${PODS_ID}nested"
    in_client ip address add 10.91.0.1/24 dev nested0
    in_client ip link set nested0 up
    in_client sysctl -qw net.ipv4.ip_forward=1
    in_client iptables -w -t nat -A POSTROUTING -s 10.91.0.0/24 -j MASQUERADE
    ip -n "${PODS_ID}nested" address add 10.91.0.2/24 dev eth0
    ip -n "${PODS_ID}nested" link set eth0 up
    ip -n "${PODS_ID}nested" route add default via 10.91.0.1
    local nested=(nsenter --net="/run/netns/${PODS_ID}nested" "$NSP_BUILD/support/e2e-probe")
    [[ $("${nested[@]}" tcp 10.88.0.2 7000) == ok ]]
    client_profile 10.88.0.2
    [[ $("${nested[@]}" tcp 10.88.0.2 7000) == "connect ETIMEDOUT" ]]
    [[ $("${nested[@]}" udp 10.88.0.2 7000) == "recv ETIMEDOUT" ]]
    events_expect '.flow.traffic_direction == "EGRESS" and .flow.verdict == "DROPPED" and .hook == "tc_from_pod"'
    ip netns delete "${PODS_ID}nested"
}

@test "T80: capabilities in a user namespace of one's own give nothing in the pod's network" {
    client_profile 10.88.0.2
    rows client <<END
probe raw 10.88.0.2                                                 | ok
busybox unshare -Ur /usr/bin/probe raw 10.88.0.2                    | socket EPERM
busybox unshare -Ur /usr/bin/probe packet eth0 10.1.1.1 10.1.1.2 9  | socket EPERM
busybox unshare -Urn /usr/bin/probe tcp 10.88.0.2 7000              | connect E*
END
}

@test "T23: an unconnected UDP socket that sends to everybody reaches those that are allowed" {
    client_profile 10.88.0.2
    capture_start
    rows client <<END
$PYTHON /opt/e2e/tricks.py udp_sweep 10.88.0.2 10.88.0.53 7000 | EPERM
END
    capture_end "$NODE4"
    captured 'udp port 7000 and dst host 10.88.0.2' | grep -q .
    run ! grep . <(captured "udp port 7000 and src host $CLIENT4 and not dst host 10.88.0.2")
}
