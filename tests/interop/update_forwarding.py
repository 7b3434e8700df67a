#!/usr/bin/python3
"""update_forwarding.py: nsupdate and knsupdate send changes to our secondary, which passes them on (RFC 2136 section 6) to our
primary, to knot and to bind, or to another secondary of ours: unsigned, with a key that it knows, and with one that only the primary
knows; by UDP (unsigned: with a server cookie, which dnspython sends) and TCP; from who may and who may not; while primaries are
down or silent."""
import concurrent.futures
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "update_forwarding")
SAMARA = os.environ.get("SAMARA", servers.SAMARA)
SECRET = "c2FtYXJhLWV4YW1wbGUtc2VjcmV0LW5vdC1hLXNlY3I="
WRONG = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
ZONE = "fwd.test"
MAY, MAY_NOT = "127.0.0.2", "127.0.0.3"  # of an address: have updates passed on
COOKIE, CLIENT_COOKIE = 10, b"1interop"  # RFC 7873
# How long a secondary tries (secondary/forward_updates.h), and what a busy machine may add.
LIMIT, SLACK = 10, 3
ZONE_TEXT = """$TTL 300
@ SOA ns hostmaster 10 7200 900 1209600 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
"""
PRIMARY = """role: primary
listen: ["127.0.0.1:{port}"]
zones:
  fwd.test: {{file: fwd.test.zone}}
keys:
  both: {{secret: "{secret}"}}
  far: {{secret: "{secret}"}}
acl:
  transfer: [any]
  update: [127.0.0.1, {{key: both}}, {{key: far}}]
notify: [{notify}]
"""
SECONDARY = """role: secondary
listen: ["127.0.0.1:{port}"]
workers: 2
zones:
  fwd.test: {{primaries: [{primaries}]}}
keys:
  both: {{secret: "{secret}"}}
acl:
  transfer: [any]
  notify: [127.0.0.0/8]
  update: [{update}{{key: both}}]
forward-updates: true
notify: [{notify}]
"""
KNOT = """key:
  - id: both
    algorithm: hmac-sha256
    secret: {secret}
  - id: far
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: secondary
    address: 127.0.0.1@{peer}
acl:
  - id: out
    address: 127.0.0.0/8
    action: [transfer, update]
  - id: signed
    key: [both, far]
    action: update
"""
KNOT_ZONE = """    notify: secondary
    acl: [out, signed]
    journal-content: changes
    zonefile-load: difference
"""
BIND = """key "both" {{ algorithm hmac-sha256; secret "{secret}"; }};
key "far" {{ algorithm hmac-sha256; secret "{secret}"; }};
"""
BIND_ZONE = """type primary; check-integrity no; allow-transfer {{ any; }}; allow-update {{ 127.0.0.1; key "both"; key "far"; }};
  notify explicit; notify-delay 0; also-notify {{ 127.0.0.1 port {peer}; }};"""


