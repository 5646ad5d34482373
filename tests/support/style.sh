#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that no other tool checks. Prints file:line: what, and fails if there was anything.
# `style.sh --list-shell` prints the shell files, for shellcheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

max_file=400 max_function=60 max_columns=120
broken=false

say() {
    echo "$1"
    broken=true
}

# What is, or would be, in the repository; in an unpacked archive, everything that is not built.
list_files() {
    if [[ -e .git ]]; then
        git ls-files -co --exclude-standard
    else
        find . -type f -not -path './build*' | sed 's|^\./||'
    fi
}

is_shell() {
    [[ $1 =~ \.(sh|bash|bats)$ ]] || head -n 1 "$1" 2>/dev/null | tr -d '\0' | grep -qE '^#!.*\b(bash|sh|bats)\b'
}

is_source() {
    [[ $1 == *.[ch] || $1 == Makefile ]] || is_shell "$1"
}

check_file() {
    local file=$1 lines
    lines=$(wc -l <"$file")
    ((lines <= max_file)) || say "$file:$lines: over $max_file lines; split it by meaning"
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: ' || say "$file:1: no SPDX line at the top"
    check_functions "$file"
    report "$file" "over $max_columns columns" ".{$((max_columns + 1))}"
    report "$file" "blanks at the end of the line" '[[:blank:]]$'
    [[ $file == tests/support/style.sh ]] && return
    # shellcheck disable=SC2016
    report "$file" "an open end without an issue" '\b(TODO|FIXME|XXX)\b' '\(#[0-9]+\)|XXXXXX'
    report "$file" "bpf_printk" '\bbpf_(trace_)?printk\b'
    check_license "$file"
    [[ $file == tests/* && $file != tests/support/env.bash ]] || return 0
    report "$file" "a test waits for a condition (wait_for), not for time" \
        '(^|[^-._[:alnum:]])(u|nano)?sleep( +[0-9$"]|\()' 'sleep (infinity|[0-9]{3,})'
}

# report FILE WHAT PATTERN [EXCEPT]
report() {
    local found
    found=$(grep -nE -e "$3" "$1" | grep -vE -e "${4:-^$}" | sed "s|^\([0-9]*\):.*|$1:\1: $2|" || true)
    [[ -z $found ]] || say "$found"
}

# The kernel takes our BPF code as GPL; everything else is Apache-2.0.
check_license() {
    local expected=Apache-2.0
    [[ $1 == *.bpf.c ]] && expected='GPL-2.0-only OR BSD-2-Clause'
    [[ $1 == *.h ]] && expected='(Apache-2.0|GPL-2.0-only OR BSD-2-Clause)'
    head -n 3 "$1" | grep -qE "SPDX-License-Identifier: $expected( |\$)" || say "$1:1: the licence here is $expected"
}

# A function begins at `{` (C) or `name() {` or `@test ... {` (shell) in the first column and ends at `}` there.
check_functions() {
    local found
    found=$(awk -v max="$max_function" -v file="$1" '
        /^\{/ || /^[a-z_][a-z_0-9]*\(\) *\{$/ || /^@test .*\{$/ { start = NR }
        /^}/ && start {
            size = NR - start - 1
            if (size > max) print file ":" start ": a function of " size " lines; " max " is the limit"
            start = 0
        }' "$1")
    [[ -z $found ]] || say "$found"
}

if [[ ${1:-} == --list-shell ]]; then
    list_files | while read -r file; do
        [[ -f $file ]] && is_shell "$file" && echo "$file"
    done || true
    exit 0
fi
while read -r file; do
    [[ -f $file ]] || continue
    is_source "$file" && check_file "$file"
done < <(list_files)
! $broken
