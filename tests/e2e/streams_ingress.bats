#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a pod serves: each request towards it is judged by the rules of the server, before the server sees it.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    web_up "" 8080
    web_profile
}

teardown_file() {
    node_down
}

web_profile() {
    local path
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
          l7: {protocols: [http], http: [{method: GET, uri: /task}, {method: "*", uri: "/open/*"}]}
END
        done
    } | profile web
}

setup() {
    events_watch
}

@test "nginx gets the requests that its rules have, by method and path, and no others" {
    local address
    for address in "$WEB4" "$WEB6"; do
        requests "$address" 8081 <<'END'
last:/task | 200 EOF
get:/task read:1 get:/open/x read:2 last:/task | 200 200 200 EOF
request:DELETE:/open/x | 200 EOF
request:GET:/admin | REFUSED
get:/task read:1 last:/admin | 200 ECONNRESET
END
    done
    events_expect '.flow.traffic_direction == "INGRESS" and .reason == "http_request"
        and .process.binary == "/usr/sbin/nginx" and (.flow.l7.http.url | endswith("/admin"))'
}

@test "a refused request does not reach the server, whole or in pieces" {
    requests "$WEB4" 8080 <<'END'
last:/task | 200 EOF
last:/secret-1 | REFUSED
raw:'GET /task~eGET /secret-1~e' | REFUSED
raw:'GET /sec' ack raw:'ret-1~e' | REFUSED
raw:'POST /open/x~hContent-Length: 5\r\n\r\nhello' read:1 last:/secret-1 | 200 ECONNRESET
raw:'GET /task~hContent-Length: 5\r\nContent-Length: 5\r\nX: secret-1\r\n\r\n' | REFUSED
END
    served '/task'
    run ! served secret-1
}

no_connection_left() {
    ! nsenter --net="/run/netns/${PODS_ID}web" ss -Htn state established "( sport = :8080 or sport = :8081 )" | grep .
}

@test "who is refused hears it at once, and so does the server" {
    local address outcome waited port
    for address in "$WEB4" "$WEB6"; do
        for port in 8080 8081; do
            run container_exec client/main "$PYTHON" /opt/e2e/http_client.py "$address" "$port" wait /secret-3
            echo "$output"
            read -r outcome waited <<<"$output"
            [[ $outcome == ECONNRESET ]]
            ((waited < 100)) # TCP sends again after 200 ms, and is answered then at the latest
        done
    done
    wait_for 2 no_connection_left
    run ! served secret-3
}

@test "10,000 requests over one connection are served" {
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py "$WEB4" 8080 keep 10000
    echo "$output"
    [[ $output == "10000 answers" ]]
    events_none .process
}

@test "another protocol than HTTP is not served" {
    requests "$WEB4" 8080 <<'END'
raw:'SSH-2.0-x secret-2\r\n' | REFUSED
raw:'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsecret-2' | REFUSED
END
    run ! served secret-2
    rows client <<END
$PYTHON /opt/e2e/tls_client.py $WEB4 8443 www.example.test | [ET][CI]*
END
    events_expect '.flow.traffic_direction == "INGRESS" and .reason == "l7_protocol"'
}
