#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The resource as the API server takes it: what policyd refuses is refused there too, in the same words where they are
# ours to choose, and what policyd takes is taken. Needs no node.
source "$BATS_TEST_DIRNAME/cluster.bash"

setup() {
    tmp_make
    cd "$NSP_TMP" || return 1
    profiles=$BATS_TEST_DIRNAME/profiles
}

# api_says FILE [Ignore]: what comes of creating that profile, without doing it: why not, or "created". Strictly, unless
# told otherwise.
api_says() {
    local path=apis/securityprobe.datadoghq.com/v1/namespaces/default/securityprofiles
    api "$path?dryRun=All&fieldValidation=${2:-Strict}" -H 'Content-Type: application/yaml' --data-binary "@$1" |
        jq -r 'if .kind == "Status" then .message else "created" end'
}

# profile SPEC: a manifest of one line.
profile() {
    echo "{apiVersion: securityprobe.datadoghq.com/v1, kind: SecurityProfile, metadata: {name: one}, spec: $1}"
}

# rules RULES: the spec of a profile with these.
rules() {
    echo "{processes: [{path: /usr/bin/curl, network: {egress: $1}}]}"
}

# refused_by_both SPEC FIELD WORDS: by the API server, with WORDS at FIELD, and by policyd; by it with the same words,
# if SAME is set.
refused_by_both() {
    local said told
    profile "$1" >one.yaml
    said=$(api_says one.yaml)
    told=$("$NSP_BUILD/nspctl" check one.yaml) && echo "policyd takes: $1" && return 1
    [[ $said == *"$2"* && $said == *"$3"* && (-z ${SAME:-} || $told == *"$2: $3"*) ]] || {
        printf '%s\n  the API server says: %s\n  policyd says: %s\n  expected %s: %s\n' "$1" "$said" "$told" "$2" "$3"
        return 1
    }
}

# refused FILE: its rows `SPEC | FIELD | WORDS`, RULES in angle brackets for a SPEC; shows all that are not.
refused() {
    local spec field words bad=0
    while IFS='|' read -r spec field words; do
        [[ $spec != "#"* ]] || continue
        spec=$(trim "$spec") field=$(trim "$field")
        if [[ $spec == '<'*'>' ]]; then
            spec=$(rules "${spec:1:-1}")
            field="spec.processes[0].network.egress${field:+.$field}"
        fi
        refused_by_both "$spec" "$field" "$(trim "$words")" || bad=1
    done <"$1"
    return "$bad"
}

trim() {
    sed 's/^ *//; s/ *$//' <<<"$1"
}

# repeat COUNT ELEMENT: elements of a list.
repeat() {
    yes "$2" | head -n "$1" | paste -sd ,
}

# number COUNT FORMAT: likewise, with its number in each.
number() {
    seq -f "$2" "$1" | paste -sd ,
}

@test "what is misspelt, missing, of another type or no such value is refused" {
    refused "$profiles/shape.txt"
}

@test "a refusal reads like policyd's" {
    SAME=true refused "$profiles/words.txt"
}

