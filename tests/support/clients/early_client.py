# SPDX-License-Identifier: Apache-2.0
"""A client of a server that defers accepting, with segments of its own making where the first data is awaited. To be
run as root in the client's network namespace. Prints what came back, `silence`, or the call's errno.

    early_client.py ahead HOST PORT TEXT REQUEST   TEXT where the end of REQUEST will be, then REQUEST by the socket
    early_client.py mixed HOST PORT TEXT REQUEST   TEXT as the first bytes, then REQUEST from the same place on
"""
import errno
import socket
import sys

from scapy.all import IP, TCP, Raw, raw

TIMEOUT_S = 2
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, RECEIVE, SEND, WITHOUT_PROBE = 19, 20, 21, 1, 2, -1


class Connection:
    def __init__(self, host, port):
        self.host, self.port = host, int(port)
        self.sock = socket.create_connection((self.host, self.port), timeout=TIMEOUT_S)
        self.own = self.sock.getsockname()
        self.option(TCP_REPAIR, 1)
        self.next, self.heard = self.sequence(SEND), self.sequence(RECEIVE)
        self.option(TCP_REPAIR, WITHOUT_PROBE)

    def option(self, option, value):
        self.sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def sequence(self, queue):
        self.option(TCP_REPAIR_QUEUE, queue)
        return self.sock.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xffffffff

    def inject(self, offset, text):
        packet = IP(src=self.own[0], dst=self.host) / TCP(
            sport=self.own[1], dport=self.port, flags="PA", seq=(self.next + offset) & 0xffffffff, ack=self.heard)
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
            sender.sendto(raw(packet / Raw(text)), (self.host, 0))

    def ask(self, request):
        try:
            self.sock.sendall(request)
            return self.sock.recv(4096).split(b"\r\n")[0].decode() or "EOF"
        except socket.timeout:
            return "silence"
        except OSError as error:
            return errno.errorcode[error.errno]


def unescape(text):
    return text.encode().decode("unicode_escape").encode()


def main(verb, host, port, text, request):
    connection = Connection(host, port)
    request = unescape(request)
    connection.inject(len(request) if verb == "ahead" else 0, unescape(text))
    print(connection.ask(request))


main(*sys.argv[1:])
