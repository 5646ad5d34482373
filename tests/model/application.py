# SPDX-License-Identifier: Apache-2.0
"""What a flow carries: recognised by content first and by port second (profile.md 11), then what it asks for."""
import dns_message
import http_stream
import tls_hello

BY_PORT = {53: "dns", 80: "http", 443: "https"}
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI", "COPY", "MOVE",
           "LOCK", "UNLOCK", "MKCOL", "PROPFIND", "PROPPATCH", "SEARCH", "REPORT"]
BEGINNINGS = [(method + " ").encode()[:8] for method in METHODS]
STREAM_QUERY_MIN, STREAM_QUERY_MAX = 17, 640  # bytes of a query over TCP: a name, and a few options
NO_END = b"\r\n" * 4 + bytes(70000)  # what no unfinished head survives
FIRST = 16  # bytes by which everything is known


class Asked:
    """One DNS query, HTTP request or ClientHello, or what else there is."""

    def __init__(self, application, remote=None, name=None, request=None):
        self.application, self.remote, self.name, self.request = application, remote, name, request
        self.is_by_port = False  # its content says nothing
        self.is_bad_hello = False
        self.is_unread = False
        self.query = None


def unread():
    asked = Asked("unknown")
    asked.is_unread = True
    return asked


# --- recognition ------------------------------------------------------------------------------------------------------


def is_http(data):
    """True, False, or None while it may become so. Some servers pass over any number of blank lines."""
    if data[:1] in (b"\r", b"\n"):
        return True
    if any(data.startswith(beginning) for beginning in BEGINNINGS):
        return True
    return None if any(beginning.startswith(data) for beginning in BEGINNINGS) else False


def is_tls(data):
    """A record of a handshake that begins with a ClientHello."""
    if data[:1] not in (b"", b"\x16") or data[1:2] not in (b"", b"\3") or data[2:3] > b"\4":
        return False
    if len(data) >= 5 and not 0 < int.from_bytes(data[3:5], "big") <= tls_hello.RECORD_MAX:
        return False
    if len(data) >= 6:
        return data[5] == 1
    return None


def is_query_header(data):
    """One question, no answer, no authority; the kind of a standard query."""
    return len(data) >= 12 and data[2] & 0xf8 == 0 and data[4:10] == b"\0\1\0\0\0\0" and \
        int.from_bytes(data[10:12], "big") <= dns_message.EXTRAS_MAX


def is_dns(data):
    """Over TCP: a length, then a query, which has no flags that only answers have."""
    if len(data) > 1 and not STREAM_QUERY_MIN <= int.from_bytes(data[:2], "big") <= STREAM_QUERY_MAX:
        return False
    if (len(data) > 4 and data[4] & 0xf8) or (len(data) > 5 and data[5] & 0x8f):
        return False
    return is_query_header(data[2:14]) if len(data) >= 14 else None


def recognise(data, port, is_final):
    """(application, whether its content says so); None: more bytes will tell."""
    first = data[:FIRST]
    likeness = {"https": is_tls(first), "http": is_http(first), "dns": is_dns(first)}
    for application, is_alike in likeness.items():
        if is_alike:
            return application, True
    if not is_final and len(first) < FIRST and None in likeness.values():
        return None, False
    return BY_PORT.get(port, "unknown"), False


# --- datagrams --------------------------------------------------------------------------------------------------------


def ask_by_port(port, remote):
    asked = Asked(BY_PORT.get(port, "unknown"), remote)
    asked.is_by_port = True
    return asked


def ask_datagram(data, port, remote):
    if not data or not (port == 53 or is_query_header(data)):
        return ask_by_port(port, remote)
    try:
        query = dns_message.Query(data)
    except dns_message.Bad:
        return Asked("dns" if port == 53 else "unknown", remote)
    asked = Asked("dns", remote, query.name)
    asked.query = query
    return asked


# --- connections ------------------------------------------------------------------------------------------------------


