#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A name that is allowed and resolved is reached at once: 100,000 times without one spurious denial.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    peer_responder responder "$RESPONDER"
    peer_http sink:7001
    # The node's connection tracking is not what is under test; it would fill.
    pods_node iptables -w -t raw -I PREROUTING -j NOTRACK
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
    peer_ip route add 10.77.0.0/24 via 10.88.0.1
}

teardown_file() {
    peers_down
    node_down
}

@test "100,000 names are asked for and reached, by two programs at once, without one spurious denial" {
    profile client <<END
  processes:
    - path: /usr/bin/resolve
      network:
        egress:
          fqdns: ["rot.*.odd"]
          cidr4: [$RESPONDER/32]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: udp, port: 53}, {protocol: tcp, port: 7001}]}
END
    events_watch
    local i pids=()
    for i in 1 2; do
        container_exec client/main /usr/bin/resolve many "$RESPONDER" 7001 50000 \
            </dev/null >"$PODS_DIR/many-$i" 2>&1 &
        pids+=($!)
    done
    wait "${pids[@]}"
    cat "$PODS_DIR"/many-*
    [[ $(cat "$PODS_DIR"/many-* | grep -c '^runs=50000 unexpected=0$') == 2 ]]
    # The pod's kernel has things of its own to say.
    events_none '.process'
}
