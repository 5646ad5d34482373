#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the programs of a pod may do under a profile that enforces, and what each of their calls returns.
source "$BATS_TEST_DIRNAME/lib.bash"

setup_file() {
    node_up
    node_serve 7000 7050
    pod_up server /usr/bin/probe serve 7000 7001
    pod_up client /bin/busybox sleep 1000000
    addresses_export server
    addresses_export client
}

teardown_file() {
    node_serve_end
    node_down
}

# client_profile [ACTION]: probe may use TCP and UDP ports 7000-7009 and ICMP of the server and of the node.
client_profile() {
    profile client "$@" <<END
  processes:
    - path: /usr/bin/probe
      network:
        egress:
          cidr4: [$SERVER4/32, $NODE4/32]
          cidr6: ["$SERVER6/128", "$NODE6/128"]
          l3: {protocols: [ipv4, ipv6]}
          l4:
            protocols: [icmp, icmpv6]
            protocolPorts:
              - {protocol: tcp, port: 7000, endPort: 7009}
              - {protocol: udp, port: 7000, endPort: 7009}
END
}

setup() {
    profile_none server
    profile_none client
}

@test "a listed binary reaches what its rules allow, by IPv4 and IPv6" {
    client_profile
    outcomes client <<END
probe tcp $SERVER4 7000           | ok
probe tcp $SERVER6 7000           | ok
probe tcp $NODE4 7000             | ok
probe tcp $NODE6 7000             | ok
probe udp $SERVER4 7001           | ok
probe udp $SERVER6 7001           | ok
probe udp-connected $SERVER4 7001 | ok
probe udp-connected $SERVER6 7001 | ok
probe ping $SERVER4               | ok
probe ping $SERVER6               | ok
probe ping $NODE4                 | ok
END
}

@test "an unlisted binary is told EPERM where a call can tell, and reaches nothing" {
    client_profile
    outcomes client <<END
other tcp $SERVER4 7000           | connect EPERM
other tcp $SERVER6 7000           | connect EPERM
other udp $SERVER4 7001           | sendto EPERM
other udp $SERVER6 7001           | sendto EPERM
other udp-connected $SERVER4 7001 | recv ETIMEDOUT
other udp-connected $SERVER6 7001 | recv ETIMEDOUT
other ping $SERVER4               | recv ETIMEDOUT
other ping $SERVER6               | recv ETIMEDOUT
other bind tcp 9000               | bind EPERM
other bind udp 9000               | bind EPERM
END
}

@test "T23: a listed binary is refused other addresses, ports and protocols" {
    client_profile
    outcomes client <<END
probe tcp 10.77.0.200 7000 | connect EPERM
probe tcp fd77::200 7000   | connect EPERM
probe tcp $SERVER4 7010    | connect EPERM
probe tcp $SERVER4 6999    | connect EPERM
probe tcp $NODE6 7050      | connect EPERM
probe udp $SERVER4 7010    | sendto EPERM
probe udp $SERVER6 7010    | sendto EPERM
probe ping 10.77.0.200     | recv ETIMEDOUT
END
}

@test "connecting a UDP socket sends nothing: neither refused nor reported" {
    client_profile
    events_watch
    outcomes client <<END
other udp-connect $SERVER4 7001  | ok
other udp-connect 10.77.0.200 53 | ok
other tcp $SERVER4 7000          | connect EPERM
END
    events_expect '.flow.l4.TCP.destination_port == 7000'
    events_none '.flow.l4.UDP'
}

@test "T36: replies come back: a closed port's RST, a closed UDP port's ICMP error" {
    client_profile
    outcomes client <<END
probe tcp $NODE4 7009           | connect ECONNREFUSED
probe tcp $NODE6 7009           | connect ECONNREFUSED
probe tcp $SERVER4 7009         | connect ECONNREFUSED
probe tcp $SERVER6 7009         | connect ECONNREFUSED
probe udp-connected $NODE4 7009 | recv ECONNREFUSED
probe udp-connected $NODE6 7009 | recv ECONNREFUSED
END
}

@test "T36: what the kernel sends at the end of a connection follows it" {
    client_profile
    local stray='.violations[] | select(.reason == "not_a_reply" and .seen > 0)'
    events_watch
    # The probe closes first: its end answers the peer's FIN from TIME_WAIT, without a socket.
    outcomes client <<END
probe tcp $SERVER4 7000 | ok
probe tcp $SERVER6 7000 | ok
probe tcp $NODE4 7000   | ok
probe tcp $NODE6 7000   | ok
END
    nsenter --net="/run/netns/${PODS_ID}client" ss -Htan state time-wait | grep -q .
    probe client other udp "$SERVER4" 7001
    events_expect '.flow.l4.UDP'
    events_none '.flow.l4.TCP'
    [[ -z $(pod_json client | jq "$stray") ]]
}

@test "T34: loopback and the pod's own addresses are not judged" {
    profile server <<END
  processes: []
END
    outcomes server <<END
other tcp 127.0.0.1 7000  | ok
other tcp ::1 7000        | ok
other tcp $SERVER4 7000   | ok
other tcp $SERVER6 7000   | ok
other udp 127.0.0.1 7001  | ok
other udp $SERVER4 7001   | ok
other ping 127.0.0.1      | ok
other ping $SERVER4       | ok
other bind tcp 0          | ok
other tcp $CLIENT4 7000   | connect EPERM
END
}

