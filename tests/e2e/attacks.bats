#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Packets that nobody should send: what `attacks` names is detected from the pod and towards it, whatever the rules say,
# and what cannot be judged is dropped with a reason.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    host_image_up
    host_pod_up victim /usr/bin/probe serve 7000
    # Firewalls on bridges would put fragments together, or throw them away, before they are seen.
    pods_node sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
    rogue_up
    export MAC GATEWAY_MAC
    MAC=$(mac_of victim eth0)
    GATEWAY_MAC=$(mac_of node cni0)
}

teardown_file() {
    peers_down
    node_down
}

# rogue_up: a neighbour on the bridge that no CNI plugin has made.
rogue_up() {
    ip netns add "${PODS_ID}rogue"
    ip link add rogue0 netns "${PODS_ID}node" type veth peer name eth0 netns "${PODS_ID}rogue"
    pods_node ip link set rogue0 up master cni0
    ip -n "${PODS_ID}rogue" address add 10.77.0.200/24 dev eth0
    ip -n "${PODS_ID}rogue" address add fd77::200/64 dev eth0 nodad
    ip -n "${PODS_ID}rogue" link set eth0 up
    export ROGUE_MAC
    ROGUE_MAC=$(mac_of rogue eth0)
}

mac_of() {
    ip -j -n "$PODS_ID$1" link show dev "$2" | jq -r '.[0].address'
}

setup() {
    profile_none victim
    events_watch
}

# victim_profile ACTION [ATTACKS]: everything is allowed to everybody.
victim_profile() {
    local path all='cidr4: [0.0.0.0/0], cidr6: ["::/0"], l3: {protocols: [ipv4, ipv6, arp]}'
    all+=', l4: {protocols: [tcp, udp, icmp, icmpv6, 255]}'
    {
        echo "  attacks: [${2:-}]"
        echo "  default: {egress: {$all}, ingress: {$all}}"
        echo "  processes:"
        for path in "$PYTHON" /usr/bin/probe; do
            echo "    - path: $path"
            echo "      network: {egress: {$all}, ingress: {$all}}"
        done
    } | profile victim "$1"
}

# sends KIND...: frames of the victim's; rogue_sends KIND...: to it. See packets.py.
sends() {
    run_in victim "$PYTHON" /opt/e2e/packets.py eth0 "$@" me="$VICTIM4" mac="$MAC" peer="$NODE4" \
        peermac="$GATEWAY_MAC" gw="$NODE4" \
        me6="$VICTIM6" peer6="$NODE6" gw6="$NODE6" spoofed=10.77.0.200 spoofed6=fd77::200
}

rogue_sends() {
    nsenter --net="/run/netns/${PODS_ID}rogue" "$PYTHON" "$NSP_ROOT/tests/support/clients/packets.py" eth0 "$@" \
        me=10.77.0.200 mac="$ROGUE_MAC" peer="$VICTIM4" peermac="$MAC" gw="$NODE4" \
        me6=fd77::200 peer6="$VICTIM6" gw6="$NODE6" spoofed="$NODE4" spoofed6="$NODE6"
}

# pass_through KIND...: says of each kind of frame that the victim sends whether the bridge sees any, `KIND yes|no`.
pass_through() {
    local kind number=1000 words=()
    for kind in "$@"; do
        words+=("$kind@$((++number))")
    done
    capture_start
    sends "${words[@]}"
    capture_end "$NODE4"
    number=1000
    for kind in "$@"; do
        ((++number))
        echo "$kind $(captured "$(filter_of "$kind" "$number")" | grep -q . && echo yes || echo no)"
    done >"$PODS_DIR/passed"
    cat "$PODS_DIR/passed"
}

nothing_passes() {
    pass_through "$@"
    run ! grep ' yes$' "$PODS_DIR/passed"
}

