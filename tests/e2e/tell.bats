#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is told beside violations: names beside addresses, DNS traces, what learn records, what each profile counts.
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
    events_watch
}

# rules ACTIONS [NAME]: resolve may ask named for anything, reach example names on port 7000 and ask for /task on 8080.
rules() {
    profile client "$1" <<END
  processes:
    - path: /usr/bin/resolve
      network:
        egress:
          fqdns: ["**.example.test"]
          cidr4: [$NAMED/32, $RESPONDER/32]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocolPorts: [{protocol: udp, port: 53}, {protocol: tcp, port: 53}, {protocol: tcp, port: 7000}]}
          l7: {protocols: [any], dns: ["**.test", "*.odd"]}
END
}

resolve() {
    container_exec client/main /usr/bin/resolve "$@"
}

observe() {
    pods_nspctl observe --since "${EVENTS_START%.*}Z" "$@"
}

# observe_expect REGEX OPTION...: waits for such a line.
observe_expect() {
    wait_for 5 observe_has "$@" || {
        echo "no line like $1 among:"
        observe "${@:2}"
        return 1
    }
}

observe_has() {
    observe "${@:2}" | grep -qE -- "$1"
}

@test "trace-dns: each query and each answer is a line, whatever becomes of them" {
    local who="default/client:[0-9]+ \\[/usr/bin/resolve [0-9]+\\]"
    rules "enforce, trace-dns"
    resolve ask "$NAMED" www.example.test A
    resolve ask "$NAMED" nowhere.test AAAA
    resolve ask "$NAMED" www.example.bad A || true
    observe_expect "$who dns A www\\.example\\.test\\? to $NAMED:53 \\(UDP\\)$" --verdict TRACED
    observe_expect "$who dns A www\\.example\\.test\\? -> NOERROR 1 address [0-9]+\\.[0-9] ms$" --verdict TRACED
    observe_expect "$who dns AAAA nowhere\\.test\\? -> NXDOMAIN [0-9]+\\.[0-9] ms$" -t l7
    observe_expect "$who dns A www\\.example\\.bad\\? to $NAMED:53 \\(UDP\\)$" --fqdn '*.bad'
    observe_expect ' DENIED BY client-profile .* dns_name \(UDP\) dns A www\.example\.bad\?$' --fqdn '*.bad'
    [[ $(observe --fqdn www.example.test --verdict TRACED | wc -l) == 2 ]]
    events_expect '.flow.verdict == "TRACED" and .flow.is_reply and .flow.l7.latency_ns > 0 and .flow.l7.dns.ttl == 60
        and .flow.traced_by[0].name == "client-profile" and .action == "trace-dns" and .effect == "none"'
    [[ $(events_count '.flow.verdict == "TRACED" and (.flow.is_reply | not)') == 3 ]]
}

@test "an event names what the address was learnt from, and filters find it" {
    rules enforce
    resolve ask "$NAMED" www.example.test A
    resolve connect 10.99.1.1 7001 || true
    events_expect '.reason == "l4_port" and .flow.destination_names == ["www.example.test"]'
    observe_expect '-> 10\.99\.1\.1:7001 \(www\.example\.test\) ' --fqdn '*.example.test' --port 7001 \
        --ip 10.99.1.0/24 --reason l4_port --profile client-profile --binary '/usr/bin/*' \
        --traffic-direction egress --protocol tcp
    [[ -z $(observe --fqdn '*.example.test' --port 7002) ]]
}

# fqdn COLUMN...: those columns of `nspctl fqdn list`, sorted.
fqdn() {
    pods_nspctl fqdn list --pod default/client | tail -n +2 | tr -s ' ' | cut -d ' ' -f "$1" | sort
}

