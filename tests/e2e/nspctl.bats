#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What nspctl makes of policyd's answers. A server with one canned answer stands for policyd.
bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/../support/env.bash"

setup() {
    tmp_make
    SOCKET=$NSP_TMP/policyd.sock
    export TZ=UTC
    printf '#!/bin/sh\nhead -n 1 >%s/request\ncat %s/answer\n' "$NSP_TMP" "$NSP_TMP" >"$NSP_TMP/serve"
    chmod +x "$NSP_TMP/serve"
    # Here and not in serve, which is the end of a pipe: a subshell, whose on_exit nobody would hear of.
    spawn socat "UNIX-LISTEN:$SOCKET,fork" "EXEC:$NSP_TMP/serve"
    wait_for 5 test -S "$SOCKET"
}

nspctl() {
    "$NSP_BUILD/nspctl" --socket "$SOCKET" "$@"
}

# serve [CODE]: answers every request with what is on stdin; the request is in $NSP_TMP/request.
serve() {
    local body
    body=$(cat; echo x)
    body=${body%x}
    printf 'HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "${1:-200 OK}" "${#body}" "$body" \
        >"$NSP_TMP/answer"
}

# event JQ: a refused connection of curl, changed by the expression.
event() {
    jq -c "$1" <<'END'
{"flow":{"verdict":"DROPPED","IP":{"source":"10.1.0.2","destination":"10.1.0.3"},
"l4":{"TCP":{"source_port":33978,"destination_port":80,"flags":{"SYN":true}}},
"source":{"namespace":"default","pod_name":"ping"},"traffic_direction":"EGRESS",
"egress_denied_by":[{"name":"ping","kind":"SecurityProfile"}]},
"process":{"pid":52699,"comm":"curl","binary":"/usr/bin/curl"},
"reason":"address","time":"2026-11-24T11:12:13.456789012Z"}
END
}

@test "an event is a line as hubble has it" {
    local bad=0
    while IFS=@ read -r change line; do
        line=${line/CURL/[/usr/bin/curl 52699]}
        line=${line/EGRESS/policy-verdict:none EGRESS}
        line=${line/BY/BY ping (SecurityProfile) address}
        event "$change" | serve
        got=$(nspctl observe)
        [[ $got == "Nov 24 11:12:13.456: $line" ]] || {
            printf '%s\n  %s\n  expected %s\n' "$change" "$got" "$line"
            bad=1
        }
    done <<'END'
.@default/ping:33978 CURL -> 10.1.0.3:80 EGRESS DENIED BY (TCP Flags: SYN)
.flow.verdict = "AUDIT"@default/ping:33978 CURL -> 10.1.0.3:80 EGRESS AUDITED BY (TCP Flags: SYN)
.flow.l4.TCP.flags.ACK = true@default/ping:33978 CURL -> 10.1.0.3:80 EGRESS DENIED BY (TCP Flags: SYN, ACK)
del(.flow.l4.TCP.source_port, .flow.l4.TCP.flags)@default/ping CURL -> 10.1.0.3:80 EGRESS DENIED BY (TCP)
.flow.IP.destination = "fd00::3"@default/ping:33978 CURL -> [fd00::3]:80 EGRESS DENIED BY (TCP Flags: SYN)
.flow.l4 = {"ICMPv4": {}}@default/ping CURL -> 10.1.0.3 EGRESS DENIED BY (ICMPv4)
del(.flow.l4) | .flow.ip_protocol = 47@default/ping CURL -> 10.1.0.3 EGRESS DENIED BY (protocol 47)
del(.flow.IP, .flow.l4)@default/ping CURL -> - EGRESS DENIED BY
del(.process)@default/ping:33978 -> 10.1.0.3:80 EGRESS DENIED BY (TCP Flags: SYN)
del(.process.binary)@default/ping:33978 [curl 52699] -> 10.1.0.3:80 EGRESS DENIED BY (TCP Flags: SYN)
del(.flow.egress_denied_by)@default/ping:33978 CURL -> 10.1.0.3:80 EGRESS DENIED address (TCP Flags: SYN)
END
    return "$bad"
}

