#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policyd and an API server on its bad days: a double that refuses, breaks off, forgets and goes away. What is in force
# stays, whatever it says; what is wrong is said once.
bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/policyd.bash"
source "$BATS_TEST_DIRNAME/kube.bash"

eval "policyd_$(declare -f setup)"

setup() {
    policyd_setup
    API=$NSP_TMP/api
    mkdir -p "$API"
    KUBE_OPTIONS=(--source kubernetes --kubeconfig "$API/kubeconfig" --node-name node1)
    # The first start of the file only loads, from an empty folder.
    if [[ ${BATS_TEST_NUMBER:-} ]]; then
        api_up
        OPTIONS+=("${KUBE_OPTIONS[@]}")
    fi
}

# apply NAME ACTION: a profile as profile() writes it.
apply() {
    api profiles "$(profile "$1" "$2" | json)"
}

profiles() {
    ask v1/profiles | jq -r '[.profiles[].name] | join(" ")'
}

profiles_are() {
    [[ $(profiles) == "$1" ]] || {
        echo "profiles are $(profiles), expected $1"
        return 1
    }
}

problem_is() {
    status '.problems[] | "\(.origin): \(.text)"' | grep -qF -- "$1"
}

no_problems() {
    status_is '.problems | length' 0
}

requests() {
    grep -c -- "$1" "$API/requests"
}

following() {
    status_is .kubernetes.profiles.following true && status_is .kubernetes.pods.following true
}

@test "profiles and the node's pods come from the API server, and so does each change" {
    apply one alert
    api pods "$(pod | json)"
    policyd_up
    wait_for 10 profiles_are one
    wait_for 5 status_is .policies.in_force 1
    apply two enforce
    apply one enforce
    wait_for 5 profiles_are "one two"
    wait_for 5 mode_is one enforce
    [[ $(ask v1/profiles | jq -r '.profiles[0].origin') == "SecurityProfile default/one" ]]
    delete one
    wait_for 10 profiles_are two
    no_problems
    [[ $(requests "secret /api/v1/pods?.*fieldSelector=spec.nodeName%3Dnode1") == 1 ]]
    [[ $(requests /customresourcedefinitions/) == 1 ]]
    "$NSP_BUILD/nspctl" --socket "$SOCKET" status >"$NSP_TMP/shown"
    grep -q "^Profiles:   1 valid, 0 refused, from https://127.0.0.1:$(cat "$API/port")" "$NSP_TMP/shown"
}

@test "a folder and an API server say the same of the same manifests" {
    local shown=$NSP_TMP/shown
    cat >"$NSP_TMP/odd.yaml" <<'END'
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: odd, labels: {app: "on", tier: "0x10"}}
spec: {actions: [alert, learn], nameScope: pod, default: {egress: {cidr4: [10.1.2.3/8], l3: {protocols: [arp]}}}}
END
    sed 's/app: "on"/app: on/; s/name: odd/name: wrong/' "$NSP_TMP/odd.yaml" >"$NSP_TMP/wrong.yaml"
    profile one enforce >"$NSP_TMP/one.yaml"
    for name in one odd wrong; do
        cp "$NSP_TMP/$name.yaml" "$MANIFESTS/"
        api profiles "$(json <"$NSP_TMP/$name.yaml")"
    done
    policyd_up
    wait_for 10 profiles_are "odd one wrong"
    ask v1/profiles | jq -S 'del(.profiles[].origin)' >"$shown.kube"
    policyd_kill TERM
    OPTIONS=("${OPTIONS[@]:0:${#OPTIONS[@]}-${#KUBE_OPTIONS[@]}}")
    policyd_up
    profiles_are "odd one wrong"
    ask v1/profiles | jq -S 'del(.profiles[].origin)' >"$shown.folder"
    grep -q 'expected' "$shown.folder"
    diff "$shown.kube" "$shown.folder"
}

