#!/usr/bin/python3
"""long_life.py: what happens to machines after minutes, not at their start. Thousands of changes in little memory, a pause, a disk
that stalls, a console that nobody reads: a primary and a secondary on one bridge go on answering."""
import os
import socket
import sys
import tempfile
import time

import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import machines  # noqa: E402
import report  # noqa: E402
import two_machines  # noqa: E402
from two_machines import CHANGING, KEYRING, LARGE, PRIMARY, SECONDARY, Lab, ask, serial, wait_for  # noqa: E402

CHANGES = 3000   # a machine of 16 MiB ended itself after 916 when versions took new memory each time
LITTLE_MEMORY = 16
RECORDS = 50
PAUSE = 8        # seconds
WATCHED = 20     # how soon a machine finds out that it was paused: it looks at its battery clock every 16 seconds
STALL = 6        # seconds


def update(text, timeout=10.0):
    """One acknowledged change of one record, or why not."""
    message = dns.update.UpdateMessage(CHANGING, keyring=KEYRING, keyname="update.test", keyalgorithm="hmac-sha256")
    message.replace(f"changing.{CHANGING}", 60, "TXT", text)
    try:
        return dns.rcode.to_text(dns.query.udp(message, PRIMARY.address, timeout=timeout).rcode())
    except Exception as error:  # pylint: disable=broad-except
        return repr(error)


def changes(lab):
    """Each change at the primary, and each that arrives at the secondary, is a version of the zone."""
    lab.write_zones(1, RECORDS)
    with lab.machine(PRIMARY, memory=LITTLE_MEMORY) as primary, \
            lab.machine(SECONDARY, lab.disk("secondary.disk"), memory=LITTLE_MEMORY) as secondary:
        lab.ready(PRIMARY, primary, "many changes")
        lab.ready(SECONDARY, secondary, "many changes")
        lab.result.check(wait_for(lambda: serial(SECONDARY, CHANGING), 1) is not None, "many changes: the secondary has the zone",
                         two_machines.read(secondary)[-600:])
        begin = time.monotonic()
        for done in range(CHANGES):
            said = update(f"number {done}")
            if said != "NOERROR":
                break
        lab.result.check(said == "NOERROR", f"a machine of {LITTLE_MEMORY} MiB takes {CHANGES} changes", f"number {done}: {said}; " +
                         two_machines.read(primary)[-400:])
        took = wait_for(lambda: serial(SECONDARY, CHANGING), serial(PRIMARY, CHANGING))
        lab.result.check(took is not None, f"and its secondary of {LITTLE_MEMORY} MiB follows", f"{serial(SECONDARY, CHANGING)}; " +
                         two_machines.read(secondary)[-400:])
        print(f"  {CHANGES} changes in {time.monotonic() - begin:.1f} s")
        for host, machine in ((PRIMARY, primary), (SECONDARY, secondary)):
            lab.result.check(serial(host, LARGE) == 1, f"many changes: the {host.role} serves what was there before", "")
            lab.result.check("out of memory" not in two_machines.read(machine), f"many changes: the {host.role} has memory",
                             machine.console[-400:])
            lab.power_off(host, machine, "many changes")


def pause(lab):
    with lab.machine(PRIMARY) as primary:
        lab.ready(PRIMARY, primary, "paused")
        primary.monitor("stop")
        time.sleep(PAUSE)
        primary.monitor("cont")
        said = primary.wait_for("the wall clock was", WATCHED + two_machines.PATIENCE)
        lab.result.check(said is not None, "a machine finds out that it was paused", primary.console[-400:])
        behind = primary.console.partition("the wall clock was ")[2].partition(" s behind")[0]
        lab.result.check(behind.isdigit() and abs(int(behind) - PAUSE) <= 2, "and for how long", behind[:60])
        lab.result.check(update("after a pause") == "NOERROR", "a signature of the present time is believed", primary.console[-400:])
        lab.power_off(PRIMARY, primary, "paused")


