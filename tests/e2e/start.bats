#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# 200 starts of a pod whose first process fires TCP, UDP and ICMP with its first instruction. What is captured on the
# bridge is what got past the pod's veth.
source "$BATS_TEST_DIRNAME/lib.bash"

setup_file() {
    node_up
    # Of the chain only what a start needs: iptables would take most of the time.
    jq '.plugins |= (map(select(.type != "portmap")) | .[0].ipMasq = false)' "$PODS_DIR/net.conflist" >"$PODS_DIR/new"
    mv "$PODS_DIR/new" "$PODS_DIR/net.conflist"
    # The bridge is there before the first pod, so that it can be captured on.
    pod_up first /bin/busybox sleep 1000000
    addresses_export first
    pod_delete first
}

teardown_file() {
    node_down
}

# What a pod's kernel sends for itself: ARP, neighbour discovery, and MLD (the only user of a hop-by-hop header here).
KERNEL='arp or (icmp6 and ip6[40] >= 133 and ip6[40] <= 136) or (ip6 and ip6[6] == 0)'

capture_start() {
    CAPTURE=$PODS_DIR/capture
    rm -f "$CAPTURE" "$CAPTURE.log"
    setsid nsenter --net="/run/netns/${PODS_ID}node" tcpdump -i cni0 -n -U -Z root -w "$CAPTURE" \
        </dev/null >"$CAPTURE.log" 2>&1 3>&- &
    CAPTURER=$!
    on_exit "kill $CAPTURER 2>/dev/null"
    wait_for 5 grep -q listening "$CAPTURE.log"
}

# captured: ends the capture and shows what pods sent, but for their kernel's own.
captured() {
    # Packets come in order: with this one, all before it have been written.
    node_probe packet cni0 "$NODE4" 10.77.0.255 9999
    wait_for 5 captured_end
    kill -INT "$CAPTURER"
    wait_for 5 pods_gone "$CAPTURER"
    tcpdump -n -r "$CAPTURE" "not ($KERNEL) and not src $NODE4 and not src $NODE6" 2>/dev/null
}

captured_end() {
    tcpdump -n -r "$CAPTURE" "dst port 9999" 2>/dev/null | grep -q 9999
}

# blaster NAME ADDRESS: a pod whose first process fires at the address without end.
blaster() {
    pod_up "$1" /usr/bin/probe loop 2 - blast "$2" 7000
}

# blaster_says NAME PATTERN: the outcome of its calls, whether they got past the socket hooks.
blaster_says() {
    grep -qx "$2" "$(container_log "$1/main")"
}

profile_for_all() {
    {
        cat <<END
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: all}
spec:
  labelSelector: {}
  actions: [enforce]
END
        cat
    } >"$PODS_DIR/new"
    mv "$PODS_DIR/new" "$PODS_MANIFESTS/all.yaml"
    wait_for 5 profile_is_known
}

profile_is_known() {
    pods_nspctl profiles -o json | jq -e '.profiles[] | select(.name == "all")'
}

open_profile() {
    profile_for_all <<'END'
  processes:
    - path: /usr/bin/probe
      network:
        egress:
          cidr4: [10.77.0.0/24]
          cidr6: ["fd77::/64"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocols: [tcp, udp, icmp, icmpv6]}
END
}

@test "100 starts while policyd is down: nothing leaves until it is back, then all that is allowed" {
    local batch i name
    open_profile
    for ((batch = 0; batch < 10; batch++)); do
        kill -KILL "$(cat "$PODS_DIR/policyd.pid")"
        capture_start
        for ((i = 0; i < 10; i++)); do
            blaster "down$batch$i" "$([[ $((i % 2)) == 0 ]] && echo "$NODE4" || echo "$NODE6")"
        done
        for ((i = 0; i < 10; i++)); do
            wait_for 5 blaster_says "down$batch$i" 'tcp=0 udp=0 icmp=0'
        done
        captured >"$PODS_DIR/sent"
        [[ ! -s $PODS_DIR/sent ]] || {
            cat "$PODS_DIR/sent"
            return 1
        }
        pods_policyd
        for ((i = 0; i < 10; i++)); do
            wait_for 5 blaster_says "down$batch$i" 'tcp=1 udp=1 icmp=1'
            pod_delete "down$batch$i"
        done
    done
}

@test "50 starts under a profile that allows nothing: nothing ever leaves" {
    local i
    profile_for_all <<<'  processes: []'
    capture_start
    for ((i = 0; i < 50; i++)); do
        blaster "none$i" "$([[ $((i % 2)) == 0 ]] && echo "$NODE4" || echo "$NODE6")"
        wait_for 5 blaster_says "none$i" 'tcp=0 udp=0 icmp=0'
        pod_delete "none$i"
    done
    captured >"$PODS_DIR/sent"
    cat "$PODS_DIR/sent"
    [[ ! -s $PODS_DIR/sent ]]
}

@test "50 starts under a profile that allows it: the very first call succeeds" {
    local i
    open_profile
    capture_start
    for ((i = 0; i < 50; i++)); do
        blaster "open$i" "$([[ $((i % 2)) == 0 ]] && echo "$NODE4" || echo "$NODE6")"
        wait_for 5 blaster_says "open$i" 'tcp=. udp=. icmp=.'
        [[ $(head -n 1 "$(container_log "open$i/main")") == 'tcp=1 udp=1 icmp=1' ]]
        pod_delete "open$i"
    done
    captured >"$PODS_DIR/sent"
    # The capture does see what leaves.
    (($(wc -l <"$PODS_DIR/sent") >= 50))
}
