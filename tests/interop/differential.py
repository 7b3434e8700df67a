#!/usr/bin/python3
"""differential.py [--ours KIND] [--scale PERCENT]: the same questions to samara, nsd, knot and bind.

Zones: the examples, the root zone, and a generated zone: unsigned, signed with NSEC, signed with NSEC3 and opt-out. Every
answer of ours must equal that of nsd or of knot in rcode, header flags and the contents of all sections; where it does not,
a rule in differences.txt must say so with its reason. A rule that matched nothing is an error too. Details are kept in
out/test/differential/.
"""
import argparse
import collections
import glob
import lzma
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import time

import dns.rdata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import generate_zone  # noqa: E402
import message  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
from questions import Questions  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "differential")
FLAG_NAMES = (("AA", message.AA), ("TC", message.TC), ("RD", message.RD), ("RA", message.RA), ("AD", message.AD),
              ("CD", message.CD))
CHUNK = 96
MOST_UDP = 1232  # what all of them send at most by UDP as they are configured here
BRIM = 24  # octets: some compression pointers
TIGHT = 320  # octets: an RSA signature of 2,048 bits in its record


# --- zones ---------------------------------------------------------------------------------------------------------------

def flatten(name, path):
    """The zone as one record a line, by bind's own reader; also resolves $GENERATE and $INCLUDE, which nsd and knot lack."""
    flat = os.path.join(OUT, "zones", f"{name or 'root'}.flat")
    run_tool("named-compilezone", "-q", "-i", "none", "-k", "ignore", "-n", "ignore", "-r", "ignore", "-s", "full", "-o", flat,
             name or ".", path, cwd=os.path.dirname(path))
    return flat


def for_knot(flat):
    """The same file in words that knot 3.2 knows: some types by number, and four digits in each group of a node id."""
    unknown = {"X25": 19, "ISDN": 20, "PX": 26}
    with open(flat, encoding="utf-8") as file, open(flat + ".knot", "w", encoding="utf-8") as out:
        for line in file:
            if line.startswith(";"):
                continue
            owner, ttl, rr_class, rr_type, rdata = line.rstrip("\n").split(None, 4)
            if rr_type in unknown:
                wire = dns.rdata.from_text("IN", rr_type, rdata).to_wire()
                rr_type, rdata = f"TYPE{unknown[rr_type]}", f"\\# {len(wire)} {wire.hex()}"
            elif rr_type in ("NID", "L64"):
                preference, groups = rdata.split()
                rdata = preference + " " + ":".join(group.zfill(4) for group in groups.split(":"))
            elif rr_type in ("RRSIG", "NSEC", "NSEC3"):
                # Types stand in a signature's first word and in a denial's later ones; base 64 may spell them by chance.
                words = rdata.split()
                for at in range(1) if rr_type == "RRSIG" else range(1, len(words)):
                    words[at] = f"TYPE{unknown[words[at]]}" if words[at] in unknown else words[at]
                rdata = " ".join(words)
            out.write(f"{owner} {ttl} {rr_class} {rr_type} {rdata}\n")
    return flat + ".knot"


def sign(name, path, *options):
    folder = os.path.join(OUT, "zones", f"keys-{name}")
    os.makedirs(folder)
    for flags in ([], ["-f", "KSK"]):
        run_tool("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-K", folder, *flags, name)
    run_tool("dnssec-signzone", "-q", "-P", "-S", "-K", folder, "-d", folder, "-x", "-o", name, "-f", path + ".signed", *options,
             path)
    return path + ".signed"


def run_tool(*command, cwd=None):
    run = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    if run.returncode:
        raise RuntimeError(f"{command[0]}: {run.stdout[-500:]}{run.stderr[-500:]}")
    return run.stdout


