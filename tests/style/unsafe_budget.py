#!/usr/bin/python3
"""The unsafe budget: how often each library reaches below the language, counted against unsafe_budget.txt.

Reinterpret casts, inline assembly, volatile, the C memory and string functions, switched-off unsafe-buffer warnings and files
of assembly (each line of which counts) may appear in the budget's folders only. Their number may not grow unless the file changes with it, which a reviewer sees. When
it shrinks, the file is brought up to date (`unsafe_budget.py --write`), so that it stays shrunk.
"""
import os
import re
import sys

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unsafe_budget.txt")
# Image code: everything else runs on the machine of the person who builds it.
COUNTED = ("platform/", "dns-core/", "zone/", "server/", "secondary/", "resolver/")
# Where they may appear at all.
ALLOWED = ("platform/hal/", "platform/runtime/", "platform/crypto/", "platform/codec/fdt", "platform/codec/device_tree",
           "platform/base/poison.h", "platform/base/CMakeLists.txt", "platform/codec/CMakeLists.txt")
KINDS = {
    "reinterpret_cast": r"\breinterpret_cast\b",
    "asm": r"\b(__asm__|__asm|asm)\b",
    "volatile": r"\bvolatile\b",
    "unsafe-buffer-pragma": r"clang unsafe_buffer_usage (begin|end)|-Wno-unsafe-buffer|ignored\s+\"-Wunsafe-buffer|\bUNSAFE\b",
    "c-memory": r"\b(memcpy|memmove|memset|memcmp|malloc|calloc|realloc|free|alloca|strcpy|strlen)\s*\(",
    "cast-through-void": r"static_cast<[^<>]*\*>\(\s*static_cast<(const )?void",
    "const-cast": r"\bconst_cast\b",
}


def stripped(text, path):
    """Without comments and strings (the poison list names what it forbids)."""
    if path.endswith("CMakeLists.txt"):
        return re.sub(r"#.*", "", text)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"//.*", "", text)
    text = re.sub(r"#pragma GCC poison.*|#undef.*", "", text)
    return re.sub(r'(?<!ignored )"(\\.|[^"\\\n])*"', '""', text)


def assembly_lines(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return sum(1 for line in text.splitlines() if re.sub(r"(//|#(?!\w)).*", "", line).strip())


def count(root, files):
    found = {}
    for path in files:
        if path.endswith((".S", ".s", ".asm")):  # wherever it stands: it is nobody's but an image's
            with open(os.path.join(root, path), encoding="utf-8") as file:
                found.setdefault((os.path.dirname(path), "assembly-line"), {})[path] = assembly_lines(file.read())
            continue
        if not path.startswith(COUNTED) or not path.endswith((".h", ".cpp", "CMakeLists.txt")):
            continue
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = stripped(file.read(), path)
        for kind, pattern in KINDS.items():
            number = len(re.findall(pattern, text))
            if number:
                found.setdefault((os.path.dirname(path), kind), {})[path] = number
    return found


def budget():
    allowed = {}
    with open(FILE, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                folder, kind, number = line.split()
                allowed[folder, kind] = int(number)
    return allowed


def verify(root, files):
    found, allowed = count(root, files), budget()
    outside = [f"{path}: {number} {kind}" for (_, kind), places in sorted(found.items()) for path, number in places.items()
               if not path.startswith(ALLOWED)]
    yield "unsafe code stays in its folders", outside
    totals = {key: sum(places.values()) for key, places in found.items()}
    wrong = [f"{folder}: {totals.get((folder, kind), 0)} {kind}, the budget says {allowed.get((folder, kind), 0)}"
             for folder, kind in sorted(set(totals) | set(allowed))
             if totals.get((folder, kind), 0) != allowed.get((folder, kind), 0)]
    yield "unsafe budget", wrong


def write(root, files):
    with open(FILE, "w", encoding="utf-8") as file:
        file.write("# folder, what, how often. Written by unsafe_budget.py --write; a larger number needs a reason in the\n"
                   "# commit message.\n")
        for (folder, kind), places in sorted(count(root, files).items()):
            file.write(f"{folder} {kind} {sum(places.values())}\n")


if __name__ == "__main__":
    import check_style
    if sys.argv[1:] == ["--write"]:
        write(check_style.ROOT, check_style.source_files())
    else:
        for (where, what), places in sorted(count(check_style.ROOT, check_style.source_files()).items()):
            print(where, what, places)
