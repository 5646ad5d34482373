#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# nspctl check: what a person sees of good and bad manifests, and what a script can rely on. Needs no root.
bats_require_minimum_version 1.5.0

load ../support/env.bash

setup() {
    tmp_make
    cd "$NSP_TMP" || return 1
    nspctl=$NSP_BUILD/nspctl
}

# profile NAME SPEC: a manifest, one line.
profile() {
    echo "{apiVersion: securityprobe.datadoghq.com/v1, kind: SecurityProfile, metadata: {name: $1}, spec: $2}"
}

valid='{labelSelector: {}, actions: [alert], processes: [{path: /usr/bin/curl}]}'

@test "a valid profile is named and exits with 0" {
    profile ping "$valid" >ping.yaml
    run "$nspctl" check ping.yaml
    [ "$output" = "ping.yaml#1 SecurityProfile default/ping: valid" ]
    [ "$status" -eq 0 ]
}

@test "warnings stand indented below the profile and do not fail it" {
    profile ping '{labelSelector: {}, default: {egress: {cidr4: [10.1.2.3/8]}}}' >ping.yaml
    run "$nspctl" check ping.yaml
    [ "${lines[0]}" = "ping.yaml#1 SecurityProfile default/ping: valid" ]
    [ "${lines[1]}" = "  warning: spec.default.egress.cidr4: host bits are ignored; what counts is 10.0.0.0/8" ]
    [ "${lines[2]}" = "  warning: spec.actions: none given: violations are only counted; write alert or enforce" ]
    [ "${#lines[@]}" -eq 3 ]
    [ "$status" -eq 0 ]
}

# has_warnings LINE...: they are those on stdin, of the spec, and no others; one there that ends in a backslash goes on.
has_warnings() {
    local line
    # shellcheck disable=SC2162
    while read line; do
        [ "$1" = "  warning: spec.$line" ]
        shift
    done
    [ $# -eq 0 ]
}

@test "what a profile cannot do as it stands is said with its field" {
    profile ping '{labelSelector: {}, actions: [alert], processes: [{path: /usr/bin/python3, network: {egress: {fqdns:
        ["*.example.com"], l7: {protocols: [https], http: [{method: GET, uri: "/*"}]}}, ingress: {fqdns: [a]}}}]}' |
        tr '\n' ' ' >ping.yaml
    run "$nspctl" check ping.yaml
    has_warnings "${lines[@]:1}" <<'END'
processes[0].path: "/usr/bin/python3" runs programs that others write: every script, applet or class shares this block
processes[0].network.egress.fqdns: "*.example.com" is exactly one label; for any depth add "**.example.com"
processes[0].network.egress.l7.http: allows nothing: l7.protocols has neither http nor any
processes[0].network.egress.l7.http: says nothing of https, whose requests cannot be read: l7.protocols allows any of \
them
processes[0].network.ingress.fqdns: can match nothing: names are learnt for the egress of processes only
END
    [ "$status" -eq 0 ]
}

@test "a profile that uses every field has no warning" {
    profile all '{labelSelector: {}, nameScope: pod, actions: [alert, trace-dns], attacks: [arp-spoofing,
        nd-spoofing, ip-spoofing, raw-socket], processes: [{path: /usr/bin/curl, container: main, imageOnly: true,
        actions: [enforce], network: {egress: {fqdns: ["**.example.com", "*.example.com", "api-*.example.com"], l7:
        {protocols: [dns, http], dns: ["*"], http: [{method: "*", uri: "/static/*"}]}}}}]}' | tr '\n' ' ' >all.yaml
    run "$nspctl" check all.yaml
    [ "$output" = "all.yaml#1 SecurityProfile default/all: valid" ]
    [ "$status" -eq 0 ]
}

@test "a refused profile is shown with field, value and remedy, and exits with 1" {
    profile ping '{processes: [{path: /bin/cat}, {path: curl}]}' >ping.yaml
    run "$nspctl" check ping.yaml
    [ "$output" = 'ping.yaml#1 SecurityProfile default/ping: error: spec.processes[1].path: "curl" is not absolute; '"\
write the path inside the container, such as /usr/bin/curl" ]
    [ "$status" -eq 1 ]
}

@test "every document of every file is checked, also after an error" {
    {
        profile a '{acions: []}'
        echo "---"
        echo "---"
        profile b "$valid"
        echo "---"
        echo "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: web}}"
        echo "---"
        echo "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {8080: x}}"
    } >many.yaml
    profile c "$valid" >one.yaml
    run "$nspctl" check many.yaml one.yaml
    [ "${lines[0]}" = "many.yaml#1 SecurityProfile default/a: error: spec.acions: unknown field; \
did you mean actions?" ]
    [ "${lines[1]}" = "many.yaml#3 SecurityProfile default/b: valid" ]
    [ "${lines[2]}" = "many.yaml#4 Pod web/p: valid" ]
    [ "${lines[3]}" = "many.yaml#5: skipped: neither SecurityProfile nor Pod" ]
    [ "${lines[4]}" = "one.yaml#1 SecurityProfile default/c: valid" ]
    [ "$status" -eq 1 ]
}

