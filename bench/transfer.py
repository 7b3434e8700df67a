#!/usr/bin/python3
"""transfer.py [--quick] [--only LIST] [--servers LIST] [--records N]: zone transfers and updates, beside nsd, knot and bind.

  out       AXFR of a zone of a million records to dig over loopback: wall-clock time, the best of three; beside it the time to a client
            that only reads, and the CPU time of all the server's processes for one transfer
  in        the same zone into a secondary, and differences of it (transfer_in.py)
  members   the members of a catalog into a secondary (members.py)
  updates   dynamic updates (updates.py)

Figures of different machines do not compare; ratios do.
"""
import argparse
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tests", "interop")]
import members  # noqa: E402
import servers  # noqa: E402
import transfer_in  # noqa: E402
import updates  # noqa: E402
from workload import Workload  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "bench")
AXFR = 252
ROUNDS = 3
OUT_ROWS = (("AXFR out, dig", "s", 0.4), ("AXFR out, reader", "s", None), ("AXFR out, server's CPU", "s", None),
            ("AXFR out, messages", "", None), ("AXFR out, octets", "", None))


class Giver(servers.Server):
    """A server that gives its zones to everybody."""

    def _command(self):
        command = super()._command()
        if self.kind == "samara":
            manifest = os.path.join(self.folder, "manifest.yaml")
            with open(manifest, "w", encoding="utf-8") as file:
                file.write(f"role: primary\nlisten: [\"{self.address}:{self.port}\"]\nacl: {{transfer: [any]}}\nzones:\n")
                file.writelines(f"  {name}: {{file: {path}}}\n" for name, path in self.zones)
            return [command[0], "run", manifest]
        with open(command[-1], encoding="utf-8") as file:
            conf = file.read()
        if self.kind == "knot":
            conf = conf.replace("zone:\n", "acl:\n  - id: all\n    action: transfer\nzone:\n", 1)
            conf = conf.replace("    semantic-checks: off\n", "    semantic-checks: off\n    acl: all\n")
        elif self.kind == "nsd":
            conf = re.sub(r"(  zonefile: .*\n)", r"\1  provide-xfr: 0.0.0.0/0 NOKEY\n", conf)
        with open(command[-1], "w", encoding="utf-8") as file:
            file.write(conf)
        return command


def to_dig(server, zone, records):
    """Seconds for dig to take a zone and write it out to nowhere."""
    begin = time.monotonic()
    run = subprocess.run(["dig", "@127.0.0.1", "-p", str(server.port), "AXFR", zone, "+noall", "+stats", "+time=120"], capture_output=True,
                         text=True, check=True)
    seconds = time.monotonic() - begin
    size = re.search(r"XFR size: (\d+) records", run.stdout)
    if not size or int(size.group(1)) != records + 1:
        raise RuntimeError(f"dig: {run.stdout[-300:]}")
    return seconds


def to_reader(server, zone, records):
    """Seconds, messages and octets for a client that only counts records."""
    begin, octets, messages, found = time.monotonic(), 0, 0, 0
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        request = servers.query(zone, AXFR)
        client.sendall(struct.pack(">H", len(request)) + request)
        stream = client.makefile("rb", buffering=1 << 18)
        while found < records + 1:
            message = stream.read(struct.unpack(">H", stream.read(2))[0])
            found += struct.unpack(">H", message[6:8])[0]
            messages, octets = messages + 1, octets + len(message) + 2
    return time.monotonic() - begin, messages, octets


def measure_out(kind, work):
    with Giver(kind, [(work.origin, work.zone)], os.path.join(OUT, "run"), ready_timeout=180) as server:
        dig = min(to_dig(server, work.origin, work.count) for _ in range(ROUNDS))
        before = server.cpu_seconds()
        runs = [to_reader(server, work.origin, work.count) for _ in range(ROUNDS)]
        cpu = (server.cpu_seconds() - before) / ROUNDS
    return {"AXFR out, dig": dig, "AXFR out, reader": min(run[0] for run in runs), "AXFR out, server's CPU": cpu,
            "AXFR out, messages": runs[0][1], "AXFR out, octets": runs[0][2]}


def measure_in(kinds, work):
    with Giver("samara", [(work.origin, work.zone)], os.path.join(OUT, "run"), ready_timeout=180) as server:
        axfr, serial = transfer_in.capture(server.port, work.origin), servers.soa_serial(server.port, work.origin)
    return transfer_in.run(kinds, work.origin, axfr, serial, OUT)


def figure(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 1000 or value == int(value) else f"{value:.4f}" if value < 1 else f"{value:.2f}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a tenth of the records")
    options.add_argument("--only", default="out,in,members,updates", help="some of out,in,members,updates")
    options.add_argument("--servers", default="samara,nsd,knot,bind")
    options.add_argument("--records", type=int, default=1000000)
    options = options.parse_args()
    kinds, parts = options.servers.split(","), options.only.split(",")
    count = options.records // 10 if options.quick else options.records
    print(f"  zone of {count} records, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    work = Workload(f"large-{count}.test", count, os.path.join(OUT, "zones"))
    results, rows = {kind: {} for kind in kinds}, []
    for part, its_rows, measure in (("out", OUT_ROWS, lambda: {kind: measure_out(kind, work) for kind in kinds}),
                                    ("in", transfer_in.rows(), lambda: measure_in(kinds, work)),
                                    ("members", members.rows(), lambda: members.run(kinds, OUT)),
                                    ("updates", updates.rows(), lambda: updates.run(kinds, OUT))):
        if part not in parts:
            continue
        print(f"  {part}", file=sys.stderr, flush=True)
        for kind, figures in measure().items():
            results[kind] |= figures
        rows += its_rows
    print(f"{'':30}" + "".join(f"{kind:>10}" for kind in kinds) + f"{'goal':>8}")
    for name, unit, goal in rows:
        print(f"{name:30}" + "".join(f"{figure(results[kind].get(name)):>10}" for kind in kinds) + f"{goal or '-':>8}  {unit}")
    with open(os.path.join(OUT, "transfer.json"), "w", encoding="utf-8") as file:
        json.dump({"records": count, "goals": {name: goal for name, _, goal in rows}, "results": results}, file, indent=2)
        file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