@test "a server without WatchList is listed in pages of a hundred" {
    api set '{"has_watch_list": false}'
    for i in {100..305}; do
        printf '{"apiVersion":"securityprobe.datadoghq.com/v1","kind":"SecurityProfile",'
        printf '"metadata":{"name":"p%s"},"spec":{}}\n' "$i"
    done >"$NSP_TMP/many"
    python3 - "$NSP_TMP/many" "$(cat "$API/port")" "$API/server.crt" <<'END'
import http.client, ssl, sys
trust = ssl.create_default_context(cafile=sys.argv[3])
peer = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[2]), context=trust)
for line in open(sys.argv[1]):
    peer.request("POST", "/_test/profiles", line)
    peer.getresponse().read()
END
    policyd_up
    wait_for 10 status_is .profiles.valid 206
    wait_for 5 following
    [[ $(requests "securityprofiles?limit=100") == 3 ]]
    [[ $(requests "securityprofiles?watch=1&allowWatchBookmarks=true&resourceVersion=") == 1 ]]
}

@test "T93: a cut stream is taken up where it was; an outage costs a watch, no list" {
    apply one alert
    policyd_up
    wait_for 10 following
    fault /api '{"status": 503, "message": "etcd is away"}'
    api cut
    wait_for 10 problem_is "API server, SecurityProfiles: 503: etcd is away"
    wait_for 10 problem_is "API server, pods: 503: etcd is away"
    apply two alert
    profiles_are one
    api heal
    wait_for 20 profiles_are "one two"
    wait_for 20 following
    no_problems
    status_is .kubernetes.profiles.lists 1
    status_is .kubernetes.pods.lists 1
    [[ $(grep -c "watch=securityprofiles.*503: etcd is away" "$LOG") == 1 ]]
}

@test "T93: what the server has forgotten is listed again, once, and what went meanwhile goes" {
    apply one alert
    apply two alert
    policyd_up
    wait_for 10 following
    fault /api '{"status": 500}'
    api cut
    wait_for 10 problem_is "API server, pods: 500"
    delete one
    apply three alert
    api forget
    api heal
    wait_for 30 profiles_are "three two"
    wait_for 20 following
    status_is .kubernetes.profiles.lists 2
    no_problems
}

@test "T92: refusals name the remedy, leave what is in force and end with a renewed token, which no log tells" {
    apply one alert
    policyd_up
    wait_for 10 following
    fault securityprofiles '{"status": 403, "message": "nsp cannot watch", "times": 1}'
    api set '{"tokens": []}'
    api cut
    wait_for 10 problem_is "API server, SecurityProfiles: 403, the ClusterRole lacks a rule; add: apiGroups: "
    grep -qF '["securityprobe.datadoghq.com"], resources: [securityprofiles], verbs: [list, watch]: nsp cannot' "$LOG"
    wait_for 10 problem_is "API server, SecurityProfiles: 401, the server does not know our token"
    profiles_are one
    # A token is read again for each try.
    api set '{"tokens": ["renewed"]}'
    echo renewed >"$API/token"
    wait_for 30 following
    no_problems
    profiles_are one
    ! grep -qE 'secret|renewed' "$LOG" || false
}

@test "T92: a server that is not who its certificate says is not listened to" {
    certificate other
    kubeconfig "$(cat "$API/port")" other "tokenFile: token"
    apply one alert
    policyd_up
    wait_for 10 problem_is "API server, SecurityProfiles: SSL certificate problem"
    profiles_are ""
    [[ ! -e $API/requests ]]
    cp "$API/server.crt" "$API/other.crt"
    wait_for 20 profiles_are one
    wait_for 5 no_problems
}

