#!/usr/bin/python3
"""catalogs.py: catalog zones (RFC 9432) with knot and bind: they take the catalog that our primary makes (version 2), and our secondary
takes those of knot (which makes its own, version 2) and bind (a zone like any other, here of version 1). Members come, are the same
everywhere, and go."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import secondaries  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "catalogs")
SECRET = "c2FtYXJhLWV4YW1wbGUtc2VjcmV0LW5vdC1hLXNlY3I="
CATALOG = "catalog.test"
REFUSED = 5
PRIMARY = """role: primary
listen: ["127.0.0.1:{port}"]
zones:
{zones}
catalogs: {{catalog.test: {{members: all}}}}
keys: {{key: {{secret: {secret}}}}}
acl: {{transfer: [{{key: key}}, 127.0.0.1]}}
notify: [{{address: "127.0.0.1:{knot}", key: key}}, {{address: "127.0.0.1:{bind}", key: key}}]
"""
KNOT_CONSUMER = servers.KNOT + """key:
  - id: key
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: primary
    address: 127.0.0.1@{primary}
    key: key
acl:
  - id: notify
    key: key
    action: notify
  - id: transfer
    address: 127.0.0.1
    action: transfer
template:
  - id: member
    master: primary
    acl: [notify, transfer]
    storage: {folder}
    semantic-checks: off
zone:
  - domain: catalog.test
    master: primary
    acl: [notify, transfer]
    storage: {folder}
    catalog-role: interpret
    catalog-template: member
"""
BIND_CONSUMER = """key "key" {{ algorithm hmac-sha256; secret "{secret}"; }};
options {{ directory "{folder}"; listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no;
 pid-file "{folder}/pid"; session-keyfile "{folder}/session"; notify no; allow-transfer {{ any; }}; allow-new-zones yes;
 catalog-zones {{ zone "catalog.test" default-primaries {{ 127.0.0.1 port {primary} key key; }} in-memory yes min-update-interval 1; }};
}};
controls {{ }};
zone "catalog.test" {{ type secondary; file "{folder}/catalog"; primaries {{ 127.0.0.1 port {primary} key key; }};
 allow-notify {{ key key; }}; }};
"""
KNOT_PRODUCER = servers.KNOT + """key:
  - id: key
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: secondary
    address: 127.0.0.1@{secondary}
    key: key
acl:
  - id: out
    key: key
    action: transfer
  - id: local
    address: 127.0.0.1
    action: transfer
zone:
  - domain: catalog.test
    catalog-role: generate
    notify: secondary
    acl: [out, local]
    storage: {folder}
"""
KNOT_MEMBER = """  - domain: {zone}
    file: {file}
    catalog-role: member
    catalog-zone: catalog.test
    notify: secondary
    acl: [out, local]
    storage: {folder}
    semantic-checks: off
    zonefile-sync: -1
"""
BIND_PRODUCER = """key "key" {{ algorithm hmac-sha256; secret "{secret}"; }};
"""
BIND_PRODUCED = """type primary; check-integrity no; allow-transfer {{ key "key"; 127.0.0.1; }}; notify explicit; also-notify {{ 127.0.0.1 port
 {secondary} key "key"; }};"""
SECONDARY = """role: secondary
listen: ["127.0.0.1:{port}"]
keys: {{key: {{secret: {secret}}}}}
primaries: {{main: [{{address: "127.0.0.1:{primary}", key: key}}]}}
catalogs: {{catalog.test: {{primaries: main}}}}
acl: {{notify: [{{key: key}}], transfer: [127.0.0.1]}}
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def zone_text(number, serial=1):
    return f"$TTL 300\n@ SOA ns hostmaster {serial} 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.{number}\n"


def catalog_text(serial, version, members):
    lines = "".join(f"m{i}.zones 0 PTR {member}.\n" for i, member in enumerate(members))
    return f"$TTL 0\n@ SOA invalid. invalid. {serial} 3600 600 2147483646 0\n@ NS invalid.\nversion TXT \"{version}\"\n{lines}"


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def serves(port, zone, serial=1):
    return until(lambda: servers.soa_serial(port, zone) == serial)


def drops(port, zone):
    def refused():
        answer = servers.ask_udp(port, servers.query(zone))
        return answer is not None and answer[3] & 15 == REFUSED
    return until(refused)


def records(port, zone):
    text = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), zone, "AXFR", "+noall", "+answer", "+onesoa"], capture_output=True,
                          text=True, check=False, timeout=20).stdout
    return sorted(" ".join(line.split()) for line in text.splitlines() if line and not line.startswith(";"))


def same(first, second, zone):
    ours = records(first, zone)
    return len(ours) > 2 and ours == records(second, zone)


