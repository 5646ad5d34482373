# SPDX-License-Identifier: Apache-2.0
# An API server's double (tests/support/peers/kube_api.py) in the folder $API, and access to it. KUBE_NET runs a command
# where it listens.
# shellcheck shell=bash
KUBE_NET=()

# certificate NAME: a certificate authority NAME and what it says of 127.0.0.1.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
        -keyout "$API/$1.key" -out "$API/$1.crt" \
        -addext "subjectAltName=IP:127.0.0.1" -addext "basicConstraints=critical,CA:true" 2>/dev/null
}

# api_up: the double; its pid in $SPAWNED, its port in $API/port.
api_up() {
    [[ -e $API/server.crt ]] || certificate server
    echo secret >"$API/token"
    spawn "${KUBE_NET[@]}" python3 "$NSP_ROOT/tests/support/peers/kube_api.py" "$API" 0 2>"$API/log"
    wait_for 10 test -e "$API/port"
    kubeconfig "$(cat "$API/port")" server "tokenFile: token"
}

# kubeconfig PORT AUTHORITY USER: to $API/kubeconfig.
kubeconfig() {
    cat >"$API/kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:$1", certificate-authority: $2.crt}}]
users: [{name: u, user: {$3}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
END
}

# api VERB [JSON]: has the double do it; see there.
api() {
    "${KUBE_NET[@]}" curl -sSf --cacert "$API/server.crt" --cert "$API/server.crt" --key "$API/server.key" \
        "https://127.0.0.1:$(cat "$API/port")/_test/$1" -d @- <<<"${2:-{\}}"
}

json() {
    python3 -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))'
}

# delete NAME...: profiles.
delete() {
    api delete "$(jq -cn '{kind: "profiles", names: $ARGS.positional}' --args "$@")"
}

# emit TEXT [TIMES]: into the streams of profiles, as it is.
emit() {
    api emit "$(printf %s "$1" | jq -Rsc --argjson times "${2:-1}" '{kind: "profiles", raw: ., repeat: $times}')"
}

# fault MATCH [JSON]: what paths with MATCH in them get.
fault() {
    api fault "$(jq -cn --arg match "$1" --argjson more "${2:-{\}}" '{match: $match} + $more')"
}
