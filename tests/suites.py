#!/usr/bin/python3
"""suites.py [SUITE…]: builds what a suite needs, runs it, adds up. Started by ops/test.

A suite is a list of steps; a step is a command whose last line says `N passed, N failed`, a folder of GoogleTest programs,
or a build. A step that breaks without counting is one failed test.
"""
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "out", "test")
JOBS = max(2, os.cpu_count() or 2)
FUZZ_SECONDS = 60
SANITIZED = "fuzz"  # the preset of both suites, asan and fuzz
PYTHON = "/usr/bin/python3"
SANITIZERS = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1",
              "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
failures = []


class Count:
    def __init__(self, passed=0, failed=0):
        self.passed, self.failed = passed, failed

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed)


def say(text):
    print(text, flush=True)


def failed(step, log, lines):
    failures.append(step)
    say(f"  FAIL {step} (whole output: {os.path.relpath(log, ROOT)})")
    for line in lines:
        say(f"    {line}")
    return Count(0, 1)


def run(step, command, env=None, timeout=1500):
    """Runs a command with its output in a log file. Returns exit code (124: too slow), text and log file."""
    log = os.path.join(OUT, re.sub(r"[^A-Za-z0-9_.-]+", "-", step) + ".log")
    with open(log, "w+", encoding="utf-8", errors="replace") as file:
        try:
            code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                  env={**os.environ, **(env or {})}, timeout=timeout).returncode
        except subprocess.TimeoutExpired:
            code = 124
        file.seek(0)
        return code, file.read(), log


def build(preset, *targets):
    """Configures and builds a preset. Counts as nothing when it works, and as a failed test when not."""
    step = f"build-{preset}"
    folder = os.path.join(ROOT, "out", "build", preset)
    begin = time.monotonic()
    code, text, log = run(step + "-configure", ["cmake", "--preset", preset])
    if code == 0:
        code, text, log = run(step, ["cmake", "--build", folder, "-j", str(JOBS), "--", "-k", "0",
                                     *(targets or ("all",))])
    if code:
        interesting = [line for line in text.splitlines() if "error:" in line or "FAILED:" in line or "Error" in line]
        return failed(step, log, interesting[:20] or text.splitlines()[-10:])
    say(f"  built {preset} {' '.join(targets)} in {time.monotonic() - begin:.0f} s")
    return Count()


def artefacts(*what):
    code, text, log = run("ops-build", ["ops/build", *what])
    if code:
        interesting = [line for line in text.splitlines() if "error:" in line or "FAILED:" in line]
        return failed("ops/build " + " ".join(what), log, interesting[:20] or text.splitlines()[-10:])
    return Count()


def counted(step, *command, env=None, timeout=1500):
    """A command that ends with `N passed, N failed`."""
    code, text, log = run(step, list(command), env, timeout)
    found = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M)
    if not found:
        return failed(step, log, text.splitlines()[-10:] + (["took too long"] if code == 124 else []))
    count = Count(int(found[-1][0]), int(found[-1][1]))
    if count.failed or code:
        lines = [line for line in text.splitlines() if line.startswith(("FAIL", "  "))]
        failed(step, log, lines[:60])
        count.failed = max(count.failed, 1)
    return count


def gtest(preset, program):
    name = os.path.basename(program)
    result = os.path.join(OUT, f"{preset}-{name}.json")
    if os.path.exists(result):
        os.remove(result)
    code, text, log = run(f"{preset}-{name}", [program, f"--gtest_output=json:{result}"], SANITIZERS, 600)
    if not os.path.exists(result):
        return failed(f"{preset} {name}", log, text.splitlines()[-15:])
    with open(result, encoding="utf-8") as file:
        report = json.load(file)
    count = Count(report["tests"] - report["failures"] - report["errors"], report["failures"] + report["errors"])
    skipped = len(re.findall(r"^\[  SKIPPED \] \S+ \(", text, re.M))
    count.passed -= skipped  # what did not run did not pass
    if preset == SANITIZED and skipped:  # system call filters and sanitizers exclude each other; the other builds run these
        say(f"  {name}: {skipped} tests left to the other builds")
        skipped = 0
    if code or count.failed or skipped:
        failed(f"{preset} {name}", log, [line for line in text.splitlines() if "[  FAILED  ]" in line or "SKIPPED" in line][:30]
               or text.splitlines()[-15:])
        count.failed = max(count.failed + skipped, 1)
    return count


