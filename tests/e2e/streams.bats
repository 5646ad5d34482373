#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a pod may request by HTTP: each request of a connection is judged, however it is cut, and after a refusal nothing
# passes any more. The server answers 200 to everything and remembers what it was sent.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    in_peers sysctl -qw net.ipv4.tcp_fastopen=3
    peer_http greet:25
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
    http_profile
}

teardown_file() {
    peers_down
    node_down
}

# http_profile [PROTOCOLS]: what python may request.
http_profile() {
    profile client <<END
  processes:
    - path: $PYTHON
      network:
        egress:
          cidr4: [10.99.0.0/16]
          cidr6: ["fd99::/64"]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocols: [tcp]}
          l7:
            protocols: [${1:-http}]
            http:
              - {method: GET, uri: /task}
              - {method: GET, uri: "/static/*"}
              - {method: POST, uri: /post}
              - {method: "*", uri: /any}
END
}

@test "a method and a path that are listed pass, others are refused with ECONNRESET, by IPv4 and IPv6" {
    events_watch
    local address
    for address in 10.99.1.1 fd99::1:1; do
        requests "$address" <<'END'
last:/task | 200 EOF
last:/static/ | 200 EOF
last:/static/a/b?c=d | 200 EOF
request:DELETE:/any | 200 EOF
request:HEAD:/any | 200 EOF
last:/secret-1 | ECONNRESET
last:/secret-1/task | ECONNRESET
last:/task/secret-1 | ECONNRESET
last:/task?secret-1 | ECONNRESET
last:/TASK | ECONNRESET
last:/static | ECONNRESET
last:/ | ECONNRESET
request:POST:/task | ECONNRESET
request:GETS:/task | ECONNRESET
request:get:/task | ECONNRESET
request:GET:/any/secret-1 | ECONNRESET
END
    done
    run ! received secret-1
    events_expect '.reason == "http_request" and .effect == "ECONNRESET" and .flow.l7.http.method == "GET"
        and (.flow.l7.http.url | endswith("/secret-1"))'
    events_expect '.reason == "http_request" and .flow.l7.http.method == "POST"'
}

@test "T64: each request of a connection is judged: after an answer, pipelined, after a body" {
    requests <<'END'
get:/task read:1 get:/static/x read:2 last:/any | 200 200 200 EOF
get:/task get:/task get:/task last:/task | 200 200 200 200 EOF
get:/task read:1 last:/secret-2 | 200 ECONNRESET
get:/task read:1 raw:'GET /task~eGET /secret-2~e' | 200 ECONNRESET
raw:'POST /post~hContent-Length: 5\r\n\r\nhelloGET /secret-2~e' | ECONNRESET
raw:'POST /post~hContent-Length: 5\r\n\r\nhello' read:1 last:/secret-2 | 200 ECONNRESET
raw:'POST /post~hTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n' read:1 last:/task | 200 200 EOF
raw:'POST /post~hTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /secret-2~e' | ECONNRESET
raw:'POST /post~hContent-Length: 300000\r\n\r\n' big:300000 read:1 last:/task | 200 200 EOF
raw:'POST /post~hContent-Length: 300000\r\n\r\n' big:300000 last:/secret-2 | *ECONNRESET
raw:'POST /post~hContent-Length: 27\r\n\r\nGET /not-a-request HTTP/1.1' read:1 last:/task | 200 200 EOF
END
    run ! received secret-2
}

@test "T63: a request may be cut anywhere, and is judged whole" {
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py 10.99.1.1 8080 split /task
    echo "$output"
    [[ $output == "200 EOF" ]]
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py 10.99.1.1 8080 split /secret-3
    echo "$output"
    [[ $output == ECONNRESET ]]
    requests <<'END'
each:'GET /task~c' | 200 EOF
each:'GET /secret-3~c' | ECONNRESET
each:'\r\nGET /task~c' | 200 EOF
END
    run ! received_line '/secret-3 HTTP/1.1'
}

