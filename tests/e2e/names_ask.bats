#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What may be asked for, by UDP and by TCP; how long a name is known; what happens when a pod has learnt all it can.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

# Names are known for a second after their TTL has run out, not for an hour.
setup_file() {
    node_up
    pods_policyd_stop
    pods_policyd --events-burst 100000 --events-per-second 100000 --name-floor 1s
    peers_up
    peer_named
    peer_dnsmasq
    peer_responder responder "$RESPONDER"
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
}

teardown_file() {
    peers_down
    node_down
}

setup() {
    profile_none client
    events_watch
}

# asks L7: resolve may ask two resolvers, and reach *.odd.
asks() {
    profile client <<END
  processes:
    - path: /usr/bin/resolve
      network: &network
        egress:
          fqdns: ["*.odd", "www.example.test"]
          cidr4: [$NAMED/32, $RESPONDER/32]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp], protocolPorts: [{protocol: udp, port: 53}]}
          l7: $1
    - path: /usr/bin/probe
      network: *network
END
}

@test "only listed names may be asked for, by any type of query, and the event has the name" {
    asks '{protocols: [dns], dns: ["www.example.test", "*.odd"]}'
    rows client <<END
resolve ask $NAMED www.example.test A        | 10.99.1.1
resolve ask $NAMED www.example.test 16       | rcode 0
resolve ask $NAMED other.example.test A      | recv ETIMEDOUT
resolve ask $NAMED other.example.test 16     | recv ETIMEDOUT
resolve ask $NAMED example.test A            | recv ETIMEDOUT
resolve ask $RESPONDER a-0a630120.odd A      | 10.99.1.32
resolve ask $RESPONDER a-0a630120.x.odd A    | recv ETIMEDOUT
END
    events_expect '.reason == "dns_name" and .flow.verdict == "DROPPED"
        and (.flow.l7.dns.query | startswith("other.example.test"))'
}

@test "an empty list of names allows none; no list beside any allows all" {
    asks '{protocols: [any], dns: []}'
    rows client <<END
resolve ask $NAMED www.example.test A        | recv ETIMEDOUT
END
    asks '{protocols: [dns]}'
    rows client <<END
resolve ask $NAMED www.example.test A        | recv ETIMEDOUT
END
    asks '{protocols: [any]}'
    rows client <<END
resolve ask $NAMED www.example.test A        | 10.99.1.1
END
    asks '{protocols: [http]}'
    rows client <<END
resolve ask $NAMED www.example.test A        | recv ETIMEDOUT
END
    events_expect '.reason == "l7_protocol"'
}

@test "a query over TCP is judged as one over UDP, and its client told ECONNRESET" {
    asks '{protocols: [any], dns: ["www.example.test"]}'
    rows client <<END
resolve tcp $NAMED www.example.test          | 10.99.1.1
resolve connect 10.99.1.1 7000               | ok
resolve tcp $NAMED other.example.test        | recv ECONNRESET
END
    events_expect '.reason == "dns_name" and .flow.l4.TCP and .effect == "ECONNRESET"'
}

@test "T60: a tunnel through DNS gets nothing out" {
    asks '{protocols: [any], dns: ["www.example.test", "*.odd"]}'
    local secret i
    capture_start
    for i in 1 2 3; do
        secret=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
        rows client <<END
resolve ask $NAMED $secret.$secret.bad.test 16                      | recv ETIMEDOUT
resolve ask $NAMED $secret.www.example.test A                       | recv ETIMEDOUT
END
    done
    rows client <<END
resolve ask $NAMED www.example.test A | 10.99.1.1
END
    capture_end "$NODE4"
    captured 'udp dst port 53' | grep -q ' A? www.example.test'
    run ! grep -v ' A? www.example.test' <(captured 'udp dst port 53')
    events_expect '.reason == "dns_name" and (.flow.l7.dns.query | endswith("bad.test") or endswith("bad.test."))'
}

@test "what is no DNS query on port 53 is refused where names are judged" {
    asks '{protocols: [dns], dns: ["*"]}'
    rows client <<END
resolve ask $RESPONDER a-0a630121.odd A | 10.99.1.33
probe udp $RESPONDER 53                 | recv ETIMEDOUT
END
    events_expect '.reason == "dns_message" and .process.binary == "/usr/bin/probe"'
}

