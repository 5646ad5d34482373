# SPDX-License-Identifier: Apache-2.0
"""The ClientHello a TLS connection begins with (RFC 8446 4.1.2, 5.1, RFC 6066 3): its server name and whether it hides
the real one. Reads the whole of what has come."""
import re

HELLO_MAX, RECORD_MAX = 65536, 16384
SERVER_NAME, ECH = 0, 0xfe0d


class Bad(Exception):
    pass


class Hello:
    def __init__(self, host, has_ech):
        self.host, self.has_ech = host, has_ech


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise Bad
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def vector(self, size):
        return self.take(self.number(size))

    def is_done(self):
        return self.at == len(self.data)


def read_stream(data):
    """A Hello, None while more must come, or Bad."""
    message, at = b"", 0
    while True:
        if len(message) >= 4:
            length = int.from_bytes(message[1:4], "big")
            if message[0] != 1 or length > HELLO_MAX:
                raise Bad
            if len(message) >= 4 + length:
                return read_hello(message[4:4 + length])
        header = data[at:at + 5]
        if len(header) < 5:
            return None
        size = int.from_bytes(header[3:5], "big")
        if header[0] != 22 or not 0x0300 <= int.from_bytes(header[1:3], "big") <= 0x0304 or not 0 < size <= RECORD_MAX:
            raise Bad
        message += data[at + 5:at + 5 + size]
        at += 5 + size


def read_hello(body):
    reader = Reader(body)
    if not 0x0300 <= reader.number(2) <= 0x0304:
        raise Bad
    reader.take(32)
    if len(reader.vector(1)) > 32:
        raise Bad
    suites = reader.vector(2)
    if not suites or len(suites) % 2:
        raise Bad
    if not reader.vector(1):
        raise Bad
    if reader.is_done():
        return Hello(None, False)
    extensions = Reader(reader.vector(2))
    if not reader.is_done():
        raise Bad
    return read_extensions(extensions)


def read_extensions(reader):
    hello = Hello(None, False)
    while not reader.is_done():
        kind, body = reader.number(2), reader.vector(2)
        if kind == SERVER_NAME:
            if hello.host is not None:
                raise Bad
            hello.host = read_server_name(body)
        hello.has_ech |= kind == ECH
    return hello


def read_server_name(body):
    reader = Reader(body)
    names = Reader(reader.vector(2))
    kind, host = names.number(1), names.vector(2)
    if kind != 0 or not names.is_done() or not reader.is_done():
        raise Bad
    if not re.fullmatch(rb"[A-Za-z0-9._-]{1,253}", host) or host.endswith(b"."):
        raise Bad
    return host
