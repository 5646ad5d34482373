#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds what a cluster runs from Go modules, and links it into a folder. Each group is built once for its versions and
# kept in the user's cache; what is there costs nothing.
#
#   build.sh FOLDER [GROUP]...     groups: control node containerd cni flannel coredns kwok; all but kwok by default
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")"

kubernetes=1.35.4
containerd=v2.4.2
plugins=v1.9.1
plugins_with_flannel=v0.9.1 # the last that had it
coredns=v1.15.0
kwok=v0.8.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nsp/cluster

# go_build FOLDER MODULE PACKAGE...: programs of a module that lies here, with its go.mod.
go_build() {
    local folder=$1 module=$2 package
    shift 2
    for package in "$@"; do
        go -C "$module" build -trimpath -buildvcs=false -ldflags "$stamp" -o "$folder/" "$package"
    done
}

# go_install FOLDER VERSION PACKAGE...: programs that say themselves what they need.
go_install() {
    local folder=$1 version=$2
    shift 2
    GOBIN=$folder go install -trimpath -ldflags "$stamp" "${@/%/@$version}"
}

stamp="-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes \
-X k8s.io/component-base/version.gitMajor=${kubernetes%%.*} -X k8s.io/component-base/version.gitMinor=35"

build_control() {
    go_build "$1" kubernetes k8s.io/kubernetes/cmd/{kube-apiserver,kubectl} go.etcd.io/etcd/server/v3
    mv "$1/server" "$1/etcd"
}

build_node() {
    go_build "$1" kubernetes k8s.io/kubernetes/cmd/{kube-controller-manager,kube-scheduler,kubelet,kube-proxy}
}

build_containerd() {
    go_install "$1" $containerd github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}
}

build_cni() {
    mkdir "$1/cni"
    local all=github.com/containernetworking/plugins/plugins
    go_install "$1/cni" $plugins $all/{main/{bridge,ptp,loopback},ipam/host-local,meta/{portmap,bandwidth}}
    go_install "$1/cni" $plugins_with_flannel $all/meta/flannel
}

build_flannel() {
    go_build "$1" flannel github.com/flannel-io/flannel
    mv "$1/flannel" "$1/flanneld"
}

build_coredns() {
    go_install "$1" $coredns github.com/coredns/coredns
}

build_kwok() {
    go_install "$1" $kwok sigs.k8s.io/kwok/cmd/kwok
}

# key_of GROUP: what it is built from. The versions stand in this file.
key_of() {
    local module=kubernetes
    [[ $1 != flannel ]] || module=flannel
    { go version && cat build.sh "$module"/go.{mod,sum}; } | sha256sum | cut -c 1-12
}

# provide GROUP: its folder in the cache is the answer. Runs at the same time build it once.
provide() {
    local group=$1 built
    built=$cache/$group-$(key_of "$group")
    mkdir -p "$cache"
    exec {lock}>"$cache/$group.lock"
    flock "$lock"
    if [[ ! -d $built ]]; then
        echo "build.sh: building $group into $built" >&2
        renice -n 5 -p $BASHPID >/dev/null
        rm -rf "$cache/$group.new"
        mkdir "$cache/$group.new"
        "build_$group" "$cache/$group.new" >&2
        find "$cache" -maxdepth 1 -name "$group-*" -mtime +7 -exec rm -rf {} +
        mv "$cache/$group.new" "$built"
    fi
    exec {lock}>&-
    echo "$built"
}

folder=${1:?a folder for the links}
shift
mkdir -p "$folder"
groups=("$@")
((${#groups[@]})) || groups=(control node containerd cni flannel coredns)
for group in "${groups[@]}"; do
    built=$(provide "$group")
    ln -sfn "$built"/* "$folder/"
done
