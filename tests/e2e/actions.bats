#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is told: traces of DNS, what learn records, and profiles that only watch beside one that enforces.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    peer_named
    peer_responder responder "$RESPONDER"
    peer_http
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
}

teardown_file() {
    peers_down
    node_down
}

setup() {
    profile_none client
    rm -f "$PODS_MANIFESTS"/shadow.yaml
    events_watch
}

# resolves ACTION: resolve may ask for *.example.test and *.odd, and reach www.example.test.
resolves() {
    profile client "$1" <<END
  processes:
    - path: /usr/bin/resolve
      network:
        egress:
          fqdns: [www.example.test]
          cidr4: [$NAMED/32, $RESPONDER/32]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp], protocolPorts: [{protocol: udp, port: 53}]}
          l7: {protocols: [any], dns: ["*.example.test", "*.odd"]}
END
}

@test "trace-dns tells each query and answer: name, type, rcode, addresses, latency, process, by UDP and TCP" {
    resolves "enforce, trace-dns"
    rows client <<END
resolve ask $NAMED www.example.test A    | 10.99.1.1
resolve ask $NAMED none.example.test A   | rcode 3
resolve tcp $NAMED other.example.test    | 10.99.1.9
END
    local traced='.flow.verdict == "TRACED" and .action == "trace-dns" and .process.binary == "/usr/bin/resolve"'
    events_expect "$traced and .flow.l7.type == \"REQUEST\" and .flow.l7.dns.query == \"www.example.test.\"
        and .flow.l7.dns.qtypes == [\"A\"] and .flow.l4.UDP.destination_port == 53"
    events_expect "$traced and .flow.l7.type == \"RESPONSE\" and .flow.is_reply
        and .flow.l7.dns == {query: \"www.example.test.\", qtypes: [\"A\"], rcode: 0, addresses: 1, ttl: 60}
        and .flow.l7.latency_ns > 1000 and .flow.l7.latency_ns < 1000000000"
    events_expect "$traced and .flow.l7.type == \"RESPONSE\" and .flow.l7.dns.query == \"none.example.test.\"
        and .flow.l7.dns.rcode == 3"
    events_expect "$traced and .flow.l4.TCP and .flow.l7.dns.query == \"other.example.test.\""
    [[ $(events_count '.flow.verdict == "TRACED" and .flow.l7.type == "REQUEST"') == 3 ]]
}

@test "what trace-dns tells of a refused query comes beside the refusal, and a name in raw bytes is escaped" {
    resolves "enforce, trace-dns"
    rows client <<END
resolve ask $NAMED evil.bad.test A                | recv ETIMEDOUT
resolve ask $RESPONDER $(printf 'a-0a630101.b\x01').odd A          | recv ETIMEDOUT
END
    events_expect '.flow.verdict == "TRACED" and .flow.l7.dns.query == "evil.bad.test."'
    events_expect '.flow.verdict == "DROPPED" and .reason == "dns_name" and .flow.l7.dns.query == "evil.bad.test."'
    events_expect '.flow.l7.dns.query == "a-0a630101.b\\001.odd."'
}

@test "trace-dns alone drops and reports nothing but DNS" {
    resolves "trace-dns"
    rows client <<END
resolve ask $NAMED evil.bad.test A | 10.99.1.7
resolve connect 10.99.1.9 7000     | ok
other tcp 10.99.1.1 7000           | ok
END
    events_expect '.flow.verdict == "TRACED" and .flow.l7.dns.query == "evil.bad.test."'
    events_none '.flow.verdict != "TRACED"'
}

@test "nspctl observe prints traces in a line each" {
    resolves "enforce, trace-dns"
    rows client <<END
resolve ask $NAMED www.example.test A | 10.99.1.1
END
    events_expect '.flow.l7.type == "RESPONSE"'
    pods_nspctl observe >"$PODS_DIR/lines"
    grep -q ' dns A www.example.test? to 10.88.0.55:53 (UDP)' "$PODS_DIR/lines"
    grep -q ' dns A www.example.test? -> NOERROR 1 address ' "$PODS_DIR/lines"
}

@test "learn drops nothing and records each flow, name and request of each binary once" {
    profile client learn <<END
  processes: []
END
    local i
    for i in 1 2 3; do
        rows client <<END
resolve reach $NAMED www.example.test 7000                  | ok
curl -sS -o /dev/null -w %{http_code} http://10.99.1.1/task | 200
END
    done
    wait_for 5 learnt_all
    events_none '.flow.verdict == "DROPPED"'
    [[ $(pods_nspctl learn | grep -c 'www.example.test') -ge 1 ]]
    [[ $(pods_nspctl learn | grep -c '/task') == 1 ]]
}

learnt_all() {
    local text
    text=$(pods_nspctl learn)
    [[ $text == *www.example.test* && $text == */usr/bin/curl* && $text == *GET*/task* ]]
}

@test "alert and enforce of one binary differ from the profile's: its own actions count" {
    profile client enforce <<END
  processes:
    - path: /usr/bin/probe
      actions: [alert]
      network:
        egress: {cidr4: [10.99.1.1/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}
END
    rows client <<END
probe tcp 10.99.1.9 7000 | ok
other tcp 10.99.1.1 7000 | connect EPERM
END
    events_expect '.flow.verdict == "AUDIT" and .process.binary == "/usr/bin/probe"'
    events_expect '.flow.verdict == "DROPPED" and .process.binary == "/usr/bin/other"'
}

@test "a profile that only alerts is judged in shadow: it widens nothing, and is named for what it would drop" {
    resolves enforce
    local before
    before=$(revision_of client)
    cat >"$PODS_MANIFESTS/shadow.yaml" <<END
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: shadow}
spec:
  labelSelector: {matchLabels: {pod: client}}
  actions: [alert]
  processes:
    - path: /usr/bin/resolve
      network:
        egress:
          cidr4: [$NAMED/32, 10.99.1.9/32]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp, udp]}
          l7: {protocols: [dns, any], dns: [www.example.test]}
END
    wait_for 5 revision_differs client "$before"
    rows client <<END
resolve ask $NAMED other.example.test A      | 10.99.1.9
resolve connect 10.99.1.9 7000               | connect EPERM
resolve reach $NAMED www.example.test 7000   | ok
END
    events_expect '.flow.verdict == "AUDIT" and .reason == "dns_name" and .flow.egress_denied_by[0].name == "shadow"
        and .flow.l7.dns.query == "other.example.test."'
    events_expect '.flow.verdict == "AUDIT" and .reason == "address" and .flow.egress_denied_by[0].name == "shadow"'
    events_expect '.flow.verdict == "DROPPED" and .reason == "address"
        and .flow.egress_denied_by[0].name == "client-profile"'
    rm "$PODS_MANIFESTS/shadow.yaml"
}