class Ours:
    """`samara run` of a manifest."""

    def __init__(self, name, port, manifest, folder):
        self.port = port
        self.log_path = os.path.join(folder, name + ".log")
        path = os.path.join(folder, name + ".yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write(manifest)
        with open(os.path.join(folder, "fwd.test.zone"), "w", encoding="ascii") as file:
            file.write(ZONE_TEXT)
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([SAMARA, "run", path], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while servers.ask_udp(port, servers.query("nothing.test"), 0.1) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not answer: {self.text()[-500:]}")
            time.sleep(0.02)

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


def primary_of(folder, port, *peers):
    notify = ", ".join(f'"127.0.0.1:{peer}"' for peer in peers)
    return Ours("primary", port, PRIMARY.format(port=port, secret=SECRET, notify=notify), folder)


def secondary_of(folder, port, primaries, update=MAY, name="secondary", notify=()):
    values = {"port": port, "secret": SECRET, "update": update + ", " if update else "",
              "primaries": ", ".join(f'"127.0.0.1:{primary}"' for primary in primaries),
              "notify": ", ".join(f'"127.0.0.1:{peer}"' for peer in notify)}
    return Ours(name, port, SECONDARY.format(**values), folder)


def addresses(port, name):
    answer = dns.query.udp(dns.message.make_query(f"{name}.{ZONE}", "A"), "127.0.0.1", port=port, timeout=5)
    return sorted(str(rdata) for rrset in answer.answer for rdata in rrset)


def serial(port):
    answer = servers.ask_udp(port, servers.query(ZONE))
    return int.from_bytes(answer[-20:-16], "big") if answer and answer[7] else None


def awaited(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def send(port, text, key=None, secret=SECRET, tcp=False, by=MAY, command="nsupdate"):
    """What the command makes of it: "" when the update was made; and how long that took."""
    words = [command, *(["-y", f"hmac-sha256:{key}:{secret}"] if key else []), *(["-v"] if tcp else [])]
    script = f"server 127.0.0.1 {port}\nlocal {by}\nzone {ZONE}.\n{text}\nsend\n"
    begin = time.monotonic()
    done = subprocess.run(words, input=script, capture_output=True, text=True, timeout=60, check=False)
    output = (done.stdout + done.stderr).strip()
    return output or ("" if done.returncode == 0 else f"exit code {done.returncode}"), time.monotonic() - begin


def update_of(name, address, key=None, port=None):
    """One that adds the address: signed with the key, if any, and with the cookie that who may has of the server at the port."""
    update = dns.update.UpdateMessage(ZONE + ".")
    update.add(name, 60, "A", address)
    if key is not None:
        update.use_tsig(dns.tsigkeyring.from_text({key + ".": SECRET}))
    if port is not None:
        with_cookie(update, server_cookie(port))
    return update


def with_cookie(message, cookie):
    message.use_edns(0, payload=1232, options=[dns.edns.GenericOption(COOKIE, cookie)])
    return message


def cookie_in(answer):
    return b"".join(option.to_wire() for option in answer.options if option.otype == COOKIE)


def server_cookie(port):
    question = with_cookie(dns.message.make_query(ZONE, "SOA"), CLIENT_COOKIE)
    return cookie_in(dns.query.udp(question, "127.0.0.1", port=port, source=MAY, timeout=5))


def rcode_of(message, port, by=dns.query.udp, source=MAY):
    return dns.rcode.to_text(by(message, "127.0.0.1", port=port, source=source, timeout=20).rcode())


def all_ways(check, label, secondary, primary_port):
    """Who may, by every way, and what a primary says no to."""
    name = f"{label}, unsigned, UDP with a cookie"  # which nsupdate does not send
    said = rcode_of(update_of("n1", "192.0.2.1", port=secondary.port), secondary.port)
    check(said == "NOERROR", name, said + secondary.text()[-500:])
    check(addresses(primary_port, "n1") == ["192.0.2.1"], f"{name}: the primary has it when it is answered")
    update = update_of("www", "192.0.2.2", port=secondary.port)
    update.absent("www")
    said = rcode_of(update, secondary.port)
    check(said == "YXDOMAIN", f"{name}: a prerequisite that does not hold", said)
    name = f"{label}, far, UDP with a cookie"
    said = rcode_of(update_of("n2", "192.0.2.2", "far", secondary.port), secondary.port)
    check(said == "NOERROR" and addresses(primary_port, "n2") == ["192.0.2.2"], name, said + secondary.text()[-500:])
    ways = (("both", False), (None, True), ("both", True), ("far", True))
    for number, (key, tcp) in enumerate(ways, 3):
        name = f"{label}, {key or 'unsigned'}, {'TCP' if tcp else 'UDP'}"
        # Who has the key that the secondary knows may send from anywhere.
        output, _ = send(secondary.port, f"update add n{number}.{ZONE}. 60 A 192.0.2.{number}", key, tcp=tcp,
                         by=MAY_NOT if key == "both" else MAY)
        check(output == "", name, output or secondary.text()[-500:])
        check(addresses(primary_port, f"n{number}") == [f"192.0.2.{number}"], f"{name}: the primary has it when it is answered")
        output, _ = send(secondary.port, f"prereq nxdomain www.{ZONE}.\nupdate delete www.{ZONE}.", key, tcp=tcp)
        check("YXDOMAIN" in output, f"{name}: a prerequisite that does not hold", output)
    output, _ = send(secondary.port, f"update add k.{ZONE}. 60 A 192.0.2.50", "far", tcp=True, command="knsupdate")
    check(output == "" and addresses(primary_port, "k") == ["192.0.2.50"], f"{label}: knsupdate", output)
    check(awaited(lambda: addresses(secondary.port, "k") == ["192.0.2.50"]), f"{label}: the secondary follows", secondary.text()[-500:])
    check(serial(secondary.port) == serial(primary_port), f"{label}: to the same serial")
    output, _ = send(secondary.port, f"update delete www.{ZONE}.", "far", WRONG, tcp=True)
    check("BADSIG" in output or "tsig verify failure" in output, f"{label}: the primary finds a wrong secret", output)
    output, _ = send(secondary.port, "update add x.elsewhere.test. 60 A 192.0.2.1", tcp=True)
    check("NOTZONE" in output, f"{label}: the primary's own no comes back", output)
    check(addresses(primary_port, "www") == ["192.0.2.80"], f"{label}: and nothing was changed")
    check(re.search(rf"zone {ZONE}\.: update of 127\.0\.0\.2 passed on to 127\.0\.0\.1:{primary_port}: NOERROR after \d+ ms",
                    secondary.text()) is not None, f"{label}: the log says so", secondary.text()[-500:])


def refusals(check, secondary, primary_port):
    for tcp in (False, True):
        way = "TCP" if tcp else "UDP"
        output, _ = send(secondary.port, f"update delete www.{ZONE}.", tcp=tcp, by=MAY_NOT)
        check("REFUSED" in output, f"who may not is refused, {way}", output)
        output, _ = send(secondary.port, f"update delete www.{ZONE}.", "far", tcp=tcp, by=MAY_NOT)
        check("BADKEY" in output or "NOTAUTH" in output, f"who may not and has a key unknown here, {way}", output)
        output, _ = send(secondary.port, f"update delete www.{ZONE}.", "both", WRONG, tcp=tcp)
        check("BADSIG" in output or "tsig verify failure" in output, f"a key known here with a wrong secret, {way}", output)
    update = dns.update.UpdateMessage("other.test.")
    update.add("x", 60, "A", "192.0.2.1")
    answer = dns.query.udp(update, "127.0.0.1", port=secondary.port, source=MAY, timeout=5)
    check(answer.rcode() == dns.rcode.NOTAUTH, "a zone that is not followed", dns.rcode.to_text(answer.rcode()))
    check(addresses(primary_port, "www") == ["192.0.2.80"], "and nothing was changed")


def by_address_alone(check, secondary, primary_port):
    """A datagram with the address of who may, which anybody can send, is not passed on but asked to come by TCP."""
    def passed_on():
        return secondary.text().count(f"passed on to 127.0.0.1:{primary_port}")

    before, lines = serial(primary_port), passed_on()
    update = update_of("shown", "192.0.2.3")
    for source, to_tcp in ((MAY, True), (MAY_NOT, False)):
        answer = dns.query.udp(update, "127.0.0.1", port=secondary.port, source=source, timeout=5)
        check(answer.rcode() == dns.rcode.REFUSED and bool(answer.flags & dns.flags.TC) == to_tcp,
              f"unsigned, UDP, {source}: REFUSED with{'' if to_tcp else 'out'} TC", str(answer))
    output, _ = send(secondary.port, f"update add shown.{ZONE}. 60 A 192.0.2.3")
    check("REFUSED" in output, "unsigned, UDP, by nsupdate: REFUSED", output)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.bind((MAY, 0))
        client.sendto(update_of("shown", "192.0.2.3", "far").to_wire(), ("127.0.0.1", secondary.port))
        answer = client.recv(4096)
    check(answer[2] & 2 and answer[3] & 15 == dns.rcode.REFUSED, "signed with a key that shows nothing here: REFUSED with TC", answer.hex())
    for cookie in (CLIENT_COOKIE, CLIENT_COOKIE + bytes(16)):
        with_cookie(update, cookie)
        answer = dns.query.udp(update, "127.0.0.1", port=secondary.port, source=MAY, timeout=5)
        check(answer.rcode() == dns.rcode.BADCOOKIE and len(cookie_in(answer)) == 24, f"a cookie of {len(cookie)} octets: BADCOOKIE",
              str(answer))
    with_cookie(update, cookie_in(answer))
    said = rcode_of(update, secondary.port, source=MAY_NOT)
    check(said == "REFUSED", "who may not, with somebody else's cookie", said)
    # Had any of them been passed on it would have been before these two.
    said = rcode_of(update, secondary.port)
    check(said == "NOERROR", "the cookie that came with BADCOOKIE is good", said)
    said = rcode_of(update_of("shown", "192.0.2.4"), secondary.port, dns.query.tcp)
    check(said == "NOERROR", "unsigned, TCP", said)
    check(awaited(lambda: passed_on() >= lines + 2) and passed_on() == lines + 2 and serial(primary_port) == before + 2,
          "the others were not passed on", secondary.text()[-800:])


def retransmission(check, secondary, primary_port):
    """A datagram that comes twice is passed on once, and answered twice, each time with its id and, if signed, a signature."""
    for number, key in enumerate((None, "both", "far")):
        label = key or "unsigned, with a cookie"
        before = serial(primary_port)
        update = update_of(f"twice{number}", "192.0.2.2", key, secondary.port)
        update.absent(f"twice{number}")
        wire = update.to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.bind((MAY, 0))
            client.connect(("127.0.0.1", secondary.port))
            answers = []
            for _ in range(2):
                client.send(wire)
                answers.append(client.recv(4096))
        check([answer[3] & 15 for answer in answers] == [0, 0], f"a retransmission has the same answer, {label}", str(answers))
        check(all(answer[:2] == wire[:2] for answer in answers), f"with the requester's id, {label}")
        # A signature that is wrong is an exception here.
        signed = [dns.message.from_wire(answer, update.keyring, update.mac).had_tsig for answer in answers]
        check(signed == [key is not None] * 2, f"and signed if it was, {label}", str(signed))
        check(serial(primary_port) == before + 1, f"and was passed on once, {label}")


def with_ours(check):
    folder = os.path.join(OUT, "ours")
    os.makedirs(folder)
    first, second = servers.free_port(), servers.free_port()
    primary = primary_of(folder, first, second)
    secondary = secondary_of(folder, second, [first])
    try:
        check(awaited(lambda: serial(second) == 10), "the zone is there", secondary.text()[-500:])
        all_ways(check, "ours", secondary, first)
        refusals(check, secondary, first)
        by_address_alone(check, secondary, first)
        retransmission(check, secondary, first)
        primary.stop()
        # By UDP with the key that the secondary knows: it can sign an answer of its own.
        for key, way, by in (("both", "UDP", dns.query.udp), (None, "TCP", dns.query.tcp)):
            output, took = send(second, f"update add late.{ZONE}. 60 A 192.0.2.1", key, tcp=way == "TCP")
            check("SERVFAIL" in output and took < 1 + SLACK, f"a primary that is down: SERVFAIL, {way}", f"{took:.1f} s: {output}")
            update = update_of("late", "192.0.2.1", key)
            update.use_edns(0)
            answer = by(update, "127.0.0.1", port=second, source=MAY, timeout=5)
            said = [option for option in answer.options if option.otype == dns.edns.EDE]
            check(said and said[0].code == 22 and "no primary could be reached" in said[0].text,
                  f"and the extended error says why, {way}", str(answer.options))
    finally:
        primary.stop()
        secondary.stop()


def with_silent(check):
    """A primary that takes the connection and says nothing: its processes are stopped."""
    folder = os.path.join(OUT, "silent")
    os.makedirs(folder)
    second = servers.free_port()
    primary = servers.Server("bind", [(ZONE, zone_file(folder))], folder, conf=BIND.format(secret=SECRET),
                             zone_conf=BIND_ZONE.format(peer=second))
    secondary = secondary_of(folder, second, [primary.port])
    try:
        check(awaited(lambda: serial(second) == 10), "silent: the zone is there", secondary.text()[-500:])
        primary.process.send_signal(signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            ways = {way: pool.submit(send, second, f"update add late.{ZONE}. 60 A 192.0.2.1", key, tcp=way == "TCP")
                    for way, key in (("UDP", "both"), ("TCP", None))}
        for way, waited in ways.items():
            output, took = waited.result()
            check("SERVFAIL" in output and took < LIMIT + SLACK, f"a primary that is silent: SERVFAIL, {way}", f"{took:.1f} s: {output}")
        lines = re.findall("not passed on: no primary answered", secondary.text())
        check(len(lines) == 2, "silent: nsupdate's repetitions were passed on once", secondary.text()[-800:])
    finally:
        primary.process.send_signal(signal.SIGCONT)
        primary.stop()
        secondary.stop()


def with_chain(check):
    """The last asks the middle one, and the first when that is gone."""
    folder = os.path.join(OUT, "chain")
    os.makedirs(folder)
    ports = [servers.free_port() for _ in range(3)]
    first = primary_of(folder, ports[0], ports[1])
    middle = secondary_of(folder, ports[1], [ports[0]], "127.0.0.1", "middle", [ports[2]])
    last = secondary_of(folder, ports[2], [ports[1], ports[0]], name="last")
    try:
        check(awaited(lambda: serial(ports[2]) == 10), "chain: the zone is there", last.text()[-500:])
        for i, key in enumerate((None, "both", "far")):
            output, _ = send(ports[2], f"update add c{i}.{ZONE}. 60 A 192.0.2.1{i}", key, tcp=key != "both")
            check(output == "" and addresses(ports[0], f"c{i}") == [f"192.0.2.1{i}"], f"chain: {key or 'unsigned'}", output)
        check("passed on to" in middle.text(), "chain: through the middle", middle.text()[-500:])
        check(awaited(lambda: addresses(ports[2], "c2") == ["192.0.2.12"]), "chain: the last one follows", last.text()[-500:])
        middle.stop()
        for key, way in (("both", "UDP"), (None, "TCP")):
            output, took = send(ports[2], f"update add d-{way}.{ZONE}. 60 A 192.0.2.20", key, tcp=way == "TCP")
            check(output == "" and took < SLACK, f"chain: past one that is down, {way}", f"{took:.1f} s: {output}")
            check(addresses(ports[0], f"d-{way}") == ["192.0.2.20"], f"chain: to the first, {way}", last.text()[-500:])
    finally:
        for server in (first, middle, last):
            server.stop()


def zone_file(folder):
    path = os.path.join(folder, "zone")
    with open(path, "w", encoding="ascii") as file:
        file.write(ZONE_TEXT)
    return path


def with_other(check, kind):
    folder = os.path.join(OUT, kind)
    os.makedirs(folder)
    second = servers.free_port()
    conf, zone_conf = {"knot": (KNOT, KNOT_ZONE), "bind": (BIND, BIND_ZONE)}[kind]
    with servers.Server(kind, [(ZONE, zone_file(folder))], folder, conf=conf.format(secret=SECRET, peer=second),
                        zone_conf=zone_conf.format(peer=second)) as primary:
        secondary = secondary_of(folder, second, [primary.port])
        try:
            check(awaited(lambda: serial(second) == 10), f"{kind}: the zone is there", secondary.text()[-500:])
            all_ways(check, kind, secondary, primary.port)
        finally:
            secondary.stop()


def main():
    results = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        steps = [pool.submit(with_silent, results.check), pool.submit(with_ours, results.check),
                 pool.submit(with_chain, results.check), pool.submit(with_other, results.check, "knot"),
                 pool.submit(with_other, results.check, "bind")]
    for step in steps:
        step.result()
    results.finish()


if __name__ == "__main__":
    main()
