#!/usr/bin/python3
"""image.py [--starts N]: how large an image is, how fast it starts and how little memory it needs; zones/primary.yaml is served.

  size           of samara-primary-virtio-x86_64.elf, stripped
  instructions   of the guest from entry until the first answers are sent: QEMU's -icount shift=0 makes a tick of the
                 time-stamp counter one instruction. The questions that came while QEMU started are answered together, so it is
                 an upper bound
  first answer   wall time from the start of QEMU (microvm, emulated) to the first answer over a tap device
  memory         the smallest -m, in MiB, with which every zone is answered
  process        wall time from the start of the Linux image to its first answer over loopback, and the proportional resident
                 memory of its processes then. `nothing` is the start and end of /bin/true, for comparison

The client is ready before the start and asks again and again: every 0.5 ms, without ARP (its neighbour entry is fixed). Times are
the best and the middle of all starts.
"""
import argparse
import json
import os
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(os.path.dirname(HERE), "tests", folder) for folder in ("interop", "image"))]
import machines  # noqa: E402
import servers  # noqa: E402
from machines import GUEST_ADDRESS, TAP, Machine  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "bench")
IMAGES = os.path.join(servers.ROOT, "out", "images")
BARE = os.path.join(IMAGES, "samara-primary-virtio-x86_64.elf")
PROCESS = os.path.join(IMAGES, f"samara-primary-linux-{os.uname().machine}.elf")
MAC = "02:00:00:00:00:07"
RETRY = 0.0005
MOST_MEMORY = 64
# name -> (unit, digits, goal). Goals: see docs/benchmarks.md.
GOALS = {
    "size": ("octets", 0, 512 * 1024),
    "instructions": ("to the first answer", 0, 1_000_000),
    "first answer": ("ms, best", 1, 30),
    "first answer, middle": ("ms", 1, None),
    "memory": ("MiB", 0, 8),
    "process, first answer": ("ms, best", 2, 3),
    "process, first answer, middle": ("ms", 2, None),
    "process, nothing": ("ms, best", 2, None),
    "process, memory": ("KiB", 0, None),
}


def prepare_network():
    """The tap device of machines.py; the guest's link-layer address is known, and nobody else speaks on the link."""
    machines.own_network()
    with open(f"/proc/sys/net/ipv6/conf/{TAP}/disable_ipv6", "w", encoding="ascii") as file:
        file.write("1")
    subprocess.run(f"ip neigh replace {GUEST_ADDRESS} lladdr {MAC} dev {TAP} nud permanent".split(), check=True)


def boot_configuration(name, address, port):
    """zones/primary.yaml at another address; (path of the blob, names of its zones)"""
    folder = os.path.join(OUT, "run", "image")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(servers.ROOT, "zones", "primary.yaml"), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"^listen:.*$", f'listen: ["{address}:{port}"]', text, flags=re.M)
    text = text.replace("file: ", f"file: {servers.ROOT}/zones/").replace("exempt: [", f"exempt: [{machines.HOST_ADDRESS}/32, ")
    text += f'network:\n  addresses: ["{address}/24"]\n  listen: ["{address}:{port}"]\n'
    manifest, blob = (os.path.join(folder, name + end) for end in (".yaml", ".dtb"))
    with open(manifest, "w", encoding="utf-8") as file:
        file.write(text)
    subprocess.run([os.environ.get("SAMARA", servers.SAMARA), "config", "compile", manifest, "-o", blob], check=True)
    return blob, re.findall(r"^  (\S+): \{file:", text, re.M)


def octets_of(path):
    with open(path, "rb") as file:
        return file.read()


