#!/usr/bin/python3
"""copies.py: two machines that were started from one snapshot have nothing in common that others must not foresee. A secondary asks
a primary that does not answer: its message ids and source ports, and the cookies it gives, are those of one machine alone, at once
where the hypervisor tells that it is a copy (vmgenid), otherwise as soon as the gap of the clock is seen."""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import machines  # noqa: E402
import report  # noqa: E402
from machines import GUEST_ADDRESS, HOST_ADDRESS, ROOT, Machine  # noqa: E402

SAMARA = os.environ.get("SAMARA", os.path.join(ROOT, "out", "samara"))
IMAGE = os.path.join(ROOT, "out", "images", "samara-secondary-virtio-x86_64.elf")
ZONES = 12        # enough that something is asked in any second
WATCHED = 12      # seconds of each run
GAP_SEEN = 5      # seconds within which a machine sees that its clock stood still
CLIENT = bytes(range(8))
BADCOOKIE = 23


def boot_blob():
    manifest = {"role": "secondary", "listen": [f"{GUEST_ADDRESS}:53"], "cookies": {"required": True},
                "network": {"addresses": [f"{GUEST_ADDRESS}/24"], "router-advertisements": False},
                "zones": {f"zone{i}.test": {"primaries": [HOST_ADDRESS]} for i in range(ZONES)},
                "refresh": {"retry-min": "1s", "retry-max": "1s"}}
    with tempfile.TemporaryDirectory() as folder:
        path, blob = os.path.join(folder, "secondary.yaml"), os.path.join(folder, "boot.dtb")
        with open(path, "w", encoding="ascii") as file:
            json.dump(manifest, file)
        subprocess.run([SAMARA, "config", "compile", path, "--output", blob], check=True)
        with open(blob, "rb") as file:
            return file.read()


def asked(primary, seconds):
    """(seconds since now, source port, message id) of each question to the primary that does not answer."""
    begin, seen = time.monotonic(), []
    while (left := begin + seconds - time.monotonic()) > 0:
        primary.settimeout(left)
        try:
            message, peer = primary.recvfrom(4096)
        except TimeoutError:
            break
        seen.append((time.monotonic() - begin, peer[1], struct.unpack("!H", message[:2])[0]))
    return seen


def ask_with(cookie):
    """The extended RCODE of an answer to a question with this cookie, and the cookie in it."""
    option = struct.pack("!HH", 10, len(cookie)) + cookie
    question = struct.pack("!6H", 0x5353, 0, 1, 0, 0, 1) + b"\5zone0\4test\0" + struct.pack("!2H", 1, 1)
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(option)) + option
    for _ in range(5):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.sendto(question + opt, (GUEST_ADDRESS, 53))
            try:
                answer = client.recv(4096)
            except OSError:
                continue
        at = answer.index(struct.pack("!HHH", 41, 1232, 0)[:2], len(question) - 1)
        found = answer.find(struct.pack("!HH", 10, 24))
        return answer[3] & 15 | answer[at + 4] << 4, answer[found + 4:found + 28] if found > 0 else b""
    return None, b""


def lives(result, name, kind, extra_of, **options):
    """Saves a machine, starts two from the file; what each of those three did: its questions, the verdict on the cookie of the one
    before, a cookie of its own, its console."""
    runs = []
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as primary:
        primary.bind((HOST_ADDRESS, 53))
        saved, blob = os.path.join(folder, "machine"), boot_blob()
        with Machine(kind, IMAGE, blob=blob, memory=32, extra=extra_of(0), **options) as machine:
            if not result.check(machine.wait_for("ready "), f"{name}: boots", machine.console[-400:]):
                return []
            questions = asked(primary, 4)
            _, cookie = ask_with(CLIENT)
            runs.append((questions, ask_with(cookie)[0], cookie, machine.console))
            if not result.check(machine.save(saved), f"{name}: is saved"):
                return []
        for number in (1, 2):
            time.sleep(3)  # a pause that the machine can see
            with Machine(kind, IMAGE, blob=blob, memory=32, extra=[*extra_of(number), "-incoming", f"exec:cat {saved}"],
                         **options) as machine:
                if not result.check(machine.resume(), f"{name}: copy {number} goes on"):
                    return []
                questions = asked(primary, WATCHED)
                verdict, _ = ask_with(runs[-1][2])
                _, cookie = ask_with(CLIENT)
                machine.wait_for("\0", 0.5)
                runs.append((questions, verdict, cookie, machine.console))
    return runs


def differ(result, name, runs, blind):
    """After `blind` seconds the copies have nothing in common with each other, or with what they were."""
    if not runs:
        return
    result.check(runs[0][1] not in (None, BADCOOKIE), f"{name}: a cookie of its own is good", str(runs[0][1]))
    said = [[(port, message_id) for when, port, message_id in questions if number == 0 or when >= blind]
            for number, (questions, *_) in enumerate(runs)]
    for number in (0, 1, 2):
        result.check(len(said[number]) >= 4, f"{name}: run {number} asks", str(runs[number][0]))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        ports = {port for port, _ in said[one]} & {port for port, _ in said[other]}
        result.check(not ports, f"{name}: runs {one} and {other} ask from other ports", str(ports))
        together = min(len(said[one]), len(said[other]))
        same = sum(a == b for (_, a), (_, b) in zip(said[one][:together], said[other][:together]))
        result.check(same <= 1, f"{name}: runs {one} and {other} ask with other ids", f"{said[one]} {said[other]}")
    for number in (1, 2):
        result.check(runs[number][1] == BADCOOKIE, f"{name}: copy {number} takes no cookie of the run before", str(runs[number][1]))


def main():
    machines.own_network()
    result = report.Report()

    def generation(number, *more):
        return ["-device", f"vmgenid,guid=00000000-0000-4000-8000-00000000000{number}", *more]

    name = "q35 with vmgenid"
    runs = lives(result, name, "q35", generation)
    differ(result, name, runs, 0)
    result.check(all("started from a snapshot" in console for *_, console in runs[1:]), f"{name}: says so", str(runs[1:]))
    name = "q35 with vmgenid and virtio-rng alone"
    differ(result, name, lives(result, name, "q35", lambda number: generation(number, "-device", "virtio-rng-pci"),
                               cpu="max,-rdrand,-rdseed"), 0)
    name = "microvm, by its clock"
    runs = lives(result, name, "microvm", lambda number: [])
    differ(result, name, runs, GAP_SEEN)
    result.check(all("the wall clock was" in console for *_, console in runs[1:]), f"{name}: says so", str(runs[1:]))
    result.finish()


if __name__ == "__main__":
    main()
