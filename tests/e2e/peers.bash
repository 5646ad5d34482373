# SPDX-License-Identifier: Apache-2.0
# Who the pods of the end-to-end tests talk to: a network namespace behind the node with real resolvers and servers.
# All of 10.99.0.0/16 and fd99::/64 answers there; resolvers have an address each. Processes are ended by pid.
# shellcheck shell=bash

PEERS_SOURCE=$NSP_ROOT/tests/support/peers
DNSMASQ=10.88.0.53 UNBOUND=10.88.0.54 NAMED=10.88.0.55 COREDNS=10.88.0.56 RESPONDER=10.88.0.57 ROGUE=10.88.0.66
PYTHON=$(readlink -f /usr/bin/python3)
export DNSMASQ UNBOUND NAMED COREDNS RESPONDER ROGUE PYTHON

# peers_up: the namespace, its addresses and routes; an echo server on port 7000 of every address.
peers_up() {
    local address
    PEERS_DIR=$PODS_DIR/peers
    mkdir -p "$PEERS_DIR"
    ip netns add "${PODS_ID}peers"
    ip link add peers0 netns "${PODS_ID}node" type veth peer name eth0 netns "${PODS_ID}peers"
    pods_node ip address add 10.88.0.1/16 dev peers0
    pods_node ip address add fd88::1/64 dev peers0 nodad
    pods_node ip link set peers0 up
    peer_ip link set lo up
    for address in 2/16 53/32 54/32 55/32 56/32 57/32 66/32; do
        peer_ip address add "10.88.0.$address" dev eth0
    done
    peer_ip address add fd88::2/64 dev eth0 nodad
    peer_ip link set eth0 up
    peer_ip route add default via 10.88.0.1
    peer_ip -6 route add default via fd88::1
    peer_ip route add local 10.99.0.0/16 dev lo
    peer_ip -6 route add local fd99::/64 dev lo
    pods_node ip route add 10.99.0.0/16 via 10.88.0.2
    pods_node ip -6 route add fd99::/64 via fd88::2
    peer_start echo ready "$NSP_BUILD/support/e2e-probe" serve 7000
}

peer_ip() {
    ip -n "${PODS_ID}peers" "$@"
}

in_peers() {
    nsenter --net="/run/netns/${PODS_ID}peers" "$@"
}

# peer_start NAME WORD CMD...: in the background; returns when its log has the word.
peer_start() {
    local name=$1 word=$2
    shift 2
    setsid nsenter --net="/run/netns/${PODS_ID}peers" "$@" </dev/null >"$PODS_DIR/peers/$name.log" 2>&1 3>&- &
    echo $! >"$PODS_DIR/peers/$name.pid"
    wait_for 20 grep -q -- "$word" "$PODS_DIR/peers/$name.log" || {
        cat "$PODS_DIR/peers/$name.log" >&2
        return 1
    }
}

