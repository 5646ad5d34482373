#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What policyd says where the kernel keeps its memory from BPF programs. Prints TAP; booted by run.
# boot: -t 120 -a lockdown=confidentiality
# boot: build/policyd
set -u
mkdir /manifests
mount -t securityfs securityfs /sys/kernel/security
grep -q '\[confidentiality\]' /sys/kernel/security/lockdown && echo "ok 1 - the kernel is locked down" ||
    echo "not ok 1 - the kernel is locked down"
output=$(policyd --manifests /manifests --bpffs /sys/fs/bpf/nsp --socket /run/a.sock --cni-socket /run/b.sock 2>&1)
if [[ $? != 0 && $output == *"/sys/kernel/security/lockdown: [confidentiality]"* && ! -e /sys/fs/bpf/nsp ]]; then
    echo "ok 2 - policyd names it and pins nothing"
else
    echo "not ok 2 - policyd names it and pins nothing"
    printf '%s\n' "$output" | sed 's/^/# /'
fi
echo 1..2