@test "what an address was learnt from and what was asked for stand in the line" {
    local bad=0
    while IFS=@ read -r change line; do
        line=${line/VERDICT/policy-verdict:none EGRESS DENIED BY ping (SecurityProfile) address (TCP Flags: SYN)}
        event "$change" | serve
        got=$(nspctl observe)
        [[ $got == "Nov 24 11:12:13.456: default/ping:33978 [/usr/bin/curl 52699] -> 10.1.0.3:80$line" ]] || {
            printf '%s\n  %s\n  expected %s\n' "$change" "$got" "$line"
            bad=1
        }
    done <<'END'
.flow.destination_names = ["ebpf.io"]@ (ebpf.io) VERDICT
.flow.destination_names = ["a.io", "b.io"]@ (a.io, b.io) VERDICT
.flow.l7 = {"dns": {"query": "a.io.", "qtypes": ["MX"]}}@ VERDICT dns MX a.io?
.flow.l7 = {"dns": {"query": "."}}@ VERDICT dns .?
.flow.l7 = {"http": {"method": "GET", "url": "/task"}}@ VERDICT http GET /task
.flow.l7 = {"http": {"method": "GET", "url": "/t"}, "is_cut": true}@ VERDICT http GET /t...
.flow.l7 = {"tls": {"server_name": "a.io"}}@ VERDICT tls a.io
.flow.l7 = {"protocol": "unknown"}@ VERDICT unknown
END
    return "$bad"
}

# traced JQ: a DNS query that trace-dns tells of, changed by the expression.
traced() {
    event '.flow |= (.verdict = "TRACED" | .l4 = {"UDP": {"source_port": 40000, "destination_port": 53}}
        | del(.egress_denied_by)
        | .l7 = {"type": "REQUEST", "dns": {"query": "pong.default.svc.", "qtypes": ["A"]}})' | jq -c "$1"
}

@test "trace-dns: a line for a query, a line for its answer" {
    local answer='.flow.is_reply = true | .flow.l7.latency_ns = 412345 | .flow.l7.dns |= (.rcode = 0 | .addresses = 1)'
    local start="Nov 24 11:12:13.456: default/ping:40000 [/usr/bin/curl 52699] dns A pong.default.svc?"
    traced . | serve
    [[ $(nspctl observe) == "$start to 10.1.0.3:53 (UDP)" ]]
    traced "$answer" | serve
    [[ $(nspctl observe) == "$start -> NOERROR 1 address 0.4 ms" ]]
    traced "$answer | .flow.l7.dns.addresses = 13" | serve
    [[ $(nspctl observe) == "$start -> NOERROR 13 addresses 0.4 ms" ]]
    traced "$answer | .flow.l7.dns |= (.rcode = 3 | .addresses = 0)" | serve
    [[ $(nspctl observe) == "$start -> NXDOMAIN 0.4 ms" ]]
    [[ $(nspctl observe -o table | tail -n 1 | tr -s ' ') == *" TRACED EGRESS default/ping:40000 10.1.0.3:53"* ]]
    [[ $(nspctl observe -o table | tail -n 1 | tr -s ' ') == *" dns A pong.default.svc? -> NXDOMAIN 0.4 ms" ]]
}

@test "ingress is told from the other side" {
    event '.flow |= (.traffic_direction = "INGRESS" | .destination = .source | del(.source)
        | .ingress_denied_by = .egress_denied_by | del(.egress_denied_by))' | serve
    [[ $(nspctl observe) == *": 10.1.0.2:33978 -> default/ping:80 [/usr/bin/curl 52699] policy-verdict:none IN"* ]]
    [[ $(nspctl observe) == *" INGRESS DENIED BY ping (SecurityProfile) address (TCP Flags: SYN)" ]]
}

