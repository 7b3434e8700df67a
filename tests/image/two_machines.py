#!/usr/bin/python3
"""two_machines.py: a primary and a secondary, each a machine of its own (QEMU's microvm), on one bridge with this host. The secondary
learns of its zones by a catalog, follows updates, outlives its primary with the zones on its disk, and says what is wrong with a
disk that is not as it should be; and `samara run` brings such a pair up (docs/operating.md)."""
import collections
import hashlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import machines  # noqa: E402
import report  # noqa: E402
from machines import ROOT, Machine  # noqa: E402

SAMARA = os.environ.get("SAMARA", os.path.join(ROOT, "out", "samara"))
BRIDGE = "bridge0"
KEYS = {"transfer.test": "c2FtYXJhLXRyYW5zZmVyLXNlY3JldC1vZi10ZXN0cyE=", "update.test": "c2FtYXJhLXVwZGF0ZS1zZWNyZXQtb2YtdGVzdHMhISE="}
KEYRING = dns.tsigkeyring.from_text(KEYS)
CATALOG, CHANGING, LARGE = "catalog.test", "changing.test", "large.test"
ZONES = (CHANGING, LARGE)
NEEDLE = "needle"  # a name in the middle of the large zone
RECORDS = 2000
DISK = 4 << 20
UPDATES = 5
FOLLOWED_WITHIN = 1.0  # an update, from before it is sent until dig has it from the secondary
PATIENCE = 30          # for what has no such bound: emulated machines on a host with other work
ONE_LOOK = 1.1         # a secondary looks at most once a second when it is notified

Host = collections.namedtuple("Host", "role address tap mac")
PRIMARY = Host("primary", "10.0.2.15", "tap-primary", "52:54:00:00:53:01")
SECONDARY = Host("secondary", "10.0.2.16", "tap-secondary", "52:54:00:00:53:02")

STORAGE = f"storage: {{file: unused, size: {DISK}}}\n"
KEYS_SECTION = "keys:\n" + "".join(f"  {name}: {{secret: \"{secret}\"}}\n" for name, secret in KEYS.items())
SECTIONS = {
    PRIMARY: f"""zones: {{{CHANGING}: {{file: {CHANGING}.zone}}, {LARGE}: {{file: {LARGE}.zone}}}}
catalogs: {{{CATALOG}: {{members: all}}}}
acl: {{transfer: [{{key: transfer.test}}]}}
update-policy: [{{key: update.test, zones: [{CHANGING}], types: [A, TXT]}}]
notify: [{{address: "{SECONDARY.address}", key: transfer.test}}]
""",
    SECONDARY: f"""primaries: {{main: [{{address: "{PRIMARY.address}", key: transfer.test}}]}}
catalogs: {{{CATALOG}: {{primaries: main}}}}
acl: {{transfer: [{{key: transfer.test}}], notify: [{{key: transfer.test}}]}}
{STORAGE}"""}


def manifest(host, network="", more=""):
    network = network or f"addresses: [{host.address}/24]"
    return (f"role: {host.role}\nlisten: [\"{host.address}:53\"]\nnetwork: {{{network}, router-advertisements: false}}\n" +
            KEYS_SECTION + SECTIONS[host] + more)


def zone_text(serial, more=""):
    # REFRESH and RETRY beyond any patience: what is followed here is followed because of NOTIFY.
    return f"$TTL 300\n@ SOA ns hostmaster {serial} 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.10\n{more}"


