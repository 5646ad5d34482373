# SPDX-License-Identifier: Apache-2.0
"""HTTP/1 requests in a row (RFC 9112), for a reader that must know what every server would see: whatever two of them
could read in two ways is ambiguous. Reads the whole of what has come, from the beginning."""
import re

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]*")  # of names and addresses; on the rest of RFC 3986 servers differ
HEAD_MAX, TARGET_MAX, METHOD_MAX, CHUNK_LINE_MAX, AUTHORITY_MAX = 65536, 32768, 32, 512, 255


class More(Exception):
    """The stream ends within something."""


class Ambiguous(Exception):
    pass


class Tunnel(Exception):
    """After CONNECT or Upgrade: no HTTP/1 any more."""


class Request:
    def __init__(self, method, uri, is_canonical):
        self.method, self.uri, self.is_canonical = method, uri, is_canonical


class Head:
    """What the fields of one head say."""

    def __init__(self):
        self.host = self.length = self.coding = None
        self.has_upgrade = False


def is_control(byte):
    return byte < 0x20 or byte == 0x7f


class Stream:
    def __init__(self, data):
        self.data = data
        self.at = 0
        self.requests = []
        self.may_tunnel = False
        self.ending = self.read_all()

    def read_all(self):
        """How it ends: "more", "bad" or "tunnel"."""
        try:
            while True:
                self.read_request()
        except More:
            return "more"
        except Ambiguous:
            return "bad"
        except Tunnel:
            return "tunnel"

    # --- lines ---------------------------------------------------------------------------------------------------

    def line(self, limit):
        """Up to CRLF. A CR or LF by itself is ambiguous, and so is any control character but HTAB."""
        for i in range(self.at, len(self.data)):
            if i - self.at >= limit:
                raise Ambiguous
            byte = self.data[i]
            if byte == 0x0d:
                if i + 1 == len(self.data):
                    raise More
                if self.data[i + 1] != 0x0a:
                    raise Ambiguous
                line = self.data[self.at:i]
                self.at = i + 2
                return line
            if is_control(byte) and byte != 0x09:
                raise Ambiguous
        raise More

    # --- requests ------------------------------------------------------------------------------------------------

    def read_request(self):
        for _ in range(2):
            if self.data[self.at:self.at + 1] == b"\r":
                if self.data[self.at:self.at + 2] == b"\r":
                    raise More
                if self.data[self.at:self.at + 2] != b"\r\n":
                    raise Ambiguous
                self.at += 2
        begun = self.at
        if begun == len(self.data):
            raise More
        self.check_beginning()
        line = self.line(HEAD_MAX)
        request, version, authority = read_request_line(line)
        self.requests.append(request)
        head = self.read_fields(begun, False)
        check_head(head, request, version, authority)
        if request.method == b"CONNECT" or head.has_upgrade:
            self.may_tunnel = True
        if head.coding is not None:
            self.read_chunks()
        elif head.length:
            self.skip(head.length)

    def check_beginning(self):
        """After Upgrade or CONNECT, what cannot begin a request is something else; blanks and NUL could precede one."""
        method = TOKEN.match(self.data, self.at)
        end = method.end() if method else self.at
        if end - self.at > METHOD_MAX:
            raise Ambiguous
        if end == len(self.data):
            raise More
        following = self.data[end]
        if method and following == 0x20:
            if self.may_tunnel and self.data[self.at:end + 2] == b"PRI *":
                raise Tunnel
            return
        if self.may_tunnel and following not in b"\0 \t\n\v\f\r":
            raise Tunnel
        raise Ambiguous

    def skip(self, size):
        if len(self.data) - self.at < size:
            raise More
        self.at += size

    # --- fields --------------------------------------------------------------------------------------------------

    def read_fields(self, begun, are_trailers):
        head = Head()
        while True:
            line = self.line(HEAD_MAX - (self.at - begun))
            if not line:
                return head
            name = TOKEN.match(line)
            if not name or line[name.end():name.end() + 1] != b":":
                raise Ambiguous  # a continued line, a blank before the colon, no colon
            note_field(head, name[0].lower(), line[name.end() + 1:].strip(b" \t"), are_trailers)

    # --- chunked bodies ------------------------------------------------------------------------------------------

    def read_chunks(self):
        while True:
            line = self.line(CHUNK_LINE_MAX)
            size = re.fullmatch(rb"([0-9A-Fa-f]{1,15})(;.*)?", line, re.DOTALL)
            if not size:
                raise Ambiguous
            if int(size[1], 16) == 0:
                break
            self.skip(int(size[1], 16))
            if self.data[self.at:self.at + 2] != b"\r\n":
                raise More if b"\r\n".startswith(self.data[self.at:self.at + 2]) else Ambiguous
            self.at += 2
        self.read_fields(self.at, True)


