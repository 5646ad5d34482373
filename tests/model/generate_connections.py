# SPDX-License-Identifier: Apache-2.0
"""What a connection carries, and how it is cut into segments that come in order, twice, or too early."""
import generate_dns as dns
import generate_http
import generate_tls
from generate_bytes import Dice, spoil, vector
from generate_names import name_near

TARGETS = [b"/task", b"/static/x", b"/static/", b"/a/b", b"/a", b"/task?q=1", b"/static/../task", b"/task/", b"/other",
           b"/static//x", b"/%74ask", b"/" + b"z" * 1023, b"/" + b"z" * 1024, b"/taskx"]
JUNK = [b"SSH-2.0-OpenSSH_9\r\n", b"\x16\3\1", b"GE", b"\r\n\r\n", b"EHLO x\r\n", bytes(20), b"PRI * HTTP/2.0\r\n\r\n",
        b"\0\x20" + bytes(32), b"*1\r\n$4\r\nPING\r\n", b"G", b"STARTTLS\r\n", b"\xff" * 30]
CONTENT_MAX = 9000
SEGMENT_MAX = 1400


def usual_request(dice):
    """What rules speak of."""
    method = dice.choice([b"GET", b"GET", b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS"])
    target = dice.choice(TARGETS) if method != b"OPTIONS" else b"*"
    if method != b"OPTIONS" and dice.random.random() < 0.1:
        target = b"http://example.com" + target
    said, data = generate_http.body(dice) if dice.random.random() < 0.3 else ([], b"")
    head = b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: example.com"] + said + [b"", b""])
    return head + data


def http(random):
    if random.random() < 0.3:
        return generate_http.http(random)
    dice = Dice(random)
    made = b"".join(usual_request(dice) for _ in range(random.choice([1, 1, 2, 3, 5])))
    return made + generate_http.request(dice) if random.random() < 0.15 else made


def queries(random, patterns):
    dice = Dice(random)
    made = b"".join(vector(2, dns.write_query(dice, name_near(random, patterns), random.choice([dns.A, dns.AAAA]),
                                              random.getrandbits(16))) for _ in range(random.choice([1, 1, 2, 3])))
    return spoil(random, made) if dice.odd(0.1) else made


def content(random, port, rules):
    """Mostly what goes with the rules, or with the port."""
    spoken = [word for word in rules.get("l7", {}).get("protocols", []) if word != "any"]
    usual = {53: "dns", 80: "http", 443: "https"}.get(port, random.choice(["http", "http", "https", "dns", "junk"]))
    kind = random.choice(spoken) if spoken and random.random() < 0.5 else usual
    if random.random() < 0.15:
        kind = random.choice(["http", "https", "dns", "junk"])
    if kind == "http":
        return http(random)[:CONTENT_MAX]
    if kind == "https":
        name = name_near(random, rules.get("fqdns")).encode() if random.random() < 0.7 else None
        return generate_tls.tls(random, name)[:CONTENT_MAX]
    if kind == "dns":
        return queries(random, rules.get("l7", {}).get("dns"))
    return random.choice(JUNK)


def segments(random, data):
    """[(offset, bytes)...] of a sender, with some sent twice, overlapping, or before their time."""
    made, at = [], 0
    while at < len(data):
        size = random.choice([1, 3, 16, 100, SEGMENT_MAX, SEGMENT_MAX]) if len(made) < 10 else SEGMENT_MAX
        made.append((at, data[at:at + size]))
        at += size
    if len(made) > 1 and random.random() < 0.15:
        at = random.randrange(1, len(made))
        made.insert(random.randint(at, len(made)), made[at - 1])
    if len(made) > 2 and random.random() < 0.1:
        at = random.randrange(1, len(made) - 1)
        made.insert(at, made[at + 1])
    if len(made) > 1 and random.random() < 0.1:
        at = random.randrange(len(made) - 1)
        (offset, piece), (_, following) = made[at:at + 2]
        made.insert(at + 1, (offset, data[offset:offset + min(len(piece) + len(following), SEGMENT_MAX)]))
    return made
