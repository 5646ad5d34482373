# SPDX-License-Identifier: Apache-2.0
"""The reference model: one pod under profile.md, by the book. It is told step by step what happens and says of each
step whether it passes and what is counted. It knows no map, and no cache but the flows that profile.md speaks of."""
import ipaddress

import dns_message
from application import Connection, ask_datagram, unread
from names import ASK_LIFE_S, Lessons, address_of, is_learnable, is_listed
from policy import Judgement, Refusal

IDLE_S, ANSWERED_S = 30, 180  # profile.md 4
TCP, UDP = 6, 17


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
        self.is_own_neighbour = self.protocol == "arp" and (direction == "ingress" or not step.get("spoofs"))
        self.is_answered = False
        self.was_allowed = False
        self.is_named = False  # its peer is allowed as a learnt address
        self.revision = None
        self.judgement = None
        self.connection = None
        self.refusal = None  # why nothing of it passes any more
        self.unread_ways = set()  # of a connection: whose first bytes nobody has read
        self.seen = 0

    def is_live(self, now):
        if self.protocol == TCP and self.owner:
            return True
        return now - self.seen < (ANSWERED_S if self.is_answered else IDLE_S)

    def note_unread(self, step):
        if step.get("payload") and not (self.connection and step["way"] in self.connection.expected):
            self.unread_ways.add(step["way"])

    def is_opener(self, step):
        return (step["way"] == "out") == (self.direction == "egress")


class Answer:
    """What must be seen of a step: whether the packet passes, the violations [(verdict, reasons, of which one is
    told)...] and whose they are [(verdict, profiles)...]."""

    def __init__(self):
        self.passes = True
        self.counted = []
        self.shares = []
        self.is_named = False  # the peer is allowed as a learnt address
        self.waits = False  # the packet is dropped, and must come again
        self.is_open = False  # nobody says what must be
        self.early = None  # what is bound to be found, and may be now: (flow, step, what)

    def __str__(self):
        return f"{'passes' if self.passes else 'does not pass'}, counted {self.counted}, of {self.shares}"

    def count(self, refusals):
        for verdict, refusal in refusals.items():
            self.counted.append((verdict, refusal.reasons))
            self.shares.append((verdict, refusal.profiles))
            self.passes &= verdict != "DROPPED"

    def count_again(self, refusals):
        """Each packet that is dropped counts for the pod, and is not told of again."""
        if "DROPPED" in refusals:
            self.counted.append(("DROPPED", refusals["DROPPED"].reasons))
            self.passes = False

    def wait(self):
        self.counted.append(("DROPPED", {"STREAM"}))
        self.passes = False
        self.waits = True

    def count_accepted(self, refusals):
        """An accepted connection that passes was told of when its SYN met the listener."""
        for verdict in ("AUDIT", "IGNORED"):
            if verdict in refusals:
                self.counted.append((verdict, refusals[verdict].reasons))
                return


