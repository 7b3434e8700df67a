#!/usr/bin/python3
"""run_mustfail.py BUILD_DIR: what must not compile does not compile, and for the expected reason.

Each snippet here is compiled twice with the flags of one of our libraries (`// library: NAME`, taken from BUILD_DIR's
compile_commands.json): as it is, which must succeed, so that the check can fail at all; and with MUST_FAIL defined, which
must fail with an error that matches `// expect: REGEX`.
"""
import concurrent.futures
import glob
import json
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(ROOT, "cmake")]
import report  # noqa: E402
import units  # noqa: E402


def library_flags(build):
    """Library -> (folder to run in, compiler and flags without input, output and dependency files)."""
    flags = {}
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        for entry in json.load(file):
            words = shlex.split(entry["command"])
            while not os.path.basename(words[0]).startswith(("clang", "g++")):
                words.pop(0)  # ccache
            end = words.index("-o")
            owner = re.search(r"CMakeFiles/([^/]+)\.dir/", words[end + 1]).group(1)
            flags.setdefault(owner, (entry["directory"], units.without_precompiled(words[:end])))
    return flags


def compile_snippet(path, flags, *defines):
    folder, command = flags
    result = subprocess.run([*command, *defines, "-fsyntax-only", "-fno-color-diagnostics", path],
                            cwd=folder, capture_output=True, text=True)
    return result.returncode == 0, result.stderr


def first_error(output):
    errors = [line for line in output.splitlines() if " error: " in line]
    return errors[0] if errors else output[:200]


def examine(path, flags):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    library = re.search(r"^// library: (\S+)$", text, re.M)
    expect = re.search(r"^// expect: (.+)$", text, re.M)
    if not library or not expect or "MUST_FAIL" not in text:
        return [(False, "head", "needs `// library:`, `// expect:` and an #ifdef MUST_FAIL")]
    if library.group(1) not in flags:
        return [(False, "head", f"there is no library {library.group(1)}")]
    if "file not found" in expect.group(1):
        for header in re.findall(r'^#include "([^"]+)"', text, re.M):
            if not os.path.exists(os.path.join(ROOT, "tests" if header.startswith("..") else "", header)):
                return [(False, "head", f"{header} does not exist, so that it is not found proves nothing")]
    good, output = compile_snippet(path, flags[library.group(1)])
    results = [(good, "control compiles", first_error(output))]
    good, output = compile_snippet(path, flags[library.group(1)], "-DMUST_FAIL")
    errors = "\n".join(line for line in output.splitlines() if "error:" in line)
    if good:
        results.append((False, "must not compile", "it does"))
    else:
        results.append((re.search(expect.group(1), errors) is not None, "fails for the expected reason", first_error(output)))
    return results


def main():
    result = report.Report()
    flags = library_flags(sys.argv[1])
    paths = sorted(glob.glob(os.path.join(HERE, "*.cpp")))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, outcomes in zip(paths, pool.map(lambda p: examine(p, flags), paths)):
            for good, what, detail in outcomes:
                result.check(good, f"{os.path.basename(path)}: {what}", detail)
    result.finish()


if __name__ == "__main__":
    main()
