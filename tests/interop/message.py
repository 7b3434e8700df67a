"""A strict reader of DNS messages for comparing servers: every octet must be accounted for. Names inside rdata are
expanded and lower-cased, so that two answers that mean the same compare equal."""
import struct
from typing import NamedTuple

# rdata layouts with names in them: n a name, 1 2 4 octets kept as they are, s a character-string, r the rest.
LAYOUTS = {2: "n", 3: "n", 4: "n", 5: "n", 6: "nn44444", 7: "n", 8: "n", 9: "n", 12: "n", 14: "nn", 15: "2n", 17: "nn", 18: "2n",
           21: "2n", 26: "2nn", 33: "222n", 35: "22sssn", 36: "2n", 39: "n", 46: "211444" + "2nr", 47: "nr", 107: "2n",
           64: "2nr", 65: "2nr"}
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "RP": 17, "AFSDB": 18, "X25": 19,
         "ISDN": 20, "RT": 21, "KEY": 25, "PX": 26, "AAAA": 28, "LOC": 29, "SRV": 33, "NAPTR": 35, "KX": 36, "CERT": 37,
         "DNAME": 39, "APL": 42, "DS": 43, "SSHFP": 44, "IPSECKEY": 45, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "DHCID": 49,
         "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "SMIMEA": 53, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62,
         "ZONEMD": 63, "SVCB": 64, "HTTPS": 65, "SPF": 99, "NID": 104, "L32": 105, "L64": 106, "LP": 107, "EUI48": 108,
         "EUI64": 109, "ANY": 255, "URI": 256, "CAA": 257, "TYPE65280": 65280}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
OPT = 41
AA, TC, RD, RA, AD, CD = 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010


class Malformed(Exception):
    pass


class Record(NamedTuple):
    name: bytes
    type: int
    rr_class: int
    ttl: int
    rdata: bytes

    def text(self):
        return f"{name_text(self.name)} {self.ttl} {TYPE_NAMES.get(self.type, self.type)} {self.rdata.hex()}"


class Message(NamedTuple):
    id: int
    flags: int
    rcode: int          # with the upper bits from OPT
    question: bytes     # as it stands in the message
    answer: frozenset
    authority: frozenset
    additional: frozenset
    edns: tuple         # (version, DO), or ()
    udp_size: int
    options: tuple      # of OPT: (code, data)
    size: int


def name_text(name):
    labels, at = [], 0
    while name[at]:
        label = name[at + 1:at + 1 + name[at]]
        labels.append("".join(chr(c) if 33 <= c < 127 and c not in b'.\\";()' else f"\\{c:03d}" for c in label))
        at += 1 + name[at]
    return ".".join(labels) + "."


def read_name(wire, at):
    """(name in lower case, position after it)."""
    labels, end, size, lowest = [], None, 1, at
    while True:
        if at >= len(wire):
            raise Malformed("name runs past the end")
        length = wire[at]
        if length >= 192:
            if at + 1 >= len(wire):
                raise Malformed("half a pointer")
            target = (length & 63) << 8 | wire[at + 1]
            if end is None:
                end = at + 2
            if target >= lowest or target < 12:
                raise Malformed("pointer that does not point back")
            at = lowest = target
            continue
        if length >= 64:
            raise Malformed("label type")
        if at + 1 + length > len(wire):
            raise Malformed("label runs past the end")
        if length == 0:
            labels.append(b"\0")
            return b"".join(labels), end if end is not None else at + 1
        size += length + 1
        if size > 255:
            raise Malformed("name too long")
        labels.append(wire[at:at + 1] + wire[at + 1:at + 1 + length].lower())
        at += 1 + length


def expand(wire, at, end, rr_type):
    layout = LAYOUTS.get(rr_type)
    if layout is None or at == end:
        return wire[at:end]
    parts = []
    for field in layout:
        if field == "n":
            name, at = read_name(wire, at)
            parts.append(name)
        elif field == "r":
            parts.append(wire[at:end])
            at = end
        else:
            size = wire[at] + 1 if field == "s" else int(field)
            parts.append(wire[at:at + size])
            at += size
    if at != end:
        raise Malformed(f"rdata of type {rr_type} has another length than it says")
    return b"".join(parts)


def read_record(wire, at):
    name, at = read_name(wire, at)
    if at + 10 > len(wire):
        raise Malformed("half a record")
    rr_type, rr_class, ttl, length = struct.unpack_from(">HHIH", wire, at)
    at += 10
    if at + length > len(wire):
        raise Malformed("rdata runs past the end")
    return Record(name, rr_type, rr_class, ttl, expand(wire, at, at + length, rr_type)), at + length


def parse(wire, repeated_records=False):
    if len(wire) < 12:
        raise Malformed("shorter than a header")
    message_id, flags, *counts = struct.unpack_from(">HHHHHH", wire)
    at = 12
    for _ in range(counts[0]):
        _, at = read_name(wire, at)
        at += 4
    if at > len(wire):
        raise Malformed("half a question")
    question = wire[12:at]
    sections, rcode, edns, udp_size, options = [], flags & 15, (), 0, ()
    for count in counts[1:]:
        records = []
        for _ in range(count):
            record, at = read_record(wire, at)
            if record.type == OPT and len(sections) == 2:
                if edns:
                    raise Malformed("two OPT records")
                rcode |= record.ttl >> 24 << 4
                edns, udp_size = (record.ttl >> 16 & 255, bool(record.ttl & 0x8000)), record.rr_class
                options = tuple(read_options(record.rdata))
            else:
                records.append(record)
        if len(set(records)) != len(records) and not repeated_records:
            raise Malformed("a record twice in a section")
        sections.append(frozenset(records))
    if at != len(wire):
        raise Malformed("octets after the last record")
    return Message(message_id, flags, rcode, question, *sections, edns, udp_size, options, len(wire))


def read_options(rdata):
    at = 0
    while at < len(rdata):
        if at + 4 > len(rdata):
            raise Malformed("half an EDNS option")
        code, length = struct.unpack_from(">HH", rdata, at)
        if at + 4 + length > len(rdata):
            raise Malformed("EDNS option runs past the end")
        yield code, rdata[at + 4:at + 4 + length]
        at += 4 + length


def make_query(message_id, name, rr_type, flags=0, edns=None, rr_class=1):
    """`name` in wire form; `edns` is (payload size, DO) or None."""
    message = struct.pack(">HHHHHH", message_id, flags, 1, 0, 0, 1 if edns else 0) + name + struct.pack(">HH", rr_type, rr_class)
    if edns:
        message += b"\0" + struct.pack(">HHIH", OPT, edns[0], 0x8000 if edns[1] else 0, 0)
    return message