def read_request_line(line):
    """The request, its version and the authority of an absolute-form target (else None)."""
    parts = line.split(b" ")
    if len(parts) != 3 or parts[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Ambiguous
    method, target, version = parts
    if len(target) > TARGET_MAX or any(is_control(byte) for byte in target):
        raise Ambiguous
    if method == b"CONNECT":
        if not target or not HOST.fullmatch(target):
            raise Ambiguous
        return Request(method, target, True), version, None
    if target == b"*" and method == b"OPTIONS":
        return Request(method, target, True), version, None
    absolute = re.fullmatch(rb"https?://([^/?#]+)(/.*)?", target, re.DOTALL | re.IGNORECASE)
    if absolute:
        authority, target = absolute[1].lower(), absolute[2] or b"/"
        if not HOST.fullmatch(authority) or len(authority) > AUTHORITY_MAX:
            raise Ambiguous
        return Request(method, target, is_canonical(target)), version, authority
    if not target.startswith(b"/"):
        raise Ambiguous
    return Request(method, target, is_canonical(target)), version, None


FRAMING = (b"content-length", b"transfer-encoding", b"host", b"upgrade")
SPOILT = (b"content_length", b"transfer_encoding")


def note_field(head, name, value, are_trailers):
    if name in SPOILT or (are_trailers and name in FRAMING):
        raise Ambiguous
    if name == b"host":
        if head.host is not None or not HOST.fullmatch(value) or len(value) > AUTHORITY_MAX:
            raise Ambiguous
        head.host = value.lower()
    elif name == b"content-length":
        if head.length is not None or not re.fullmatch(rb"[0-9]{1,18}", value):
            raise Ambiguous
        head.length = int(value)
    elif name == b"transfer-encoding":
        if head.coding is not None or value != b"chunked":
            raise Ambiguous
        head.coding = value
    elif name == b"upgrade":
        head.has_upgrade = True


def check_head(head, request, version, authority):
    if head.coding is not None and (head.length is not None or version == b"HTTP/1.0"):
        raise Ambiguous
    if head.host is None and (version == b"HTTP/1.1" or authority is not None):
        raise Ambiguous
    if authority is not None and head.host != authority:
        raise Ambiguous
    if request.method == b"CONNECT" and (head.coding is not None or head.length is not None):
        raise Ambiguous


# --- paths ------------------------------------------------------------------------------------------------------------

OVERLONG = b"\xc0\xc1"  # "/" or "." for a lax reader of UTF-8
UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


def is_canonical(uri):
    """Whether no server reads another path than is written (T66)."""
    path = uri.split(b"?", 1)[0]
    if any(byte <= 0x20 or byte >= 0x7f or byte in b"\\#" for byte in uri):
        return False
    segments = path.split(b"/")[1:]
    if b"" in segments[:-1] or any(segment.split(b";")[0] in (b".", b"..") for segment in segments):
        return False
    return are_percents_plain(path)


def are_percents_plain(path):
    for found in re.finditer(rb"%(.?.?)", path, re.DOTALL):
        digits = found[1]
        if not re.fullmatch(rb"[0-9A-Fa-f]{2}", digits):
            return False
        value = int(digits, 16)
        if value in UNRESERVED or value in b"/\\" or is_control(value) or value in OVERLONG:
            return False
        if value == 0x25 and re.match(rb"[0-9A-Fa-f]{2}", path[found.end():]):
            return False
    return True