@test "a name is known for its TTL or the floor, and the flow that comes later is told FQDN_EXPIRED" {
    asks '{protocols: [any]}'
    rows client <<END
resolve reach $RESPONDER ttl-1_a-0a630122.odd 7000 | ok
END
    wait_for 10 is_refused 10.99.1.34
    events_expect '.reason == "fqdn_expired" and .flow.IP.destination == "10.99.1.34"'
    rows client <<END
resolve reach $RESPONDER ttl-1_a-0a630122.odd 7000   | ok
resolve reach $RESPONDER ttl-300_a-0a630123.odd 7000 | ok
END
    wait_for 10 is_refused 10.99.1.34
    rows client <<END
resolve connect 10.99.1.35 7000 | ok
END
}

is_refused() {
    [[ $(container_exec client/main /usr/bin/resolve connect "$1" 7000) == "connect EPERM" ]]
}

@test "a flow that lives keeps its name: it goes on, and others may join it" {
    asks '{protocols: [any]}'
    HELD=$PODS_DIR/held
    container_exec client/main /usr/bin/resolve hold "$RESPONDER" ttl-1_a-0a630124.odd 7000 \
        </dev/null >"$HELD" 2>&1 &
    wait_for 5 grep -q holding "$HELD"
    rows client <<END
resolve reach $RESPONDER ttl-1_a-0a630125.odd 7000 | ok
END
    # When what was learnt after it has expired, its own name would have.
    wait_for 10 is_refused 10.99.1.37
    rows client <<END
resolve connect 10.99.1.36 7000 | ok
END
    [[ $(cat "$HELD") == holding ]]
    container_kill client KILL hold
    wait_for 10 is_refused 10.99.1.36
}

@test "a new revision without the name ends what was reached by it" {
    asks '{protocols: [any]}'
    HELD=$PODS_DIR/held
    container_exec client/main /usr/bin/resolve hold "$RESPONDER" ttl-300_a-0a630126.odd 7000 \
        </dev/null >"$HELD" 2>&1 &
    wait_for 5 grep -q holding "$HELD"
    profile client <<END
  processes:
    - path: /usr/bin/resolve
      network:
        egress: {fqdns: ["www.example.test"], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}
END
    wait_for 5 grep -q ECONNRESET "$HELD"
}

@test "a resolver inside the pod asks for the others, by nameScope: pod" {
    # Another container of the pod, with the resolver of a sidecar.
    container_start client/resolver host /usr/sbin/dnsmasq --keep-in-foreground --log-facility=- --user=root \
        --pid-file= --conf-file=/dev/null --no-hosts --no-resolv --listen-address=127.0.0.1 --bind-interfaces \
        --server="$NAMED" --port=5353
    profile client <<END
  nameScope: pod
  processes:
    - path: /usr/sbin/dnsmasq
      network:
        egress:
          fqdns: ["*.example.test"]
          cidr4: [$NAMED/32]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: udp, port: 53}]}
          l7: {protocols: [dns], dns: ["*.example.test"]}
    - path: $PYTHON
      network:
        egress: {fqdns: ["www.example.test"], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}
END
    local ask='
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect(("127.0.0.1", 5353))
q = struct.pack("!HHHHHH", 7, 256, 1, 0, 0, 0) + b"\3www\7example\4test\0" + struct.pack("!HH", 1, 1)
s.send(q); print(socket.inet_ntoa(s.recv(512)[-4:]))
socket.create_connection(("10.99.1.1", 7000), 3); print("reached")'
    run run_in client "$PYTHON" -c "$ask"
    echo "$output"
    [[ $output == *10.99.1.1* && $output == *reached ]]
    rows client <<END
resolve connect 10.99.1.1 7000 | connect EPERM
END
}

@test "T55: a pod that has learnt all it can learns no more, says so, and keeps what it knows" {
    asks '{protocols: [any]}'
    local i
    for ((i = 100; i < 120; i++)); do
        container_exec client/main /usr/bin/resolve ask "$RESPONDER" "ttl-300_block-$i.odd" A 4096 >/dev/null
    done
    events_expect '.reason == "names_full"'
    rows client <<END
resolve connect 10.99.100.0 7000  | ok
resolve connect 10.99.110.59 7000 | ok
resolve connect 10.99.119.59 7000 | connect EPERM
END
}
