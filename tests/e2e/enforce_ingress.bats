#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who may reach a pod: peers, ports, the default block, the node itself.
source "$BATS_TEST_DIRNAME/lib.bash"

setup_file() {
    node_up
    pod_up server /usr/bin/probe serve 7000 7001
    pod_up client /bin/busybox sleep 1000000
    pod_up stranger /bin/busybox sleep 1000000
    addresses_export server
    addresses_export client
    addresses_export stranger
}

teardown_file() {
    node_down
}

# server_profile [ACTION]: probe may be asked on port 7000 by the client; what else is on stdin follows in the spec.
server_profile() {
    profile server "$@" <<END
  processes:
    - path: /usr/bin/probe
      network:
        ingress:
          cidr4: [$CLIENT4/32]
          cidr6: ["$CLIENT6/128"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocolPorts: [{protocol: tcp, port: 7000}, {protocol: udp, port: 7000}]}
END
}

setup() {
    profile_none server
}

@test "an ingress rule lets its peers to its ports, and nobody else" {
    server_profile
    outcomes client <<END
probe tcp $SERVER4 7000 | ok
probe tcp $SERVER6 7000 | ok
probe udp $SERVER4 7000 | ok
probe udp $SERVER6 7000 | ok
probe tcp $SERVER4 7001 | connect ETIMEDOUT
probe udp $SERVER4 7001 | recv ETIMEDOUT
probe udp $SERVER6 7001 | recv ETIMEDOUT
END
    outcomes stranger <<END
probe tcp $SERVER4 7000 | connect ETIMEDOUT
probe tcp $SERVER6 7000 | connect ETIMEDOUT
probe udp $SERVER4 7000 | recv ETIMEDOUT
probe udp $SERVER6 7000 | recv ETIMEDOUT
END
}

@test "a refused peer is reported with the server's binary and the peer's address" {
    server_profile
    events_watch
    probe stranger probe tcp "$SERVER4" 7000
    events_expect ".flow.verdict == \"DROPPED\" and .flow.traffic_direction == \"INGRESS\" and .reason == \"address\"
        and .flow.IP.source == \"$STRANGER4\" and .flow.l4.TCP.destination_port == 7000
        and .flow.destination.pod_name == \"server\" and .process.binary == \"/usr/bin/probe\"
        and .flow.ingress_denied_by[0].name == \"server-profile\""
    probe client probe udp "$SERVER6" 7001
    events_expect ".reason == \"l4_port\" and .flow.l4.UDP.destination_port == 7001
        and .flow.IP.source == \"$CLIENT6\""
}

@test "answering a request needs no egress rule, asking does" {
    server_profile
    outcomes client <<END
probe tcp $SERVER4 7000 | ok
END
    outcomes server <<END
probe tcp $CLIENT4 7000 | connect EPERM
probe udp $CLIENT6 7000 | sendto EPERM
END
}

@test "what no process owns is judged by the default block" {
    server_profile
    outcomes client <<END
probe ping $SERVER4     | recv ETIMEDOUT
probe ping $SERVER6     | recv ETIMEDOUT
probe tcp $SERVER4 7999 | connect ETIMEDOUT
END
    profile server <<END
  default:
    ingress:
      cidr4: [$CLIENT4/32]
      cidr6: ["$CLIENT6/128", "fe80::/10", "ff00::/8"]
      l3: {protocols: [ipv4, ipv6, arp]}
      l4: {protocols: [icmp, icmpv6], protocolPorts: [{protocol: tcp, port: 7999}, {protocol: udp, port: 7999}]}
    egress:
      cidr6: ["$CLIENT6/128", "fe80::/10", "ff00::/8"]
      l3: {protocols: [ipv6, arp]}
      l4: {protocols: [icmpv6]}
END
    outcomes client <<END
probe ping $SERVER4               | ok
probe ping $SERVER6               | ok
probe tcp $SERVER4 7999           | connect ECONNREFUSED
probe tcp $SERVER6 7999           | connect ECONNREFUSED
probe udp-connected $SERVER4 7999 | recv ECONNREFUSED
probe udp-connected $SERVER6 7999 | recv ECONNREFUSED
probe tcp $SERVER4 7000           | connect ETIMEDOUT
END
    outcomes stranger <<END
probe ping $SERVER4     | recv ETIMEDOUT
probe tcp $SERVER4 7999 | connect ETIMEDOUT
END
}

