"""Dynamic updates: how many a second a primary makes and confirms, each adding one record, sent by TCP with 32 under way, to a zone of
10,000 records. nsd has no updates. Ours keeps them in its storage, knot and bind in their journals."""
import os
import shutil
import socket
import struct
import time

import secondaries
import servers
from workload import Workload

UPDATES = 20_000
UNDER_WAY = 32
RECORDS = 10_000
KINDS = ("samara", "knot", "bind")
SAMARA = """role: primary
listen: ["127.0.0.1:{port}"]
zones:
  {zone}: {{file: {file}}}
acl: {{update: [127.0.0.1]}}
storage: {{file: primary.store, size: 256MiB}}
"""
KNOT = """acl:
  - id: all
    address: 127.0.0.1
    action: update
zone:
  - domain: {zone}
    file: {file}
    acl: all
    zonefile-sync: -1
    journal-content: changes
    semantic-checks: off
"""
BIND = 'zone "{zone}" {{ type primary; file "{file}"; allow-update {{ 127.0.0.1; }}; check-integrity no; }};\n'


def message(zone, number):
    owner = f"u{number}".encode()
    added = struct.pack("B", len(owner)) + owner + b"\xc0\x0c" + struct.pack(">HHIHI", 1, 1, 60, 4, 0x0a000000 + number)
    octets = struct.pack(">HHHHHH", number & 0xffff, 5 << 11, 1, 0, 1, 0) + servers.wire_name(zone) + struct.pack(">HH", 6, 1) + added
    return struct.pack(">H", len(octets)) + octets


def start(kind, work, folder):
    port = servers.free_port()
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    file = os.path.join(folder, "zone")
    shutil.copy(work.zone, file)
    values = {"folder": folder, "address": "127.0.0.1", "port": port, "zone": work.origin, "file": file}
    if kind == "samara":
        return secondaries.Process(kind, port, secondaries.samara(folder, SAMARA.format(**values)), folder)
    path = os.path.join(folder, "conf")
    with open(path, "w", encoding="ascii") as conf:
        conf.write(({"knot": servers.KNOT, "bind": servers.BIND}[kind] + {"knot": KNOT, "bind": BIND}[kind]).format(**values))
    command = {"knot": ["knotd", "-c", path], "bind": ["named", "-g", "-n", "1", "-c", path]}[kind]
    return secondaries.Process(kind, port, command, folder)


def measure(kind, work, folder):
    """Updates a second, and CPU microseconds of the server for each."""
    server = start(kind, work, folder)
    try:
        server.await_answer()
        messages = [message(work.origin, number) for number in range(UPDATES)]
        before, begin, answered, sent = server.cpu_seconds(), time.monotonic(), 0, 0
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.settimeout(60)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = client.makefile("rb")
            while answered < UPDATES:
                room = min(UNDER_WAY - (sent - answered), UPDATES - sent)
                if room:
                    client.sendall(b"".join(messages[sent:sent + room]))
                    sent += room
                answer = stream.read(struct.unpack(">H", stream.read(2))[0])
                if answer[3] & 15:
                    raise RuntimeError(f"{kind}: update {answered} got RCODE {answer[3] & 15}")
                answered += 1
        seconds = time.monotonic() - begin
        return {"updates a second": UPDATES / seconds, "CPU of an update": (server.cpu_seconds() - before) / UPDATES * 1e6}
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def rows():
    yield from (("updates a second", "1/s", None), ("CPU of an update", "us", None))


def run(kinds, out):
    work = Workload(f"updates-{RECORDS}.test", RECORDS, os.path.join(out, "zones"))
    return {kind: measure(kind, work, os.path.join(out, "updates-" + kind)) for kind in kinds if kind in KINDS}
