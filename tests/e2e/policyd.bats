#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policyd without any pod: its start and end, its sockets, and what it finds after a crash.
# Loading takes seconds: the tests share what is pinned, and each policyd finds what the one before has left.
bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/policyd.bash"

@test "T90: it answers, and keeps its sockets to root" {
    pod >"$MANIFESTS/pod.yaml"
    profile one alert >"$MANIFESTS/one.yaml"
    policyd_up
    [[ $(status .datapath.adopted) == true ]]
    [[ $(status '.problems | length') == 0 ]]
    [[ $(status .policies.in_force) == 1 ]]
    [[ $(stat -c %a "$SOCKET" "$NSP_TMP/run/cni.sock" "$NSP_TMP/run") == $'600\n600\n700' ]]
    [[ $("$NSP_BUILD/nspctl" --socket "$SOCKET" profiles) == *"default     one    alert   True    0/0     0 "* ]]
    "$NSP_BUILD/nspctl" --socket "$SOCKET" status | grep -q "Policies:   1 in force, last revision [1-9]"
}

@test "what HTTP does not have is answered in JSON" {
    policyd_up
    while read -r code method path; do
        got=$(curl -sS -o "$NSP_TMP/answer" -w '%{http_code}' -X "$method" --unix-socket "$SOCKET" "http://x$path")
        [[ $got == "$code" ]] || fail "$method $path: $got"
        [[ $code == 200 ]] || jq -e '.error | length > 0' "$NSP_TMP/answer"
    done <<'END'
200 GET /healthz
200 GET /v1/events?last=3&pod=default/a&verdict=AUDIT&since=12.5
404 GET /
404 GET /v1/status/more
400 GET /v1/status?verbose=1
400 GET /v1/events?last=many
400 GET /v1/events?verdict=denied
400 GET /v1/events?color=red
405 POST /v1/status
405 DELETE /v1/pods
END
}

fail() {
    echo "$1" >&2
    return 1
}

@test "SIGTERM and SIGINT end it with 0, the datapath stays" {
    for signal in TERM INT; do
        policyd_up
        policyd_kill "$signal"
        [[ ! -e $SOCKET && -e $PINS/nsp_control ]]
        [[ $(bpftool -j map dump pinned "$PINS/nsp_control" | jq '.[0].formatted.value.reader_idle') == 0 ]]
    done
    grep -q "signal=15 ending; the datapath goes on enforcing" "$LOG"
}

@test "a second one with the same pins is refused" {
    policyd_up
    run ! policyd --socket "$NSP_TMP/other.sock" --exempt-node no
    [[ $output == *"$PINS: another policyd is running with it; stop that one first" ]]
    [[ $(status .datapath.exempt_node) == true ]]
    run ! policyd --remove
    [[ $output == *"another policyd is running"* ]]
    [[ -e $PINS/nsp_control ]]
}

@test "killed and started again, it takes over what is in force and writes nothing" {
    pod >"$MANIFESTS/pod.yaml"
    profile one enforce >"$MANIFESTS/one.yaml"
    profile two alert >"$MANIFESTS/two.yaml"
    policyd_up
    revision=$(status .policies.last_revision)
    blocks=$(bpftool -j map dump pinned "$PINS/nsp_blocks" | jq -Sc 'map(.key)|sort')
    policyd_kill KILL || true
    policyd_up
    [[ $(status .datapath.adopted) == true ]]
    [[ $(status '[.policies.in_force, .policies.last_revision, .policies.written] | @csv') == "1,$revision,0" ]]
    [[ $(bpftool -j map dump pinned "$PINS/nsp_blocks" | jq -Sc 'map(.key)|sort') == "$blocks" ]]
}