def replay(preset, target):
    """A fuzz target over its seeds."""
    name = os.path.basename(target)
    seeds = os.path.join(ROOT, "tests", "fuzz", "seeds", name.removeprefix("fuzz-"))
    only_replay = ["-runs=0"] if preset == SANITIZED else []
    code, text, log = run(f"{preset}-replay-{name}", [target, *only_replay, seeds], SANITIZERS, 600)
    return failed(f"{preset} seeds of {name}", log, text.splitlines()[-15:]) if code else Count(1)


def unit_programs(preset):
    """All GoogleTest programs, and the fuzz targets over their seeds; the largest first, so that none is left at the end."""
    folder = os.path.join(ROOT, "out", "build", preset)
    steps = [(gtest, path) for path in glob.glob(os.path.join(folder, "test", "test-*"))]
    if not steps:
        return failed(f"{preset} tests", OUT, ["there is nothing to run"])
    steps += [(replay, path) for path in glob.glob(os.path.join(folder, "fuzz", "fuzz-*"))]
    steps.sort(key=lambda step: (-os.path.getsize(step[1]), step[1]))
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return sum(pool.map(lambda step: step[0](preset, step[1]), steps), Count())


def fuzz_all():
    """Every target in parallel on all cores; 60 seconds of wall-clock time altogether."""
    targets = sorted(glob.glob(os.path.join(ROOT, "out", "build", "fuzz", "fuzz", "fuzz-*")))
    if not targets:
        return failed("fuzz", OUT, ["there are no targets"])
    rounds = -(-len(targets) // JOBS)

    def one(target):
        name = os.path.basename(target).removeprefix("fuzz-")
        work = os.path.join(ROOT, "out", "fuzz", name)
        corpus, findings = os.path.join(work, "corpus"), os.path.join(work, "findings") + os.sep
        os.makedirs(corpus, exist_ok=True)
        os.makedirs(findings, exist_ok=True)
        seeds = os.path.join(ROOT, "tests", "fuzz", "seeds", name)
        code, text, log = run(f"fuzz-{name}", [target, f"-max_total_time={FUZZ_SECONDS // rounds}", "-timeout=10",
                                               "-rss_limit_mb=2048", f"-artifact_prefix={findings}", "-print_final_stats=1",
                                               corpus, seeds], SANITIZERS, 300)
        if code:
            keep = [line for line in text.splitlines() if "ERROR" in line or "SUMMARY" in line or "Test unit" in line]
            return failed(f"fuzz {name}", log, keep or text.splitlines()[-10:])
        runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
        say(f"  fuzz {name}: {runs.group(1) if runs else '?'} inputs, clean")
        return Count(1)

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return sum(pool.map(one, targets), Count())


def configured(preset):
    code, text, log = run(f"configure-{preset}", ["cmake", "--preset", preset])
    return failed(f"configure {preset}", log, text.splitlines()[-10:]) if code else Count()


def headers():
    count = build("release", "all_verify_interface_header_sets")
    return count if count.failed else Count(1)


def samara_steps(*scripts):
    total = artefacts("host", "linux")
    if total.failed:
        return total
    for script in scripts:
        total += counted(os.path.basename(script).removesuffix(".py"), PYTHON, f"tests/interop/{script}")
    return total


def machine_steps(*scripts):
    """Tests that boot images in QEMU: the product's and those of tests/image."""
    total = artefacts("host", "virtio") + build("virtio", "echo-virtio", "asking-virtio")
    if total.failed:
        return total
    for script in scripts:
        total += counted(os.path.basename(script).removesuffix(".py"), PYTHON, f"tests/image/{script}")
    return total


def simulations():
    """Every program of tests/sim; each plays its seeds on all cores."""
    total = build("release", "simulations")
    if total.failed:
        return total
    for program in sorted(glob.glob(os.path.join(ROOT, "out", "build", "release", "sim", "sim-*"))):
        total += counted(os.path.basename(program), program)
    return total + counted("sim-replay", PYTHON, "tests/sim/replay.py", "out/build/release/sim/sim-tcp_transfer")


SUITES = {
    "style": ("layout, formatting, leftovers, unsafe budget",
              lambda: counted("style", PYTHON, "tests/style/check_style.py")),
    "mustfail": ("what must not compile does not",
                 lambda: configured("linux") + counted("mustfail", PYTHON, "tests/mustfail/run_mustfail.py", "out/build/linux")),
    "unit": ("unit tests, clang-19 and libstdc++", lambda: build("dev") + unit_programs("dev")),
    "abi": ("the network stack behind its C interface",
            lambda: build("release", "samara_net") + counted("abi", PYTHON, "tests/abi/example.py")),
    "sim": ("whole hosts in a simulated network, ten thousand seeds of TCP", simulations),
    "headers": ("each interface header compiles on its own", headers),
    "image": ("what the images are made of, and bare machines in QEMU",
              lambda: artefacts("virtio") + samara_steps("image_properties.py") +
              machine_steps("boot.py", "primary.py", "asking_machine.py", "two_machines.py")),
    "zones": ("example zones, root zone history", lambda: samara_steps("example_zones.py", "root_history.py")),
    "interop": ("the same questions to us, nsd, knot and bind; transfers, updates and our commands with them",
                lambda: samara_steps("differential.py", "transfer_out.py", "command_line.py", "dynamic_update.py", "update_forwarding.py",
                                     "secondary.py", "signed_peers.py", "catalogs.py", "followers.py")),
    "robustness": ("hostile clients, broken files, reloads", lambda: samara_steps("robustness.py", "startup_and_reload.py")),
    "network": ("our TCP/IP over tap and AF_XDP, with the kernel, nmap, hping3 and scapy at the other end",
                lambda: build("linux", "stream-linux", "asking-linux") +
                samara_steps("tap_peer.py", "xdp_peer.py", "asking_peer.py")),
    "asan": ("unit tests under AddressSanitizer and UBSan", lambda: build(SANITIZED) + unit_programs(SANITIZED)),
    "fuzz": ("every fuzz target, a minute altogether", lambda: build(SANITIZED) + fuzz_all()),
    "gcc": ("unit tests, g++-12", lambda: build("gcc") + unit_programs("gcc")),
    "tidy": ("clang-tidy", lambda: configured("dev") + configured("virtio") + counted("tidy", PYTHON, "tests/style/tidy.py")),
}


# asan and gcc run the same tests; the plain build is for the time of work.
ON_REQUEST = {"unit"}


def main():
    if sys.argv[1:] == ["--list"]:
        for name, (what, _) in SUITES.items():
            print(f"{name:12}{what}" + (" (only when named: asan and gcc run them too)" if name in ON_REQUEST else ""))
        return 0
    unknown = [name for name in sys.argv[1:] if name not in SUITES]
    if unknown:
        print(f"ops/test: no suite named {', '.join(unknown)} (there is: {' '.join(SUITES)})", file=sys.stderr)
        return 64
    os.makedirs(OUT, exist_ok=True)
    total, begin = Count(), time.monotonic()
    for name in sys.argv[1:] or [name for name in SUITES if name not in ON_REQUEST]:
        what, suite = SUITES[name]
        say(f"== {name}: {what}")
        start = time.monotonic()
        count = suite()
        say(f"== {name}: {count.passed} passed, {count.failed} failed, {time.monotonic() - start:.0f} s")
        total += count
    say(f"ops/test: {(time.monotonic() - begin) / 60:.1f} minutes" + (f"; failed: {', '.join(failures)}" if failures else ""))
    say(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
