#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The manifests of the 2020 prototype, unmodified, with the programs they were written for: go-ping asks the cluster's
# resolver for pong, and then pong.
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

setup_file() {
    node_up
    peers_up
    CGO_ENABLED=0 go build -o "$PODS_DIR/go-ping" "$NSP_ROOT/tests/support/clients/fetch.go"
    host_image_up "/usr/local/bin/go-ping=$PODS_DIR/go-ping" "/usr/local/bin/pong=$NSP_BUILD/demo/pong"
    cluster_pod pong /usr/local/bin/pong 80
    cluster_pod ping /usr/bin/other serve 7999
    wait_for 5 grep -q listening "$(container_log pong/main)"
    export PONG_NAME=pong.default.svc.cluster.local
    peer_ip address add 10.96.0.10/32 dev eth0
    pods_node ip route add 10.96.0.10/32 via 10.88.0.2
    # What is beside it answers too: a name that leads to a server outside, and everything else does not exist.
    peer_http
    peer_start dnsmasq started dnsmasq --keep-in-foreground --log-facility=- --user=root --pid-file= \
        --conf-file=/dev/null --no-hosts --no-resolv --local=/#/ --bind-interfaces --listen-address=10.96.0.10 \
        --except-interface=lo --address="/$PONG_NAME/$PONG4" --address=/google.fr/10.99.1.1
}

teardown_file() {
    peers_down
    node_down
}

# cluster_pod NAME CMD...: with the label app=NAME, and a resolv.conf as a cluster writes it.
cluster_pod() {
    cat >"$PODS_MANIFESTS/pod-$1.yaml" <<END
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {app: $1}}
END
    pod_create "$1"
    pod_resolver "$1" "nameserver 10.96.0.10" "search default.svc.cluster.local svc.cluster.local cluster.local home" \
        "options ndots:5 timeout:1 attempts:1"
    container_start "$1/main" host "${@:2}"
    addresses_export "$1"
}

setup() {
    events_watch
}

# The prototype's own manifests where they are beside this checkout; elsewhere what is in them for these two.
prototype() {
    cp "$NSP_ROOT"/../shared/seed-profiles/*.yaml "$1/" 2>/dev/null && return
    cat >"$1/ping-profile.yaml" <<END
kind: SecurityProfile
apiVersion: securityprobe.datadoghq.com/v1
metadata: {name: ping-profile, labels: {app: ping}}
spec:
  attacks: [arp-spoofing]
  actions:
    - alert
    # - enforce
  processes:
    - path: "/usr/local/bin/go-ping"
      network:
        egress:
          fqdns: &names
            - $PONG_NAME.default.svc.cluster.local
            - $PONG_NAME.svc.cluster.local
            - $PONG_NAME.cluster.local
            - $PONG_NAME.home
            - $PONG_NAME
          cidr4: [10.96.0.10/32]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: udp, port: 53}, {protocol: tcp, port: 80}]}
          l7: {protocols: [dns, http], dns: *names}
  default: &default
    egress: {cidr4: [0.0.0.0/0], l3: {protocols: [ipv4, ipv6, arp]}, l4: {protocols: [icmp, icmpv6]}}
    ingress: {cidr4: [0.0.0.0/0], l3: {protocols: [ipv4, ipv6, arp]}, l4: {protocols: [icmp, icmpv6]}}
END
    cat >"$1/pong-profile.yaml" <<'END'
kind: SecurityProfile
apiVersion: securityprobe.datadoghq.com/v1
metadata: {name: pong-profile, labels: {app: pong}}
spec:
  attacks: [arp-spoofing]
  actions:
    - alert
    # - enforce
  processes:
    - path: "/usr/local/bin/pong"
      network:
        egress: &rules {cidr4: [0.0.0.0/0], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}, l7: {protocols: [http]}}
        ingress: *rules
END
}

# in_force MODE: both pods are judged so.
in_force() {
    [[ $(pods_nspctl pods -o json | jq -c '[.pods[] | "\(.name) \(.profiles[]) \(.mode)"] | sort') == \
        "[\"ping default/ping-profile $1\",\"pong default/pong-profile $1\"]" ]]
}

@test "unmodified they load, go-ping reaches pong without a violation, and everybody else is alerted on" {
    prototype "$PODS_MANIFESTS"
    wait_for 5 in_force alert
    [[ $(pods_nspctl profiles -o json | jq '[.profiles[] | select(.valid | not)] | length') == 0 ]]
    rows ping <<END
go-ping $PONG_NAME 80 /task | HTTP 200
END
    events_none '.process.binary | IN("/usr/local/bin/go-ping", "/usr/local/bin/pong")'
    rows ping <<END
go-ping google.fr 80 /task | HTTP 200
curl -sS -o /dev/null -w %{http_code} http://$PONG_NAME/task | 200
END
    events_expect '.flow.verdict == "AUDIT" and .reason == "dns_name" and .process.binary == "/usr/local/bin/go-ping"
        and .flow.l7.dns.query == "google.fr."'
    events_expect '.flow.verdict == "AUDIT" and .reason == "address" and .process.binary == "/usr/local/bin/go-ping"'
    events_expect '.flow.verdict == "AUDIT" and .reason == "unknown_binary" and .process.binary == "/usr/bin/curl"'
    events_none '.flow.verdict == "DROPPED"'
}

@test "with their own enforce no longer commented out they hold" {
    mkdir "$PODS_DIR/enforced"
    prototype "$PODS_DIR/enforced"
    sed -i 's/^\( *\)# - enforce/\1- enforce/' "$PODS_DIR/enforced"/p?ng-profile.yaml
    mv "$PODS_DIR/enforced"/p?ng-profile.yaml "$PODS_MANIFESTS"
    wait_for 5 in_force enforce
    rows ping <<END
go-ping $PONG_NAME 80 /task | HTTP 200
go-ping google.fr 80 /secret | *
go-ping 10.99.1.1 80 /secret | *not permitted
go-ping $PONG4 7999 /task | *not permitted
curl -sS -m 3 http://$PONG4/task | curl: *
END
    events_expect '.flow.verdict == "DROPPED" and .reason == "dns_name" and .flow.l7.dns.query == "google.fr."'
    run ! received /secret
    rows ping <<END
go-ping $PONG_NAME 80 /task | HTTP 200
END
}
