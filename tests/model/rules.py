# SPDX-License-Identifier: Apache-2.0
"""One RULES object of a SecurityProfile, read and applied layer by layer as profile.md says (8 to 12). Slow on purpose:
lists are walked, nothing is indexed."""
import ipaddress

from names import is_listed

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

    def has_any(self):
        return self.l7 is None or "any" in self.l7.get("protocols", [])

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
        return self.refuse_unread(flow)

    def refuse_unread(self, flow):
        """Where somebody must know what a flow carries, it must be one that can be read: a process's TCP or UDP."""
        if not self.must_know() or (flow.owner and flow.protocol in (6, 17)):
            return None
        return None if self.has_any() and flow.protocol not in (6, 17) else "L7_PROTOCOL"

    # --- what the flow carries (11) ------------------------------------------------------------------------------

    def must_know(self):
        """Whether some flow that the other layers allow may still be refused for what it carries."""
        if self.l7 is None:
            return False
        return not self.has_any() or "dns" in self.l7 or "http" in self.l7 or self.judges_servers()

    def judges_servers(self):
        return "https" in self.l7.get("protocols", []) and bool(self.fqdns)

    def refuse_application(self, asked):
        if self.l7 is None:
            return None
        if asked.is_unread:
            return "STREAM" if self.must_know() else None
        if not self.has_any() and asked.application not in self.l7.get("protocols", []):
            return "L7_PROTOCOL"
        if asked.application == "dns":
            return self.refuse_query(asked)
        if asked.application == "http":
            return self.refuse_request(asked)
        if asked.application == "https":
            return self.refuse_hello(asked)
        return None

    def refuse_query(self, asked):
        """An absent list matches nothing, unless `any` says that names do not matter."""
        if "dns" not in self.l7 and self.has_any():
            return None
        if asked.name is None:
            return "DNS_MESSAGE"
        return None if is_listed(self.l7.get("dns", []), asked.name) else "DNS_NAME"

    def refuse_request(self, asked):
        if "http" not in self.l7:
            is_clear = asked.request is not None or asked.is_by_port
            return None if is_clear or self.has_any() else "HTTP_AMBIGUOUS"
        if asked.request is None or not asked.request.is_canonical:
            return "HTTP_AMBIGUOUS"
        return None if any(is_entry(entry, asked.request) for entry in self.l7["http"]) else "HTTP_REQUEST"

    def refuse_hello(self, asked):
        """Only a name that the address was learnt by speaks for it."""
        if not self.judges_servers() or self.has_address(asked.remote):
            return None
        if asked.is_bad_hello:
            return "TLS_HELLO"
        return None if asked.name is not None and is_listed(self.fqdns, asked.name) else "TLS_NAME"


def is_entry(entry, request):
    """`*` as a whole method, and as the end of a uri."""
    method, uri = entry["method"].encode(), entry["uri"].encode()
    if method not in (b"*", request.method):
        return False
    return request.uri.startswith(uri[:-1]) if uri.endswith(b"*") else request.uri == uri