@test "a client certificate stands for a token" {
    certificate client
    policyd_certificate() {
        local key
        key=$(base64 -w0 "$API/$1.key")
        kubeconfig "$(cat "$API/port")" server "client-certificate: $1.crt, client-key-data: $key"
    }
    # Who shows none, or another, is turned away by TLS itself.
    cat "$API/server.crt" "$API/client.crt" >"$API/clients.crt"
    kill "$SPAWNED"
    rm "$API/port"
    api_up
    certificate stranger
    policyd_certificate stranger
    apply one alert
    policyd_up
    wait_for 10 problem_is "API server, SecurityProfiles: "
    profiles_are ""
    policyd_kill TERM
    policyd_certificate client
    policyd_up
    wait_for 10 profiles_are one
    wait_for 5 following
}

@test "T93: streams that break, lie or never end lose nothing" {
    apply one alert
    policyd_up
    wait_for 10 following
    emit '{"type":"DELETED","object":{"metadata":{"name":"one","resourceVersion":"99'
    api cut
    wait_for 10 problem_is "SecurityProfiles"
    wait_for 10 following
    # A line of 10 MB.
    emit "$(head -c 1048576 /dev/zero | tr '\0' x)" 10
    wait_for 20 problem_is "one object takes more than 3145728 bytes"
    api set '{"events": []}'
    apply three enforce
    wait_for 30 profiles_are "one three"
    no_problems
}

@test "an object that nobody meant is refused, and the others are heard" {
    apply one alert
    policyd_up
    wait_for 10 following
    api profiles "$(profile one enforce | sed 's/datadoghq.com.v1/datadoghq.com\/v7/' | json)"
    wait_for 5 problem_is 'SecurityProfile default/one: apiVersion: "securityprobe.datadoghq.com/v7" is not supported'
    emit $'{"type":"ADDED","object":{"metadata":{"name":{},"resourceVersion":"2000"}}}\n'
    api profiles "$(profile two alert | json | jq -c '.metadata.annotations = {"note": "a\u0000b"}')"
    wait_for 5 profiles_are "one two"
    mode_is one alert
    apply one ignore
    wait_for 5 mode_is one ignore
    no_problems
}

@test "T93: profiles that vanish with their definition are held until they are there again" {
    apply one alert
    apply two alert
    policyd_up
    wait_for 10 following
    # As the API server does it: marked, emptied, gone, and its watches end.
    api set '{"definition": {"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z", "deletionTimestamp": "x"}}}'
    delete one two
    api set '{"definition": null}'
    api cut
    wait_for 10 problem_is "2 vanished with their CustomResourceDefinition, which was deleted or replaced"
    wait_for 10 problem_is "404, the server knows no securityprofiles; apply the CustomResourceDefinition"
    profiles_are "one two"
    # Back, with nothing in it at first.
    api set '{"definition": {"metadata": {"creationTimestamp": "2026-06-01T00:00:00Z"}}}'
    wait_for 30 following
    profiles_are "one two"
    apply one enforce
    wait_for 5 mode_is one enforce
    problem_is "1 vanished with their CustomResourceDefinition"
    apply two alert
    wait_for 5 no_problems
    # From here on a deletion is one.
    api set '{"definition": {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}}}'
    delete one two
    wait_for 10 profiles_are ""
}

@test "deletions wait for an answer about their definition" {
    apply one alert
    policyd_up
    wait_for 10 following
    fault customresourcedefinitions '{"status": 403, "message": "no"}'
    delete one
    wait_for 10 problem_is "API server, CustomResourceDefinition: 403, the ClusterRole lacks a rule; add: apiGroups: "
    grep -qF '"apiextensions.k8s.io"], resources: [customresourcedefinitions], resourceNames: [sec' "$LOG"
    profiles_are one
    api heal
    wait_for 20 profiles_are ""
    no_problems
}

@test "policyd starts without an API server, and says for what it waits" {
    kubeconfig 1 server "tokenFile: token"
    policyd_up
    wait_for 10 problem_is "API server, SecurityProfiles: Failed to connect to 127.0.0.1 port 1"
    policyd_kill TERM
    # In no pod, and with no file.
    run ! policyd --source kubernetes --kubeconfig /nonexistent
    [[ $output == *"kubeconfig /nonexistent: No such file or directory"* ]]
}
