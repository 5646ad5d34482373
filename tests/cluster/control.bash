# SPDX-License-Identifier: Apache-2.0
# A control plane in a network namespace of its own, where every node's link ends in a bridge: etcd, kube-apiserver,
# kube-controller-manager, kube-scheduler. Stands on support/env.bash; everything of it lies below $CLUSTER.
# shellcheck shell=bash

CONTROL_IP=10.99.0.1
CONTROL_URL=https://$CONTROL_IP:6443
POD_CIDR=10.244.0.0/16
SERVICE_CIDR=10.96.0.0/16

# daemon NAME CMD...: in the background, in a session of its own; pid in pids/NAME, output in log/NAME.
daemon() {
    local name=$1
    shift
    setsid "$@" >>"$CLUSTER/log/$name" 2>&1 </dev/null 3>&- &
    echo $! >"$CLUSTER/pids/$name"
}

in_control() {
    in_ns control "$@"
}

control_network() {
    ns_make control
    ip -n "$(ns_name control)" link add br0 type bridge
    ip -n "$(ns_name control)" addr add "$CONTROL_IP/24" dev br0
    ip -n "$(ns_name control)" link set br0 up
}

# An authority of our own, so that clients have something to verify; keys of elliptic curves, since they are quick.
control_keys() {
    local pki=$CLUSTER/pki
    openssl ecparam -name prime256v1 -genkey -noout -out "$pki/ca.key"
    openssl req -x509 -new -key "$pki/ca.key" -subj /CN=nsp-test-ca -days 30 -out "$pki/ca.crt"
    openssl ecparam -name prime256v1 -genkey -noout -out "$pki/accounts.key"
    control_certificate
}

# control_certificate: a new one for the API server, which takes it up by itself.
control_certificate() {
    local pki=$CLUSTER/pki names=IP:$CONTROL_IP,IP:127.0.0.1,IP:${SERVICE_CIDR%.0/*}.1,DNS:kubernetes.default.svc
    openssl ecparam -name prime256v1 -genkey -noout -out "$pki/server.key.new"
    openssl req -new -key "$pki/server.key.new" -subj /CN=kube-apiserver |
        openssl x509 -req -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 30 -out "$pki/server.crt.new" \
            -extfile <(echo "subjectAltName=$names")
    mv "$pki/server.key.new" "$pki/server.key"
    mv "$pki/server.crt.new" "$pki/server.crt"
}

# kubeconfig USER-YAML: for a user written as in {token: x}.
kubeconfig() {
    cat <<END
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "$CONTROL_URL", certificate-authority: $CLUSTER/pki/ca.crt}}]
users: [{name: user, user: $1}]
contexts: [{name: test, context: {cluster: test, user: user}}]
current-context: test
END
}

# control_tokens NODE...: who may come. Bearer tokens, a line each, and a kubeconfig for each.
control_tokens() {
    local node
    echo "admin-token,admin,1,system:masters" >"$CLUSTER/pki/tokens"
    kubeconfig "{token: admin-token}" >"$CLUSTER/admin.kubeconfig"
    for node in "$@"; do
        echo "$node-token,system:node:$node,$node,system:nodes" >>"$CLUSTER/pki/tokens"
        kubeconfig "{token: $node-token}" >"$CLUSTER/$node.kubeconfig"
    done
}

etcd_start() {
    daemon etcd nsenter --net="$(ns_path control)" "$CLUSTER/bin/etcd" --data-dir "$CLUSTER/etcd" --unsafe-no-fsync \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --log-level warn
}

api_start() {
    local pki=$CLUSTER/pki
    daemon api nsenter --net="$(ns_path control)" "$CLUSTER/bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
        --bind-address="$CONTROL_IP" --advertise-address="$CONTROL_IP" --secure-port=6443 \
        --tls-cert-file="$pki/server.crt" --tls-private-key-file="$pki/server.key" \
        --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/accounts.key" \
        --service-account-signing-key-file="$pki/accounts.key" --service-cluster-ip-range="$SERVICE_CIDR" \
        --token-auth-file="$pki/tokens" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --allow-privileged --kubelet-preferred-address-types=InternalIP
    wait_for 120 is_api_ready
}

is_api_ready() {
    [[ $(k get --raw /readyz) == ok ]]
}

# daemon_stop NAME: ends it and waits until it has ended.
daemon_stop() {
    local pid
    pid=$(cat "$CLUSTER/pids/$1")
    kill "$pid"
    wait_for 30 eval "! is_alive $pid"
}

control_up() {
    control_network
    control_keys 2>/dev/null
    control_tokens "$@"
    etcd_start
    api_start
}

controllers_start() {
    daemon controllers nsenter --net="$(ns_path control)" "$CLUSTER/bin/kube-controller-manager" \
        --kubeconfig="$CLUSTER/admin.kubeconfig" --service-account-private-key-file="$CLUSTER/pki/accounts.key" \
        --root-ca-file="$CLUSTER/pki/ca.crt" --leader-elect=false --controllers='*,-route,-cloud-node-lifecycle' \
        --allocate-node-cidrs --cluster-cidr="$POD_CIDR"
    daemon scheduler nsenter --net="$(ns_path control)" "$CLUSTER/bin/kube-scheduler" \
        --kubeconfig="$CLUSTER/admin.kubeconfig" --leader-elect=false
}

# k ARGUMENT...: kubectl, as the administrator.
k() {
    nsenter --net="/run/netns/${CLUSTER_ID}control" "$CLUSTER/bin/kubectl" --kubeconfig="$CLUSTER/admin.kubeconfig" \
        --cache-dir="$CLUSTER/kubectl" "$@"
}
