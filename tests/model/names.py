# SPDX-License-Identifier: Apache-2.0
"""Names: which a list's patterns match (profile.md 13), and what DNS answers have taught (14). A name is a tuple of
labels as on the wire, folded."""
import ipaddress

FLOOR_S, CAP_S = 3600, 86400  # as runner.c sets them
ASK_LIFE_S = 30
USE_S = 180

NEVER_LEARNT = [ipaddress.ip_network(text) for text in (
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "fe80::/10",
    "ff00::/8", "fd00:ec2::254/128", "::ffff:0:0/96", "::/96")]


def glob(pattern, label):
    """`*` is any text within the label."""
    if not pattern:
        return not label
    if pattern[:1] == b"*":
        return any(glob(pattern[1:], label[i:]) for i in range(len(label) + 1))
    return bool(label) and pattern[0] == label[0] and glob(pattern[1:], label[1:])


def matches(pattern, name):
    pattern = pattern.lower().removesuffix(".")
    if pattern == "*":
        return True
    labels = [label.encode() for label in pattern.split(".")]
    if labels[0] == b"**":
        if len(name) < len(labels):
            return False
        labels, name = labels[1:], name[len(name) - len(labels) + 1:]
    return len(labels) == len(name) and all(map(glob, labels, name))


def is_listed(patterns, name):
    return any(matches(pattern, name) for pattern in patterns)


def address_of(data):
    return ipaddress.ip_address(data)


def is_learnable(address):
    return not any(address.version == network.version and address in network for network in NEVER_LEARNT)


class Lessons:
    """{(scope, address): {name: until when}}; a scope is an executable's path, or None: the whole pod."""

    def __init__(self):
        self.known = {}

    def learn(self, scope, address, name, ttl, now):
        until = now + min(max(ttl, FLOOR_S), CAP_S)
        names = self.known.setdefault((scope, address), {})
        names[name] = max(names.get(name, 0), until)

    def refuse(self, scope, address, patterns, now, is_live):
        """None, or why the address is not allowed by these names."""
        ends = [until for name, until in self.known.get((scope, address), {}).items() if is_listed(patterns, name)]
        if not ends:
            return "ADDRESS"
        return None if is_live or max(ends) > now else "FQDN_EXPIRED"
