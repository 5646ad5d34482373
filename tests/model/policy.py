# SPDX-License-Identifier: Apache-2.0
"""The profiles that select a pod, and what they say together (profile.md 2, 5 and 15). Each profile speaks for itself;
what the enforcing voices allow is joined, and so is what the alerting ones allow, and neither widens the other."""
from rules import Rules

STRENGTH = {"ignore": "IGNORED", "alert": "AUDIT", "enforce": "DROPPED"}
ATTACKS = {"arp-spoofing": "ARP_SPOOFING", "ip-spoofing": "IP_SPOOFING"}
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
    def __init__(self, number, manifest):
        spec = manifest["spec"]
        self.number = number
        self.side = side_of(spec.get("actions"))
        self.attacks = spec.get("attacks", [])
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
        by_name = sorted(manifests, key=lambda manifest: manifest["metadata"]["name"])
        self.profiles = [Profile(number, manifest) for number, manifest in enumerate(by_name)]

    def voices(self, flow, refuse_learnt):
        """Everybody's answer to a flow. refuse_learnt(profile, rules): what rules say of a peer as a learnt address."""
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
        reason = rules.refuse_flow(flow, lambda asked: refuse_learnt(profile, asked))
        return Voice(profile, block.side, reason, rules)

    def default_voice(self, profile, flow, refuse_learnt):
        if profile.default:
            return self.block_voice(profile, profile.default, flow, refuse_learnt)
        return Voice(profile, profile.side, None if flow.is_own_neighbour else "NO_DEFAULT")


    # --- attacks (16) --------------------------------------------------------------------------------------------

    def judge_attack(self, owner, attack):
        """Those profiles that want it detected refuse it, whatever their rules say."""
        answers = []
        for profile in self.profiles:
            if attack in profile.attacks:
                blocks = profile.blocks(owner) if owner and not owner.untrusted else []
                answers += [Voice(profile, side, ATTACKS[attack])
                            for side in [block.side for block in blocks] or [profile.side]]
        return Judgement(answers).refusals

    # --- names ---------------------------------------------------------------------------------------------------

    def wanted_names(self, flow):
        """[(scope, patterns)...]: for whom an answer on this flow may teach which names. Only those whose own rules
        allow the resolver believe it."""
        believers = [voice for voice in flow.judgement.voices if voice.reason is None and voice.rules]
        for voice in believers:
            yield flow.owner.path, voice.rules.fqdns
        if any(voice.profile.name_scope == "pod" for voice in believers):
            yield None, self.shared_names()

    def shared_names(self):
        """What the blocks of profiles that share names have in their fqdns."""
        sharing = [profile for profile in self.profiles if profile.name_scope == "pod"]
        blocks = [block for profile in sharing for _, _, block in profile.processes]
        return [name for block in blocks if block.rules["egress"] for name in block.rules["egress"].fqdns]

    def reads_names(self, owner):
        """Whether its block has names to learn."""
        if owner.untrusted:
            return False
        blocks = [(profile, block) for profile in self.profiles for path, _, block in profile.processes
                  if path == owner.path]
        return any(block.rules["egress"] and (block.rules["egress"].fqdns or profile.name_scope == "pod")
                   for profile, block in blocks)


class Refusal:
    """Why a side refuses: the reasons of its voices, one of which is told, and whose they are."""

    def __init__(self, voices):
        self.reasons = {reason for _, reason in voices}
        self.profiles = {profile for profile, _ in voices}


class Judgement:
    """What the sides make of their voices: {verdict: Refusal}."""

    def __init__(self, voices):
        self.voices = list(voices)
        self.refusals = self.join((voice, voice.reason) for voice in self.voices)

    @staticmethod
    def join(answers):
        """A side refuses where it speaks at all and nobody on it allows."""
        answers = list(answers)
        refusals = {}
        for side in ORDER:
            heard = [(voice.profile.number, reason) for voice, reason in answers if voice.side == side]
            if heard and all(reason for _, reason in heard):
                refusals[side] = Refusal(heard)
        return refusals

    def depends_on_application(self, *sides):
        """Whether one of the sides (without: any) allows only on the condition of what the flow carries."""
        allowing = [(voice.side, voice.rules is not None and voice.rules.must_know()) for voice in self.voices
                    if voice.reason is None]
        return any((side, True) in allowing and (side, False) not in allowing for side in sides or ORDER)

    def judge_application(self, asked):
        """Those that allow the flow are asked about what it carries."""
        return self.join((voice, voice.rules.refuse_application(asked) if voice.rules else None)
                         for voice in self.voices if voice.reason is None)

    def refuse_all(self, reason):
        return self.join((voice, reason) for voice in self.voices)

    @property
    def is_dropped(self):
        return "DROPPED" in self.refusals
