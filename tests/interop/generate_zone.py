#!/usr/bin/python3
"""generate_zone.py ORIGIN RECORDS [SEED]: a zone that exercises every branch of an authoritative lookup, on stdout.

Always the same zone for the same arguments: wildcards at several depths, DNAMEs, delegations with and without glue and DS,
empty non-terminals, CNAME chains and loops, data hidden below cuts, names of the greatest length, most record types, and
RRsets too large for a datagram. It holds no more than RECORDS records and at least nine tenths of them.
"""
import sys

MASK = (1 << 64) - 1


class Random:
    """splitmix64: the same numbers with every Python."""

    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, limit):
        return self.next() % limit

    def pick(self, choices):
        return choices[self.below(len(choices))]

    def chance(self, percent):
        return self.below(100) < percent


LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def ipv4(r):
    return f"192.0.2.{r.below(256)}" if r.chance(50) else f"198.51.100.{r.below(256)}"


def ipv6(r):
    return f"2001:db8:{r.below(65536):x}::{r.below(65536):x}"


def hexadecimal(r, octets):
    return "".join(f"{r.below(256):02x}" for _ in range(octets))


def base64_text(r, groups):
    return "".join(r.pick(LETTERS) for _ in range(4 * groups))


# Type -> its rdata in presentation format. `target` makes a name, mostly one that exists.
RDATA = {
    "A": lambda r, target: ipv4(r),
    "AAAA": lambda r, target: ipv6(r),
    "MX": lambda r, target: f"{r.below(100)} {target()}",
    "TXT": lambda r, target: " ".join(f'"{base64_text(r, 1 + r.below(12))}"' for _ in range(1 + r.below(3))),
    "SRV": lambda r, target: f"{r.below(9)} {r.below(9)} {r.below(65536)} {target()}",
    "NAPTR": lambda r, target: f'{r.below(9)} {r.below(9)} "u" "E2U+sip" "!^.*$!sip:info@example.com!" .',
    "CAA": lambda r, target: f'{r.pick([0, 128])} issue "ca{r.below(9)}.example"',
    "SSHFP": lambda r, target: f"{1 + r.below(4)} 2 {hexadecimal(r, 32)}",
    "TLSA": lambda r, target: f"3 1 1 {hexadecimal(r, 32)}",
    "SMIMEA": lambda r, target: f"3 0 1 {hexadecimal(r, 32)}",
    "LOC": lambda r, target: f"{r.below(90)} {r.below(60)} {r.below(60)}.000 N {r.below(180)} 0 0.000 E {r.below(999)}.00m 1m 10000m 10m",
    "HINFO": lambda r, target: f'"CPU{r.below(9)}" "OS {r.below(9)}"',
    "RP": lambda r, target: f"{target()} {target()}",
    "AFSDB": lambda r, target: f"1 {target()}",
    "KX": lambda r, target: f"{r.below(9)} {target()}",
    "RT": lambda r, target: f"{r.below(9)} {target()}",
    "PX": lambda r, target: f"{r.below(9)} {target()} {target()}",
    "PTR": lambda r, target: target(),
    "X25": lambda r, target: f'"{31100000 + r.below(999999)}"',
    "ISDN": lambda r, target: f'"{150862028003217 + r.below(999)}" "004"',
    "SPF": lambda r, target: '"v=spf1 -all"',
    "URI": lambda r, target: f'{r.below(9)} {r.below(9)} "https://www.example/{r.below(99)}"',
    "EUI48": lambda r, target: "-".join(f"{r.below(256):02x}" for _ in range(6)),
    "EUI64": lambda r, target: "-".join(f"{r.below(256):02x}" for _ in range(8)),
    "NID": lambda r, target: f"{r.below(99)} 14:4fff:ff20:{r.below(65536):x}",
    "L32": lambda r, target: f"{r.below(99)} {ipv4(r)}",
    "L64": lambda r, target: f"{r.below(99)} 2001:db8:1140:{r.below(65536):x}",
    "LP": lambda r, target: f"{r.below(99)} {target()}",
    "CERT": lambda r, target: f"1 {r.below(65536)} 8 {base64_text(r, 12)}",
    "OPENPGPKEY": lambda r, target: base64_text(r, 20),
    "DHCID": lambda r, target: base64_text(r, 12),
    "APL": lambda r, target: f"1:192.0.2.{r.below(256) & 0xf8}/29 !2:2001:db8::/{32 + r.below(32)}",
    "IPSECKEY": lambda r, target: f"{r.below(9)} 1 2 {ipv4(r)} {base64_text(r, 8)}",
    "CSYNC": lambda r, target: f"{r.below(99)} 3 A NS AAAA",
    "TYPE65280": lambda r, target: f"\\# 4 {hexadecimal(r, 4)}",
    "SVCB": lambda r, target: f'{1 + r.below(9)} {target()} alpn="h2,h3" port={r.below(65536)}',
    "HTTPS": lambda r, target: f"1 . alpn=h2 ipv4hint={ipv4(r)} ipv6hint={ipv6(r)}",
}
COMMON = ["A", "A", "A", "AAAA", "AAAA", "MX", "TXT", "SRV"]


