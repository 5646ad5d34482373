# SPDX-License-Identifier: Apache-2.0
# What the end-to-end tests share: a node of their own with policyd, pods whose container idles until a probe is run in
# it, and profiles. A file's tests share one node (loading the datapath takes seconds); the profile is each test's own.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/../support/env.bash"
source "$BATS_TEST_DIRNAME/../../demo/pods.bash"

# A test is another process than setup_file: it finds the node by the exported name.
[[ -z ${E2E_NODE:-} ]] || pods_names "$E2E_NODE"

# --- the node ---------------------------------------------------------------------------------------------------------
# node_up: for setup_file. In the image probe one program has three paths: /usr/bin/probe, which profiles list, and
# /usr/bin/other and /usr/bin/third, which none does.
node_up() {
    export E2E_NODE=$NSP_ID
    pods_begin "$NSP_ID"
    local probe=$NSP_BUILD/support/e2e-probe
    pods_image probe "/usr/bin/probe=$probe" "/usr/bin/other=$probe" "/usr/bin/third=$probe"
    pods_policyd --events-burst 100000 --events-per-second 100000
}

# node_down: for teardown_file. What pods_end could not remove, cleanup does.
node_down() {
    local rc=0
    [[ -n ${E2E_NODE:-} ]] || return 0
    pods_end >&2 || rc=1
    cleanup
    return "$rc"
}

# node_serve PORT...: an echo server on the node, outside all pods.
node_serve() {
    local log=$PODS_DIR/node.log
    setsid nsenter --net="/run/netns/${PODS_ID}node" "$NSP_BUILD/support/e2e-probe" serve "$@" \
        </dev/null >"$log" 2>&1 3>&- &
    echo $! >"$PODS_DIR/node.pid"
    wait_for 5 grep -q ready "$log"
}

node_serve_end() {
    kill "$(cat "$PODS_DIR/node.pid")" 2>/dev/null || true
}

node_probe() {
    pods_node "$NSP_BUILD/support/e2e-probe" "$@" 3>&-
}

# --- pods -------------------------------------------------------------------------------------------------------------
# pod_up NAME CMD...: a pod that carries the label pod=NAME, with the container main running CMD.
pod_up() {
    pod_manifest "$1" >"$PODS_MANIFESTS/pod-$1.yaml"
    pod_create "$1"
    # Unprivileged echo requests, as containerd allows them.
    nsenter --net="/run/netns/$PODS_ID$1" sysctl -qw net.ipv4.ping_group_range="0 2147483647"
    container_start "$1/main" probe "${@:2}"
}

pod_manifest() {
    cat <<END
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {pod: $1}}
END
}

# addresses_export POD: e.g. CLIENT4, CLIENT6 for the pod client, and NODE4, NODE6.
addresses_export() {
    local name=${1^^}
    export "${name}4=$(pod_address "$1" 4)" "${name}6=$(pod_address "$1" 6)"
    export NODE4 NODE6
    NODE4=$(pod_gateway "$1" 4)
    NODE6=$(pod_gateway "$1" 6)
}

# probe POD BINARY VERB...: what BINARY (probe or other) in the pod's container reports.
probe() {
    container_exec "$1/main" "/usr/bin/$2" "${@:3}"
}

# outcomes POD: checks the table on stdin, a row per probe, `BINARY VERB ARGUMENTS | OUTCOME`; shows all that differ.
outcomes() {
    outcomes_of probe "$1"
}

# node_outcomes: likewise of a process on the node, `VERB ARGUMENTS | OUTCOME`.
node_outcomes() {
    outcomes_of node_probe
}

outcomes_of() {
    local row command want got bad=0
    while IFS= read -r row; do
        [[ -n $row ]] || continue
        read -ra command <<<"${row%%|*}"
        read -r want <<<"${row##*|}"
        got=$("$@" "${command[@]}" </dev/null) || got+=" (exit status $?)"
        [[ $got == "$want" ]] && continue
        echo "$* ${command[*]}: $got, expected: $want"
        bad=1
    done
    return "$bad"
}

