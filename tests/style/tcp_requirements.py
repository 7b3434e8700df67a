#!/usr/bin/python3
"""The traceability table of docs/tcp.md: every MUST of RFC 9293 (numbered 1 to 69 there) has a row, every row a test that bears
its number, and every test it names exists."""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = "docs/tcp.md"
TESTS = "tests/unit/platform/net/tcp/*_test.cpp"
CODE = "platform/net/tcp"
LAST = 69
ROW = re.compile(r"^\| MUST-(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M)


def broken(root=ROOT):
    with open(os.path.join(root, TABLE), encoding="utf-8") as file:
        rows = ROW.findall(file.read())
    known = set()
    for path in glob.glob(os.path.join(root, TESTS)):
        with open(path, encoding="utf-8") as file:
            known.update(re.findall(r"^TEST(?:_F|_P)?\(\s*\w+,\s*(\w+)\)", file.read(), re.M))
    numbers = [int(row[0]) for row in rows]
    for number in range(1, LAST + 1):
        if numbers.count(number) != 1:
            yield f"{TABLE}: MUST-{number} has {numbers.count(number)} rows, not one"
    for number, _, where, tests in rows:
        if not 1 <= int(number) <= LAST:
            yield f"{TABLE}: there is no MUST-{number}"
        for name in re.findall(r"\b\w+\.(?:h|cpp)\b", where):
            if not os.path.exists(os.path.join(root, CODE, name)):
                yield f"{TABLE}: MUST-{number}: there is no {CODE}/{name}"
        names = re.findall(r"`(\w+)`", tests)
        if not names:
            yield f"{TABLE}: MUST-{number} names no test"
        for name in names:
            if name not in known:
                yield f"{TABLE}: MUST-{number}: no test is named {name}"
            if f"Must{int(number):02}" not in name:
                yield f"{TABLE}: MUST-{number}: {name} does not bear its number"


if __name__ == "__main__":
    places = list(broken())
    for place in places:
        print(place)
    sys.exit(1 if places else 0)
