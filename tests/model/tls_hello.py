# SPDX-License-Identifier: Apache-2.0
"""The ClientHello a TLS connection begins with (RFC 8446 4.1.2, 5.1, RFC 6066 3): its server name and whether it hides
the real one. Reads the whole of what has come."""
import re

HELLO_MAX, RECORD_MAX = 65536, 16384
SERVER_NAME, ECH = 0, 0xfe0d


class Bad(Exception):
    pass


class More(Exception):
    """So far it is clean."""


class Hello:
    def __init__(self, host, has_ech):
        self.host, self.has_ech = host, has_ech


class Reader:
    """`size` bytes, of which those in `data` have come."""

    def __init__(self, data, size):
        self.data, self.size, self.at = data, size, 0

    def take(self, count):
        if self.at + count > self.size:
            raise Bad
        if self.at + count > len(self.data):
            raise More
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def vector(self, count):
        """What stands behind its length."""
        size = self.number(count)
        if self.at + size > self.size:
            raise Bad
        self.at += size
        return Reader(self.data[self.at - size:self.at], size)

    def is_done(self):
        return self.at == self.size


def read_stream(data):
    """A Hello, None while more must come, or Bad."""
    message, at = b"", 0
    while True:
        if len(message) >= 4:
            size = int.from_bytes(message[1:4], "big")
            if message[0] != 1 or size > HELLO_MAX:
                raise Bad
            try:
                return read_hello(Reader(message[4:], size))
            except More:
                pass
        header = data[at:at + 5]
        if len(header) < 5:
            return None
        size = int.from_bytes(header[3:5], "big")
        version = int.from_bytes(header[1:3], "big")
        if header[0] != 22 or not 0x0300 <= version <= 0x0304 or not 0 < size <= RECORD_MAX:
            raise Bad
        message += data[at + 5:at + 5 + size]
        at += 5 + size


def read_hello(reader):
    if not 0x0300 <= reader.number(2) <= 0x0304:
        raise Bad
    reader.take(32)
    if reader.vector(1).size > 32:
        raise Bad
    suites = reader.vector(2).size
    if not suites or suites % 2:
        raise Bad
    if not reader.vector(1).size:
        raise Bad
    hello = Hello(None, False)
    if not reader.is_done():
        extensions = reader.vector(2)
        if not reader.is_done():
            raise Bad
        read_extensions(extensions, hello)
    if len(reader.data) < reader.size:
        raise More
    return hello


def read_extensions(reader, hello):
    while not reader.is_done():
        kind, body = reader.number(2), reader.vector(2)
        if kind == SERVER_NAME:
            if hello.host is not None:
                raise Bad
            hello.host = read_server_name(body)
        hello.has_ech |= kind == ECH


def read_server_name(reader):
    names = reader.vector(2)
    if not reader.is_done():
        raise Bad
    kind, host = names.number(1), names.vector(2)
    if kind != 0 or not names.is_done() or not 1 <= host.size <= 253:
        raise Bad
    if not re.fullmatch(rb"[A-Za-z0-9._-]*", host.data):
        raise Bad
    if len(host.data) < host.size:
        raise More
    if host.data.endswith(b"."):
        raise Bad
    return host.data
