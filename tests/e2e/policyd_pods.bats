#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policyd and real pods: who is READY and who waits, what is held over a restart, what is swept and promoted, and how
# events and tables look to whoever asks.
source "$BATS_TEST_DIRNAME/lib.bash"

setup_file() {
    node_up
    pod_up web /bin/busybox sleep 1000000
    addresses_export web
}

teardown_file() {
    node_down
}

rules() {
    cat <<'END'
  processes:
    - path: /usr/bin/probe
      network: {egress: {cidr4: [10.0.0.0/8], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}}
END
}

field_is() {
    local got
    got=$(pod_json "$1" | jq -r "$2")
    [[ $got == "$3" ]] || {
        echo "$2 is $got, expected $3"
        return 1
    }
}

problems() {
    pods_nspctl status -o json | jq -r '.problems[] | "\(.origin): \(.text)"'
}

restart() {
    kill "-$1" "$(cat "$PODS_DIR/policyd.pid")"
    wait_for 5 pods_gone "$(cat "$PODS_DIR/policyd.pid")"
    "${@:2}"
    pods_policyd
}

spoil() {
    echo "spec: [" >"$PODS_MANIFESTS/profile-$1.yaml"
}

@test "a pod that no profile selects is READY and open" {
    field_is web .state READY
    field_is web .mode none
    field_is web '.profiles | length' 0
    [[ $(probe web other tcp "$NODE4" 81) == "connect ECONNREFUSED" ]]
}

@test "a pod without a Pod manifest waits, and says for what" {
    pod_create stray || true
    wait_for 5 field_is stray .state PENDING
    field_is stray .why "no Pod manifest names it; add one with its labels to the manifests"
    pods_nspctl pods | grep -q "^default */*stray: no Pod manifest names it"
    pod_manifest stray >"$PODS_MANIFESTS/pod-stray.yaml"
    wait_for 5 field_is stray .state READY
    field_is stray .why null
    # The manifest goes, the pod stays: nobody knows its labels now.
    rm "$PODS_MANIFESTS/pod-stray.yaml"
    wait_for 5 field_is stray .why "its Pod manifest is gone; what was in force stays"
    field_is stray .state READY
    pod_delete stray
    wait_for 5 field_is stray .state ""
}