@test "T18: an MPTCP socket is refused without an event, and programs fall back to TCP" {
    client_profile
    events_watch
    outcomes client <<END
probe mptcp $SERVER4 7000 | socket EPERM
probe mptcp $SERVER6 7000 | socket EPERM
probe tcp $SERVER4 7000   | ok
other tcp $SERVER4 7001   | connect EPERM
END
    events_expect '.flow.l4.TCP.destination_port == 7001'
    [[ $(events_count '.process.binary') == 1 ]]
}

@test "T20: raw sockets are refused to binaries whose rules cannot use them" {
    client_profile
    events_watch
    outcomes client <<END
probe raw $SERVER4 | ok
other raw $SERVER4 | socket EPERM
other raw $SERVER6 | socket EPERM
END
    events_expect '.reason == "unknown_binary" and .hook == "sock_create" and .process.binary == "/usr/bin/other"'
}

@test "T30: a socket handed on through exec is judged by who sends on it, however often that changes" {
    client_profile
    local depth
    for depth in 1 2 3 4 5 6; do
        outcomes client <<END
probe inherit $depth - $SERVER4 7001 | sendto EPERM
END
    done
    outcomes client <<END
probe inherit 0 - $SERVER4 7001 | ok
END
}

@test "T71: a path that a process of its own user namespace has mounted something over is not believed" {
    client_profile
    events_watch
    local got
    got=$(container_exec client/main /bin/busybox unshare -Urm /bin/busybox sh -c \
        "/bin/busybox mount -o bind /usr/bin/other /usr/bin/probe && exec /usr/bin/probe tcp $SERVER4 7000") || true
    [[ $got == "connect EPERM" ]] || { echo "$got" && false; }
    events_expect '.reason == "untrusted_binary" and .process.binary == "/usr/bin/probe"'
}

@test "T38: a large datagram passes in its fragments, to one peer as to another" {
    client_profile
    outcomes client <<END
probe udp-large $SERVER4 7001 | ok
probe udp-large $SERVER6 7001 | ok
other udp-large $SERVER4 7001 | sendto EPERM
END
}

@test "T21: what a packet socket sends is dropped on the veth, whoever sends it" {
    client_profile
    events_watch
    capture_start
    outcomes client <<END
probe packet eth0 $CLIENT4 $NODE4 7050 | ok
other packet eth0 $CLIENT4 $NODE4 7050 | ok
probe udp $NODE4 7000                  | ok
END
    events_expect '.reason == "foreign_socket" and .flow.verdict == "DROPPED"'
    capture_end "$NODE4"
    captured 'dst port 7000' | grep -q 7000
    [[ -z $(captured 'dst port 7050') ]]
}

@test "under alert everything passes and is reported" {
    client_profile alert
    events_watch
    outcomes client <<END
other tcp $SERVER4 7000  | ok
other udp $SERVER6 7001  | ok
other ping $SERVER4      | ok
other bind tcp 9000      | ok
other raw $SERVER4       | ok
probe tcp $NODE4 7050    | ok
END
    local from_other='.process.binary == "/usr/bin/other" and .flow.verdict == "AUDIT" and .effect == "none"'
    events_expect "$from_other and .hook == \"connect\" and .flow.l4.TCP.destination_port == 7000"
    events_expect "$from_other and .hook == \"sendmsg\" and .flow.l4.UDP.destination_port == 7001"
    events_expect "$from_other and .hook == \"bind\""
    events_expect "$from_other and .hook == \"sock_create\""
    events_expect "$from_other and .flow.l4.ICMPv4"
    events_expect '.process.binary == "/usr/bin/probe" and .reason == "l4_port" and .flow.verdict == "AUDIT"'
}

@test "under ignore everything passes, is counted and not reported" {
    client_profile ignore
    events_watch
    local before
    before=$(tally client IGNORED seen)
    outcomes client <<END
other tcp $SERVER4 7000  | ok
other udp $SERVER6 7001  | ok
END
    (($(tally client IGNORED seen) >= before + 2))
    client_profile
    probe client other tcp "$SERVER4" 7000
    events_expect '.flow.verdict == "DROPPED"'
    events_none '.flow.verdict != "DROPPED"'
}

@test "an event names pod, container cgroup, binary, pid, peer, profile and revision" {
    client_profile
    events_watch
    probe client other tcp "$SERVER4" 7000
    # At connect the socket has no address of its own yet.
    events_expect ".flow.verdict == \"DROPPED\" and .flow.drop_reason_desc == \"POLICY_DENIED\"
        and .flow.IP.source == null and .flow.IP.destination == \"$SERVER4\"
        and .flow.traffic_direction == \"EGRESS\"
        and .flow.source.pod_name == \"client\" and .flow.source.namespace == \"default\"
        and (.flow.source.labels | index(\"k8s:pod=client\"))
        and .flow.cgroup_id == $(stat -c %i "$PODS_CGROUP/client/main")
        and .process.binary == \"/usr/bin/other\" and .process.pid > 1 and .process.uid == 0
        and .flow.egress_denied_by[0].name == \"client-profile\"
        and .flow.egress_denied_by[0].revision == $(revision_of client)
        and .action == \"enforce\" and .effect == \"EPERM\" and .reason == \"unknown_binary\" and .live_flow == false"
}

@test "T82: every violation is reported, suppressed or lost: the counters add up" {
    client_profile
    local i before
    before=$(tally client DROPPED seen)
    for ((i = 0; i < 20; i++)); do
        probe client other tcp "$SERVER4" "$((8000 + i % 10))"
    done
    (($(tally client DROPPED seen) == before + 20))
    (($(tally client "" reported) > 0))
    (($(tally client "" seen) == $(tally client "" reported) + $(tally client "" suppressed) + $(tally client "" lost)))
}
