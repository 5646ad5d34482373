# SPDX-License-Identifier: Apache-2.0
"""Random streams for the parsers: clean ones, and clean ones with something wrong, cut anywhere."""

METHODS = [b"GET", b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PRI", b"M-SEARCH", b"get",
           b"X" * 32, b"X" * 33]
SEGMENTS = [b"task", b"static", b"a", b".", b"..", b"", b"...", b".a", b"..;x", b".;x", b"a;b", b"%2f", b"%2F", b"%5c",
            b"%61", b"%20", b"%zz", b"%2", b"%", b"%25", b"%2541", b"%252", b"%25zz", b"%00", b"%7f", b"%c3%a9", b"%3f",
            b"~", b"@:", b"b" * 70, b"%2e", b"%2E%2e", b"%23"]
ODD = [b"\\", b"#", b"\x80", b"\xff", b"\x01", b"\x7f", b"\t", b"\"", b"<", b"{", b"|", b"^", b"`"]
HOSTS = [b"example.com", b"EXAMPLE.com", b"a:80", b"[::1]:80", b"", b"other.org"]
FIELDS = [b"Accept: */*", b"X-A:", b"X-B: \t v \t", b"Upgrade: websocket", b"Connection: upgrade", b"Expect: 100-continue",
          b"X: \x80\xff", b"Cookie: a=b; c=d", b"upgrad: x", b"Content-Lengthy: 3", b"Long: " + b"y" * 400]
BAD_FIELDS = [b" folded: x", b"\tfolded", b"No colon", b"Blank : x", b": empty", b"CR: a\rb", b"LF: a\nb", b"NUL: a\0b",
              b"Ctl: \x1f", b"Del: \x7f", b"Content-Length: 1", b"Content-Length: +1", b"Content-Length: 1,1",
              b"Content-Length:", b"Content-Length: 0x1", b"Content-Length: " + b"9" * 19, b"Transfer-Encoding: chunked",
              b"Transfer-Encoding: Chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked ",
              b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked", b"Content_Length: 1", b"Host: second",
              b"Host: a b", b"Host: a/b", b"Host: a\tb", b"Content-Length: 1 1", b"Content-Length: 01", b"Content-Length: 1\t",
              b"Transfer-Encoding: chunkedx", b"Transfer-Encoding: identity", b"H\xe9: x", b"(x): y", b"Content-Length: " + b"0" * 18]


def pick(random, pool, odds_of_second):
    """Mostly the first."""
    return pool[0] if random.random() > odds_of_second else random.choice(pool)


def path(random):
    made = b"".join(b"/" + random.choice(SEGMENTS[:3] if random.random() < 0.6 else SEGMENTS)
                    for _ in range(random.randint(1, 4)))
    if random.random() < 0.2:
        made += b"?" + random.choice([b"", b"q=1", b"//a/../b", b"u=%2f", b"?", b"%zz"])
    if random.random() < 0.05:
        at = random.randint(0, len(made))
        made = made[:at] + random.choice(ODD) + made[at:]
    if random.random() < 0.02:
        made += b"z" * random.choice([1000, 1023, 1024, 1025, 5000])
    return made


def target(random, method):
    choice = random.random()
    if method == b"CONNECT" and choice < 0.8:
        return random.choice([b"example.com:443", b"[::1]:443", b"a", b"a/b", b""])
    if choice < 0.75:
        return path(random)
    if choice < 0.9:
        scheme = random.choice([b"http", b"http", b"https", b"HTTP", b"ftp", b"htt", b"httpx"])
        return scheme + random.choice([b"://", b"://", b"://", b":/"]) + random.choice(HOSTS) + \
            random.choice([b"", b"?x", path(random), path(random)])
    return random.choice([b"*", b"", b"a", b"a/b", b"*/x", b"//" ])


def body(random):
    """(fields that say so, the body)"""
    choice = random.random()
    if choice < 0.5:
        return [], b""
    if choice < 0.75:
        data = b"B" * random.choice([0, 1, 2, 7, 300])
        return [b"Content-Length: %d" % len(data)], data
    return [b"Transfer-Encoding: chunked"], chunks(random)


def chunks(random):
    made = b""
    for _ in range(random.randint(0, 3)):
        data = b"C" * random.choice([1, 2, 15, 16, 300])
        size = b"%x" % len(data)
        if random.random() < 0.1:
            size = random.choice([size.upper(), size.zfill(15), size.zfill(16), b"", b"+" + size, b" " + size, b"0x" + size])
        if random.random() < 0.15:
            size += random.choice([b";a=b", b";", b" ;a", b";\x01", b";" + b"e" * 600, b";a\tb", b";" + b"e" * 490])
        made += size + b"\r\n" + data + (b"\r\n" if random.random() > 0.03 else random.choice([b"\n", b"\r", b"", b"xx"]))
    made += random.choice([b"0", b"0", b"0", b"000", b"0;x"]) + b"\r\n"
    if random.random() < 0.2:
        made += random.choice([b"Trailer: x", b"Content-Length: 1", b"bad", b"Host: x", b" x: y", b"Upgrade: x"]) + b"\r\n"
    return made + b"\r\n"


