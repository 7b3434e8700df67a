#!/usr/bin/python3
"""example_zones.py: every zone in zones/ passes our own strict checks, and loads in nsd, knot and bind as it loads in ours:
`samara zone format` and bind's reader agree on every record. Zones with a digest (RFC 8976) are verified without being signed, and
a wrong digest is an error of both verbs."""
import glob
import os
import subprocess
import sys

import dns.exception
import dns.name
import dns.rdata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import servers  # noqa: E402

SAMARA = os.environ.get("SAMARA", servers.SAMARA)
OUT = os.path.join(servers.ROOT, "out", "test", "example_zones")


def records(text):
    found = set()
    for line in text.splitlines():
        if not line.strip() or line.startswith((";", "$")):
            continue
        owner, ttl, _, rr_type, rdata = line.split(None, 4)
        wire = dns.rdata.from_text("IN", rr_type, rdata).to_digestable(origin=dns.name.root)
        found.add((dns.name.from_text(owner).canonicalize().to_wire(), int(ttl), rr_type, wire))
    return found


def digests(result):
    folder = os.path.join(servers.ROOT, "tests", "data", "zone", "zonemd")
    good = os.path.join(folder, "rfc8976-a1-simple.zone")
    with open(good, encoding="ascii") as file:
        text = file.read()
    plain = "$TTL 60\n@ SOA ns host 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
    cases = [("a good digest", text, 0, 0, "not signed, ZONEMD good"),
             ("a wrong digest", text.replace("203.0.113.63", "203.0.113.64"), 65, 65, "do not match its ZONEMD record"),
             ("another serial", text.replace("2018031900", "2018031901", 1), 65, 65, "made for another serial"),
             ("neither signatures nor digest", plain, 0, 65, "nothing to verify")]
    for what, zone, check, verify, said in cases:
        path = os.path.join(OUT, "digest.zone")
        with open(path, "w", encoding="ascii") as file:
            file.write(zone)
        for verb, code in (("check", check), ("verify", verify)):
            run = subprocess.run([SAMARA, "zone", verb, "--zone", "example", path], capture_output=True, text=True)
            text_of_run = run.stdout + run.stderr
            shown = verb == "check" or said in text_of_run
            result.check(run.returncode == code and shown, f"zone {verb}: {what}", text_of_run.strip()[:300])


def main():
    result = report.Report()
    os.makedirs(OUT, exist_ok=True)
    zones = sorted(glob.glob(os.path.join(servers.ROOT, "zones", "**", "*.zone"), recursive=True))
    result.check(zones, "there are example zones")
    for path in zones:
        name = os.path.basename(path).removesuffix(".zone")
        run = subprocess.run([SAMARA, "zone", "check", path], capture_output=True, text=True)
        result.check(run.returncode == 0, f"{name}: samara zone check", (run.stderr or run.stdout).strip()[:300])
        ours = subprocess.run([SAMARA, "zone", "format", path], capture_output=True, text=True)
        flat = os.path.join(OUT, f"{name}.flat")
        bind = subprocess.run(["named-compilezone", "-q", "-i", "none", "-k", "ignore", "-s", "full", "-o", flat, name, path],
                              capture_output=True, text=True, cwd=os.path.dirname(path))
        if result.check(ours.returncode == 0 and bind.returncode == 0, f"{name}: read by samara and by bind",
                        (ours.stderr + bind.stdout + bind.stderr).strip()[:300]):
            with open(flat, encoding="utf-8") as file:
                expected = records(file.read())
            try:
                got = records(ours.stdout)
                result.check(got == expected, f"{name}: the same records", f"{len(got ^ expected)} differ")
            except (ValueError, dns.exception.DNSException) as error:
                result.check(False, f"{name}: samara zone format is readable", repr(error)[:200])
    digests(result)
    result.finish()


if __name__ == "__main__":
    main()