class Client:
    """Asks for the SOA of a zone until somebody answers with it."""

    def __init__(self, address, port, zone):
        self.question = servers.query(zone)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((address, port))

    def first_answer(self, timeout, alive, interval=RETRY):
        """True when one came."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and alive():
            ask_again = time.monotonic() + interval
            try:
                self.socket.send(self.question)
                while (left := ask_again - time.monotonic()) > 0 and select.select([self.socket], [], [], left)[0]:
                    answer = self.socket.recv(4096)
                    if answer[3] & 15 == 0 and answer[7] > 0:
                        return True
            except OSError:  # nobody there yet
                time.sleep(max(0.0, ask_again - time.monotonic()))
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def machine(blob, memory=32, words="", extra=()):
    return Machine("microvm", BARE, words, blob, memory, card=f",mac={MAC}", extra=extra)


def running(process):
    return lambda: process.poll() is None


def instructions(blob, zone):
    with Client(GUEST_ADDRESS, 53, zone) as client:
        with machine(blob, words="measure=start", extra=["-icount", "shift=0"]) as guest:
            client.first_answer(20, running(guest.process), 0.01)
            if guest.wait_for(" ticks\n", 10, 2) is None:  # the first are told when it is ready
                raise RuntimeError(f"no answer with -icount: {guest.console[-300:]}")
            return int(re.search(r"answered before (\d+) ticks", guest.console).group(1))


def machine_start(blob, zone):
    with Client(GUEST_ADDRESS, 53, zone) as client, machine(blob) as guest:
        if not client.first_answer(10, running(guest.process)):
            guest.wait_for("\0", 0.5)
            raise RuntimeError(f"no answer: {guest.console[-300:]}")
        return (time.monotonic() - guest.started) * 1000


def serves_with(blob, zones, memory):
    with machine(blob, memory) as guest:
        for zone in zones:
            with Client(GUEST_ADDRESS, 53, zone) as client:
                if not client.first_answer(3, running(guest.process), 0.01):
                    return False
    return True


def smallest_memory(blob, zones):
    """In MiB: 1 more than what is too little. What serves with less is taken to serve with more."""
    low, high = 0, MOST_MEMORY
    if not serves_with(blob, zones, high):
        raise RuntimeError(f"it does not serve with {high} MiB")
    while high - low > 1:
        middle = (low + high) // 2
        if serves_with(blob, zones, middle):
            high = middle
        else:
            low = middle
    return high


def process_start(blob, port, zone):
    """(milliseconds to the first answer, proportional resident KiB)"""
    with Client("127.0.0.1", port, zone) as client, open(blob, "rb") as configuration:
        command = [PROCESS, "--config-fd", str(configuration.fileno())]
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   pass_fds=[configuration.fileno()])
        try:
            if not client.first_answer(10, running(process), 0.0001):
                raise RuntimeError("the Linux image does not answer")
            took = (time.monotonic() - started) * 1000
            return took, resident_kib(process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=10)


def resident_kib(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        pids = [pid, *map(int, file.read().split())]
    total = 0
    for one in pids:
        with open(f"/proc/{one}/smaps_rollup", encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def start_of_nothing():
    started = time.monotonic()
    subprocess.run(["/bin/true"], check=True)
    return (time.monotonic() - started) * 1000


def measure(starts):
    blob_path, zones = boot_configuration("bare", GUEST_ADDRESS, 53)
    blob = octets_of(blob_path)
    port = servers.free_port()
    process_blob, _ = boot_configuration("process", "127.0.0.1", port)
    figures = {"size": os.path.getsize(BARE)}

    def take(names, function, *arguments):
        print(f"  {', '.join(names)}", file=sys.stderr, flush=True)
        try:
            figures.update(zip(names, function(*arguments)))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            print(f"  {', '.join(names)}: {error}", file=sys.stderr, flush=True)

    def spread(times):
        return min(times), statistics.median(times)

    def process():
        runs = [process_start(process_blob, port, zones[0]) for _ in range(2 * starts)]
        return *spread([took for took, _ in runs]), min(start_of_nothing() for _ in range(starts)), runs[-1][1]

    take(["instructions"], lambda: [instructions(blob, zones[0])])
    take(["first answer", "first answer, middle"], lambda: spread([machine_start(blob, zones[0]) for _ in range(starts)]))
    take(["memory"], lambda: [smallest_memory(blob, zones)])
    take(["process, first answer", "process, first answer, middle", "process, nothing", "process, memory"], process)
    return figures


def table(figures):
    rows = [["", "ours", "goal", "goal / ours", ""]]
    for name, (unit, digits, goal) in GOALS.items():
        value = figures.get(name)
        rows.append([name, "-" if value is None else f"{value:.{digits}f}", "-" if goal is None else f"{goal}",
                     f"{goal / value:.2f}" if goal and value else "-", unit])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1])), row[-1]]).rstrip())


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--starts", type=int, default=10)
    options = options.parse_args()
    prepare_network()
    load = os.getloadavg()[0]
    shutil.rmtree(os.path.join(OUT, "run", "image"), ignore_errors=True)
    figures = measure(options.starts)
    table(figures)
    print(f"load of the machine when it began: {load:.1f}")
    with open(os.path.join(OUT, "image.json"), "w", encoding="utf-8") as file:
        json.dump({"load": load, "goals": {name: goal for name, (_, _, goal) in GOALS.items()}, "figures": figures}, file, indent=2)
        file.write("\n")
    return 0 if all(name in figures for name in GOALS) else 1


if __name__ == "__main__":
    sys.exit(main())