@test "filters become parameters of the address" {
    event . | serve
    nspctl observe -f -n "a b" --pod default/ping --binary /x --verdict DROPPED --last 3
    grep -qF '/v1/events?follow=1&namespace=a%20b&pod=default%2Fping&binary=%2Fx&verdict=DROPPED&last=3 ' \
        "$NSP_TMP/request"
    nspctl observe -t l7 --fqdn '*.io' --http-method GET --http-path '/a*' --reason dns_name --protocol dns --port 53 \
        --ip 10.0.0.0/8 --traffic-direction egress --profile shop --verdict TRACED
    grep -qF '/v1/events?type=l7&fqdn=%2A.io&http-method=GET&http-path=%2Fa%2A&reason=dns_name&protocol=dns&port=53' \
        "$NSP_TMP/request"
    grep -qF '&ip=10.0.0.0%2F8&traffic-direction=egress&profile=shop&verdict=TRACED ' "$NSP_TMP/request"
    nspctl observe --since 2026-11-24T11:12:13Z
    grep -q 'since=1795518733 ' "$NSP_TMP/request"
    nspctl observe --since 1h30m
    since=$(sed -n 's/.*since=\([0-9]*\) .*/\1/p' "$NSP_TMP/request")
    ((since <= EPOCHSECONDS - 5400 && since > EPOCHSECONDS - 5500))
}

@test "-o json hands on the lines, -o table makes columns" {
    { event .; event '.reason = "l4_port"'; } | serve
    [[ $(nspctl observe -o json) == "$(event .)"$'\n'"$(event '.reason = "l4_port"')" ]]
    [[ $(nspctl observe -o table | sed -n 3p | tr -s ' ') == \
        "Nov 24 11:12:13.456 DROPPED EGRESS default/ping:33978 10.1.0.3:80 /usr/bin/curl ping l4_port -" ]]
}

