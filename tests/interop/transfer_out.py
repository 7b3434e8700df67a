#!/usr/bin/python3
"""transfer_out.py: zones transferred out of `samara run`: to dig, kdig and drill; to nsd, knot and bind as secondaries, which then
serve what we serve; with every TSIG algorithm and with wrong ones; to clients that stop, vanish, or are too many."""
import base64
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import time

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rrset
import dns.tsig

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import generate_zone  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "transfer-out")
SAMARA = os.environ.get("SAMARA", servers.SAMARA)
IMAGE = ["--image", os.environ["SAMARA_IMAGE"]] if "SAMARA_IMAGE" in os.environ else []
ALGORITHMS = ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
SECRET = base64.b64encode(bytes(range(1, 65))).decode()
SERIAL = 7
BIG = 100_000
HEAD = "$TTL 300\n@ SOA ns hostmaster {serial} 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
TRANSFERS = 20
IDLE_SECONDS = 2
AXFR, IXFR = 252, 251
SERVFAIL = 2


def run(*command, timeout=120):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace", timeout=timeout)
    return done.stdout + done.stderr


def path(name):
    return os.path.join(OUT, name)


def write_zones():
    zones = {"rich.test": "\n".join(generate_zone.generate("rich.test", 3000)) + "\n",
             "tiny.test": "$TTL 300\n@ SOA ns.other. hostmaster.other. 7 7200 900 1209600 300\n@ NS ns.other.\n",
             "broken.test": "$TTL 300\n@ NS nothing-else\n",
             "large-rrset.test": HEAD.format(serial=SERIAL) + "".join(f"all A 10.0.{i >> 8}.{i & 255}\n" for i in range(6000)) +
             "wide TYPE65280 \\# 60000 " + "ab" * 60000 + "\n",
             "big.test": HEAD.format(serial=SERIAL) + "".join(f"h{i} A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}\n" for i in range(BIG - 3))}
    for name, text in zones.items():
        with open(path(name + ".zone"), "w", encoding="utf-8") as file:
            file.write(text)
    return list(zones)