class Pod:
    def __init__(self, policy, revision):
        self.now = 0
        self.flows = {}
        self.asks = {}
        self.lessons = Lessons()
        self.apply(policy, revision)

    def apply(self, policy, revision):
        """What says the same as before is no new revision; policyd tells."""
        self.policy = policy
        self.revision = revision

    def wait(self, seconds):
        self.now += seconds

    # --- flows ---------------------------------------------------------------------------------------------------

    def key(self, step):
        key = (step.get("socket"), step["remote"], step["protocol"], step.get("rport"), step.get("lport"))
        return key + (self.opener_of_echo(step, key),) if step["protocol"] in (1, 58) else key

    def opener_of_echo(self, step, key):
        """Both sides may use one identifier. A reply that nobody asked for is a flow of its own."""
        other = "in" if step["way"] == "out" else "out"
        if step.get("is_reply"):
            asked = self.flows.get(key + (other,))
            is_asked = asked and asked.is_live(self.now) and asked.was_allowed
            return other if is_asked else step["way"]
        return step["way"]

    @staticmethod
    def direction(step, socket):
        """Of a flow that this packet is the first of."""
        if socket and step["protocol"] == TCP:
            return "ingress" if socket["passive"] else "egress"
        return "egress" if step["way"] == "out" else "ingress"

    def find(self, step, direction):
        """The live flow a packet belongs to. A refused one has no replies: what comes back is a flow of its own."""
        flow = self.flows.get(self.key(step))
        if not flow or not flow.is_live(self.now):
            return None
        if flow.protocol in (1, 58) and flow.direction == direction:
            if step.get("is_reply") or (flow.owner and flow.owner.untrusted):
                return None  # nobody asked for it; nobody believed owns an identifier
        if not flow.judgement.is_dropped or (flow.owner and flow.protocol == TCP):
            return flow
        if flow.owner and flow.protocol not in (1, 58):
            return flow if flow.direction == direction else None
        flow.revision = None  # judged packet by packet, with the same end
        return flow if flow.was_allowed else None

    def open(self, step, socket):
        """The packet's flow, with a new one entered where there was none."""
        direction = self.direction(step, socket)
        flow = self.find(step, direction)
        if flow:
            return flow
        flow = Flow(step, Owner(socket) if socket else None, direction)
        if flow.protocol != "arp":
            self.flows[self.key(step)] = flow
        return flow

    def packet(self, step, sockets):
        socket = sockets[step["socket"]] if step.get("socket") is not None else None
        answer = Answer()
        if step.get("spoofs"):
            attack = "arp-spoofing" if step["protocol"] == "arp" else "ip-spoofing"
            answer.count(self.policy.judge_attack(Owner(socket) if socket else None, attack))
        if answer.passes:
            self.follow(step, socket, answer)
        return answer

    def follow(self, step, socket, answer):
        """The packet's flow is judged, and so is what the packet carries."""
        flow = self.open(step, socket)
        if flow.refusal and flow.revision != self.revision:
            answer.is_open = True  # a connection that was ended for what it carried: there is no going on
            return
        flow.is_answered |= not flow.is_opener(step)
        flow.seen = self.now
        if flow.revision != self.revision:
            is_accepted = socket and socket["passive"] and flow.revision is None
            self.judge(flow)
            if is_accepted and not flow.judgement.is_dropped:
                answer.count_accepted(flow.judgement.refusals)
            else:
                answer.count(flow.judgement.refusals)
        else:
            answer.count_again(flow.refusal or flow.judgement.refusals)
        answer.is_named = flow.is_named
        if not answer.passes:
            flow.note_unread(step)
        elif socket:
            self.inspect(flow, step, bytes.fromhex(step.get("payload", "")), answer)

    def judge(self, flow):
        flow.revision = self.revision
        flow.refusal = None
        was_named, flow.is_named = flow.is_named, False
        voices = list(self.policy.voices(
            flow, lambda profile, rules: self.refuse_learnt(flow, was_named, profile, rules)))
        flow.judgement = Judgement(voices)
        flow.was_allowed |= not flow.judgement.is_dropped
        flow.is_named = any(voice.reason is None and voice.rules and not voice.rules.has_address(flow.remote)
                            for voice in voices) and flow.l3 != "arp" and not flow.judgement.is_dropped

    # --- names (14) ----------------------------------------------------------------------------------------------

    def refuse_learnt(self, flow, was_named, profile, rules):
        if flow.direction != "egress" or not flow.owner or flow.owner.untrusted:
            return "ADDRESS"
        scopes = [flow.owner.path] + ([None] if profile.name_scope == "pod" else [])
        reasons = []
        for scope in scopes:
            is_live = was_named or self.is_in_use(scope, flow)
            reasons.append(self.lessons.refuse(scope, flow.remote, rules.fqdns, self.now, is_live))
        for reason in (None, "FQDN_EXPIRED"):
            if reason in reasons:
                return reason
        return "ADDRESS"

    def is_in_use(self, scope, asking):
        """Some other flow that lives goes to the address by a name."""
        return any(flow is not asking and flow.is_named and flow.remote == asking.remote and flow.is_live(self.now) and
                   scope in (None, flow.owner.path) for flow in self.flows.values())

    def learn(self, flow, reply):
        """An answer that says that it failed teaches nothing."""
        if reply.rcode:
            return
        for data, ttl in reply.addresses:
            address = address_of(data)
            if not is_learnable(address):
                continue
            for scope, patterns in self.policy.wanted_names(flow):
                if is_listed(patterns, reply.name):
                    self.lessons.learn(scope, address, reply.name, ttl, self.now)

    def ask_key(self, step, message):
        return self.key(step) + (message.id, message.name, message.type)

    def take_reply(self, flow, step, data):
        """Why this answer is refused, or None; what it teaches is learnt."""
        try:
            reply = dns_message.Reply(data)
        except dns_message.Bad:
            return "DNS_MESSAGE"
        ask = self.asks.get(self.ask_key(step, reply))
        if not ask or self.now - ask["at"] > ASK_LIFE_S:
            return "DNS_UNASKED"
        if not ask["is_answered"]:
            ask["is_answered"] = True
            self.learn(flow, reply)
        return None

    # --- what flows carry ----------------------------------------------------------------------------------------

    def is_read(self, flow):
        """Whether anybody wants to know what it carries."""
        return flow.judgement.depends_on_application() or (flow.port == 53 and self.policy.reads_names(flow.owner))

    def inspect(self, flow, step, data, answer):
        if not self.is_read(flow):
            flow.note_unread(step)
            return
        if flow.protocol == UDP:
            self.inspect_datagram(flow, step, data, answer)
        elif flow.protocol == TCP and data:
            self.inspect_segment(flow, step, data, answer)

    def inspect_datagram(self, flow, step, data, answer):
        if flow.is_opener(step):
            self.judge_asked(flow, step, ask_datagram(data, flow.port, flow.remote), answer)
        elif flow.direction == "egress" and flow.port == 53:
            self.judge_reply(flow, step, data, answer)
        elif flow.direction == "egress":
            self.take_reply(flow, step, data)

    def judge_reply(self, flow, step, data, answer):
        reason = self.take_reply(flow, step, data)
        if reason:
            answer.count(flow.judgement.refuse_all(reason))

    def judge_asked(self, flow, step, asked, answer):
        refusals = flow.judgement.judge_application(asked)
        answer.count(refusals)
        if "DROPPED" not in refusals and asked.query and flow.direction == "egress":
            self.asks[self.ask_key(step, asked.query)] = {"at": self.now, "is_answered": False}
        return "DROPPED" in refusals

    def inspect_segment(self, flow, step, data, answer):
        """A connection's bytes in order, if somebody wants to know them."""
        if not flow.connection:
            whole = bytes.fromhex(step.get("whole", ""))[step.get("offset", 0):]
            flow.connection = Connection(flow.port, flow.remote, whole)
        connection = flow.connection
        if connection.is_done:
            asked = [] if connection.revision == self.revision else [connection.identity]
        elif not flow.is_opener(step) and connection.application != "dns":
            flow.note_unread(step)
            asked = connection.hear_other()
        else:
            asked = self.read_segment(flow, step, data, answer)
        if not answer.passes or self.refuses_any(flow, step, asked, answer):
            if not answer.waits:
                flow.refusal = {"DROPPED": Refusal([(None, reason) for reason in answer.counted[-1][1]])}
            return
        connection.revision = self.revision
        if flow.is_opener(step) and connection.will_end():
            answer.early = flow, step, connection.will_end()

    def read_segment(self, flow, step, data, answer):
        """What is newly asked for. What lies ahead waits where somebody may refuse, else the connection is given up."""
        connection, way = flow.connection, step["way"]
        if way in flow.unread_ways:
            return [connection.finish(unread())]
        data = connection.take_in_order(way, step.get("offset", 0), data)
        if data is None and not flow.judgement.depends_on_application("DROPPED"):
            return [connection.finish(unread())]
        if data is None:
            answer.wait()
        if not data:
            return []
        if flow.is_opener(step):
            return connection.feed(data)
        messages, asked = connection.feed_replies(data)
        for message in messages if flow.direction == "egress" else []:  # what the pod answers teaches nobody
            self.judge_reply(flow, step, message, answer)
        return asked

    def refuses_any(self, flow, step, asked, answer):
        return any(self.judge_asked(flow, step, one, answer) for one in asked)

    def find_early(self, answer):
        """The object has seen already what the stream will come to."""
        flow, step, asked = answer.early
        flow.connection.finish(asked)
        if self.judge_asked(flow, step, asked, answer):
            flow.refusal = {"DROPPED": Refusal([(None, reason) for reason in answer.counted[-1][1]])}
