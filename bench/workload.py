"""The zones and questions that measurements use: the same ones every time, for every server.

Out of a hundred names, 62 have an A record, 10 A and AAAA, 8 MX, 6 TXT, 4 CNAME, 8 are delegations with two servers and one
glue record, 1 has an SRV below it and 1 a wildcard. Questions are files for dnsperf: `hit` asks for what exists, `nxdomain`
for what does not.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
from generate_zone import Random  # noqa: E402

QUESTIONS = 100000
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def label(r, number):
    value = r.next()
    size, value, text = 4 + value % 9, value >> 8, ""
    for _ in range(size):
        text += LETTERS[value % 36]
        value //= 36
    return f"n{text}-{number:x}"


def ipv4(value):
    return f"10.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def ipv6(value):
    return f"2001:db8:{value >> 32 & 0xffff:x}:{value >> 16 & 0xffff:x}::{(value & 0xffff) + 1:x}"


def records(r, names, count):
    """Lines of the zone, `count` of them after the five of the apex; fills `names` with (name, type to ask for)."""
    written = 5
    while written < count:
        kind, name, value, left = r.below(100), label(r, len(names)), r.next(), count - written
        if kind < 62 or left < 3:
            kind_name, lines = "A", [f"{name} A {ipv4(value)}"]
        elif kind < 72:
            kind_name, lines = "AAAA", [f"{name} A {ipv4(value)}", f"{name} AAAA {ipv6(value)}"]
        elif kind < 80:
            kind_name, lines = "MX", [f"{name} MX 10 mx{value % 8}.mail.example."]
        elif kind < 84:
            target = names[value % len(names)][0] if names else "ns1"
            kind_name, lines = "CNAME", [f"{name} CNAME {target}"]
        elif kind < 92:
            kind_name, lines = "NS", [f"{name} NS ns1.{name}", f"{name} NS ns.provider{value % 50}.example.",
                                      f"ns1.{name} A {ipv4(value)}"]
        elif kind < 98:
            kind_name, lines = "TXT", [f'{name} TXT "v=t1 id={value:016x} some payload text"']
        elif kind < 99:
            kind_name, lines = "SRV", [f"_sip._tcp.{name} SRV 10 20 5060 ns1"]
        else:
            kind_name, lines = "wildcard", [f"*.{name} A {ipv4(value)}"]
        names.append((name, kind_name))
        written += len(lines)
        yield "\n".join(lines) + "\n"


def question(r, names, origin):
    name, kind = names[r.below(len(names))]
    if kind == "NS":
        return f"www.{name}.{origin} A"
    if kind == "SRV":
        return f"_sip._tcp.{name}.{origin} SRV"
    if kind == "wildcard":
        return f"x{r.below(1000)}.{name}.{origin} A"
    return f"{name}.{origin} {'A' if kind == 'CNAME' else kind}"


class Workload:
    def __init__(self, origin, count, folder, seed=1):
        os.makedirs(folder, exist_ok=True)
        self.origin, self.count = origin, count
        self.zone = os.path.join(folder, f"{origin}.zone")
        self.hit = os.path.join(folder, f"{origin}.hit")
        self.nxdomain = os.path.join(folder, f"{origin}.nxdomain")
        if all(os.path.exists(path) for path in (self.zone, self.hit, self.nxdomain)):
            return
        r, names = Random(seed), []
        with open(self.zone + ".new", "w", encoding="ascii") as file:
            file.write(f"$ORIGIN {origin}.\n$TTL 3600\n@ IN SOA ns1 hostmaster 2026010101 7200 900 1209600 300\n"
                       "@ IN NS ns1\n@ IN NS ns2\nns1 IN A 192.0.2.1\nns2 IN A 192.0.2.2\n")
            file.writelines(records(r, names, count))
        r = Random(seed ^ 0xABCDEF)
        with open(self.hit, "w", encoding="ascii") as file:
            file.writelines(question(r, names, origin) + "\n" for _ in range(QUESTIONS))
        with open(self.nxdomain, "w", encoding="ascii") as file:
            file.writelines(f"q{r.next():x}.{origin} A\n" for _ in range(QUESTIONS))
        os.rename(self.zone + ".new", self.zone)

    def sign(self):
        """Signs the zone in place (ECDSA P-256, NSEC). dnssec-signzone writes plain master file lines."""
        signed = self.zone + ".signed"
        if not os.path.exists(signed):
            keys = os.path.join(os.path.dirname(self.zone), f"keys-{self.origin}")
            os.makedirs(keys, exist_ok=True)
            for flags in ([], ["-f", "KSK"]):
                subprocess.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-K", keys, *flags, self.origin], check=True,
                               stdout=subprocess.DEVNULL)
            subprocess.run(["dnssec-signzone", "-q", "-P", "-S", "-K", keys, "-d", keys, "-x", "-o", self.origin, "-f", signed, self.zone],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.zone = signed
