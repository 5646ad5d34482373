# SPDX-License-Identifier: Apache-2.0
# Nodes: a network and a mount namespace each, with containerd, kubelet, kube-proxy and flanneld, on the control plane's
# bridge. A node's own folders lie below $CLUSTER/NODE and are mounted where its programs expect them, so that two nodes
# and this machine do not meet in /run, /var/lib/kubelet or /etc/cni.
# shellcheck shell=bash disable=SC2153

CLUSTER_DNS=10.96.0.10

# node_ip NODE: n1 is 10.99.0.11.
node_ip() {
    echo "${CONTROL_IP%.*}.$((10 + ${1#n}))"
}

# in_node NODE CMD...: in its namespaces.
in_node() {
    nsenter -t "$(cat "$CLUSTER/pids/$1.init")" -n -m -- "${@:2}"
}

# node_daemon NODE NAME CMD...
node_daemon() {
    daemon "$1.$2" nsenter -t "$(cat "$CLUSTER/pids/$1.init")" -n -m -- "${@:3}"
}

node_network() {
    local node=$1
    ns_make "$node"
    ip -n "$(ns_name "$node")" link add eth0 type veth peer name "$node" netns "$(ns_name control)"
    ip -n "$(ns_name control)" link set "$node" master br0 up
    ip -n "$(ns_name "$node")" addr add "$(node_ip "$node")/24" dev eth0
    ip -n "$(ns_name "$node")" link set eth0 up
    ip -n "$(ns_name "$node")" route add default via "$CONTROL_IP"
    in_ns "$node" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# The kubelet's cgroups, in every hierarchy there is: on a hybrid host v1 beside v2. cpuset begins empty in v1.
node_cgroups() {
    local folder file
    while read -r folder; do
        mkdir "$folder/$CLUSTER_ID$1"
        [[ -e $folder/$CLUSTER_ID$1/cpuset.cpus && -e $folder/tasks ]] || continue
        for file in cpuset.cpus cpuset.mems; do
            cat "$folder/$file" >"$folder/$CLUSTER_ID$1/$file"
        done
    done < <(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts | sort -u)
}

# What runs first in a node's namespaces. /sys is mounted anew for its network's devices, with the cgroup tree put back.
# shellcheck disable=SC2016
node_init='
set -e
mine=$1
mount --make-rprivate /
mkdir -p "$mine/cgroup"
mount --rbind /sys/fs/cgroup "$mine/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$mine/cgroup" /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount --make-rshared /
place() {
    mkdir -p "$mine/$2" "$1"
    mount --bind "$mine/$2" "$1"
    mount --make-shared "$1"
}
place /run run
place /var/lib/kubelet kubelet
place /var/lib/cni cni
place /var/log/pods pods
place /var/log/containers containers
place /opt/cni opt
place /etc/cni etc
mkdir -p /opt/cni/bin /etc/cni/net.d /run/netns /run/flannel
if [ -d "$mine/flannel" ]; then place /etc/kube-flannel flannel; fi
touch "$mine/ready"
exec sleep infinity'

node_namespaces() {
    local mine=$CLUSTER/$1
    mkdir -p "$mine"/flannel
    echo "{\"Network\":\"$POD_CIDR\",\"Backend\":{\"Type\":\"vxlan\"}}" >"$mine/flannel/net-conf.json"
    daemon "$1.init" nsenter --net="$(ns_path "$1")" unshare -m bash -c "$node_init" - "$mine"
    wait_for 10 test -e "$mine/ready"
}

node_containerd() {
    local mine=$CLUSTER/$1 socket=/run/containerd/containerd.sock image
    cat >"$mine/containerd.toml" <<END
version = 3
root = "$mine/containerd"
state = "/run/containerd"
[grpc]
  address = "$socket"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "test.local/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = "$(command -v runc)"
END
    node_daemon "$1" containerd env "PATH=$CLUSTER/bin:$PATH" containerd -c "$mine/containerd.toml"
    wait_for 30 node_ctr "$1" version
    for image in "$CLUSTER"/images/*.tar; do
        node_ctr "$1" -n k8s.io images import --local "$image" >/dev/null
    done
}

# node_ctr NODE ARGUMENT...
node_ctr() {
    in_node "$1" "$CLUSTER/bin/ctr" -a /run/containerd/containerd.sock "${@:2}"
}

# A cgroup root per node; limits and evictions are not what is tested here.
node_kubelet() {
    local mine=$CLUSTER/$1
    echo "nameserver $CLUSTER_DNS" >"$mine/resolv.conf"
    mkdir -p "$mine/static"
    cat >"$mine/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
staticPodPath: $mine/static
cgroupDriver: cgroupfs
cgroupRoot: /$CLUSTER_ID$1
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
evictionHard: {imagefs.available: "1%", nodefs.available: "1%"}
clusterDNS: [$CLUSTER_DNS]
clusterDomain: cluster.local
resolvConf: $mine/resolv.conf
maxPods: 250
END
    node_daemon "$1" kubelet "$CLUSTER/bin/kubelet" --config="$mine/kubelet.yaml" \
        --kubeconfig="$CLUSTER/$1.kubeconfig" --hostname-override="$1" --node-ip="$(node_ip "$1")" \
        --cert-dir="$mine/pki" --root-dir=/var/lib/kubelet
}

# Conntrack's limits are the machine's, not the namespace's: left alone.
node_proxy() {
    node_daemon "$1" proxy "$CLUSTER/bin/kube-proxy" --kubeconfig="$CLUSTER/admin.kubeconfig" \
        --hostname-override="$1" --proxy-mode=nftables --cluster-cidr="$POD_CIDR" --conntrack-max-per-core=0 \
        --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}

node_flanneld() {
    node_daemon "$1" flanneld env "NODE_NAME=$1" "$CLUSTER/bin/flanneld" --kube-subnet-mgr \
        --kubeconfig-file="$CLUSTER/admin.kubeconfig" --iface=eth0 --ip-masq
}

# images_make: pause, CoreDNS, and one of programs that idle, serve and probe, under names that profiles list or do not.
images_make() {
    local probe=$NSP_BUILD/support/e2e-probe make="$NSP_ROOT/tests/cluster/image.py" applet files
    mkdir -p "$CLUSTER/images"
    files=("/bin/busybox=$(command -v busybox)" tmp=/ etc=/)
    for applet in sh sleep cat ls nslookup; do
        files+=("/bin/$applet=-> busybox")
    done
    files+=("/usr/bin/probe=$probe" "/usr/bin/other=$probe" "/usr/bin/serve=$probe")
    "$make" test.local/box:1 "$CLUSTER/images/box.tar" /bin/sh "${files[@]}"
    "$make" test.local/pause:1 "$CLUSTER/images/pause.tar" /pause "/pause=$NSP_BUILD/support/pause"
    mapfile -t files < <(libraries_of "$CLUSTER/bin/coredns")
    "$make" test.local/coredns:1 "$CLUSTER/images/coredns.tar" /coredns "/coredns=$CLUSTER/bin/coredns" "${files[@]}"
}

# libraries_of PROGRAM: as image.py takes them, each where the loader looks for it.
libraries_of() {
    ldd "$1" 2>/dev/null | grep -oE '/[^ )]+' | sed 's/.*/&=&/'
}

# nodes_up NODE...: until they are Ready, and CoreDNS too.
nodes_up() {
    local node
    images_make
    for node in "$@"; do
        node_network "$node"
        node_cgroups "$node"
        node_namespaces "$node"
        nsp_place "$node"
        policyd_start "$node"
        node_containerd "$node"
        node_kubelet "$node"
        node_proxy "$node"
    done
    for node in "$@"; do
        wait_for 60 k get node "$node"
        node_flanneld "$node"
        wait_for 60 in_node "$node" test -e /run/flannel/subnet.env
    done
    wait_for 60 k get serviceaccount -n kube-system default
    k apply -f "$NSP_ROOT/tests/cluster/coredns.yaml" >/dev/null
    k wait --for=condition=Ready node --all --timeout=120s >/dev/null
    k rollout status -n kube-system deployment/coredns --timeout=120s >/dev/null
}
