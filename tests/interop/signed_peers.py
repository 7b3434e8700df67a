#!/usr/bin/python3
"""signed_peers.py: TSIG between our secondary and nsd, knot and bind as primaries: every algorithm, another secret, a key they do not
know, clocks apart (libfaketime moves theirs), keys for shortened MACs; what the log says of each. And shortened MACs at our primary."""
import base64
import glob
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import secondaries  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "signed_peers")
ALGORITHMS = ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
SECRET = base64.b64encode(bytes(range(64))).decode()
OTHER_SECRET = base64.b64encode(bytes(range(64, 128))).decode()
SERVFAIL = 2
SERIAL = 5
ZONE_TEXT = f"$TTL 300\n@ SOA ns hostmaster {SERIAL} 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
# zone -> the key that protects it at the primary, and what ours has for it
GOOD = {f"{algorithm[5:]}.test": algorithm for algorithm in ALGORITHMS}
WRONG, UNKNOWN = "wrong.test", "unknown.test"
# The `faketime` command would stay in between, and be all that ends when the server is told to.
CLOCK = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME=-1200s",
         "LD_PRELOAD=" + "".join(glob.glob("/usr/lib/*/faketime/libfaketime.so.1"))]


def write(folder, name, text):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def primary(kind, zones, folder, wrapper=()):
    """A server with a zone for each (zone, key); keys are named as their algorithms, `shared` is one of SHA-256."""
    files = [(zone, write(folder, zone, ZONE_TEXT)) for zone in zones]
    keys = sorted(set(zones.values()))
    algorithm = {key: key if key in ALGORITHMS or key.startswith("hmac") else "hmac-sha256" for key in keys}
    if kind == "bind":
        conf = "".join(f'key "{key}" {{ algorithm {algorithm[key]}; secret "{SECRET}"; }};\n' for key in keys)
        zone_conf = "type primary; check-integrity no; allow-transfer { " + " ".join(f'key "{key}";' for key in keys) + " };"
    elif kind == "knot":
        conf = "key:\n" + "".join(f"  - id: {key}\n    algorithm: {algorithm[key]}\n    secret: {SECRET}\n" for key in keys)
        conf += "acl:\n  - id: all\n    key: [" + ", ".join(keys) + "]\n    action: transfer\n"
        zone_conf = "    acl: all\n"
    else:
        conf = "".join(f'key:\n  name: "{key}"\n  algorithm: {algorithm[key]}\n  secret: "{SECRET}"\n' for key in keys)
        zone_conf = "".join(f"  provide-xfr: 127.0.0.1 {key}\n" for key in keys)
    return servers.Server(kind, files, folder, wrapper=wrapper, conf=conf, zone_conf=zone_conf)


def secondary(port, primary_port, zones, folder):
    """Ours, with a key for each zone: {zone: (key, algorithm, secret)}."""
    lines = ["role: secondary", f'listen: ["127.0.0.1:{port}"]', "refresh: {retry-min: 1s, retry-max: 2s}", "keys:"]
    lines += sorted({f"  {key}: {{algorithm: {algorithm}, secret: {secret}}}" for key, algorithm, secret in zones.values()})
    lines += ["zones:"]
    lines += [f'  {zone}: {{primaries: [{{address: "127.0.0.1:{primary_port}", key: {key}}}]}}' for zone, (key, _, _) in zones.items()]
    os.makedirs(folder, exist_ok=True)
    return secondaries.Process("samara", port, secondaries.samara(folder, "\n".join(lines) + "\n"), folder)