@test "tables of pods and profiles" {
    serve <<'END'
{"pods":[
{"namespace":"a","name":"one","state":"READY","profiles":["a/x","a/y"],"mode":"enforce",
 "revision":7,"denied":3,"audited":12},
{"namespace":"b","name":"longer","state":"PENDING","profiles":[],"mode":"none",
 "revision":0,"denied":0,"audited":0,"why":"no Pod manifest"}]}
END
    [[ $(nspctl pods) == \
"NAMESPACE   NAME     STATE     PROFILES   MODE      REVISION   DENIED   AUDITED
a           one      READY     x,y        enforce   7          3        12
b           longer   PENDING   -          none      0          0        0
b/longer: no Pod manifest" ]]
    nspctl pods --pod a/one >/dev/null
    grep -qF '/v1/pods?pod=a%2Fone ' "$NSP_TMP/request"
    [[ $(nspctl pods -n a -o json | jq '.pods | length') == 1 ]]
    serve <<'END'
{"profiles":[{"namespace":"a","name":"x","mode":"alert","valid":true,"ready":1,"pods":2,
  "violations":{"denied":12345,"audited":7,"ignored":0}},
{"namespace":"a","name":"bad","valid":false,"ready":0,"pods":0,"refused":"spec: empty"}]}
END
    [[ $(nspctl profiles) == \
"NAMESPACE   NAME   MODE    VALID   READY   PODS   DENIED   AUDITED
a           x      alert   True    1/2     2      12345    7
a           bad    -       False   0/0     0      0        0
a/bad: refused: spec: empty" ]]
}

@test "names that pods have learnt are a table" {
    serve <<'END'
{"pods":[{"namespace":"a","name":"one","learnt":[
{"name":"pong.svc","address":"10.1.0.3","expires_in_s":3659,"connections":0,"scope":"process","binary":"/bin/x"},
{"name":"pong.svc","address":"fd00::3","expires_in_s":61,"connections":0,"scope":"pod"},
{"name":"a.io","address":"10.1.0.4","expires_in_s":-3,"connections":2,"scope":"process","binary":"/bin/x"},
{"name":"b.io","address":"10.1.0.5","expires_in_s":0,"connections":0,"scope":"process"}]},
{"namespace":"b","name":"two","learnt":[]}]}
END
    [[ $(nspctl fqdn list --pod a/on) == \
"NAMESPACE   POD   BINARY   NAME       ADDRESS    EXPIRES
a           one   /bin/x   pong.svc   10.1.0.3   1h0m
a           one   (all)    pong.svc   fd00::3    1m1s
a           one   /bin/x   a.io       10.1.0.4   in use
a           one   -        b.io       10.1.0.5   expired" ]]
    grep -qF '/v1/names?pod=a%2Fon ' "$NSP_TMP/request"
    [[ $(nspctl fqdn list -n b -o json | jq -c '[.pods[].name]') == '["two"]' ]]
}

@test "what was learnt is YAML with quotes where a text would be read as something else" {
    serve <<'END'
{"since":"2026-11-24T11:12:13.000000000Z","items":2,"lost":0,"pods":[
{"namespace":"a","name":"one","is_gone":false,"binaries":[{"profile":null,"path":"/bin/x","flows":[
{"direction":"egress","address":"10.1.0.3","protocol":"6","port":80,"names":["yes","~","a: b # c","-","\\032\"'"]}],
"dns":[{"name":"*","type":"A"}],"http":[]}]},{"namespace":"b","name":"two"}]}
END
    nspctl learn --pod a/one >"$NSP_TMP/learn.yaml"
    grep -qF '/v1/learn?pod=a%2Fone ' "$NSP_TMP/request"
    diff "$NSP_TMP/learn.yaml" - <<'END'
since: "2026-11-24T11:12:13.000000000Z"
items: 2
lost: 0
pods:
- namespace: a
  name: one
  is_gone: false
  binaries:
  - profile: null
    path: /bin/x
    flows:
    - direction: egress
      address: "10.1.0.3"
      protocol: "6"
      port: 80
      names:
      - "yes"
      - "~"
      - 'a: b # c'
      - "-"
      - "\\032\"'"
    dns:
    - name: "*"
      type: A
    http: []
- namespace: b
  name: two
END
    [[ $(nspctl learn -n b -o json | jq -c '[.pods[].name]') == '["two"]' ]]
}

@test "what is wrong is said, with 1 for the answer and 2 for the arguments" {
    run -1 "$NSP_BUILD/nspctl" --socket "$SOCKET.none" status
    [[ $output == "nspctl status: policyd does not answer at $SOCKET.none: is it running, and are you root?" ]]
    echo '{"error": "too many"}' | serve "400 Bad Request"
    run -1 nspctl observe
    [[ $output == "nspctl observe: policyd answered 400: too many" ]]
    echo nonsense | serve
    run -1 nspctl pods
    [[ $output == "nspctl pods: policyd's answer is no JSON: "* ]]
    while IFS='|' read -r arguments message; do
        read -ra words <<<"$arguments"
        run -2 nspctl "${words[@]}"
        [[ ${lines[0]} == "nspctl ${words[0]}: $message" ]] || {
            echo "${lines[0]}"
            return 1
        }
    done <<'END'
pods -x|-x: not known here
pods more|more: no such argument
pods -n|-n: a value is missing
profiles -o yaml|-o: "yaml" is neither json nor table
status -n a|-n: not known here
profiles --pod a|--pod: not known here
fqdn|nothing: not known here; there is list
fqdn clean|clean: not known here; there is list
fqdn list -o yaml|-o: "yaml" is neither json nor table
learn -o table|-o: "table" is neither json nor yaml
learn --all|--all: not known here
observe -o yaml|-o: "yaml" is none of compact, table, json
observe --since now|--since: "now" is no time; write a length such as 90s, 5m or 1h30m, or 2026-11-24T11:12:13Z
observe --since 5|--since: "5" is no time; write a length such as 90s, 5m or 1h30m, or 2026-11-24T11:12:13Z
observe --color|--color: not known here
END
}
