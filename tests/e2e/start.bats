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
    # One pod stays, so that the bridge is always there and up.
    pod_up first /bin/busybox sleep 1000000
    addresses_export first
}

teardown_file() {
    node_down
}

setup() {
    pods_nspctl status >/dev/null 2>&1 || pods_policyd
}

# What a pod's kernel sends for itself: ARP, neighbour discovery, and MLD (the only user of a hop-by-hop header here).
KERNEL='arp or (icmp6 and ip6[40] >= 133 and ip6[40] <= 136) or (ip6 and ip6[6] == 0)'

# sent: ends the capture and shows what pods sent, but for their kernel's own.
sent() {
    capture_end "$NODE4"
    captured "not ($KERNEL) and not src $NODE4 and not src $NODE6"
}

# blasters NAME: ten pods NAME0..9 at once, the first process of each firing at the node without end, by IPv4 or IPv6.
blasters() {
    local i pids=() address
    for ((i = 0; i < 10; i++)); do
        address=$NODE4
        ((i % 2)) || address=$NODE6
        pod_up "$1$i" /usr/bin/probe loop 2 - blast "$address" 7000 3>&- &
        pids+=($!)
    done
    wait_all "${pids[@]}"
}

blasters_delete() {
    local i pids=()
    for ((i = 0; i < 10; i++)); do
        pod_delete "$1$i" 3>&- &
        pids+=($!)
    done
    wait_all "${pids[@]}"
}

wait_all() {
    local pid
    for pid in "$@"; do
        wait "$pid"
    done
}

# blasters_say NAME PATTERN: waits until each has had that outcome.
blasters_say() {
    local i
    for ((i = 0; i < 10; i++)); do
        wait_for 5 blaster_says "$1$i" "$2"
    done
}

# blaster_says NAME PATTERN: the outcome of its calls, whether they got past the socket hooks.
blaster_says() {
    grep -qx "$2" "$(container_log "$1/main")"
}

profile_for_all() {
    local before
    before=$(revision_of first)
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
    wait_for 5 revision_differs first "$before"
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

@test "T1: 100 starts while policyd is down: nothing leaves until it is back, then all that is allowed" {
    local batch
    open_profile
    for ((batch = 0; batch < 10; batch++)); do
        kill -KILL "$(cat "$PODS_DIR/policyd.pid")"
        capture_start
        blasters "down$batch"
        blasters_say "down$batch" 'tcp=0 udp=0 icmp=0'
        sent >"$PODS_DIR/sent"
        cat "$PODS_DIR/sent"
        [[ ! -s $PODS_DIR/sent ]]
        pods_policyd
        blasters_say "down$batch" 'tcp=1 udp=1 icmp=1'
        blasters_delete "down$batch"
    done
}

@test "T1 T4: 50 starts under a profile that allows nothing: nothing ever leaves" {
    local batch
    profile_for_all <<<'  processes: []'
    capture_start
    for ((batch = 0; batch < 5; batch++)); do
        blasters "none$batch"
        blasters_say "none$batch" 'tcp=0 udp=0 icmp=0'
        blasters_delete "none$batch"
    done
    sent >"$PODS_DIR/sent"
    cat "$PODS_DIR/sent"
    [[ ! -s $PODS_DIR/sent ]]
}

@test "T8: 50 starts under a profile that allows it: the very first call succeeds" {
    local batch i
    open_profile
    capture_start
    for ((batch = 0; batch < 5; batch++)); do
        blasters "open$batch"
        blasters_say "open$batch" 'tcp=. udp=. icmp=.'
        for ((i = 0; i < 10; i++)); do
            [[ $(head -n 1 "$(container_log "open$batch$i/main")") == 'tcp=1 udp=1 icmp=1' ]]
        done
        blasters_delete "open$batch"
    done
    sent >"$PODS_DIR/sent"
    # The capture does see what leaves.
    (($(wc -l <"$PODS_DIR/sent") >= 50))
}
