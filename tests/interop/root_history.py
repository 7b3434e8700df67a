#!/usr/bin/python3
"""root_history.py: many versions of the root zone load with every record, and `samara zone diff` of neighbours, applied to the
older one, gives the newer one. A version without a SOA record at the apex (the history has one) is refused.

The versions are those of root-zone-history.bundle in ../shared/data beside the checkout where it exists, and those in
tests/data/root otherwise. The difference is applied here, independently of our own code: a line that begins with `-` must
be in the zone and is taken out, a line that begins with `+` must not be and is put in.
"""
import concurrent.futures
import glob
import lzma
import os
import shutil
import subprocess
import sys

import dns.name
import dns.rdata
import dns.rdatatype

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "root_history")
BUNDLE = os.path.join(os.path.dirname(servers.ROOT), "shared", "data", "root-zone-history.bundle")
SAMARA = os.environ.get("SAMARA", servers.SAMARA)


def versions():
    """Zone files, oldest first."""
    files = []
    if os.path.exists(BUNDLE):
        clone = os.path.join(OUT, "history")
        subprocess.run(["git", "clone", "-q", "--bare", BUNDLE, clone], check=True, capture_output=True)
        head = subprocess.run(["git", "bundle", "list-heads", BUNDLE], check=True, capture_output=True, text=True).stdout.split()[0]
        commits = subprocess.run(["git", "-C", clone, "rev-list", "--reverse", head], check=True, capture_output=True,
                                 text=True).stdout.split()
        for number, commit in enumerate(commits):
            path = os.path.join(OUT, f"{number:03}.zone")
            with open(path, "wb") as file:
                subprocess.run(["git", "-C", clone, "show", f"{commit}:root.zone"], check=True, stdout=file)
            files.append(path)
    else:
        for packed in sorted(glob.glob(os.path.join(servers.ROOT, "tests", "data", "root", "*.xz"))):
            path = os.path.join(OUT, os.path.basename(packed).removesuffix(".xz"))
            with lzma.open(packed) as source, open(path, "wb") as file:
                shutil.copyfileobj(source, file)
            files.append(path)
    return files


cache = {}


def canonical(line):
    """A record's text in one form: names in lower case, rdata through dnspython."""
    found = cache.get(line)
    if found is None:
        # Some versions hold raw UTF-8; dnspython would take that for IDNA.
        text = "".join(c if ord(c) < 128 else f"\\{ord(c):03}" for c in line)
        owner, ttl, _, rr_type, rdata = text.split(None, 4)
        wire = dns.rdata.from_text("IN", rr_type, rdata).to_digestable(origin=dns.name.root)
        found = cache[line] = (dns.name.from_text(owner).canonicalize().to_wire(), int(ttl), rr_type, wire)
    return found


def records(lines):
    return {canonical(line) for line in lines if line.strip() and not line.startswith(";")}


def records_of(path):
    with open(path, encoding="latin-1") as file:
        return records(file)


def is_zone(path):
    with open(path, encoding="latin-1") as file:
        return any(line.split(None, 4)[0] == "." and line.split(None, 4)[3] == "SOA" for line in file)


def samara(*arguments):
    return subprocess.run([SAMARA, *arguments], capture_output=True, encoding="latin-1", timeout=120)


def load(path):
    run = samara("zone", "format", "--zone", ".", path)
    return run.returncode, run.stdout, run.stderr.strip()[:300]


def difference(pair):
    run = samara("zone", "diff", "--zone", ".", *pair)
    return run.returncode, run.stdout, run.stderr.strip()[:300]


def apply(base, text):
    """The records after the difference; a text that says why it does not fit otherwise."""
    changed = set(base)
    for line in text.splitlines():
        sign, rest = line[:1], line[1:].strip()
        if sign not in "+-" or not rest:
            continue
        record = canonical(rest)
        if sign == "-":
            if record not in changed:
                return f"takes out what is not there: {rest[:100]}"
            changed.remove(record)
        else:
            if record in changed:
                return f"puts in what is there: {rest[:100]}"
            changed.add(record)
    return changed


def main():
    result = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    files = versions()
    print(f"  {len(files)} versions" + ("" if os.path.exists(BUNDLE) else " (the whole history is not beside the checkout)"), flush=True)
    result.check(len(files) >= 2, "at least two versions")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        good = []
        for path, (code, text, errors) in zip(files, pool.map(load, files)):
            name = os.path.basename(path)
            if not is_zone(path):
                result.check(code == 65, f"{name} has no SOA and is refused", f"exit {code}")
            elif result.check(code == 0, f"{name} loads", f"exit {code}: {errors}"):
                good.append(path)
                difference_to_file = records(text.splitlines()) ^ records_of(path)
                result.check(not difference_to_file, f"{name}: every record is there", f"{len(difference_to_file)} differ")
        base = records_of(good[0])
        pairs = list(zip(good, good[1:]))
        for pair, (code, text, errors) in zip(pairs, pool.map(difference, pairs)):
            name = " -> ".join(os.path.basename(path) for path in pair)
            expected = records_of(pair[1])
            if result.check(code == 0, f"{name}: zone diff", f"exit {code}: {errors}"):
                changed = apply(base, text)
                result.check(changed == expected, f"{name}: applied, gives the newer version",
                             changed if isinstance(changed, str) else f"{len(changed ^ expected)} records differ")
            base = expected
    shutil.rmtree(OUT, ignore_errors=True)
    result.finish()


if __name__ == "__main__":
    main()
