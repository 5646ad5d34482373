#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does to a list of CNI plugins what a runtime's libcni does: runs them in order with the previous one's result, in
# reverse for DEL with the cached result, and stops at the first error. What it leaves out: retries, and the cache's
# copy of the configuration.
set -euo pipefail

usage() {
    cat >&2 <<'END'
usage: cni-chain.sh ADD|DEL|CHECK CONFLIST CONTAINER_ID NETNS IFNAME
       cni-chain.sh STATUS|GC CONFLIST

Prints the last plugin's result, or the error object of the one that failed. Environment: CNI_PATH (where plugins are),
CNI_ARGS (K=V;K=V), CAP_ARGS (JSON: what the runtime offers for capabilities), CNI_CACHE_DIR (results of ADD),
VALID_ATTACHMENTS (JSON, for GC).
END
    exit 2
}

fail() {
    jq -cn --arg version "$version" --arg msg "$1" '{cniVersion: $version, code: 999, msg: $msg}'
    exit 1
}

find_plugin() {
    local folder folders
    IFS=: read -ra folders <<<"$CNI_PATH"
    for folder in "${folders[@]}"; do
        if [[ -x $folder/$1 ]]; then
            echo "$folder/$1"
            return 0
        fi
    done
    return 1
}

# Prints the stdin of plugin number $1, given the previous result or null.
plugin_config() {
    jq -c --argjson index "$1" --argjson previous "$2" --argjson offered "${CAP_ARGS:-null}" \
        --argjson valid "${VALID_ATTACHMENTS:-null}" --arg command "$command" '
        .cniVersion as $version | .name as $name | .plugins[$index] as $plugin
        | (($plugin.capabilities // {}) | with_entries(select(.value == true)) | keys) as $wanted
        | (($offered // {}) | with_entries(select(.key | IN($wanted[])))) as $runtime
        | $plugin | del(.capabilities)
        | . + {cniVersion: $version, name: $name}
        | if $runtime != {} then .runtimeConfig = $runtime else . end
        | if $previous != null then .prevResult = $previous else . end
        | if $command == "GC" and $valid != null
          then . + {"cni.dev/valid-attachments": $valid, "cni.dev/attachments": $valid} else . end
    ' "$conflist"
}

# Runs plugin number $1; its output in $output.
run_plugin() {
    local type path config rc=0
    type=$(jq -r --argjson index "$1" '.plugins[$index].type' "$conflist")
    path=$(find_plugin "$type") || fail "failed to find plugin \"$type\" in path [$CNI_PATH]"
    config=$(plugin_config "$1" "$2")
    output=$(CNI_COMMAND=$command CNI_CONTAINERID=$container CNI_NETNS=$netns CNI_IFNAME=$ifname \
        CNI_ARGS=${CNI_ARGS:-} CNI_PATH=$CNI_PATH "$path" <<<"$config") || rc=$?
    [[ $rc == 0 ]] && return 0
    [[ -n $output ]] || fail "plugin type=\"$type\" failed ($command): no error message, exit status $rc"
    printf '%s\n' "$output"
    exit 1
}

version_at_least() {
    [[ $(printf '%s\n' "$1" "$version" | sort -V | head -n 1) == "$1" ]]
}

cached() {
    if version_at_least 0.4.0 && [[ -s $cache ]]; then
        cat "$cache"
    else
        echo null
    fi
}

add() {
    local index previous=null
    for ((index = 0; index < count; index++)); do
        run_plugin "$index" "$previous"
        previous=$output
    done
    mkdir -p "${cache%/*}"
    printf '%s\n' "$previous" | tee "$cache"
}

delete() {
    local index previous
    previous=$(cached)
    for ((index = count - 1; index >= 0; index--)); do
        run_plugin "$index" "$previous"
    done
    rm -f "$cache"
}

check() {
    local index previous
    version_at_least 0.4.0 || fail "configuration version \"$version\" does not support CHECK command"
    [[ $(jq -r '.disableCheck // false' "$conflist") == false ]] || return 0
    previous=$(cached)
    [[ $previous != null ]] || fail "cannot check $container: no cached result"
    for ((index = 0; index < count; index++)); do
        run_plugin "$index" "$previous"
    done
}

each() {
    local index
    version_at_least 1.1.0 || return 0
    for ((index = 0; index < count; index++)); do
        run_plugin "$index" null
    done
}

[[ $# -ge 2 ]] || usage
command=$1 conflist=$2 container=${3:-} netns=${4:-} ifname=${5:-}
: "${CNI_PATH:=/opt/cni/bin:/usr/lib/cni}"
version=$(jq -r '.cniVersion // "0.1.0"' "$conflist")
count=$(jq '.plugins | length' "$conflist")
cache=${CNI_CACHE_DIR:-/run/nsp-cni-chain}/$(jq -r .name "$conflist")-$container-$ifname
case $command in
ADD) [[ $# == 5 ]] || usage && add ;;
DEL) [[ $# == 5 ]] || usage && delete ;;
CHECK) [[ $# == 5 ]] || usage && check ;;
STATUS | GC) each ;;
*) usage ;;
esac