# The prototype's own manifests where they are beside this checkout; elsewhere one that is written as they are.
seeds() {
    cp "$NSP_ROOT"/../shared/seed-profiles/*.yaml "$PODS_MANIFESTS/" 2>/dev/null && return
    cat >"$PODS_MANIFESTS/ping-profile.yaml" <<'END'
kind: SecurityProfile
apiVersion: securityprobe.datadoghq.com/v1
metadata: {name: ping-profile, labels: {app: ping}}
spec:
  attacks: [arp-spoofing]
  actions: [alert]
  processes:
    - path: "/usr/local/bin/go-ping"
      network:
        egress:
          fqdns: [pong.default.svc.cluster.local]
          cidr4: [10.96.0.10/32]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: udp, port: 53}, {protocol: tcp, port: 80}]}
          l7: {protocols: [dns, http], dns: [pong.default.svc.cluster.local]}
END
}

has_valid_profile() {
    pods_nspctl profiles -o json | jq -e '.profiles | any(.valid)'
}

@test "the manifests of the 2020 prototype load, and the pods they select are alerted on" {
    seeds
    wait_for 5 has_valid_profile
    [[ $(pods_nspctl profiles -o json | jq '[.profiles[] | select(.valid | not)] | length') == 0 ]]
    # Selected by the labels of the profile itself, as the prototype had it.
    sed "s/labels: {pod: web}/labels: {pod: web, app: ping}/" "$PODS_MANIFESTS/pod-web.yaml" >"$PODS_DIR/pod.new"
    mv "$PODS_DIR/pod.new" "$PODS_MANIFESTS/pod-web.yaml"
    wait_for 5 field_is web .mode alert
    field_is web '.profiles[0]' default/ping-profile
    [[ $(probe web other tcp "$NODE4" 81) == "connect ECONNREFUSED" ]]
    (($(tally web AUDIT seen) > 0))
    rm "$PODS_MANIFESTS"/*-profile.yaml
    pod_manifest web >"$PODS_DIR/pod.new"
    mv "$PODS_DIR/pod.new" "$PODS_MANIFESTS/pod-web.yaml"
    wait_for 5 field_is web .mode none
}

@test "a pod that only an invalid profile selects is open, and loudly so" {
    profile web enforce < <(rules)
    sed 's/tcp/tpc/; s/name: web-profile/name: broken/' "$PODS_MANIFESTS/profile-web.yaml" >"$PODS_DIR/new"
    mv "$PODS_DIR/new" "$PODS_MANIFESTS/profile-web.yaml"
    wait_for 5 field_is web .why "open: only invalid profiles select it (default/broken)"
    field_is web .state READY
    problems | grep -q "^pod default/web: open: only invalid profiles select it"
    rm "$PODS_MANIFESTS/profile-web.yaml"
    wait_for 5 field_is web .why null
}

@test "a manifest that became unreadable while policyd was down holds what was in force" {
    profile web enforce < <(rules)
    [[ $(probe web other tcp "$NODE4" 81) == "connect EPERM" ]]
    revision=$(revision_of web)
    restart KILL spoil web
    wait_for 5 field_is web .revision "$revision"
    field_is web .why "held: a manifest cannot be read since the restart; what was in force stays"
    [[ $(probe web other tcp "$NODE4" 81) == "connect EPERM" ]]
    rm "$PODS_MANIFESTS/profile-web.yaml"
    wait_for 5 field_is web .mode none
    [[ $(probe web other tcp "$NODE4" 81) == "connect ECONNREFUSED" ]]
}

@test "an event names pod, labels, binary, profile and rule; filters find it" {
    profile web enforce < <(rules)
    events_watch
    [[ $(probe web other tcp "$NODE4" 81) == "connect EPERM" ]]
    [[ $(probe web probe tcp 192.0.2.1 81) == "connect EPERM" ]]
    events_expect '.reason == "unknown_binary" and .process.binary == "/usr/bin/other"
        and .process.pod == {namespace: "default", name: "web"} and .effect == "EPERM" and .action == "enforce"
        and .flow.verdict == "DROPPED" and .flow.source.labels == ["k8s:pod=web"]
        and .flow.l4.TCP.destination_port == 81'
    events_expect '.reason == "address" and .flow.IP.destination == "192.0.2.1"
        and .flow.egress_denied_by[0].name == "web-profile"
        and .flow.egress_denied_by[0].labels == ["rule=processes[0].egress"]'
    pods_nspctl observe --binary /usr/bin/probe --last 1 |
        grep -E '^[A-Z][a-z]{2} [ 0-9]{2} [0-9:.]{12}: default/web \[/usr/bin/probe [0-9]+\] -> 192\.0\.2\.1:81' |
        grep -q 'policy-verdict:none EGRESS DENIED BY web-profile (SecurityProfile) address (TCP)$'
    [[ $(pods_nspctl observe --pod default/web --since 5m --last 2 -o json | wc -l) == 2 ]]
    [[ $(pods_nspctl observe --pod other | wc -l) == 0 ]]
    [[ $(pods_nspctl observe --verdict AUDIT -n default | wc -l) == 0 ]]
    local heads='TIME*VERDICT*DIRECTION*SOURCE*DESTINATION*BINARY*PROFILE*REASON*ASKED'
    # shellcheck disable=SC2053
    [[ $(pods_nspctl observe -o table | sed -n 1p) == $heads ]]
}

@test "counters add up, and alerts are told from denials" {
    profile web alert < <(rules)
    denied=$(pod_json web | jq .denied) audited=$(pod_json web | jq .audited)
    [[ $(probe web other tcp "$NODE4" 81) == "connect ECONNREFUSED" ]]
    field_is web .audited $((audited + 1))
    profile_action web enforce
    [[ $(probe web other tcp "$NODE4" 81) == "connect EPERM" ]]
    field_is web .denied $((denied + 1))
    pod_json web | jq -e '.violations | length > 0 and all(.seen == .reported + .suppressed + .lost)'
    pods_nspctl pods | grep -qE '^default +web +READY +web-profile +enforce +[0-9]+ +[0-9]+ +[0-9]+$'
    pods_nspctl profiles | grep -qE '^default +web-profile +enforce +True +1/1 +1 +[0-9]+ +[0-9]+$'
}

@test "attachments move to tcx by themselves, and a new pod is attached at once" {
    has_tcx || skip "the kernel has no tcx"
    pod_manifest quick >"$PODS_MANIFESTS/pod-quick.yaml"
    pod_create quick
    field_is quick .state READY
    wait_for 10 field_is quick '.attachments[0].attach' tcx
    wait_for 10 field_is web '.attachments[0].attach' tcx
    pod_delete quick
    wait_for 5 field_is quick .state ""
}

has_tcx() {
    [[ $(pods_nspctl status -o json | jq .attach.kernel_has_tcx) == true ]]
}

@test "idle, it stays small and nothing wakes it" {
    profile_none web
    pid=$(cat "$PODS_DIR/policyd.pid")
    anon=$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$pid/status")
    rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status")
    echo "RssAnon $anon kB, RSS $rss kB"
    ((anon <= 4096 && rss <= 12288))
    wait_for 5 sleeps_without_timeout "$pid"
}

# Its loop waits in epoll_wait(…, -1): arguments of the system call it is in.
sleeps_without_timeout() {
    local call
    call=$(cat "/proc/$1/syscall")
    # epoll_wait or epoll_pwait: number, epoll, events, maximum, timeout
    [[ $call =~ ^(232|281|22)\ 0x[0-9a-f]+\ 0x[0-9a-f]+\ 0x[0-9a-f]+\ 0xf*ffffffff\  ]] || {
        echo "$call"
        return 1
    }
}
