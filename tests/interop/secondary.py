#!/usr/bin/python3
"""secondary.py: our secondary behind our primary, nsd, knot and bind: it starts first, hears NOTIFY, takes AXFR and IXFR with TSIG, and
holds the same zones; it outlives its primary and its own restart; zones come and go, by its manifest and by a catalog."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "secondary")
SAMARA = os.environ.get("SAMARA", servers.SAMARA)
SECRET = "c2FtYXJhLWV4YW1wbGUtc2VjcmV0LW5vdC1hLXNlY3I="
KEY = "transfer.test"
ZONE = "follow.test"
SERVFAIL, REFUSED, NOTAUTH = 2, 5, 9
RECORDS = 300
# What a change may take from the primary that has it to the secondary that serves it. Twice that on a busy machine is no failure
# of the design; one second of REFRESH would be.
FOLLOWED_WITHIN = 1.0
ONE_LOOK = 1.1  # a secondary looks at most once a second when it is notified
KNOT = """key:
  - id: {key}
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: secondary
    address: 127.0.0.1@{peer}
    key: {key}
acl:
  - id: out
    key: {key}
    action: transfer
"""
KNOT_ZONE = """    notify: secondary
    acl: out
    journal-content: changes
    zonefile-load: difference
"""
NSD = """key:
  name: "{key}"
  algorithm: hmac-sha256
  secret: "{secret}"
"""
NSD_ZONE = """  notify: 127.0.0.1@{peer} {key}
  provide-xfr: 127.0.0.1 {key}
  store-ixfr: yes
  create-ixfr: yes
"""
BIND = """key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
"""
BIND_ZONE = """type primary; check-integrity no; allow-transfer {{ key "{key}"; }}; notify explicit; ixfr-from-differences yes;
  also-notify {{ 127.0.0.1 port {peer} key "{key}"; }};"""


def path(*names):
    return os.path.join(OUT, *names)


def write(name, text):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name + ".new"), "w", encoding="ascii") as file:
        file.write(text)
    os.replace(path(name + ".new"), path(name))


def zone_text(serial, more=""):
    hosts = "".join(f"h{i} A 192.0.2.{i % 250}\n" for i in range(RECORDS))
    return f"$TTL 300\n@ SOA ns hostmaster {serial} 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n{hosts}{more}"


def catalog_text(serial, members):
    lines = "".join(f"m{i}.zones 0 PTR {member}.\n" for i, member in enumerate(members))
    return (f"$TTL 0\n@ SOA invalid. invalid. {serial} 3600 600 2147483646 0\n@ NS invalid.\nversion TXT \"2\"\n{lines}")


class Samara:
    """`samara run` of a manifest."""

    def __init__(self, name, port, manifest):
        self.name, self.port = name, port
        self.configure(manifest)
        self.log_path = path(name + ".log")
        self.start()

    def configure(self, manifest):
        write(self.name + ".yaml", manifest)

    def start(self):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([SAMARA, "run", path(self.name + ".yaml")], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while servers.ask_udp(self.port, servers.query("nothing.test"), 0.1) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not answer: {self.text()[-500:]}")
            time.sleep(0.01)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def rcode(port, zone, opcode=0):
    answer = servers.ask_udp(port, servers.query(zone, flags=opcode << 11))
    return answer[3] & 15 if answer else None


def serial(port, zone):
    """The SOA's serial, or None."""
    text = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), zone, "SOA", "+short", "+tries=1", "+time=1"], capture_output=True,
                          text=True, check=False, timeout=10).stdout.split()
    return int(text[2]) if len(text) > 2 else None


