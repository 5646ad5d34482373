# SPDX-License-Identifier: Apache-2.0
"""Frames that nobody should send, by scapy from a packet socket, so that no kernel mends them.

    packets.py IFACE KIND[@NUMBER]... KEY=VALUE...   sends each kind once

NUMBER is put where a capture can tell it: the identification of IPv4, the flow label of IPv6.
Keys: me, mac (of the sender), peer, peermac (whom it is for), gw (the gateway), me6, peer6, gw6, spoofed, spoofed6.
"""
import sys

from scapy.all import (ARP, GRE, ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_RA,
                       ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPOption, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, conf, fragment, raw, sendp)


class Frames:
    def __init__(self, keys):
        self.keys = keys
        self.__dict__.update(keys)
        self.ether = Ether(src=self.mac, dst=self.peermac)
        self.ip = IP(src=keys.get("me"), dst=keys.get("peer"))
        self.ip6 = IPv6(src=keys.get("me6"), dst=keys.get("peer6"))
        self.udp = UDP(sport=9, dport=9) / Raw(b"x" * 32)

    # --- ARP and neighbour discovery ---
    def arp(self, kind, claimed, mac, outer=None):
        frame = Ether(src=outer or self.mac, dst=self.peermac)
        return frame / ARP(op=kind, hwsrc=mac, psrc=claimed, hwdst=self.peermac, pdst=self.keys.get("peer", claimed))

    def arp_honest(self):
        return self.arp(1, self.me, self.mac)

    def arp_claims_gateway(self):
        return self.arp(2, self.gw, self.mac)

    def arp_asks_as_gateway(self):
        return self.arp(1, self.gw, self.mac)

    def arp_gratuitous(self):
        return Ether(src=self.mac, dst="ff:ff:ff:ff:ff:ff") / ARP(op=2, hwsrc=self.mac, psrc=self.gw, pdst=self.gw)

    def arp_other_mac(self):
        return self.arp(2, self.me, "02:00:00:00:66:66")

    def arp_other_ether(self):
        return self.arp(2, self.me, self.mac, "02:00:00:00:66:66")

    def na_claims_gateway(self):
        return self.ether / IPv6(src=self.gw6, dst="ff02::1", hlim=255) / ICMPv6ND_NA(
            tgt=self.gw6, R=1, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=self.mac)

    def na_own_source(self):
        return self.ether / IPv6(src=self.me6, dst="ff02::1", hlim=255) / ICMPv6ND_NA(
            tgt=self.gw6, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=self.mac)

    def ra(self):
        return self.ether / IPv6(src=self.me6, dst="ff02::1", hlim=255) / ICMPv6ND_RA() / ICMPv6NDOptSrcLLAddr(
            lladdr=self.mac)

    # --- IP ---
    def spoof4(self):
        return self.ether / IP(src=self.spoofed, dst=self.peer) / self.udp

    def spoof6(self):
        return self.ether / IPv6(src=self.spoofed6, dst=self.peer6) / self.udp

    def plain4(self):
        return self.ether / self.ip / self.udp

    def plain6(self):
        return self.ether / self.ip6 / self.udp

    def fragments(self):
        return fragment(self.ether / self.ip / UDP(sport=9, dport=9) / Raw(b"x" * 3000), 1000)

    def later_fragment(self):
        return self.ether / IP(src=self.me, dst=self.peer, frag=100, proto=17, id=7) / Raw(b"x" * 64)

    def tiny_fragment(self):
        return self.ether / IP(src=self.me, dst=self.peer, flags="MF", proto=6, id=8) / Raw(b"\0\x09\0\x09")

    def overlap(self):
        first = self.ether / IP(src=self.me, dst=self.peer, flags="MF", proto=17, id=9) / Raw(raw(self.udp)[:24])
        return [first, self.ether / IP(src=self.me, dst=self.peer, frag=1, proto=17, id=9) / Raw(b"\0\x07" * 16)]

    def ip_options(self):
        return self.ether / IP(src=self.me, dst=self.peer, options=[IPOption(b"\x83\x07\x04" + b"\x0a\x63\x01\x01")]) / self.udp

    def bad_length(self):
        return self.ether / IP(src=self.me, dst=self.peer, len=9000) / self.udp

    def fragments6(self):
        return [self.ether / self.ip6 / IPv6ExtHdrFragment(m=1, id=7, nh=17) / Raw(raw(self.udp)[:32]),
                self.ether / self.ip6 / IPv6ExtHdrFragment(offset=4, id=7, nh=17) / Raw(b"x" * 8)]

    def extensions(self):
        return [self.ether / self.ip6 / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / self.udp,
                self.ether / self.ip6 / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / self.udp,
                self.ether / self.ip6 / IPv6ExtHdrRouting(addresses=[self.peer6]) / self.udp]

    # --- other protocols ---
    def vlan(self):
        return self.ether / Dot1Q(vlan=7) / self.ip / self.udp

    def ethertypes(self):
        return [Ether(src=self.mac, dst=self.peermac, type=kind) / Raw(b"x" * 46)
                for kind in (0x8847, 0x8863, 0x8864, 0x88cc, 0x88f7, 0x9100, 0x0600, 0xffff)]

    def tunnels(self):
        vxlan = UDP(sport=9, dport=4789) / Raw(b"\x08\0\0\0\0\0\x01\0") / Ether() / IP() / ICMP()
        return [self.ether / self.ip / IP(src=self.me, dst=self.peer) / ICMP(),
                self.ether / self.ip / GRE() / IP(src=self.me, dst=self.peer) / ICMP(),
                self.ether / self.ip / vxlan, self.ether / IP(src=self.me, dst=self.peer, proto=41) / self.ip6 / self.udp]

    def protocols(self):
        return [self.ether / IP(src=self.me, dst=self.peer, proto=number) / Raw(b"\0\x09\0\x09" + b"x" * 32)
                for number in range(256) if number not in (1, 6, 17)]

    def icmp_redirect(self):
        inner = IP(src=self.peer, dst=self.me) / UDP(sport=9, dport=9)
        return self.ether / self.ip / ICMP(type=5, code=1, gw=self.me) / inner

    def icmp_forged(self):
        inner = IP(src=self.peer, dst=self.me) / TCP(sport=7000, dport=7001)
        return self.ether / self.ip / ICMP(type=3, code=3) / inner

    def syn_ack(self):
        return self.ether / self.ip / TCP(sport=9, dport=9, flags="SA")

    def echo6(self):
        return self.ether / self.ip6 / ICMPv6EchoRequest()


def numbered(frame, number):
    if IP in frame:
        frame[IP].id = number
    elif IPv6 in frame:
        frame[IPv6].fl = number
    return frame


def main(iface, *words):
    keys = dict(word.split("=", 1) for word in words if "=" in word)
    conf.verb = 0
    frames = Frames(keys)
    for word in (word for word in words if "=" not in word):
        kind, _, number = word.partition("@")
        made = getattr(frames, kind)()
        made = made if isinstance(made, list) else [made]
        sendp([numbered(frame, int(number or 1)) for frame in made], iface=iface, verbose=False)
    print("sent")


main(*sys.argv[1:])