# container_kill POD SIGNAL VERB: to all probes of that verb in the pod.
container_kill() {
    local pid pids
    mapfile -t pids <"$PODS_CGROUP/$1/main/cgroup.procs"
    for pid in "${pids[@]}"; do
        [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") != *" $3 "* ]] || kill "-$2" "$pid"
    done
}

# --- profiles ---------------------------------------------------------------------------------------------------------
# profile POD [ACTION]: writes the profile of a pod, the rest of whose spec (processes, default) is on stdin, and
# returns when it is in force for the pod.
profile() {
    local before
    before=$(revision_of "$1")
    {
        cat <<END
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfile
metadata: {name: $1-profile}
spec:
  labelSelector: {matchLabels: {pod: $1}}
  actions: [${2:-enforce}]
END
        cat
    } >"$PODS_DIR/profile.new"
    mv "$PODS_DIR/profile.new" "$PODS_MANIFESTS/profile-$1.yaml"
    wait_for 10 revision_differs "$1" "$before"
}

# profile_action POD ACTION: the same profile with another action, if it has another.
profile_action() {
    local before
    ! grep -q "^  actions: \[$2\]" "$PODS_MANIFESTS/profile-$1.yaml" || return 0
    before=$(revision_of "$1")
    sed -i "s/^  actions: .*/  actions: [$2]/" "$PODS_MANIFESTS/profile-$1.yaml"
    wait_for 10 revision_differs "$1" "$before"
}

# profile_none POD: no profile selects it.
profile_none() {
    rm -f "$PODS_MANIFESTS/profile-$1.yaml"
    wait_for 10 pod_is_unselected "$1"
}

pod_is_unselected() {
    pod_json "$1" | jq -e '.state == "READY" and .profiles == []'
}

pod_json() {
    pods_nspctl pods -o json | jq --arg pod "$1" '.pods[] | select(.name == $pod)'
}

revision_of() {
    pod_json "$1" | jq -r .revision
}

revision_differs() {
    [[ $(revision_of "$1") != "$2" ]]
}

# tally POD VERDICT seen|reported|suppressed|lost: of its violations of that verdict, or with "" of all.
tally() {
    pod_json "$1" | jq --arg verdict "$2" --arg key "$3" '
        [.violations[] | select($verdict == "" or .verdict == $verdict)[$key]] | add // 0'
}

# tally_of POD REASON seen|reported|suppressed|lost: of its violations of that reason.
tally_of() {
    pod_json "$1" | jq --arg reason "$2" --arg key "$3" '[.violations[] | select(.reason == $reason)[$key]] | add // 0'
}

# --- events -----------------------------------------------------------------------------------------------------------
# events_watch: collects events from now on; what policyd remembers from before does not count.
events_watch() {
    EVENTS=$PODS_DIR/events-$BATS_TEST_NUMBER
    EVENTS_START=$(date -u +%FT%T.%NZ)
    "$NSP_BUILD/nspctl" --socket "$PODS_SOCKET" observe -f -o json >"$EVENTS" 3>&- &
    on_exit "kill $! 2>/dev/null"
}

# events FILTER: those of which the jq expression holds.
events() {
    jq -c -n --arg start "$EVENTS_START" "inputs | select(.time > \$start) | select($1)" "$EVENTS"
}

# events_expect FILTER: waits for one.
events_expect() {
    wait_for 5 events_has "$1" || {
        echo "no event such that $1 among:"
        events true
        return 1
    }
}

events_has() {
    events "$1" | grep -q .
}

events_count() {
    events "$1" | wc -l
}

# events_none FILTER: there is not one; else what there is tells itself. What a pod's kernel sends
# by itself, such as MLD, has no process.
events_none() {
    [[ $(events_count "$1") == 0 ]] || {
        echo "events that should not be:"
        events "$1"
        return 1
    }
}

# --- captures ---------------------------------------------------------------------------------------------------------
# capture_start: of the bridge from now on: what a pod sends is seen there once it is past the pod's veth.
capture_start() {
    CAPTURE=$PODS_DIR/capture
    rm -f "$CAPTURE" "$CAPTURE.log"
    nsenter --net="/run/netns/${PODS_ID}node" tcpdump -i cni0 -n -U -Z root -w "$CAPTURE" \
        </dev/null >"$CAPTURE.log" 2>&1 3>&- &
    CAPTURER=$!
    on_exit "kill $CAPTURER 2>/dev/null"
    wait_for 5 grep -q listening "$CAPTURE.log"
}

# capture_end NODE4: packets come in order: with this one of the node's, all before it have been written.
capture_end() {
    node_probe packet cni0 "$1" 10.77.0.255 9999 >/dev/null
    wait_for 5 captured_marker
    kill -TERM "$CAPTURER"
    wait_for 5 pods_gone "$CAPTURER"
}

captured_marker() {
    captured "dst port 9999" | grep -q 9999
}

# captured FILTER...: what there is of it.
captured() {
    tcpdump -n -r "$CAPTURE" "$@" 2>/dev/null
}
