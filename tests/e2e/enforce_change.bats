#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A profile that changes while connections live: those it no longer allows end at once, the others never notice.
source "$BATS_TEST_DIRNAME/lib.bash"

setup_file() {
    node_up
    node_serve 7000
    pod_up server /usr/bin/probe serve 7000
    pod_up client /bin/busybox sleep 1000000
    addresses_export server
    addresses_export client
}

teardown_file() {
    node_serve_end
    node_down
}

setup() {
    profile_none server
    profile_none client
    client_profile alert
    events_watch
}

client_profile() {
    profile client "$@" <<END
  processes:
    - path: /usr/bin/probe
      network:
        egress:
          cidr4: [$SERVER4/32]
          cidr6: ["$SERVER6/128"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocolPorts: [{protocol: tcp, port: 7000}, {protocol: udp, port: 7000}]}
END
}

# hold POD BINARY ADDRESS send|receive: a live connection in the background, its words in the file $HELD.
hold() {
    HELD=$PODS_DIR/hold-$BATS_TEST_NUMBER-$2-$3-$4
    container_exec "$1/main" "/usr/bin/$2" hold "$3" 7000 "$4" </dev/null >"$HELD" 2>&1 &
    wait_for 5 grep -q holding "$HELD"
}

is_cut() {
    [[ $(tail -n 1 "$HELD") == "recv ECONNRESET" || $(tail -n 1 "$HELD") == "send ECONNRESET" ]]
}

@test "T84: a connection that sends is cut with ECONNRESET, by IPv4 and IPv6" {
    local address
    for address in "$SERVER4" "$SERVER6"; do
        profile_action client alert
        hold client other "$address" send
        profile_action client enforce
        wait_for 5 is_cut
    done
    events_expect '.flow.verdict == "DROPPED" and .live_flow and .process.binary == "/usr/bin/other"'
}

@test "T84: a connection that only receives is cut with ECONNRESET too" {
    local address
    for address in "$SERVER4" "$SERVER6"; do
        profile_action client alert
        hold client other "$address" receive
        profile_action client enforce
        wait_for 5 is_cut
    done
}

@test "a connection that stays allowed goes on over many revisions" {
    local i
    container_exec client/main /usr/bin/probe loop 2 ok tcp "$SERVER4" 7000 </dev/null >"$PODS_DIR/loop" 2>&1 &
    hold client probe "$SERVER4" send
    for i in 1 2 3 4 5; do
        profile_action client enforce
        profile_action client alert
    done
    [[ $(cat "$HELD") == holding ]]
    container_kill client TERM loop
    wait_for 5 grep -q runs= "$PODS_DIR/loop"
    [[ $(tail -n 1 "$PODS_DIR/loop") =~ ^runs=[1-9][0-9]*\ unexpected=0$ ]]
    container_kill client KILL hold
}

@test "T84: the server's connections are cut when its ingress rules no longer have their peer" {
    profile server <<END
  processes:
    - path: /usr/bin/probe
      network:
        ingress: {cidr4: [$CLIENT4/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}
END
    hold client probe "$SERVER4" send
    profile server <<END
  processes:
    - path: /usr/bin/probe
      network:
        ingress: {cidr4: [10.77.0.250/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}
END
    events_expect '.flow.traffic_direction == "INGRESS" and .live_flow and .flow.verdict == "DROPPED"'
    container_kill client KILL hold
}

@test "a change of one pod's profile leaves another pod's revision alone" {
    local before
    profile server <<END
  processes: []
END
    before=$(revision_of server)
    profile_action client enforce
    [[ $(revision_of server) == "$before" ]]
}

@test "a profile that does not parse changes nothing" {
    profile_action client enforce
    local before
    before=$(revision_of client)
    sed -i 's/protocol: tcp/protocol: nonsense/' "$PODS_MANIFESTS/profile-client.yaml"
    wait_for 5 profile_is_refused client
    [[ $(revision_of client) == "$before" ]]
    outcomes client <<END
probe tcp $SERVER4 7000 | ok
other tcp $SERVER4 7000 | connect EPERM
END
}

profile_is_refused() {
    pods_nspctl profiles -o json | grep -q nonsense
}
