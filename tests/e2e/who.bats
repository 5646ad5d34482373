#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who asks: programs that pretend to be a listed one, or get at its sockets, and calls that go around connect().
source "$BATS_TEST_DIRNAME/lib.bash"
source "$BATS_TEST_DIRNAME/peers.bash"

RACES=${NSP_RACES:-100000} # connects against a rename that goes on

setup_file() {
    node_up
    peers_up
    host_image_up
    host_pod_up client /usr/bin/other serve 7999
    client_profile
    # The path of a program in this one lies in one mount, the root, as it does in most containers.
    pods_image_writable writable host
    pod_manifest writer >"$PODS_MANIFESTS/pod-writer.yaml"
    pod_create writer
    container_start writer/main writable /usr/bin/other serve 7999
    moving_profile
}

teardown_file() {
    peers_down
    node_down
}

# client_profile [SPEC-OF-BLOCKS]: what is listed may reach port 7000 of one peer.
client_profile() {
    local path
    {
        echo "  processes:"
        for path in /usr/bin/probe /usr/bin/spoof /tmp/probe "$PYTHON"; do
            cat <<END
    - path: $path
      ${1:-# }
      network:
        egress:
          cidr4: [10.99.1.1/32, 10.88.0.2/32]
          l3: {protocols: [ipv4]}
          l4: {protocolPorts: [{protocol: tcp, port: 7000}, {protocol: udp, port: 7000}]}
END
        done
    } | profile client
}

setup() {
    events_watch
}

untrusted() {
    events_expect '.reason == "untrusted_binary" and .flow.verdict == "DROPPED"'
}

@test "T70: a process that has set its executable to a listed one by prctl is not believed" {
    rows client <<END
spoof-b exe /usr/bin/probe 10.99.1.1 7000 | connect EPERM
probe tcp 10.99.1.1 7000                  | ok
END
    untrusted
}

@test "T71: a listed path in a mount namespace of one's own, by bind mount, tmpfs or chroot, is not believed" {
    local got
    got=$(container_exec client/main /bin/busybox unshare -Urm /bin/busybox sh -c \
        '/bin/busybox mount -o bind /usr/bin/other /usr/bin/probe && exec /usr/bin/probe tcp 10.99.1.1 7000')
    [[ $got == "connect EPERM" ]] || { echo "$got" && false; }
    untrusted
    got=$(container_exec client/main /bin/busybox unshare -Urm /bin/busybox sh -c '
        cp /usr/bin/other /tmp/evil && /bin/busybox mount -t tmpfs none /opt && mkdir -p /opt/usr/bin &&
        cp /tmp/evil /opt/usr/bin/probe && exec /bin/busybox chroot /opt /usr/bin/probe tcp 10.99.1.1 7000')
    [[ $got == "connect EPERM" ]] || { echo "$got" && false; }
    # A jail's programs have their whole path.
    got=$(container_exec client/main /bin/busybox sh -c '
        mkdir -p /tmp/jail/usr/bin && cp /usr/bin/probe /tmp/jail/usr/bin/probe &&
        exec /bin/busybox chroot /tmp/jail /usr/bin/probe tcp 10.99.1.1 7000')
    [[ $got == "connect EPERM" ]] || { echo "$got" && false; }
    events_expect '.process.binary == "/tmp/jail/usr/bin/probe" and .reason == "unknown_binary"'
}

@test "T72: a memfd, and a file that was unlinked under the process, are not believed" {
    rows client <<END
spoof-b memfd /usr/bin/probe tcp 10.99.1.1 7000 | connect EPERM
END
    untrusted
    local log=$PODS_DIR/unlinked
    container_exec client/main /bin/busybox cp /usr/bin/other /tmp/probe
    container_exec client/main /tmp/probe loop 20 ok tcp 10.99.1.1 7000 </dev/null >"$log" 2>&1 &
    wait_for 5 grep -q ok "$log"
    container_exec client/main /bin/busybox rm /tmp/probe
    wait_for 5 grep -q 'connect EPERM' "$log"
    container_kill client TERM loop
}

@test "T73: imageOnly refuses what was written into the container, at a listed path too" {
    container_exec client/main /bin/busybox cp /usr/bin/other /tmp/probe
    rows client <<END
/tmp/probe tcp 10.99.1.1 7000     | ok
END
    client_profile 'imageOnly: true'
    on_exit client_profile
    rows client <<END
/tmp/probe tcp 10.99.1.1 7000     | connect EPERM
/usr/bin/probe tcp 10.99.1.1 7000 | ok
END
    events_expect '.reason == "not_image" and .process.binary == "/tmp/probe"'
}

@test "T74: a copy or a link of a listed program at another path is another program" {
    container_exec client/main /bin/busybox sh -c 'cp /usr/bin/probe /tmp/copy && ln /tmp/copy /tmp/link'
    rows client <<END
/tmp/copy tcp 10.99.1.1 7000 | connect EPERM
/tmp/link tcp 10.99.1.1 7000 | connect EPERM
END
    events_expect '.reason == "unknown_binary" and .process.binary == "/tmp/copy"'
    # A symbolic link leads to the program itself.
    container_exec client/main /bin/busybox ln -s /usr/bin/probe /tmp/symlink
    rows client <<END
/tmp/symlink tcp 10.99.1.1 7000 | ok
END
}

@test "T75: a path that is too deep or too long to be told whole is none, though its end is listed" {
    local got
    # shellcheck disable=SC2016
    got=$(container_exec client/main /bin/busybox sh -c '
        deep=/tmp; i=0; while [ $i -lt 40 ]; do deep=$deep/d; i=$((i + 1)); done
        long=/tmp; i=0; name=$(printf "%0200d" 0); while [ $i -lt 4 ]; do long=$long/$name; i=$((i + 1)); done
        for top in $deep $long; do
            mkdir -p $top/usr/bin && cp /usr/bin/probe $top/usr/bin/probe && $top/usr/bin/probe tcp 10.99.1.1 7000
        done')
    [[ $got == $'connect EPERM\nconnect EPERM' ]] || { echo "$got" && false; }
    untrusted
}

@test "T79: a file that is renamed while its path is read is never taken for one that is at neither place" {
    # It is now /tmp/a/one, now /tmp/b/two; listed are /tmp/a/two and /tmp/b/one.
    profile client <<END
  processes:
    - path: /tmp/a/two
      network: &network {egress: {cidr4: [10.99.1.1/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}}
    - path: /tmp/b/one
      network: *network
END
    on_exit client_profile
    container_exec client/main /bin/busybox sh -c 'mkdir /tmp/a /tmp/b && cp /usr/bin/other /tmp/a/one'
    container_exec client/main "$PYTHON" -c '
import os
while not os.path.exists("/tmp/stop"):
    for i in range(1000):
        os.rename("/tmp/a/one", "/tmp/b/two")
        os.rename("/tmp/b/two", "/tmp/a/one")
print("stopped")' </dev/null >"$PODS_DIR/renamer" 2>&1 &
    local renamer=$!
    until container_exec client/main /tmp/a/one times "$RACES" "connect EPERM" tcp 10.99.1.1 7000 >"$PODS_DIR/race"; do
        kill -0 "$renamer" # it was elsewhere just then
    done
    container_exec client/main /bin/busybox touch /tmp/stop
    wait "$renamer"
    cat "$PODS_DIR/race" "$PODS_DIR/renamer"
    [[ $(tail -n 1 "$PODS_DIR/race") == "runs=$RACES unexpected=0" && $(cat "$PODS_DIR/renamer") == stopped ]]
}

# moving_profile: what a program that moves may do where it is at first, and python as long as it is the image's.
moving_profile() {
    local network='network: {egress: {cidr4: [10.99.1.1/32], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}}}'
    profile writer <<END
  processes:
    - path: /opt/far/here/moves
      $network
    - path: $PYTHON
      imageOnly: true
      $network
END
}

@test "T73 T79: a program that has connected is asked for its path again at its next socket, whatever became of it" {
    local got
    container_exec writer/main /bin/busybox sh -c "mkdir -p /opt/far/here && cp $PYTHON /opt/far/here/moves"
    # Each connection follows the one before it at once: nothing that is kept for a while has had time to expire.
    got=$(container_exec writer/main /bin/busybox env PYTHONHOME=/usr \
        /opt/far/here/moves /opt/e2e/moves.py 10.99.1.1 7000)
    diff - <(echo "$got") <<END
first ok ok
file EPERM ok ok
directory EPERM ok ok
above EPERM ok ok
elsewhere EPERM ok ok
another directory EPERM
back ok
child ok
child EPERM
unlinked EPERM
linked again EPERM
END
}

@test "T73: a program of the image that is written to, if only its mode, is no longer the image's at its next socket" {
    local got
    got=$(container_exec writer/main "$PYTHON" /opt/e2e/moves.py 10.99.1.1 7000 chmod)
    [[ $got == $'ok ok\nEPERM' ]] || { echo "$got" && false; }
}

@test "T30: a socket that another program has made, inherited or passed, connects with the rights of who connects it" {
    rows client <<END
spoof give /usr/bin/spoof 10.99.1.1 7000   | ok
spoof give /usr/bin/spoof-b 10.99.1.1 7000 | connect EPERM
spoof-b pass /usr/bin/spoof 10.99.1.1 7000 | connect EPERM
spoof pass /usr/bin/spoof 10.99.1.1 7000   | ok
END
}

@test "T30: a UDP socket that was passed on is judged by who sends on it to an address" {
    rows client <<END
spoof get /usr/bin/spoof 10.99.1.1 7000   | ok
spoof-b get /usr/bin/spoof 10.99.1.1 7000 | sendto EPERM
END
    events_expect '.reason == "unknown_binary" and .process.binary == "/usr/bin/spoof-b" and .hook == "sendmsg"'
}

@test "T27: io_uring connects as the process that asked, inline and by a worker" {
    rows client <<END
spoof uring 10.99.1.1 7000 inline   | ok
spoof uring 10.99.1.1 7000 worker   | ok
spoof uring 10.99.1.9 7000 inline   | connect EPERM
spoof uring 10.99.1.9 7000 worker   | connect EPERM
spoof-b uring 10.99.1.1 7000 inline | connect EPERM
spoof-b uring 10.99.1.1 7000 worker | connect EPERM
END
    events_expect '.process.binary == "/usr/bin/spoof-b" and .reason == "unknown_binary"'
}

# tricks: `VERB | OUTCOME`
tricks() {
    sed "s#^\([a-z_]*\)#$PYTHON /opt/e2e/tricks.py \1 10.88.0.2 10.88.0.53 7000#" | rows client
}

@test "T17 T23 T24 T25 T26 T33: no call leads around: fast open, sendto, mapped addresses, disconnecting, options" {
    tricks <<END
fastopen_connect     | EPERM
reconnect            | EPERM
udp_other            | EPERM
udp_sweep            | EPERM
mapped_tcp           | EPERM
mapped_udp           | EPERM
mapped_udp_connected | EPERM
bind_to_device       | EPERM
END
}

@test "T19 T20: other protocols and raw sockets bring nothing out" {
    capture_start
    tricks <<END
udplite    | E*
raw_udp    | EPERM
raw_header | EPERM
freebind   | E*
END
    rows client <<END
probe udp 10.88.0.2 7000 | ok
END
    capture_end "$NODE4"
    captured 'udp port 7000' | grep -q 10.88.0.2
    run ! grep . <(captured "host 10.77.0.123 or proto 136 or udp src port 9")
}

@test "T2 T32: whoever enters the pod later is judged: exec into it, and a process from outside in its network" {
    rows client <<END
curl -sS -m 2 http://10.99.1.1:7000/ | *
END
    events_expect '.process.binary == "/usr/bin/curl" and .reason == "unknown_binary"'
    # Its cgroup is not the pod's: no process of the pod owns its socket.
    run nsenter --net="/run/netns/${PODS_ID}client" "$NSP_BUILD/support/e2e-probe" tcp 10.99.1.1 7000
    [[ $output != ok ]]
    events_expect '.reason == "foreign_socket"'
}

# mover_start CMD...: by CMD, a listed program that has a socket, and uses it and a new one once mover_goes says so. Its
# pid goes to $MOVER.
mover_start() {
    GO=$PODS_DIR/go-$BATS_TEST_NUMBER
    rm -f "$GO" "$GO.fifo"
    mkfifo "$GO.fifo"
    "$@" "$PYTHON" -c '
import socket, sys
old = socket.socket()
print("waiting", flush=True)
sys.stdin.readline()
for sock in old, socket.socket():
    sock.settimeout(1)
    try:
        sock.connect(("10.99.1.1", 7000))
        print("connected")
    except OSError as error:
        print(type(error).__name__)' mover <"$GO.fifo" >"$GO.said" 2>&1 3>&- &
    STARTED=$!
    exec {go}>"$GO.fifo"
    wait_for 5 grep -q waiting "$GO.said"
    MOVER=$(pgrep -f "sys.stdin.readline.* mover\$" | tail -n 1)
}

mover_goes() {
    echo go >&"$go"
    exec {go}>&-
    wait "$STARTED"
    cat "$GO.said"
}

@test "T32: who leaves the pod's cgroup leaves its rights; who comes into it brings no socket along" {
    local stray=$PODS_CGROUP/stray
    mkdir -p "$stray"
    mover_start container_exec client/main
    mover_goes
    [[ $(sed 1d "$GO.said" | xargs) == "connected connected" ]]
    mover_start container_exec client/main
    echo "$MOVER" >"$stray/cgroup.procs"
    mover_goes
    [[ $(sed 1d "$GO.said" | tail -n 1) != connected ]]
    events_expect '.reason == "foreign_socket" and .flow.verdict == "DROPPED"'
    mover_start nsenter --net="/run/netns/${PODS_ID}client"
    echo "$MOVER" >"$PODS_CGROUP/client/main/cgroup.procs"
    mover_goes
    [[ $(sed -n 2p "$GO.said") != connected ]]
    rmdir "$stray"
}
