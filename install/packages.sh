#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building, testing and the demo need: the one list of packages. Knows Debian and Ubuntu; elsewhere it
# prints the names and leaves the rest to the reader. Quick when nothing is missing: one dpkg-query.
set -euo pipefail

# package: what for. Of a|b any will do; package=command is not needed where that command is there already.
list='
arping: spoofs ARP in tests
bats: tests of everything a shell can see
bind9: resolver of tests
bpftool|linux-tools-generic: links the BPF objects, writes the skeleton; shows what is attached
busybox-static: root filesystem of test containers and of the kernels under test
clang: compiles the BPF programs
clang-format: make check
clang-tidy: make check
containernetworking-plugins: the real bridge, ptp and portmap that our plugin is chained after
cpio: initramfs of the kernels under test
curl: asks the status socket
default-jdk-headless=javac: a resolver and HTTP client of tests
dnsmasq-base: resolver of tests and of the demo
gcc: compiles the programs
golang-go=go: a resolver of tests; builds CoreDNS for them, if it is recent enough
iperf3: load in tests
iproute2: ip, tc, ss: how tests make networks and see what is attached
iptables: portmap and bridge call it
iputils-ping: tests of ICMP
jq: tests read JSON; the CNI chain runner is written in it
kmod: finds the modules of the kernels under test
libbpf-dev: loads BPF programs
libc6-dev: the C library, static too
libclang-rt-14-dev|libclang-rt-dev: runtime of clang sanitizers, for fuzzing
libcmocka-dev: unit tests
libcurl4-openssl-dev: HTTPS to the API server, HTTP of nspctl
libelf-dev: libbpf needs it to link
libevent-dev: event loop and HTTP of policyd
libjansson-dev: JSON
libnl-3-dev: netlink
libnl-route-3-dev: links, netns ids, qdiscs
libyaml-dev: manifests
lld: links BPF objects for clang
llvm: llvm-objdump and llvm-strip for BPF objects
make: the build
musl-tools: the resolver of musl in tests
nftables: the other firewall that tests stand beside
nginx-light|nginx: server of tests
nodejs=node: its resolver and that of c-ares in tests
openssl: certificates of tests
pkg-config: where the libraries are
procps: pgrep, sysctl
python3: scripted clients and servers of tests
python3-scapy: packets nobody should send
python3-yaml: tests make JSON of manifests
qemu-system-x86: boots the kernels under test
runc: runs the containers of the demo and of the end-to-end tests
shellcheck: make check
socat: speaks every protocol in tests
strace: makes system calls of the plugin fail in tests
tcpdump: captures in tests
unbound: resolver of tests
util-linux: unshare, nsenter, flock
wget: a client of tests
xz-utils: packed kernel modules
zlib1g-dev: libelf needs it to link
'

names() {
    sed -n 's/^\([^:]*\):.*/\1/p' <<<"$list"
}

# Prints the packages that are not installed.
missing() {
    local installed entry name
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
    for entry in $(names); do
        [[ $entry != *=* ]] || ! command -v "${entry#*=}" >/dev/null || continue
        entry=${entry%=*}
        for name in ${entry//|/ }; do
            grep -qxF "$name" <<<"$installed" && continue 2
        done
        echo "$entry"
    done
}

# Of alternatives the first that apt knows.
choose() {
    local entry name
    for entry in "$@"; do
        for name in ${entry//|/ }; do
            if apt-cache show "$name" >/dev/null 2>&1; then
                echo "$name"
                continue 2
            fi
        done
        echo "${entry%%|*}"
    done
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "packages.sh: not a Debian or Ubuntu; install what these Debian packages hold:" >&2
    names | sed 's/[|=].*//; s/^/  /' >&2
    exit 1
fi
mapfile -t wanted < <(missing)
[[ ${#wanted[@]} -gt 0 ]] || exit 0
if [[ $(id -u) != 0 ]]; then
    echo "packages.sh: run as root, or install: ${wanted[*]%%|*}" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
mapfile -t wanted < <(choose "${wanted[@]}")
echo "packages.sh: installing ${wanted[*]}"
apt-get install -y -qq --no-install-recommends "${wanted[@]}" </dev/null >/dev/null