def write(name, lines):
    path = os.path.join(OUT, "zones", f"{name}.zone")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def make_zones():
    """[(name, file, number of questions)]"""
    os.makedirs(os.path.join(OUT, "zones"))
    zones = []
    for path in sorted(glob.glob(os.path.join(servers.ROOT, "zones", "**", "*.zone"), recursive=True)):
        zones.append((os.path.basename(path).removesuffix(".zone"), path, 400))
    zones.append(("generated.test", write("generated.test", generate_zone.generate("generated.test", 5000)), 9000))
    zones.append(("served-child.generated.test", write("served-child.generated.test", generate_zone.child_zone("generated.test")), 100))
    nsec = write("nsec.test", generate_zone.generate("nsec.test", 2000, seed=2))
    zones.append(("nsec.test", sign("nsec.test", nsec), 5000))
    # nsd 4.6 and dnssec-signzone 9.18 break on NSEC3 for names so long that no `*.` fits in front of them.
    nsec3 = write("nsec3.test", generate_zone.generate("nsec3.test", 2000, seed=3, longest=253))
    zones.append(("nsec3.test", sign("nsec3.test", nsec3, "-3", "5A17", "-A", "-H", "5"), 5000))
    root = sorted(glob.glob(os.path.join(servers.ROOT, "tests", "data", "root", "*.xz")))[0]
    with lzma.open(root, "rt", encoding="utf-8") as file:
        zones.append((".", write("root", [file.read().rstrip("\n")]), 3000))
    return zones


# --- asking --------------------------------------------------------------------------------------------------------------

class Client:
    """Keeps a window of questions open at one server, over UDP and over one TCP connection."""

    def __init__(self, port):
        self.port = port
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.connect(("127.0.0.1", port))
        self.tcp = None

    def close(self):
        self.udp.close()
        if self.tcp:
            self.tcp.close()

    def ask(self, questions, first_id):
        """The answers' octets in the order of the questions; None where none came after four attempts."""
        answers = [None] * len(questions)
        for attempt in range(4):
            open_udp = {(first_id + i) & 0xffff: i for i, q in enumerate(questions) if answers[i] is None and not q.tcp}
            open_tcp = {(first_id + i) & 0xffff: i for i, q in enumerate(questions) if answers[i] is None and q.tcp}
            if not open_udp and not open_tcp:
                break
            for message_id, i in open_udp.items():
                self.udp.send(questions[i].wire(message_id))
            if open_tcp:
                self.ask_tcp(questions, open_tcp, answers)
            deadline = time.monotonic() + 1 + attempt
            while open_udp and time.monotonic() < deadline:
                if not select.select([self.udp], [], [], 0.2)[0]:
                    continue
                wire = self.udp.recv(65535)
                i = open_udp.pop(struct.unpack_from(">H", wire)[0], None) if len(wire) >= 2 else None
                if i is not None:
                    answers[i] = wire
        return answers

    def ask_tcp(self, questions, waiting, answers):
        try:
            if self.tcp is None:
                self.tcp = socket.create_connection(("127.0.0.1", self.port), 5)
                self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wires = [questions[i].wire(message_id) for message_id, i in waiting.items()]
            self.tcp.sendall(b"".join(struct.pack(">H", len(wire)) + wire for wire in wires))
            todo = dict(waiting)
            while todo:
                wire = self.exactly(struct.unpack(">H", self.exactly(2))[0])
                i = todo.pop(struct.unpack_from(">H", wire)[0], None)
                if i is not None:
                    answers[i] = wire
        except OSError:
            if self.tcp:
                self.tcp.close()
            self.tcp = None

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.tcp.recv(count - len(data))
            if not part:
                raise OSError("connection closed")
            data += part
        return data


# --- comparing -----------------------------------------------------------------------------------------------------------

def fields_of(answer):
    fields = {"rcode": answer.rcode, "edns": answer.edns, "qr-opcode": answer.flags >> 11, "question": answer.question}
    for name, bit in FLAG_NAMES:
        fields[name] = bool(answer.flags & bit)
    if not answer.flags & message.TC:  # what a truncated answer still holds is nobody's business (RFC 2181 section 9)
        fields.update(answer=answer.answer, authority=answer.authority, additional=answer.additional)
    return fields


