# SPDX-License-Identifier: Apache-2.0
"""Names near patterns, and what goes with them: a query to a resolver and its answers."""
import ipaddress

import dns_message
import generate_dns as dns
from generate_bytes import Dice, spoil
from generate_profiles import NAMES

REPLY_MAX = 3000  # BPF_PROG_TEST_RUN takes less than a page


def name_near(random, patterns):
    """One that a pattern matches, or nearly."""
    pattern = random.choice(patterns or NAMES).lower().removesuffix(".")
    if pattern == "*":
        return random.choice(dns.NAMES)
    made = [label for part in pattern.split(".") for label in labels_near(random, part)]
    if random.random() < 0.15:
        made = random.choice([made[1:], ["x"] + made, made + ["org"], ["x" + (made or ["y"])[0]] + made[1:]])
    name = ".".join(label for label in made if label)
    return name.upper() if random.random() < 0.1 else name


def labels_near(random, part):
    if part == "**":
        return random.choice([["a"], ["a", "b"], ["a", "b", "c"], []])
    if part == "*":
        return random.choice([["a"], ["a"], ["a"], ["www"], ["api-1"], ["a", "b"], []])
    return ["".join(random.choice(["", "1", "eu", "x-y"]) if c == "*" else c for c in part)]


def resolve(history, packet, lane, patterns):
    """Adds a query and answers to it; returns the addresses that a clean one tells."""
    random, dice = history.random, Dice(history.random)
    name = name_near(random, patterns)
    kind = dns.A if random.random() < 0.7 else dns.AAAA
    id_ = random.getrandbits(16)
    reply = clear_reply(dice, name.swapcase() if random.random() < 0.05 else name, kind, id_)
    history.add(lane, way="out", **packet, payload=dns.write_query(dice, name, kind, id_).hex())
    for _ in range(random.choice([1, 1, 1, 1, 2, 0])):
        answer = reply
        if random.random() < 0.12:
            answer = random.choice([spoil(random, reply), b"junk", b"", clear_reply(dice, name, kind, id_ ^ 1),
                                    clear_reply(dice, "x" + name, kind, id_)])
        history.add(lane, way="in", **packet, payload=answer.hex())
    return addresses_in(reply)


def clear_reply(dice, name, kind, id_):
    """One that can be read in one way only, and is not too long."""
    while True:
        made = dns.write_reply(dice, name, kind, id_)
        try:
            is_clear = not dns_message.Reply(made).has_two_ways
        except dns_message.Bad:
            is_clear = True
        if is_clear and len(made) <= REPLY_MAX:
            return made


def addresses_in(reply):
    try:
        found = dns_message.Reply(reply)
    except dns_message.Bad:
        return []
    return [ipaddress.ip_address(data) for data, _ in found.addresses]