@test "what policyd takes for no Kubernetes object, or for a misspelt one of ours, is refused here too" {
    while IFS='|' read -r manifest message; do
        echo "$manifest" >one.yaml
        run "$nspctl" check one.yaml
        [ "$status" -eq 1 ]
        [[ "$output" == "one.yaml#1 ?: error: $message" ]] || {
            echo "$manifest: $output"
            return 1
        }
    done <<END
{apiVersion: securityprobe.datadoghq.com/v1, kind: SecurityProfil}|kind: "SecurityProfil" is not a kind of \
securityprobe.datadoghq.com/v1; expected SecurityProfile
{kind: ConfigMap, metadata: {name: c}}|not a Kubernetes object: it needs apiVersion and kind; for a profile write \
apiVersion: securityprobe.datadoghq.com/v1 and kind: SecurityProfile
{apiVersion: v1, metadata: {name: c}}|not a Kubernetes object: it needs apiVersion and kind; for a profile write \
apiVersion: securityprobe.datadoghq.com/v1 and kind: SecurityProfile
END
}

@test "the second profile of a name is refused, across files too" {
    profile a "$valid" >one.yaml
    profile a "$valid" >two.yaml
    run "$nspctl" check one.yaml two.yaml
    [ "${lines[1]}" = "two.yaml#1 SecurityProfile default/a: error: metadata.name: one.yaml#1 has the same name; \
rename or remove one of the two" ]
    [ "$status" -eq 1 ]
}

@test "a file that is not YAML is refused with its line" {
    printf 'a: 1\nb: 2\na: 3\n' >bad.yaml
    run "$nspctl" check bad.yaml
    [ "$output" = 'bad.yaml: error: line 3: "a" is given twice' ]
    [ "$status" -eq 1 ]
}

@test "JSON is read from .json, several documents too" {
    {
        echo '{"apiVersion":"securityprobe.datadoghq.com/v1","kind":"SecurityProfile",'
        echo '"metadata":{"name":"a"},"spec":{}} {}'
    } >two.json
    run "$nspctl" check two.json
    [ "${lines[0]}" = "two.json#1 SecurityProfile default/a: valid" ]
    [[ "${lines[-1]}" == "two.json#2 ?: error: not a Kubernetes object: it needs apiVersion and kind; "* ]]
    [ "$status" -eq 1 ]
}

@test "a List, as kubectl prints it, stands for its items" {
    echo "{apiVersion: v1, kind: List, items: [$(profile a "$valid"), $(profile b '{x: 1}')]}" >list.yaml
    run "$nspctl" check list.yaml
    [ "${lines[0]}" = "list.yaml#1 SecurityProfile default/a: valid" ]
    [ "${lines[1]}" = "list.yaml#1 SecurityProfile default/b: error: spec.x: unknown field; remove it" ]
    [ "$status" -eq 1 ]
}

@test "an empty, a missing and an unreadable file are errors" {
    : >empty.yaml
    run "$nspctl" check empty.yaml missing.yaml /
    [ "${lines[0]}" = "empty.yaml: error: empty; expected a SecurityProfile" ]
    [ "${lines[1]}" = "missing.yaml: error: No such file or directory" ]
    [ "${lines[2]}" = "/: error: Is a directory" ]
    [ "$status" -eq 1 ]
}

@test "a pipe can be checked" {
    run bash -c "cat | '$nspctl' check /dev/stdin" <<<"$(profile a "$valid")"
    [ "$output" = "/dev/stdin#1 SecurityProfile default/a: valid" ]
    [ "$status" -eq 0 ]
}

@test "what a manifest says cannot reach the terminal as control characters" {
    printf '{apiVersion: securityprobe.datadoghq.com/v1, kind: SecurityProfile, metadata: {name: "\\e[2J"}}' >evil.yaml
    run "$nspctl" check evil.yaml
    [[ $output != *$'\e'* ]]
    [[ $output == 'evil.yaml#1 SecurityProfile default/?: error: metadata.name: "?[2J" is not'* ]]
    [ "$status" -eq 1 ]
}

@test "wrong usage exits with 2 and says what is right" {
    run "$nspctl" check
    [ "$status" -eq 2 ]
    [ "${lines[-1]}" = "usage: nspctl [--socket PATH] check FILE..." ]
    run "$nspctl" check --strict x
    [ "$status" -eq 2 ]
    run "$nspctl" chekc
    [ "$output" = 'nspctl: "chekc" is not a command; nspctl --help lists them' ]
    [ "$status" -eq 2 ]
    run "$nspctl"
    [ "$status" -eq 2 ]
    run "$nspctl" --nonsense
    [ "$status" -eq 2 ]
}

@test "help and version are answers, not errors" {
    run "$nspctl" --help
    [ "$status" -eq 0 ]
    [[ $output == "usage: nspctl "* ]]
    run "$nspctl" check --help
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "usage: nspctl [--socket PATH] check FILE..." ]
    run "$nspctl" --version
    [ "$status" -eq 0 ]
    [[ $output == "nspctl "[0-9]* ]]
}

@test "a result that cannot be written is a failure" {
    profile ping "$valid" >ping.yaml
    run bash -c "'$nspctl' check ping.yaml >/dev/full"
    [ "$status" -eq 1 ]
    [ "$output" = "nspctl: cannot write the result: No space left on device" ]
}

@test "the manifests of the 2020 prototype are valid as they are" {
    local seeds=$NSP_ROOT/../shared/seed-profiles file
    [[ -d $seeds ]] || seeds=$NSP_ROOT/tests/fuzz/seeds/objects # elsewhere: our own, with the same fields
    for file in "$seeds"/*.yaml; do
        "$nspctl" check "$file"
    done
}