@test "a refusal ends the flow in both directions at once" {
    local log=$PODS_DIR/inside capturer
    nsenter --net="/run/netns/${PODS_ID}client" tcpdump -i eth0 -n -l tcp port 8080 >"$log" 2>"$log.err" 3>&- &
    capturer=$!
    on_exit "kill $capturer 2>/dev/null"
    wait_for 5 grep -q listening "$log.err"
    requests <<'END'
get:/static/size-30000000 ack raw:'GET /secret-4~e' quiet raw:x | *ECONNRESET
last:/task | 200 EOF
END
    wait_for 5 grep -q 'Flags \[R' "$log"
    kill "$capturer"
    wait_for 5 pods_gone "$capturer"
    # Of that connection, after the packet that ended it: nothing with data towards the pod.
    awk '/IP 10\.99\.1\.1\.8080 > /{
             peer = $5
             if (ended[peer] && $0 !~ /length 0/) bad = bad "\n" $0
             if (/Flags \[R/) ended[peer] = 1
         } END { if (bad) { print bad; exit 1 } }' "$log"
    run ! received secret-4
}

@test "T67: CONNECT, an upgrade and HTTP/2 with prior knowledge give no way around" {
    requests <<'END'
raw:'CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n' | ECONNRESET
raw:'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' | ECONNRESET
raw:'GET /task~hConnection: upgrade\r\nUpgrade: x\r\n\r\n' ack raw:'secret-5\r\n' | *ECONNRESET
raw:'GET /task~hUpgrade: h2c\r\n\r\n' ack raw:'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsecret-5' | *ECONNRESET
END
    run ! received secret-5
}

@test "T68: urgent data is refused where requests are judged" {
    events_watch
    requests <<'END'
raw:'GET /ta' oob:x raw:'sk~c' | ECONNRESET
oob:x ack raw:'GET /task~e' | ECONNRESET
END
    events_expect '.reason == "stream" and .effect == "ECONNRESET"'
}

@test "T16: a request in the handshake is judged as any other" {
    # The first brings the cookie, the others use it.
    requests <<'END'
fastopen:'GET /task~c' | 200 EOF
fastopen:'GET /task~c' | 200 EOF
fastopen:'GET /secret-6~c' | ECONNREFUSED
fastopen:'GET /task~e' read:1 last:/secret-6 | 200 ECONNRESET
END
    nsenter --net="/run/netns/${PODS_ID}client" nstat -as TcpExtTCPFastOpenActive | grep -q TCPFastOpenActive
    run ! received secret-6
}

@test "T48: what was judged is what is sent, though the pages change: splice, sendfile, MSG_ZEROCOPY" {
    local i
    requests <<'END'
sendfile:'GET /task~c' | 200 EOF
splice:'GET /task~c' | 200 EOF
zerocopy:'GET /task~c' | 200 EOF
sendfile:'GET /secret-7~e' | ECONNRESET
splice:'GET /secret-7~e' | ECONNRESET
zerocopy:'GET /secret-7~e' | ECONNRESET
END
    for ((i = 0; i < 300; i++)); do
        echo "overwrite:'GET /static/ok~c':'GET /secret-7 HTTP' | *" # the same length
    done >"$PODS_DIR/overwrites"
    requests <"$PODS_DIR/overwrites"
    run ! received secret-7
}

@test "another protocol on an HTTP port is refused, HTTP on another port is recognised" {
    events_watch
    requests 10.99.1.1 80 <<'END'
last:/task | 200 EOF
last:/secret-8 | ECONNRESET
END
    requests <<'END'
raw:'SSH-2.0-x\r\n' | ECONNRESET
raw:'\x16\x03\x01\x00\x05hello' | ECONNRESET
raw:'\x00\x01\x02\x03secret-8' | ECONNRESET
raw:'GARBAGE secret-8\r\n\r\n' | ECONNRESET
END
    events_expect '.reason == "l7_protocol"'
    run ! received secret-8
}

@test "where \`any\` is allowed what is no HTTP passes, and HTTP is judged all the same" {
    http_profile "http, any"
    requests <<'END'
last:/task | 200 EOF
last:/secret-9 | ECONNRESET
get:/task read:1 last:/secret-9 | 200 ECONNRESET
END
    requests 10.99.1.1 25 <<'END'
raw:'EHLO x\r\n' half | EOF
END
    http_profile
}
