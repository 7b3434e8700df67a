#!/usr/bin/python3
"""suites.py [SUITE…]: builds what a suite needs, runs it, adds up. Started by ops/test.

A suite is a list of steps; a step is a command whose last line says `N passed, N failed`, a folder of GoogleTest programs,
or a build. A step that breaks without counting is one failed test. Suites that mostly wait - for machines under emulation, for
other servers' timers - run beside those that compute: theirs is the first turn at a processor, so that nobody disturbs their
timing, and what they leave idle is used. What they run is built before.
"""
import concurrent.futures
import contextvars
import functools
import glob
import json
import os
import re
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "out", "test")
JOBS = max(2, os.cpu_count() or 2)
FUZZ_SECONDS = 60
DEAREST = 10  # steps in the table at the end
SANITIZED = "fuzz"  # the preset of both suites, asan and fuzz
PYTHON = "/usr/bin/python3"
SANITIZERS = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1",
              "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
GIVES_WAY = ("nice", "-n", "15")  # to the suites that wait; for what does not look at a clock
failures = []
costs = []  # of each step: its name, wall-clock and CPU seconds
suite_lines = contextvars.ContextVar("lines of the suite that runs", default=None)
speaking = threading.Lock()


class Count:
    def __init__(self, passed=0, failed=0):
        self.passed, self.failed = passed, failed

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed)


def say(text):
    """A suite's lines are printed together, when it ends: another one may run at the same time."""
    if (lines := suite_lines.get()) is not None:
        lines.append(text)
        return
    with speaking:
        print(text, flush=True)