def differing(ours, theirs):
    return frozenset(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))


class Rule:
    """`NAME` / `when: key=a,b …` / `differs: field …` / `reason: …`, see differences.txt."""

    def __init__(self, block):
        lines = block.strip().splitlines()
        values = dict(line.strip().split(": ", 1) for line in lines[1:])
        self.name = lines[0].strip()
        self.when = [condition.split("=", 1) for condition in values["when"].split()]
        self.differs = frozenset(values["differs"].split())
        self.reason = values["reason"]
        self.used = 0

    def matches(self, facts, differences):
        for key, values in self.when:
            if facts[key] not in values.split(","):
                return False
        return any(fields <= self.differs for fields in differences)


def read_rules():
    with open(os.path.join(HERE, "differences.txt"), encoding="utf-8") as file:
        text = "\n".join(line.rstrip() for line in file if not line.startswith("#"))
    return [Rule(block) for block in text.split("\n\n") if block.strip()]


def facts_of(question, answers, zone_kind, limit):
    facts = {"zone": zone_kind, "place": question.place, "relation": question.relation,
             "qtype": message.TYPE_NAMES.get(question.type, str(question.type)), "transport": "tcp" if question.tcp else "udp",
             "do": str(int(bool(question.edns and question.edns[1])))}
    # Hardly room for another record set with its signature: what is left out then is a matter of order.
    facts["tight"] = str(int(answers["samara"].size + TIGHT > limit))
    for kind, answer in answers.items():
        facts[f"{kind}.rcode"] = str(answer.rcode) if answer else "none"
        facts[f"{kind}.brim"] = str(int(answer.size + BRIM > limit)) if answer else "none"
        facts[f"{kind}.tc"] = str(int(bool(answer.flags & message.TC))) if answer else "none"
        facts[f"{kind}.aa"] = str(int(bool(answer.flags & message.AA))) if answer else "none"
        facts[f"{kind}.answers"] = str(min(len(answer.answer), 2)) if answer else "none"
        facts[f"{kind}.cname"] = str(int(any(r.type == 5 for r in answer.answer))) if answer else "none"
        facts[f"{kind}.dname"] = str(int(any(r.type == 39 for r in answer.answer))) if answer else "none"
    return facts


def show(kind, answer):
    if answer is None:
        return [f"  {kind}: no answer"]
    flags = " ".join(name for name, bit in FLAG_NAMES if answer.flags & bit)
    lines = [f"  {kind}: rcode={answer.rcode} [{flags}] edns={answer.edns} size={answer.size}"]
    for section in ("answer", "authority", "additional"):
        lines += [f"    {section}: {text}" for text in sorted(record.text() for record in getattr(answer, section))]
    return lines


