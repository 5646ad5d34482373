#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Programs as people run them, and the resolvers they ask: what is allowed by name works at once for each of them, and
# what is not allowed does not.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    peer_named
    peer_dnsmasq
    peer_unbound
    peer_coredns
    peer_http
    clients_build "$PODS_DIR/built"
    host_image_up "/usr/bin/fetch-go=$PODS_DIR/built/fetch-go" "/opt/e2e/Fetch.class=$PODS_DIR/built/Fetch.class"
    host_pod_up client /usr/bin/other serve 7999
    export JAVA NODE
    JAVA=$(readlink -f /usr/bin/java)
    NODE=$(readlink -f /usr/bin/node)
    client_profile
}

teardown_file() {
    peers_down
    node_down
}

clients_build() {
    mkdir -p "$1"
    CGO_ENABLED=0 go build -o "$1/fetch-go" "$NSP_ROOT/tests/support/clients/fetch.go"
    javac -d "$1" "$NSP_ROOT/tests/support/clients/Fetch.java"
}

# client_profile: each client may reach some names on port 8080, by HTTP, and ask for what libcs make of those.
client_profile() {
    local path
    {
        echo "  processes:"
        for path in /usr/bin/{curl,wget,busybox,fetch-glibc,fetch-musl,fetch-go} "$PYTHON" "$NODE" "$JAVA"; do
            cat <<END
    - path: $path
      network:
        egress:
          fqdns: ["*.example.test", pong.default.svc.test]
          cidr4: [$DNSMASQ/32, $UNBOUND/32, $NAMED/32, $COREDNS/32]
          l3: {protocols: [ipv4, ipv6]}
          l4: {protocolPorts: [{protocol: udp, port: 53}, {protocol: tcp, port: 53}, {protocol: tcp, port: 8080}]}
          l7:
            protocols: [dns, http]
            dns: ["*.example.test", pong, pong.default.svc.test, pong.svc.test, pong.test]
END
        done
    } | profile client
}

# each_client HOST: a row for each, `COMMAND | HTTP STATUS`.
each_client() {
    rows client <<END
/usr/bin/fetch-glibc $1 8080 /task                             | HTTP 200
/usr/bin/fetch-musl $1 8080 /task                              | HTTP 200
/usr/bin/fetch-go $1 8080 /task                                | HTTP 200
$PYTHON /opt/e2e/fetch.py $1 8080 /task                        | HTTP 200
$NODE /opt/e2e/fetch.js libc $1 8080 /task                     | HTTP 200
$NODE /opt/e2e/fetch.js cares $1 8080 /task                    | HTTP 200
$JAVA -XX:TieredStopAtLevel=1 -cp /opt/e2e Fetch $1 8080 /task | HTTP 200
curl -sS -o /dev/null -w HTTP=%{http_code} http://$1:8080/task | HTTP=200
wget -q -O - http://$1:8080/task                               | pong
busybox wget -q -O - http://$1:8080/task                       | pong
END
}

@test "curl, wget, python, node, go, java, busybox, musl and c-ares reach an allowed name at their first try" {
    events_watch
    each_client www.example.test
    # The pod's kernel has things of its own to say.
    events '.process'
    events_none '.process'
}

@test "none of them reaches a name that is not allowed" {
    pod_resolver client "nameserver $DNSMASQ" "options timeout:1 attempts:1"
    rows client <<END
/usr/bin/fetch-glibc evil.bad.test 8080 /task | getaddrinfo: *
/usr/bin/fetch-go evil.bad.test 8080 /task | *i/o timeout
$PYTHON /opt/e2e/fetch.py 10.99.1.7 8080 /task | *Operation not permitted*
$NODE /opt/e2e/fetch.js libc 10.99.1.7 8080 /task | EPERM
$JAVA -XX:TieredStopAtLevel=1 -cp /opt/e2e Fetch 10.99.1.7 8080 /task | *not permitted*
curl -sS -m 2 -o /dev/null --resolve www.example.test:8080:10.99.1.7 http://www.example.test:8080/ | curl: *
busybox wget -q -O - http://10.99.1.7:8080/task | *not permitted*
END
    pod_resolver client "nameserver $DNSMASQ"
}

@test "each resolver's answers are learnt: dnsmasq, unbound, bind and CoreDNS" {
    local resolver
    for resolver in "$DNSMASQ" "$UNBOUND" "$NAMED" ${HAS_COREDNS:+"$COREDNS"}; do
        pod_resolver client "nameserver $resolver"
        rows client <<END
curl -sS -4 -o /dev/null -w %{http_code} http://www.example.test:8080/task | 200
curl -sS -6 -o /dev/null -w %{http_code} http://www.example.test:8080/task | 200
curl -sS -o /dev/null -w %{http_code} http://api.example.test:8080/task    | 200
/usr/bin/fetch-glibc large.example.test 8080 /task                         | HTTP 200
END
    done
    pod_resolver client "nameserver $DNSMASQ"
}

@test "a short name is found on the search path, as in a cluster with ndots:5" {
    pod_resolver client "nameserver $DNSMASQ" "search default.svc.test svc.test test" "options ndots:5"
    rows client <<END
curl -sS -o /dev/null -w %{http_code} http://pong:8080/task    | 200
/usr/bin/fetch-glibc pong 8080 /task                           | HTTP 200
/usr/bin/fetch-musl pong 8080 /task                            | HTTP 200
/usr/bin/fetch-go pong.default.svc.test. 8080 /task            | HTTP 200
END
    pod_resolver client "nameserver $DNSMASQ"
}

@test "options of glibc's resolver change nothing: edns0, single-request, use-vc" {
    local option
    for option in edns0 single-request single-request-reopen use-vc "edns0 trust-ad"; do
        pod_resolver client "nameserver $NAMED" "options $option"
        rows client <<END
/usr/bin/fetch-glibc www.example.test 8080 /task   | HTTP 200
/usr/bin/fetch-glibc large.example.test 8080 /task | HTTP 200
END
    done
    pod_resolver client "nameserver $DNSMASQ"
}