@test "ARP and neighbour discovery of the pod's own addresses need no default block" {
    server_profile
    nsenter --net="/run/netns/${PODS_ID}server" ip neigh flush all
    nsenter --net="/run/netns/${PODS_ID}client" ip neigh flush all
    outcomes client <<END
probe tcp $SERVER4 7000 | ok
probe tcp $SERVER6 7000 | ok
END
}

@test "the node's own connections pass, as kubelet's probes do" {
    server_profile
    node_outcomes <<END
tcp $SERVER4 7001           | ok
tcp $SERVER6 7001           | ok
udp $SERVER4 7001           | ok
udp $SERVER6 7001           | ok
udp-connected $SERVER4 7001 | ok
END
    [[ $(probe client probe tcp "$SERVER4" 7001) == "connect ETIMEDOUT" ]]
}

# translate -A|-D: port 7070 of the node is the server's port 7000, asked in the node's name, as a NodePort is.
translate() {
    pods_node iptables -w -t nat "$1" PREROUTING -p tcp -d "$NODE4" --dport 7070 -j DNAT \
        --to-destination "$SERVER4:7000"
    # Before the bridge plugin's rules, which leave alone what goes from pod to pod.
    pods_node iptables -w -t nat "${1/A/I}" POSTROUTING -p tcp -d "$SERVER4" --dport 7000 -j MASQUERADE
}

@test "what only wears the node's address is judged, right after the node itself came from there" {
    translate -A
    outcomes stranger <<END
probe tcp $NODE4 7070 | ok
END
    server_profile
    events_watch
    node_outcomes <<END
tcp $SERVER4 7000 | ok
END
    outcomes stranger <<END
probe tcp $NODE4 7070 | connect ETIMEDOUT
END
    translate -D
    events_expect ".flow.verdict == \"DROPPED\" and .reason == \"address\" and .flow.IP.source == \"$NODE4\""
}

@test "under alert a refused peer passes and is reported" {
    server_profile alert
    events_watch
    outcomes stranger <<END
probe tcp $SERVER4 7000 | ok
probe udp $SERVER6 7000 | ok
probe ping $SERVER4     | ok
END
    events_expect '.flow.verdict == "AUDIT" and .flow.traffic_direction == "INGRESS" and .flow.l4.TCP
        and .effect == "none"'
    events_expect '.flow.verdict == "AUDIT" and .flow.l4.UDP'
    events_expect '.flow.verdict == "AUDIT" and .flow.l4.ICMPv4 and .reason == "no_default"'
}

@test "a UDP server answers all of many peers at once" {
    local i pids=()
    server_profile
    for ((i = 0; i < 6; i++)); do
        probe client probe times 3000 ok udp "$([[ $((i % 2)) == 0 ]] && echo "$SERVER4" || echo "$SERVER6")" 7000 \
            </dev/null >"$PODS_DIR/times-$i" 2>&1 &
        pids+=($!)
    done
    wait "${pids[@]}"
    cat "$PODS_DIR"/times-*
    [[ $(grep -c 'runs=3000 unexpected=0$' "$PODS_DIR"/times-* | grep -c ':1$') == 6 ]]
}

@test "a pod that no profile selects is not touched" {
    events_watch
    outcomes stranger <<END
other tcp $SERVER4 7000 | ok
other udp $SERVER6 7001 | ok
other raw $SERVER4      | ok
other bind tcp 9000     | ok
END
    server_profile
    probe stranger other tcp "$SERVER4" 7000
    events_expect '.flow.destination.pod_name == "server"'
    events_none '.flow.source.pod_name == "stranger"'
}
