# SPDX-License-Identifier: Apache-2.0
"""A resolver that answers as the name asks it to, correctly or not: its first label is a list of words joined by `_`.

    a-HEX aaaa-HEX     one record each (8 or 32 digits)      many-N       N addresses from 10.99.3.0 on
    rot                another address of 800 at each query   chain-N      CNAMEs, N of them, then what follows
    ttl-N              of the records that follow             stray-HEX    an A record of a name nobody asked for
    extra-HEX          an A record in the additional section  tc           truncated on UDP, whole on TCP
    flood-HEX          first this address under 20,000 ids but the right one; with silent: under all others
    twice-HEX          then this, once more                  each-HEX      then this, under each of the 65,536 ids
    block-N            sixty addresses, from 10.99.N.0 on
    other-HEX          first this address in answer to another name             lower        its question in lower case
    loop               a CNAME that leads to itself           pointer      a compression pointer to itself
    rcode-N            of the answer                          silent       no answer
    port-HEX           first this address from another port of the same resolver
    pad-N              N bytes of TXT after the rest          cut          the message ends inside its last record

    responder.py ADDRESS PORT
"""
import socket
import struct
import sys
import threading

A, CNAME, TXT, AAAA, OPT = 1, 5, 16, 28, 41
ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
rotation = 0


def record(name, kind, ttl, data):
    return name + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def wire(text):
    return b"".join(bytes([len(label)]) + label for label in text.encode().split(b".")) + b"\0"


class Answer:
    """What one question becomes: records, and messages that go before or after the right one."""

    def __init__(self, message, is_tcp):
        self.id, = struct.unpack("!H", message[:2])
        end = 12
        while message[end]:
            end += message[end] + 1
        self.name = message[12:end + 1]
        self.type, = struct.unpack("!H", message[end + 1:end + 3])
        self.question = message[12:end + 5]
        self.is_tcp = is_tcp
        self.owner, self.ttl, self.rcode = b"\xc0\x0c", 60, 0
        self.records, self.additional, self.before, self.after = [], [], [], []
        self.truncated = self.cut = self.silent = self.flood = False
        self.each = None
        for word in self.name[1:self.name[0] + 1].decode().lower().split("_"):
            verb, _, value = word.partition("-")
            getattr(self, "on_" + verb, lambda value: None)(value)

    def add(self, kind, data):
        if self.type in (kind, 255) or kind == CNAME:
            self.records.append(record(self.owner, kind, self.ttl, data))

    def plain(self, address, question=None):
        return self.build([record(b"\xc0\x0c", A, 60, bytes.fromhex(address))], question=question)

    def on_a(self, value):
        self.add(A, bytes.fromhex(value))

    def on_aaaa(self, value):
        self.add(AAAA, bytes.fromhex(value))

    def on_many(self, value):
        for i in range(int(value)):
            self.add(A, bytes([10, 99, 3, i]))

    def on_block(self, value):
        for i in range(60):
            self.add(A, bytes([10, 99, int(value), i]))

    def on_rot(self, _):
        global rotation
        rotation = (rotation + 1) % 800
        self.add(A, bytes([10, 99, 4 + rotation // 250, rotation % 250]))

    def on_ttl(self, value):
        self.ttl = int(value)

    def on_chain(self, value):
        for i in range(int(value)):
            target = wire("link%d.chain.odd" % i)
            self.add(CNAME, target)
            self.owner = target

    def on_stray(self, value):
        self.records.append(record(wire("stray.odd"), A, self.ttl, bytes.fromhex(value)))

    def on_extra(self, value):
        self.additional.append(record(b"\xc0\x0c", A, self.ttl, bytes.fromhex(value)))

    def on_tc(self, _):
        self.truncated = not self.is_tcp

    def on_loop(self, _):
        self.records.append(record(b"\xc0\x0c", CNAME, self.ttl, b"\xc0\x0c"))

    def on_pointer(self, _):
        offset = 12 + len(self.question) + sum(map(len, self.records))
        self.records.append(struct.pack("!H", 0xc000 | offset) + struct.pack("!HHIH", A, 1, 60, 4) + b"\x0a\x63\x01\x09")

    def on_rcode(self, value):
        self.rcode = int(value)

    def on_silent(self, _):
        self.silent = True

    def on_lower(self, _):
        self.question = self.question[:-4].lower() + self.question[-4:]

    def on_cut(self, _):
        self.cut = True

    def on_pad(self, value):
        left = int(value)
        while left > 0:
            size = min(left, 250)
            self.additional.append(record(b"\xc0\x0c", TXT, self.ttl, bytes([size]) + b"x" * size))
            left -= size

    def on_flood(self, value):
        self.flood = True
        self.before.append((None, self.plain(value)))

    def on_each(self, value):
        self.each = self.plain(value)

    def on_twice(self, value):
        self.after.append(self.plain(value))

    def on_other(self, value):
        self.before.append((None, self.plain(value, question=wire("other.odd") + self.question[-4:])))

    def on_port(self, value):
        self.before.append((PORT + 1, self.plain(value)))

    def build(self, records, additional=(), question=None):
        flags = 0x8580 | (0x0200 if self.truncated else 0) | self.rcode
        if self.truncated:
            records, additional = [], []
        message = struct.pack("!HHHHHH", self.id, flags, 1, len(records), 0, len(additional))
        return message + (question or self.question) + b"".join(records) + b"".join(additional)

    def message(self):
        whole = self.build(self.records, self.additional)
        return whole[:-3] if self.cut else whole


def send_before(sock, answer, client):
    for port, message in answer.before:
        if answer.flood:
            for i in range(1, 65536 if answer.silent else 20001):
                sock.sendto(struct.pack("!H", (answer.id + i) % 65536) + message[2:], client)
        elif port is None:
            sock.sendto(message, client)
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
                second.bind((ADDRESS, port))
                second.sendto(message, client)


def serve_udp(sock):
    while True:
        message, client = sock.recvfrom(4096)
        try:
            answer = Answer(message, False)
        except (IndexError, struct.error, UnicodeDecodeError, ValueError):
            continue
        send_before(sock, answer, client)
        if answer.silent:
            continue
        sock.sendto(answer.message(), client)
        for message in answer.after:
            sock.sendto(message, client)
        for i in range(65536 if answer.each else 0):
            sock.sendto(struct.pack("!H", i) + answer.each[2:], client)


def serve_tcp_client(client):
    with client, client.makefile("rb") as stream:
        while True:
            header = stream.read(2)
            if len(header) < 2:
                return
            message = Answer(stream.read(struct.unpack("!H", header)[0]), True).message()
            client.sendall(struct.pack("!H", len(message)) + message)


def serve_tcp(sock):
    while True:
        client, _ = sock.accept()
        threading.Thread(target=serve_tcp_client, args=(client,), daemon=True).start()


tcp = socket.create_server((ADDRESS, PORT), backlog=64)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((ADDRESS, PORT))
threading.Thread(target=serve_tcp, args=(tcp,), daemon=True).start()
print("ready", flush=True)
serve_udp(udp)