def await_serial(port, zone, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if servers.soa_serial(port, zone) == SERIAL:
            return True
        time.sleep(0.02)
    return False


def await_words(process, pattern, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if re.search(pattern, process.text()):
            return True
        time.sleep(0.05)
    return False


def rcode(port, zone):
    answer = servers.ask_udp(port, servers.query(zone))
    return answer[3] & 15 if answer else None


def refused(result, kind, ours, port, zone, what, word):
    said = await_words(ours, rf"zone {re.escape(zone)}\.: not refreshed \([^)]*\({word}\)")
    result.check(said and rcode(port, zone) == SERVFAIL, f"{kind}, {what}: no zone, and the log says {word}",
                 "\n".join(line for line in ours.text().splitlines() if zone in line)[-500:])


def with_primary(result, kind):
    folder = os.path.join(OUT, kind)
    there = {**GOOD, WRONG: "shared", UNKNOWN: "hmac-sha256"}
    here = {zone: (key, key, SECRET) for zone, key in GOOD.items()}
    here |= {WRONG: ("shared", "hmac-sha256", OTHER_SECRET), UNKNOWN: ("stranger", "hmac-sha256", SECRET)}
    port = servers.free_port()
    with primary(kind, there, folder) as giver:
        ours = secondary(port, giver.port, here, os.path.join(folder, "samara"))
        try:
            for zone, algorithm in GOOD.items():
                result.check(await_serial(port, zone), f"{kind}, {algorithm}: the zone comes", ours.text()[-400:])
            refused(result, kind, ours, port, WRONG, "another secret", "BADSIG")
            refused(result, kind, ours, port, UNKNOWN, "an unknown key", "BADKEY")
        finally:
            ours.stop()


def with_other_clock(result, kind):
    folder = os.path.join(OUT, kind + "-late")
    zone = "sha256.test"
    port = servers.free_port()
    with primary(kind, {zone: "hmac-sha256"}, folder, wrapper=CLOCK) as giver:
        ours = secondary(port, giver.port, {zone: ("hmac-sha256", "hmac-sha256", SECRET)}, os.path.join(folder, "samara"))
        try:
            refused(result, kind, ours, port, zone, "a clock 20 minutes behind", "BADTIME")
        finally:
            ours.stop()


def with_short_macs(result):
    """We sign with whole MACs, and where a key's policy allows 128 bits at bind, its answers are as long as ours; we take whole ones only."""
    folder = os.path.join(OUT, "short")
    zone = "short.test"
    key = "hmac-sha256-128"
    port = servers.free_port()
    with primary("bind", {zone: key}, folder) as giver:
        ours = secondary(port, giver.port, {zone: (key, "hmac-sha256", SECRET)}, os.path.join(folder, "samara"))
        try:
            result.check(await_serial(port, zone), "bind, with a key for shortened MACs: the zone comes", ours.text()[-500:])
        finally:
            ours.stop()
    port, path = servers.free_port(), os.path.join(folder, "primary")
    write(path, "zone", ZONE_TEXT)
    manifest = (f'role: primary\nlisten: ["127.0.0.1:{port}"]\nzones: {{{zone}: {{file: zone}}}}\n'
                f"keys: {{{key}: {{algorithm: hmac-sha256, secret: {SECRET}}}}}\nacl: {{transfer: [{{key: {key}}}]}}\n")
    ours = secondaries.Process("samara", port, secondaries.samara(path, manifest), path)
    try:
        ours.await_answer()
        for bits, good in (("", True), ("-128", False)):
            dig = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), zone, "AXFR", "+tries=1", "+time=2", "-y",
                                  f"hmac-sha256{bits}:{key}:{SECRET}"], capture_output=True, text=True, check=False, timeout=20).stdout
            if good:
                result.check("ns.short.test." in dig, "dig with a whole MAC has the zone from us", dig[-400:])
            else:
                result.check("ns.short.test." not in dig and re.search("BADTRUNC|Transfer failed", dig),
                             "dig with a MAC of 128 bits has not", dig[-400:])
        query = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), zone, "SOA", "+tries=1", "+time=2", "-y",
                                f"hmac-sha256-128:{key}:{SECRET}"], capture_output=True, text=True, check=False, timeout=20).stdout
        result.check("BADTRUNC" in query and "NOTAUTH" in query, "dig with a MAC of 128 bits hears BADTRUNC", query[-600:])
    finally:
        ours.stop()


def main():
    result = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    for kind in ("nsd", "knot", "bind"):
        with_primary(result, kind)
        if kind != "bind":  # its allocator asks for the time before libfaketime can give it
            with_other_clock(result, kind)
    with_short_macs(result)
    result.finish()


if __name__ == "__main__":
    main()