class Lab:
    """The folder of a test, and what is in it."""

    def __init__(self, folder, result):
        self.folder, self.result = folder, result
        self.key_file = self.write("update.key", "keys: {update.test: {secret: \"" + KEYS["update.test"] + "\"}}\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.path(name)

    def write_zones(self, serial, records=RECORDS):
        self.write(f"{CHANGING}.zone", zone_text(serial))
        hosts = [f"h{i}" for i in range(records)]
        hosts[records // 2] = NEEDLE
        self.write(f"{LARGE}.zone", zone_text(serial, "".join(f"{host} A 192.0.2.{i % 250}\n" for i, host in enumerate(hosts))))

    def disk(self, name, size=DISK):
        with open(self.path(name), "wb") as file:
            file.truncate(size)
        return self.path(name)

    def machine(self, host, storage=None, network="", memory=32):
        keeps = STORAGE if host.role == "primary" and storage else ""  # a secondary always does
        written, blob = self.write(f"{host.role}.yaml", manifest(host, network, keeps)), self.path(f"{host.role}.dtb")
        subprocess.run([SAMARA, "config", "compile", written, "--output", blob], check=True)
        with open(blob, "rb") as file:
            octets = file.read()
        image = os.path.join(ROOT, "out", "images", f"samara-{host.role}-virtio-x86_64.elf")
        return Machine("microvm", image, blob=octets, memory=memory, storage=storage, tap=host.tap, mac=host.mac)

    def ready(self, host, machine, what):
        took = machine.wait_for(f"ready {host.address}:53", PATIENCE)
        return self.result.check(took is not None, f"{what}: the {host.role} is ready", machine.console[-600:])

    def power_off(self, host, machine, what):
        machine.type("power off\n")
        status = machine.status()
        self.result.check(status == 0, f"{what}: the {host.role} turns its power off", f"status {status}: {machine.console[-400:]}")


def ask(host, name, rr_type):
    """The response, or None."""
    try:
        return dns.query.udp(dns.message.make_query(name, rr_type), host.address, timeout=1.0)
    except (OSError, dns.exception.DNSException):
        return None


def serial(host, zone):
    """The SOA's serial in an authoritative answer, or None."""
    response = ask(host, zone, "SOA")
    if response is None or not response.answer or not response.flags & dns.flags.AA:
        return None
    return response.answer[0][0].serial


def dig(address, name, rr_type, *more):
    return subprocess.run(["dig", f"@{address}", name, rr_type, "+short", "+tries=1", "+time=1", *more], capture_output=True, text=True,
                          check=False).stdout.strip()


def wait_for(what, wanted, seconds=PATIENCE):
    """How long until what() is `wanted`; None: not within `seconds`."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if what() == wanted:
            return time.monotonic() - begin
        time.sleep(0.01)
    return None


def transferred(host, zone):
    """A zone by AXFR, each record in canonical form (RFC 4034 section 6)."""
    records = set()
    try:
        for message in dns.query.xfr(host.address, zone, lifetime=PATIENCE, relativize=False, keyring=KEYRING,
                                     keyname="transfer.test", keyalgorithm="hmac-sha256"):
            for rrset in message.answer:
                for rdata in rrset:
                    records.add((rrset.name.canonicalize().to_wire(), rrset.rdtype, rrset.ttl, rdata.to_digestable()))
    except (OSError, dns.exception.DNSException) as error:
        return repr(error)
    return records


def same_zones(lab, what, zones=(*ZONES, CATALOG)):
    for zone in zones:
        first, second = transferred(PRIMARY, zone), transferred(SECONDARY, zone)
        good = isinstance(first, set) and first == second and len(first) >= 4
        lab.result.check(good, f"{what}: {zone} is the same on both", f"{str(first)[:200]} and {str(second)[:200]}")


def has_zones(lab, what, wanted, secondary):
    for zone in ZONES:
        took = wait_for(lambda zone=zone: serial(SECONDARY, zone), wanted)
        lab.result.check(took is not None, f"{what}: the secondary has {zone} with serial {wanted}",
                         f"{serial(SECONDARY, zone)}: {read(secondary)[-800:]}")


def read(machine):
    machine.wait_for("\0", 0.2)  # nothing says so: all there is
    return machine.console


def samara_update(lab, zone, added, host=PRIMARY):
    return subprocess.run([SAMARA, "update", "--server", f"{host.address}:53", "--zone", zone, "--key", lab.key_file, "--add", added],
                          capture_output=True, text=True, check=False, timeout=PATIENCE)


def updates(lab, secondary):
    """Changes at the primary, and how soon dig has them from the secondary; serials from 2 on."""
    times = []
    for i in range(UPDATES):
        time.sleep(ONE_LOOK)
        name, text = f"new{i}.{CHANGING}", f"number {i}"
        begin = time.monotonic()
        if i % 2:
            done = subprocess.run(["nsupdate", "-y", f"hmac-sha256:update.test:{KEYS['update.test']}"], capture_output=True,
                                  text=True, check=False, timeout=PATIENCE,
                                  input=f"server {PRIMARY.address}\nzone {CHANGING}\nupdate add {name} 60 TXT \"{text}\"\nsend\n")
        else:
            done = samara_update(lab, CHANGING, f"{name} 60 TXT \"{text}\"")
        with_what = "nsupdate" if i % 2 else "samara update"
        lab.result.check(done.returncode == 0, f"{with_what} changes a zone of the primary", done.stdout + done.stderr)
        arrived = wait_for(lambda name=name: dig(SECONDARY.address, name, "TXT"), f'"{text}"')
        if lab.result.check(arrived is not None, f"an update by {with_what} comes to the secondary", read(secondary)[-800:]):
            times.append(time.monotonic() - begin)
    print("  seen at the secondary after " + ", ".join(f"{took:.3f}" for took in times) + " s")
    lab.result.check(times and min(times) < FOLLOWED_WITHIN, f"an update is followed within {FOLLOWED_WITHIN} s", str(times))
    line = rf"zone {CHANGING}\.: serial {1 + UPDATES} from {PRIMARY.address}:53 by IXFR: "
    lab.result.check(re.search(line, read(secondary)), "updates are transferred as differences", secondary.console[-800:])
    refused = samara_update(lab, LARGE, f"no.{LARGE} 60 TXT no")
    lab.result.check(refused.returncode == 65 and "REFUSED" in refused.stderr, "the update policy holds", refused.stderr)


def follows_and_outlives(lab):
    """Leaves a disk with what the secondary had at the end."""
    storage, last = lab.disk("secondary.disk"), 1 + UPDATES
    lab.write_zones(1)
    with lab.machine(SECONDARY, storage) as secondary:
        lab.ready(SECONDARY, secondary, "first start")
        answer = ask(SECONDARY, LARGE, "SOA")
        lab.result.check(answer is not None and answer.rcode() == dns.rcode.REFUSED, "a zone nobody told it of is refused", str(answer))
        with lab.machine(PRIMARY) as primary:
            lab.ready(PRIMARY, primary, "first start")
            took = wait_for(lambda: serial(SECONDARY, LARGE), 1)
            if took is not None:
                print(f"  zones by the catalog {took:.2f} s after the primary was ready")
            has_zones(lab, "by the catalog", 1, secondary)
            same_zones(lab, "by the catalog")
            updates(lab, secondary)
            same_zones(lab, "after updates")
            before = {zone: transferred(SECONDARY, zone) for zone in (*ZONES, CATALOG)}
            lab.power_off(PRIMARY, primary, "updated")
        lab.result.check(serial(SECONDARY, CHANGING) == last, "without its primary the secondary answers", secondary.console[-400:])
        lab.power_off(SECONDARY, secondary, "without its primary")

    with lab.machine(SECONDARY, storage) as secondary:
        lab.ready(SECONDARY, secondary, "without its primary")
        took = wait_for(lambda: serial(SECONDARY, CHANGING), last, 2)
        lab.result.check(took is not None, "started without its primary the secondary serves what it had", read(secondary)[-800:])
        lab.result.check("3 of 3 zones are served as they were kept" in read(secondary), "and says so", secondary.console[-800:])
        lab.result.check(dig(SECONDARY.address, f"new0.{CHANGING}", "TXT") == '"number 0"', "with the updates")
        for zone, records in before.items():
            lab.result.check(transferred(SECONDARY, zone) == records, f"{zone} is what it was, all of it")
        lab.write_zones(100)
        with lab.machine(PRIMARY) as primary:
            lab.ready(PRIMARY, primary, "with newer zones")
            begin = time.monotonic()
            has_zones(lab, "the primary is back", 100, secondary)
            print(f"  newer zones {time.monotonic() - begin:.2f} s after the primary was ready again")
            same_zones(lab, "the primary is back")
            lab.power_off(SECONDARY, secondary, "with newer zones")
            lab.power_off(PRIMARY, primary, "with newer zones")
    return storage


def primary_keeps_updates(lab):
    """A primary with a disk: what it confirmed is there when its machine was cut off, and its secondary goes on with differences."""
    storage, kept, later = lab.disk("primary.disk"), f"kept.{CHANGING}", f"later.{CHANGING}"
    with lab.machine(SECONDARY, lab.disk("beside.disk")) as secondary:
        lab.ready(SECONDARY, secondary, "a primary with a disk")
        with lab.machine(PRIMARY, storage) as primary:
            lab.ready(PRIMARY, primary, "with a disk")
            has_zones(lab, "a primary with a disk", 100, secondary)
            done = samara_update(lab, CHANGING, f"{kept} 60 TXT kept")
            lab.result.check(done.returncode == 0, "a primary with a disk takes an update", done.stdout + done.stderr)
            arrived = wait_for(lambda: serial(SECONDARY, CHANGING), 101)
            lab.result.check(arrived is not None, "its secondary has it", read(secondary)[-800:])
        # That was the end of QEMU, and no power off.
        with lab.machine(PRIMARY, storage) as primary:
            lab.ready(PRIMARY, primary, "cut off and started again")
            lab.result.check(dig(PRIMARY.address, kept, "TXT") == '"kept"' and serial(PRIMARY, CHANGING) == 101,
                             "a primary that was cut off has the update it confirmed", read(primary)[-800:])
            done = samara_update(lab, CHANGING, f"{later} 60 TXT later")
            arrived = wait_for(lambda: dig(SECONDARY.address, later, "TXT"), '"later"')
            lab.result.check(done.returncode == 0 and arrived is not None, "and its secondary follows it", read(secondary)[-800:])
            line = rf"zone {CHANGING}\.: serial 102 from {PRIMARY.address}:53 by IXFR: "
            lab.result.check(re.search(line, read(secondary)), "by differences", secondary.console[-800:])
            same_zones(lab, "a primary with a disk")
            lab.power_off(PRIMARY, primary, "with a disk")
        lab.power_off(SECONDARY, secondary, "a primary with a disk")


def one_disk_for_two(lab):
    """Two primaries on one disk that nobody locks: the second has it, the first says so and confirms no update any more."""
    path, own, others = lab.disk("shared.disk"), f"own.{CHANGING}", f"others.{CHANGING}"
    storage = f"{path},file.locking=off"
    lab.write_zones(200)
    twin = Host("primary", SECONDARY.address, SECONDARY.tap, SECONDARY.mac)
    SECTIONS[twin] = SECTIONS[PRIMARY]
    with lab.machine(PRIMARY, storage) as first:
        lab.ready(PRIMARY, first, "alone on a disk")
        done = samara_update(lab, CHANGING, f"{own} 60 TXT first")
        lab.result.check(done.returncode == 0, "alone on a disk, an update is confirmed", done.stdout + done.stderr)
        with lab.machine(twin, storage) as second:
            lab.ready(twin, second, "second on a disk")
            lab.result.check(dig(twin.address, own, "TXT") == '"first"', "the second has what the first confirmed", read(second)[-600:])
            refused = samara_update(lab, CHANGING, f"no.{CHANGING} 60 TXT no")
            lab.result.check(refused.returncode != 0 and "SERVFAIL" in refused.stderr, "the first confirms no update any more", refused.stderr)
            said = first.wait_for("another machine or process opened it after this one", 5)
            lab.result.check(said is not None, "and says why", first.console[-600:])
            lab.result.check(dig(PRIMARY.address, f"www.{CHANGING}", "A") == "192.0.2.10", "it serves on", first.console[-600:])
            done = samara_update(lab, CHANGING, f"{others} 60 TXT second", twin)
            lab.result.check(done.returncode == 0, "the second confirms one", done.stdout + done.stderr + read(second)[-600:])
    with lab.machine(PRIMARY, storage) as later:
        lab.ready(PRIMARY, later, "later")
        kept = dig(PRIMARY.address, own, "TXT"), dig(PRIMARY.address, others, "TXT"), dig(PRIMARY.address, f"no.{CHANGING}", "TXT")
        lab.result.check(kept == ('"first"', '"second"', ""), "what either confirmed is there, and nothing else", str(kept) + read(later)[-600:])
        lab.power_off(PRIMARY, later, "later")


def overwrite(path, offset, size):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(hashlib.shake_128(b"junk").digest(size))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def damaged_disks(lab, storage):
    """docs/storage.md, "What can happen to it"."""
    with open(storage, "rb") as file:
        octets = file.read()
    needle = bytes([len(NEEDLE)]) + NEEDLE.encode() + bytes([len("large")]) + b"large"
    places = [found.start() for found in re.finditer(re.escape(needle), octets)]
    lab.result.check(places, "the disk holds the large zone")
    with lab.machine(PRIMARY) as primary:
        lab.ready(PRIMARY, primary, "beside damaged disks")
        for place in places:
            overwrite(storage, place // 512 * 512, 1024)
        with lab.machine(SECONDARY, storage) as secondary:
            lab.ready(SECONDARY, secondary, "junk in the middle of the disk")
            has_zones(lab, "junk in the middle of the disk", 100, secondary)
            said = read(secondary)
            lab.result.check(re.search(rf"zone {LARGE}\.: damaged in the storage; it is transferred again", said) and
                             "2 of 3 zones are served as they were kept" in said and
                             re.search(rf"zone {LARGE}\.: serial 100 from \S+ by AXFR", said),
                             "junk in the middle of the disk costs one zone, which is transferred again", said[-1200:])
            same_zones(lab, "junk in the middle of the disk")
            lab.power_off(SECONDARY, secondary, "junk in the middle of the disk")
        with lab.machine(SECONDARY, storage) as secondary:
            said = lab.ready(SECONDARY, secondary, "after junk") and read(secondary)
            lab.result.check(said and "3 of 3 zones are served as they were kept" in said, "what was transferred again is kept",
                             secondary.console[-800:])
            lab.power_off(SECONDARY, secondary, "after junk")

        for half in (0, DISK // 2):
            overwrite(storage, half, 8192)
        before = digest(storage)
        refused_disk(lab, "a disk that holds something else", storage, "it holds something else than a store of zones")
        lab.result.check(digest(storage) == before, "a disk that holds something else is left as it is")
        refused_disk(lab, "a small disk", lab.disk("small.disk", 256 << 10), "it is too small for a store of zones (512 KiB at least)")
        lab.power_off(PRIMARY, primary, "beside damaged disks")


def refused_disk(lab, what, storage, line):
    """One that is not used; the zones are served nevertheless."""
    with lab.machine(SECONDARY, storage) as secondary:
        lab.ready(SECONDARY, secondary, what)
        has_zones(lab, what, 100, secondary)
        lab.result.check(f"storage: {line}" in read(secondary), f"{what} is named", secondary.console[-800:])
        lab.power_off(SECONDARY, secondary, what)


def no_disk(lab):
    for what, storage, line in (("no disk", None, "no block device: the configuration asks for storage"),
                                ("a disk of no size", lab.disk("empty.disk", 0), "the block device is empty; give it a size")):
        with lab.machine(SECONDARY, storage) as secondary:
            status = secondary.status(PATIENCE)
            lab.result.check(status is not None and machines.exit_code(status) == 69 and line in secondary.console,
                             f"{what} is named, with exit code 69", f"status {status}: {secondary.console[-400:]}")


def in_little_memory(lab):
    """Tables are made as large as memory allows; what comes later must have its place."""
    lab.write_zones(100)
    for memory in (10, 12, 16, 24, 48):
        what = f"in {memory} MiB"
        with lab.machine(PRIMARY, memory=memory) as primary, lab.machine(SECONDARY, lab.disk("little.disk"), memory=memory) as secondary:
            lab.ready(PRIMARY, primary, what)
            lab.ready(SECONDARY, secondary, what)
            has_zones(lab, what, 100, secondary)
            same_zones(lab, what)
            lab.power_off(SECONDARY, secondary, what)
            lab.power_off(PRIMARY, primary, what)


def too_large(lab):
    """A zone that the machine has no room for is refused with a line, and the machine serves its other zone and follows it."""
    lab.write_zones(100, 240_000)
    with lab.machine(PRIMARY, memory=256) as primary, lab.machine(SECONDARY, lab.disk("large.disk"), memory=24) as secondary:
        lab.ready(PRIMARY, primary, "a large zone")
        lab.ready(SECONDARY, secondary, "a large zone")
        said = secondary.wait_for(f"zone {LARGE}.: what was transferred cannot be served (there is no memory for it", PATIENCE)
        lab.result.check(said is not None and "give the machine more memory, or raise limits/zone-memory" in read(secondary),
                         "a zone that is too large for the secondary is refused, with what to do", read(secondary)[-800:])
        took = wait_for(lambda: serial(SECONDARY, CHANGING), 100)
        lab.result.check(took is not None, "its other zone is served", read(secondary)[-800:])
        done = samara_update(lab, CHANGING, f"beside.{CHANGING} 60 TXT beside")
        arrived = wait_for(lambda: dig(SECONDARY.address, f"beside.{CHANGING}", "TXT"), '"beside"')
        lab.result.check(done.returncode == 0 and arrived is not None, "and followed", read(secondary)[-800:])
        answer = ask(SECONDARY, LARGE, "SOA")
        lab.result.check(answer is not None and answer.rcode() == dns.rcode.SERVFAIL, "the large one is SERVFAIL", str(answer))
        lab.power_off(SECONDARY, secondary, "a large zone")
        lab.power_off(PRIMARY, primary, "a large zone")
    lab.write_zones(100)


def by_dhcp(lab):
    """A secondary whose address its DHCP server reserves for it."""
    server = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--no-ping", "--port=0", f"--interface={BRIDGE}", "--bind-interfaces",
                               "--dhcp-range=10.0.2.0,static,120", f"--dhcp-host={SECONDARY.mac},{SECONDARY.address}",
                               f"--dhcp-leasefile={lab.path('leases')}", "--conf-file=/dev/null", "--user=root",
                               f"--pid-file={lab.path('pid')}"], stderr=subprocess.DEVNULL)
    try:
        with lab.machine(PRIMARY) as primary, lab.machine(SECONDARY, lab.disk("dhcp.disk"), "dhcp: true") as secondary:
            lab.ready(PRIMARY, primary, "beside DHCP")
            lab.ready(SECONDARY, secondary, "by DHCP")
            has_zones(lab, "by DHCP", 100, secondary)
            lab.power_off(SECONDARY, secondary, "by DHCP")
            lab.power_off(PRIMARY, primary, "beside DHCP")
    finally:
        server.terminate()
        server.wait()


class Running:
    """`samara run` of a manifest, until it says that it is ready."""

    def __init__(self, manifest, network):
        self.process = subprocess.Popen([SAMARA, "run", manifest, "--target", "virtio", "--net", network, "--console"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.first_line = self.process.stdout.readline() if select.select([self.process.stdout], [], [], PATIENCE)[0] else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        """The exit code, and what it said."""
        self.process.send_signal(signal.SIGTERM)
        try:
            said = self.process.communicate(timeout=PATIENCE)[1]
        except subprocess.TimeoutExpired:
            return None, ""
        return self.process.returncode, said


def bridge_ports():
    lines = subprocess.run(["ip", "-brief", "link", "show", "master", BRIDGE], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in lines.splitlines()}


def by_command(lab):
    """The examples as docs/operating.md has them: zones/machines on a bridge, by a tap device that is there and by a port that is made;
    and zones behind QEMU's user network."""
    result = lab.result
    shutil.copytree(os.path.join(ROOT, "zones"), lab.path("zones"), ignore=shutil.ignore_patterns("*.store"))
    subprocess.run(["ip", "addr", "add", "10.53.0.254/24", "dev", BRIDGE], check=True)
    manifests = [lab.path(os.path.join("zones", "machines", f"{role}.yaml")) for role in ("primary", "secondary")]
    with Running(manifests[0], f"tap:{PRIMARY.tap}") as first, Running(manifests[1], f"bridge:{BRIDGE}") as second:
        result.check(len(bridge_ports()) == 3, "samara run makes a port of the bridge", str(bridge_ports()))
        runs_as_a_pair(lab, "on a bridge", (first, "10.53.0.1:53"), (second, "10.53.0.2:53"))
        gone = wait_for(bridge_ports, {PRIMARY.tap, SECONDARY.tap})
        result.check(gone is not None, "the port goes with its machine", str(bridge_ports()))
    with Running(lab.path("zones/primary.yaml"), "user") as first, Running(lab.path("zones/secondary.yaml"), "user") as second:
        runs_as_a_pair(lab, "on QEMU's network", (first, "127.0.0.1:5353"), (second, "127.0.0.1:5354"))
    for network, code, line in (("bridge:nowhere", 69, "there is no such interface"), ("bridge:lo", 69, "this interface is not a bridge"),
                                ("tap:nosuchtap", 69, "tap device nosuchtap: No such device (expected one that is there"),
                                ("bridge:", 64, "expected user, tap:DEVICE or bridge:NAME")):
        refused = subprocess.run([SAMARA, "run", manifests[0], "--net", network], capture_output=True, text=True, check=False,
                                 timeout=PATIENCE)
        result.check(refused.returncode == code and line in refused.stderr, f"--net {network} is refused",
                     f"{refused.returncode}: {refused.stderr}")


def runs_as_a_pair(lab, what, primary, secondary):
    """Both are (the running machine, its endpoint)."""
    result, endpoint = lab.result, primary[1]

    def dig_at(server, name, rr_type):
        address, port = server[1].split(":")
        return dig(address, name, rr_type, "-p", port)

    for role, server in (("primary", primary), ("secondary", secondary)):
        result.check(server[0].first_line == f"ready {server[1]}\n", f"{what}, the {role} is ready", server[0].first_line)
    with open(lab.path("zones/primary.yaml"), encoding="ascii") as file:
        key = lab.write("example.key", re.search(r"^keys:\n.*\n", file.read(), re.M)[0])
    expected = dig_at(primary, "www.example.com", "A")
    took = wait_for(lambda: dig_at(secondary, "www.example.com", "A"), expected)
    result.check(expected.startswith("192.0.2.") and took is not None, f"{what}, the secondary has the example zones", expected)
    time.sleep(ONE_LOOK)
    begin = time.monotonic()
    done = subprocess.run([SAMARA, "update", "--server", endpoint, "--zone", "example.com", "--key", key, "--add",
                           "hello.example.com 60 TXT hello"], capture_output=True, text=True, check=False, timeout=PATIENCE)
    arrived = wait_for(lambda: dig_at(secondary, "hello.example.com", "TXT"), '"hello"')
    result.check(done.returncode == 0 and arrived is not None, f"{what}, an update comes to the secondary", done.stderr)
    print(f"  samara run {what}: an update is seen at the secondary after {time.monotonic() - begin:.3f} s")
    for role, server in (("secondary", secondary), ("primary", primary)):
        code, said = server[0].stop()
        result.check(code == 0, f"{what}, the {role} stops when told to", f"exit code {code}: {said[-600:]}")


def main():
    machines.own_network((PRIMARY.tap, SECONDARY.tap), BRIDGE)
    result = report.Report()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(folder, result)
        storage = follows_and_outlives(lab)
        damaged_disks(lab, storage)
        no_disk(lab)
        primary_keeps_updates(lab)
        one_disk_for_two(lab)
        in_little_memory(lab)
        too_large(lab)
        by_dhcp(lab)
        by_command(lab)
    result.finish()


if __name__ == "__main__":
    main()
