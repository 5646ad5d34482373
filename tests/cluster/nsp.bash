# SPDX-License-Identifier: Apache-2.0
# The product on the nodes of a cluster, placed by hand: plugin, conflist and resource as they are shipped, policyd as
# its DaemonSet would run it, in the node's namespaces, with the rights of its ServiceAccount.
# shellcheck shell=bash

# nsp_place NODE: before containerd starts there.
nsp_place() {
    local mine=$CLUSTER/$1
    mkdir -p "$mine/opt/bin" "$mine/etc/net.d"
    cp -L "$CLUSTER"/bin/cni/* "$NSP_BUILD/nsp" "$mine/opt/bin/"
    cp "$NSP_ROOT/conf/10-flannel-nsp.conflist" "$mine/etc/net.d/"
}

# nsp_install: the resource, and the account that policyd comes as.
nsp_install() {
    k apply -f "$NSP_ROOT/install/crd.yaml" -f "$NSP_ROOT/install/crd-node-status.yaml" \
        -f "$NSP_ROOT/tests/cluster/nsp.yaml" >/dev/null
    k wait --for=condition=Established crd/securityprofiles.securityprobe.datadoghq.com >/dev/null
    nsp_token
    kubeconfig "{tokenFile: $CLUSTER/policyd.token}" >"$CLUSTER/policyd.kubeconfig"
}

# nsp_token: a new one, put in the place of the old.
nsp_token() {
    k create token -n nsp-system policyd --duration=2h >"$CLUSTER/policyd.token.new"
    mv "$CLUSTER/policyd.token.new" "$CLUSTER/policyd.token"
}

# policyd_start NODE [OPTION]...: until it answers.
policyd_start() {
    node_daemon "$1" policyd "$NSP_BUILD/policyd" --config /dev/null --source kubernetes \
        --kubeconfig "$CLUSTER/policyd.kubeconfig" --node-name "$1" "${@:2}"
    wait_for 60 is_policyd_up "$1"
}

is_policyd_up() {
    in_node "$1" "$NSP_BUILD/nspctl" status >/dev/null
}

# nspctl NODE ARGUMENT...: on that node.
nspctl() {
    in_node "$1" "$NSP_BUILD/nspctl" "${@:2}"
}
