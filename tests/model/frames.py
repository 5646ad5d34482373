# SPDX-License-Identifier: Apache-2.0
"""Frames of a history's packets, with valid lengths and without checksums (nothing under test verifies them)."""
import ipaddress
import struct

POD = {4: ipaddress.ip_address("10.0.0.2"), 6: ipaddress.ip_address("fd00::2")}
OTHER = {4: ipaddress.ip_address("10.0.0.77"), 6: ipaddress.ip_address("fd00::77")}
MACS = bytes.fromhex("020000000001020000000002")


def sequence_of(step):
    """Of the first byte of a segment: each side begins somewhere, and its numbers may wrap."""
    return ((0xffffff00 if step["way"] == "out" else 0x1000) + step.get("offset", 0)) & 0xffffffff


def transport(step, source, destination, payload):
    protocol = step["protocol"]
    if protocol == 6:
        return struct.pack("!HHIIBBHHH", source, destination, sequence_of(step), 88, 5 << 4, step["flags"],
                           0xffff, 0, 0) + payload
    if protocol in (1, 58):
        return struct.pack("!BBHHH", icmp_type(step), 0, 0, step["lport"], 1) + payload
    if protocol in (17, 136):
        return struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload
    if protocol == 132:
        return struct.pack("!HHII", source, destination, 0, 0) + payload
    return bytes(8) + payload


def icmp_type(step):
    if step["protocol"] == 1:
        return 0 if step.get("is_reply") else 8
    return 129 if step.get("is_reply") else 128


def local_of(step, version):
    """The pod's address, or that of somebody else whom it claims to be."""
    return OTHER[version] if step.get("spoofs") else POD[version]


def arp(step):
    """A request from the pod for the remote, or the other way."""
    local = local_of(step, 4)
    remote = ipaddress.ip_address(step["remote"])
    source, target = (local, remote) if step["way"] == "out" else (remote, POD[4])
    return (MACS + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + MACS[6:] + source.packed + bytes(6) +
            target.packed)


def build(step):
    if step["protocol"] == "arp":
        return arp(step)
    remote = ipaddress.ip_address(step["remote"])
    local = local_of(step, remote.version)
    ports = step.get("lport", 0), step.get("rport", 0)
    if step["way"] == "in":
        local, remote = remote, local
        ports = ports[1], ports[0]
    body = transport(step, *ports, bytes.fromhex(step.get("payload", "")))
    if local.version == 4:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, step["protocol"], 0, local.packed,
                             remote.packed)
        return MACS + b"\x08\x00" + header + body
    header = struct.pack("!IHBB16s16s", 6 << 28, len(body), step["protocol"], 64, local.packed, remote.packed)
    return MACS + b"\x86\xdd" + header + body