class Primary:
    """Ours: everybody who has a key may transfer, and 127.0.0.2 without one."""

    def __init__(self, zones):
        self.port = servers.free_port()
        manifest = ["role: primary", f"listen: [\"127.0.0.1:{self.port}\"]", "zones:"]
        manifest += [f"  {name}: {{file: {name}.zone}}" for name in zones]
        manifest += ["keys:"] + [f"  {name}: {{algorithm: {name}, secret: {SECRET}}}" for name in ALGORITHMS]
        manifest += ["acl:", "  transfer: [127.0.0.2, " + ", ".join(f"{{key: {name}}}" for name in ALGORITHMS) + "]"]
        manifest += ["limits:", "  tcp-clients: 1024", "  tcp-clients-per-prefix: 500", f"  tcp-idle: {IDLE_SECONDS}s",
                     f"  transfers: {TRANSFERS}", f"  transfers-per-prefix: {TRANSFERS}"]
        with open(path("primary.yaml"), "w", encoding="utf-8") as file:
            file.write("\n".join(manifest) + "\n")
        self.log = open(path("primary.log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen([SAMARA, "run", path("primary.yaml"), *IMAGE], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        while not servers.ask_udp(self.port, servers.query("big.test"), 0.1):
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(path("primary.log"), encoding="utf-8", errors="replace") as log:
                    raise RuntimeError("samara run: " + log.read()[-500:])
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.log.close()


def same(result, name, zone, dump):
    """Whether a transferred zone is the one of the file: by our own comparison and by that of ldns."""
    if not os.path.exists(dump) or not os.path.getsize(dump):
        return result.check(False, name, "nothing was transferred")
    ours = subprocess.run([SAMARA, "zone", "diff", "--zone", zone, path(zone + ".zone"), dump], capture_output=True, text=True,
                          check=False, timeout=120)
    ours_same = ours.returncode == 0 and not ours.stdout.strip()
    return result.check(ours_same, name, (ours.stdout + ours.stderr)[:300])


def save(zone, what, text):
    """The records of an AXFR in dig's words, without the SOA at the end."""
    lines = [line for line in text.splitlines() if line and not line.startswith(";")]
    soas = [i for i, line in enumerate(lines) if re.match(r"\S+\s+\d+\s+IN\s+SOA\s", line)]
    if len(soas) == 2 and soas[0] == 0 and soas[1] == len(lines) - 1 and lines[0] == lines[-1]:
        lines.pop()
    file = path(f"{zone}.{what}")
    with open(file, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    return file


def dig(port, *words, key=None, secret=SECRET, source=None):
    options = ["-y", f"{key}:{key}:{secret}"] if key else []
    options += ["-b", source] if source else []
    return run("dig", "@127.0.0.1", "-p", port, "+time=10", "+tries=1", "+nocookie", *options, *words)


def clients(result, primary, zones):
    for zone in zones:
        if zone != "broken.test":
            text = dig(primary.port, "AXFR", zone, "+noall", "+answer", source="127.0.0.2")
            same(result, f"dig AXFR {zone}", zone, save(zone, "dig", text))
    for algorithm in ALGORITHMS:
        text = dig(primary.port, "AXFR", "rich.test", "+noall", "+answer", key=algorithm)
        same(result, f"dig AXFR with {algorithm}", "rich.test", save("rich.test", algorithm, text))
        text = run("kdig", "@127.0.0.1", "-p", primary.port, "-y", f"{algorithm}:{algorithm}:{SECRET}", "rich.test", "AXFR", "+noall",
                   "+answer", "+noidn")
        same(result, f"kdig AXFR with {algorithm}", "rich.test", save("rich.test", "kdig-" + algorithm, text))
    # drill does not escape quotation marks in names, which rich.test has.
    text = run("drill", "-p", primary.port, "-y", f"hmac-sha256:{SECRET}:hmac-sha256", "AXFR", "large-rrset.test", "@127.0.0.1")
    same(result, "drill AXFR with hmac-sha256", "large-rrset.test", save("large-rrset.test", "drill", text))
    compared = run("ldns-compare-zones", "-Z", save("rich.test", "dig", dig(primary.port, "AXFR", "rich.test", "+noall", "+answer",
                                                                              source="127.0.0.2")),
                   save("rich.test", "again", dig(primary.port, "AXFR", "rich.test", "+noall", "+answer", key="hmac-sha512")))
    result.check(re.search(r"\+0\s+-0\s+~0", compared), "ldns-compare-zones finds no difference", compared[:200])


def increments(result, primary):
    one = dig(primary.port, f"IXFR={SERIAL}", "tiny.test", "+noall", "+answer", source="127.0.0.2").strip().splitlines()
    result.check(len(one) == 1 and "SOA" in one[0], "IXFR with the newest serial: the SOA alone", str(one))
    newer = dig(primary.port, f"IXFR={SERIAL + 1}", "tiny.test", "+noall", "+answer", source="127.0.0.2").strip().splitlines()
    result.check(len(newer) == 1, "IXFR with a newer serial: the SOA alone", str(newer))
    older = dig(primary.port, f"IXFR={SERIAL - 1}", "rich.test", "+noall", "+answer", key="hmac-sha256")
    same(result, "dig IXFR from a serial that is not kept: the zone", "rich.test", save("rich.test", "ixfr", older))
    older = run("kdig", "@127.0.0.1", "-p", primary.port, "-y", f"hmac-sha256:hmac-sha256:{SECRET}", "rich.test", f"IXFR={SERIAL - 1}",
                "+noall", "+answer", "+noidn")
    same(result, "kdig IXFR from a serial that is not kept: the zone", "rich.test", save("rich.test", "kdig-ixfr", older))
    for zone, fits in (("tiny.test", True), ("big.test", False)):
        query = dns.message.make_query(zone, "IXFR")
        soa = dns.rrset.from_text(zone + ".", 0, "IN", "SOA", f". . {SERIAL - 1} 0 0 0 0")
        query.authority.append(soa)
        answer = dns.query.udp(query, "127.0.0.1", port=primary.port, source="127.0.0.2", timeout=5)
        count = sum(len(rrset) for rrset in answer.answer)
        good = answer.rcode() == 0 and answer.answer[0].rdtype == 6 and (count > 1) == fits
        result.check(good, f"IXFR of {zone} by UDP: {'all of it' if fits else 'the SOA alone'}", str(answer)[:300])


def refusals(result, primary):
    for zone, status in (("rich.test", "REFUSED"), ("www.rich.test", "REFUSED"), ("foreign.test", "REFUSED")):
        text = dig(primary.port, "AXFR", zone)
        result.check("Transfer failed" in text, f"AXFR {zone} without a key fails", text[-300:])
        result.check(rcode_of(ask(primary, zone)) == dns.rcode.from_text(status), f"AXFR {zone} without a key: {status}")
    for zone, status in (("www.rich.test", "NOTAUTH"), ("foreign.test", "NOTAUTH"), (".", "NOTAUTH"), ("broken.test", "SERVFAIL")):
        found = rcode_of(ask(primary, zone, source="127.0.0.2"))
        result.check(found == dns.rcode.from_text(status), f"AXFR {zone}: {status}", str(found))
    plain = servers.ask_udp(primary.port, servers.query("foreign.test"))
    result.check(plain and plain[3] & 15 == dns.rcode.REFUSED, "a query for a foreign name: REFUSED")
    by_udp = servers.ask_udp(primary.port, servers.query("rich.test", AXFR), address="127.0.0.1")
    result.check(by_udp and by_udp[3] & 15 == dns.rcode.REFUSED, "AXFR by UDP without a key: REFUSED")

    def tried(key_name, secret, algorithm, shift=0):
        keyring = {dns.name.from_text(key_name): dns.tsig.Key(key_name, secret, algorithm)}
        query = dns.message.make_query("tiny.test", "AXFR")
        query.use_tsig(keyring, keyname=dns.name.from_text(key_name))
        now, real = time.time() + shift, time.time
        time.time = lambda: now
        try:
            wire = query.to_wire()
        finally:
            time.time = real
        answer = exchange(primary, wire)
        try:
            dns.message.from_wire(answer, keyring=keyring, request_mac=query.mac)
        except dns.exception.DNSException as error:
            return type(error).__name__, answer[3] & 15
        return "good", answer[3] & 15

    notauth = dns.rcode.NOTAUTH
    other = base64.b64encode(b"another secret, of good length").decode()
    for what, arguments, expected in (
            ("the right key", ("hmac-sha256", SECRET, "hmac-sha256"), ("good", 0)),
            ("an unknown key", ("nobody", SECRET, "hmac-sha256"), ("PeerBadKey", notauth)),
            ("another algorithm", ("hmac-sha256", SECRET, "hmac-sha512"), ("PeerBadKey", notauth)),
            ("a wrong secret", ("hmac-sha256", other, "hmac-sha256"), ("PeerBadSignature", notauth)),
            ("a clock 20 minutes behind", ("hmac-sha256", SECRET, "hmac-sha256", -1200), ("PeerBadTime", notauth)),
            ("a clock 20 minutes ahead", ("hmac-sha256", SECRET, "hmac-sha256", 1200), ("PeerBadTime", notauth))):
        found = tried(*arguments)
        result.check(found == expected, f"AXFR with {what}: {expected[0]}", str(found))


def connect(primary, source="127.0.0.2", receive_buffer=None):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(30)
    client.bind((source, 0))
    client.connect(("127.0.0.1", primary.port))
    return client


def framed(message):
    return struct.pack(">H", len(message)) + message


def exchange(primary, wire, source="127.0.0.1"):
    with connect(primary, source) as client:
        client.sendall(framed(wire))
        return servers.receive_message(client)


def ask(primary, zone, source="127.0.0.1"):
    return exchange(primary, servers.query("" if zone == "." else zone, AXFR), source)


def rcode_of(message):
    return message[3] & 15


def records_of(client):
    """Answer records until the second SOA's message has come."""
    total = 0
    while total < BIG + 1:
        total += struct.unpack(">H", servers.receive_message(client)[6:8])[0]
    return total


def hard_clients(result, primary):
    request = framed(servers.query("big.test", AXFR))
    with connect(primary) as client:
        client.sendall(request + framed(servers.query("tiny.test", 6, 2)) + framed(servers.query("tiny.test", AXFR, 3)))
        total = records_of(client)
        ids = [struct.unpack(">H", servers.receive_message(client)[:2])[0] for _ in range(2)]
        result.check(total == BIG + 1 and ids == [2, 3], "queries behind a transfer are answered after it", f"{total}, {ids}")
    for _ in range(40):
        with connect(primary) as client:
            client.sendall(request)
            servers.receive(client, 1000)
    result.check(rcode_of(ask(primary, "tiny.test", "127.0.0.2")) == 0, "40 connections cut in the middle of a transfer")

    stopped = connect(primary, receive_buffer=4096)
    stopped.sendall(request)
    servers.receive(stopped, 1000)
    open_clients = []
    for _ in range(100):
        client = connect(primary, receive_buffer=4096)
        client.sendall(request)
        open_clients.append(client)
    codes = [rcode_of(servers.receive_message(client)) for client in open_clients]
    result.check(codes.count(0) == TRANSFERS - 1 and codes.count(SERVFAIL) == 101 - TRANSFERS,
                 f"of 101 transfers at once {TRANSFERS} run, the others are put off", f"{codes.count(0)} and {codes.count(SERVFAIL)}")
    result.check(rcode_of(exchange(primary, servers.query("tiny.test"))) == 0, "queries by TCP are answered meanwhile")
    running = [client for client, code in zip(open_clients, codes) if code == 0]
    good = sum(records_of_rest(client) for client in running[:3])
    result.check(good == 3, "transfers that were let in come to their end", f"{good} of 3")
    watched = select.poll()
    watched.register(stopped, select.POLLRDHUP)  # reading would make it one that takes something
    watched.poll(1000 * (3 * IDLE_SECONDS + 10))
    try:
        while stopped.recv(1 << 20):
            pass
        ended = True
    except OSError as error:
        ended = isinstance(error, ConnectionResetError)
    result.check(ended, "a client that takes nothing is dropped")
    for client in [stopped, *open_clients]:
        client.close()
    with connect(primary) as client:
        client.sendall(request)
        result.check(records_of(client) == BIG + 1, "then there is room again")
    result.check(primary.process.poll() is None, "the server is alive")


def records_of_rest(client):
    """Whether a transfer whose first message was taken comes to its end: the last message has the SOA as its last record."""
    try:
        while True:
            message = servers.receive_message(client)
            if message[-20 - 2:][2:6] == struct.pack(">I", SERIAL):
                return 1
    except OSError:
        return 0


NSD = """key:
  name: "{key}"
  algorithm: {key}
  secret: "{secret}"
zone:
  name: "{zone}"
  zonefile: "{folder}/{zone}"
  request-xfr: AXFR 127.0.0.1@{primary} {key}
  provide-xfr: 127.0.0.0/8 NOKEY
"""
KNOT = """key:
  - id: {key}
    algorithm: {key}
    secret: {secret}
remote:
  - id: primary
    address: 127.0.0.1@{primary}
    key: {key}
acl:
  - id: all
    address: 127.0.0.0/8
    action: transfer
zone:
  - domain: {zone}
    master: primary
    acl: all
    storage: {folder}
    semantic-checks: off
"""
BIND = """key {key} {{ algorithm {key}; secret "{secret}"; }};
zone "{zone}" {{ type secondary; primaries {{ 127.0.0.1 port {primary} key {key}; }}; file "{folder}/{zone}";
 allow-transfer {{ any; }}; masterfile-format text; }};
"""


class Secondary(servers.Server):
    """A server of another make that has one zone from us."""

    def __init__(self, kind, zone, key, primary):
        self.addition = {"nsd": NSD, "knot": KNOT, "bind": BIND}[kind]
        self.values = {"zone": zone, "key": key, "primary": primary.port, "secret": SECRET}
        super().__init__(kind, [], os.path.join(OUT, "secondary"))
        deadline = time.monotonic() + 60
        while True:
            answer = servers.ask_udp(self.port, servers.query(zone), 0.2)
            if answer and answer[3] & 15 == 0 and answer[7] > 0:
                return
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                raise RuntimeError(f"{kind} has no {zone}: {self.tail()}")
            time.sleep(0.1)

    def _command(self):
        command = super()._command()
        with open(command[-1], encoding="utf-8") as file:
            conf = file.read()
        if self.kind == "knot":
            conf = conf.removesuffix("zone:\n")
        with open(command[-1], "w", encoding="utf-8") as file:
            file.write(conf + self.addition.format(**self.values, folder=self.folder))
        return command


def secondaries(result, primary):
    for kind, key in (("nsd", "hmac-sha256"), ("knot", "hmac-sha512"), ("bind", "hmac-sha384"), ("knot", "hmac-sha1"),
                      ("bind", "hmac-sha224")):
        for zone in ("rich.test", "big.test", "large-rrset.test"):
            if key in ("hmac-sha1", "hmac-sha224") and zone != "rich.test":
                continue
            try:
                with Secondary(kind, zone, key, primary) as secondary:
                    if zone == "large-rrset.test" and kind != "bind":
                        # They do not pass on what is larger than their messages, so the zone's presence has to do.
                        text = dig(secondary.port, "SOA", zone, "+short")
                        result.check(f" {SERIAL} 7200 " in text, f"{kind} has {zone} from us ({key})", text)
                        continue
                    text = dig(secondary.port, "AXFR", zone, "+noall", "+answer")
                    same(result, f"{kind} has {zone} from us ({key})", zone, save(zone, f"{kind}-{key}", text))
            except (RuntimeError, OSError) as error:
                result.check(False, f"{kind} has {zone} from us ({key})", str(error)[:600])


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    result = report.Report()
    zones = write_zones()
    primary = Primary(zones)
    try:
        clients(result, primary, zones)
        increments(result, primary)
        refusals(result, primary)
        secondaries(result, primary)
        hard_clients(result, primary)
    finally:
        code = primary.stop()
    result.check(code == 0, "the server ends well", f"exit {code}")
    result.finish()


if __name__ == "__main__":
    main()
