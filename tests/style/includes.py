"""What a source file names, it has an include for, itself or by way of a header of ours. Builds that compile several files as one
(cmake/units.py) do not notice when it is only there because of its neighbour.

Looked at are the types that exactly one place of the tree declares, in a header, and the most usual ones of the standard library.
"""
import collections
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "cmake"))
import units  # noqa: E402

TYPE = r"(?:class|struct|enum class|union|using) (?:\[\[\w+\]\] )?(?:\w+::)*(\w+)"
DECLARED = re.compile(rf"\b{TYPE}(?=[^;{{(]*[{{=])")
DECLARED_IN_A_NAMESPACE = re.compile(rf"^{TYPE}(?: final)?(?: :[^;{{]*)? ?\{{", re.M)
STANDARD = {"optional": "optional", "vector": "vector", "array": "array", "span": "span", "string": "string", "variant": "variant",
            "string_view": "string_view", "function": "functional", "unique_ptr": "memory", "make_unique": "memory", "map": "map",
            "unordered_map": "unordered_map", "set": "set", "deque": "deque", "thread": "thread", "atomic": "atomic",
            "ostringstream": "sstream", "from_chars": "charconv", "to_chars": "charconv", "bit_width": "bit",
            "numeric_limits": "limits"}


def without_comments(path):
    with open(path, encoding="utf-8") as file:
        return re.sub(r"//[^\n]*", "", file.read())


def standard_headers(text):
    return set(re.findall(r"^\s*#\s*include <([^>]+)>", text, re.M))


def missing(root, files):
    """Yields lines about names without an include."""
    texts = {path: without_comments(os.path.join(root, path)) for path in files if path.endswith((".cpp", ".h"))}
    declarations = collections.Counter(name for text in texts.values() for name in set(DECLARED.findall(text)))
    home = {name: os.path.join(root, path) for path, text in texts.items() if path.endswith(".h")
            for name in DECLARED_IN_A_NAMESPACE.findall(text) if declarations[name] == 1}
    for path, text in texts.items():
        if not path.endswith(".cpp") or path.startswith("tests/mustfail/"):
            continue
        text = re.sub(r"\bTEST(_[FP])?\(\w+", "TEST(", text)  # a test's name is nobody's
        source = units.Source(os.path.join(root, path))
        for name in sorted(units.mentioned(units.tokens(text)) & home.keys()):
            if home[name] not in source.headers:
                yield f"{path}: names {name} without {os.path.relpath(home[name], root)}"
        included = standard_headers(text).union(*(standard_headers(without_comments(header)) for header in source.headers))
        for name in sorted(set(re.findall(r"\bstd::(\w+)", text)) & STANDARD.keys()):
            if STANDARD[name] not in included:
                yield f"{path}: names std::{name} without <{STANDARD[name]}>"
