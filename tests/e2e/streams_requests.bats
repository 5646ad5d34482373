#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Requests that two programs could read in two ways, and paths that two programs could resolve in two ways: none passes.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    peer_http
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
    profile client <<END
  processes:
    - path: $PYTHON
      network:
        egress:
          cidr4: [10.99.0.0/16]
          l3: {protocols: [ipv4]}
          l4: {protocols: [tcp]}
          l7: {protocols: [http], http: [{method: "*", uri: "/a*"}, {method: GET, uri: /task}]}
END
}

teardown_file() {
    peers_down
    node_down
}

# heads: lines on stdin: what stands between `GET /a HTTP/1.1` and the empty line, or a whole head that begins with `=`.
# Each must be refused, and be so for being ambiguous.
heads() {
    local line text
    while IFS= read -r line; do
        text="GET /a~h$line\\r\\n\\r\\n"
        [[ $line != =* ]] || text=${line#=}
        echo "raw:'$text' | ECONNRESET"
    done | container_exec client/main "$PYTHON" /opt/e2e/http_client.py 10.99.1.1 8080 table
}

ambiguous_heads() {
    cat <<'END'
Content-Length: 5\r\nTransfer-Encoding: chunked
Transfer-Encoding: chunked\r\nContent-Length: 5
Content-Length: 5\r\nContent-Length: 5
Content-Length: 5\r\nContent-Length: 6
Content-Length: 5, 5
Content-Length: +5
Content-Length: -1
Content-Length: 0x5
Content-Length: 5 5
Content-Length: 1234567890123456789
Content-Length:
Content-Length: five
Content-Length : 5
Content-Length\t: 5
Transfer-Encoding : chunked
Transfer-Encoding: identity
Transfer-Encoding: gzip, chunked
Transfer-Encoding: chunked, chunked
Transfer-Encoding: xchunked
Transfer-Encoding: "chunked"
Transfer-Encoding: chunked\x0b
Transfer-Encoding: chunked\r\nTransfer-Encoding: identity
Transfer-Encoding: chunked;x=y
X: y\r\n folded
X: y\r\n\tfolded
X: a\x00b
X: a\x01b
X: a\rb
X: a\nContent-Length: 5
 X: leading
X
: no name
X\x00: y
X y: z
END
}

ambiguous_requests() {
    cat <<'END'
=GET /a HTTP/1.1\nHost: h\n\n
=GET /a HTTP/1.1\r\nHost: h\n\r\n
=GET /a~h\n
=GET /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n
=GET /a\r\n\r\n
=GET /a HTTP/1.2\r\nHost: h\r\n\r\n
=GET /a HTTP/2.0\r\nHost: h\r\n\r\n
=GET /a http/1.1\r\nHost: h\r\n\r\n
=GET /a HTTP/01.1\r\nHost: h\r\n\r\n
=GET /a HTTP/1.1 \r\nHost: h\r\n\r\n
=GET  /a~e
=GET\t/a~e
=GET /a\tHTTP/1.1\r\nHost: h\r\n\r\n
=GET /a b~e
=\r\n\r\n\r\nGET /a~e
=POST /a~hTransfer-Encoding: chunked\r\n\r\ng\r\n
=POST /a~hTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n
=POST /a~hTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n
=POST /a~hTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n
=POST /a~hTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n
=POST /a~hTransfer-Encoding: chunked\r\n\r\n1234567890123456\r\nhello
END
}

@test "T65: ambiguous framing is refused, whatever the server would make of it" {
    events_watch
    run heads < <(ambiguous_heads && ambiguous_requests)
    echo "$output"
    [[ $output == *" rows, 0 differ" ]]
    events_expect '.reason == "http_ambiguous"'
    [[ $(events_count '.reason == "http_ambiguous"') -ge 40 ]]
}

@test "T66: a path that is not in its plain form is refused, though its beginning is allowed" {
    local path
    while read -r path; do
        echo "'request:GET:$path' | ECONNRESET"
    done >"$PODS_DIR/paths" <<'END'
/a/../secret
/a/..
/a/./b
/a/.
/a//b
//a
/a/..;/secret
/a/.;x/secret
/a/%2e%2e/secret
/a/%2E%2e/secret
/a%2fsecret
/a%2Fsecret
/a%5csecret
/a\\secret
/a%00
/a%0d%0aX
/a%20%
/a%2
/a%zz
/a%25%32%65
/a%252e%252e/secret
/a%61
/a#x
/a/b#
/a/\x7f
/a/\xc3\xa9
/%61
END
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py 10.99.1.1 8080 table <"$PODS_DIR/paths"
    echo "$output"
    [[ $output == *" rows, 0 differ" ]]
}

@test "T66: forms of a target that mean the same are told apart or agreed upon" {
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py 10.99.1.1 8080 table <<'END'
raw:'GET http://h/task~c' | 200 EOF
raw:'GET http://h/a/b~c' | 200 EOF
raw:'GET http://h/secret~c' | ECONNRESET
raw:'GET http://evil/task~c' | ECONNRESET
raw:'GET http://h@evil/task~c' | ECONNRESET
raw:'OPTIONS *~c' | ECONNRESET
request:GET:/a/b?c=%C3%A9&d=%20 | 200 EOF
request:GET:/a/~user/.hidden/..x | 200 EOF
END
    echo "$output"
    [[ $output == *" rows, 0 differ" ]]
}

@test "heads and targets that are longer than can be judged are refused, those that are not are not" {
    local long
    long=$(printf 'x%.0s' {1..900})
    cat >"$PODS_DIR/long" <<END
request:GET:/a$long | 200 EOF
raw:'GET /a~hConnection: close\r\nX: $long\r\nY: $long\r\n\r\n' | 200 EOF
raw:'GET /a~hX: ' big:70000 raw:'\r\n\r\n' | *ECONNRESET
request:GET:/$long$long | ECONNRESET
END
    run container_exec client/main "$PYTHON" /opt/e2e/http_client.py 10.99.1.1 8080 table <"$PODS_DIR/long"
    echo "$output"
    [[ $output == *" rows, 0 differ" ]]
}
