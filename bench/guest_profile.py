#!/usr/bin/python3
"""guest_profile.py [--questions N] [--top N]: which functions of samara-primary-virtio-x86_64.elf the instructions from the start to
the first answer go to, and to how many questions after it. QEMU's log of translated and executed blocks is added up by the
symbols of the .debug file; what was inlined counts for what it was inlined into. The log takes some 20 octets an instruction."""
import argparse
import bisect
import collections
import os
import re
import subprocess
import tempfile

import image
import servers
from machines import GUEST_ADDRESS

DEBUG = image.BARE.replace(".elf", ".debug")
IMAGE = range(0x100000, 0x400000)  # above it nothing but firmware runs
BURST = 32


def symbols():
    listed = subprocess.run(["llvm-nm-19", "-C", "-n", "--defined-only", DEBUG], check=True, capture_output=True, text=True).stdout
    found = [line.split(" ", 2) for line in listed.splitlines()]
    return [(int(address, 16), name) for address, kind, name in found if kind in "tTwW"]


def run(log, questions):
    blob_path, zones = image.boot_configuration("bare", GUEST_ADDRESS, 53)
    with image.Client(GUEST_ADDRESS, 53, zones[0]) as client:
        extra = ["-icount", "shift=0", "-d", "exec,nochain,in_asm", "-D", log]
        with image.machine(image.octets_of(blob_path), words="measure=start", extra=extra) as guest:
            if not client.first_answer(60, image.running(guest.process), 0.05):
                raise SystemExit(f"no answer: {guest.console[-300:]}")
            client.socket.settimeout(2)
            for _ in range(questions // BURST):
                for _ in range(BURST):
                    client.socket.send(client.question)
                for _ in range(BURST):
                    client.socket.recv(4096)


def executed(log):
    """Address of a block -> instructions executed in it."""
    sizes, counts, block = {}, collections.Counter(), None
    with open(log, encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("IN:"):
                block = None
            elif line.startswith("0x"):  # a translated instruction; the first one names the block
                address = int(line.split(":")[0], 16)
                block = address if block is None else block
                sizes[block] = sizes.get(block, 0) + 1 if address != block else 1
            elif line.startswith("Trace"):
                address = int(re.search(r"\[[0-9a-f]+/([0-9a-f]+)/", line).group(1), 16)
                if address in IMAGE:
                    counts[address] += sizes.get(address, 0)
    return counts


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--questions", type=int, default=0)
    arguments.add_argument("--top", type=int, default=40)
    wanted = arguments.parse_args()
    image.prepare_network()
    names = symbols()
    addresses = [address for address, _ in names]
    functions = collections.Counter()
    with tempfile.TemporaryDirectory(dir=os.path.join(servers.ROOT, "out")) as folder:
        log = os.path.join(folder, "log")
        run(log, wanted.questions)
        for address, count in executed(log).items():
            functions[names[bisect.bisect_right(addresses, address) - 1][1]] += count
    print(f"{sum(functions.values()):>10,} instructions")
    for name, count in functions.most_common(wanted.top):
        print(f"{count:>10,} {name[:118]}")


if __name__ == "__main__":
    main()
