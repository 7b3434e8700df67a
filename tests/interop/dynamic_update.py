#!/usr/bin/python3
"""dynamic_update.py: nsupdate, knsupdate and dnspython change zones of our primary (RFC 2136): prerequisites, signatures, rights,
serials, what protects the zone; and nsd, knot and bind as its secondaries, which hear NOTIFY and then hold the same zone."""
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.zone

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "dynamic_update")
SAMARA = os.environ.get("SAMARA", servers.SAMARA)
ZONE = "upd.test."
SECRET = "c2FtYXJhLWV4YW1wbGUtc2VjcmV0LW5vdC1hLXNlY3I="
KEYS = dns.tsigkeyring.from_text({name: SECRET for name in ("all.", "txt.", "host.upd.test.", "add.")})
ZONE_TEXT = """$ORIGIN upd.test.
$TTL 300
@ SOA ns hostmaster 10 7200 900 1209600 300
@ NS ns
@ NS ns.elsewhere.test.
ns A 192.0.2.1
www A 192.0.2.80
www A 192.0.2.81
www TXT "web"
alias CNAME www
cut NS ns.cut
ns.cut A 192.0.2.4
"""
SIGNED_TEXT = """$ORIGIN signed.test.
$TTL 300
@ SOA ns hostmaster 10 7200 900 1209600 300
@ NS ns
@ DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==
ns A 192.0.2.1
"""
MANIFEST = """role: primary
listen: ["127.0.0.1:{port}"]
workers: {workers}
zones:
  upd.test: {{file: upd.test.zone}}
  signed.test: {{file: signed.test.zone}}
keys:
  all: {{algorithm: hmac-sha256, secret: "{secret}"}}
  txt: {{algorithm: hmac-sha256, secret: "{secret}"}}
  host.upd.test: {{algorithm: hmac-sha256, secret: "{secret}"}}
  add: {{algorithm: hmac-sha256, secret: "{secret}"}}
acl:
  transfer: [any]
  update: [{{key: all}}]
update-policy:
  - {{key: txt, zones: [upd.test], names: {{subtree: [sub.upd.test]}}, types: [TXT]}}
  - {{key: host.upd.test, names: self, types: [A, AAAA]}}
  - {{key: add, operations: [add]}}
notify: [{notify}]
"""


