#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# TLS: the server name against the names by which the address is allowed, however the hello is cut.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    peer_named
    peer_http greet:25
    peer_nginx 443
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
    pod_resolver client "nameserver $NAMED"
    tls_profile
}

teardown_file() {
    peers_down
    node_down
}

# tls_profile [PROTOCOLS]: python and curl may reach www.example.test, and 10.99.8.0/24 by address.
tls_profile() {
    local path
    {
        echo "  processes:"
        for path in "$PYTHON" /usr/bin/curl /usr/bin/probe; do
            cat <<END
    - path: $path
      network:
        egress:
          fqdns: [www.example.test]
          cidr4: [$NAMED/32, 10.99.8.0/24]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocols: [tcp, udp]}
          l7: {protocols: [dns, ${1:-https}], dns: ["*"]}
END
        done
    } | profile client
}

setup() {
    events_watch
    run_in client "$PYTHON" -c 'import socket; socket.getaddrinfo("www.example.test", 443)'
}

# hellos: `ADDRESS PORT NAME HOW | OUTCOME`
hellos() {
    sed "s|^|$PYTHON /opt/e2e/tls_client.py |" | rows client
}

@test "T61: the server name must be one by which the address is allowed" {
    hellos <<END
10.99.1.1 443 www.example.test   | ok
fd99::1:1 443 www.example.test   | ok
10.99.1.1 443 WWW.Example.TEST   | ok
10.99.1.1 443 other.example.test | ECONNRESET
fd99::1:1 443 other.example.test | ECONNRESET
10.99.1.1 443 www.example.tes    | ECONNRESET
10.99.1.1 443 -                  | ECONNRESET
10.99.1.9 443 www.example.test   | EPERM
10.99.1.1 443 www.example.test http2 | ok
END
    events_expect '.reason == "tls_name" and .effect == "ECONNRESET" and (tostring | contains("other.example.test"))'
}

@test "an address that the rules have as such needs no name" {
    hellos <<END
10.99.8.1 443 other.example.test      | ok
10.99.8.1 443 -                       | ok
END
}

@test "T62: a hello may be split over segments and records, or be large" {
    hellos <<END
10.99.1.1 443 www.example.test each      | ok
10.99.1.1 443 www.example.test records   | ok
10.99.1.1 443 www.example.test padded    | alert*
10.99.1.1 443 other.example.test each    | ECONNRESET
10.99.1.1 443 other.example.test records | ECONNRESET
10.99.1.1 443 other.example.test padded  | ECONNRESET
END
}

@test "T61: a hello that hides its name, or is none, is refused" {
    hellos <<END
10.99.1.1 443 www.example.test ech      | ECONNRESET
10.99.1.1 443 www.example.test garbage  | ECONNRESET
10.99.1.1 443 www.example.test version2 | ECONNRESET
END
    events_expect '.reason == "tls_hello" and .effect == "ECONNRESET"'
}

@test "STARTTLS: a server that speaks first is no TLS; with \`any\` it passes, and the name is judged when it comes" {
    hellos <<END
10.99.8.1 25 www.example.test starttls   | ECONNRESET
END
    events_expect '.reason == "l7_protocol"'
    tls_profile "https, any"
    rows client <<END
$PYTHON /opt/e2e/http_client.py 10.99.8.1 25 raw:STARTTLS\x0d\x0a half | EOF
END
    tls_profile
}

@test "QUIC gets nowhere by name: its name is not to be seen" {
    rows client <<END
probe udp 10.99.1.1 443 | *
END
    run_in client "$PYTHON" -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.99.1.1", 443))
s.send(b"\xc0\0\0\0\1\x08" + b"d" * 8 + b"\0\0" + b"x" * 1180)'
    events_expect '.flow.l4.UDP.destination_port == 443 and .flow.verdict == "DROPPED"
        and (.reason == "tls_name" or .reason == "tls_hello")'
}

@test "curl's TLS passes by name, and --resolve or a forged Host gives it nothing" {
    rows client <<END
curl -sSk -m 5 https://www.example.test/task                                          | nginx GET /task
curl -sSk -m 5 --http1.1 https://www.example.test/task                                | nginx GET /task
curl -sSk -m 5 --resolve other.example.test:443:10.99.1.1 https://other.example.test/ | *reset by peer*
curl -sSk -m 5 https://10.99.1.1/                                                     | *reset by peer*
curl -sSk -m 5 http://www.example.test:8080/task                                      | *reset by peer
END
}
