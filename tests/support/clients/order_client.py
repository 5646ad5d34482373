# SPDX-License-Identifier: Apache-2.0
"""Both ends of connections that depend on the order of things: what is cut small, slow, old, or changes on its way.

    order_client.py chunks HOST PORT COUNT TARGET   so many chunks of a byte and a request in one segment: the outcome
    order_client.py keep HOST PORT                  requests over one connection, a line for each answer, then its end
    order_client.py download HOST PORT              a TLS hello, a line for each piece that comes, then its end
    order_client.py drip PORT                       the server for that: hears a hello, then sends a byte at a time
    order_client.py hold udp|tcp PORT FLAG          takes one message, reads it once the file FLAG exists, prints it
    order_client.py swap udp|tcp HOST PORT ONE TWO  sends ONE from the pages of a file, then writes TWO over them; by
                                                    UDP in a query for that name, by TCP as a request for that target
    order_client.py resolver PORT                   answers each query, with nothing in the answer
    order_client.py ask HOST PORT NAME              `answer`, or what came instead
"""
import errno
import os
import socket
import ssl
import sys
import tempfile
import time

TIMEOUT_S = 3
PACE_S = 0.02         # between the pieces of a slow sender
WARM_UP = 4_000_000   # bytes, after which the congestion window takes 64 KiB at once
LONGEST_S = 30        # whatever happens, nobody waits longer


def say(text):
    print(text, flush=True)


def name_of(error):
    return "TIMEOUT" if isinstance(error, socket.timeout) else errno.errorcode.get(error.errno, str(error))


def connect(host, port):
    sock = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def listener(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", int(port)))
    sock.listen()
    return sock


def udp_server(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("0.0.0.0", int(port)))
    return sock


def request(method, target, *headers):
    return "\r\n".join(["%s %s HTTP/1.1" % (method, target), "Host: h", *headers, "", ""]).encode()


def query(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + labels + b"\0\0\x01\0\x01"


def hello():
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing := ssl.MemoryBIO(), server_hostname="a.test")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def read_answers(sock, count):
    """Until so many answers have begun; the server sends each at once."""
    data = b""
    while data.count(b"HTTP/1.1 200") < count:
        got = sock.recv(65536)
        if not got:
            raise OSError(0, "EOF")
        data += got


def chunks(host, port, count, target):
    sock = connect(host, port)
    sock.sendall(request("POST", "/post", "Content-Length: %d" % WARM_UP) + b"x" * WARM_UP)
    read_answers(sock, 1)
    body = b"1\r\nX\r\n" * int(count) + b"0\r\n\r\n"
    try:
        sock.sendall(request("POST", "/post", "Transfer-Encoding: chunked") + body + request("GET", target))
        read_answers(sock, 2)
        say("answered")
    except OSError as error:
        say(name_of(error))


def keep(host, port):
    sock = connect(host, port)
    deadline = time.monotonic() + LONGEST_S
    try:
        while time.monotonic() < deadline:
            sock.sendall(request("GET", "/task"))
            read_answers(sock, 1)
            say("answer")
            time.sleep(PACE_S)
    except OSError as error:
        say(name_of(error))


def download(host, port):
    sock = connect(host, port)
    sock.sendall(hello())
    try:
        while sock.recv(4096):
            say("piece")
        say("EOF")
    except OSError as error:
        say(name_of(error))


def drip(port):
    """One client after the other, each until it has gone."""
    server = listener(port)
    say("ready")
    while True:
        sock, _ = server.accept()
        try:
            sock.recv(65536)
            while True:
                sock.sendall(b"x")
                time.sleep(PACE_S)
        except OSError:
            sock.close()


def hold(protocol, port, flag):
    server = udp_server(port) if protocol == "udp" else listener(port)
    say("ready")
    sock = server if protocol == "udp" else server.accept()[0]
    deadline = time.monotonic() + LONGEST_S
    while not os.path.exists(flag) and time.monotonic() < deadline:
        time.sleep(PACE_S)
    sock.settimeout(TIMEOUT_S)
    try:
        say("read %r" % sock.recv(65536))
    except OSError as error:
        say("read %s" % name_of(error))


def swap(protocol, host, port, one, two):
    if protocol == "udp":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((host, int(port)))
        first, second = query(one), query(two)
    else:
        sock = connect(host, port)
        first, second = request("GET", one), request("GET", two)
    assert len(first) == len(second)
    with tempfile.TemporaryFile(dir="/tmp") as file:
        file.write(first)
        file.flush()
        reader, writer = os.pipe()
        os.splice(file.fileno(), writer, len(first), offset_src=0)
        os.splice(reader, sock.fileno(), len(first))
        os.pwrite(file.fileno(), second, 0)
    say("swapped")


def resolver(port):
    sock = udp_server(port)
    say("ready")
    while True:
        asked, asker = sock.recvfrom(512)
        sock.sendto(asked[:2] + b"\x81\x80" + asked[4:], asker)


def ask(host, port, name):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(TIMEOUT_S)
    sock.connect((host, int(port)))
    try:
        sock.send(query(name))
        sock.recv(512)
        say("answer")
    except OSError as error:
        say(name_of(error))


VERBS = {verb.__name__: verb for verb in (chunks, keep, download, drip, hold, swap, resolver, ask)}
VERBS[sys.argv[1]](*sys.argv[2:])
