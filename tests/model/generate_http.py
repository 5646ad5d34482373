# SPDX-License-Identifier: Apache-2.0
"""Random HTTP/1 connections, and what others take for such."""
from generate_bytes import Dice, spoil

METHODS = [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PROPFIND"]
ODD_METHODS = [b"PRI", b"M-SEARCH", b"get", b"X" * 32, b"X" * 33, b"G\xc3\xa9T", b"GE(T"]
SEGMENTS = [b"task", b"static", b"a", b"...", b".a", b"a;b", b"%20", b"%c3%a9", b"%3f", b"~", b"@:", b"b" * 70]
ODD_SEGMENTS = [b".", b"..", b"", b"..;x", b".;x", b"%2f", b"%2F", b"%5c", b"%61", b"%zz", b"%2", b"%", b"%25",
                b"%2541", b"%252", b"%25zz", b"%00", b"%7f", b"%2e", b"%2E%2e", b"%23", b"%c0%af", b"\\",
                b"#", b"\x80", b"\xff",
                b"\x01", b"\x7f", b"\t", b"\"", b"<", b"{", b"|", b"^", b"`"]
HOSTS = [b"example.com", b"a:80", b"[::1]:80", b"EXAMPLE.com", b"other.org"]
FIELDS = [b"Accept: */*", b"X-A:", b"X-B: \t v \t", b"Upgrade: websocket", b"Connection: upgrade",
          b"Expect: 100-continue", b"X: \x80\xff", b"Cookie: a=b; c=d", b"upgrad: x", b"Content-Lengthy: 3",
          b"Long: " + b"y" * 400]
ODD_FIELDS = [b" folded: x", b"\tfolded", b"No colon", b"Blank : x", b": empty", b"CR: a\rb", b"LF: a\nb", b"NUL: a\0b",
              b"Ctl: \x1f", b"Del: \x7f", b"Content-Length: 1", b"Content-Length: +1", b"Content-Length: 1,1",
              b"Content-Length:", b"Content-Length: 0x1", b"Content-Length: " + b"9" * 19, b"Content-Length: 1 1",
              b"Content-Length: 01", b"Content-Length: 1\t", b"Content-Length: " + b"0" * 18,
              b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"Transfer-Encoding: gzip, chunked",
              b"Transfer-Encoding: chunked ", b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked",
              b"Transfer-Encoding: chunkedx", b"Transfer-Encoding: identity", b"Content_Length: 1", b"Host: second",
              b"Host: a b", b"Host: a/b", b"Host: a\tb", b"H\xe9: x", b"(x): y"]
ENDINGS = [b"\x16\x03\x01\x00\x05", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GE", b"\r", b"\x81\x05hello",
           b"SSH-2.0-x\r\n", b"GET /", b"\n", b" GET / HTTP/1.1\r\n"]


def path(dice):
    made = b""
    for _ in range(dice.choice([1, 1, 2, 3, 4])):
        made += b"/" + dice.choice(ODD_SEGMENTS if dice.odd(0.15) else SEGMENTS)
    if dice.random.random() < 0.2:
        made += b"?" + dice.choice([b"", b"q=1", b"//a/../b", b"u=%2f", b"?", b"%zz"])
    if dice.random.random() < 0.02:
        made += b"z" * dice.choice([1000, 1023, 1024, 1025, 5000])
    return made


def absolute_form(dice, host):
    scheme = dice.pick([b"http", b"https", b"HTTP", b"ftp", b"htt", b"httpx"], 0.3)
    return scheme + dice.pick([b"://", b":/", b":"], 0.05) + host + dice.choice([b"", path(dice), path(dice)])


def target(dice, method, host):
    if method == b"CONNECT":
        return dice.pick([b"example.com:443", b"[::1]:443", b"a", b"a/b", b"", b"/"], 0.4)
    if method == b"OPTIONS" and dice.random.random() < 0.5:
        return dice.pick([b"*", b"*/x", b"**"], 0.1)
    if dice.odd(0.03):
        return dice.choice([b"*", b"", b"a", b"a/b", b"//", b"http://a?x"])
    return absolute_form(dice, host) if dice.random.random() < 0.12 else path(dice)


def chunk(dice, data):
    size = b"%x" % len(data)
    if dice.odd(0.1):
        size = dice.choice([size.upper(), size.zfill(15), size.zfill(16), b"", b"+" + size, b" " + size, b"0x" + size])
    if dice.odd(0.15):
        size += dice.choice([b";a=b", b";", b" ;a", b";\x01", b";" + b"e" * 600, b";a\tb", b";" + b"e" * 490])
    return size + b"\r\n" + data + dice.pick([b"\r\n", b"\n", b"\r", b"", b"xx"], 0.03)


def chunks(dice):
    made = b"".join(chunk(dice, b"C" * dice.choice([1, 2, 15, 16, 300])) for _ in range(dice.choice([0, 1, 2, 3])))
    made += dice.pick([b"0", b"000", b"0;x"], 0.3) + b"\r\n"
    if dice.odd(0.2):
        trailers = [b"Trailer: x", b"Content-Length: 1", b"bad", b"Host: x", b" x: y", b"Upgrade: x"]
        made += dice.choice(trailers) + b"\r\n"
    return made + b"\r\n"


def body(dice):
    """(the fields that tell of it, the body)"""
    choice = dice.random.random()
    if choice < 0.5:
        return [], b""
    if choice < 0.75:
        data = b"B" * dice.choice([0, 1, 2, 7, 300])
        return [b"Content-Length: %d" % len(data)], data
    return [b"Transfer-Encoding: chunked"], chunks(dice)


def fields(dice, said, host):
    made = list(said)
    if not dice.odd(0.05):
        made.insert(0, dice.pick([b"Host: " + host, b"host:" + host, b"HOST: \t%s " % host.upper(), b"Host: else.org",
                                  b"Host:"], 0.4))
    for _ in range(dice.choice([0, 0, 1, 2])):
        made.insert(dice.random.randint(0, len(made)), dice.choice(FIELDS))
    if dice.odd(0.1):
        made.insert(dice.random.randint(0, len(made)), dice.choice(ODD_FIELDS))
    end = dice.pick([b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n"], 0.02)
    return end.join(made + [b""])


def request_line(dice, method, where):
    version = dice.pick([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 ",
                         b"", b"HTTP/1.10"], 0.1)
    line = method + b" " + where + b" " + version
    if dice.odd(0.02):
        line = dice.choice([method + b"  " + where + b" " + version, b" " + line, line + b"\t", method + b" " + where,
                            method + b"\t" + where + b" " + version, method, b"\x16\x03\x01" + line, b"\0" + line])
    return line


def request(dice):
    method = dice.choice(ODD_METHODS if dice.odd(0.08) else METHODS if dice.random.random() < 0.4 else METHODS[:1])
    host = dice.choice(HOSTS)
    line = request_line(dice, method, target(dice, method, host))
    said, data = body(dice) if method != b"CONNECT" or dice.odd(0.2) else ([], b"")
    blanks = dice.pick([b"", b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n", b"\n", b"\r"], 0.1)
    return blanks + line + b"\r\n" + fields(dice, said, host) + b"\r\n" + data


def http(random):
    dice = Dice(random)
    made = b"".join(request(dice) for _ in range(random.choice([1, 1, 1, 2, 3, 4])))
    if dice.random.random() < 0.08:
        made += random.choice(ENDINGS)
    return spoil(random, made) if dice.odd(0.1) else made
