# SPDX-License-Identifier: Apache-2.0
# In short what names, streams, spoofed executables, forged neighbours and shadow profiles are held to; tests/e2e has it
# at length, for one kernel. Sourced by e2e.sh as /rules.sh.
# shellcheck shell=bash
: "${manifests:?}" "${socket:?}" # of lib.sh
python=(python3 -IS)
http=("${python[@]}" /http_client.py)

# What e2e-resolve learns is python's as well. In the shadow of all this, a profile that allows nothing.
rules_manifests() {
    cat >"$manifests/.new" <<'END'
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: probe}
spec:
  labelSelector: {matchLabels: {app: probe}}
  nameScope: pod
  actions: [enforce]
  attacks: [arp-spoofing, nd-spoofing, ip-spoofing]
  processes:
    - path: /bin/e2e-resolve
      network:
        egress:
          fqdns: ["*.odd"]
          cidr4: [10.9.0.1/32]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp], protocolPorts: [{protocol: udp, port: 53}]}
          l7: {protocols: [any], dns: ["*.odd", "**.deep.odd"]}
    - path: /bin/python3
      network:
        egress:
          fqdns: [a-0a630501.odd]
          cidr4: [10.9.0.1/32]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp]}
          l7: {protocols: [http, https], http: [{method: GET, uri: /task}, {method: POST, uri: /post}]}
    - path: /bin/e2e-probe
      network: &open {egress: {cidr4: [10.9.0.1/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}}
    - path: /tmp/probe
      network: *open
---
apiVersion: v1
kind: Pod
metadata: {name: probe, labels: {app: probe}}
END
    mv "$manifests/.new" "$manifests/probe.yaml"
    cat >"$manifests/shadow.yaml" <<'END'
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: shadow}
spec: {labelSelector: {}, actions: [alert], processes: []}
END
    until_true 30 eval "nspctl --socket $socket pods -o json | jq -e '.pods[0].profiles | length == 2'"
}

rules_servers() {
    serve echo ready e2e-probe serve 7000 7001 443 &&
        serve responder ready "${python[@]}" /responder.py 10.9.0.1 53 &&
        serve http ready "${python[@]}" /http_server.py /received 8080
}

# The bytes of TEXT in hexadecimal, and of a number in 2 or 3 bytes.
hex() {
    printf %s "$1" | od -An -v -tx1 | tr -d ' \n'
}

