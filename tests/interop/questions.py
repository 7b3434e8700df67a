"""Questions worth asking a server about a zone: at, beside, above and below every owner name, with every type, in every
way a question can be put. Deterministic."""
from typing import NamedTuple

import dns.name

from generate_zone import LETTERS, Random
from message import AD, CD, RD, TYPES, make_query, name_text

ALL_TYPES = sorted(TYPES.values()) + [10, 11, 30, 38, 65000]
EDNS_SIZES = (512, 512, 1232, 1232, 1400, 4096, 65535, 0)


class Question(NamedTuple):
    zone: str
    place: str        # where it stands in relation to the zone's data: apex, cut, dname, wildcard, cname, data
    relation: str     # exact, nodata, child, sibling, parent, match
    name: bytes       # wire form
    type: int
    flags: int
    edns: tuple       # (size, DO) or None
    tcp: bool

    def wire(self, message_id):
        return make_query(message_id, self.name, self.type, self.flags, self.edns)

    def text(self):
        how = "tcp" if self.tcp else "udp"
        edns = f"edns={self.edns[0]},do={int(self.edns[1])}" if self.edns else "no-edns"
        return f"{self.zone} {name_text(self.name)} {self.type} {how} {edns} flags={self.flags:04x} {self.place}/{self.relation}"


def owners(flat_lines):
    """Owner name (wire form, lower case) -> set of type numbers, from lines `owner ttl class type rdata`."""
    found, cache = {}, {}
    for line in flat_lines:
        fields = line.split(None, 4)
        if len(fields) < 4 or fields[0].startswith(";"):
            continue
        owner = cache.get(fields[0])
        if owner is None:
            owner = cache[fields[0]] = dns.name.from_text(fields[0]).canonicalize().to_wire()
        text = fields[3]
        number = TYPES.get(text) or (int(text[4:]) if text.startswith("TYPE") else None)
        if number:
            found.setdefault(owner, set()).add(number)
    return found


def labels_of(name):
    labels, at = [], 0
    while name[at]:
        labels.append(name[at + 1:at + 1 + name[at]])
        at += 1 + name[at]
    return labels


def from_labels(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def place_of(types, owner, apex):
    if owner == apex:
        return "apex"
    if 2 in types:
        return "cut"
    if 39 in types:
        return "dname"
    if owner[:2] == b"\x01*":
        return "wildcard"
    return "cname" if 5 in types else "data"


class Questions:
    def __init__(self, zone, flat_lines, seed):
        self.zone = zone
        self.random = Random(seed)
        self.owners = owners(flat_lines)
        self.names = sorted(self.owners)
        self.apex = dns.name.from_text(zone + "." if zone != "." else ".").canonicalize().to_wire()

    def label(self):
        r = self.random
        return "".join(r.pick(LETTERS) for _ in range(1 + r.below(12))).encode()

    def relative(self, owner):
        """(relation, name): the owner itself or a name near it."""
        r = self.random
        labels = labels_of(owner)
        kind = r.below(20)
        if owner[:2] == b"\x01*" and kind < 13:
            return "match", [self.label() for _ in range(1 + r.below(3))] + labels[1:]
        if kind < 10:
            return "exact", labels
        if kind < 13:
            return "child", [self.label() for _ in range(1 + r.below(2))] + labels
        if kind == 13:
            return "child", [b"*"] + labels
        if kind == 14:  # long enough that a DNAME cannot be followed
            return "child", [b"o" * (40 + r.below(24)) for _ in range(1 + r.below(3))] + labels
        if kind < 18:
            return "sibling", [self.label()] + labels[1:] if labels else [self.label()]
        return "parent", labels[1 + r.below(2):] if len(labels) > 2 else labels

    def one(self, owner):
        r = self.random
        types = self.owners[owner]
        while True:
            relation, labels = self.relative(owner)
            name = from_labels(labels)
            if len(name) <= 255:
                break
        present = sorted(types)
        kind = r.below(20)
        if kind < 9:
            rr_type = r.pick(present)
        elif kind < 11:
            rr_type = r.pick([1, 28])
        elif kind == 11:
            rr_type = 43
        elif kind == 12:
            rr_type = 255
        elif kind == 13:
            rr_type = r.pick([2, 6, 5, 39, 48, 46, 47, 50, 51])
        else:
            rr_type = r.pick(ALL_TYPES)
        if relation == "exact" and rr_type not in types:
            relation = "nodata"
        if r.chance(50):
            name = self.random_case(name)
        flags = (RD if r.chance(50) else 0) | (CD if r.chance(10) else 0) | (AD if r.chance(10) else 0)
        edns = (r.pick(EDNS_SIZES), r.chance(65)) if r.chance(80) else None
        return Question(self.zone, place_of(types, owner, self.apex), relation, name, rr_type, flags, edns, r.chance(15))

    def random_case(self, name):
        bits = self.random.next()
        out, at = bytearray(name), 0
        while out[at]:
            for i in range(at + 1, at + 1 + out[at]):
                if 97 <= out[i] <= 122 and bits >> (i % 64) & 1:
                    out[i] -= 32
            at += 1 + out[at]
        return bytes(out)

    def ask(self, count):
        """Every owner once, the rest at random, and a few foreign names."""
        order = list(self.names)
        for i in range(len(order) - 1, 0, -1):
            j = self.random.below(i + 1)
            order[i], order[j] = order[j], order[i]
        for i in range(count):
            yield self.one(order[i] if i < len(order) else self.random.pick(self.names))
        if self.zone != ".":
            for foreign in (b"\x07foreign\x04test\x00", b"\x00", self.apex[1 + self.apex[0]:]):
                for rr_type in (1, 2, 6, 255):
                    yield Question(self.zone, "foreign", "exact", foreign, rr_type, 0, self.random.pick([None, (1232, True)]), False)
