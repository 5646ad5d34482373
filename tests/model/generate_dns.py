# SPDX-License-Identifier: Apache-2.0
"""Random DNS messages, by a writer that compresses names at will; in any order, then maybe spoilt."""
import ipaddress

from generate_bytes import Dice, spoil

A, CNAME, TXT, SIG, AAAA, OPT, TSIG, ANY = 1, 5, 16, 24, 28, 41, 250, 255
NAMES = ["pong.default.svc.cluster.local", "www.example.com", "example.com", "a.b.example.com", "xexample.com",
         "api.example.com", "WWW.Example.COM", "a", "", "x" * 63 + ".org", "deep." + "d." * 100 + "com", "cdn.net",
         "api-1.eu.cdn.net", "api-.cdn.net"]
ODD_NAMES = ["y" * 64, "z." * 126 + "ab", "z." * 126 + "a", "z." * 127 + "a"]
ADDRESSES = {
    A: ["10.1.2.3", "10.1.0.1", "192.0.2.0", "198.51.100.7", "127.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0",
        "203.0.113.5", "240.0.0.1", "203.0.113.6", "203.0.113.7"],
    AAAA: ["fd01::5", "::1", "::", "::ffff:127.0.0.1", "2001:db8::1", "fd00:ec2::254", "fe80::1", "2001:db8::2",
           "fd00::99"],
}
USUAL = {A: ["203.0.113.5", "203.0.113.6", "203.0.113.7"], AAAA: ["2001:db9::1", "2001:db9::2", "fd00::99"]}
TTLS = [0, 1, 30, 300, 3599, 3600, 3601, 86399, 86400, 86401, 0x7fffffff, 0x80000000, 0xffffffff]


class Writer:
    """Bytes of a message; every name that was written may be pointed at."""

    def __init__(self, random, odds_of_pointer):
        self.random, self.odds = random, odds_of_pointer
        self.bytes = bytearray(12)
        self.places = {}

    def name(self, name, may_point=True):
        labels = name.split(".") if name else []
        for i, label in enumerate(labels):
            rest = ".".join(labels[i:]).lower()
            if may_point and rest in self.places and self.random.random() < self.odds:
                self.number(0xc000 | self.places[rest])
                return
            if len(self.bytes) < 0x3fff:
                self.places.setdefault(rest, len(self.bytes))
            self.bytes += bytes([len(label)]) + label.encode()
        self.bytes.append(0)

    def number(self, value, size=2):
        self.bytes += value.to_bytes(size, "big")

    def question(self, name, kind, class_):
        self.name(name, False)
        self.number(kind)
        self.number(class_)

    def record(self, owner, kind, class_, ttl, data):
        """data: bytes, or a name."""
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


# --- queries ----------------------------------------------------------------------------------------------------------


def write_query(dice, name, kind, id_):
    writer = Writer(dice.random, 0)
    writer.question(name, kind, dice.pick([1, 3], 0.04))
    extras = 0
    if dice.random.random() < 0.4:
        writer.record("", OPT, 1232, 0, bytes(dice.choice([0, 12])))
        extras += 1
    if dice.odd(0.2):
        what = dice.choice([(TSIG, ANY), (SIG, ANY), (OPT, 512), (A, 1), (TSIG, 1)])
        writer.record(dice.choice(["key", ""]), *what, 0, bytes(4))
        extras += 1
    flags = dice.pick([0x0100, 0, 0x0120, 0x0110, 0x0800, 0x2800, 0x0300, 0x8000, 0x010f], 0.4)
    counts = dice.pick([(1, 0, 0, extras), (0, 0, 0, extras), (2, 0, 0, extras), (1, 1, 0, extras), (1, 0, 1, extras),
                        (1, 0, 0, 3), (1, 0, 0, extras + 1)], 0.1)
    return writer.finish(id_, flags, counts)


def query(random):
    dice = Dice(random)
    name = random.choice(ODD_NAMES if dice.odd(0.1) else NAMES)
    made = write_query(dice, name, random.choice([A, AAAA, TXT, 65, ANY]), random.getrandbits(16))
    return spoil(random, made) if dice.odd(0.15) else made


# --- answers ----------------------------------------------------------------------------------------------------------


def address(random, kind):
    pool = ADDRESSES[kind] if random.random() < 0.3 else USUAL[kind]
    return ipaddress.ip_address(random.choice(pool)).packed


def chain_records(dice, name, kind):
    """[(owner, type, TTL, data)...] that answer a question."""
    links = dice.choice([0, 0, 0, 1, 1, 2, 3, 7, 8, 9] if dice.odd(0.5) else [0, 0, 0, 1, 2, 3])
    names = [name] + [f"link{i}.{dice.choice(['example.com', 'cdn.net'])}" for i in range(links)]
    made = [(names[i], CNAME, dice.choice(TTLS), names[i + 1]) for i in range(links)]
    what = kind if kind in (A, AAAA) else A
    for _ in range(dice.choice([0, 1, 1, 2, 4, 63, 64, 65] if dice.odd(0.5) else [1, 1, 2, 4])):
        made.append((names[-1], what, dice.choice(TTLS), address(dice.random, what)))
    return made


def stray_records(random, name):
    """What is no concern of the question, or odd."""
    pool = [("stray.org", A, 60, b"\x0a\1\2\3"), ("stray.org", CNAME, 60, name), (name, TXT, 60, b"\3abc"),
            ("link0.cdn.net", A, 60, b"\x0a\1\0\1"), (name, A, 60, b"\x0a\1\2"), (name, CNAME, 60, name),
            (name, AAAA, 1, bytes(16)), ("link1.example.com", CNAME, 3, name), (name.upper(), A, 5, b"\x0a\1\0\2"),
            (name, CNAME, 60, "else.org"), ("else.org", A, 60, b"\x0a\1\0\3")]
    return random.sample(pool, random.choice([0, 1, 1, 2]))


def write_reply(dice, name, kind, id_):
    random = dice.random
    writer = Writer(random, random.choice([0, 0.5, 1]))
    writer.question(name, kind, dice.pick([1, 3], 0.04))
    records = chain_records(dice, name, kind)
    if dice.odd(0.5):
        records += stray_records(random, name)
    if random.random() < 0.2:
        random.shuffle(records)
    for owner, what, ttl, data in records:
        writer.record(owner, what, dice.pick([1, 3], 0.02), ttl, data)
    more = [random.choice([0, 0, 1, 2]) for _ in range(2)] if random.random() < 0.3 else [0, 0]
    if dice.odd(0.03):
        more[0] = random.choice([126, 127, 128]) - len(records)
    for _ in range(sum(more)):
        writer.record("ns.example.com", A, 1, 60, b"\x0a\1\2\3")
    flags = dice.pick([0x8180, 0x8400, 0x8183, 0x8182, 0x8380, 0x8980, 0x0100], 0.3)
    counts = [1, len(records), *more]
    if dice.odd(0.05):
        counts[random.randrange(4)] += 1
    return writer.finish(id_, flags, counts)


def reply(random):
    dice = Dice(random)
    made = write_reply(dice, random.choice(NAMES), random.choice([A, AAAA]), random.getrandbits(16))
    if dice.odd(0.15) and len(made) > 20:
        at = random.randrange(12, len(made) - 1)
        odd = random.choice([b"\xc0\x0c", b"\xc0" + bytes([at & 255]), b"\xff\xff", b"\x40a"])
        made = made[:at] + odd + made[at + 2:]
    return spoil(random, made) if dice.odd(0.1) else made