@test "names that DNS does not have are refused" {
    local name at='spec.processes[0].network.egress' bad=0
    while read -r name; do
        refused_by_both "$(rules "{fqdns: [\"$name\"]}")" "$at.fqdns[0]" 'should match' || bad=1
        refused_by_both "$(rules "{l7: {dns: [\"$name\"]}}")" "$at.l7.dns[0]" 'should match' || bad=1
    done <"$profiles/names.txt"
    refused_by_both "$(rules '{fqdns: [""]}')" "$at.fqdns[0]" 'at least 1 chars' || bad=1
    name=$(yes a | head -n 126 | paste -sd .).aaaa
    refused_by_both "$(rules "{fqdns: [$name]}")" "$at.fqdns[0]" 'may not be more than 254' || bad=1
    return "$bad"
}

@test "what only policyd sees, as docs/profile.md says" {
    local spec i globs uris
    globs=$(number 17 '"a%gx*.example.com"')
    uris=$(for i in {1..17}; do printf '{method: GET, uri: "/%0*d*"}\n' "$i" 0; done | paste -sd ,)
    for spec in "$(rules "{fqdns: [$globs]}")" "$(rules "{l7: {http: [$uris]}}")" \
        '{labelSelector: {matchLabels: {"a b": c}}}'; do
        profile "$spec" >one.yaml
        run ! "$NSP_BUILD/nspctl" check one.yaml
        [[ $(api_says one.yaml) == created ]]
    done
}

@test "two blocks for one path are refused" {
    refused_by_both '{processes: [{path: /a}, {path: /a}]}' spec.processes 'two blocks for one path'
    refused_by_both '{processes: [{path: /a, container: b}, {path: /c}, {path: /a, container: b}]}' spec.processes \
        'two blocks for one path'
    refused_by_both "{processes: [$(number 9 '{path: /a, container: c%g}')]}" spec.processes \
        'more than 8 blocks for one path'
}

@test "paths and lists that are too long are refused" {
    local path='spec.processes[0].path' long
    refused_by_both "{processes: [{path: $(printf '/a%.0s' {1..33})}]}" "$path" 'has more than 32 components'
    refused_by_both "{processes: [{path: /$(printf 'a%.0s' {1..256})}]}" "$path" 'a component of more than 255 bytes'
    long=$(printf 'ä%.0s' {1..100})
    refused_by_both "{processes: [{path: /$long/$long/$long}]}" "$path" 'has more than 511 bytes'
    refused_by_both '{processes: [{path: "/a\tb"}]}' "$path" 'has a control character in it'
    refused_by_both "{processes: [$(number 65 '{path: /%g}')]}" spec.processes 'must have at most 64 items'
    refused_by_both "{actions: [$(repeat 17 alert)]}" spec.actions 'must have at most 16 items'
    refused_by_both "$(rules "{fqdns: [$(repeat 1001 a.b)]}")" egress.fqdns 'must have at most 1000 items'
    long=/$(printf 'a%.0s' {1..1024})
    refused_by_both "$(rules "{l7: {http: [{method: GET, uri: $long}]}}")" 'http[0].uri' 'should match'
}

@test "the API server takes fewer prefixes in a list than policyd: what it costs to check them is limited" {
    profile "$(rules "{cidr4: [$(repeat 1001 10.0.0.0/8)]}")" >one.yaml
    "$NSP_BUILD/nspctl" check one.yaml
    [[ $(api_says one.yaml) == *'egress.cidr4'*'must have at most 1000 items'* ]]
}

@test "what policyd takes is taken" {
    local spec bad=0
    while read -r spec; do
        [[ $spec != '<'* ]] || spec=$(rules "${spec:1:-1}")
        profile "$spec" >one.yaml
        "$NSP_BUILD/nspctl" check one.yaml
        [[ $(api_says one.yaml) == created ]] || {
            echo "$spec: $(api_says one.yaml)"
            bad=1
        }
    done <"$profiles/taken.txt"
    return "$bad"
}

@test "1,000 of everything, and 64 programs with 1,000 prefixes each, are within the API server's means" {
    local rules cidr4
    cidr4=$(repeat 1000 100.100.100.0/24)
    rules="{cidr4: [$cidr4], cidr6: [$(repeat 1000 '"fd00:1111:2222:3333::/64"')]"
    rules+=", fqdns: [$(repeat 1000 www.example.com)], l7: {protocols: [any]"
    rules+=", dns: [$(repeat 1000 '"**.example.com"')], http: [$(repeat 1000 '{method: GET, uri: /task}')]}"
    rules+=", l4: {protocols: [tcp], protocolPorts: [$(repeat 1000 '{protocol: tcp, port: 80, endPort: 90}')]}}"
    profile "$(rules "$rules")" >one.yaml
    [[ $(api_says one.yaml) == created ]]
    profile "{processes: [$(number 64 "{path: /%g, network: {egress: {cidr4: [$cidr4]}}}")]}" >one.yaml
    [[ $(api_says one.yaml) == created ]]
}

# profiles_of FILE...: a file here for each profile, of YAML and of the fences of it in texts, in the namespace default.
profiles_of() {
    awk -v to="$NSP_TMP/profile" '
        function finish() {
            n++
            if (document ~ /(^|\n)kind: SecurityProfile\n/) printf "%s", document >(to n ".yaml")
            document = ""
        }
        FNR == 1 || /^---/ { finish(); inside = FILENAME !~ /[.]md$/ }
        FILENAME ~ /[.]md$/ && /^```/ { finish(); inside = $0 == "```yaml"; next }
        inside && !/^---/ { sub(/namespace: [a-z]+/, "namespace: default"); document = document $0 "\n" }
        END { finish() }' "$@"
}

@test "every profile in this repository is taken, and the prototype's as they are" {
    local file files seen=0 bad=0
    mapfile -t files < <(cd "$NSP_ROOT" && find . -name 'build*' -prune -o \( -name '*.yaml' -o -name '*.md' \) -print)
    [[ ! -d $NSP_ROOT/../shared/seed-profiles ]] || files+=(../shared/seed-profiles/{ping,pong,security}-profile.yaml)
    profiles_of "${files[@]/#/$NSP_ROOT/}"
    for file in profile*.yaml; do
        # What explains itself by a word such as RULES is no profile.
        "$NSP_BUILD/nspctl" check "$file" >/dev/null || continue
        seen=$((seen + 1))
        [[ $(api_says "$file") == created ]] || {
            echo "$(cat "$file")$(api_says "$file")"
            bad=1
        }
    done
    ((seen >= 5 && bad == 0))
}

@test "a client that is not strict loses a misspelt field in silence" {
    profile '{acions: [enforce], actions: [alert]}' >one.yaml
    [[ $(api_says one.yaml Ignore) == created ]]
    run ! k apply --dry-run=server -f one.yaml
    [[ $output == *'unknown field "spec.acions"'* ]]
}

@test "a short name, a category, columns, defaults, and a status that only its own way leads to" {
    profile '{processes: [{path: /bin/cat}]}' >one.yaml
    on_exit "k delete -f $NSP_TMP/one.yaml --ignore-not-found"
    k apply -f one.yaml
    run k get secprof
    [[ ${lines[0]} =~ ^NAME\ +MODE\ +VALID\ +READY\ +PODS\ +AGE$ ]]
    k get nsp -A -o name | grep -qx securityprofile.securityprobe.datadoghq.com/one
    [[ $(k get secprof one -o jsonpath='{.spec.nameScope} {.spec.processes[0].imageOnly}') == "process false" ]]
    k patch secprof one --type=merge -p '{"status": {"mode": "alert"}}'
    [[ -z $(k get secprof one -o jsonpath='{.status}') ]]
    k patch secprof one --type=merge --subresource=status -p '{"status": {"mode": "alert", "ready": "2/3", "pods":
        {"selected": 3, "ready": 2}, "conditions": [{"type": "Valid", "status": "True", "reason": "Accepted", "message":
        "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}'
    run k get secprof
    [[ ${lines[1]} =~ ^one\ +alert\ +True\ +2/3\ +3\ +[0-9]+s$ ]]
}

@test "each field explains itself" {
    local field
    k explain secprof.spec --recursive >fields
    for field in labelSelector processes.path processes.network.egress.fqdns default.ingress.l4.protocolPorts.port; do
        run k explain "secprof.spec.$field"
        [[ $output == *DESCRIPTION:*[a-z]* && $output != *'<empty>'* ]]
    done
    # None without a text: apiVersion, kind and metadata are Kubernetes' own.
    k get crd securityprofiles.securityprobe.datadoghq.com -o json |
        jq -r '.spec.versions[0].schema.openAPIV3Schema.properties.spec
            | paths(objects | select(.type and (.description | not))) | map(tostring) | join(".")' |
        grep -vE '\.(items|additionalProperties)$' | grep . && return 1
    [[ -s fields ]]
}

@test "a node's status is whole in one write" {
    cat >node.yaml <<'END'
apiVersion: securityprobe.datadoghq.com/v1
kind: SecurityProfileNodeStatus
metadata: {name: somewhere}
status:
  version: 0.1.0
  summary: {profiles: 1, refused: 0, pods: 3, pending: 0}
  profiles: [{namespace: default, name: one, observedGeneration: 2, generation: 1, selected: 3, ready: 0}]
END
    on_exit "k delete -f $NSP_TMP/node.yaml --ignore-not-found"
    k apply -f node.yaml
    run k get secprofnode
    [[ ${lines[0]} =~ ^NAME\ +PROFILES\ +REFUSED\ +PODS\ +PENDING\ +VERSION\ +AGE$ ]]
    [[ ${lines[1]} =~ ^somewhere\ +1\ +0\ +3\ +0\ +0.1.0\ +[0-9]+s$ ]]
}
