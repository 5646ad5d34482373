#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is counted is what happened: storms of violations at a thousand, a hundred thousand and as many a second as the
# machine can, with policyd reading, stopped and dead. The kernel's own counters of the pod's device say how many
# packets came and how many went on; the difference is what was dropped. A storm of one pod takes nothing from another.
source "$BATS_TEST_DIRNAME/lib.bash"

setup_file() {
    node_up
    local name
    for name in storm unlisted; do
        install -m 755 "$NSP_BUILD/support/e2e-storm" "$PODS_DIR/images/probe/usr/bin/$name"
    done
    # What gets that far ends there, without an answer.
    pods_node ip route add blackhole 10.66.0.0/15
    for name in stormy quiet; do
        pod_up "$name" /bin/busybox sleep 1000000
    done
    addresses_export stormy
    VETH=$(veth_of stormy)
    export VETH
    pods_node nft -f - <<END
table netdev truth {
    chain passed { type filter hook ingress device $VETH priority 0; counter; }
}
END
    for name in stormy quiet; do
        profile "$name" <<END
  processes:
    - path: /usr/bin/storm
      network:
        egress:
          cidr4: [10.66.0.0/16]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: udp, port: 20000, endPort: 29999}]}
END
    done
}

teardown_file() {
    node_down
}

# The host's end of a pod's veth.
veth_of() {
    local index
    index=$(ip -n "$PODS_ID$1" -j link show eth0 | jq '.[0].link_index')
    pods_node ip -j link | jq -r --argjson index "$index" '.[] | select(.ifindex == $index).ifname'
}

# storm POD BINARY ADDRESS COUNT RATE: prints how many a second it was.
storm() {
    local sent rate
    read -r sent rate < <(probe "$@")
    echo "$2 of $1: $sent at $rate a second"
    [[ $sent == "$4" ]]
}

# --- what the device says -----------------------------------------------------------------------------------------
# How many frames have come, and how many went on to netfilter, which is behind us: the rest was dropped.
frames() {
    pods_node ip -j -s link show "$VETH" | jq '.[0].stats64.rx.packets'
    pods_node nft -j list table netdev truth | jq '.nftables[].rule.expr[0].counter.packets // empty'
}

# --- what we say --------------------------------------------------------------------------------------------------
# The sum over all reasons of what was dropped on its way out.
dropped_by_reason() {
    pod_json stormy | jq '[.violations[] | select(.verdict == "DROPPED" and .direction == "EGRESS").seen] | add // 0'
}

adds_up() {
    pod_json "$1" | jq -e '[.violations[], .told] | all(.seen == .reported + .suppressed + .lost)'
}

# agreement: how many frames the device has dropped, and of how many we say why. The pod's kernel sends something now
# and then (ND, MLD): the three counters are read until nothing came while they were.
agreement() {
    local before now=
    until [[ $now == "${before-none}" ]]; do
        before=$now
        now=$(frames && dropped_by_reason)
    done
    local came passed reasons
    read -r -d '' came passed reasons <<<"$now" || true
    echo $((came - passed)) "$reasons"
}

mark() {
    local key
    read -r DEVICE REASONS < <(agreement)
    declare -gA BEFORE=()
    for key in seen reported suppressed lost; do
        BEFORE[$key]=$(tally stormy DROPPED "$key")
    done
    for key in address unknown_binary l4_port; do
        BEFORE[$key]=$(tally_of stormy "$key" seen)
    done
}

# since KEY: counted since mark.
since() {
    echo $(($(tally stormy DROPPED "$1") - BEFORE[$1]))
}

device_agrees() {
    local device reasons
    read -r device reasons < <(agreement)
    [[ $((device - DEVICE)) == $((reasons - REASONS)) ]] || {
        echo "the device dropped $((device - DEVICE)), the reasons say $((reasons - REASONS))"
        return 1
    }
}