# hello NAME: a ClientHello for it, with \x before each byte.
hello() {
    local name=$1 n=${#1} server body
    server=$(printf '0000%04x%04x00%04x' $((n + 5)) $((n + 3)) "$n")$(hex "$name")
    body=0303$(printf '%064d' 7)00000213010100$(printf %04x $((${#server} / 2)))$server
    body=01$(printf %06x $((${#body} / 2)))$body
    printf '160301%04x%s' $((${#body} / 2)) "$body" | sed 's/../\\x&/g'
}

# requests HOST PORT, a table of http_client.py on stdin: all rows as they should be.
requests() {
    local rows
    rows=$(cat)
    answers "$(wc -l <<<"$rows") rows, 0 differ" "${http[@]}" "$@" table <<<"$rows"
}

judged_requests() {
    requests 10.9.0.1 8080 <<'END'
last:/task                                                                                        | 200 EOF
last:/secret-1                                                                                    | ECONNRESET
'raw:GET /ta' ack 'raw:sk~c'                                                                      | 200 EOF
'raw:GET /se' ack 'raw:cret-2~c'                                                                  | ECONNRESET
get:/task read:1 'raw:GET /task~eGET /secret-3~e'                                                 | 200 ECONNRESET
'raw:POST /post~hContent-Length: 300000\r\n\r\n' big:300000 read:1 last:/task                     | 200 200 EOF
'raw:POST /post~hContent-Length: 3000\r\n\r\n' big:3000 read:1 last:/secret-4                     | 200 ECONNRESET
'raw:POST /post~hTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n' read:1 last:/task     | 200 200 EOF
'raw:POST /post~hTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /secret-5~e'        | ECONNRESET
'splice:GET /task~c'                                                                              | 200 EOF
'raw:GET /task HTTP/1.1\r\nHost: h\r\n Folded: x\r\n\r\n'                                         | ECONNRESET
END
}

nothing_came() {
    [[ -s /received ]] && ! grep -aE '/secret|cret-2|Folded' /received
}

# An echo server: what it says at all is EOF here.
judged_hellos() {
    requests 10.99.5.1 443 <<END
'raw:$(hello a-0a630501.odd)' quiet half | EOF
'raw:$(hello b-0a630501.odd)' quiet half | ECONNRESET
'each:$(hello b-0a630501.odd)' quiet half | ECONNRESET
END
}

expires() {
    answers ok e2e-resolve reach 10.9.0.1 ttl-1_a-0a630106.odd 7000 &&
        until_true 10 answers "connect EPERM" e2e-resolve connect 10.99.1.6 7000
}

is_unlinked_refused() {
    local loop
    cp /bin/other /tmp/probe
    begin_in_pod /tmp/probe loop 50 ok tcp 10.9.0.1 7000 >/loop.log 2>&1
    loop=$!
    until_true 20 grep -q '^ok$' /loop.log || return
    rm /tmp/probe
    until_true 20 grep -q 'connect EPERM' /loop.log
    kill "$loop"
    wait "$loop"
}

# Two neighbours that this machine has met before.
neighbours_meet() {
    ip neigh replace 10.9.0.77 lladdr 02:00:00:00:00:77 dev vethpod nud stale
    ip neigh replace fd09::77 lladdr 02:00:00:00:00:77 dev vethpod nud stale
}

neighbours_are_as_met() {
    [[ $(ip neigh show dev vethpod | grep -c '77 lladdr 02:00:00:00:00:77') == 2 ]]
}

forge() {
    answers sent "${python[@]}" /forge.py eth0 "$(ip netns exec pod cat /sys/class/net/eth0/address)" \
        "$(cat /sys/class/net/vethpod/address)"
}

# What check_rules finds refused would be believed otherwise. Before any profile enforces.
forgeries_are_believed() {
    neighbours_meet
    forge && ! neighbours_are_as_met
}

forgeries_are_refused() {
    local attack
    neighbours_meet
    forge || return
    for attack in arp nd ip; do
        until_true 60 has_new_event ".reason == \"${attack}_spoofing\" and .flow.verdict == \"DROPPED\"" || {
            echo "no event of $attack-spoofing after $since, but:"
            nspctl --socket "$socket" observe -o json | jq -r '"\(.time) \(.reason)"' | tail -n 5
            return 1
        }
    done
    neighbours_are_as_met || { ip neigh show dev vethpod && return 1; }
}

has_new_event() {
    has_event ".time > \"$since\" and ($1)"
}

# check_rules MODE: under rules_manifests.
check_rules() {
    local mode=$1 resolve=e2e-resolve
    since=$(jq -nr '(now - 1) | floor | todate')
    ok "$mode: an address that nobody has learnt is refused" answers "connect EPERM" $resolve connect 10.99.1.77 7000
    ok "$mode: a name is asked for and reached" answers ok $resolve reach 10.9.0.1 a-0a630101.odd 7000
    ok "$mode: so is the end of a chain" answers ok $resolve reach 10.9.0.1 chain-8_a-0a630102.odd 7000
    ok "$mode: * is one label" answers "connect EPERM" $resolve reach 10.9.0.1 a-0a630103.deep.odd 7000
    ok "$mode: 64 addresses are learnt" answers "10.99.3.0 *" $resolve ask 10.9.0.1 many-64.odd A 4096
    ok "$mode: the last as well" answers ok $resolve connect 10.99.3.63 7000
    ok "$mode: 65 are refused" answers "recv ETIMEDOUT" $resolve ask 10.9.0.1 many-65.odd A 4096
    ok "$mode: another name may not be asked for" answers "recv ETIMEDOUT" $resolve ask 10.9.0.1 a-0a630104.bad A
    ok "$mode: a name is learnt by TCP" answers 10.99.1.5 $resolve tcp 10.9.0.1 a-0a630105.odd
    ok "$mode: and reached" answers ok $resolve connect 10.99.1.5 7000
    ok "$mode: another is refused there" answers "recv ECONNRESET" $resolve tcp 10.9.0.1 a-0a630105.bad
    ok "$mode: another name's answer teaches nothing" answers 10.99.1.7 $resolve ask 10.9.0.1 \
        other-0a634206_a-0a630107.odd A
    ok "$mode: nor is it reached" answers "connect EPERM" $resolve connect 10.99.66.6 7000
    ok "$mode: what was learnt expires" expires
    ok "$mode: each request is judged: in pieces, pipelined, after bodies, spliced, folded" judged_requests
    ok "$mode: nothing of what was refused came" nothing_came
    ok "$mode: the name of the third program is learnt" answers 10.99.5.1 $resolve ask 10.9.0.1 a-0a630501.odd A
    ok "$mode: a hello must have the name, in one segment or many" judged_hellos
    ok "$mode: events say why" until_true 60 has_new_event '.reason == "tls_name" and .effect == "ECONNRESET"'
    ok "$mode: a mount over a listed path in namespaces of its own is not believed" answers "connect EPERM" \
        busybox unshare -Urm busybox sh -c 'mount -o bind /bin/other /bin/e2e-probe &&
            exec /bin/e2e-probe tcp 10.9.0.1 7000'
    ok "$mode: nor a memfd" answers "connect EPERM" e2e-spoof memfd /bin/e2e-probe tcp 10.9.0.1 7000
    ok "$mode: nor an executable set by prctl" answers "connect EPERM" e2e-spoof exe /bin/e2e-probe 10.9.0.1 7000
    ok "$mode: nor one that was unlinked" is_unlinked_refused
    ok "$mode: the listed one is" answers ok e2e-probe tcp 10.9.0.1 7000
    ok "$mode: its shadow profile would have refused it" until_true 60 has_new_event \
        '.flow.verdict == "AUDIT" and .process.binary == "/bin/e2e-probe" and (tostring | contains("shadow"))'
    ok "$mode: forged ARP, advertisements and sources do not leave" forgeries_are_refused
}
