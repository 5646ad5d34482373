# SPDX-License-Identifier: Apache-2.0
"""Histories in which the object and the model once disagreed, made small: each is run before the random ones."""
import generate_dns as dns
from generate_bytes import Dice
from generate_tls import records, hello

ALL = {"protocols": ["ipv4", "ipv6", "arp"]}
RESOLVER = {"protocol": "udp", "port": 53}


class Plain:
    """Chance that never does anything odd."""

    wildness = 0

    def random(self):
        return 0.5

    def choice(self, pool):
        return pool[0]

    def sample(self, pool, count):
        return pool[:count]

    def randint(self, first, last):
        return first

    def shuffle(self, pool):
        pass


def profile(name, actions, processes=(), **spec):
    return {"apiVersion": "securityprobe.datadoghq.com/v1", "kind": "SecurityProfile",
            "metadata": {"name": name, "namespace": "test"},
            "spec": {"labelSelector": {}, "actions": actions, "processes": list(processes), **spec}}


def process(path, egress=None, **more):
    return {"path": path, "network": {"egress": egress} if egress is not None else {}, **more}


def socket(path, protocol, **more):
    kind = {6: 1, 17: 2, 1: 2}[protocol]
    return {"path": path, "container": None, "protocol": protocol, "type": kind, "passive": False, "untrusted": False,
            **more}


def packet(way, place, protocol, remote, rport, **more):
    return {"do": "packet", "way": way, "socket": place, "protocol": protocol, "remote": remote, "rport": rport,
            "lport": rport if protocol == 1 else 40000 + place, "flags": 0x10, **more}


def echo(way, place, is_reply=False):
    return packet(way, place, 1, "10.1.2.3", 77, is_reply=is_reply)


def wait(seconds):
    return {"do": "wait", "seconds": seconds}


def lookup(place, name, address, resolver="10.1.2.3"):
    """A query and its answer."""
    query = dns.write_query(Dice(Plain()), name, dns.A, 7)
    writer = dns.Writer(Plain(), 1)
    writer.question(name, dns.A, 1)
    writer.record(name, dns.A, 1, 60, bytes(map(int, address.split("."))))
    return [packet("out", place, 17, resolver, 53, payload=query.hex()),
            packet("in", place, 17, resolver, 53, payload=writer.finish(7, 0x8180, (1, 1, 0, 0)).hex())]


def client_hello(host):
    dice = Dice(Plain())
    return records(dice, hello(dice, host)).hex()


NAMES = {"l3": ALL, "cidr4": ["10.1.0.0/16"], "l4": {"protocols": ["tcp"], "protocolPorts": [RESOLVER]}}
CURL, DIG = "/usr/bin/curl", "/usr/bin/dig"

# (what must be, whether the last packet passes, profiles, sockets, steps)
FOUND = [
    ("ARP needs no default in each profile", True,
     [profile("p0", ["enforce"], default={}), profile("p1", ["enforce"])], [],
     [{"do": "packet", "way": "in", "protocol": "arp", "remote": "10.1.2.3"}]),
    ("who is listed for a container is not unlisted in it", True,
     [profile("p0", ["enforce"], [process(CURL, NAMES, container="app", actions=["alert"])])],
     [socket(CURL, 6, container="app")], [packet("out", 0, 6, "10.9.9.9", 80, flags=2)]),
    ("nameScope: pod shares what one block learns with another", True,
     [profile("p0", ["enforce"], [process(DIG, NAMES), process(CURL, {**NAMES, "fqdns": ["*.com"]})], nameScope="pod")],
     [socket(DIG, 17), socket(CURL, 6)],
     [*lookup(0, "a.com", "203.0.113.5"), packet("out", 1, 6, "203.0.113.5", 443, flags=2)]),
    ("a resolver that the listing profile does not allow teaches it nothing", False,
     [profile("p0", ["enforce"], [process(CURL, NAMES)]),
      profile("p1", ["enforce"], [process(CURL, {**NAMES, "cidr4": ["10.2.0.0/16"], "fqdns": ["*.com"]})])],
     [socket(CURL, 17), socket(CURL, 6)],
     [*lookup(0, "a.com", "203.0.113.5"), packet("out", 1, 6, "203.0.113.5", 443, flags=2)]),
    ("a connection that lives keeps its name", True,
     [profile("p0", ["enforce"], [process(CURL, {**NAMES, "fqdns": ["*.com"]})])],
     [socket(CURL, 17), socket(CURL, 6), socket(CURL, 6)],
     [*lookup(0, "a.com", "203.0.113.5"), packet("out", 1, 6, "203.0.113.5", 443, flags=2), wait(86000),
      packet("out", 2, 6, "203.0.113.5", 443, flags=2)]),
    ("a server's name that fqdns has is no wrong one", True,
     [profile("p0", ["enforce"], [process(CURL, {**NAMES, "fqdns": ["*.com"], "l7": {"protocols": ["https", "dns"],
                                                                                    "dns": ["*"]}})])],
     [socket(CURL, 17), socket(CURL, 6)],
     [*lookup(0, "a.com", "203.0.113.5"), packet("out", 1, 6, "203.0.113.5", 443, payload=client_hello(b"B.com"))]),
    ("a flow that begins anew is unanswered again", True, [profile("p0", ["alert"])], [socket(CURL, 1)],
     [echo("out", 0), echo("in", 0, True), wait(700), echo("out", 0), wait(31), echo("out", 0)]),
    ("an untrusted binary's reply is judged by the new revision", False, [profile("p0", ["ignore"])],
     [socket(CURL, 1, untrusted=True)],
     [echo("out", 0), {"do": "apply", "profiles": [profile("p0", ["enforce"])]}, echo("in", 0, True)]),
    ("a blank line begins HTTP, whatever the method is", False,
     [profile("p0", ["enforce"], [process(CURL, {**NAMES, "l7": {"protocols": ["any"],
                                                                "http": [{"method": "GET", "uri": "/"}]}})])],
     [socket(CURL, 6)],
     [packet("out", 0, 6, "10.1.2.3", 8080, payload=b"\r\nM-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n".hex())]),
    ("time in a table of many entries comes to its end", True, [profile("p0", ["alert"])],
     [socket(CURL, 17) for _ in range(20)],
     [*(packet("out", i, 17, f"10.1.{i}.{j}", 53) for i in range(20) for j in range(1, 20)), wait(10),
      packet("out", 0, 17, "10.1.0.1", 53)]),
]
