# SPDX-License-Identifier: Apache-2.0
"""Random histories. A batch is one set of profiles, maybe replaced by another on its way, and some histories under it:
writing profiles waits for the kernel, packets do not."""
import ipaddress

import generate_connections as connections
import generate_dns
import generate_http
import generate_profiles as make
import generate_tls
from generate_bytes import cuts
from generate_names import resolve

STREAM, DATAGRAM, RAW = 1, 2, 3
HISTORIES = 32  # of a batch
MAKERS = {"http": generate_http.http, "tls": generate_tls.tls, "query": generate_dns.query, "reply": generate_dns.reply}
UNSAFE = [ipaddress.ip_network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "10.0.0.2/32", "::/95",
                                                  "::ffff:0:0/96", "ff00::/8", "fe80::/10", "fd00::2/128")]


def is_usable(address):
    return not any(address.version == network.version and address in network for network in UNSAFE)


EDGES = [address for cidr in make.CIDRS4 + make.CIDRS6 for address in make.edges(cidr) if is_usable(address)]


class History:
    """Sockets by number, and the steps that happen to them."""

    def __init__(self, random, profiles):
        self.random = random
        self.profiles = profiles
        self.sockets = []
        self.steps = []
        self.lane = None  # that everything goes to, if any
        self.portless = set()  # peers of exchanges that no port tells from others
        self.port = random.randint(20000, 50000)
        self.make_steps()

    # --- who -----------------------------------------------------------------------------------------------------

    def owner(self, has=None):
        """Mostly somebody the profiles list, with something in the egress rules; returns the process entry too."""
        listed = [process for profile in self.profiles for process in profile["spec"]["processes"]]
        listed = [process for process in listed if has in self.rules_near(process, "egress")] or listed
        process = self.random.choice(listed) if listed else {}
        path = process.get("path", make.UNLISTED)
        container = process.get("container") or self.random.choice([None, *make.CONTAINERS])
        if self.random.random() < 0.05:
            path = make.UNLISTED
        if self.random.random() < 0.1:
            container = self.random.choice([None, *make.CONTAINERS])
        return process, path, container

    def rules_near(self, process, way):
        """The rules that a flow is made to nearly match."""
        return process.get("network", {}).get(way) or {}

    # --- where to ------------------------------------------------------------------------------------------------

    def remote(self, rules):
        near = rules.get("cidr4", []) + rules.get("cidr6", [])
        if near and self.random.random() < 0.9:
            edges = make.edges(self.random.choice(near))
            usable = [address for address in (edges if self.random.random() < 0.4 else edges[:2]) if is_usable(address)]
            if usable:
                return self.random.choice(usable)
        return self.random.choice(EDGES)

    def protocol(self, rules, version):
        l4 = rules.get("l4", {})
        words = l4.get("protocols", []) + [entry["protocol"] for entry in l4.get("protocolPorts", [])]
        numbers = {word: number for number, word in make.WORDS.items()}
        near = [numbers.get(word, word) for word in words]
        choice = self.random.choice(near) if near and self.random.random() < 0.8 else self.random.choice([*make.WORDS])
        if choice in (1, 58):
            return 1 if version == 4 else 58
        return choice

    def distinct(self, protocol, remote, instead):
        """GRE has no ports: two exchanges with one peer would be one."""
        if protocol == 47 and remote in self.portless:
            return instead
        if protocol == 47:
            self.portless.add(remote)
        return protocol

    def service(self, rules, protocol):
        """The flow's destination port: at, or one beside, the end of some range."""
        entries = rules.get("l4", {}).get("protocolPorts", [])
        near = [(entry["port"], entry.get("endPort", entry["port"])) for entry in entries]
        first, last = self.random.choice(near if near and self.random.random() < 0.7 else make.PORTS)
        port = self.random.choice([first, last, first, last, first - 1, last + 1, (first + last) // 2])
        return min(max(port, 1), 65535)

    def listed_service(self, rules):
        """Mostly one that is allowed."""
        numbers = {"tcp": 6, "udp": 17}
        entries = [(numbers[entry["protocol"]], entry.get("endPort", entry["port"]))
                   for entry in rules.get("l4", {}).get("protocolPorts", []) if entry["protocol"] in numbers]
        return self.random.choice(entries) if entries and self.random.random() < 0.7 else None

    # --- what happens --------------------------------------------------------------------------------------------

    def make_steps(self):
        for _ in range(self.random.randint(1, 3)):
            if self.random.random() < 0.85:
                self.owned_flow()
            else:
                self.unowned_flow()
        self.stream()
        self.mix()

    def stream(self):
        """For a parser alone."""
        kind = self.random.choice(["http", "http", "tls", "query", "reply"])
        data = MAKERS[kind](self.random)
        self.steps.append({"do": "parse", "lane": "parser", "kind": kind, "data": data.hex(),
                           "cuts": cuts(self.random, len(data))})

    def mix(self):
        """Flows happen at once; the order within each stays. Time passes now and then."""
        lanes = {}
        for step in self.steps:
            lanes.setdefault(step.pop("lane"), []).append(step)
        mixed = []
        while lanes:
            lane = self.random.choice([*lanes])
            mixed.append(lanes[lane].pop(0))
            if not lanes[lane]:
                del lanes[lane]
            if lanes and self.random.random() < 0.05:
                mixed.append({"do": "wait", "seconds": self.random.choice([2, 29, 31, 100, 179, 181, 700])})
        self.steps = mixed

    def add(self, lane, **step):
        self.steps.append({"do": "packet", "lane": self.lane if self.lane is not None else lane, **step})

    def owned_flow(self):
        if self.random.random() < 0.35:
            self.learn_and_use(*self.owner("fqdns"))
            return
        process, path, container = self.owner()
        way = self.random.choice(["egress", "egress", "ingress"])
        rules = self.rules_near(process, way)
        remote = self.remote(rules)
        protocol = self.protocol(rules, remote.version)
        self.flow(path, container, way, rules, remote, protocol)

    def flow(self, path, container, way, rules, remote, protocol, service=None):
        """A socket of an executable, and what it exchanges with one peer."""
        protocol = self.distinct(protocol, remote, 132)
        place = len(self.sockets)
        self.port += 1
        service = service or self.service(rules, protocol)
        ports = {"rport": service, "lport": self.port} if way == "egress" else {"rport": self.port, "lport": service}
        if protocol in (1, 58):
            ports = {"rport": self.port, "lport": self.port}
        elif protocol == 47:
            ports = {}
        self.sockets.append({"path": path, "container": container, "protocol": protocol, "type": self.kind(protocol),
                             "passive": protocol == 6 and way == "ingress",
                             "untrusted": self.random.random() < 0.03})
        packet = {"remote": str(remote), "protocol": protocol, "socket": place, **ports}
        if protocol == 6 and self.random.random() < 0.8:
            self.converse(place, way, packet, connections.content(self.random, service, rules))
        else:
            self.exchange(place, way, packet, rules)
        return packet

    def learn_and_use(self, process, path, container):
        """A name is asked for, then somebody goes where the answer says."""
        rules = self.rules_near(process, "egress")
        resolver = self.remote(rules)
        place = len(self.sockets)
        self.port += 1
        self.sockets.append({"path": path, "container": container, "protocol": 17, "type": DATAGRAM, "passive": False,
                             "untrusted": self.random.random() < 0.02})
        packet = {"remote": str(resolver), "protocol": 17, "socket": place, "lport": self.port,
                  "rport": 53 if self.random.random() < 0.9 else 5353}
        listed, askable = rules.get("fqdns", []), rules.get("l7", {}).get("dns", [])
        patterns = listed if listed and self.random.random() < 0.8 else listed + askable
        found = resolve(self, packet, place, patterns)
        found = [address for address in found if is_usable(address)]
        for _ in range(self.random.choice([1, 1, 2])):
            if not found:
                return
            if self.random.random() < 0.15:
                _, path, container = self.owner("fqdns")
            remote = self.random.choice(found)
            protocol, service = self.listed_service(rules) or (self.protocol(rules, remote.version), None)
            self.lane = place if self.random.random() < 0.9 else None
            if self.random.random() < 0.15:
                self.add(place, **{"do": "wait", "seconds": self.random.choice([29, 31, 3500, 3700, 86000, 87000])})
            self.flow(path, container, "egress", rules, remote, protocol, service)
            self.lane = None

    def converse(self, lane, way, packet, data):
        """A connection with content; the other side speaks in between, mostly later."""
        first, other = ("out", "in") if way == "egress" else ("in", "out")
        heard = 0
        self.add(lane, way=first, **packet, flags=2)
        for i, (offset, piece) in enumerate(connections.segments(self.random, data)):
            if self.random.random() < (0.03 if i == 0 else 0.15):
                self.add(lane, way=other, **packet, flags=0x10, payload=b"reply".hex(), offset=heard)
                heard += 5
            self.add(lane, way=first, **packet, flags=0x10, payload=piece.hex(), offset=offset, whole=data.hex())

    def kind(self, protocol):
        if protocol == 6:
            return STREAM
        return DATAGRAM if protocol in (1, 17, 58) else RAW

    def exchange(self, lane, way, packet, rules):
        """A packet that opens the flow, then some more either way."""
        first = "out" if way == "egress" else "in"
        if first == "out" and packet["protocol"] != 6 and self.random.random() < 0.05:
            self.add(lane, way=first, **packet, spoofs=True)
            return
        is_tcp, is_icmp = packet["protocol"] == 6, packet["protocol"] in (1, 58)
        payload = {"payload": self.datagram(rules)} if packet["protocol"] == 17 else {}
        self.add(lane, way=first, **packet, **({"flags": 2} if is_tcp else payload))
        for _ in range(self.random.choice([0, 0, 1, 1, 2, 4])):
            back = self.random.random() < 0.5
            more = {"flags": 0x10} if is_tcp else {"is_reply": back} if is_icmp else payload
            self.add(lane, way=({"out": "in", "in": "out"}[first] if back else first), **packet, **more)

    def datagram(self, rules):
        """The content of one that is no exchange with a resolver."""
        choice = self.random.random()
        if choice < 0.5:
            return connections.queries(self.random, rules.get("l7", {}).get("dns"))[2:].hex()
        return self.random.choice([b"", b"x", bytes(48), b"GET / HTTP/1.1\r\n\r\n", b"\xc3" + bytes(1200)]).hex()

    def unowned_flow(self):
        blocks = [profile["spec"].get("default", {}) for profile in self.profiles]
        rules = self.random.choice(blocks).get("ingress", {})
        remote = self.remote(rules)
        protocol = self.random.choice(["arp", "arp", 1, 17, 6, 47] if remote.version == 4 else [58, 17])
        protocol = self.distinct(protocol, remote, 17)
        self.port += 1
        packet = {"remote": str(remote), "protocol": protocol}
        lane = f"alone{self.port}"
        if protocol == "arp":
            way = self.random.choice(["in", "out"])
            self.add(lane, way=way, **packet, spoofs=way == "out" and self.random.random() < 0.4)
        elif protocol in (1, 58):
            self.exchange(lane, "ingress", {**packet, "rport": self.port, "lport": self.port}, {})
        else:
            ports = {} if protocol == 47 else {"rport": self.port, "lport": self.service(rules, protocol)}
            flags = {"flags": 2} if protocol == 6 else {}
            self.add(lane, way="in", **packet, **ports, **flags)


def batch(random):
    """Profiles, and histories under them."""
    profiles = make.profiles(random)
    histories = [History(random, profiles) for _ in range(HISTORIES)]
    return {"profiles": profiles, "histories": [{"sockets": h.sockets, "steps": h.steps} for h in histories]}


def with_change(random, made):
    """The batch's last history, cut in two by other profiles: often the same with something taken away."""
    history = made["histories"][-1]
    if len(history["steps"]) > 1:
        at = random.randint(1, len(history["steps"]) - 1)
        history["steps"].insert(at, {"do": "apply", "profiles": changed(random, made["profiles"])})
    return made


def changed(random, profiles):
    if random.random() < 0.4:
        return make.profiles(random)
    kept = [dict(profile, spec=dict(profile["spec"])) for profile in profiles]
    victim = random.choice(kept)
    victim["spec"]["processes"] = [p if random.random() < 0.5 else make.process(random, p["path"], p.get("container"))
                                   for p in victim["spec"]["processes"]]
    return kept