def wait_for(what, wanted, seconds):
    """How long until what() is `wanted`; None: not within `seconds`."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if what() == wanted:
            return time.monotonic() - begin
        time.sleep(0.01)
    return None


def fetched(port, zone, name):
    """A zone by AXFR, as a file."""
    text = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), zone, "AXFR", "+noall", "+answer", "+onesoa", "-y",
                           f"hmac-sha256:{KEY}:{SECRET}"], capture_output=True, text=True, check=False, timeout=30).stdout
    write(name, "\n".join(line for line in text.splitlines() if line and not line.startswith(";")) + "\n")
    return path(name)


def same_zone(result, name, zone, first, second):
    ours = fetched(first, zone, f"{zone}.first")
    theirs = fetched(second, zone, f"{zone}.second")
    if os.path.getsize(theirs) < 100:
        return result.check(False, name, "nothing was transferred")
    diff = subprocess.run([SAMARA, "zone", "diff", "--zone", zone, ours, theirs], capture_output=True, text=True, check=False,
                          timeout=30)
    result.check(diff.returncode == 0 and not diff.stdout.strip(), name, (diff.stdout + diff.stderr)[:300])
    ldns = subprocess.run(["ldns-compare-zones", "-Z", ours, theirs], capture_output=True, text=True, check=False, timeout=30)
    return result.check(re.search(r"\+0\s+-0\s+~0", ldns.stdout) is not None, name + ", in the eyes of ldns", ldns.stdout[-300:])


def secondary_manifest(port, primary, zones=(), catalog=None, storage="secondary.store", workers=1, extra=""):
    lines = ["role: secondary", f'listen: ["127.0.0.1:{port}"]', f"workers: {workers}",
             "keys:", f"  {KEY}: {{algorithm: hmac-sha256, secret: {SECRET}}}",
             "primaries:", f'  main: [{{address: "127.0.0.1:{primary}", key: {KEY}}}]']
    if zones:
        lines += ["zones:"] + [f"  {zone}: {{primaries: main}}" for zone in zones]
    if catalog:
        lines += ["catalogs:", f"  {catalog}: {{primaries: main}}"]
    lines += ["acl:", f"  transfer: [{{key: {KEY}}}]", f"  notify: [{{key: {KEY}}}]"]
    if storage:
        lines += [f"storage: {{file: {storage}, size: 4MiB}}"]
    return "\n".join(lines) + "\n" + extra


def primary_manifest(port, secondary, zones):
    lines = ["role: primary", f'listen: ["127.0.0.1:{port}"]', "zones:"] + [f"  {zone}: {{file: {zone}.zone}}" for zone in zones]
    lines += ["keys:", f"  {KEY}: {{algorithm: hmac-sha256, secret: {SECRET}}}",
              "acl:", f"  transfer: [{{key: {KEY}}}]", f"  update: [{{key: {KEY}}}]",
              f'notify: [{{address: "127.0.0.1:{secondary}", key: {KEY}}}]']
    return "\n".join(lines) + "\n"


def nsupdate(port, zone, *lines):
    text = "\n".join([f"server 127.0.0.1 {port}", f"zone {zone}", *lines, "send", ""])
    return subprocess.run(["nsupdate", "-y", f"hmac-sha256:{KEY}:{SECRET}"], input=text, capture_output=True, text=True, check=False,
                          timeout=20)


def with_our_primary(result):
    first, second = servers.free_port(), servers.free_port()
    zones = [ZONE, "other.test", "catalog.test"]
    write(ZONE + ".zone", zone_text(10))
    write("other.test.zone", zone_text(5))
    write("catalog.test.zone", catalog_text(1, ["other.test"]))
    secondary = Samara("secondary", second, secondary_manifest(second, first, [ZONE], "catalog.test"))
    primary = None
    try:
        result.check(rcode(second, ZONE) == SERVFAIL, "a zone that has not come yet is SERVFAIL", str(rcode(second, ZONE)))
        primary = Samara("primary", first, primary_manifest(first, second, zones))
        took = wait_for(lambda: serial(second, ZONE), 10, 15)
        result.check(took is not None, "started first, it has the zone when the primary comes", secondary.text()[-800:])
        same_zone(result, "AXFR from our primary", ZONE, first, second)
        result.check(wait_for(lambda: serial(second, "other.test"), 5, 5) is not None, "a catalog's member is served",
                     secondary.text()[-800:])

        write(ZONE + ".zone", zone_text(11, "new A 192.0.2.200\n"))
        primary.reload()
        wait_for(lambda: serial(first, ZONE), 11, 10)
        took = wait_for(lambda: serial(second, ZONE), 11, 5)
        result.check(took is not None and took < FOLLOWED_WITHIN, "a reload of the primary is followed within a second", str(took))
        same_zone(result, "after a reload", ZONE, first, second)

        time.sleep(ONE_LOOK)
        done = nsupdate(first, ZONE, "update add by-update.follow.test 60 A 192.0.2.99", "update delete h1.follow.test A")
        took = wait_for(lambda: serial(second, ZONE), 12, 5)
        result.check(done.returncode == 0 and took is not None and took < FOLLOWED_WITHIN,
                     "an update of the primary is followed within a second", f"{took} {done.stderr}")
        same_zone(result, "after an update", ZONE, first, second)
        result.check(f"zone {ZONE}.: serial 12 from 127.0.0.1:{first} by " in secondary.text(), "each change leaves a line",
                     secondary.text()[-800:])

        result.check(nsupdate(second, ZONE, "update add a.follow.test 60 A 192.0.2.9").returncode != 0, "an update of ours is refused")
        result.check(rcode(second, ZONE, 4) == REFUSED, "NOTIFY without the primary's key is refused", str(rcode(second, ZONE, 4)))
        result.check(rcode(second, "unknown.test", 4) == NOTAUTH, "NOTIFY for an unknown zone is NOTAUTH")

        write("catalog.test.zone", catalog_text(2, []))
        primary.reload()
        result.check(wait_for(lambda: rcode(second, "other.test"), REFUSED, 5) is not None, "a zone that left the catalog is gone",
                     secondary.text()[-800:])
        secondary.configure(secondary_manifest(second, first, [ZONE, "other.test"], "catalog.test"))
        secondary.reload()
        result.check(wait_for(lambda: serial(second, "other.test"), 5, 5) is not None, "a zone is added at run time",
                     secondary.text()[-800:])
        secondary.configure(secondary_manifest(second, first, [ZONE], "catalog.test"))
        secondary.reload()
        result.check(wait_for(lambda: rcode(second, "other.test"), REFUSED, 5) is not None, "a zone is removed at run time",
                     secondary.text()[-800:])

        before = fetched(second, ZONE, "before-restart")
        primary.stop()
        secondary.stop()
        secondary.start()
        result.check(serial(second, ZONE) == 12, "restarted without its primary it serves what it had", secondary.text()[-800:])
        with open(before, encoding="ascii") as one, open(fetched(second, ZONE, "after-restart"), encoding="ascii") as other:
            result.check(sorted(one) == sorted(other), "and all of it")
        write(ZONE + ".zone", zone_text(20))
        primary.start()
        result.check(wait_for(lambda: serial(second, ZONE), 20, 15) is not None, "the primary is back: followed",
                     secondary.text()[-800:])
    finally:
        result.check(secondary.stop() == 0, "the secondary ends with 0")
        if primary is not None and primary.process.poll() is None:
            primary.stop()


def with_chain(result):
    """A secondary of a secondary hears of a change from the first one."""
    ports = [servers.free_port() for _ in range(3)]
    write(ZONE + ".zone", zone_text(10))
    notify = f'notify: [{{address: "127.0.0.1:{ports[2]}", key: {KEY}}}]\n'
    members = []
    try:
        members.append(Samara("chain-primary", ports[0], primary_manifest(ports[0], ports[1], [ZONE])))
        members.append(Samara("chain-1", ports[1], secondary_manifest(ports[1], ports[0], [ZONE], storage=None, workers=2,
                                                                      extra=notify)))
        members.append(Samara("chain-2", ports[2], secondary_manifest(ports[2], ports[1], [ZONE], storage=None)))
        result.check(wait_for(lambda: serial(ports[2], ZONE), 10, 15) is not None, "a chain has the zone", members[2].text()[-800:])
        time.sleep(ONE_LOOK)
        nsupdate(ports[0], ZONE, "update add chained.follow.test 60 A 192.0.2.99")
        took = wait_for(lambda: serial(ports[2], ZONE), 11, 5)
        result.check(took is not None and took < 2 * FOLLOWED_WITHIN, "an update goes down a chain", str(took))
        same_zone(result, "at the end of a chain", ZONE, ports[0], ports[2])
    finally:
        for member in members:
            member.stop()


def with_others(result, kind):
    second = servers.free_port()
    conf = {"nsd": NSD, "knot": KNOT, "bind": BIND}[kind].format(key=KEY, secret=SECRET, peer=second)
    zone_conf = {"nsd": NSD_ZONE, "knot": KNOT_ZONE, "bind": BIND_ZONE}[kind].format(key=KEY, peer=second)
    name = f"{kind}.zone"
    write(name, zone_text(10))
    with servers.Server(kind, [(ZONE, path(name))], OUT, conf=conf, zone_conf=zone_conf) as primary:
        secondary = Samara(f"behind-{kind}", second, secondary_manifest(second, primary.port, [ZONE], storage=None))
        try:
            result.check(wait_for(lambda: serial(second, ZONE), 10, 10) is not None, f"AXFR from {kind}", secondary.text()[-800:])
            same_zone(result, f"{kind}'s zone", ZONE, primary.port, second)
            time.sleep(ONE_LOOK)
            write(name, zone_text(11, "new A 192.0.2.200\n"))
            primary.process.send_signal(signal.SIGHUP)
            wait_for(lambda: serial(primary.port, ZONE), 11, 10)
            # bind waits five seconds between a zone's NOTIFYs.
            took = wait_for(lambda: serial(second, ZONE), 11, 15)
            result.check(took is not None, f"NOTIFY from {kind} is followed", secondary.text()[-800:])
            same_zone(result, f"{kind}'s zone after a change", ZONE, primary.port, second)
            line = re.search(r"serial 11 from \S+ by (\w+): (\d+) records", secondary.text())
            result.check(line is not None and line[1] == "IXFR" and int(line[2]) < 20, f"IXFR from {kind}", str(line and line[0]))
        finally:
            secondary.stop()


def main():
    result = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    with_our_primary(result)
    with_chain(result)
    for kind in ("nsd", "knot", "bind"):
        with_others(result, kind)
    result.finish()


if __name__ == "__main__":
    main()
