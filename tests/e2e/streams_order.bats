#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Connections that come in odd order: cut into thousands of pieces, older than the rules, unread for a while, or from
# pages that change. What cannot be read is given up at once, never left to hang and never passed unread.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

HTTP='l7: {protocols: [http], http: [{method: GET, uri: /task}, {method: POST, uri: /post}]}'
DNS='l7: {protocols: [dns], dns: [www.example.test]}'
TLS='l7: {protocols: [https]}'
CLIENT=/opt/e2e/order_client.py
CLIENT_SOURCE=$NSP_ROOT/tests/support/clients/order_client.py

setup_file() {
    node_up
    peers_up
    peer_http
    host_image_up "$CLIENT=$CLIENT_SOURCE"
    host_pod_up client /usr/bin/other serve 7999
    host_pod_up web /usr/bin/other serve 7999
    peer_start drip ready "$PYTHON" "$CLIENT_SOURCE" drip 443
}

teardown_file() {
    peers_down
    node_down
}

setup() {
    events_watch
}

# What the test started in the background ends with it.
teardown() {
    local verb
    for verb in keep download; do
        container_kill client TERM "$verb"
    done
}

# may_send ACTION L7 [PATH]: what python in the pod client may, and likewise PATH.
may_send() {
    local path
    {
        echo "  processes:"
        for path in "$PYTHON" ${3:+"$3"}; do
            cat <<END
    - path: $path
      network:
        egress:
          cidr4: [10.99.0.0/16, 10.88.0.0/16]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp, udp]}
          $2
END
        done
    } | profile client "$1"
}

# may_serve L7 [EGRESS]: what python in the pod web may.
may_serve() {
    profile web <<END
  processes:
    - path: $PYTHON
      network:
        ingress:
          cidr4: [10.0.0.0/8]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp, udp]}
          $1
        ${2:-}
END
}

client() {
    container_exec client/main "$PYTHON" "$CLIENT" "$@"
}

# client_start VERB...: in the background; what it says goes to $SAID.
client_start() {
    SAID=$PODS_DIR/said-$BATS_TEST_NUMBER
    client "$@" </dev/null >"$SAID" 2>&1 &
    CLIENT_PID=$!
    wait_for 5 said_lines 5
}

client_end() {
    container_kill client TERM "$1"
    wait_for 5 pods_gone "$CLIENT_PID"
}

# said_more COUNT: waits for so many more lines.
said_more() {
    wait_for 5 said_lines $(($(wc -l <"$SAID") + $1))
}

said_lines() {
    (($(wc -l <"$SAID") >= $1)) || {
        tail -n 3 "$SAID"
        return 1
    }
}

@test "T63: a request behind thousands of tiny chunks is judged" {
    local count
    may_send enforce "$HTTP"
    for count in 5000 9000; do
        run client chunks 10.99.1.1 8080 "$count" /task
        echo "$output"
        [[ $output == answered ]]
        run client chunks 10.99.1.1 8080 "$count" /secret-1
        echo "$output"
        [[ $output == ECONNRESET ]]
    done
    run ! received secret-1
}

@test "a TLS download survives a new revision" {
    may_send enforce "$TLS"
    client_start download 10.99.1.1 443
    may_send enforce "$TLS" /usr/bin/third
    said_more 20
    may_send enforce "$TLS"
    said_more 20
    client_end download
    [[ $(sort -u "$SAID") == piece ]]
    events_none .process
}

@test "a connection that was not read for a while is given up, not left to hang; in alert it goes on" {
    local action
    for action in enforce alert; do
        may_send "$action" "$HTTP"
        client_start keep 10.99.1.1 8080
        may_send "$action" ""
        said_more 5
        may_send "$action" "$HTTP"
        [[ $action == alert ]] || wait_for 2 grep -q ECONNRESET "$SAID"
        [[ $action == enforce ]] || said_more 20
        client_end keep
    done
    events_expect '.flow.verdict == "DROPPED" and .reason == "stream" and .effect == "ECONNRESET"'
}

@test "alert: one audit, not one a segment, for a connection older than its rules" {
    local before audits
    may_send alert ""
    client_start keep 10.99.1.1 8080
    before=$(tally client AUDIT seen)
    may_send alert "$HTTP"
    said_more 40
    client_end keep
    audits=$(($(tally client AUDIT seen) - before))
    echo "audits: $audits"
    [[ $(sort -u "$SAID") == answer ]]
    ((audits >= 1 && audits <= 2)) # each direction may be met once
}

@test "T48: a spliced DNS query is what was judged" {
    local flag=$PODS_DIR/read-query log=$PODS_DIR/peers/hold.log
    may_send enforce "$DNS"
    peer_start hold ready "$PYTHON" "$CLIENT_SOURCE" hold udp 53 "$flag"
    run client swap udp "$RESPONDER" 53 www.example.test evl.example.test
    echo "$output"
    [[ $output == swapped ]]
    touch "$flag"
    wait_for 5 grep -q '^read ' "$log"
    cat "$log"
    grep -q 'www.*example' "$log"
    run ! grep -q evl "$log"
}

@test "T48: a spliced request towards a pod is what was judged" {
    local log
    may_serve "$HTTP"
    profile_none client
    container_start web/hold host "$PYTHON" "$CLIENT" hold tcp 8090 /tmp/flag
    log=$(container_log web/hold)
    wait_for 10 grep -q ready "$log"
    run client swap tcp "$WEB4" 8090 /task /evil
    echo "$output"
    [[ $output == swapped ]]
    container_exec web/hold /bin/busybox touch /tmp/flag
    wait_for 5 grep -q '^read ' "$log"
    cat "$log"
    grep -q 'GET /task HTTP' "$log"
    run ! grep -q evil "$log"
}

@test "a DNS server in the pod answers, with l7 rules and with fqdns" {
    profile_none client
    may_serve "$DNS"
    container_start web/resolver host "$PYTHON" "$CLIENT" resolver 53
    wait_for 10 grep -q ready "$(container_log web/resolver)"
    [[ $(client ask "$WEB4" 53 www.example.test) == answer ]]
    [[ $(client ask "$WEB4" 53 other.example.test) == TIMEOUT ]]
    may_serve "" 'egress: {fqdns: [x.test], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}'
    [[ $(client ask "$WEB4" 53 www.example.test) == answer ]]
    [[ $(client ask "$WEB4" 53 other.example.test) == answer ]]
}
