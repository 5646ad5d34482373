# SPDX-License-Identifier: Apache-2.0
"""Random DNS messages: written by a writer that compresses names at will, in any order, then maybe spoilt."""
from generate_streams import pick, spoil

A, CNAME, TXT, SIG, AAAA, OPT, TSIG, ANY = 1, 5, 16, 24, 28, 41, 250, 255
NAMES = ["pong.default.svc.cluster.local", "www.example.com", "example.com", "a.b.example.com", "xexample.com", "api.example.com",
         "WWW.Example.COM", "a", "", "x" * 63 + ".org", "deep." + "d." * 100 + "com", "cdn.net", "api-1.eu.cdn.net", "api-.cdn.net"]
ADDRESSES4 = ["10.1.2.3", "10.1.0.1", "192.0.2.0", "198.51.100.7", "127.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0",
              "203.0.113.5", "240.0.0.1"]
TTLS = [0, 1, 30, 300, 3599, 3600, 3601, 86399, 86400, 86401, 0x7fffffff, 0x80000000, 0xffffffff]


def labels_of(name):
    return [label.encode() for label in name.split(".")] if name else []


class Writer:
    """Bytes of a message; every name that was written may be pointed at."""

    def __init__(self, random, odds_of_pointer):
        self.random, self.odds = random, odds_of_pointer
        self.bytes = bytearray(12)
        self.places = {}

    def name(self, name, may_point=True):
        labels = labels_of(name)
        for i in range(len(labels)):
            rest = ".".join(label.decode() for label in labels[i:]).lower()
            if may_point and rest in self.places and self.random.random() < self.odds:
                self.bytes += (0xc000 | self.places[rest]).to_bytes(2, "big")
                return
            if len(self.bytes) < 0x3fff:
                self.places.setdefault(rest, len(self.bytes))
            self.bytes += bytes([len(labels[i])]) + labels[i]
        self.bytes.append(0)

    def number(self, value, size=2):
        self.bytes += value.to_bytes(size, "big")

    def record(self, owner, kind, class_, ttl, data):
        self.name(owner)
        self.number(kind)
        self.number(class_)
        self.number(ttl, 4)
        at = len(self.bytes)
        self.number(0)
        if isinstance(data, str):
            self.name(data)
        else:
            self.bytes += data
        self.bytes[at:at + 2] = (len(self.bytes) - at - 2).to_bytes(2, "big")

    def finish(self, id_, flags, counts):
        self.bytes[0:12] = b"".join(value.to_bytes(2, "big") for value in (id_, flags, *counts))
        return bytes(self.bytes)


def question(random, writer, name, kind):
    writer.name(name, False)
    writer.number(kind)
    writer.number(1 if random.random() > 0.02 else 3)


def write_query(random, name, kind, id_, is_odd=False):
    writer = Writer(random, 0)
    question(random, writer, name, kind)
    extras = 0
    if random.random() < 0.4:
        options = bytes(random.choice([0, 12]))
        writer.record("", OPT, 1232, 0, options)
        extras += 1
    if is_odd and random.random() < 0.3:
        what = random.choice([(TSIG, ANY), (SIG, ANY), (OPT, 512), (A, 1), (TSIG, 1)])
        writer.record(random.choice(["key.", ""]).strip("."), *what, 0, bytes(4))
        extras += 1
    flags = 0x0100 if not is_odd else random.choice([0x0100, 0, 0x0120, 0x0110, 0x0800, 0x2800, 0x0300, 0x8000, 0x010f])
    counts = (1, 0, 0, extras)
    if is_odd and random.random() < 0.1:
        counts = random.choice([(0, 0, 0, extras), (2, 0, 0, extras), (1, 1, 0, extras), (1, 0, 1, extras), (1, 0, 0, 3),
                                (1, 0, 0, extras + 1)])
    return writer.finish(id_, flags, counts)