# storms COUNT RATE [CMD]: the three ways to be refused, since mark: an address, a binary, three ports of each four. CMD
# makes a policyd that does not answer do so again.
storms() {
    storm stormy storm 10.67.0.1 "$1" "$2"
    storm stormy unlisted 10.66.0.1 "$1" "$2"
    storm stormy storm 10.66.0.1 "$1" "$2"
    ${3:-true}
    is_since address "$1"
    is_since unknown_binary "$1"
    is_since l4_port "$(ports_refused "$1")"
}

is_since() {
    local seen=$(($(tally_of stormy "$1" seen) - BEFORE[$1]))
    [[ $seen == "$2" ]] || {
        echo "$1: $seen, expected $2"
        return 1
    }
}

# Of COUNT ports one after the other, 40,000 in all, the first 10,000 are allowed.
ports_refused() {
    local rest=$(($1 % 40000))
    echo $((30000 * ($1 / 40000) + (rest > 10000 ? rest - 10000 : 0)))
}

reader_signal() {
    kill "-$1" "$(cat "$PODS_DIR/policyd.pid")"
}

reader_stopped() {
    [[ $(sed 's/.*) //; s/ .*//' "/proc/$(cat "$PODS_DIR/policyd.pid")/stat") == T ]]
}

reader_goes_on() {
    reader_signal CONT
}

reader_again() {
    pods_policyd --events-burst 100000 --events-per-second 100000
}

everything_agrees() {
    adds_up stormy
    wait_for 5 device_agrees
}

@test "a thousand violations a second: each is an event, and the reasons add up to what the device dropped" {
    events_watch
    mark
    storms 400 1000
    everything_agrees
    [[ $(since lost) == 0 && $(since suppressed) == 0 ]]
    wait_for 5 all_are_events
}

all_are_events() {
    [[ $(events_count '.flow.verdict == "DROPPED" and .flow.source.pod_name == "stormy"') == "$(since reported)" ]]
}

@test "a hundred thousand a second, if the machine can: seen = reported + suppressed + lost = dropped at the device" {
    mark
    storms 20000 100000
    everything_agrees
}

@test "as many a second as the machine can: likewise" {
    mark
    storms 40000 0
    everything_agrees
}

@test "policyd is stopped: what the ring cannot hold is counted as lost, the rest is read later" {
    mark
    reader_signal STOP
    on_exit reader_goes_on
    wait_for 5 reader_stopped
    storms 20000 100000 reader_goes_on
    everything_agrees
    [[ $(since lost) -gt 0 && $(since reported) -gt 0 ]]
}

@test "policyd is dead: the kernel refuses, counts and keeps what the ring can hold; the next policyd knows" {
    mark
    reader_signal KILL
    wait_for 5 pods_gone "$(cat "$PODS_DIR/policyd.pid")"
    storms 20000 0 reader_again
    everything_agrees
    [[ $(since lost) -gt 0 && $(since reported) -gt 0 ]]
}

@test "one pod's storm takes no event from another's" {
    pods_policyd_stop
    pods_policyd --events-burst 100 --events-per-second 10
    events_watch
    mark
    local before sent
    before=$(tally_of quiet address seen)
    probe stormy storm 10.67.0.1 150000 0 >"$PODS_DIR/storm.log" &
    sent=$!
    wait_for 5 is_storming
    storm quiet storm 10.67.0.1 50 1000
    [[ $(tally_of quiet address suppressed) == 0 && $(tally_of quiet address lost) == 0 ]]
    [[ $(($(tally_of quiet address seen) - before)) == 50 ]]
    wait_for 5 quiet_is_told
    wait "$sent"
    everything_agrees
    adds_up quiet
    [[ $(since suppressed) -gt 100000 ]]
}

is_storming() {
    [[ $(since suppressed) -gt 0 ]]
}

quiet_is_told() {
    [[ $(events_count '.flow.source.pod_name == "quiet" and .reason == "address"') == 50 ]]
}
