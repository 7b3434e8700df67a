#!/usr/bin/python3
"""large_transfers.py: no transfer and no catalog ends a secondary. A machine of 64 MiB, the default, is sent whole zones, differences
and catalogs by a primary on this host that makes them up, larger and larger; it takes them or says that there is no memory, and
goes on following and serving its other zone."""
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import machines  # noqa: E402
import report  # noqa: E402
from machines import ROOT, Machine  # noqa: E402
from two_machines import BRIDGE, PATIENCE, SAMARA, SECONDARY, ask, read, serial, wait_for  # noqa: E402

MEMORY = 64
GOOD, LARGE, CATALOG = "good.", "large.", "catalog."
WHOLE = 252
IN_TIME = 4 * PATIENCE  # emulated, beside other work

MANIFEST = f"""role: secondary
listen: ["{SECONDARY.address}:53"]
network: {{addresses: [{SECONDARY.address}/24], router-advertisements: false}}
zones:
  {GOOD}: {{primaries: [{{address: "{machines.HOST_ADDRESS}:53"}}]}}
  {LARGE}: {{primaries: [{{address: "{machines.HOST_ADDRESS}:53"}}]}}
catalogs: {{{CATALOG}: {{primaries: [{{address: "{machines.HOST_ADDRESS}:53"}}]}}}}
refresh: {{refresh-min: 1s, retry-min: 1s}}
"""


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label) + b"\0"


def record(owner, rr_type, data):
    return owner + struct.pack("!HHIH", rr_type, 1, 300, len(data)) + data


def soa(number):
    """Its owner is the question's name."""
    return record(b"\xc0\x0c", 6, b"\0\0" + struct.pack("!IIIII", number, 2, 1, 3600, 60))


def whole(number, records):
    """An AXFR's records, a message of them at a time."""
    yield [soa(number), record(b"\xc0\x0c", 2, wire("ns.invalid"))]
    yield from records
    yield [soa(number)]


def addresses(count):
    return pieces(lambda i: record(b"\x07a%06d\xc0\x0c" % i, 1, b"\1\2\3\4"), count)


def pieces(make, count, at_once=1000):
    for first in range(0, count, at_once):
        yield [make(i) for i in range(first, min(first + at_once, count))]


def additions(number, before, count):
    yield [soa(number), soa(before), soa(number)]
    yield from addresses(count)
    yield [soa(number)]


def steps(number, before):
    yield [soa(number)]
    yield from ([soa(i), soa(i + 1)] for i in range(before, number))
    yield [soa(number)]


def members(number, count):
    version = [[record(wire("version." + CATALOG), 16, b"\x012")]]
    named = pieces(lambda i: record(b"\x07m%06d\5zones\xc0\x0c" % i, 12, wire(f"z{i:06}.example")), count)
    return whole(number, (piece for part in (version, named) for piece in part))


class Primary:
    """Answers for each zone with what is set: its serial, and what a transfer of it brings."""

    def __init__(self):
        self.serials = {GOOD: 1, LARGE: 1, CATALOG: 1}
        self.transfers = {}
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((machines.HOST_ADDRESS, 53))
        self.streams = socket.create_server((machines.HOST_ADDRESS, 53))
        for serve in (self.serve_datagrams, self.serve_streams):
            threading.Thread(target=serve, daemon=True).start()

    def set(self, zone, number, transfer=None):
        """`transfer(type)` gives messages' records; None: a zone of its SOA and NS."""
        self.transfers[zone] = transfer
        self.serials[zone] = number

    @staticmethod
    def question(message):
        at, labels = 12, []
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        return message[:2], ".".join(labels) + ".", message[12:at + 5], struct.unpack("!H", message[at + 1:at + 3])[0]

    @staticmethod
    def message(number, question, records):
        return number + struct.pack("!HHHHH", 0x8400, 1, len(records), 0, 0) + question + b"".join(records)

    def serve_datagrams(self):
        while True:
            packet, peer = self.datagrams.recvfrom(4096)
            number, zone, question, _ = self.question(packet)
            known = [soa(self.serials[zone])] if zone in self.serials else []
            self.datagrams.sendto(self.message(number, question, known), peer)

    def serve_streams(self):
        while True:
            threading.Thread(target=self.serve, args=(self.streams.accept()[0],), daemon=True).start()

    def serve(self, stream):
        try:
            with stream:
                size = struct.unpack("!H", stream.recv(2, socket.MSG_WAITALL))[0]
                number, zone, question, rr_type = self.question(stream.recv(size, socket.MSG_WAITALL))
                make = self.transfers.get(zone)
                for records in make(rr_type) if make else whole(self.serials.get(zone, 1), []):
                    message = self.message(number, question, records)
                    stream.sendall(struct.pack("!H", len(message)) + message)
        except (OSError, struct.error):
            pass  # the secondary has ended it