@test "fqdn list: what was learnt, by whom, and until when" {
    rules enforce
    resolve ask "$NAMED" www.example.test A
    resolve ask "$NAMED" api.example.test AAAA
    resolve ask "$NAMED" one.wild.test A # is not in fqdns
    [[ $(fqdn 3-5) == "/usr/bin/resolve api.example.test fd99::1:2
/usr/bin/resolve www.example.test 10.99.1.1" ]]
    [[ $(fqdn 6 | grep -cE '^(1h0m|59m[0-9]+s)$') == 2 ]]
    [[ $(pods_nspctl fqdn list --pod default/nobody | wc -l) == 1 ]]
}

# learnt EXPRESSION: of what was learnt of the pod.
learnt() {
    pods_nspctl learn --pod default/client -o json | jq -c "$1"
}

learnt_is() {
    [[ $(learnt "$1") == "$2" ]]
}

names_learnt='[.pods[].binaries[] | select(.path == "/usr/bin/resolve").dns[].name]'

@test "learn: flows, names and requests of each binary, once, and nothing is dropped" {
    rules learn
    resolve ask "$NAMED" www.example.test A
    resolve ask "$NAMED" www.example.test A
    resolve ask "$NAMED" www.example.bad A
    resolve connect 10.99.1.1 7000
    resolve connect 10.99.1.1 7000
    resolve connect 10.99.1.9 7000
    run_in client curl -sS http://10.99.1.1:8080/task?a=1
    run_in client curl -sS -X POST http://10.99.1.1:8080/task
    wait_for 5 learnt_is "$names_learnt" '["www.example.bad","www.example.test"]'
    learnt_is '[.pods[].binaries[] | select(.path == "/usr/bin/resolve").flows[]
        | select(.protocol == "tcp") | [.address, .port, .names]]' \
        '[["10.99.1.1",7000,["www.example.test"]],["10.99.1.9",7000,null]]'
    learnt_is '[.pods[].binaries[] | select(.path | endswith("/curl")).http[] | [.direction, .port, .method, .uri]]' \
        '[["egress",8080,"GET","/task?a=1"],["egress",8080,"POST","/task"]]'
    learnt_is '[.pods[].binaries[].profile] | unique' '["default/client-profile"]'
    events_none '.flow.verdict == "DROPPED"'
    pods_nspctl learn --pod default/client | grep -qx '      uri: /task?a=1'
    pods_nspctl status | grep -q '^Learnt: '
}

@test "learn: after a restart of policyd what goes on is told again" {
    rules learn
    resolve ask "$NAMED" www.example.test A
    wait_for 5 learnt_is "$names_learnt | contains([\"www.example.test\"])" true
    pods_policyd_stop
    pods_policyd --events-burst 100000 --events-per-second 100000
    learnt_is .items 0
    resolve ask "$NAMED" www.example.test A
    wait_for 5 learnt_is "$names_learnt" '["www.example.test"]'
}

# counts NAME: denied and audited, of a profile.
counts() {
    pods_nspctl profiles | awk -v name="$1" '$2 == name { print $7, $8 }'
}

counts_are() {
    [[ $(counts "$1") == "$2" ]]
}

# ports PORT: what resolve may connect to, by address; the pod's kernel may say what it likes.
ports() {
    cat <<END
  default:
    egress: &all
      cidr4: [0.0.0.0/0]
      cidr6: ["::/0"]
      l3: {protocols: [ipv4, ipv6, arp]}
      l4: {protocols: [icmp, icmpv6, 2]}
    ingress: *all
  processes:
    - path: /usr/bin/resolve
      network:
        egress:
          cidr4: [10.99.1.1/32]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: tcp, port: $1}]}
END
}

@test "each profile counts its own violations, exactly, in force and in shadow" {
    ports 7000 | profile client
    sed -e 's/client-profile/shadow/' -e 's/\[enforce\]/[alert]/' -e 's/port: 7000/port: 7001/' \
        "$PODS_MANIFESTS/profile-client.yaml" >"$PODS_DIR/shadow.new"
    mv "$PODS_DIR/shadow.new" "$PODS_MANIFESTS/profile-shadow.yaml"
    on_exit "rm -f $PODS_MANIFESTS/profile-shadow.yaml"
    wait_for 10 shadow_is_in_force
    [[ $(counts client-profile) == "0 0" && $(counts shadow) == "0 0" ]]
    local port
    for port in 7000 7001 7002 7000 7001 7002 7000 7001 7002; do # the shadow refuses, the other one, both
        resolve connect 10.99.1.1 "$port" || true
    done
    wait_for 5 counts_are client-profile "6 0"
    counts_are shadow "0 6"
    events_expect '.flow.verdict == "AUDIT" and .flow.egress_denied_by[0].name == "shadow"
        and .flow.l4.TCP.destination_port == 7002'
    events_expect '.flow.verdict == "DROPPED" and .flow.egress_denied_by[0].name == "client-profile"
        and .flow.l4.TCP.destination_port == 7002'
    [[ $(events_count '.flow.verdict == "AUDIT"') == 6 ]]
    [[ $(observe --profile shadow | wc -l) == 6 ]]
    rm -f "$PODS_MANIFESTS/profile-shadow.yaml"
    wait_for 10 shadow_is_gone
    [[ $(counts client-profile) == "0 0" ]] # another combination of profiles counts anew
}

shadow_is_in_force() {
    pod_json client | jq -e '.profiles == ["default/client-profile", "default/shadow"]'
}

shadow_is_gone() {
    pod_json client | jq -e '.profiles == ["default/client-profile"]'
}

@test "a pod that has learnt all it can hold is a problem, until something expires" {
    rules enforce
    sed -i 's/fqdns: .*/fqdns: ["*.odd"]/' "$PODS_MANIFESTS/profile-client.yaml"
    wait_for 10 fqdns_are_odd
    local i
    for ((i = 100; i < 120; i++)); do
        resolve ask "$RESPONDER" "ttl-300_block-$i.odd" A 4096
    done
    events_expect '.reason == "names_full"'
    pods_nspctl status | grep -qE '^  pod default/client: it has learnt as much as it can hold, 1024 of 1024 addresses'
    pods_nspctl pods | grep -q '^default/client: it has learnt as much as it can hold'
    [[ $(pod_json client | jq .not_learnt) -ge 1 ]]
}

fqdns_are_odd() {
    resolve ask "$RESPONDER" a-0a630120.odd A && fqdn 4 | grep -qx a-0a630120.odd
}
