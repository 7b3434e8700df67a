#!/usr/bin/python3
"""clang-tidy over every source file of the product: with the host's flags, or the bare machine's where only that has it.

Nearly all of clang-tidy's time goes into the standard library's headers, again for each file. So files with the same flags
are looked at together, as parts of one translation unit, as far as cmake/units.py lets them be; where that was wrong and they
do not compile as one, each on its own. Ends with `N passed, N failed`, a test for each source file. With arguments, only the
files named."""
import collections
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "cmake"))
import units  # noqa: E402

UNITS = os.path.join(ROOT, "out", "tidy")
JOBS = max(2, os.cpu_count() or 2)
MOST_FILES = 24  # of one unit: enough to share the headers, few enough to keep all cores busy
TIMEOUT = 900
# A unit includes source files on purpose. Without thread-safe statics clang-tidy takes every constant in a header for one that
# is computed at the start.
LESS = {"dev": "-bugprone-suspicious-include",
        "virtio": "-bugprone-suspicious-include,-bugprone-dynamic-static-initializers"}


def commands():
    """Source files by (preset, flags); flags as the compiler is called, without file and output."""
    found = {}
    for preset in ("virtio", "dev"):
        with open(os.path.join(ROOT, "out", "build", preset, "compile_commands.json"), encoding="utf-8") as file:
            for entry in json.load(file):
                words = shlex.split(entry["command"])
                words = words[next(i for i, word in enumerate(words) if "clang" in word and "ccache" not in word):]
                at = words.index("-o")
                del words[at:at + 2]
                words.remove("-c")
                words = units.without_precompiled(words)
                words.remove(entry["file"])
                for source in units.sources_of(entry["file"]):
                    path = os.path.relpath(source, ROOT)
                    if path.endswith(".cpp") and not path.startswith(("tests/", "out/")):
                        found[path] = (preset, tuple(words))
    groups = collections.defaultdict(list)
    for path in sorted(found):
        groups[found[path]].append(path)
    return groups


def write_unit(number, files):
    path = os.path.join(UNITS, f"unit{number}.cpp")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f'#include "{os.path.join(ROOT, name)}"\n' for name in files)
    return path


def all_units():
    number = 0
    for (preset, flags), files in commands().items():
        wanted = [os.path.join(ROOT, name) for name in files if not sys.argv[1:] or name in sys.argv[1:]]
        for together in units.units(wanted, MOST_FILES):
            number += 1
            yield number, preset, flags, [os.path.relpath(path, ROOT) for path in together]


def tidy(unit):
    """The lines that are wrong in a unit's files, by file, and whether the unit as a whole failed."""
    number, preset, flags, files = unit
    path = write_unit(number, files) if len(files) > 1 else os.path.join(ROOT, files[0])
    result = subprocess.run(["clang-tidy-19", "--quiet", f"--config-file={os.path.join(ROOT, '.clang-tidy')}",
                             f"--checks={LESS[preset]}", path, "--", *flags[1:], "-w"], capture_output=True, text=True,
                            cwd=os.path.join(ROOT, "out", "build", preset), timeout=TIMEOUT)
    if len(files) > 1 and "[clang-diagnostic-error]" in result.stdout:
        alone = [tidy((number, preset, flags, [name])) for name in files]
        return files, {name: lines for _, wrong in alone for name, lines in wrong.items()}
    wrong = collections.defaultdict(list)
    for line in result.stdout.splitlines():
        found = re.match(r"(\S+?):\d+:\d+: (?:error|warning): ", line)
        if found:
            wrong[os.path.relpath(os.path.join(ROOT, found.group(1)), ROOT)].append(line)
    if result.returncode and not wrong:
        wrong[files[0]] = (result.stdout + result.stderr).splitlines()[-5:] or [f"clang-tidy: exit code {result.returncode}"]
    return files, wrong


def main():
    os.makedirs(UNITS, exist_ok=True)
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for files, wrong in pool.map(tidy, list(all_units())):
            elsewhere = [name for name in wrong if name not in files]  # in a header
            for name in [name for name in files if name in wrong] + elsewhere:
                failed += 1
                print(f"FAIL tidy {name}")
                print("".join(f"  {line}\n" for line in wrong[name][:10]), end="")
            passed += sum(name not in wrong for name in files)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