def request(random):
    method = METHODS[0] if random.random() < 0.5 else random.choice(METHODS)
    where = target(random, method)
    version = pick(random, [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 ", b"", b"HTTP/1.10"], 0.15)
    line = method + b" " + where + b" " + version
    if random.random() < 0.03:
        line = random.choice([method + b"  " + where + b" " + version, b" " + line, method + b"\t" + where + b" " + version,
                              method + b" " + where, method, line + b"\t", b"\x16\x03\x01" + line, b"\0" + line])
    said, data = body(random)
    fields = list(said)
    if random.random() < 0.95:
        absolute = where.split(b"/")[2] if where.lower().startswith(b"http") and where.count(b"/") > 1 else b"example.com"
        fields.insert(0, pick(random, [b"Host: " + absolute, b"host:" + absolute, b"Host: other.org", b"Host: \t%s " % absolute,
                                       b"Host:", b"HOST: " + absolute.upper()], 0.3))
    for _ in range(random.choice([0, 0, 1, 2])):
        fields.insert(random.randint(0, len(fields)), random.choice(FIELDS))
    if random.random() < 0.12:
        fields.insert(random.randint(0, len(fields)), random.choice(BAD_FIELDS))
    blanks = pick(random, [b"", b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n", b"\n", b"\r"], 0.1)
    end = pick(random, [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n"], 0.02)
    return blanks + line + b"\r\n" + end.join(fields + [b""]) + b"\r\n" + data


def http(random):
    made = b"".join(request(random) for _ in range(random.choice([1, 1, 1, 2, 3, 4])))
    if random.random() < 0.08:
        made += random.choice([b"\x16\x03\x01\x00\x05", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GE", b"\r", b"\x81\x05hello", b"SSH-2.0-x\r\n",
                               b"GET /", b"\n", b" GET / HTTP/1.1\r\n"])
    return spoil(random, made, 0.06)


def spoil(random, made, odds):
    """Maybe cut, or with a byte that is another."""
    if made and random.random() < odds:
        made = made[:random.randint(1, len(made))]
    if made and random.random() < odds:
        at = random.randrange(len(made))
        made = made[:at] + bytes([random.choice(b"\0\r\n\t :/%.;\x7f\xffA0")]) + made[at + 1:]
    return made


def cuts(random, length):
    """Sizes of pieces."""
    choice = random.random()
    if choice < 0.25 or length == 0:
        return []
    if choice < 0.5:
        return [1] * min(length, 600)
    sizes, left = [], length
    while left > 0 and len(sizes) < 100:
        size = random.choice([1, 2, 3, 7, 8, 9, 40, 255, 256, 257])
        sizes.append(size)
        left -= size
    return sizes


# --- TLS --------------------------------------------------------------------------------------------------------------


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def extension(random, host):
    choice = random.random()
    if choice < 0.45:
        kind = random.choice([0, 0, 0, 0, 1])
        entry = bytes([kind]) + vector(2, host)
        if random.random() < 0.05:
            entry += bytes([0]) + vector(2, b"second.org")
        return b"\0\0" + vector(2, vector(2, entry) + (b"" if random.random() > 0.03 else b"x"))
    if choice < 0.52:
        return b"\xfe\x0d" + vector(2, bytes(random.choice([0, 1, 200])))
    return random.choice([10, 16, 43, 51, 0xff01, 21]).to_bytes(2, "big") + vector(2, bytes(random.choice([0, 2, 32, 1200])))


def hello(random, host=None):
    host = host or random.choice([b"www.example.com", b"WWW.Example.COM", b"a", b"", b"x" * 253, b"x" * 254, b"a b.com", b"a.",
                                  b"1.2.3.4", b"a_b.c", b"caf\xc3\xa9.fr", b"a\0b"])
    version = pick(random, [b"\3\3", b"\3\1", b"\3\0", b"\3\4", b"\2\0", b"\3\5"], 0.1)
    made = version + bytes(32) + vector(1, bytes(random.choice([0, 32, 32, 32, 33])))
    made += vector(2, bytes(random.choice([2, 4, 30, 30, 30, 0, 3]) if random.random() < 0.2 else 30))
    made += vector(1, bytes(1 if random.random() > 0.05 else 0))
    if random.random() < 0.95:
        made += vector(2, b"".join(extension(random, host) for _ in range(random.randint(0, 4))))
    if random.random() < 0.03:
        made += b"x"
    return bytes([1 if random.random() > 0.02 else 2]) + vector(3, made)


def records(random, message):
    made = b""
    while message:
        size = random.choice([1, 5, 100, 16384, 16384, 16384])
        piece, message = message[:size], message[size:]
        kind = 22 if random.random() > 0.01 else random.choice([21, 23, 20])
        made += bytes([kind]) + pick(random, [b"\3\1", b"\3\3", b"\3\0", b"\3\4", b"\3\5", b"\2\0"], 0.1) + vector(2, piece)
    return made


def tls(random):
    made = records(random, hello(random))
    if random.random() < 0.3:
        made += b"\x14\3\3\0\1\1" + bytes(20)
    return spoil(random, made, 0.15)