# peers_down: for teardown_file, before node_down.
peers_down() {
    local file
    for file in "$PODS_DIR"/peers/*.pid; do
        [[ ! -e $file ]] || peer_end "$(basename "$file" .pid)"
    done
}

# Those that fork end with their first process, or with their session.
peer_end() {
    local pid
    pid=$(cat "$PODS_DIR/peers/$1.pid")
    rm -f "$PODS_DIR/peers/$1.pid"
    kill -TERM -- "-$pid" 2>/dev/null || return 0
    wait_for 5 pods_gone "$pid" || kill -KILL -- "-$pid"
}

# --- resolvers --------------------------------------------------------------------------------------------------------
# named knows the zone test; dnsmasq and unbound ask it and remember.
peer_named() {
    local dir=$PODS_DIR/peers/named
    mkdir -p "$dir"
    cp "$PEERS_SOURCE/test.zone" "$dir"
    cat >"$dir/named.conf" <<END
options {
    directory "$dir"; pid-file none; session-keyfile none; managed-keys-directory "$dir"; recursion no;
    listen-on { $NAMED; }; listen-on-v6 { none; }; lock-file none; dnssec-validation no; notify no;
};
controls { };
zone "test" { type primary; file "test.zone"; };
END
    peer_start named 'running$' named -g -n 1 -c "$dir/named.conf"
}

peer_dnsmasq() {
    peer_start dnsmasq 'using nameserver' dnsmasq --keep-in-foreground --log-facility=- --user=root --pid-file= \
        --conf-file=/dev/null --no-hosts --no-resolv --bind-interfaces --listen-address="$DNSMASQ" \
        --except-interface=lo --server="$NAMED"
}

peer_unbound() {
    cat >"$PODS_DIR/peers/unbound.conf" <<END
server:
    interface: $UNBOUND
    access-control: 0.0.0.0/0 allow
    chroot: ""
    username: ""
    pidfile: ""
    directory: "$PODS_DIR/peers"
    use-syslog: no
    verbosity: 1
    module-config: "iterator"
    local-zone: "test." nodefault
forward-zone:
    name: "."
    forward-addr: $NAMED
remote-control:
    control-enable: no
END
    peer_start unbound 'start of service' unbound -d -p -c "$PODS_DIR/peers/unbound.conf"
}

# CoreDNS is built once, from Go modules. Without a Go that can, it is left out, and said so.
peer_coredns() {
    local program=${XDG_CACHE_HOME:-$HOME/.cache}/nsp/coredns
    [[ -x $program ]] || coredns_build "$program" || {
        echo "# no CoreDNS: $(go version 2>&1) cannot build it" >&3
        return 0
    }
    HAS_COREDNS=1
    export HAS_COREDNS
    cat >"$PODS_DIR/peers/Corefile" <<END
.:53 {
    bind $COREDNS
    file $PEERS_SOURCE/test.zone test
}
END
    peer_start coredns 'linux/' "$program" -conf "$PODS_DIR/peers/Corefile"
}

coredns_build() {
    local aside
    mkdir -p "${1%/*}"
    aside=$(mktemp "$1.XXXXXX")
    CGO_ENABLED=0 go -C "$NSP_ROOT/tests/support/coredns" build -ldflags '-s -w' -o "$aside" . &&
        chmod 755 "$aside" && mv "$aside" "$1"
}

# peer_responder NAME ADDRESS: what its names mean stands in responder.py.
peer_responder() {
    peer_start "$1" ready "$PYTHON" "$PEERS_SOURCE/responder.py" "$2" 53
}

# --- servers ----------------------------------------------------------------------------------------------------------
# peer_http [greet:PORT | sink:PORT]...: on ports 80 and 8080 of every address. What it was sent: received.
# shellcheck disable=SC2120
peer_http() {
    : >"$PODS_DIR/peers/received"
    peer_start http ready "$PYTHON" "$PEERS_SOURCE/http_server.py" "$PODS_DIR/peers/received" 80 8080 "${@}"
}

received() {
    LC_ALL=C grep -aqF -- "$1" "$PODS_DIR/peers/received"
}

# received_line TEXT: whether TEXT and the end of its line came.
received_line() {
    LC_ALL=C grep -aqzP -- "\Q$1\E\r\n" "$PODS_DIR/peers/received"
}

# peer_nginx TLS_PORT: HTTP on port 8081, TLS on that; any name is its own.
peer_nginx() {
    local dir=$PODS_DIR/peers/nginx
    nginx_conf "$dir" "$1" >"$PODS_DIR/peers/nginx.conf"
    peer_start nginx 'start worker process' nginx -e stderr -p "$dir" -c "$PODS_DIR/peers/nginx.conf"
}

# nginx_conf FOLDER TLS_PORT
nginx_conf() {
    mkdir -p "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test \
        -addext 'subjectAltName=DNS:*.example.test,DNS:*.test' -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
    cat <<END
daemon off;
user root;
worker_processes 2;
error_log stderr notice;
pid $1/pid;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $1/body; proxy_temp_path $1/proxy; fastcgi_temp_path $1/fastcgi;
    uwsgi_temp_path $1/uwsgi; scgi_temp_path $1/scgi;
    keepalive_requests 100000;
    server {
        listen 8081; listen [::]:8081; listen $2 ssl http2; listen [::]:$2 ssl http2;
        ssl_certificate $1/cert.pem; ssl_certificate_key $1/key.pem;
        location / { return 200 "nginx \$request_method \$request_uri\n"; }
    }
}
END
}

# --- pods -------------------------------------------------------------------------------------------------------------
# host_image_up [PATH=FILE...]: the image host: this machine's programs, and what the tests bring.
# shellcheck disable=SC2120
host_image_up() {
    local clients=$NSP_ROOT/tests/support/clients dir=$PODS_DIR/clients
    mkdir -p "$dir"
    gcc -O2 -o "$dir/fetch-glibc" "$clients/fetch.c"
    musl-gcc -O2 -static -o "$dir/fetch-musl" "$clients/fetch.c"
    pods_image_host host "/usr/bin/probe=$NSP_BUILD/support/e2e-probe" "/usr/bin/other=$NSP_BUILD/support/e2e-probe" \
        "/usr/bin/resolve=$NSP_BUILD/support/e2e-resolve" "/usr/bin/resolve-b=$NSP_BUILD/support/e2e-resolve" \
        "/usr/bin/fetch-glibc=$dir/fetch-glibc" "/usr/bin/fetch-musl=$dir/fetch-musl" \
        "/opt/e2e/fetch.py=$clients/fetch.py" "/opt/e2e/fetch.js=$clients/fetch.js" \
        "/opt/e2e/http_client.py=$clients/http_client.py" "/opt/e2e/tls_client.py=$clients/tls_client.py" \
        "/opt/e2e/packets.py=$clients/packets.py" "/opt/e2e/moves.py=$clients/moves.py" \
        "/opt/e2e/tricks.py=$clients/tricks.py" "/usr/bin/spoof=$NSP_BUILD/support/e2e-spoof" \
        "/usr/bin/spoof-b=$NSP_BUILD/support/e2e-spoof" "$@"
}

# host_pod_up NAME [CMD...]: a pod of this image, which has the programs the machine has.
host_pod_up() {
    pod_manifest "$1" >"$PODS_MANIFESTS/pod-$1.yaml"
    pod_create "$1"
    pod_resolver "$1" "nameserver $DNSMASQ"
    nsenter --net="/run/netns/$PODS_ID$1" sysctl -qw net.ipv4.ping_group_range="0 2147483647"
    container_start "$1/main" host "${@:2}"
    addresses_export "$1"
}

# run_in POD CMD...: in the pod's container, for as long as a person would wait.
run_in() {
    container_exec "$1/main" /usr/bin/timeout 20 "${@:2}"
}

# web_up SED SERVED...: two pods, of which client asks web. There nginx, its configuration changed by SED, and python's
# server, of SERVED as http_server.py has it. What nginx writes lies in the container's own /tmp, its certificate in the
# image.
web_up() {
    local folder=$PODS_DIR/served
    nginx_conf "$folder" 8443 >"$PODS_DIR/nginx.conf"
    sed -i "s#$folder/\(cert\|key\).pem#/opt/e2e/\1.pem#g; s#$folder/#/tmp/#g; $1" "$PODS_DIR/nginx.conf"
    host_image_up "/opt/e2e/nginx.conf=$PODS_DIR/nginx.conf" "/opt/e2e/http_server.py=$PEERS_SOURCE/http_server.py" \
        "/opt/e2e/cert.pem=$folder/cert.pem" "/opt/e2e/key.pem=$folder/key.pem"
    host_pod_up web /usr/sbin/nginx -e stderr -p /tmp -c /opt/e2e/nginx.conf
    host_pod_up client /usr/bin/other serve 7999
    container_start web/python host "$PYTHON" /opt/e2e/http_server.py /tmp/received "${@:2}"
    wait_for 10 grep -q ready "$(container_log web/python)"
}

# served TEXT: whether python's server in the pod web was sent it.
served() {
    container_exec web/python /bin/busybox grep -aqF "$1" /tmp/received
}

# requests [ADDRESS [PORT]]: a table of client's connections on stdin, see http_client.py.
requests() {
    local told
    told=$(container_exec client/main "$PYTHON" /opt/e2e/http_client.py "${1:-10.99.1.1}" "${2:-8080}" table) || true
    echo "$told"
    [[ $told == *" rows, 0 differ" ]]
}

# rows POD: a table on stdin, a row per command, `COMMAND | OUTCOME`; the last line it prints must be the outcome. In a
# command \ is as in printf %b.
rows() {
    local row command want got bad=0
    while IFS= read -r row; do
        [[ -n $row ]] || continue
        read -ra command <<<"${row%|*}"
        read -r want <<<"${row##*|}"
        got=$(container_exec "$1/main" "${command[@]}" </dev/null 2>&1 | tail -n 1) || true
        # shellcheck disable=SC2053
        [[ $got == $want ]] && continue
        echo "${command[*]}: $got, expected: $want"
        bad=1
    done
    ((bad == 0)) || tail -n 5 "${EVENTS:-/dev/null}"
    return "$bad"
}