def ours_is_taken(result):
    ports = {kind: servers.free_port() for kind in ("primary", "knot", "bind")}
    folder = os.path.join(OUT, "ours")

    def configure(zones):
        for number, zone in enumerate(zones):
            write(os.path.join(folder, "samara", zone), zone_text(number + 1))
        lines = "\n".join(f"  {zone}: {{file: {zone}}}" for zone in zones)
        return secondaries.samara(os.path.join(folder, "samara"), PRIMARY.format(
            port=ports["primary"], zones=lines, secret=SECRET, knot=ports["knot"], bind=ports["bind"]))

    os.makedirs(os.path.join(folder, "samara"))
    processes = [secondaries.Process("samara", ports["primary"], configure(["a.test", "b.test"]), os.path.join(folder, "samara"))]
    try:
        processes[0].await_answer()
        for kind, conf, command in (("knot", KNOT_CONSUMER, ["knotd", "-c"]),
                                    ("bind", BIND_CONSUMER, ["named", "-g", "-n", "1", "-c"])):
            path = write(os.path.join(folder, kind, "conf"), conf.format(
                folder=os.path.join(folder, kind), address="127.0.0.1", port=ports[kind], primary=ports["primary"], secret=SECRET))
            processes.append(secondaries.Process(kind, ports[kind], [*command, path], os.path.join(folder, kind)))
        for process in processes[1:]:
            kind, port = process.kind, process.port
            for zone in ("a.test", "b.test"):
                result.check(serves(port, zone), f"{kind} learns {zone} from our catalog", process.text()[-600:])
                result.check(same(ports["primary"], port, zone), f"{kind} has the same {zone}")
        configure(["b.test", "c.test"])
        processes[0].process.send_signal(signal.SIGHUP)
        for process in processes[1:]:
            kind, port = process.kind, process.port
            result.check(serves(port, "c.test"), f"{kind} learns a zone that is added", process.text()[-600:])
            result.check(drops(port, "a.test"), f"{kind} drops a zone that is taken out", process.text()[-600:])
            result.check(serves(port, "b.test"), f"{kind} keeps the other one")
    finally:
        for process in processes:
            process.stop()


def follow(result, kind, primary_port, port, change):
    folder = os.path.join(OUT, f"behind-{kind}")
    os.makedirs(folder)
    ours = secondaries.Process("samara", port, secondaries.samara(folder, SECONDARY.format(port=port, primary=primary_port,
                                                                                           secret=SECRET)), folder)
    try:
        for zone in ("a.test", "b.test"):
            result.check(serves(port, zone), f"we learn {zone} from {kind}'s catalog", ours.text()[-600:])
            result.check(same(primary_port, port, zone), f"we have {kind}'s {zone}")
        change()
        result.check(serves(port, "c.test"), f"we learn a zone that {kind} adds", ours.text()[-600:])
        result.check(drops(port, "a.test"), f"we drop a zone that {kind} takes out", ours.text()[-600:])
        result.check(serves(port, "b.test"), f"we keep {kind}'s other one")
        result.check(re.search(r"catalog catalog\.test\.: serial \d+ has 2 zones: 1 added, 1 removed", ours.text()) is not None,
                     f"the log says what {kind}'s catalog changed", ours.text()[-600:])
    finally:
        ours.stop()


def knots_is_taken(result):
    folder = os.path.join(OUT, "knot")
    port, secondary = servers.free_port(), servers.free_port()
    values = {"folder": folder, "address": "127.0.0.1", "port": port, "secondary": secondary, "secret": SECRET}

    def configure(zones):
        members = "".join(KNOT_MEMBER.format(zone=zone, file=write(os.path.join(folder, zone), zone_text(ord(zone[0]))), **values)
                          for zone in zones)
        return write(os.path.join(folder, "conf"), KNOT_PRODUCER.format(**values) + members)

    knot = secondaries.Process("knot", port, ["knotd", "-c", configure(["a.test", "b.test"])], folder)
    try:
        knot.await_answer()

        def change():
            configure(["b.test", "c.test"])
            knot.process.send_signal(signal.SIGHUP)
        follow(result, "knot", port, secondary, change)
    finally:
        knot.stop()


def binds_is_taken(result):
    folder, secondary = os.path.join(OUT, "bind-zones"), servers.free_port()
    files = [(zone, write(os.path.join(folder, zone), zone_text(number))) for number, zone in enumerate(("a.test", "b.test", "c.test"))]
    catalog = write(os.path.join(folder, CATALOG), catalog_text(1, 1, ["a.test", "b.test"]))
    with servers.Server("bind", [*files, (CATALOG, catalog)], OUT, conf=BIND_PRODUCER.format(secret=SECRET),
                        zone_conf=BIND_PRODUCED.format(secondary=secondary)) as bind:
        def change():
            write(catalog, catalog_text(2, 1, ["c.test", "b.test"]))
            bind.process.send_signal(signal.SIGHUP)
        follow(result, "bind", bind.port, secondary, change)


def main():
    result = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    ours_is_taken(result)
    knots_is_taken(result)
    binds_is_taken(result)
    result.finish()


if __name__ == "__main__":
    main()
