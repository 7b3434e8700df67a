#!/usr/bin/python3
"""authoritative.py [--quick] [--servers LIST] [--records N]: an authoritative server beside nsd and knot.

  instructions  user-space instructions per UDP answer: callgrind over 22,000 questions minus callgrind over 2,000, divided by
                20,000 (start-up drops out; stable on a noisy machine)
  CPU           CPU time, kernel included, per completed dnsperf question over loopback; server and client on different cores
  load          start of the process to its first answer from a zone of a million records
  memory        proportional resident memory of all its processes then, per record

--quick leaves out callgrind and uses a tenth of the records. Figures of different machines do not compare; ratios do.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tests", "interop")]
import servers  # noqa: E402
from workload import Workload  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "bench")
LINKED = os.path.join(servers.ROOT, "out", "build", "linux", "bin", "samara-primary-linux")
FEW, MANY = 2000, 22000
DNSPERF_SECONDS = 5
# What is measured -> (unit, digits, goal). Goals: see docs/architecture.md.
GOALS = {
    "instructions, hit": ("per answer", 0, 1200),
    "instructions, NXDOMAIN": ("per answer", 0, 1500),
    "instructions, signed hit (DO)": ("per answer", 0, None),
    "CPU, hit": ("us per answer", 2, None),
    "CPU, NXDOMAIN": ("us per answer", 2, None),
    "load": ("s", 2, 0.5),
    "memory": ("octets per record", 0, 120),
}


def dnsperf(server, questions, *options, prefix=()):
    """(answers, lost)"""
    run = subprocess.run([*prefix, "dnsperf", "-s", "127.0.0.1", "-p", str(server.port), "-d", questions, *options],
                         capture_output=True, text=True)
    completed = re.search(r"Queries completed:\s+(\d+)", run.stdout)
    lost = re.search(r"Queries lost:\s+(\d+)", run.stdout)
    if not completed or int(completed.group(1)) == 0:
        raise RuntimeError(f"dnsperf: {run.stdout[-300:]}{run.stderr[-300:]}")
    return int(completed.group(1)), int(lost.group(1)) if lost else 0


def counts(folder):
    """callgrind's file of each process -> its instructions."""
    found = {}
    for name in os.listdir(folder):
        if name.startswith("callgrind."):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                found[name] = max(map(int, re.findall(r"^(?:summary|totals): (\d+)", file.read(), re.M)), default=0)
    return found


def callgrind_total(kind, work, questions, count, options):
    folder = os.path.join(OUT, "run", f"callgrind-{count}")
    os.makedirs(folder, exist_ok=True)
    few = os.path.join(folder, "questions")
    with open(questions, encoding="ascii") as source, open(few, "w", encoding="ascii") as file:
        for _ in range(count):
            file.write(source.readline())
    for name in os.listdir(folder):
        if name.startswith("callgrind."):
            os.remove(os.path.join(folder, name))
    wrapper = ["valgrind", "-q", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={folder}/callgrind.%p"]
    extra = []
    if kind == "samara":
        # The same image with symbols, but without DWARF 5, which valgrind 3.19 cannot read. The image alone is run under valgrind:
        # the process that reads the manifest for the supervisor may open no files but those.
        image = os.path.join(folder, "image.elf")
        subprocess.run(["llvm-objcopy-19", "--strip-debug", LINKED, image], check=True)
        watched = os.path.join(folder, "watched")
        with open(watched, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\nexec {shlex.join(wrapper)} {shlex.quote(image)} \"$@\"\n")
        os.chmod(watched, 0o755)
        wrapper, extra = [], ["--image", watched]
    server = servers.Server(kind, [(work.origin, work.zone)], folder, wrapper, extra, ready_timeout=300)
    try:
        _, lost = dnsperf(server, few, "-n", "1", "-c", "1", "-q", "10", "-t", "20", *options)
    finally:
        server.stop(60)
    if lost:
        raise RuntimeError(f"{kind}: {lost} questions lost under callgrind")
    return sum(counts(folder).values())


def write_profile(name):
    """Which functions the instructions are spent in: out/bench/profile-NAME.txt."""
    folder = os.path.join(OUT, "run", f"callgrind-{MANY}")
    busiest, _ = max(counts(folder).items(), key=lambda item: item[1])
    run = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=98", os.path.join(folder, busiest)], capture_output=True,
                         text=True)
    with open(os.path.join(OUT, f"profile-{name}.txt"), "w", encoding="utf-8") as file:
        file.write(run.stdout)


