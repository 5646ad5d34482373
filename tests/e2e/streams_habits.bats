#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Programs with ordinary habits notice nothing of being judged, but that some requests are refused.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    peer_http
    peer_nginx 8443
    peer_start iperf listening iperf3 --server --forceflush
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
    export NODE
    NODE=$(readlink -f /usr/bin/node)
    {
        echo "  processes:"
        local path
        for path in "$PYTHON" "$NODE" /usr/bin/{curl,wget,busybox,iperf3}; do
            cat <<END
    - path: $path
      network:
        egress:
          cidr4: [10.99.0.0/16]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp]}
          l7:
            protocols: [http$([[ $path != */iperf3 ]] || echo ", any")]
            http: [{method: GET, uri: /task}, {method: "*", uri: "/open/*"}]
END
        done
    } | profile client
}

teardown_file() {
    peers_down
    node_down
}

setup() {
    events_watch
}

nothing_refused() {
    events_none '.process != null'
}

@test "10,000 requests over one connection are answered" {
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py 10.99.1.1 8080 keep 10000
    echo "$output"
    [[ $output == "10000 answers" ]]
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py 10.99.1.1 8081 keep 10000
    echo "$output"
    [[ $output == "10000 answers" ]]
    nothing_refused
}

@test "curl and wget: keep-alive, bodies, ranges, and an error where they are refused" {
    rows client <<END
curl -sS -o /dev/null -w %{http_code} http://10.99.1.1:8081/task                                | 200
curl -sS -o /dev/null -w %{http_code} http://10.99.1.1:8080/task http://10.99.1.1:8080/task     | 200*200
curl -sS -o /dev/null -w %{http_code} -d hello http://10.99.1.1:8080/open/post                  | 200
curl -sS -o /dev/null -w %{http_code} -X PUT -T /bin/bash http://10.99.1.1:8080/open/put        | 200
curl -sS -o /dev/null -w %{http_code} -H Transfer-Encoding:chunked -T /bin/ls http://10.99.1.1:8080/open/put | 200
curl -sS -o /dev/null -w %{http_code} -H Expect:100-continue -d hello http://10.99.1.1:8080/open/post | 200
curl -sS -o /dev/null -w %{http_code} -I http://10.99.1.1:8080/open/head                        | 200
curl -sS -o /dev/null -w %{http_code} -0 http://10.99.1.1:8080/task                             | 200
curl -sS -o /dev/null -w %{size_download} http://10.99.1.1:8080/open/size-20000000              | 20000000
wget -q -O - http://10.99.1.1:8081/task                                                         | nginx GET /task
busybox wget -q -O - http://10.99.1.1:8081/task                                                 | nginx GET /task
END
    nothing_refused
    rows client <<END
curl -sS -m 5 http://10.99.1.1:8081/other                                                       | *reset by peer
curl -sS -m 5 -X POST http://10.99.1.1:8081/task                                                | *reset by peer
wget -q -T 5 -t 1 -O - http://10.99.1.1:8081/other                                              |
busybox wget -q -O - http://10.99.1.1:8081/other                                                | *eset by peer
END
    events_expect '.reason == "http_request" and .process.binary == "/usr/bin/wget"'
}

@test "bodies by Content-Length and chunked, 100-continue, half-close, HTTP/1.0, pipelining" {
    requests 10.99.1.1 8080 <<'END'
raw:'POST /open/x~hContent-Length: 0\r\n\r\n' read:1 last:/task | 200 200 EOF
raw:'POST /open/x~hContent-Length: 5000000\r\n\r\n' big:5000000 read:1 last:/task | 200 200 EOF
raw:'PUT /open/x~hExpect: 100-continue\r\nContent-Length: 5\r\n\r\n' read:1 raw:hello read:2 half | 100 200 EOF
raw:'PUT /open/x~hTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n' ack raw:'5\r\n01234\r\n0\r\n\r\n' half | 200 EOF
raw:'GET /task HTTP/1.0\r\n\r\n' | 200 EOF
raw:'GET /task HTTP/1.0\r\n\r\n' half | 200 EOF
get:/task half | 200 EOF
get:/open/chunked read:1 last:/task | 200 200 EOF
raw:'\r\nGET /task~c' | 200 EOF
sendfile:'GET /task~e' read:1 splice:'GET /task~e' read:2 last:/task | 200 200 200 EOF
END
    nothing_refused
}

@test "node's agent keeps its connections and streams its bodies" {
    local program="
const http = require('http'), agent = new http.Agent({keepAlive: true, maxSockets: 4});
let left = 200;
for (let i = 0; i < 200; i++) {
  const request = http.request({agent, host: '10.99.1.1', port: 8080, path: '/open/x', method: 'POST'}, r => {
    r.resume();
    r.on('end', () => --left || (console.log('all answered'), agent.destroy()));
  }).on('error', e => { console.log(e.code); process.exit(1); });
  request.write('x'.repeat(3000));
  request.end('y');
}"
    run container_exec client/main "$NODE" -e "$program"
    echo "$output"
    [[ $output == "all answered" ]]
    nothing_refused
}

@test "what carries no requests is not slowed to a stop: iperf3 both ways beside rules for HTTP" {
    run container_exec client/main /usr/bin/iperf3 --client 10.99.1.1 --bytes 200M --json
    [[ $(jq .end.sum_received.bytes <<<"$output") -ge 200000000 ]] || { echo "$output" && false; }
    run container_exec client/main /usr/bin/iperf3 --client 10.99.1.1 --reverse --bytes 200M --json
    [[ $(jq .end.sum_received.bytes <<<"$output") -ge 100000000 ]] || { echo "$output" && false; }
}