class Connection:
    """What whoever opened a connection has sent so far. `whole` is all that it will ever send: a reader may know by a
    line's first bytes that the line will be refused."""

    def __init__(self, port, remote, whole):
        self.port, self.remote, self.whole = port, remote, whole
        self.data = b""
        self.application = None
        self.has_content = False
        self.is_done = False
        self.judged = 0  # requests or queries
        self.identity = None
        self.replies = b""
        self.expected = {}
        self.revision = None

    def take_in_order(self, way, offset, data):
        """The bytes of a segment that are new; None: some before them are missing."""
        expected = self.expected.setdefault(way, offset)
        if offset > expected:
            return None
        fresh = data[expected - offset:]
        self.expected[way] = expected + len(fresh)
        return fresh

    def feed(self, data):
        """What is newly asked for, in order."""
        self.data += data
        if self.is_done:
            return []
        if self.application is None:
            self.application, self.has_content = recognise(self.data, self.port, False)
        if self.application is None:
            return []
        return self.read()

    def hear_other(self):
        """The other side speaks before the opener has said what this is."""
        if self.is_done or self.application or (not self.data and self.port in BY_PORT):
            return []
        self.application, self.has_content = recognise(self.data, self.port, True)
        return self.read()

    def finish(self, asked):
        self.is_done = True
        self.identity = asked
        return asked

    def read(self):
        if not self.has_content:
            return [self.finish(ask_by_port(self.port, self.remote))]
        return {"http": self.read_http, "https": self.read_https, "dns": self.read_dns}[self.application]()

    def read_http(self):
        stream = http_stream.Stream(self.data)
        asked = [Asked("http", self.remote, request=request) for request in stream.requests[self.judged:]]
        self.judged = len(stream.requests)
        if stream.ending != "more":
            asked.append(self.finish(Asked("http" if stream.ending == "bad" else "unknown", self.remote)))
        return asked

    def read_https(self):
        asked = Asked("https", self.remote)
        try:
            hello = tls_hello.read_stream(self.data)
            if hello is None:
                return []
            asked.is_bad_hello = hello.has_ech
            if hello.host:
                asked.name = name_of(hello.host)
        except tls_hello.Bad:
            asked.is_bad_hello = True
        return [self.finish(asked)]

    def read_dns(self):
        messages, left = split_messages(self.data, STREAM_QUERY_MAX)
        asked = [ask_datagram(message, 53, self.remote) for message in messages[self.judged:]]
        self.judged = len(messages)
        return asked + self.refuse_long(left, STREAM_QUERY_MAX)

    def feed_replies(self, data):
        """The other side's new messages, and what is asked where one is longer than can be judged."""
        self.replies += data
        messages, self.replies = split_messages(self.replies, dns_message.MESSAGE_MAX)
        return messages, self.refuse_long(self.replies, dns_message.MESSAGE_MAX)

    def refuse_long(self, left, limit):
        is_long = len(left) >= 2 and int.from_bytes(left[:2], "big") > limit
        return [self.finish(Asked("dns", self.remote))] if is_long else []

    def will_end(self):
        """What the connection is found to be once all has been sent, if nothing else is asked for before; else None."""
        if self.is_done or self.application is None:
            return None
        later = Connection(self.port, self.remote, self.whole)
        later.feed(self.whole)
        if self.application == "http" and not later.is_done:
            later.feed(NO_END)
        return later.identity if later.judged <= self.judged else None


def split_messages(data, limit):
    """DNS over TCP (RFC 7766): whole messages, up to one that is too long, and what is left."""
    messages, at = [], 0
    while len(data) >= at + 2:
        size = int.from_bytes(data[at:at + 2], "big")
        if size > limit or len(data) < at + 2 + size:
            break
        messages.append(data[at + 2:at + 2 + size])
        at += 2 + size
    return messages, data[at:]


def name_of(host):
    """The labels of a host name; None: it is none."""
    labels = tuple(host.lower().split(b"."))
    return labels if all(0 < len(label) < 64 for label in labels) else None
