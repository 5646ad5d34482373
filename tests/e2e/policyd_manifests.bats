#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policyd and its folder of manifests: what is read and when, what stays where a file or the folder is not whole.
bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/policyd.bash"

@test "a changed file is in force, once it is written to its end" {
    pod >"$MANIFESTS/pod.yaml"
    profile one alert >"$MANIFESTS/one.yaml"
    policyd_up
    profile one enforce >"$MANIFESTS/one.yaml"
    wait_for 5 mode_is one enforce
    wait_for 5 status_is .policies.written 2
    # Half of a file, still open: not read. Another file's change shows that its events were seen.
    exec {half}>"$MANIFESTS/one.yaml"
    profile one ignore | head -n 4 >&"$half"
    profile other alert >"$MANIFESTS/other.yaml"
    wait_for 5 mode_is other alert
    mode_is one enforce
    profile one ignore | tail -n +5 >&"$half"
    exec {half}>&-
    wait_for 5 mode_is one ignore
    profile one alert >"$NSP_TMP/new"
    mv "$NSP_TMP/new" "$MANIFESTS/one.yaml"
    wait_for 5 mode_is one alert
}

@test "the same content again is not written again" {
    pod >"$MANIFESTS/pod.yaml"
    profile one alert >"$MANIFESTS/one.yaml"
    policyd_up
    revision=$(status .policies.last_revision)
    profile one alert >"$MANIFESTS/one.yaml"
    # As editors save: away with the old, then the new under the same name.
    mv "$MANIFESTS/one.yaml" "$MANIFESTS/one.yaml~"
    profile one alert >"$MANIFESTS/one.yaml"
    profile last alert >"$MANIFESTS/z.yaml"
    wait_for 5 mode_is last alert
    # Only the policy of both, which is another one.
    [[ $(status .policies.last_revision) == $((revision + 1)) ]]
}

@test "a manifest that is refused leaves what was in force, and says why" {
    pod >"$MANIFESTS/pod.yaml"
    profile one alert >"$MANIFESTS/one.yaml"
    policyd_up
    revision=$(status .policies.last_revision)
    profile one enforce | sed 's/tcp/tpc/' >"$MANIFESTS/one.yaml"
    wait_for 5 status_is '.problems | length' 1
    status '.problems[0].text' | grep -q 'protocol'
    mode_is one alert
    status_is .profiles.refused 1
    echo "spec: [" >"$MANIFESTS/one.yaml"
    wait_for 5 status_is '.problems[0].origin' "$MANIFESTS/one.yaml"
    mode_is one alert
    [[ $(status .policies.last_revision) == "$revision" ]]
    profile one enforce >"$MANIFESTS/one.yaml"
    wait_for 5 status_is '.problems | length' 0
    mode_is one enforce
}

@test "of two files with one name the second is refused, and promoted when the first goes" {
    profile one alert >"$MANIFESTS/a.yaml"
    profile one enforce >"$MANIFESTS/b.yaml"
    policyd_up
    mode_is one alert
    status '.problems[0].text' | grep -q 'already defined by a.yaml#1'
    rm "$MANIFESTS/a.yaml"
    wait_for 5 mode_is one enforce
    status_is '.problems | length' 0
}

@test "a ConfigMap volume changes all at once" {
    mkdir "$MANIFESTS/..1" "$MANIFESTS/..2"
    profile one alert >"$MANIFESTS/..1/one.yaml"
    profile one enforce >"$MANIFESTS/..2/one.yaml"
    profile two enforce >"$MANIFESTS/..2/two.yaml"
    ln -s ..1 "$MANIFESTS/..data"
    ln -s ..data/one.yaml "$MANIFESTS/one.yaml"
    policyd_up
    mode_is one alert
    ln -s ..2 "$MANIFESTS/..data_tmp"
    mv -T "$MANIFESTS/..data_tmp" "$MANIFESTS/..data"
    ln -s ..data/two.yaml "$MANIFESTS/two.yaml"
    wait_for 5 mode_is one enforce
    wait_for 5 mode_is two enforce
}

