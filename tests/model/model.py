# SPDX-License-Identifier: Apache-2.0
"""The reference model: one pod under profile.md, by the book. It is told step by step what happens and says of each
step whether it passes and what is counted. It knows no map, no cache but the flows that profile.md speaks of."""
import ipaddress

from policy import Judgement, Policy

IDLE_S, ANSWERED_S = 30, 180  # profile.md 4
POD = {4: ipaddress.ip_address("10.0.0.2"), 6: ipaddress.ip_address("fd00::2")}


class Owner:
    """The process behind a socket."""

    def __init__(self, socket):
        self.path = socket["path"]
        self.container = socket.get("container")
        self.untrusted = socket.get("untrusted", False)


class Flow:
    def __init__(self, step, owner, direction):
        self.owner = owner
        self.direction = direction
        self.remote = ipaddress.ip_address(step["remote"])
        self.l3 = "arp" if step["protocol"] == "arp" else f"ipv{self.remote.version}"
        self.protocol = step["protocol"]
        self.port = step.get("rport" if direction == "egress" else "lport", 0)
        self.is_own_neighbour = self.protocol == "arp" and (direction == "ingress" or not step.get("claims_other"))
        self.is_answered = False
        self.revision = None
        self.judgement = None
        self.seen = 0

    def is_live(self, now):
        if self.protocol == 6 and self.owner:
            return True
        return now - self.seen < (ANSWERED_S if self.is_answered else IDLE_S)


class Answer:
    """What must be seen of a step: whether the packet passes, and {verdict: reasons} of what is counted."""

    def __init__(self, passes, counted):
        self.passes, self.counted = passes, counted


class Pod:
    def __init__(self, manifests):
        self.now = 0
        self.revision = 0
        self.sockets = {}
        self.flows = {}
        self.apply(manifests)

    def apply(self, manifests):
        self.policy = Policy(manifests)
        self.revision += 1

    def wait(self, seconds):
        self.now += seconds

    # --- flows ---------------------------------------------------------------------------------------------------

    @staticmethod
    def key(step):
        key = (step.get("socket"), step["remote"], step["protocol"], step.get("rport"), step.get("lport"))
        return key + ((step["way"] == "out") == step.get("is_reply", False),) if step["protocol"] in (1, 58) else key

    def direction(self, step, socket):
        """Of a flow that this packet is the first of."""
        if socket and step["protocol"] == 6:
            return "ingress" if socket["passive"] else "egress"
        return "egress" if step["way"] == "out" else "ingress"

    def find(self, step, direction):
        """The live flow a packet belongs to. A refused one has no replies: what comes back is a flow of its own."""
        flow = self.flows.get(self.key(step))
        if not flow or not flow.is_live(self.now):
            return None
        is_reply = flow.direction != direction
        return None if is_reply and flow.judgement.is_dropped else flow

    def packet(self, step, sockets):
        socket = sockets[step["socket"]] if step.get("socket") is not None else None
        direction = self.direction(step, socket)
        flow = self.find(step, direction)
        if not flow:
            flow = Flow(step, Owner(socket) if socket else None, direction)
            if flow.protocol != "arp":
                self.flows[self.key(step)] = flow
        is_first = flow.revision != self.revision
        flow.is_answered |= flow.direction != ("egress" if step["way"] == "out" else "ingress")
        flow.seen = self.now
        if is_first:
            self.judge(flow)
        return self.answer(flow, is_first)

    def judge(self, flow):
        flow.revision = self.revision
        flow.judgement = Judgement(self.policy.voices(flow, lambda rules: "ADDRESS"))

    @staticmethod
    def answer(flow, is_first):
        """A flow is counted once, but each packet that is dropped for it is."""
        refusals = flow.judgement.refusals
        if not is_first:
            refusals = {side: reasons for side, reasons in refusals.items() if side == "DROPPED"}
        return Answer(not flow.judgement.is_dropped, refusals)
