# SPDX-License-Identifier: Apache-2.0
"""DNS messages (RFC 1035, 6891): what a query asks, and which addresses an answer gives. Strict: what is not clean to
its last byte says nothing. Names are tuples of labels, folded."""
MESSAGE_MAX, RECORDS_MAX, ADDRESSES_MAX, LINKS_MAX, EXTRAS_MAX, POINTERS_MAX = 4096, 128, 64, 8, 2, 10
A, CNAME, SIG, AAAA, OPT, TSIG = 1, 5, 24, 28, 41, 250
IN, ANY = 1, 255


class Bad(Exception):
    """No such message."""


class Message:
    def __init__(self, data):
        if not 12 <= len(data) <= MESSAGE_MAX:
            raise Bad
        self.data = data
        self.id, self.flags, self.questions, self.answers, self.authorities, self.extras = (
            self.number(at, 2) for at in range(0, 12, 2))
        self.name = self.type = self.end = None

    def number(self, at, size):
        if at + size > len(self.data):
            raise Bad
        return int.from_bytes(self.data[at:at + size], "big")

    def read_name(self, at, may_point):
        """The labels of a name and where it ends. A pointer leads strictly backwards."""
        labels, end, floor, pointers = [], None, at, 0
        while True:
            size = self.number(at, 1)
            if size >= 0xc0:
                to = self.number(at, 2) & 0x3fff
                pointers += 1
                if not may_point or to >= floor or to < 12 or pointers > POINTERS_MAX:
                    raise Bad
                end = end or at + 2
                at = floor = to
                continue
            if size > 63:
                raise Bad
            if size == 0:
                return tuple(labels), end or at + 1
            label = self.data[at + 1:at + 1 + size]
            if len(label) < size:
                raise Bad
            labels.append(label.lower())
            if sum(len(label) + 1 for label in labels) > 254:
                raise Bad
            at += 1 + size

    def read_question(self):
        if self.questions != 1:
            raise Bad
        self.name, at = self.read_name(12, False)
        self.type = self.number(at, 2)
        if self.number(at + 2, 2) != IN:
            raise Bad
        self.end = at + 4

    def read_owner(self, at):
        """Where an owner ends that nobody needs: a pointer is not followed then."""
        if self.number(at, 1) < 0xc0:
            return self.read_name(at, True)[1]
        if not 12 <= self.number(at, 2) & 0x3fff < at:
            raise Bad
        return at + 2

    def read_record(self, at):
        record = Record()
        record.owner_at, at = at, self.read_owner(at)
        record.type, record.class_ = self.number(at, 2), self.number(at + 2, 2)
        ttl = self.number(at + 4, 4)
        record.ttl = 0 if ttl >> 31 else ttl  # RFC 2181 8
        size = self.number(at + 8, 2)
        record.data_at, record.end = at + 10, at + 10 + size
        record.data = self.data[at + 10:record.end]
        if len(record.data) < size:
            raise Bad
        return record


class Record:
    """One resource record; owner and target are names where somebody needs them."""

    owner = target = None


class Query:
    def __init__(self, data):
        message = Message(data)
        if message.flags & 0xf800 or (message.answers, message.authorities) != (0, 0) or message.extras > EXTRAS_MAX:
            raise Bad
        message.read_question()
        self.id, self.name, self.type = message.id, message.name, message.type
        self.read_extras(message)

    @staticmethod
    def read_extras(message):
        """EDNS options once, and as the last record a signature."""
        at, has_options = message.end, False
        for i in range(message.extras):
            record = message.read_record(at)
            at = record.end
            if record.type == OPT and not has_options and record.data_at == record.owner_at + 11:
                has_options = True
            elif record.type not in (TSIG, SIG) or record.class_ != ANY or i + 1 != message.extras:
                raise Bad
        if at != len(message.data):
            raise Bad


class Reply:
    """An answer: `addresses` is [(address, ttl)...] of the asked name."""

    def __init__(self, data):
        message = Message(data)
        if message.flags & 0xf800 != 0x8000:
            raise Bad
        message.read_question()
        self.id, self.name, self.type = message.id, message.name, message.type
        self.rcode = message.flags & 15
        self.is_truncated = bool(message.flags & 0x0200)
        self.addresses = []
        self.has_two_ways = False
        if not self.is_truncated:
            self.follow(self.read_records(message))

    @staticmethod
    def read_records(message):
        """The records of the answer section that matter."""
        total = message.answers + message.authorities + message.extras
        if total > RECORDS_MAX:
            raise Bad
        at, kept = message.end, []
        for i in range(total):
            record = message.read_record(at)
            at = record.end
            if i >= message.answers:
                continue
            if record.class_ != IN or len(record.data) != {A: 4, AAAA: 16}.get(record.type, len(record.data)):
                raise Bad
            if record.type in (A, AAAA, CNAME):
                record.owner = message.read_name(record.owner_at, True)[0]
                kept.append(record)
            if record.type == CNAME:
                record.target, end = message.read_name(record.data_at, True)
                if end != record.end:
                    raise Bad
        if at != len(message.data):
            raise Bad
        return kept

    def follow(self, records):
        """The chain of CNAMEs from the asked name, and what stands on it."""
        chain = {self.name: 0x7fffffff}
        name = self.name
        while True:
            links = [record for record in records if record.type == CNAME and record.owner == name]
            if not links:
                break
            if len(links) > 1:  # no chain: which of the two is taken is nobody's promise
                self.has_two_ways = True
                return
            if links[0].target in chain or len(chain) > LINKS_MAX:
                raise Bad
            chain[links[0].target] = min(chain[name], links[0].ttl)
            name = links[0].target
        self.addresses = [(record.data, min(record.ttl, chain[record.owner])) for record in records
                          if record.type != CNAME and record.owner in chain]
        if len(self.addresses) > ADDRESSES_MAX:
            raise Bad
