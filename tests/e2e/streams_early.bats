#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Servers that have no connection before data comes (TCP_DEFER_ACCEPT): the segment that makes it carries a request.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

EARLY=$NSP_ROOT/tests/support/clients/early_client.py
HEAD=' HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'

setup_file() {
    node_up
    web_up "s/listen \[*:*\]*:*[0-9]*/& deferred/g" defer:8080 defer:53
    web_profile enforce
}

teardown_file() {
    node_down
}

setup() {
    events_watch
}

# web_profile ACTION [PROTOCOL]...: what both servers may be asked for; other protocols beside HTTP and DNS.
web_profile() {
    local path action=$1
    shift
    {
        echo "  processes:"
        for path in /usr/sbin/nginx "$PYTHON"; do
            cat <<END
    - path: $path
      network:
        ingress:
          cidr4: [$CLIENT4/32]
          cidr6: ["$CLIENT6/128"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocols: [tcp]}
          l7:
            protocols: [http, dns$(printf ', %s' "$@")]
            dns: [www.example.test]
            http: [{method: GET, uri: /task}, {method: "*", uri: "/open/*"}]
END
        done
    } | profile web "$action"
}

# early VERB TEXT REQUEST
early() {
    nsenter --net="/run/netns/${PODS_ID}client" "$PYTHON" "$EARLY" "$1" "$WEB4" 8080 "$2" "$3"
}

@test "nginx with deferred: what its rules have is served, and nothing else" {
    local address
    for address in "$WEB4" "$WEB6"; do
        requests "$address" 8081 <<'END'
last:/task | 200 EOF
get:/task read:1 get:/open/x read:2 last:/task | 200 200 200 EOF
request:DELETE:/open/x | 200 EOF
last:/admin | REFUSED
get:/task read:1 last:/admin | 200 ECONNRESET
END
    done
    events_expect '.flow.traffic_direction == "INGRESS" and .reason == "http_request"
        and .process.binary == "/usr/sbin/nginx" and (.flow.l7.http.url | endswith("/admin"))'
}

@test "a request cut anywhere is followed from the handshake into the connection" {
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py "$WEB4" 8080 split /task
    echo "$output"
    [[ $output == "200 EOF" ]]
    requests "$WEB4" 8080 <<'END'
last:/secret-1 | REFUSED
raw:'GET /task~eGET /secret-1~e' | REFUSED
raw:'GET /sec' ack raw:'ret-1~e' | REFUSED
raw:'POST /open/x~hContent-Length: 8\r\n\r\nhel' ack raw:'lo you' read:1 last:/secret-1 | 200 ECONNRESET
raw:'POST /open/x~hContent-Length: 8\r\n\r\nhel' ack raw:'lo yo' read:1 last:/task | 200 200 EOF
raw:'SSH-2.0-x secret-1\r\n' | REFUSED
oob:'GET /secret-1~e' | REFUSED
END
    run ! served secret-1
}

@test "a hundred connections in a row, each answered at once" {
    local before after
    before=$(tally_of web stream seen)
    for _ in {1..50}; do
        echo "last:/task | 200 EOF"
        echo "get:/task read:1 last:/open/y | 200 200 EOF"
    done | requests "$WEB4" 8080
    after=$(tally_of web stream seen)
    ((after == before)) # nothing had to be sent again
    events_none .process
}

@test "DNS over TCP, in one segment and in two" {
    local query='\x00\x22\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03' rest='\x07example\x04test\0\0\x01\0\x01'
    requests "$WEB4" 53 <<END
raw:'${query}www$rest' ack half | EOF
raw:'${query}w' ack raw:'ww$rest' ack half | EOF
raw:'${query}evl$rest' | REFUSED
raw:'${query}e' ack raw:'vl$rest' | REFUSED
END
    served 'www'
    run ! served vl
}

@test "with any, other protocols pass; in alert everything does" {
    web_profile enforce any
    requests "$WEB4" 8080 <<'END'
last:/task | 200 EOF
raw:'SSH-2.0-x~e' half | 200 EOF
last:/secret-2 | REFUSED
END
    run ! served secret-2
    web_profile alert
    requests "$WEB4" 8080 <<'END'
last:/task | 200 EOF
last:/secret-3 | 200 EOF
raw:'GET /sec' ack raw:'ret-4~c' | 200 EOF
END
    served secret-4
    events_expect '.flow.verdict == "AUDIT" and (.flow.l7.http.url | endswith("/secret-4"))'
    events_none '.reason == "stream"'
}

@test "what lies ahead of the first byte is not taken, and what is sent twice is read as the server reads it" {
    web_profile enforce
    run early ahead "GET /secret-5$HEAD" "GET /open/a HTTP/1.1\r\nHost: h\r\n\r\n"
    echo "$output"
    [[ $output == "HTTP/1.1 200 OK" ]]
    run early mixed "GET /secr" "GET /task$HEAD"
    echo "$output"
    [[ $output == silence || $output == ECONNRESET ]]
    run ! served secret-5
    run ! served "GET /secr HTTP"
}
