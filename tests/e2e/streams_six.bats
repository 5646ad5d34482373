#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Connections in odd order by IPv6, and those that are not what they seem in their middle: segments made by hand that
# overlap, a socket that takes over another's connection, a tracer that takes over a process.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

HTTP='l7: {protocols: [http], http: [{method: GET, uri: /task}, {method: GET, uri: /first_fine},'
HTTP+=' {method: POST, uri: /post}]}'

setup_file() {
    node_up
    peers_up
    peer_http
    host_image_up "/opt/e2e/order_client.py=$NSP_ROOT/tests/support/clients/order_client.py" \
        "/opt/e2e/repair.py=$NSP_ROOT/tests/support/clients/repair.py" \
        "/opt/e2e/http_server.py=$PEERS_SOURCE/http_server.py"
    host_pod_up client /usr/bin/other serve 7999
    host_pod_up web "$PYTHON" /opt/e2e/http_server.py /tmp/received 8080
}

teardown_file() {
    peers_down
    node_down
}

setup() {
    profile_none client
    events_watch
}

may_send() {
    profile client <<END
  processes:
    - path: $PYTHON
      network:
        egress:
          cidr4: [10.99.0.0/16]
          cidr6: ["fd99::/64"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocols: [tcp]}
          $HTTP
END
}


# may_serve: what python in the pod web may.
may_serve() {
    profile web <<END
  processes:
    - path: $PYTHON
      network:
        ingress: {cidr4: [10.88.0.0/16], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}, $HTTP}
END
}

# As root of a pod that may change its network.
admin() {
    pods_runc exec --cap CAP_NET_ADMIN "$(container_id client/main)" "$PYTHON" /opt/e2e/repair.py "$@" 3>&-
}

served() {
    container_exec web/main /bin/busybox grep -aqF "GET /$1 " /tmp/received
}

# by_hand CASE...: from an address behind the node that is nobody's. See overlap.py.
by_hand() {
    local mac gateway
    mac=$(peer_ip -j link show dev eth0 | jq -r '.[0].address')
    gateway=$(ip -j -n "${PODS_ID}node" link show dev peers0 | jq -r '.[0].address')
    pods_node ip neigh replace 10.88.0.200 lladdr "$mac" dev peers0
    in_peers /usr/bin/python3 "$NSP_ROOT/tests/support/clients/overlap.py" eth0 "$mac" "$gateway" 10.88.0.200 "$WEB4" \
        8080 "$@"
}

@test "T63: segments made by hand that overlap, repeat or run ahead smuggle no request past its judgement" {
    local case
    profile_none web
    by_hand in_order reversed first_wins bad_checksum bad_checksum_part old
    for case in first_wins bad_checksum bad_checksum_part old; do
        served "$case"
    done
    container_exec web/main /bin/busybox sh -c ': >/tmp/received'
    may_serve
    run by_hand in_order reversed first_wins bad_checksum bad_checksum_part ahead again old with_syn
    echo "$output"
    [[ $output == "in_order 200"$'\n'"reversed 200"$'\n'* ]]
    served task
    for case in first_wins bad_checksum bad_checksum_part ahead again old with_syn; do
        run ! served "$case"
    done
}

@test "T64: what another socket that takes over a connection by TCP_REPAIR sends does not get out" {
    local address
    run admin 10.99.1.1 8080 /secret-none
    echo "$output"
    [[ $output == "ok 2" ]]
    received secret-none
    may_send
    for address in 10.99.1.1 fd99::1:1; do
        run admin "$address" 8080 /secret-repaired
        echo "$output"
        [[ $output == EPERM ]]
    done
    events_expect '.reason == "untrusted_binary" and .hook == "connect"'
    run ! received secret-repaired
}

@test "T77: a process is not believed while another one traces it" {
    may_send
    run_in client /usr/bin/strace -o /dev/null "$PYTHON" -c '
import socket
try:
    socket.create_connection(("10.99.1.1", 8080), timeout=2)
    print("connected")
except OSError as error:
    print(type(error).__name__)' >"$PODS_DIR/traced"
    cat "$PODS_DIR/traced"
    [[ $(tail -n 1 "$PODS_DIR/traced") == PermissionError ]]
    events_expect '.reason == "untrusted_binary" and .flow.verdict == "DROPPED"'
}
