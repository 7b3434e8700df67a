#!/usr/bin/python3
"""second_compiler.py: g++-12's opinion on every source file, product and tests: all its front end says, warnings as errors.

It looks at the files as preset `gcc` would compile them, several at once (cmake/units.py), and makes no code: what we ship is
compiled by clang, so that running g++'s code would try g++. Needs the preset configured and its precompiled header built.
Ends with `N passed, N failed`, a test for each source file.
"""
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "cmake"))
import units  # noqa: E402

BUILD = os.path.join(ROOT, "out", "build", "gcc")
JOBS = max(2, os.cpu_count() or 2)
TIMEOUT = 600


def commands():
    """Source files that are compiled together, and how; the most files first, so that none of these is left at the end."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = []
    for entry in entries:
        sources = [os.path.relpath(path, ROOT) for path in units.sources_of(entry["file"])]
        if sources[0].startswith("out/"):  # CMake's own, for the precompiled header
            continue
        words = shlex.split(entry["command"])
        words = words[next(i for i, word in enumerate(words) if os.path.basename(word).startswith("g++")):]
        at = words.index("-o")
        del words[at:at + 2]
        found.append((sources, entry["directory"], [*words, "-fsyntax-only", "-fno-diagnostics-color"]))
    return sorted(found, key=lambda unit: (-len(unit[0]), unit[0]))


def compile_unit(unit):
    sources, folder, command = unit
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
    return sources, [] if result.returncode == 0 else result.stderr.splitlines() or [f"g++: exit code {result.returncode}"]


def main():
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for sources, wrong in pool.map(compile_unit, commands()):
            if not wrong:
                passed += len(sources)
                continue
            failed += 1
            print(f"FAIL g++ {sources[0]}" + (f" and {len(sources) - 1} files with it" if len(sources) > 1 else ""))
            print("".join(f"  {line}\n" for line in wrong[:20]), end="")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
