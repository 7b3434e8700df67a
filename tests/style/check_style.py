#!/usr/bin/python3
"""What a machine can see of our style: layout, includes, head comments, length, leftovers, formatting, and the unsafe
budget. Each rule is one test; it lists every place that breaks it."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import includes  # noqa: E402  (same folder)
import report  # noqa: E402
import doc_claims  # noqa: E402  (same folder)
import tcp_requirements  # noqa: E402  (same folder)
import unsafe_budget  # noqa: E402  (same folder)

MAX_LINES = 600
TOP_LEVEL = {"platform", "dns-core", "zone", "server", "secondary", "resolver", "ops", "tests", "bench", "zones", "docs",
             "cmake", ".ci"}
FORBIDDEN_FOLDERS = {"utils", "util", "common", "misc", "helpers", "helper"}
CODE = (".h", ".cpp")
TEXT = CODE + (".py", ".md", ".txt", ".cmake", ".yaml", ".json", ".sh")
# Spelled in two halves so that this file does not break its own rules.
LEFTOVERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|WI" r"P)\b")
SKIPPED = re.compile(r"\bGTEST_SK" r"IP\b|\bTEST\w*\([^)]*DISABL" r"ED_")
CONFLICT_MARKER = re.compile(rb"^(<{7}|>{7}|\|{7})( |\r?$)", re.M)
MACHINE_PATHS = re.compile(r"(/ho" r"me/|/ro" r"ot/|/wo" r"rk/|/Us" r"ers/|/tm" r"p/b-)")


def source_files():
    """Files that git knows or would add, so that build output does not count."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True).stdout.decode()
    return sorted(p for p in set(listed.split("\0")) if p and os.path.isfile(os.path.join(ROOT, p)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def is_text(path):
    return path.endswith(TEXT) or os.path.basename(path) == "CMakeLists.txt" or "." not in os.path.basename(path)


def is_data(path):
    return path.startswith(("tests/data/", "tests/fuzz/seeds/", "zones/"))


def too_long(files):
    for path in files:
        if is_text(path) and not is_data(path) and path != "LICENSE":
            lines = read(path).count("\n")
            if lines > MAX_LINES:
                yield f"{path}: {lines} lines (at most {MAX_LINES})"


def includes_from_the_root(files):
    """`#include "folder/file.h"`, never relative to the including file."""
    for path in files:
        if not path.endswith(CODE) or path.startswith("tests/"):
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if found and (".." in found.group(1) or found.group(1).split("/")[0] not in TOP_LEVEL):
                yield f"{path}:{number}: {line.strip()}"


def head_comments(files):
    """The first line says what the file is."""
    for path in files:
        if path.endswith(CODE) and path.startswith(tuple(TOP_LEVEL)) and not path.startswith("tests/"):
            if not read(path).startswith(("// ", "/*")) and path.endswith(".h"):
                yield f"{path}: no head comment"
        if path.endswith(".h") and "#pragma once" not in read(path):
            yield f"{path}: no #pragma once"


def leftovers(files):
    for path in files:
        if is_text(path) and not is_data(path):
            for number, line in enumerate(read(path).splitlines(), 1):
                if LEFTOVERS.search(line):
                    yield f"{path}:{number}: {line.strip()[:100]}"


def skipped_tests(files):
    """A test that cannot run here makes what it needs, or fails with its name."""
    for path in files:
        if path.startswith("tests/") and path.endswith(CODE):
            for number, line in enumerate(read(path).splitlines(), 1):
                if SKIPPED.search(line):
                    yield f"{path}:{number}: {line.strip()[:100]}"


def conflict_markers(files):
    """In any file, data and seeds too: nobody wants half a merge. (Seven `=` alone underline a title in some formats.)"""
    for path in files:
        with open(os.path.join(ROOT, path), "rb") as file:
            found = CONFLICT_MARKER.search(file.read())
        if found:
            yield f"{path}: {found.group(0).decode().strip()}"


def machine_paths(files):
    for path in files:
        if is_text(path) and not path.startswith("tests/data/"):
            for number, line in enumerate(read(path).splitlines(), 1):
                if MACHINE_PATHS.search(line):
                    yield f"{path}:{number}: {line.strip()[:100]}"


def layout(files):
    for path in files:
        parts = path.split("/")
        if len(parts) > 1 and parts[0] not in TOP_LEVEL:
            yield f"{path}: no such folder in docs/architecture.md"
        if FORBIDDEN_FOLDERS & set(parts[:-1]):
            yield f"{path}: a folder is named after what it does, not '{'/'.join(parts[:-1])}'"
        if path.endswith(CODE) and not re.fullmatch(r"[a-z0-9_]+\.(h|cpp)", parts[-1]):
            yield f"{path}: file names are snake_case"


def binaries(files):
    """Data that compresses is kept compressed; nothing else in the repository is binary."""
    for path in files:
        if path.startswith("tests/fuzz/seeds/") or path.endswith(".xz"):
            continue
        with open(os.path.join(ROOT, path), "rb") as file:
            if b"\0" in file.read(65536):
                yield f"{path}: binary"


def white_space(files):
    for path in files:
        if is_text(path) and not is_data(path):
            text = read(path)
            if text and not text.endswith("\n"):
                yield f"{path}: no newline at the end"
            for number, line in enumerate(text.splitlines(), 1):
                if line.endswith((" ", "\t", "\r")) and not path.endswith(".md"):
                    yield f"{path}:{number}: white space at the end of the line"


def formatting(files):
    code = [p for p in files if p.endswith(CODE)]
    for start in range(0, len(code), 40):
        result = subprocess.run(["clang-format-19", "--dry-run", "-Werror", "--ferror-limit=1", *code[start:start + 40]],
                                cwd=ROOT, capture_output=True, text=True)
        for line in result.stderr.splitlines():
            if "[-Wclang-format-violations]" in line:
                yield line.replace(": error: code should be clang-formatted [-Wclang-format-violations]",
                                   ": run clang-format-19 -i on this file")


def scripts(files):
    """Shell scripts parse, and stop at the first error; Python compiles."""
    for path in files:
        text = read(path) if is_text(path) else ""
        if text.startswith("#!/bin/bash"):
            if "set -euo pipefail" not in text:
                yield f"{path}: no `set -euo pipefail`"
            result = subprocess.run(["bash", "-n", path], cwd=ROOT, capture_output=True, text=True)
            if result.returncode:
                yield result.stderr.strip()
        if path.endswith(".py") or text.startswith("#!/usr/bin/python3"):
            try:
                compile(text, path, "exec")
            except SyntaxError as error:
                yield f"{path}: {error}"
        if text.startswith("#!") and not os.access(os.path.join(ROOT, path), os.X_OK):
            yield f"{path}: not executable"


RULES = [layout, too_long, includes_from_the_root, head_comments, leftovers, skipped_tests, conflict_markers, machine_paths,
         binaries, white_space, scripts, formatting, *doc_claims.RULES]


def main():
    result = report.Report()
    files = source_files()
    for rule in RULES:
        broken = list(rule(files))
        for line in broken[:40]:
            print(f"  {line}")
        result.check(not broken, rule.__name__, f"{len(broken)} places")
    broken = list(tcp_requirements.broken(ROOT))
    for line in broken:
        print(f"  {line}")
    result.check(not broken, "tcp_requirements", f"{len(broken)} places")
    broken = list(includes.missing(ROOT, files))
    for line in broken:
        print(f"  {line}")
    result.check(not broken, "includes", f"{len(broken)} places")
    for name, broken in unsafe_budget.verify(ROOT, files):
        for line in broken:
            print(f"  {line}")
        result.check(not broken, name)
    result.finish()


if __name__ == "__main__":
    main()
