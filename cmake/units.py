#!/usr/bin/python3
"""units.py UNITS FILE…: writes UNITS-1.cpp and so on, which include several of the source files each, and tells what is to be
compiled in their place, with `;` between. A file that goes together with no other is told as it is.

Nearly all of a file's time goes into headers, again for each file. Files cannot share a unit when one declares a name for
itself - in an unnamed namespace, as a static function or as a macro - that the other one, or a header which only that one
includes, mentions at all, but as a member of something: it would be declared twice, be ambiguous, or shadow something. That is
more careful than the language asks for, and needs no compiler.
"""
import functools
import os
import re
import sys

FOLDER = "units"  # of a build, where its units are
MOST_FILES = 12   # of a unit: enough to share the headers, few enough to keep all cores busy
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORD = re.compile(r"[A-Za-z_]\w*")
TOKENS = re.compile(r"""(?P<skipped>//[^\n]*|/\*.*?\*/|\#[^\n]*|R"(\w*)\(.*?\)\2"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+')
                        |[A-Za-z_]\w*|\d[\w']*|::|\S""", re.S | re.X)
# What a name may be followed by where it is declared. A macro's name in front of `(` is a use of it, as TEST is.
DECLARES = re.compile(r"[=({;:\[]$")
USED = frozenset("= , < . | + - ! ? : ::".split())  # before a name: this is no declaration
ARROW = ["-", ">"]
NOT_NAMES = frozenset("if for while switch return sizeof alignas alignof decltype noexcept requires static_assert operator const "
                      "constexpr template typename explicit class struct enum union final override auto".split())


def tokens(text):
    return [found.group() for found in TOKENS.finditer(text) if not found["skipped"]]


def mentioned(words):
    """All but what is looked up in something that stands before it."""
    return {word for at, word in enumerate(words) if at == 0 or not (words[at - 1] in (".", "::") or words[at - 2:at] == ARROW)}


def in_macros(text):
    return {word for line in re.findall(r"^\s*#\s*define((?:\\\n|[^\n])*)", text, re.M) for word in WORD.findall(line)}


def macros(text):
    return set(re.findall(r"^\s*#\s*define\s+(\w+)", text, re.M))


def declared(words, at):
    """Whether the word is one that looks like being declared where it stands."""
    return (at + 1 < len(words) and DECLARES.match(words[at + 1]) and words[at - 1] not in USED and words[at - 2:at] != ARROW
            and WORD.fullmatch(words[at]) and words[at] not in NOT_NAMES and not words[at].isupper())


def own_names(text):
    """What a file declares for itself: macros, static functions, and what is directly inside an unnamed namespace."""
    names = macros(text) | set(re.findall(r"^static\s[^=;{]*?(\w+)\(", text, re.M))
    words = tokens(text)
    braces, parentheses, unnamed = 0, 0, []
    for at, word in enumerate(words):
        if word == "{":
            braces += 1
            if words[at - 1] == "namespace":
                unnamed.append(braces)
        elif word == "}":
            if unnamed and unnamed[-1] == braces:
                unnamed.pop()
            braces -= 1
        elif word in ("(", "["):
            parentheses += 1
        elif word in (")", "]"):
            parentheses -= 1
        elif unnamed and unnamed[-1] == braces and parentheses == 0 and declared(words, at):
            names.add(word)
    return names


@functools.lru_cache(None)
def header(path):
    """The words of a header of ours, and the headers of ours that it includes."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"//[^\n]*", "", file.read())
    return frozenset(mentioned(tokens(text)) | in_macros(text)), frozenset(included(path, text))


def included(path, text):
    for name in re.findall(r'^\s*#\s*include "([^"]+)"', text, re.M):
        for folder in (os.path.dirname(path), ROOT):
            if os.path.exists(os.path.join(folder, name)):
                yield os.path.realpath(os.path.join(folder, name))
                break


class Source:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        foreign = {name: what for what, name in re.findall(r"^ *extern (?!template)([^;{]*?\b(\w+)(?:\[\w*\])?);", text, re.M)}
        self.path, self.own = path, own_names(text) | foreign.keys()  # what a linker knows may have any type here
        self.aliases = {**dict(re.findall(r"^using (\w+) = ([^;]+);", text, re.M)), **foreign}
        self.mentioned = mentioned(tokens(text)) | in_macros(text)
        self.headers, new = set(), list(included(os.path.abspath(path), text))
        while new:
            found = new.pop()
            if found not in self.headers:
                self.headers.add(found)
                new += header(found)[1]

    def disturbs(self, other):
        same = {name for name, what in self.aliases.items() if other.aliases.get(name) == what}  # may be said twice
        return bool((self.own - same) & other.mentioned) or any(self.own & header(path)[0] for path in other.headers - self.headers)


def units(paths, most):
    """Greedily, in the order given: each file goes into the first unit that has room and nothing against it."""
    found = []
    for source in map(Source, paths):
        for unit in found:
            if len(unit) < most and not any(source.disturbs(other) or other.disturbs(source) for other in unit):
                unit.append(source)
                break
        else:
            found.append([source])
    return [[source.path for source in unit] for unit in found]


def write_unit(path, sources):
    """Not again when it is there as it should be: what is older than its object need not be compiled."""
    text = "".join(f'#include "{os.path.abspath(source)}"\n' for source in sources)
    if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return path


def sources_of(path):
    """The source files behind one that is compiled: those that it includes when it is a unit, or itself."""
    if os.path.basename(os.path.dirname(path)) != FOLDER:
        return [path]
    with open(path, encoding="utf-8") as file:
        return re.findall(r'^#include "(.+)"$', file.read(), re.M)


def without_precompiled(words):
    """How the compiler is called, but for the precompiled header (cmake/precompiled.cmake), which may not be there."""
    at = words.index("-include-pch") if "-include-pch" in words else len(words)
    return words[:at] + words[at + 2:]


def main(prefix, *paths):
    told = []
    for number, unit in enumerate(units(paths, MOST_FILES), 1):
        told.append(write_unit(f"{prefix}-{number}.cpp", unit) if len(unit) > 1 else unit[0])
    print(";".join(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