# filter_of KIND NUMBER: what tells it in a capture.
filter_of() {
    case $1 in
    arp_claims_gateway | arp_asks_as_gateway | arp_gratuitous) claims_gateway ;;
    arp_other_mac) echo 'arp[8:4] = 0x02000000' ;; # the sender's MAC in the packet
    arp_other_ether) echo 'ether src 02:00:00:00:66:66' ;;
    na_* | ra) echo "ether src $MAC and ip6[0:4] & 0xfffff = $2" ;;
    vlan) echo vlan ;;
    ethertypes) echo "ether src $MAC and not ip and not ip6 and not arp and not vlan" ;;
    *6 | extensions) echo "ip6[0:4] & 0xfffff = $2" ;;
    *) echo "ip[4:2] = $2" ;;
    esac
}

# meet_gateway: the victim asks who its gateway is, and hears it from the gateway, before anybody lies about it.
meet_gateway() {
    nsenter --net="/run/netns/${PODS_ID}victim" ip neigh flush dev eth0
    rows victim <<END
probe udp-connected $NODE4 1 | recv ECONNREFUSED
probe udp-connected $NODE6 1 | recv ECONNREFUSED
END
}

# A filter for ARP packets whose sender address is the gateway's.
claims_gateway() {
    local a b c d
    IFS=. read -r a b c d <<<"$NODE4"
    printf 'arp[14:4] = 0x%02x%02x%02x%02x' "$a" "$b" "$c" "$d"
}

gateway_is_known() {
    ip -n "${PODS_ID}victim" neigh show "$1" dev eth0 | grep -qi "lladdr $GATEWAY_MAC"
}

@test "without a profile these frames pass, so that it is the profile that stops them" {
    pass_through arp_gratuitous arp_other_mac na_claims_gateway ra spoof4 spoof6 plain4 plain6 fragments \
        later_fragment tiny_fragment overlap fragments6 ip_options bad_length extensions icmp_redirect icmp_forged \
        ethertypes tunnels protocols syn_ack echo6 vlan
    run ! grep ' no$' "$PODS_DIR/passed"
    nsenter --net="/run/netns/${PODS_ID}node" ip neigh flush dev cni0
}

@test "T44: no ARP forgery of the pod leaves it, and each is reported as arp-spoofing" {
    victim_profile enforce arp-spoofing
    nothing_passes arp_claims_gateway arp_asks_as_gateway arp_gratuitous arp_other_mac arp_other_ether
    events_expect '.reason == "arp_spoofing" and .flow.verdict == "DROPPED" and .flow.traffic_direction == "EGRESS"
        and (.flow.egress_denied_by[0].labels | index("rule=attacks.arp-spoofing"))'
}

@test "T44: a neighbour that claims to be the pod's gateway is not heard, and is reported" {
    victim_profile enforce arp-spoofing
    meet_gateway
    rogue_sends arp_claims_gateway arp_asks_as_gateway arp_gratuitous
    events_expect '.reason == "arp_spoofing" and .flow.verdict == "DROPPED" and .flow.traffic_direction == "INGRESS"'
    gateway_is_known "$NODE4"
    rows victim <<END
probe udp-connected $NODE4 1 | recv ECONNREFUSED
END
}

@test "under alert ARP forgeries pass and are reported" {
    victim_profile alert arp-spoofing
    meet_gateway
    capture_start
    sends arp_claims_gateway
    events_expect '.reason == "arp_spoofing" and .flow.verdict == "AUDIT"'
    capture_end "$NODE4"
    captured "arp and ether src $MAC" | grep -q "$NODE4 is-at $MAC"
    # The node has believed it about itself; nothing of the pod's did.
    gateway_is_known "$NODE4"
}

@test "T45: neighbour and router advertisements that claim the gateway are refused, from the pod and to it" {
    victim_profile enforce nd-spoofing
    nothing_passes na_claims_gateway na_own_source ra
    events_expect '.reason == "nd_spoofing" and .flow.verdict == "DROPPED" and .flow.traffic_direction == "EGRESS"'
    meet_gateway
    rogue_sends na_claims_gateway na_own_source
    events_expect '.reason == "nd_spoofing" and .flow.verdict == "DROPPED" and .flow.traffic_direction == "INGRESS"'
    gateway_is_known "$NODE6"
}