class Zone:
    def __init__(self, origin, limit, seed, longest):
        self.origin, self.limit, self.longest = origin, limit, longest
        self.random = Random(seed)
        self.lines = []
        self.names = []    # plain names that hold data
        self.targets = []  # what CNAMEs may lead to

    def full(self, reserve=0):
        return len(self.lines) + reserve >= self.limit

    def add(self, owner, rr_type, rdata, ttl=3600):
        line = f"{owner} {ttl} IN {rr_type} {rdata}"
        if not self.full() and line not in self.lines[-40:]:
            self.lines.append(line)

    def label(self):
        r = self.random
        return "".join(r.pick(LETTERS) for _ in range(1 + r.below(9))) + f"-{len(self.lines):x}"

    def target(self):
        r = self.random
        if self.names and r.chance(70):
            return r.pick(self.names)
        return r.pick(["outside.example.net.", f"missing.{self.origin}.", "a.very.far.away.example.org."])

    def data(self, owner, types):
        ttl = self.random.pick([60, 300, 3600, 86400])
        for rr_type in dict.fromkeys(types):
            for _ in range(1 + (self.random.below(3) if rr_type in ("A", "AAAA", "MX", "TXT") else 0)):
                self.add(owner, rr_type, RDATA[rr_type](self.random, self.target), ttl)

    def some_types(self):
        r = self.random
        types = [r.pick(COMMON) for _ in range(1 + r.below(3))]
        if r.chance(40):
            types.append(r.pick(sorted(RDATA)))
        return types

    def apex(self):
        self.add(f"{self.origin}.", "SOA", f"ns1.{self.origin}. hostmaster.{self.origin}. 2026010100 7200 900 1209600 300")
        for server in ("ns1", "ns2"):
            self.add(f"{self.origin}.", "NS", f"{server}.{self.origin}.")
        self.add(f"{self.origin}.", "NS", "ns.example.net.")
        self.add(f"ns1.{self.origin}.", "A", "192.0.2.1")
        self.add(f"ns1.{self.origin}.", "AAAA", "2001:db8::1")
        self.add(f"ns2.{self.origin}.", "A", "192.0.2.2")
        self.data(f"{self.origin}.", ["MX", "TXT", "CAA"])

    def host(self):
        parent = self.random.pick(self.names) if self.names and self.random.chance(25) else f"{self.origin}."
        name = f"{self.label()}.{parent}"
        if len(name) < 200:
            self.data(name, self.some_types())
            self.names.append(name)
            self.targets.append(name)

    def empty_non_terminal(self):
        name = ".".join(self.label() for _ in range(2 + self.random.below(4))) + f".{self.origin}."
        self.data(name, self.some_types())
        self.targets.append(name)

    def wildcard(self):
        """At one to four labels below the apex, some with another wildcard or a host beside or below it."""
        r = self.random
        base = "".join(f"{self.label()}." for _ in range(r.below(4))) + f"{self.origin}."
        if base == f"{self.origin}.":
            base = f"{self.label()}.{base}"
        kind = r.below(10)
        if kind < 6:
            self.data(f"*.{base}", self.some_types())
        elif kind < 8:
            self.add(f"*.{base}", "CNAME", r.pick([self.target(), self.target(), f"w.{base}", "outside.example.net.",
                                                   r.pick(self.targets) if self.targets else "outside.example.org."]))
        elif kind == 8:
            self.data(f"*.{base}", ["TXT"])
            self.data(f"x.*.{base}", ["A"])
            self.data(f"*.*.{base}", ["TXT"])
        else:
            self.data(f"*.sub.{base}", ["A", "TXT"])
            self.data(f"*.{base}", ["A"])
        if r.chance(40):
            self.data(f"host.{base}", ["A"])
        if r.chance(20):
            self.data(f"deep.down.{base}", ["A"])
        self.targets.append(f"any-{r.below(99)}.{base}")

    def cname(self):
        r = self.random
        name = f"{self.label()}.{self.origin}."
        kind = r.below(10)
        if kind < 5:
            self.add(name, "CNAME", r.pick(self.targets or ["outside.example.net."]))
        elif kind < 7:
            self.add(name, "CNAME", "outside.example.net.")
        elif kind == 7:
            self.add(name, "CNAME", f"missing-{r.below(999)}.{self.origin}.")
        elif kind == 8:  # a loop of one, two or three
            ring = [name] + [f"{self.label()}-{i}.{self.origin}." for i in range(r.below(3))]
            for i, owner in enumerate(ring):
                self.add(owner, "CNAME", ring[(i + 1) % len(ring)])
        else:  # a chain
            length = 2 + r.below(6)
            chain = [f"{self.label()}-{i}.{self.origin}." for i in range(length)]
            for owner, following in zip(chain, chain[1:]):
                self.add(owner, "CNAME", following)
            self.add(chain[-1], "A", ipv4(r))
            name = chain[0]
        self.targets.append(name)

    def dname(self):
        r = self.random
        name = f"{self.label()}.{self.origin}."
        kind = r.below(6)
        target = {0: "example.net.", 1: f"{'x' * 60}.{'y' * 60}.{'z' * 40}.example.net.", 2: name}.get(
            kind, r.pick(self.names) if self.names else "example.org.")
        if kind == 2:
            target = f"loop.{name}" if r.chance(50) else f"{self.label()}.{self.origin}."
        self.add(name, "DNAME", target)
        if r.chance(30):
            self.data(name, ["TXT", "A"])
        self.targets.append(f"below.{name}")

    def cut(self):
        r = self.random
        name = f"{self.label()}." + (f"{self.label()}." if r.chance(20) else "") + f"{self.origin}."
        kind = r.below(5)
        servers = [f"ns{i}.{name}" for i in range(1 + r.below(3))]
        if kind == 0:
            servers = ["ns.example.net.", "ns.example.org."]
        elif kind == 1:
            servers.append("ns.example.net.")
        elif kind == 2:
            servers = [f"ns1.{self.origin}.", f"ns2.{self.origin}."]
        for server in servers:
            self.add(name, "NS", server)
            if server.endswith(f".{name}") and (r.chance(85) or kind == 3):
                self.add(server, "A", ipv4(r))
                if r.chance(50):
                    self.add(server, "AAAA", ipv6(r))
        if r.chance(40):
            for digest in range(1 + r.below(2)):
                self.add(name, "DS", f"{r.below(65536)} 13 {2 if digest == 0 else 4} "
                         f"{hexadecimal(r, 32 if digest == 0 else 48)}")
        if r.chance(20):  # hidden by the cut
            self.data(f"hidden.{name}", ["TXT", "A"])
            self.data(f"*.hidden.{name}", ["TXT"])
        self.targets.append(f"www.{name}")

    def longest_names(self):
        """Of the greatest length (255 octets unless told otherwise), and of the most labels."""
        suffix = f".{self.origin}."
        room = self.longest - 1 - len(self.origin) - 1
        labels = []
        while room > 1:
            take = min(63, room - 1)
            labels.append("l" * take)
            room -= take + 1
        self.data(".".join(labels) + suffix, ["A", "TXT"])
        depth = (self.longest - 1 - len(self.origin) - 1) // 2
        self.data(".".join("d" * depth) + suffix, ["A"])

    def large(self):
        name = f"large-{self.label()}.{self.origin}."
        rr_type, count = self.random.pick([("A", 60), ("TXT", 15), ("AAAA", 45), ("MX", 30), ("A", 130)])
        for number in range(count):
            rdata = {"A": f"203.0.113.{number}", "AAAA": f"2001:db8:ffff::{number:x}", "MX": f"{number} mx{number}.{name}",
                     "TXT": f'"{number} {base64_text(self.random, 20)}"'}[rr_type]
            self.add(name, rr_type, rdata)
        self.names.append(name)

    def odd_labels(self):
        for label in ("a\\.b", "\\000\\255", "under_score", "sp\\032ace", "UPPER", "xn--bcher-kva", "\\*", "q\\\"uote", "semi\\;colon"):
            self.data(f"{label}.odd.{self.origin}.", ["A"])

    def served_child(self):
        """A delegation to a zone that the same servers hold."""
        name = f"served-child.{self.origin}."
        self.add(name, "NS", f"ns1.{name}")
        self.add(f"ns1.{name}", "A", "192.0.2.53")
        self.add(name, "DS", f"4711 13 2 {hexadecimal(self.random, 32)}")

    def build(self):
        self.apex()
        self.served_child()
        self.odd_labels()
        self.longest_names()
        for rr_type in sorted(RDATA):
            self.data(f"type-{rr_type.lower()}.{self.origin}.", [rr_type])
            self.names.append(f"type-{rr_type.lower()}.{self.origin}.")
        for _ in range(6):
            self.large()
        kinds = [self.host] * 40 + [self.empty_non_terminal] * 8 + [self.wildcard] * 12 + [self.cname] * 12 + \
            [self.dname] * 5 + [self.cut] * 18
        while not self.full(reserve=20):
            self.random.pick(kinds)()
        return self.lines


def child_zone(origin):
    name = f"served-child.{origin}."
    return [f"{name} 3600 IN SOA ns1.{name} hostmaster.{name} 1 7200 900 1209600 300", f"{name} 3600 IN NS ns1.{name}",
            f"ns1.{name} 3600 IN A 192.0.2.53", f"www.{name} 300 IN A 192.0.2.80", f"*.w.{name} 300 IN TXT \"child\""]


def generate(origin, records, seed=1, longest=255):
    return Zone(origin.rstrip("."), records, seed, longest).build()


if __name__ == "__main__":
    for text in generate(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1):
        print(text)