def stalled_disk(lab):
    with lab.machine(PRIMARY, lab.disk("primary.disk")) as primary:
        lab.ready(PRIMARY, primary, "a disk that stalls")
        lab.result.check(update("before") == "NOERROR", "a disk that stalls: it works at first", primary.console[-400:])
        # An octet a second: the first request passes, the next waits until the limit is taken away.
        primary.monitor("block_set_io_throttle d 1 0 0 0 0 0")
        waiting = dns.update.UpdateMessage(CHANGING, keyring=KEYRING, keyname="update.test", keyalgorithm="hmac-sha256")
        waiting.replace(f"changing.{CHANGING}", 60, "TXT", "while it stalls")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(two_machines.PATIENCE)
            client.connect((PRIMARY.address, 53))
            wire = waiting.to_wire()
            client.send(wire)
            asked = answered = 0
            end = time.monotonic() + STALL
            while time.monotonic() < end:
                asked += 1
                answered += ask(PRIMARY, f"www.{CHANGING}", "A") is not None
                time.sleep(0.05)
            client.setblocking(False)
            try:
                early = client.recv(4096)
            except BlockingIOError:
                early = b""
            primary.monitor("block_set_io_throttle d 0 0 0 0 0 0")
            client.settimeout(two_machines.PATIENCE)
            try:
                late = early or client.recv(4096)
            except OSError as error:
                late = repr(error).encode()
        lab.result.check(not early, "an update waits for the disk", early.hex())
        lab.result.check(asked > 10 and answered >= asked - 1, "answers do not", f"{answered} of {asked}")
        lab.result.check(late[:2] == wire[:2] and late[3] & 15 == 0, "the update is confirmed when the disk is back", late[:60].hex())
        lab.power_off(PRIMARY, primary, "a disk that stalls")


def stuck_console(lab):
    """The serial port is a socket that nobody reads from."""
    with lab.machine(PRIMARY) as waiting:
        lab.ready(PRIMARY, waiting, "a console nobody reads")
        blob, image = waiting.blob, waiting.image
        lab.power_off(PRIMARY, waiting, "a console nobody reads")
    path = lab.path("console")
    with machines.Machine("microvm", image, blob=blob, memory=32, tap=PRIMARY.tap, mac=PRIMARY.mac,
                          serial=f"unix:{path},server=on,wait=on") as primary:
        deadline = time.monotonic() + two_machines.PATIENCE
        with socket.socket(socket.AF_UNIX) as console:
            while console.connect_ex(path) != 0 and time.monotonic() < deadline:
                time.sleep(0.05)
            console.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            lab.result.check(wait_for(lambda: serial(PRIMARY, CHANGING), 1) is not None, "a console nobody reads: it serves")
            # Each update is a line of the log. What the socket holds is full after some hundred.
            for i in range(4000):
                update(f"line {i}")
            begin = time.monotonic()
            said = {update(f"stuck {i}") for i in range(200)}
            took = time.monotonic() - begin
            lab.result.check(said == {"NOERROR"} and took < 6, "a console nobody reads does not hold up updates", f"{said}, {took:.1f} s")
            console.settimeout(0.2)
            text, deadline = b"", time.monotonic() + two_machines.PATIENCE
            while b"were not written" not in text and time.monotonic() < deadline:
                try:
                    text += console.recv(65536)
                except TimeoutError:
                    update("once more")  # is a line of the log, behind what says how many there are not
            lab.result.check(b" lines were not written: nobody read them" in text, "and the log says what is missing in it",
                             text[-300:].decode(errors="replace"))
        primary.process.kill()


def main():
    machines.own_network((PRIMARY.tap, SECONDARY.tap), two_machines.BRIDGE)
    result = report.Report()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(folder, result)
        changes(lab)
        pause(lab)
        stalled_disk(lab)
        stuck_console(lab)
    result.finish()


if __name__ == "__main__":
    main()