@test "T43: packets with another's source address do not leave the pod" {
    victim_profile enforce ip-spoofing
    nothing_passes spoof4 spoof6
    events_expect '.reason == "ip_spoofing" and .flow.verdict == "DROPPED"'
}

@test "T20 T21: raw-socket is seen when a raw socket is opened or a packet socket sends, though the rules allow it" {
    victim_profile enforce raw-socket
    rows victim <<END
probe raw $NODE4 | socket EPERM
END
    events_expect '.reason == "raw_socket_attack" and .hook == "sock_create" and .process.binary == "/usr/bin/probe"'
    nothing_passes plain4
    events_expect '.reason == "raw_socket_attack" and .hook == "tc_from_pod"'
    victim_profile alert raw-socket
    rows victim <<END
probe raw $NODE4 | ok
END
    events_expect '.reason == "raw_socket_attack" and .flow.verdict == "AUDIT"'
}

@test "T21: what a packet socket sends is dropped without any attack named" {
    victim_profile enforce
    nothing_passes plain4 plain6
    events_expect '.reason == "foreign_socket"'
}

# injects PORT: to that port and the next, past the qdisc and by AF_XDP.
injects() {
    rows victim <<END
probe bypass eth0 $VICTIM4 $NODE4 $1     | ok
probe xdp eth0 $VICTIM4 $NODE4 $(($1 + 1)) | ok
END
}

@test "T21: frames past the qdisc and by AF_XDP are dropped under a profile, and only then" {
    capture_start
    injects 7051
    victim_profile enforce
    injects 7053
    capture_end "$NODE4"
    captured 'dst port 7051' | grep -q .
    captured 'dst port 7052' | grep -q .
    [[ -z $(captured 'dst port 7053 or dst port 7054') ]]
    events_expect '.flow.l4.UDP.destination_port == 7053 and .reason == "foreign_socket"'
    events_expect '.flow.l4.UDP.destination_port == 7054 and .reason == "foreign_socket"'
    victim_profile enforce raw-socket
    injects 7055
    events_expect '.flow.l4.UDP.destination_port == 7055 and .reason == "raw_socket_attack"'
    events_expect '.flow.l4.UDP.destination_port == 7056 and .reason == "raw_socket_attack"'
}

@test "T38: fragments that hide their ports do not leave, nor overlapping ones" {
    victim_profile enforce
    nothing_passes fragments later_fragment tiny_fragment overlap fragments6
}

@test "T39 T40: options, extension headers and wrong lengths do not leave" {
    victim_profile enforce
    nothing_passes ip_options bad_length extensions
}

@test "T42: ICMP errors and redirects that belong to no flow do not leave, nor enter" {
    victim_profile enforce
    nothing_passes icmp_redirect icmp_forged
}

@test "T46: VLAN tags and other ethertypes do not leave" {
    victim_profile enforce
    nothing_passes vlan ethertypes
}

@test "T19 T47: tunnels and all other IP protocols do not leave" {
    victim_profile enforce
    nothing_passes tunnels protocols
}

@test "T36 T41: an answer to nothing is none: SYN-ACKs and echo requests" {
    victim_profile enforce
    nothing_passes syn_ack echo6
}

@test "fragments towards the pod: a whole datagram is heard, pieces without a beginning are dropped with a reason" {
    victim_profile enforce
    outcomes_of nsenter --net="/run/netns/${PODS_ID}rogue" "$NSP_BUILD/support/e2e-probe" <<END
udp-large $VICTIM4 7000 | ok
udp-large $VICTIM6 7000 | ok
END
    rogue_sends later_fragment tiny_fragment
    events_expect '.reason == "fragment" and .flow.traffic_direction == "INGRESS"'
    rogue_sends vlan ethertypes
    events_expect '.reason == "vlan" or .reason == "ethertype"'
}