def all_at_once(one, items):
    """Sums the counts of one(item) for all items, on all processors."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        running = [pool.submit(contextvars.copy_context().run, one, item) for item in items]
        return sum((future.result() for future in running), Count())


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
        begin = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                   env={**os.environ, **(env or {})})
        too_slow = threading.Timer(timeout, process.kill)
        too_slow.start()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        too_slow.cancel()
        wall = time.monotonic() - begin
        costs.append((step, wall, used.ru_utime + used.ru_stime))
        file.seek(0)
        return process.returncode if wall < timeout else 124, file.read(), log


@functools.lru_cache(None)
def configured(preset):
    code, text, log = run(f"configure-{preset}", ["cmake", "--preset", preset])
    return failed(f"configure {preset}", log, text.splitlines()[-10:]) if code else Count()


def build(preset, *targets):
    """Configures and builds a preset. Counts as nothing when it works, and as a failed test when not."""
    count = configured(preset)
    if count.failed:
        return count
    step = " ".join(("build", preset, *targets))
    begin = time.monotonic()
    code, text, log = run(step, [*GIVES_WAY, "cmake", "--build", os.path.join(ROOT, "out", "build", preset), "-j", str(JOBS), "--",
                                 "-k", "0", *(targets or ("all",))], timeout=2700)
    if code:
        interesting = [line for line in text.splitlines() if "error:" in line or "FAILED:" in line or "Error" in line]
        return failed(step, log, interesting[:20] or text.splitlines()[-10:])
    say(f"  built {preset} {' '.join(targets)} in {time.monotonic() - begin:.0f} s")
    return Count()


@functools.lru_cache(None)
def artefacts(*what):
    step = "ops/build " + " ".join(what)
    code, text, log = run(step, ["ops/build", *what])
    if code:
        interesting = [line for line in text.splitlines() if "error:" in line or "FAILED:" in line]
        return failed(step, log, interesting[:20] or text.splitlines()[-10:])
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
    return all_at_once(lambda step: step[0](preset, step[1]), steps)


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

    return all_at_once(one, targets)


def headers():
    count = build("release", "all_verify_interface_header_sets")
    return count if count.failed else Count(1)


def interop(*scripts):
    return steps_of("tests/interop", scripts)


def steps_of(folder, scripts):
    return sum((counted(script.removesuffix(".py"), PYTHON, f"{folder}/{script}") for script in scripts), Count())


def unsanitized():
    """System call filters and sanitizers exclude each other."""
    total = build("release", "test-platform-hal")
    return total if total.failed else gtest("release", os.path.join(ROOT, "out", "build", "release", "test", "test-platform-hal"))


def second_compiler():
    total = build("gcc", "gtest-header")
    return total if total.failed else counted("gcc", *GIVES_WAY, PYTHON, "tests/style/second_compiler.py", timeout=2700)


def simulations():
    """Every program of tests/sim; each plays its seeds on all cores."""
    total = build("release", "simulations")
    if total.failed:
        return total
    for program in sorted(glob.glob(os.path.join(ROOT, "out", "build", "release", "sim", "sim-*"))):
        total += counted(os.path.basename(program), *GIVES_WAY, program)
    return total + counted("sim-replay", PYTHON, "tests/sim/replay.py", "out/build/release/sim/sim-tcp_transfer")


class Suite:
    """What it is for, its steps, and what is built before them: for a suite that waits."""

    def __init__(self, what, steps, before=None):
        self.what, self.steps, self.before = what, steps, before

    @property
    def waits(self):
        return self.before is not None


def host_and_linux():
    return artefacts("host", "linux")


# Of those that compute, the first ones are the first to say that something is wrong.
SUITES = {
    "style": Suite("layout, formatting, leftovers, unsafe budget",
                   lambda: counted("style", PYTHON, "tests/style/check_style.py")),
    "mustfail": Suite("what must not compile does not",
                      lambda: configured("linux") +
                      counted("mustfail", *GIVES_WAY, PYTHON, "tests/mustfail/run_mustfail.py", "out/build/linux")),
    "unit": Suite("unit tests, clang-19 and libstdc++", lambda: build("dev") + unit_programs("dev")),
    "abi": Suite("the network stack behind its C interface",
                 lambda: build("release", "samara_net") + counted("abi", PYTHON, "tests/abi/example.py")),
    "filters": Suite("system call filters and the rest of the machine's doors, without sanitizers", unsanitized),
    "sim": Suite("whole hosts in a simulated network, ten thousand seeds of TCP", simulations),
    "headers": Suite("each interface header compiles on its own", headers),
    "asan": Suite("unit tests under AddressSanitizer and UBSan", lambda: build(SANITIZED) + unit_programs(SANITIZED)),
    "gcc": Suite("every source file, as g++-12 reads it", second_compiler),
    "tidy": Suite("clang-tidy", lambda: configured("dev") + configured("virtio") +
                  counted("tidy", *GIVES_WAY, PYTHON, "tests/style/tidy.py", timeout=2700)),
    "fuzz": Suite("every fuzz target, a minute altogether", lambda: build(SANITIZED) + fuzz_all()),
    "image": Suite("what the images are made of, and bare machines in QEMU",
                   lambda: interop("image_properties.py") +
                   steps_of("tests/image", ("boot.py", "primary.py", "asking_machine.py", "two_machines.py",
                                            "long_life.py", "large_transfers.py", "copies.py")),
                   lambda: host_and_linux() + artefacts("virtio") + build("virtio", "echo-virtio", "asking-virtio")),
    "zones": Suite("example zones, root zone history", lambda: interop("example_zones.py", "root_history.py"), host_and_linux),
    "interop": Suite("the same questions to us, nsd, knot and bind; transfers, updates and our commands with them",
                     lambda: interop("differential.py", "transfer_out.py", "command_line.py", "dynamic_update.py",
                                     "update_forwarding.py", "secondary.py", "signed_peers.py", "catalogs.py", "followers.py"),
                     host_and_linux),
    "robustness": Suite("hostile clients, broken files, reloads", lambda: interop("robustness.py", "startup_and_reload.py"),
                        host_and_linux),
    "network": Suite("our TCP/IP over tap and AF_XDP, with the kernel, nmap, hping3 and scapy at the other end",
                     lambda: interop("tap_peer.py", "xdp_peer.py", "asking_peer.py"),
                     lambda: host_and_linux() + build("linux", "stream-linux", "asking-linux")),
}


# asan runs the same tests; the plain build is for the time of work.
ON_REQUEST = {"unit"}


def play(name, prepared):
    """A suite; what it was found to need and could not get counts as its failure."""
    suite = SUITES[name]
    say(f"== {name}: {suite.what}")
    lines, start = [], time.monotonic()
    suite_lines.set(lines)
    count = prepared if prepared.failed else prepared + suite.steps()
    suite_lines.set(None)
    say("\n".join([*lines, f"== {name}: {count.passed} passed, {count.failed} failed, {time.monotonic() - start:.0f} s"]))
    return count


def play_all(names):
    """The suites that wait, one after the other, and beside them the others, one after the other."""
    prepared = {name: SUITES[name].before() if SUITES[name].waits else Count() for name in names}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        lanes = [pool.submit(lambda mine: sum((play(name, prepared[name]) for name in mine), Count()),
                             [name for name in names if SUITES[name].waits is waits]) for waits in (True, False)]
        return sum((lane.result() for lane in lanes), Count())


def tell_costs():
    say(f"the {DEAREST} dearest steps, and what all cost together:\n  wall s   CPU s")
    for step, wall, cpu in sorted(costs, key=lambda cost: -max(cost[1:]))[:DEAREST]:
        say(f"{wall:8.0f}{cpu:8.0f}  {step}")
    say(f"{'':8}{sum(cpu for _, _, cpu in costs):8.0f}  all {len(costs)} steps")


def main():
    if sys.argv[1:] == ["--list"]:
        for name, suite in SUITES.items():
            print(f"{name:12}{suite.what}" + (" (only when named: asan runs them too)" if name in ON_REQUEST else ""))
        return 0
    unknown = [name for name in sys.argv[1:] if name not in SUITES]
    if unknown:
        print(f"ops/test: no suite named {', '.join(unknown)} (there is: {' '.join(SUITES)})", file=sys.stderr)
        return 64
    os.makedirs(OUT, exist_ok=True)
    begin = time.monotonic()
    total = play_all(sys.argv[1:] or [name for name in SUITES if name not in ON_REQUEST])
    tell_costs()
    say(f"ops/test: {(time.monotonic() - begin) / 60:.1f} minutes" + (f"; failed: {', '.join(failures)}" if failures else ""))
    say(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