@test "what changed while it was down is noticed, and no revision number comes twice" {
    pod >"$MANIFESTS/pod.yaml"
    profile one enforce >"$MANIFESTS/one.yaml"
    policyd_up
    revision=$(status .policies.last_revision)
    policyd_kill KILL || true
    profile one alert >"$MANIFESTS/one.yaml"
    policyd_up
    [[ $(status .policies.last_revision) == $((revision + 1)) ]]
    policyd_kill KILL || true
    rm "$MANIFESTS/one.yaml"
    policyd_up
    [[ $(status .policies.in_force) == 0 ]]
    wait_for 5 map_has 0 nsp_blocks
    map_has 0 nsp_ports
    policyd_kill KILL || true
    profile one enforce >"$MANIFESTS/one.yaml"
    policyd_up
    [[ $(status .policies.last_revision) == $((revision + 2)) ]]
}

map_has() {
    [[ $(entries "$2") == "$1" ]]
}

@test "what a crash left half written is swept at the start" {
    pod >"$MANIFESTS/pod.yaml"
    profile one enforce >"$MANIFESTS/one.yaml"
    policyd_up
    wait_for 5 map_has 3 nsp_blocks
    policyd_kill KILL || true
    # A block of a revision that was never published, a port and a name of a rule set that nobody owns.
    read -ra path <<<"$(printf '11 %.0s' {1..16})"
    read -ra block <<<"$(printf '00 %.0s' {1..200})"
    bpftool map update pinned "$PINS/nsp_blocks" key hex 09 00 00 00 00 00 00 01 "${path[@]}" value hex "${block[@]}"
    bpftool map update pinned "$PINS/nsp_ports" key hex 00 30 00 00 50 00 10 06 value hex 01
    read -ra hash <<<"$(printf '22 %.0s' {1..32})"
    bpftool map update pinned "$PINS/nsp_texts" key hex 00 30 00 00 00 00 07 00 "${hash[@]}" \
        value hex 00 00 00 00 00 00 00 00
    map_has 4 nsp_blocks
    policyd_up
    map_has 3 nsp_blocks
    map_has 1 nsp_ports
    map_has 0 nsp_texts
}

# crowd: 1010 profiles of 64 processes, and a pod for each: more blocks than nsp_blocks has room for.
crowd() {
    awk 'BEGIN {
        for (i = 1; i <= 1010; i++) {
            printf "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d, labels: {n: \"%d\"}}\n", i, i
            printf "---\napiVersion: securityprobe.datadoghq.com/v1\nkind: SecurityProfile\nmetadata: {name: s%d}\n", i
            printf "spec:\n  labelSelector: {matchLabels: {n: \"%d\"}}\n  actions: [enforce]\n  processes:\n", i
            for (j = 1; j <= 64; j++) printf "  - {path: /bin/a%d}\n", j
        }
    }'
}

@test "a map that is full is said, and what was in force stays" {
    pod >"$MANIFESTS/pod.yaml"
    profile one alert >"$MANIFESTS/one.yaml"
    policyd_up
    wait_for 5 map_has 3 nsp_blocks
    crowd >"$MANIFESTS/zcrowd.yaml"
    wait_for 30 status_is '.policies.in_force' 993
    status_is '.problems | length' 18
    status '.problems[0].text' | grep -q 'nsp_blocks is full'
    # There is no room for the new one either, beside the old one.
    {
        profile one enforce
        seq -f '    - {path: /bin/a%.0f}' 63
    } >"$NSP_TMP/new"
    mv "$NSP_TMP/new" "$MANIFESTS/one.yaml"
    wait_for 5 status_is '.problems | length' 19
    rm "$MANIFESTS/zcrowd.yaml"
    wait_for 5 status_is '.problems | length' 0
    wait_for 5 status_is .policies.in_force 1
    # What failed is tried again when there is room.
    wait_for 5 map_has 66 nsp_blocks
    [[ $(status .policies.rule_sets) == 1 ]]
}

