# SPDX-License-Identifier: Apache-2.0
"""Ways around a rule that only looks at connect(): each tries to get a datagram or a connection to BAD by way of what is
allowed for GOOD. Prints `ok`, or the call's errno.

    tricks.py VERB GOOD BAD PORT
"""
import errno
import os
import socket
import struct
import sys

TIMEOUT_S = 1
IPPROTO_UDPLITE, IPPROTO_SCTP, TCP_FASTOPEN_CONNECT, IP_FREEBIND, SO_BINDTODEVICE = 136, 132, 30, 15, 25


def tcp(family=socket.AF_INET):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(TIMEOUT_S)
    return sock


def udp(family=socket.AF_INET):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(TIMEOUT_S)
    return sock


def echo(sock):
    sock.send(b"echo\n")
    sock.recv(16)


def fastopen_connect(good, bad, port):
    """The SYN waits for data: connect() itself sends nothing."""
    sock = tcp()
    sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
    sock.connect((bad, port))
    echo(sock)


def reconnect(good, bad, port):
    """AF_UNSPEC takes a connected socket back."""
    sock = tcp()
    sock.connect((good, port))
    disconnect(sock)
    sock.connect((bad, port))
    echo(sock)


def disconnect(sock):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(sock.fileno(), struct.pack("=H14x", socket.AF_UNSPEC), 16) < 0:
        raise OSError(ctypes.get_errno(), "")


def udp_other(good, bad, port):
    """Connected to one, sent to another."""
    sock = udp()
    sock.connect((good, port))
    sock.sendto(b"echo\n", (bad, port))
    sock.recv(16)


def udp_sweep(good, bad, port):
    """Each datagram of an unconnected socket goes elsewhere."""
    sock = udp()
    for last in range(100, 130):
        try:
            sock.sendto(b"echo\n", (bad.rsplit(".", 1)[0] + ".%d" % last, port))
            return
        except PermissionError:
            sock.sendto(b"echo\n", (good, port))
    raise PermissionError(errno.EPERM, "")


def mapped_tcp(good, bad, port):
    sock = tcp(socket.AF_INET6)
    sock.connect(("::ffff:" + bad, port))
    echo(sock)


def mapped_udp(good, bad, port):
    sock = udp(socket.AF_INET6)
    sock.sendto(b"echo\n", ("::ffff:" + bad, port))


def mapped_udp_connected(good, bad, port):
    """Only a connect to the good one; the name in sendmsg is another."""
    sock = udp(socket.AF_INET6)
    sock.connect(("::ffff:" + good, port))
    sock.sendto(b"echo\n", ("::ffff:" + bad, port))


def bind_to_device(good, bad, port):
    sock = tcp()
    sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"eth0\0")
    sock.connect((bad, port))
    echo(sock)


def udplite(good, bad, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_UDPLITE)
    sock.settimeout(TIMEOUT_S)
    sock.connect((good, port))
    echo(sock)


def freebind(good, bad, port):
    """From an address that is not the pod's."""
    sock = udp()
    sock.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
    sock.bind(("10.77.0.123", 0))
    sock.sendto(b"echo\n", (good, port))
    sock.recv(16)


def raw_udp(good, bad, port):
    """A UDP datagram that a raw socket brings."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    sock.sendto(struct.pack("!HHHH", 9, port, 13, 0) + b"echo\n", (good, 0))


def raw_header(good, bad, port):
    """A whole packet with somebody else's source."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 33, 1, 0, 64, 17, 0, socket.inet_aton("10.77.0.123"),
                         socket.inet_aton(good))
    sock.sendto(header + struct.pack("!HHHH", 9, port, 13, 0) + b"echo\n", (good, 0))


def main(verb, good, bad, port):
    try:
        globals()[verb](good, bad, int(port))
        return "ok"
    except socket.timeout:
        return "ETIMEDOUT"
    except OSError as error:
        return errno.errorcode.get(error.errno, os.strerror(error.errno))


print(main(*sys.argv[1:]))
