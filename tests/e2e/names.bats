#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Names in `fqdns` and `l7.dns`: what may be asked, what an answer teaches, and whom.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    peer_named
    peer_responder responder "$RESPONDER"
    peer_responder rogue "$ROGUE"
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

# names FQDNS [DNS [SPEC]]: what resolve and resolve-b may reach by name, and ask for; any port of TCP, DNS by both.
names() {
    local path
    {
        [[ -z ${3:-} ]] || echo "  $3"
        echo "  processes:"
        for path in /usr/bin/resolve /usr/bin/resolve-b; do
            cat <<END
    - path: $path
      network:
        egress:
          fqdns: [$1]
          cidr4: [$NAMED/32, $RESPONDER/32]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocols: [tcp], protocolPorts: [{protocol: udp, port: 53}]}
          l7: {protocols: [any], dns: [${2:-\"*\"}]}
END
        done
    } | profile client
}

@test "a name that is allowed is reached at once when it was asked for, and its neighbours are not" {
    names '"www.example.test"'
    rows client <<END
resolve connect 10.99.1.1 7000                  | connect EPERM
resolve reach $NAMED www.example.test 7000      | ok
resolve connect 10.99.1.1 7000                  | ok
resolve connect 10.99.1.9 7000                  | connect EPERM
resolve reach $NAMED other.example.test 7000    | connect EPERM
resolve ask $NAMED www.example.test AAAA        | fd99::1:1
resolve connect fd99::1:1 7000                  | ok
resolve connect fd99::1:2 7000                  | connect EPERM
END
    events_expect '.reason == "address" and .flow.IP.destination == "10.99.1.9"
        and .process.binary == "/usr/bin/resolve"'
}

@test "T58: patterns match label by label" {
    names '"*.wild.test"'
    rows client <<END
resolve reach $NAMED one.wild.test 7000          | ok
resolve reach $NAMED two.one.wild.test 7000      | connect EPERM
resolve reach $NAMED wild.test 7000              | connect EPERM
resolve reach $RESPONDER a-0a630109.wild.test.evil 7000 | connect EPERM
resolve reach $RESPONDER a-0a630109.xwild.test 7000     | connect EPERM
END
    names '"**.wild.test", "web-*.glob.test"'
    rows client <<END
resolve reach $NAMED two.one.wild.test 7000      | ok
resolve reach $NAMED one.wild.test 7000          | ok
resolve reach $NAMED wild.test 7000              | connect EPERM
resolve reach $NAMED web-7.glob.test 7000        | ok
resolve reach $NAMED app-7.glob.test 7000        | connect EPERM
END
    names '"*"'
    rows client <<END
resolve reach $NAMED wild.test 7000              | ok
resolve reach $NAMED app-7.glob.test 7000        | ok
END
}

@test "T57: letters count the same in both cases, in the question and in the answer" {
    names '"WWW.example.TEST", "*.odd"'
    rows client <<END
resolve reach $NAMED wWw.eXaMpLe.tEsT 7000          | ok
resolve reach $RESPONDER A-0A63010A_LOWER.oDd 7000  | ok
END
}

@test "T54: what a chain of CNAMEs leads to is learnt, what is beside it is not" {
    names '"api.example.test", "*.odd"'
    rows client <<END
resolve reach $NAMED api.example.test 7000                    | ok
resolve connect 10.99.1.2 7000                                | ok
resolve reach $RESPONDER chain-8_a-0a63010b.odd 7000          | ok
resolve ask $RESPONDER stray-0a634201_a-0a63010c.odd A        | 10.99.66.1 10.99.1.12
resolve connect 10.99.1.12 7000                               | ok
resolve connect 10.99.66.1 7000                               | connect EPERM
resolve ask $RESPONDER a-0a63010d_extra-0a634202.odd A        | 10.99.1.13
resolve connect 10.99.66.2 7000                               | connect EPERM
resolve ask $RESPONDER loop.odd A                             | *
END
}

@test "T59: large answers are learnt whole, by EDNS or by TCP after a truncated one; too large ones not at all" {
    names '"large.example.test", "*.odd"'
    rows client <<END
resolve ask $NAMED large.example.test A 4096           | *10.99.2.50*
resolve connect 10.99.2.1 7000                         | ok
resolve connect 10.99.2.50 7000                        | ok
resolve ask $RESPONDER tc_many-40.odd A                | 10.99.3.0 *
resolve connect 10.99.3.39 7000                        | ok
resolve ask $RESPONDER many-64.odd A 4096              | 10.99.3.0 *
resolve connect 10.99.3.63 7000                        | ok
resolve ask $RESPONDER many-65.odd A 4096              | recv ETIMEDOUT
resolve connect 10.99.3.64 7000                        | connect EPERM
resolve ask $RESPONDER a-0a63010e_pad-5000.odd A 8192  | recv ETIMEDOUT
resolve connect 10.99.1.14 7000                        | connect EPERM
END
    events_expect '.reason == "dns_message" and .flow.verdict == "DROPPED"'
}

@test "a client of 1987 without EDNS gets a large answer by TCP" {
    names '"large.example.test"'
    rows client <<END
resolve ask $NAMED large.example.test A | *10.99.2.50*
resolve connect 10.99.2.50 7000         | ok
END
}

@test "of addresses that rotate each is reached, the earlier ones too" {
    names '"*.odd"'
    local i
    for i in 1 2 3; do
        rows client <<END
resolve reach $RESPONDER rot.odd 7000 | ok
END
    done
    rows client <<END
resolve connect 10.99.4.1 7000 | ok
resolve connect 10.99.4.3 7000 | ok
END
}

@test "T5: with policyd killed names are still asked for, learnt and reached" {
    names '"www.example.test", "one.wild.test"' '"**.test"'
    on_exit policyd_back
    kill -KILL "$(cat "$PODS_DIR/policyd.pid")"
    wait_for 5 pods_gone "$(cat "$PODS_DIR/policyd.pid")"
    rows client <<END
resolve reach $NAMED www.example.test 7000   | ok
resolve reach $NAMED one.wild.test 7000      | ok
resolve reach $NAMED other.example.test 7000 | connect EPERM
resolve ask $RESPONDER a-0a630101.odd A      | recv ETIMEDOUT
END
}

policyd_back() {
    pods_policyd --events-burst 100000 --events-per-second 100000
}

@test "T52: what one binary has learnt is no use to another" {
    names '"www.example.test"'
    rows client <<END
resolve reach $NAMED www.example.test 7000   | ok
resolve-b connect 10.99.1.1 7000             | connect EPERM
other tcp 10.99.1.1 7000                     | connect EPERM
resolve-b reach $NAMED www.example.test 7000 | ok
END
}

@test "nameScope: pod shares what was learnt among the blocks whose rules have the name" {
    names '"*.scope.odd"' '"*"' 'nameScope: pod'
    rows client <<END
resolve ask $RESPONDER a-0a630130.scope.odd A | 10.99.1.48
resolve-b connect 10.99.1.48 7000             | ok
other tcp 10.99.1.48 7000                     | connect EPERM
resolve ask $RESPONDER a-0a630131.odd A       | 10.99.1.49
resolve-b connect 10.99.1.49 7000             | connect EPERM
END
    # Without it what was shared is no use any more, nor is what comes new.
    names '"*.scope.odd"' '"*"'
    rows client <<END
resolve-b connect 10.99.1.48 7000             | connect EPERM
resolve ask $RESPONDER a-0a630132.scope.odd A | 10.99.1.50
resolve-b connect 10.99.1.50 7000             | connect EPERM
resolve connect 10.99.1.50 7000               | ok
END
}

@test "T50: a resolver that the rules do not have teaches nothing" {
    names '"*.odd"'
    rows client <<END
resolve ask $ROGUE a-0a634203.odd A                           | recv ETIMEDOUT
resolve connect 10.99.66.3 7000                               | connect EPERM
resolve ask $RESPONDER port-0a634204_a-0a630110.odd A         | 10.99.1.16
resolve connect 10.99.66.4 7000                               | connect EPERM
resolve connect 10.99.1.16 7000                               | ok
END
}

@test "T51: answers nobody asked for are dropped and teach nothing: wrong ids, wrong names, once more" {
    names '"*.odd"'
    rows client <<END
resolve ask $RESPONDER flood-0a634205_a-0a630111.odd A        | 10.99.1.17
resolve connect 10.99.66.5 7000                               | connect EPERM
resolve connect 10.99.1.17 7000                               | ok
resolve ask $RESPONDER other-0a634206_a-0a630112.odd A        | 10.99.1.18
resolve connect 10.99.66.6 7000                               | connect EPERM
resolve ask $RESPONDER twice-0a634207_a-0a630113.odd A        | 10.99.1.19
resolve connect 10.99.66.7 7000                               | connect EPERM
resolve connect 10.99.1.19 7000                               | ok
END
    events_expect '.reason == "dns_unasked"'
}

# has_dropped COUNT: so many packets of the pod have been.
has_dropped() {
    (($(tally client DROPPED seen) >= $1)) || {
        tally client DROPPED seen
        return 1
    }
}

@test "T51: guessing every id there is teaches nothing: 65,535 before the answer, 65,536 after it" {
    local before
    names '"*.odd"'
    before=$(tally client DROPPED seen)
    rows client <<END
resolve ask $RESPONDER flood-0a634208_silent.odd A            | recv ETIMEDOUT
END
    # The asker has gone meanwhile; and where a queue overflows on the way here some are lost.
    wait_for 90 has_dropped $((before + 60000))
    rows client <<END
resolve connect 10.99.66.8 7000                               | connect EPERM
resolve ask $RESPONDER each-0a634209_a-0a630117.odd A         | 10.99.1.23
END
    wait_for 90 has_dropped $((before + 120000))
    rows client <<END
resolve connect 10.99.66.9 7000                               | connect EPERM
resolve connect 10.99.1.23 7000                               | ok
END
}

@test "T53: addresses that no name should have are never learnt" {
    names '"*.odd"'
    local address
    for address in a9fea9fe:169.254.169.254 a9fe0001:169.254.0.1 e0000001:224.0.0.1 efffffff:239.255.255.255 \
        f0000001:240.0.0.1 00000001:0.0.0.1; do
        rows client <<END
resolve ask $RESPONDER a-${address%%:*}_a-0a630114.odd A | ${address#*:} 10.99.1.20
resolve connect ${address#*:} 7000                       | connect EPERM
END
    done
    for address in fe800000000000000000000000000001=fe80::1 ff020000000000000000000000000001=ff02::1 \
        fd000ec2000000000000000000000254=fd00:ec2::254; do
        rows client <<END
resolve ask $RESPONDER aaaa-${address%%=*}.odd AAAA      | ${address#*=}
resolve connect ${address#*=} 7000                       | connect EPERM
END
    done
    rows client <<END
resolve ask $RESPONDER aaaa-00000000000000000000ffffa9fea9fe.odd AAAA | ::ffff:169.254.169.254
resolve connect 169.254.169.254 7000                                  | connect EPERM
resolve connect ::ffff:169.254.169.254 7000                           | connect EPERM
resolve connect 10.99.1.20 7000                                       | ok
END
}

@test "T56: an answer that does not parse is dropped and teaches nothing" {
    names '"*.odd"'
    rows client <<END
resolve ask $RESPONDER pointer.odd A                  | recv ETIMEDOUT
resolve connect 10.99.1.9 7000                        | connect EPERM
resolve ask $RESPONDER a-0a630115_cut.odd A           | recv ETIMEDOUT
resolve connect 10.99.1.21 7000                       | connect EPERM
resolve ask $RESPONDER a-0a630115_rcode-3.odd A       | *
resolve connect 10.99.1.21 7000                       | connect EPERM
resolve ask $RESPONDER chain-9_a-0a630116.odd A       | recv ETIMEDOUT
END
    events_expect '.reason == "dns_message"'
}
