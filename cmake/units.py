#!/usr/bin/python3
"""units.py MOST FILE…: which source files may be compiled as one translation unit; a line for each unit, `;` between its files.

Nearly all of a file's time goes into headers, again for each file. Files cannot share a unit when one declares a name for
itself - in an unnamed namespace, as a static function or as a macro - that the other one, or a header which only that one
includes, mentions at all: it would be declared twice, be ambiguous, or shadow something. That is more careful than the language
asks for, and needs no compiler.
"""
import functools
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORD = re.compile(r"[A-Za-z_]\w*")
TOKENS = re.compile(r"""(?P<skipped>//[^\n]*|/\*.*?\*/|\#[^\n]*|R"(\w*)\(.*?\)\2"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+')
                        |[A-Za-z_]\w*|\d[\w']*|::|\S""", re.S | re.X)
# What a name may be followed by where it is declared. A macro's name in front of `(` is a use of it, as TEST is.
DECLARES = re.compile(r"[=({;:\[]$")
USED = frozenset("= , < . | + - ! ? ::".split())  # before a name: this is no declaration
NOT_NAMES = frozenset("if for while switch return sizeof alignas alignof decltype noexcept requires static_assert operator const "
                      "constexpr template typename explicit class struct enum union final override auto".split())


def tokens(text):
    return [found.group() for found in TOKENS.finditer(text) if not found["skipped"]]


def macros(text):
    return set(re.findall(r"^\s*#\s*define\s+(\w+)", text, re.M))


def declared(words, at):
    """Whether the word is one that looks like being declared where it stands."""
    return (at + 1 < len(words) and DECLARES.match(words[at + 1]) and words[at - 1] not in USED
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
    return frozenset(WORD.findall(text)), frozenset(included(path, text))


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
        self.path, self.own = path, own_names(text)
        self.mentioned = set(tokens(text)) | macros(text)
        self.headers, new = set(), list(included(os.path.abspath(path), text))
        while new:
            found = new.pop()
            if found not in self.headers:
                self.headers.add(found)
                new += header(found)[1]

    def disturbs(self, other):
        return bool(self.own & other.mentioned) or any(self.own & header(path)[0] for path in other.headers - self.headers)


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


if __name__ == "__main__":
    for unit in units(sys.argv[2:], int(sys.argv[1])):
        print(";".join(unit))
