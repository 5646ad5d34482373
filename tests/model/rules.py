# SPDX-License-Identifier: Apache-2.0
"""One RULES object of a SecurityProfile, read and applied layer by layer as profile.md says (8 to 12). Slow on purpose:
lists are walked, nothing is indexed."""
import ipaddress

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "icmpv6": 58, "sctp": 132, "udplite": 136}


def protocol_number(word):
    return PROTOCOLS[word] if word in PROTOCOLS else int(word)


class Prefix:
    """A CIDR: host bits do not count (profile.md 20)."""

    def __init__(self, text):
        network = ipaddress.ip_network(text, strict=False)
        self.version = network.version
        self.first = int(network.network_address)
        self.last = int(network.broadcast_address)

    def has(self, address):
        return address.version == self.version and self.first <= int(address) <= self.last


class Rules:
    def __init__(self, spec):
        l4 = spec.get("l4", {})
        self.l3 = spec.get("l3", {}).get("protocols", [])
        self.prefixes = [Prefix(text) for text in spec.get("cidr4", []) + spec.get("cidr6", [])]
        self.fqdns = spec.get("fqdns", [])
        self.protocols = [protocol_number(word) for word in l4.get("protocols", [])]
        self.ports = [(protocol_number(entry["protocol"]), entry["port"], entry.get("endPort", entry["port"]))
                      for entry in l4.get("protocolPorts", [])]
        self.l7 = spec.get("l7")

    def has_address(self, address):
        return any(prefix.has(address) for prefix in self.prefixes)

    def refuse_l4(self, protocol, port):
        if protocol in self.protocols:
            return None
        ranges = [(first, last) for number, first, last in self.ports if number == protocol]
        if any(first <= port <= last for first, last in ranges):
            return None
        return "L4_PORT" if ranges else "L4_PROTOCOL"

    def judges_application(self):
        return self.l7 is not None and "any" not in self.l7.get("protocols", [])

    def refuse_flow(self, flow, refuse_learnt):
        """The first layer that refuses, as far as a packet's headers tell; None where all allow. `refuse_learnt(rules)`
        says the same of a peer as a learnt address."""
        if flow.l3 not in self.l3:
            return "L3_PROTOCOL"
        if flow.l3 == "arp":
            return None
        if not self.has_address(flow.remote):
            reason = refuse_learnt(self)
            if reason:
                return reason
        reason = self.refuse_l4(flow.protocol, flow.port)
        if reason:
            return reason
        if self.judges_application() and flow.protocol not in (6, 17):
            return "L7_PROTOCOL"
        return None