class Lab:
    def __init__(self, result, primary, secondary):
        self.result, self.primary, self.secondary = result, primary, secondary

    def good_follows(self, what):
        number = self.primary.serials[GOOD] + 1
        self.primary.set(GOOD, number)
        took = wait_for(lambda: serial(SECONDARY, GOOD), number, IN_TIME)
        self.result.check(took is not None, f"{what}: the other zone is followed", read(self.secondary)[-800:])
        self.result.check(self.secondary.process.poll() is None, f"{what}: the machine goes on", self.secondary.console[-800:])

    def small_again(self):
        """The large zone is its SOA and NS, as when the machine started."""
        number = self.primary.serials[LARGE] + 1
        self.primary.set(LARGE, number, lambda _: whole(number, []))
        wait_for(lambda: serial(SECONDARY, LARGE), number, IN_TIME)
        return number

    def takes(self, what, number, transfer):
        self.primary.set(LARGE, number, transfer)
        took = wait_for(lambda: serial(SECONDARY, LARGE), number, IN_TIME)
        self.result.check(took is not None, f"{what} is taken", read(self.secondary)[-800:])
        print(f"  {what}: " + (f"{took:.1f} s" if took is not None else "not in time"), flush=True)
        self.good_follows(what)

    def refuses(self, what, number, transfer):
        before, asked = serial(SECONDARY, LARGE), len(read(self.secondary))
        self.primary.set(LARGE, number, transfer)
        said = wait_for(lambda: "(there is no memory for it: " in read(self.secondary)[asked:], True, IN_TIME)
        self.result.check(said is not None, f"{what} is refused", self.secondary.console[-800:])
        self.result.check(serial(SECONDARY, LARGE) == before, f"{what}: the version before stays in service")
        self.good_follows(what)


def catalog(lab, count, number):
    lab.primary.set(CATALOG, number, lambda _: members(number, count))
    done = wait_for(lambda: re.search(rf"catalog {CATALOG}: serial {number} has {count} zones", read(lab.secondary)) is not None, True, IN_TIME)
    lab.result.check(done is not None, f"a catalog of {count} members is read", lab.secondary.console[-800:])
    left_out = re.search(rf"catalog {CATALOG}: (\d+) of its members are not followed: there is no memory", lab.secondary.console)
    lab.result.check(left_out is not None and 0 < int(left_out[1]) < count, f"of {count} members some are not followed, and a line says so",
                     lab.secondary.console[-800:])
    followed = ask(SECONDARY, "z000000.example", "SOA")
    lab.result.check(followed is not None and followed.rcode() in (0, 2), "the first member is followed", str(followed))
    lab.good_follows(f"a catalog of {count} members")


def main():
    machines.own_network((SECONDARY.tap,), BRIDGE)
    result = report.Report()
    with tempfile.TemporaryDirectory() as folder:
        manifest, blob = os.path.join(folder, "secondary.yaml"), os.path.join(folder, "secondary.dtb")
        with open(manifest, "w", encoding="ascii") as file:
            file.write(MANIFEST)
        subprocess.run([SAMARA, "config", "compile", manifest, "--output", blob], check=True)
        with open(blob, "rb") as file:
            octets = file.read()
        image = os.path.join(ROOT, "out", "images", "samara-secondary-virtio-x86_64.elf")
        primary = Primary()
        with Machine("microvm", image, blob=octets, memory=MEMORY, tap=SECONDARY.tap, mac=SECONDARY.mac) as secondary:
            lab = Lab(result, primary, secondary)
            result.check(secondary.wait_for(f"ready {SECONDARY.address}:53", PATIENCE) is not None, "it is ready", secondary.console[-600:])
            lab.good_follows("at first")
            start = lab.small_again()
            lab.takes("50,000 steps of SOA alone", start + 50_000,
                      lambda kind: whole(start + 50_000, []) if kind == WHOLE else steps(start + 50_000, start))
            start = lab.small_again()
            lab.takes("one step that adds 100,000 records", start + 1,
                      lambda kind: whole(start + 1, addresses(100_000)) if kind == WHOLE else additions(start + 1, start, 100_000))
            start = lab.small_again()
            lab.takes("a whole zone of 250,000 records", start + 1, lambda _: whole(start + 1, addresses(250_000)))
            lab.refuses("a whole zone of a million records", start + 2, lambda _: whole(start + 2, addresses(1_000_000)))
            start = start + 3
            lab.takes("a small zone again", start, lambda _: whole(start, []))
            catalog(lab, 30_000, 2)
            secondary.type("power off\n")
            status = secondary.status(PATIENCE)
            result.check(status == 0, "it turns its power off", f"status {status}: {secondary.console[-400:]}")
    result.finish()


if __name__ == "__main__":
    main()
