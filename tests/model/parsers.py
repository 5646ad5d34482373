# SPDX-License-Identifier: Apache-2.0
"""What the reference parsers say of a stream, in the words of runner.c's parsers (parse.h)."""
import dns_message
import tls_hello
from http_stream import Stream

URI_MAX = 1024


def expect_http(data):
    stream = Stream(data)
    return [stream.ending, [[one.method.decode(), one.uri[:URI_MAX].hex(), len(one.uri), one.is_canonical]
                            for one in stream.requests]]


def expect_tls(data):
    try:
        hello = tls_hello.read_stream(data)
    except tls_hello.Bad:
        return ["bad"]
    if hello is None:
        return ["more"]
    return ["hello", (hello.host or b"").hex(), hello.has_ech]


def spell(labels):
    """A name as on the wire."""
    return b"".join(bytes([len(label)]) + label for label in labels).hex()


def expect_query(data):
    try:
        query = dns_message.Query(data)
    except dns_message.Bad:
        return ["bad"]
    return ["query", query.id, query.type, spell(query.name)]


def expect_reply(data):
    try:
        reply = dns_message.Reply(data)
    except dns_message.Bad:
        return ["bad"]
    if reply.has_two_ways:
        return ["unclear"]
    addresses = [[(bytes(10) + b"\xff\xff" + address if len(address) == 4 else address).hex(), ttl]
                 for address, ttl in reply.addresses]
    return ["answer", reply.id, reply.type, spell(reply.name), reply.rcode, reply.is_truncated, sorted(addresses)]


EXPECT = {"http": expect_http, "tls": expect_tls, "query": expect_query, "reply": expect_reply}


class Parsed:
    """What must come of parsing a stream."""

    def __init__(self, kind, data):
        self.kind, self.data = kind, data
        self.expected = EXPECT[kind](data)

    def __str__(self):
        return str(self.expected)

    def disagreement(self, got):
        """What is wrong, or None. A parser may see sooner than the model that no end will mend a beginning."""
        if self.kind == "reply" and got[0] == "answer":
            got[6].sort()
        if got == self.expected or self.expected == ["unclear"]:
            return None
        if self.expected[0] == "more" and got[0] in ("bad", "tunnel") and got[1:] == self.expected[1:] and \
                EXPECT[self.kind](self.data + b"\r\n\r\n" * 2 + bytes(70000))[0] == got[0]:
            return None
        return str(got)
