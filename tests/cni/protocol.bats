#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The protocol itself: what is asked of environment and stdin, and the form of every answer.
source "$BATS_TEST_DIRNAME/fixture.bash"

# Runs with just these variables.
bare() {
    env -u CNI_PATH -u CNI_CACHE_DIR "$@" "$NSP_BUILD/nsp"
}

# Refused before anything is touched, so no pod is needed.
refused() {
    fail_with "$1" "${2:-ADD}" none CNI_NETNS=/proc/self/ns/net "${@:3}"
}

@test "VERSION without stdin lists exactly the five versions" {
    run --separate-stderr bare CNI_COMMAND=VERSION </dev/null
    [ "$status" -eq 0 ]
    [ "$output" == '{"cniVersion":"1.1.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}' ]
}

@test "VERSION echoes the version it is asked with" {
    run --separate-stderr bare CNI_COMMAND=VERSION CNI_NETNS=dummy CNI_IFNAME=dummy CNI_PATH=dummy \
        <<<'{"cniVersion":"0.4.0"}'
    [ "$status" -eq 0 ]
    [ "$(jq -r .cniVersion <<<"$output")" == 0.4.0 ]
}

@test "VERSION with stdin that is not JSON is refused with code 6" {
    run --separate-stderr bare CNI_COMMAND=VERSION <<<'{'
    [ "$status" -eq 1 ]
    expect_error 6
}

@test "without a command the plugin says what it is, on stderr" {
    run --separate-stderr bare CNI_COMMAND= </dev/null
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [[ "$stderr" == *"CNI plugin nsp"*"1.1.0"* ]]
}

@test "an unknown command is refused with code 4" {
    refused 4 FOO <<<"$(conf none)"
    [[ "$output" == *FOO* ]]
}

@test "each verb needs its own variables and names all that are missing" {
    local command required variable
    while read -r command required; do
        for variable in CNI_CONTAINERID CNI_NETNS CNI_IFNAME CNI_PATH; do
            run --separate-stderr call "$command" none "$variable=" <<<"x"
            if [[ " $required " == *" $variable "* ]]; then
                expect_error 4
                expect "$command names $variable: $output" grep -q "$variable" <<<"$output"
            else
                expect_error 6 # went on to stdin
            fi
        done
    done <<'END'
ADD CNI_CONTAINERID CNI_NETNS CNI_IFNAME CNI_PATH
DEL CNI_CONTAINERID CNI_IFNAME CNI_PATH
CHECK CNI_CONTAINERID CNI_NETNS CNI_IFNAME CNI_PATH
GC CNI_PATH
STATUS CNI_PATH
END
    refused 4 ADD CNI_CONTAINERID= CNI_IFNAME= CNI_NETNS= </dev/null
    [[ "$output" == *"[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME]"* ]]
}

@test "bad container ids and interface names are refused with code 4" {
    local bad
    for bad in ../x -a a/b "a b" "$(printf 'a%.0s' {1..128})" $'a\xff'; do
        refused 4 ADD CNI_CONTAINERID="$bad" <<<"$(conf none)"
    done
    for bad in 1234567890123456 . .. a/b a:b "a b"; do
        refused 4 ADD CNI_IFNAME="$bad" <<<"$(conf none)"
    done
}

@test "stdin that is no JSON object, cut, nested without end or too large is refused with code 6" {
    local text
    for text in "" x "[]" null '{"name":' "$(conf none | head -c 100)" "$(printf '[%.0s' {1..5000})"; do
        refused 6 ADD <<<"$text"
    done
    refused 6 ADD < <(printf '{"name":"n","x":"%01048576d"}' 0)
    [[ "$output" == *"1 MiB"* ]]
    refused 6 ADD < <(printf '\377\376{}')
}

@test "a missing or bad name is refused with code 7" {
    refused 7 ADD <<<"$(conf none 'del(.name)')"
    refused 7 ADD <<<"$(conf none '.name = "a/b"')"
    refused 7 ADD <<<"$(conf none '.name = 7')"
}

@test "versions we do not speak are refused with code 1 and the list of those we do" {
    local filter
    for filter in 'del(.cniVersion)' "$(at 0.2.0)" "$(at 9.9.9)"; do
        refused 1 ADD <<<"$(conf none "$filter")"
        [[ "$(jq -r .details <<<"$output")" == *"0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0"* ]]
    done
}

@test "CHECK, GC and STATUS are refused where the configuration's version has none" {
    refused 1 CHECK <<<"$(conf none "$(at 0.3.1)")"
    refused 1 GC <<<"$(conf none "$(at 1.0.0)")"
    refused 1 STATUS <<<"$(conf none "$(at 1.0.0)")"
    [[ "$output" == *"does not allow STATUS"* ]]
}

@test "ADD and CHECK without prevResult are refused with code 7" {
    refused 7 ADD <<<"$(conf none 'del(.prevResult)')"
    refused 7 ADD <<<"$(conf none '.prevResult = null')"
    refused 7 CHECK <<<"$(conf none 'del(.prevResult)')"
}

@test "a prevResult of another family of versions or with wrong types is refused with code 6" {
    refused 6 ADD <<<"$(conf none '.cniVersion = "0.4.0"')"
    refused 6 ADD <<<"$(conf none '.prevResult.cniVersion = "0.2.0"')"
    refused 6 ADD <<<"$(conf none '.prevResult = "x"')"
    refused 6 ADD <<<"$(conf none '.prevResult.interfaces = {}')"
    refused 6 ADD <<<"$(conf none '.prevResult.ips[0].address = 7')"
    refused 6 ADD <<<"$(conf none '.runtimeConfig = "x"')"
}

@test "a bad value of a known key is refused with code 7, naming key, value and what is allowed" {
    refused 7 ADD <<<"$(conf none '.failurePolicy = "maybe"')"
    [[ "$(jq -r .msg <<<"$output")" == 'failurePolicy: "maybe" is invalid; expected "Fail" or "Ignore"' ]]
    refused 7 ADD <<<"$(conf none '.nonVeth = 1')"
    refused 7 ADD <<<"$(conf none '.bpffs = "relative"')"
    refused 7 ADD <<<"$(conf none '.exemptNamespaces = [1]')"
}

@test "an unreadable stdin is refused with code 5" {
    refused 5 ADD 0<"$BATS_TEST_DIRNAME"
}

@test "CNI_ARGS that could escape a path are refused with code 4" {
    refused 4 ADD CNI_ARGS="K8S_POD_UID=../../x" <<<"$(conf none)"
    refused 4 ADD CNI_ARGS="K8S_POD_NAME=a/b" <<<"$(conf none)"
    refused 4 ADD CNI_ARGS="K8S_POD_UID=$(printf 'a%.0s' {1..4096})" <<<"$(conf none)"
}

@test "the plugin's own namespace, what is none and what is missing are refused with code 8" {
    local path
    for path in /proc/self/ns/net /proc/self/ns/mnt /dev/null /nonexistent; do
        fail_with 8 ADD none CNI_NETNS="$path" <<<"$(conf none)"
    done
}

@test "the example configurations end with an entry that we accept" {
    local file
    for file in "$NSP_ROOT"/conf/*.conflist; do
        # Code 8 comes when everything before has been accepted.
        refused 8 ADD <<<"$(jq '. as $list | .plugins[-1] + {cniVersion, name, prevResult: {}}
            | if .type != "nsp" or .capabilities.cgroupPath != true then error else . end' "$file")"
    done
}