@test "what is wrong at the start is said in one line" {
    printf 'events-burst = 1\ncolour = red\n' >"$NSP_TMP/conf"
    run -2 "$NSP_BUILD/policyd" --config "$NSP_TMP/conf"
    [[ $output == "error $NSP_TMP/conf:2: \"colour\" is not a setting; \`policyd --help\` lists them" ]]
    run -1 policyd --bpffs "$NSP_TMP/pins"
    [[ $output == *"not on a bpf filesystem"* ]]
    run -1 policyd --manifests "$NSP_TMP/none"
    [[ $output == *"$NSP_TMP/none: No such file or directory; create the folder or name another by --manifests"* ]]
    touch "$NSP_TMP/file"
    run -1 policyd --socket "$NSP_TMP/file"
    [[ $output == *"$NSP_TMP/file: something that is no socket is there; remove it or name another path"* ]]
    [[ -f $NSP_TMP/file ]]
}

@test "T90: only root's announcements of the right kind are read" {
    policyd_up
    local cni=$NSP_TMP/run/cni.sock
    echo nonsense | socat -t 1 - "UNIX-CONNECT:$cni,type=5" || true
    wait_for 5 grep -q "an announcement of 9 bytes is not understood" "$LOG"
    chmod 777 "$cni" "$NSP_TMP/run" "$NSP_TMP"
    echo nonsense | setpriv --reuid 65534 --clear-groups socat -t 1 - "UNIX-CONNECT:$cni,type=5" || true
    wait_for 5 grep -q "a process that is not root was turned away" "$LOG"
    is_up
}

@test "the configuration that is shipped sets what is the default" {
    sed 's/^#\([a-z]\)/\1/' "$NSP_ROOT/conf/policyd.conf" >"$NSP_TMP/all.conf"
    grep -q '^events-burst = 100$' "$NSP_TMP/all.conf"
    "$NSP_BUILD/policyd" --config "$NSP_ROOT/conf/policyd.conf" --version
    "$NSP_BUILD/policyd" --config "$NSP_TMP/all.conf" --version
}

unlearnable() {
    bpftool -j map dump pinned "$PINS/nsp_unlearnable" | jq length
}

# of_control FIELD
of_control() {
    bpftool -j map dump pinned "$PINS/nsp_control" | jq ".[0].formatted.value.$1"
}

@test "what is said of names counts for a datapath that is adopted too" {
    OPTIONS+=(--refuse-learning "10.0.0.0/8, fd00::/8,192.168.0.0/16" --name-floor 5m --name-cap 2h)
    policyd_up
    [[ $(unlearnable) == 3 ]]
    [[ $(of_control name_floor_ns) == 300000000000 ]]
    [[ $(of_control name_cap_ns) == 7200000000000 ]]
    policyd_kill TERM
    [[ $(unlearnable) == 3 ]]
    OPTIONS+=(--refuse-learning "10.0.0.0/8,172.16.0.0/12")
    policyd_up
    [[ $(unlearnable) == 2 ]]
    policyd_kill TERM
    OPTIONS+=(--refuse-learning "" --name-floor 1h --name-cap 24h)
    policyd_up
    [[ $(unlearnable) == 0 ]]
    [[ $(of_control name_cap_ns) == 86400000000000 ]]
}

@test "another ABI version that is pinned is left alone" {
    local own
    own=$("$NSP_BUILD/policyd" --version)
    policyd_up
    policyd_kill TERM
    mapfile -t value < <(bpftool -j map lookup pinned "$PINS/nsp_control" key 0 0 0 0 | jq -r '.value[]')
    bpftool map update pinned "$PINS/nsp_control" key 0 0 0 0 value hex "${value[@]:0:4}" 63 "${value[@]:5}"
    run ! policyd
    bpftool map update pinned "$PINS/nsp_control" key 0 0 0 0 value hex "${value[@]}"
    [[ $output == *"pinned by ABI version 99, this program needs ${own##*ABI }"* ]]
    [[ -e $PINS/nsp_from_pod ]]
}

@test "--remove says what it did, twice over" {
    policyd_up
    policyd_kill KILL || true
    run -0 policyd --remove
    [[ $output == *"detached all pods, removed $PINS"* && $output == *"removed $SOCKET"* ]]
    [[ ! -e $PINS && ! -e $SOCKET ]]
    run -0 policyd --remove
    [[ $output == "nothing was pinned at $PINS" ]]
}
