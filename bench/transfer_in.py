"""What a secondary does with a zone of a million records that comes, and then changes: time until it is served, and memory. The primary
is scripted (scripted_primary.py), so its time is not in the figures.

  AXFR in       from the last octet handed over to the first answer with the zone, and from the NOTIFY-less start of the secondary
  IXFR of N     N changes (half of them deletions): from the last octet handed over to the first answer with the new serial, and from the
                NOTIFY; the best of the rounds
  memory        proportional resident memory (PSS) of all processes after each
"""
import os
import shutil
import socket
import struct
import sys
import time

import secondaries
import servers
from scripted_primary import ScriptedPrimary, record
from workload import ipv4

CHANGES = (1, 1_000, 100_000)
ROUNDS = 3
PATIENCE = 180  # seconds
A = 1


def capture(port, zone):
    """The messages of an AXFR without their IDs."""

    messages = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        request = servers.query(zone, 252)
        client.sendall(struct.pack(">H", len(request)) + request)
        stream = client.makefile("rb", buffering=1 << 20)
        soa_rdata_end = None
        while True:
            message = stream.read(struct.unpack(">H", stream.read(2))[0])
            messages.append(message[2:])
            # The SOA is the first record and the last: its numbers end the transfer.
            if soa_rdata_end is None:
                at = 12 + len(servers.wire_name(zone)) + 4 + 2
                size = struct.unpack(">H", message[at + 8:at + 10])[0]
                soa_rdata_end = message[at + 10 + size - 20:at + 10 + size]
            elif message.endswith(soa_rdata_end):
                return messages


def wait_for_serial(port, zone, serial):
    """When the first answer with it came."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if servers.soa_serial(port, zone, 0.05) == serial:
            return time.monotonic()
        time.sleep(0.0005)
    raise RuntimeError(f"serial {serial} is not served")


def changes(origin, count, round_number):
    """So many records that are there and go, and that come: hosts of an own subtree, so that no other record is touched."""
    def hosts(generation):
        for i in range((count + 1) // 2):
            number = generation * 1_000_003 + i
            owner = struct.pack("B", len(f"c{i}")) + f"c{i}".encode() + b"\7changes" + origin
            yield record(owner, A, bytes(int(part) for part in ipv4(number).split(".")))
    deleted = list(hosts(round_number - 1)) if round_number else []
    return deleted, list(hosts(round_number))


def measure(kind, zone, axfr, serial, folder):
    shutil.rmtree(folder, ignore_errors=True)
    primary = ScriptedPrimary(zone, axfr, serial)
    begin = time.monotonic()
    secondary = secondaries.Secondary(kind, zone, primary.port, folder, storage="1GiB")
    result = {}
    try:
        served = wait_for_serial(secondary.port, zone, serial)
        result["AXFR in"] = served - primary.handed_over
        result["AXFR in, from start"] = served - begin
        result["AXFR in, memory"] = secondary.resident_kib() / 1024
        for count in CHANGES:
            best = {}
            for round_number in range(ROUNDS + 1):  # the first one only adds
                time.sleep(1.5)  # what is put off is done, and no timer of the secondary's holds the next one back
                serial += 1
                primary.change(serial, *changes(primary.origin, count, round_number))
                begin = time.monotonic()
                primary.notify(secondary.port)
                served = wait_for_serial(secondary.port, zone, serial)
                if round_number == 0:
                    continue
                best["arrival"] = min(best.get("arrival", PATIENCE), served - primary.handed_over)
                best["NOTIFY"] = min(best.get("NOTIFY", PATIENCE), served - begin)
            result[f"IXFR of {count}"] = best["arrival"]
            result[f"IXFR of {count}, from NOTIFY"] = best["NOTIFY"]
            result[f"IXFR of {count}, memory"] = secondary.resident_kib() / 1024
            # The next size begins with a zone without this one's hosts.
            serial += 1
            primary.change(serial, changes(primary.origin, count, ROUNDS)[1], [])
            primary.notify(secondary.port)
            wait_for_serial(secondary.port, zone, serial)
        return result
    except (RuntimeError, TypeError) as error:
        print(f"  {kind}: {error}: {secondary.text()[-800:]}", file=sys.stderr)
        return result
    finally:
        secondary.stop()
        primary.close()
        shutil.rmtree(folder, ignore_errors=True)


def rows():
    """Name, unit and goal of each figure."""
    yield from (("AXFR in", "s", None), ("AXFR in, from start", "s", None), ("AXFR in, memory", "MiB", None))
    for count in CHANGES:
        yield f"IXFR of {count}", "s", 0.010 if count == 1 else None
        yield f"IXFR of {count}, from NOTIFY", "s", None
        yield f"IXFR of {count}, memory", "MiB", None


def run(kinds, zone, axfr, serial, out):
    return {kind: measure(kind, zone, axfr, serial, os.path.join(out, "secondary-" + kind)) for kind in kinds}
