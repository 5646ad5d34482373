# SPDX-License-Identifier: Apache-2.0
"""Random beginnings of TLS connections."""
from generate_bytes import Dice, spoil, vector

HOSTS = [b"www.example.com", b"WWW.Example.COM", b"a", b"1.2.3.4", b"a_b.c", b"x" * 253]
ODD_HOSTS = [b"", b"x" * 254, b"a b.com", b"a.", b"caf\xc3\xa9.fr", b"a\0b", b"a..b", b".a", b"x" * 64 + b".com"]
VERSIONS = [b"\3\3", b"\3\1", b"\3\0", b"\3\4", b"\2\0", b"\3\5"]
KINDS = [10, 16, 43, 51, 0xff01, 21]
PIECES = [1, 5, 100, 16384, 16384, 16384]


def server_name(dice, host):
    entry = bytes([dice.pick([0, 1], 0.1)]) + vector(2, host)
    if dice.odd(0.05):
        entry += bytes([0]) + vector(2, b"second.org")
    return b"\0\0" + vector(2, vector(2, entry) + dice.pick([b"", b"x"], 0.04))


def extensions(dice, host):
    made = [dice.choice(KINDS).to_bytes(2, "big") + vector(2, bytes(dice.choice([0, 2, 32, 1200])))
            for _ in range(dice.choice([0, 1, 2, 3]))]
    if dice.random.random() < 0.85:
        made.append(server_name(dice, host))
    if dice.odd(0.05):
        made.append(server_name(dice, host))
    if dice.random.random() < 0.08:
        made.append(b"\xfe\x0d" + vector(2, bytes(dice.choice([0, 1, 200]))))
    dice.random.shuffle(made)
    return vector(2, b"".join(made))


def hello(dice, host=None):
    host = host or dice.choice(ODD_HOSTS if dice.odd(0.2) else HOSTS)
    made = dice.pick(VERSIONS, 0.2) + bytes(32) + vector(1, bytes(dice.pick([32, 0, 33], 0.2)))
    made += vector(2, bytes(dice.pick([30, 2, 4, 0, 3], 0.2))) + vector(1, bytes(dice.pick([1, 2, 0], 0.1)))
    if not dice.odd(0.05):
        made += extensions(dice, host)
    return bytes([dice.pick([1, 2], 0.04)]) + vector(3, made + dice.pick([b"", b"x"], 0.04))


def records(dice, message):
    made = b""
    while message:
        size = dice.choice(PIECES)
        piece, message = message[:size], message[size:]
        made += bytes([dice.pick([22, 21, 23, 20], 0.02)]) + dice.pick([b"\3\1"] + VERSIONS, 0.2) + vector(2, piece)
    return made


def tls(random, host=None):
    dice = Dice(random)
    made = records(dice, hello(dice, host))
    if random.random() < 0.3:
        made += b"\x14\3\3\0\1\1" + bytes(20)
    return spoil(random, made) if dice.odd(0.2) else made
