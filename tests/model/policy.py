# SPDX-License-Identifier: Apache-2.0
"""The profiles that select a pod, and what they say together (profile.md 2, 5 and 15). Each profile speaks for itself;
what the enforcing voices allow is joined, and so is what the alerting ones allow, and neither widens the other."""
from rules import Rules

STRENGTH = {"ignore": "IGNORED", "alert": "AUDIT", "enforce": "DROPPED"}
ORDER = ["IGNORED", "AUDIT", "DROPPED"]


def side_of(actions):
    """The verdict of a violation: that of the strongest action."""
    sides = [STRENGTH[action] for action in actions or [] if action in STRENGTH]
    return max(sides, key=ORDER.index, default="IGNORED")


class Block:
    """What a profile says of one executable, or of packets without one."""

    def __init__(self, network, side):
        network = network or {}
        self.side = side
        self.rules = {way: Rules(network[way]) if way in network else None for way in ("egress", "ingress")}


class Profile:
    def __init__(self, manifest):
        spec = manifest["spec"]
        self.name = manifest["metadata"]["name"]
        self.side = side_of(spec.get("actions"))
        self.name_scope = spec.get("nameScope", "process")
        self.default = Block(spec["default"], self.side) if "default" in spec else None
        self.processes = []
        for process in spec.get("processes", []):
            side = side_of(process["actions"]) if "actions" in process else self.side
            block = Block(process.get("network"), side)
            self.processes.append((process["path"], process.get("container"), block))

    def blocks(self, owner):
        return [block for path, container, block in self.processes
                if path == owner.path and container in (None, owner.container)]


class Voice:
    """One answer of one profile: allowed (reason None) or not, on a side."""

    def __init__(self, profile, side, reason, rules=None):
        self.profile, self.side, self.reason, self.rules = profile, side, reason, rules


class Policy:
    def __init__(self, manifests):
        self.profiles = [Profile(manifest) for manifest in sorted(manifests, key=lambda m: m["metadata"]["name"])]

    def voices(self, flow, refuse_learnt):
        """Everybody's answer to a flow."""
        for profile in self.profiles:
            if flow.owner is None:
                yield self.default_voice(profile, flow, refuse_learnt)
                continue
            blocks = [] if flow.owner.untrusted else profile.blocks(flow.owner)
            if not blocks:
                reason = "UNTRUSTED_BINARY" if flow.owner.untrusted else "UNKNOWN_BINARY"
                yield Voice(profile, profile.side, reason)
            for block in blocks:
                yield self.block_voice(profile, block, flow, refuse_learnt)

    @staticmethod
    def block_voice(profile, block, flow, refuse_learnt):
        rules = block.rules[flow.direction]
        if rules is None:
            return Voice(profile, block.side, "L3_PROTOCOL")
        return Voice(profile, block.side, rules.refuse_flow(flow, refuse_learnt), rules)

    def default_voice(self, profile, flow, refuse_learnt):
        if profile.default:
            return self.block_voice(profile, profile.default, flow, refuse_learnt)
        return Voice(profile, profile.side, None if flow.is_own_neighbour else "NO_DEFAULT")


class Judgement:
    """What the sides make of their voices: {verdict: reasons of which one is reported}."""

    def __init__(self, voices):
        self.voices = list(voices)
        self.refusals = {}
        for side in ORDER:
            heard = [voice for voice in self.voices if voice.side == side]
            if heard and all(voice.reason for voice in heard):
                self.refusals[side] = {voice.reason for voice in heard}

    @property
    def is_dropped(self):
        return "DROPPED" in self.refusals