def instructions(kind, work, questions, *options):
    few = callgrind_total(kind, work, questions, FEW, options)
    many = callgrind_total(kind, work, questions, MANY, options)
    if kind == "samara":
        write_profile(os.path.splitext(questions)[1][1:] + ("-signed" if options else ""))
    return (many - few) / (MANY - FEW)


def cpu_per_answer(kind, work, *question_files):
    """Microseconds per answer for each file of questions."""
    figures = []
    with servers.Server(kind, [(work.origin, work.zone)], os.path.join(OUT, "run"), ["taskset", "-c", "0"]) as server:
        for questions in question_files:
            before = server.cpu_seconds()
            answers, _ = dnsperf(server, questions, "-l", str(DNSPERF_SECONDS), "-T", "1", "-c", "4", "-q", "200",
                                 prefix=["taskset", "-c", "1"])
            figures.append((server.cpu_seconds() - before) * 1e6 / answers)
    return figures


def load_and_memory(kind, work):
    """The better of three starts, and the memory of the last."""
    times = []
    for _ in range(3):
        with servers.Server(kind, [(work.origin, work.zone)], os.path.join(OUT, "run"), ready_timeout=120) as server:
            times.append(server.load_seconds)
            resident = server.resident_kib()
    return min(times), resident * 1024 / work.count


def measure(kind, small, signed, large, quick):
    figures = {}

    def take(names, function, *arguments):
        print(f"  {kind}: {', '.join(names)}", file=sys.stderr, flush=True)
        try:
            values = function(*arguments)
            figures.update(zip(names, values if isinstance(values, (list, tuple)) else [values]))
        except (RuntimeError, OSError) as error:
            print(f"  {kind}: {', '.join(names)}: {error}", file=sys.stderr, flush=True)

    if not quick:
        take(["instructions, hit"], instructions, kind, small, small.hit)
        take(["instructions, NXDOMAIN"], instructions, kind, small, small.nxdomain)
        take(["instructions, signed hit (DO)"], instructions, kind, signed, signed.hit, "-D")
    take(["CPU, hit", "CPU, NXDOMAIN"], cpu_per_answer, kind, small, small.hit, small.nxdomain)
    take(["load", "memory"], load_and_memory, kind, large)
    return figures


def table(results, kinds):
    peers = [kind for kind in kinds if kind != "samara"]
    rows = [["", *kinds, "best peer / ours", "goal", ""]]
    for name, (unit, digits, goal) in GOALS.items():
        values = {kind: results[kind].get(name) for kind in kinds}
        if all(value is None for value in values.values()):
            continue
        known = [values[kind] for kind in peers if values[kind] is not None]
        ours = values.get("samara")
        ratio = f"{min(known) / ours:.2f}" if known and ours else "-"
        rows.append([name, *("-" if values[kind] is None else f"{values[kind]:.{digits}f}" for kind in kinds), ratio,
                     "-" if goal is None else f"{goal}", unit])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1])] + [row[-1]]
        print("  ".join(cells).rstrip())


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--servers", default="samara,nsd,knot")
    options.add_argument("--records", type=int, default=1000000)
    options = options.parse_args()
    kinds = options.servers.split(",")
    folder = os.path.join(OUT, "zones")
    small = Workload("small.test", 200, folder)
    signed = Workload("signed.test", 200, folder)
    signed.sign()
    count = options.records // 10 if options.quick else options.records
    print(f"  zone of {count} records", file=sys.stderr, flush=True)
    large = Workload(f"large-{count}.test", count, folder)
    results = {kind: measure(kind, small, signed, large, options.quick) for kind in kinds}
    table(results, kinds)
    with open(os.path.join(OUT, "authoritative.json"), "w", encoding="utf-8") as file:
        json.dump({"records": count, "goals": {name: goal for name, (_, _, goal) in GOALS.items()}, "results": results}, file, indent=2)
        file.write("\n")
    return 0 if all(results[kind] for kind in kinds) else 1


if __name__ == "__main__":
    sys.exit(main())