@test "a folder that goes keeps what it had brought; one that comes back is read" {
    profile one alert >"$MANIFESTS/one.yaml"
    policyd_up
    mv "$MANIFESTS" "$MANIFESTS.away"
    wait_for 5 status_is '.problems | length' 1
    mode_is one alert
    mkdir "$NSP_TMP/new"
    profile two enforce >"$NSP_TMP/new/two.yaml"
    ln -s "$NSP_TMP/new" "$MANIFESTS"
    wait_for 5 mode_is two enforce
    wait_for 5 mode_is one ""
    status_is '.problems | length' 0
}

problem_is() {
    status_is '[.problems[] | "\(.origin): \(.text)"] | join(" ")' "$1"
}

emptied="empty; what it had brought stays in force: to remove a profile delete the file"

@test "a file that is emptied keeps what it had brought, one that is deleted does not" {
    profile one enforce >"$MANIFESTS/one.yaml"
    policyd_up
    : >"$MANIFESTS/one.yaml"
    wait_for 5 problem_is "$MANIFESTS/one.yaml: $emptied"
    mode_is one enforce
    rm "$MANIFESTS/one.yaml"
    wait_for 5 mode_is one ""
    status_is '.problems | length' 0
}

@test "a save that finds the disk full opens nothing" {
    mount -t tmpfs -o size=64k none "$MANIFESTS"
    on_exit "umount -l $MANIFESTS"
    profile one enforce >"$MANIFESTS/one.yaml"
    policyd_up
    head -c 64k /dev/zero >"$MANIFESTS/fill" || true
    : >"$MANIFESTS/one.yaml"
    head -c 64k /dev/zero >"$MANIFESTS/more" || true
    if profile one enforce >"$MANIFESTS/one.yaml"; then
        false
    fi
    wait_for 5 problem_is "$MANIFESTS/one.yaml: $emptied"
    [[ ! -s $MANIFESTS/one.yaml ]]
    mode_is one enforce
    rm "$MANIFESTS/fill" "$MANIFESTS/more"
    profile one alert >"$MANIFESTS/one.yaml"
    wait_for 5 mode_is one alert
    status_is '.problems | length' 0
}

@test "what a file leaves out goes, unless the rest of it comes in a moment" {
    profiles() { profile one enforce && echo --- && profile two enforce; }
    profiles >"$MANIFESTS/both.yaml"
    policyd_up
    for _ in {1..5}; do
        profile one enforce >"$MANIFESTS/both.yaml"
        profiles >"$MANIFESTS/both.yaml"
    done
    profile last alert >"$MANIFESTS/z.yaml"
    wait_for 5 mode_is last alert
    mode_is two enforce
    profile one enforce >"$MANIFESTS/both.yaml"
    mode_is two enforce
    wait_for 5 mode_is two ""
    mode_is one enforce
}

@test "a folder that is replaced forgets nothing before it is filled" {
    profile one enforce >"$MANIFESTS/one.yaml"
    profile two enforce >"$MANIFESTS/two.yaml"
    cp -r "$MANIFESTS" "$NSP_TMP/copy"
    policyd_up
    rm -rf "$MANIFESTS"
    mkdir "$MANIFESTS"
    wait_for 5 problem_is "$MANIFESTS: replaced by an empty folder; what was in force stays: write the manifests there"
    mode_is one enforce
    cp "$NSP_TMP/copy/two.yaml" "$MANIFESTS"
    mode_is one enforce
    cp "$NSP_TMP/copy/one.yaml" "$MANIFESTS"
    wait_for 5 status_is '.problems | length' 0
    mode_is one enforce
    mode_is two enforce
    # Emptied file by file is another thing.
    rm "$MANIFESTS"/*
    wait_for 5 mode_is one ""
    mode_is two ""
}

@test "what is no file is refused at once" {
    mkfifo "$MANIFESTS/at-start.yaml"
    policyd_up
    status '.problems[0].text' | grep -q '^not a regular file; a manifest is a file or a link to one'
    mkfifo "$MANIFESTS/later.yaml"
    mkdir "$MANIFESTS/folder.yaml"
    wait_for 5 status_is '[.problems[].origin] | join(" ")' \
        "$MANIFESTS/at-start.yaml $MANIFESTS/folder.yaml $MANIFESTS/later.yaml"
    rmdir "$MANIFESTS/folder.yaml"
    rm "$MANIFESTS"/*.yaml
    wait_for 5 status_is '.problems | length' 0
    policyd_kill TERM
}
