#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A policy changes all at once, though it does so a thousand times under load; a pod under load costs another nothing.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    # As shipped: each violation counts, a few are reported.
    pods_policyd_stop
    pods_policyd
    peers_up
    host_image_up "/usr/bin/change=$NSP_BUILD/support/e2e-change"
    host_pod_up client /usr/bin/other serve 7999
    host_pod_up neighbour /usr/bin/other serve 7999
    # The node's connection tracking is not what is under test; it would fill.
    pods_node iptables -w -t raw -I PREROUTING -j NOTRACK
    peer_ip route add 10.77.0.0/24 via 10.88.0.1
}

teardown_file() {
    peers_down
    node_down
}

# allows ADDRESS PORT: a thousand ports of it, by UDP.
allows() {
    cat <<END
  processes:
    - path: /usr/bin/change
      network:
        egress:
          cidr4: [$1/32]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: udp, port: $2, endPort: $(($2 + 999))}]}
END
}

@test "T83: ten million sends across a thousand changes of the policy: not one is judged by half of each" {
    local target=$PODS_MANIFESTS/profile-client.yaml
    allows 10.88.0.53 20000 | profile client
    mv "$target" "$PODS_DIR/second.yaml"
    allows 10.88.0.2 10000 | profile client
    cp "$target" "$PODS_DIR/first.yaml"
    container_exec client/main /usr/bin/change change 10.88.0.2 10000 10.88.0.53 20000 10000000 \
        </dev/null >"$PODS_DIR/change" 2>&1 &
    local sender=$!
    run "$PYTHON" "$PEERS_SOURCE/swapper.py" "$PODS_SOCKET" "$target" "$PODS_DIR"/{first,second}.yaml client 1000
    echo "$output"
    wait "$sender"
    cat "$PODS_DIR/change"
    [[ $output == swaps=1000 ]]
    grep -q '^sent=10000000 first=[1-9][0-9]* second=[1-9][0-9]* mixed=0 ' "$PODS_DIR/change"
    # Many changes were seen from inside.
    (($(sed 's/.*changes=//' "$PODS_DIR/change") > 100))
}

@test "T81: a pod that opens 200,000 flows costs its neighbour none" {
    profile client <<END
  processes:
    - path: /usr/bin/change
      network: {egress: {cidr4: [10.88.0.2/32], l3: {protocols: [ipv4]}, l4: {protocols: [udp]}}}
END
    profile neighbour <<END
  processes:
    - path: /usr/bin/probe
      network: {egress: {cidr4: [10.88.0.2/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp, udp]}}}
END
    container_exec neighbour/main /usr/bin/probe loop 1 ok udp 10.88.0.2 7000 </dev/null >"$PODS_DIR/loop" 2>&1 &
    wait_for 5 grep -q ok "$PODS_DIR/loop"
    container_exec neighbour/main /usr/bin/probe hold 10.88.0.2 7000 send </dev/null >"$PODS_DIR/held" 2>&1 &
    wait_for 5 grep -q holding "$PODS_DIR/held"
    run container_exec client/main /usr/bin/change flood 10.88.0.2 200000
    echo "$output"
    [[ $output == "flows=200000 allowed=200000" ]]
    container_kill neighbour TERM loop
    wait_for 5 grep -q runs= "$PODS_DIR/loop"
    cat "$PODS_DIR/loop"
    [[ $(tail -n 1 "$PODS_DIR/loop") =~ ^runs=[1-9][0-9]*\ unexpected=0$ ]]
    [[ $(cat "$PODS_DIR/held") == holding ]]
    container_kill neighbour KILL hold
}

@test "T82: a pod that is refused a million times is counted exactly, and its neighbour's events all come" {
    profile client <<END
  processes: []
END
    profile neighbour <<END
  processes: []
END
    local before i
    before=$(tally client "" seen)
    events_watch
    container_exec client/main /usr/bin/change flood 10.88.0.2 1000000 </dev/null >"$PODS_DIR/storm" 2>&1 &
    local storm=$!
    for i in 1 2 3 4 5; do
        probe neighbour probe tcp 10.88.0.2 "700$i"
    done
    wait "$storm"
    [[ $(cat "$PODS_DIR/storm") == "flows=1000000 allowed=0" ]]
    (($(tally client "" seen) == before + 1000000))
    (($(tally client "" seen) == $(tally client "" reported) + $(tally client "" suppressed) + $(tally client "" lost)))
    for i in 1 2 3 4 5; do
        events_expect ".flow.source.pod_name == \"neighbour\" and .flow.l4.TCP.destination_port == 700$i"
    done
}