def query(random):
    name = random.choice(NAMES)
    if random.random() < 0.05:
        name = random.choice(["y" * 64, "z." * 126 + "ab", "z." * 126 + "a", "z." * 127 + "a"])
    return spoil(random, write_query(random, name, random.choice([A, AAAA, TXT, 65, ANY]), random.getrandbits(16),
                                     random.random() < 0.5), 0.1)


def address(random, kind):
    import ipaddress
    if kind == A:
        return ipaddress.ip_address(random.choice(ADDRESSES4)).packed
    return random.choice([ipaddress.ip_address("fd01::5").packed, ipaddress.ip_address("::1").packed, bytes(16),
                          bytes(10) + b"\xff\xff\x7f\0\0\1", ipaddress.ip_address("2001:db8::1").packed,
                          ipaddress.ip_address("fd00:ec2::254").packed, ipaddress.ip_address("fe80::1").packed])


def chain_records(random, name, kind, is_odd):
    """[(owner, type, ttl, data)...] that answer a question."""
    links = random.choice([0, 0, 0, 1, 1, 2, 3, 7, 8, 9] if is_odd else [0, 0, 0, 1, 2, 3])
    names = [name] + [f"link{i}.{random.choice(['example.com', 'cdn.net'])}" for i in range(links)]
    made = [(names[i], CNAME, random.choice(TTLS), names[i + 1]) for i in range(links)]
    for _ in range(random.choice([0, 1, 1, 2, 4, 63, 64, 65] if is_odd else [1, 1, 2, 4])):
        what = kind if kind in (A, AAAA) else A
        made.append((names[-1], what, random.choice(TTLS), address(random, what)))
    return made


def stray_records(random, name):
    """What is no concern of the question, or odd."""
    return random.sample([("stray.org", A, 60, b"\x0a\1\2\3"), ("stray.org", CNAME, 60, name), (name, TXT, 60, b"\3abc"),
                          ("link0.cdn.net", A, 60, b"\x0a\1\0\1"), (name, A, 60, b"\x0a\1\2"), (name, CNAME, 60, name),
                          (name, AAAA, 1, bytes(16)), ("link1.example.com", CNAME, 3, name), (name.upper(), A, 5, b"\x0a\1\0\2"),
                          (name, CNAME, 60, "else.org"), ("else.org", A, 60, b"\x0a\1\0\3")], random.choice([0, 1, 1, 2]))


def write_reply(random, name, kind, id_, is_odd=False):
    writer = Writer(random, random.choice([0, 0.5, 1]))
    question(random, writer, name, kind)
    records = chain_records(random, name, kind, is_odd)
    if is_odd:
        records += stray_records(random, name)
        if random.random() < 0.4:
            random.shuffle(records)
    for owner, what, ttl, data in records:
        writer.record(owner, what, 1 if random.random() > 0.01 else 3, ttl, data)
    more = [random.choice([0, 0, 1, 2]) for _ in range(2)] if random.random() < 0.3 else [0, 0]
    if is_odd and random.random() < 0.05:
        more[0] = random.choice([126, 127, 128]) - len(records)
    for i in range(sum(more)):
        writer.record("ns.example.com", A, 1, 60, b"\x0a\1\2\3")
    flags = 0x8180 if not is_odd else random.choice([0x8180] * 6 + [0x8400, 0x8183, 0x8182, 0x8380, 0x8980, 0x0100])
    counts = [1, len(records), *more]
    if is_odd and random.random() < 0.05:
        counts[random.randrange(4)] += random.choice([1, -1]) if min(counts) > 0 else 1
    return writer.finish(id_, flags, counts)


def reply(random):
    made = write_reply(random, random.choice(NAMES), random.choice([A, AAAA]), random.getrandbits(16), random.random() < 0.6)
    if random.random() < 0.1 and len(made) > 20:
        at = random.randrange(12, len(made) - 1)
        made = made[:at] + random.choice([b"\xc0\x0c", b"\xc0" + bytes([at & 255]), b"\xff\xff", b"\x40a"]) + made[at + 2:]
    return spoil(random, made, 0.06)