class Primary:
    def __init__(self, folder, notify=(), workers=2):
        os.makedirs(folder, exist_ok=True)
        self.port = servers.free_port()
        for name, text in (("upd.test.zone", ZONE_TEXT), ("signed.test.zone", SIGNED_TEXT)):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        self.folder = folder
        manifest = os.path.join(folder, "primary.yaml")
        with open(manifest, "w", encoding="ascii") as file:
            file.write(MANIFEST.format(port=self.port, workers=workers, secret=SECRET,
                                       notify=", ".join(f'{{address: "127.0.0.1:{port}"}}' for port in notify)))
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([SAMARA, "run", manifest], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while servers.ask_udp(self.port, servers.query(ZONE), 0.1) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"samara does not answer: {self.text()}")
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()

    def text(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def ask(self, name, rr_type):
        answer = dns.query.udp(dns.message.make_query(name, rr_type), "127.0.0.1", port=self.port, timeout=5)
        return sorted(f"{rrset.ttl} {rdata}" for rrset in answer.answer for rdata in rrset)

    def serial(self):
        return int(self.ask(ZONE, "SOA")[0].split()[3])

    def zone(self, port=None):
        transfer = dns.query.xfr("127.0.0.1", ZONE, port=port or self.port, timeout=5, lifetime=10, relativize=False)
        zone = dns.zone.from_xfr(transfer, relativize=False)
        return sorted(f"{name} {ttl} {rdata.rdtype} {rdata}" for name, ttl, rdata in zone.iterate_rdatas())

    def update(self, build, key="all.", zone=ZONE, by=dns.query.udp):
        """The RCODE; `build` says what to change."""
        update = dns.update.UpdateMessage(zone, keyring=KEYS if key else None, keyname=key)
        build(update)
        return dns.rcode.to_text(by(update, "127.0.0.1", port=self.port, timeout=5).rcode())


def with_dnspython(check, primary):
    def expect(name, rcode, build, **how):
        got = primary.update(build, **how)
        check(got == rcode, f"dnspython: {name}", f"{got}, not {rcode}")

    for by in (dns.query.udp, dns.query.tcp):
        way = by.__name__
        before = primary.serial()
        expect(f"add by {way}", "NOERROR", lambda u: u.add(f"new-{way}", 60, "A", "192.0.2.9"), by=by)
        check(primary.ask(f"new-{way}.{ZONE}", "A") == ["60 192.0.2.9"], f"added by {way} is served when it is answered")
        check(primary.serial() == before + 1, f"serial is raised by {way}")
    before = primary.serial()
    expect("what is there already", "NOERROR", lambda u: u.add("www", 300, "A", "192.0.2.80"))
    check(primary.serial() == before, "no change, no serial")
    expect("present", "NOERROR", lambda u: u.present("www"))
    expect("present, not", "NXDOMAIN", lambda u: u.present("nothing"))
    expect("present type, not", "NXRRSET", lambda u: u.present("www", "MX"))
    expect("present value, not whole", "NXRRSET", lambda u: u.present("www", "A", "192.0.2.80"))
    expect("present value", "NOERROR", lambda u: (u.present("www", "A", "192.0.2.80", "192.0.2.81")))
    expect("absent", "YXDOMAIN", lambda u: u.absent("www"))
    expect("absent type", "YXRRSET", lambda u: u.absent("www", "A"))
    expect("outside the zone", "NOTZONE", lambda u: u.add("www.other.test.", 60, "A", "192.0.2.1"))
    expect("another zone", "NOTAUTH", lambda u: u.add("www", 60, "A", "192.0.2.1"), zone="other.test.")
    expect("all of the apex", "NOERROR", lambda u: (u.delete("@"), u.delete("@", "NS"), u.delete("@", "SOA")))
    check(len(primary.ask(ZONE, "NS")) == 2 and primary.ask(ZONE, "SOA"), "apex NS and SOA stay")
    expect("each NS of the apex", "NOERROR", lambda u: (u.delete("@", "NS", "ns"), u.delete("@", "NS", "ns.elsewhere.test.")))
    check(primary.ask(ZONE, "NS") == ["300 ns.elsewhere.test."], "the last apex NS stays", str(primary.ask(ZONE, "NS")))
    expect("lower serial", "NOERROR", lambda u: u.add("@", 300, "SOA", "ns x 5 1 2 3 4"))
    check("x.upd.test" not in primary.ask(ZONE, "SOA")[0], "a lower serial is not taken")
    expect("CNAME beside data", "NOERROR", lambda u: u.add("www", 60, "CNAME", "ns"))
    check(primary.ask(f"www.{ZONE}", "CNAME") == [], "CNAME beside data is ignored")
    expect("data beside CNAME", "NOERROR", lambda u: u.add("alias", 60, "TXT", "x"))
    check(primary.ask(f"alias.{ZONE}", "TXT") != ["60 \"x\""], "data beside CNAME is ignored")
    expect("signed zone", "REFUSED", lambda u: u.add("www", 60, "A", "192.0.2.1"), zone="signed.test.")
    # Rights.
    expect("unsigned", "REFUSED", lambda u: u.add("www", 60, "A", "192.0.2.1"), key=None)
    expect("type and subtree", "NOERROR", lambda u: u.add("a.sub", 60, "TXT", "x"), key="txt.")
    expect("other type", "REFUSED", lambda u: u.add("a.sub", 60, "A", "192.0.2.1"), key="txt.")
    expect("other name", "REFUSED", lambda u: u.add("a", 60, "TXT", "x"), key="txt.")
    expect("self", "NOERROR", lambda u: u.add("host", 60, "A", "192.0.2.7"), key="host.upd.test.")
    expect("not self", "REFUSED", lambda u: u.add("hosts", 60, "A", "192.0.2.7"), key="host.upd.test.")
    expect("may add", "NOERROR", lambda u: u.add("added", 60, "A", "192.0.2.7"), key="add.")
    expect("may not delete", "REFUSED", lambda u: u.delete("added"), key="add.")
    bad = dns.tsigkeyring.from_text({"all.": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
    update = dns.update.UpdateMessage(ZONE, keyring=bad, keyname="all.")
    update.delete("www")
    try:
        dns.query.udp(update, "127.0.0.1", port=primary.port, timeout=5)
        check(False, "wrong secret")
    except dns.tsig.PeerBadSignature:
        check(True, "wrong secret")
    check(primary.ask(f"www.{ZONE}", "TXT") == ["300 \"web\""], "and nothing was deleted")
    # A datagram that comes twice is applied once.
    update = dns.update.UpdateMessage(ZONE, keyring=KEYS, keyname="all.")
    update.absent("twice")
    update.add("twice", 60, "A", "192.0.2.2")
    wire = update.to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(("127.0.0.1", primary.port))
        codes = []
        for _ in range(2):
            client.send(wire)
            codes.append(client.recv(4096)[3] & 15)
    check(codes[0] == 0, "first of two", str(codes))
    # The same worker has it both times where the kernel keeps a flow on one socket.
    check(codes == [0, 0], "a retransmission has the same answer", str(codes))


def with_command(check, primary, command):
    """nsupdate and knsupdate speak nearly the same language."""
    def run(name, text, good, expected=""):
        words = [command, *(["-y", f"hmac-sha256:all:{SECRET}"])]
        script = f"server 127.0.0.1 {primary.port}\nzone upd.test.\n{text}\nsend\n"
        done = subprocess.run(words, input=script, capture_output=True, text=True, timeout=60, check=False)
        output = done.stdout + done.stderr
        failed = done.returncode != 0 or "failed" in output or "error" in output.lower()
        check(failed != good and expected in output, f"{command}: {name}", output.strip())

    label = command
    run("add", f"update add {label}.upd.test. 60 A 192.0.2.10\nupdate add {label}.upd.test. 60 TXT \"x\"", True)
    check(primary.ask(f"{label}.{ZONE}", "A") == ["60 192.0.2.10"], f"{command}: added")
    run("prerequisites", f"prereq yxdomain {label}.upd.test.\nprereq nxrrset {label}.upd.test. MX\n"
        f"update add {label}.upd.test. 60 AAAA 2001:db8::1", True)
    run("prerequisite that fails", f"prereq nxdomain {label}.upd.test.\nupdate delete {label}.upd.test.", False, "YXDOMAIN")
    run("delete a type", f"update delete {label}.upd.test. TXT", True)
    run("delete a name", f"update delete {label}.upd.test.", True)
    check(primary.ask(f"{label}.{ZONE}", "A") == [], f"{command}: deleted")


def reloads(check, primary):
    """The file is as it was: the updates stay. Its serial is raised, but not enough: an error. Beyond: the file's zone."""
    path = os.path.join(primary.folder, "upd.test.zone")

    def reload(serial, expected):
        with open(path, "w", encoding="ascii") as file:
            file.write(ZONE_TEXT.replace(" 10 ", f" {serial} "))
        size = len(primary.text())
        primary.process.send_signal(1)
        deadline = time.monotonic() + 20
        while expected not in primary.text()[size:] and time.monotonic() < deadline:
            time.sleep(0.05)
        check(expected in primary.text()[size:], f"reload with serial {serial}", primary.text()[size:][-600:])

    check(primary.update(lambda u: u.add("kept", 60, "A", "192.0.2.3")) == "NOERROR", "update before reloads")
    serial = primary.serial()
    reload(10, "keeps its updates")
    check(primary.ask(f"kept.{ZONE}", "A") == ["60 192.0.2.3"], "updates outlive a reload")
    reload(serial, "is not above serial")
    check(primary.ask(f"kept.{ZONE}", "A") == ["60 192.0.2.3"], "updates outlive a reload of a changed file")
    reload(serial + 5, f"serial {serial + 5}, ")
    check(primary.serial() == serial + 5, "a newer file replaces the zone")


def reload_adds_rights(check, primary):
    """A zone that a reload adds has rights of its own at once, and those of a zone that was there change."""
    manifest = os.path.join(primary.folder, "primary.yaml")
    with open(manifest, encoding="ascii") as file:
        text = file.read()
    with open(os.path.join(primary.folder, "own.test.zone"), "w", encoding="ascii") as file:
        file.write(ZONE_TEXT.replace("upd.test", "own.test"))

    def reload(own, updated):
        with open(manifest, "w", encoding="ascii") as file:
            file.write(text.replace("{file: upd.test.zone}", "{file: upd.test.zone" + updated + "}").replace(
                "keys:\n", f"  own.test: {{file: own.test.zone, acl: {{{own}}}}}\nkeys:\n", 1))
        primary.process.send_signal(1)

    def unsigned(zone, by=dns.query.tcp):
        return primary.update(lambda u: u.add("more", 60, "A", "192.0.2.1"), key=None, zone=zone, by=by)

    def becomes(rcode, zone):
        deadline = time.monotonic() + 20
        while unsigned(zone) != rcode and time.monotonic() < deadline:
            time.sleep(0.05)
        return unsigned(zone) == rcode

    def transferable(zone):
        try:
            return dns.zone.from_xfr(dns.query.xfr("127.0.0.1", zone, port=primary.port, timeout=5)) is not None
        except (dns.exception.DNSException, EOFError):
            return False

    reload("update: [127.0.0.1], transfer: []", "")
    check(becomes("NOERROR", "own.test."), "a zone that a reload added: who may update it", primary.text()[-500:])
    check(unsigned("own.test.", dns.query.udp) == "REFUSED", "an address in a datagram changes nothing")
    check(not transferable("own.test."), "a zone that a reload added: who may not transfer it")
    check(transferable(ZONE), "others as before")
    reload("update: []", ", acl: {update: [127.0.0.1]}")
    check(becomes("REFUSED", "own.test."), "rights that a reload takes away")
    check(becomes("NOERROR", ZONE), "rights that a reload gives", primary.text()[-500:])
    check(transferable("own.test."), "and what is not said any more is as for all")


def secondary(kind, primary_port, folder, port):
    """A secondary of ours on a port that is known before it starts."""
    os.makedirs(folder)
    path = os.path.join(folder, "conf")
    values = {"folder": folder, "address": "127.0.0.1", "port": port}
    with open(path, "w", encoding="ascii") as conf:
        if kind == "nsd":
            conf.write(servers.NSD.format(**values) + f'zone:\n  name: "upd.test"\n  zonefile: "{folder}/upd.test"\n'
                       f"  request-xfr: 127.0.0.1@{primary_port} NOKEY\n  allow-notify: 127.0.0.1 NOKEY\n"
                       "  provide-xfr: 127.0.0.1 NOKEY\n")
        elif kind == "knot":
            conf.write(servers.KNOT.format(**values).replace("zone:\n", "")
                       + f"remote:\n  - id: p\n    address: 127.0.0.1@{primary_port}\n"
                       "acl:\n  - id: a\n    address: 127.0.0.1\n    action: [notify, transfer]\n"
                       f"zone:\n  - domain: upd.test\n    master: p\n    acl: a\n    storage: {folder}\n")
        else:
            conf.write(servers.BIND.format(**values)
                       + f'zone "upd.test" {{ type secondary; file "{folder}/upd.test"; primaries {{ 127.0.0.1 port {primary_port}; }};\n'
                       "  allow-notify { 127.0.0.1; }; allow-transfer { any; }; masterfile-format text; };\n")
    command = {"nsd": ["nsd", "-d", "-c", path], "knot": ["knotd", "-c", path], "bind": ["named", "-g", "-n", "1", "-c", path]}[kind]
    output = open(os.path.join(folder, "output"), "w", encoding="utf-8")
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def followers(check, folder):
    ports = {kind: servers.free_port() for kind in ("nsd", "knot", "bind")}
    running = {}
    with Primary(os.path.join(folder, "primary"), notify=ports.values()) as primary:
        try:
            for kind, port in ports.items():
                running[kind] = secondary(kind, primary.port, os.path.join(folder, kind), port)

            def equal(kind, serial, seconds):
                deadline = time.monotonic() + seconds
                while time.monotonic() < deadline:
                    answer = servers.ask_udp(ports[kind], servers.query(ZONE), 0.2)
                    if answer and len(answer) > 40 and answer[7] == 1 and \
                            int.from_bytes(answer[-20:-16], "big") == serial:
                        return True
                    time.sleep(0.05)
                return False

            for kind in ports:
                check(equal(kind, 10, 40), f"{kind}: has the zone")
            for step in range(3):
                check(primary.update(lambda u: u.add(f"s{step}", 60, "A", f"192.0.2.{step}")) == "NOERROR", "update")
                serial, began = primary.serial(), time.monotonic()
                for kind in ports:
                    followed = equal(kind, serial, 20)
                    check(followed, f"{kind}: follows to {serial} by NOTIFY", f"{time.monotonic() - began:.1f} s")
                    if followed:
                        check(primary.zone(ports[kind]) == primary.zone(), f"{kind}: holds the same zone")
            check("does not answer NOTIFY" not in primary.text(), "all answer NOTIFY", primary.text()[-500:])
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(20)


def main():
    results = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    with Primary(os.path.join(OUT, "alone"), workers=1) as primary:
        with_dnspython(results.check, primary)
        for command in ("nsupdate", "knsupdate"):
            with_command(results.check, primary, command)
        check_log(results.check, primary)
        reloads(results.check, primary)
        reload_adds_rights(results.check, primary)
    followers(results.check, os.path.join(OUT, "followers"))
    results.finish()


def check_log(check, primary):
    log = primary.text()
    check(re.search(r"zone upd\.test\.: serial \d+ by update of all\. at 127\.0\.0\.1", log) is not None, "log names who changed what")
    check(re.search(r"update of txt\. at 127\.0\.0\.1 refused: no right to (add|delete) \S+ \(rule \d+ of update-policy gives no such \w+\) at ", log)
          is not None, "log says what was refused, and by which rule")


if __name__ == "__main__":
    main()
