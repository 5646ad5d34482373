# SPDX-License-Identifier: Apache-2.0
"""A TCP client of its own making, from an address that no kernel has, whose segments overlap, come out of order, or are
wrong: what is read of them and what the server takes for the stream must be the same.

    overlap.py IFACE OWN-MAC TO-MAC OWN-ADDRESS ADDRESS PORT CASE...     a line for each case: `CASE 200`, or `CASE -`

The requests that a case would smuggle in have its name as their target.
"""
import os
import sys

from scapy.all import IP, TCP, Ether, Raw, conf

TIMEOUT_S = 1
IFACE, OWN_MAC, TO_MAC, OWN, PEER = sys.argv[1:6]
PORT, CASES = int(sys.argv[6]), sys.argv[7:]
TAIL = b" HTTP/1.1\r\nHost: h\r\n\r\n"
TASK = b"GET /task" + TAIL


def evil(case):
    return b"GET /" + case.encode() + TAIL


class Case:
    """What each sends: (offset in the stream, bytes, whether its checksum is right)."""

    def in_order(self):
        return [(0, TASK[:10], True), (10, TASK[10:], True)]

    def reversed(self):
        return [(10, TASK[10:], True), (0, TASK[:10], True), (10, TASK[10:], True)]

    def first_wins(self):
        """Who believes the later bytes sees /first_fine."""
        request = evil("first_wins")
        return [(0, request[:15], True), (4, b"/first_fine" + request[15:], True)]

    def bad_checksum(self):
        """Nobody has received the first one."""
        return [(0, TASK, False), (0, evil("bad_checksum"), True)]

    def bad_checksum_part(self):
        return [(0, TASK[:9], False), (0, evil("bad_checksum_part"), True)]

    def ahead(self):
        """What lies ahead is overwritten by what comes in order."""
        return [(4, TASK[4:], True), (0, evil("ahead"), True)]

    def again(self):
        """The same numbers once more, with other bytes."""
        return [(0, TASK[:4], True), (0, evil("again"), True)]

    def old(self):
        """Beyond what is known, a request that begins in what is."""
        return [(0, TASK, True), (len(TASK) - 4, b"\r\n\r\n" + evil("old"), True)]

    def with_syn(self):
        """Bytes in the SYN that no server without a cookie takes."""
        return [(0, evil("with_syn"), True)]


class Connection:
    def __init__(self, port, syn_data):
        self.socket = conf.L2socket(iface=IFACE, filter="tcp and src host %s and dst port %d" % (PEER, port))
        self.port, self.start = port, 1000
        self.send(-1, syn_data, "S")
        answer = self.wait(lambda segment: segment.flags.S)
        self.ack = answer.seq + 1 if answer else 0
        if answer:
            self.send(0, b"", "A")

    def send(self, offset, data, flags, right=True):
        segment = TCP(sport=self.port, dport=PORT, flags=flags, seq=self.start + 1 + offset, window=65535,
                      ack=getattr(self, "ack", 0), **({} if right else {"chksum": 0x1234}))
        self.socket.send(Ether(src=OWN_MAC, dst=TO_MAC) / IP(src=OWN, dst=PEER) / segment / Raw(data))

    def wait(self, wanted):
        for frame in self.socket.sniff(timeout=TIMEOUT_S, stop_filter=lambda frame: wanted(frame[TCP])):
            if TCP in frame and wanted(frame[TCP]):
                return frame[TCP]
        return None

    def answer(self):
        return self.wait(lambda segment: segment.flags.R or b"HTTP/1.1 200" in bytes(segment.payload))


def run(case, port):
    connection = Connection(port, TASK if case == "with_syn" else b"")
    if not connection.ack:
        return "refused"
    for offset, data, right in getattr(Case(), case)():
        connection.send(offset, data, "PA", right)
    answer = connection.answer()
    connection.send(0, b"", "R")
    return "-" if answer is None or answer.flags.R else "200"


for number, name in enumerate(CASES):
    print(name, run(name, 20000 + os.getpid() % 1000 * 20 + number), flush=True)
