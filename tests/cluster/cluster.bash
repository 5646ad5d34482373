# SPDX-License-Identifier: Apache-2.0
# What the tests on a cluster stand on: the cluster of the run ($CLUSTER, see setup_suite.bash), a namespace for each
# file, pods and profiles in it.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/../support/env.bash"
source "$BATS_TEST_DIRNAME/control.bash"
source "$BATS_TEST_DIRNAME/node.bash"
source "$BATS_TEST_DIRNAME/nsp.bash"

# api PATH CURL-OPTION...: what the API server answers the administrator.
api() {
    nsenter --net="/run/netns/${CLUSTER_ID}control" curl -sS --cacert "$CLUSTER/pki/ca.crt" \
        -H 'Authorization: Bearer admin-token' "${@:2}" "$CONTROL_URL/$1"
}

# --- a namespace for each file ----------------------------------------------------------------------------------------
space_up() {
    export SPACE=${BATS_TEST_FILENAME##*/}
    SPACE=${SPACE%.bats}
    k create namespace "$SPACE" >/dev/null
    wait_for 30 k get -n "$SPACE" serviceaccount default
}

space_down() {
    [[ -n ${SPACE:-} ]] || return 0
    k delete namespace "$SPACE" --wait=false >/dev/null
    cleanup
}

# kn ARGUMENT...: kubectl in the file's namespace.
kn() {
    k -n "$SPACE" "$@"
}

# --- pods -------------------------------------------------------------------------------------------------------------
# pod_manifest NAME NODE [CMD...]: labelled app=NAME; the container main idles, or runs CMD. Further lines of its spec
# come from $POD_SPEC.
pod_manifest() {
    local command
    command=$(jq -nc '$ARGS.positional' --args "${@:3}")
    (($# > 2)) || command='["/bin/sleep", "86400"]'
    cat <<END
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {app: $1}}
spec:
  nodeName: $2
  terminationGracePeriodSeconds: 0
  containers:
    - {name: main, image: "test.local/box:1", imagePullPolicy: Never, command: $command}
${POD_SPEC:-}
END
}

# pod_up NAME NODE [CMD...]: until it is Ready.
pod_up() {
    pod_manifest "$@" | kn apply -f - >/dev/null
    kn wait --for=condition=Ready "pod/$1" --timeout=60s >/dev/null
}

pod_ip() {
    kn get pod "$1" -o jsonpath='{.status.podIP}'
}

# probe POD BINARY VERB...: what BINARY (probe, which profiles list, or other) in the pod's container reports.
probe() {
    kn exec "$1" -c main -- "/usr/bin/$2" "${@:3}" 2>&1 || true
}

# probe_is OUTCOME POD BINARY VERB...
probe_is() {
    local got
    got=$(probe "${@:2}")
    [[ $got == "$1" ]] || {
        echo "${*:2}: $got, expected: $1"
        return 1
    }
}

# --- profiles ---------------------------------------------------------------------------------------------------------
# profile NAME APP ACTION PORT: /usr/bin/probe of pods with app=APP may open TCP to PORT, nobody anything else.
profile() {
    cat <<END
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: $1}
spec:
  labelSelector: {matchLabels: {app: $2}}
  actions: [$3]
  processes:
    - path: /usr/bin/probe
      network:
        egress:
          cidr4: [0.0.0.0/0]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: tcp, port: $4}]}
  default:
    egress: {cidr4: [0.0.0.0/0], l3: {protocols: [ipv4, arp]}, l4: {protocols: [icmp]}}
    ingress: {cidr4: [0.0.0.0/0], l3: {protocols: [ipv4, arp]}, l4: {protocols: [icmp]}}
END
}

# profile_apply NAME APP ACTION PORT
profile_apply() {
    profile "$@" | kn apply -f - >/dev/null
}

# state_of NODE POD: what policyd there says of the pod.
state_of() {
    nspctl "$1" pods --pod "$SPACE/$2" -o json | jq -r '.pods[0].state'
}
