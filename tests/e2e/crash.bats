#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policyd is killed over and over while pods talk: whatever was allowed stays so, whatever was refused too.
source "$BATS_TEST_DIRNAME/lib.bash"

setup_file() {
    node_up
    pod_up server /usr/bin/probe serve 7000 7001
    pod_up client /bin/busybox sleep 1000000
    pod_up stranger /bin/busybox sleep 1000000
    addresses_export server
    addresses_export client
}

teardown_file() {
    node_down
}

# traffic POD NAME EXPECTED BINARY VERB...: repeats the probe until traffic_end.
traffic() {
    container_exec "$1/main" "/usr/bin/$4" loop 5 "$3" "${@:5}" </dev/null >"$PODS_DIR/traffic-$2" 2>&1 &
    wait_for 5 grep -qxF "$3" "$PODS_DIR/traffic-$2"
}

@test "T3: 200 kill -9 of policyd under traffic change no verdict" {
    local i log
    profile client <<END
  processes:
    - path: /usr/bin/probe
      network:
        egress:
          cidr4: [$SERVER4/32]
          cidr6: ["$SERVER6/128"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocolPorts: [{protocol: tcp, port: 7000}, {protocol: udp, port: 7000}]}
END
    profile server <<END
  processes:
    - path: /usr/bin/probe
      network:
        ingress:
          cidr4: [$CLIENT4/32]
          cidr6: ["$CLIENT6/128"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocols: [tcp, udp]}
END
    traffic client allowed-tcp4 ok probe tcp "$SERVER4" 7000
    traffic client allowed-tcp6 ok probe tcp "$SERVER6" 7000
    traffic client allowed-udp4 ok probe udp "$SERVER4" 7000
    traffic client allowed-udp6 ok probe udp "$SERVER6" 7000
    traffic client binary-tcp4 "connect EPERM" other tcp "$SERVER4" 7000
    traffic client binary-udp6 "sendto EPERM" other udp "$SERVER6" 7000
    traffic client port-tcp6 "connect EPERM" probe tcp "$SERVER6" 7001
    traffic client raw "socket EPERM" other raw "$SERVER4"
    traffic stranger peer-tcp4 "connect ETIMEDOUT" probe tcp "$SERVER4" 7000
    traffic stranger peer-udp6 "recv ETIMEDOUT" probe udp "$SERVER6" 7000
    container_exec client/main /usr/bin/probe hold "$SERVER4" 7000 receive </dev/null >"$PODS_DIR/hold" 2>&1 &
    wait_for 5 grep -q holding "$PODS_DIR/hold"

    for ((i = 0; i < 200; i++)); do
        kill -KILL "$(cat "$PODS_DIR/policyd.pid")"
        wait_for 5 pods_gone "$(cat "$PODS_DIR/policyd.pid")"
        # In turn killed while it starts, and once it answers.
        if ((i % 2)); then
            pods_policyd
        else
            pods_policyd_start
        fi
    done
    pods_policyd_ready

    [[ $(cat "$PODS_DIR/hold") == holding ]]
    container_kill client KILL hold
    container_kill client TERM loop
    container_kill stranger TERM loop
    for log in "$PODS_DIR"/traffic-*; do
        wait_for 5 grep -q '^runs=' "$log"
        echo "$log: $(tr '\n' ' ' <"$log")"
        [[ $(tail -n 1 "$log") =~ ^runs=[1-9][0-9]*\ unexpected=0$ ]]
    done
}

@test "a policyd that comes back knows its pods and follows its manifests" {
    kill -KILL "$(cat "$PODS_DIR/policyd.pid")"
    rm "$PODS_MANIFESTS/profile-server.yaml"
    pods_policyd
    wait_for 5 pod_is_open server
    profile_action client alert
    [[ $(probe client other tcp "$SERVER4" 7001) == ok ]]
}

pod_is_open() {
    [[ $(probe stranger probe tcp "$SERVER4" 7000) == ok ]]
}