class Comparison:
    def __init__(self, result, ours):
        self.result, self.ours = result, ours
        self.rules = read_rules()
        self.counts = collections.Counter()
        self.kinds = collections.Counter()
        self.details = open(os.path.join(OUT, "differences.txt"), "w", encoding="utf-8")

    def one(self, question, wires):
        answers = {}
        for kind, wire in wires.items():
            try:
                answers[kind] = message.parse(wire, repeated_records=kind != "samara") if wire is not None else None
            except (message.Malformed, struct.error, IndexError) as error:
                answers[kind] = None
                if kind == "samara":
                    self.details.write(f"malformed: {question.text()}: {error}\n  {wire.hex()}\n")
        ours = answers["samara"]
        self.counts["asked"] += 1
        if ours is None:
            self.unexplained(question, answers, "no answer or a malformed one")
            return
        mine = fields_of(ours)
        limit = 65535 if question.tcp else min(MOST_UDP, max(512, question.edns[0])) if question.edns else 512
        if ours.size > limit:
            self.unexplained(question, answers, f"{ours.size} octets where {limit} fit")
            return
        differences = {kind: differing(mine, fields_of(answers[kind])) for kind in wires if kind != "samara" and answers[kind]}
        for kind, fields in differences.items():
            self.counts[f"equal to {kind}"] += not fields
        if any(kind in differences and not differences[kind] for kind in ("nsd", "knot")):
            self.counts["equal to nsd or knot"] += 1
            return
        facts = facts_of(question, answers, {".": "root", "nsec.test": "nsec", "nsec3.test": "nsec3"}.get(question.zone, "plain"), limit)
        for rule in self.rules:
            if rule.matches(facts, [differences[kind] for kind in ("nsd", "knot") if kind in differences]):
                rule.used += 1
                self.counts["explained by a rule"] += 1
                self.details.write(f"rule {rule.name}: {question.text()}\n")
                return
        what = ", ".join(f"{kind}: {' '.join(sorted(fields))}" for kind, fields in sorted(differences.items()))
        self.kinds[f"{question.zone} {question.place}/{question.relation} {what}"] += 1
        self.unexplained(question, answers, what)

    def unexplained(self, question, answers, what):
        self.counts["unexplained"] += 1
        self.details.write(f"UNEXPLAINED ({what}): {question.text()}\n")
        for kind, answer in answers.items():
            self.details.write("\n".join(show(kind, answer)) + "\n")

    def finish(self, whole):
        self.details.close()
        for name, number in self.counts.items():
            print(f"  {number:7} {name}")
        for rule in self.rules:
            print(f"  {rule.used:7} by rule {rule.name}: {rule.reason}")
            if whole:
                self.result.check(rule.used, f"rule {rule.name} is used")
        for what, number in self.kinds.most_common(25):
            print(f"  {number:7} unexplained: {what}")
        if whole:
            self.result.check(self.counts["asked"] >= 20000, "at least 20,000 questions", str(self.counts["asked"]))
        self.result.passed += self.counts["equal to nsd or knot"] + self.counts["explained by a rule"]
        self.result.failed += self.counts["unexplained"]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--ours", default="samara", choices=servers.KINDS, help="who stands in for samara")
    options.add_argument("--scale", type=int, default=100, help="percent of the questions")
    options = options.parse_args()
    result = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    zones = make_zones()
    flat = {name: flatten("" if name == "." else name, path) for name, path, _ in zones}
    original = [("" if name == "." else name, path) for name, path, _ in zones]
    read_by = {"nsd": [(name, flat[name or "."]) for name, _ in original], "bind": original,
               "knot": [(name, for_knot(flat[name or "."])) for name, _ in original]}
    running = {}
    try:
        running["samara"] = servers.Server(options.ours, original, os.path.join(OUT, "ours"))
        for kind in ("nsd", "knot", "bind"):
            running[kind] = servers.Server(kind, read_by[kind], OUT)
        clients = {kind: Client(server.port) for kind, server in running.items()}
        comparison = Comparison(result, options.ours)
        begin = time.monotonic()
        for number, (name, _, count) in enumerate(zones):
            with open(flat[name], encoding="utf-8") as file:
                questions = list(Questions(name, file, 1000 + number).ask(count * options.scale // 100))
            for start in range(0, len(questions), CHUNK):
                chunk = questions[start:start + CHUNK]
                answers = {kind: client.ask(chunk, start) for kind, client in clients.items()}
                for i, question in enumerate(chunk):
                    comparison.one(question, {kind: answers[kind][i] for kind in clients})
            print(f"  {name}: {len(questions)} questions", flush=True)
        print(f"  asked and compared in {time.monotonic() - begin:.0f} s")
        comparison.finish(options.scale >= 100)
        for client in clients.values():
            client.close()
    except RuntimeError as error:
        result.check(False, "servers", str(error))
    finally:
        for kind, server in running.items():
            code = server.stop()
            if kind == "samara" and options.ours == "samara":
                result.check(code == 0, "samara ends with 0 on SIGTERM", str(code))
    result.finish()


if __name__ == "__main__":
    main()
