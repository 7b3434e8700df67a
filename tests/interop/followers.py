#!/usr/bin/python3
"""followers.py: our primary, and nsd, knot, bind and our secondary behind it, through many changes.

  reloads   the versions of the root zone (root_history.py), one after the other, by SIGHUP: each follower takes each version by IXFR
            and then holds the same zone
  updates   10,000 random updates, signed, by TCP, in batches; between and during batches the primary or a follower is killed
            (SIGKILL) and started again. No confirmed update is lost, and after each batch all hold the zone that a model holds
"""
import concurrent.futures
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import dns.rcode
import dns.tsigkeyring
import dns.update

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import root_history  # noqa: E402
import secondaries  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "followers")
SECRET = "c2FtYXJhLWV4YW1wbGUtc2VjcmV0LW5vdC1hLXNlY3I="
KEYS = dns.tsigkeyring.from_text({"key.": SECRET})
UPDATES, BATCH = 10_000, 400
FOLLOWED_WITHIN = 60  # seconds; bind has timers of its own
SEED = 20261126

PRIMARY = """role: primary
listen: ["127.0.0.1:{port}"]
zones:
  "{zone}": {{file: zone}}
keys:
  key: {{algorithm: hmac-sha256, secret: "{secret}"}}
acl: {{transfer: [127.0.0.1], update: [{{key: key}}]}}
notify: [{notify}]
storage: {{file: primary.store, size: 64MiB}}
"""


class Deployment:
    def __init__(self, name, zone, text):
        self.folder, self.zone = os.path.join(OUT, name), zone
        ports = {kind: servers.free_port() for kind in ("primary", *secondaries.KINDS)}
        for kind in ports:
            os.makedirs(os.path.join(self.folder, kind))
        self.write_zone(text)
        notify = ", ".join(f'{{address: "127.0.0.1:{port}"}}' for kind, port in ports.items() if kind != "primary")
        self.primary = secondaries.Process("primary", ports["primary"], secondaries.samara(
            os.path.join(self.folder, "primary"), PRIMARY.format(port=ports["primary"], zone=zone, notify=notify, secret=SECRET)),
            os.path.join(self.folder, "primary"))
        self.primary.await_answer()
        self.followers = {kind: secondaries.Secondary(kind, zone, ports["primary"], os.path.join(self.folder, kind), ports[kind])
                          for kind in secondaries.KINDS}

    def write_zone(self, text):
        path = os.path.join(self.folder, "primary", "zone")
        with open(path + ".new", "wb") as file:
            file.write(text)
        os.replace(path + ".new", path)

    def serial(self, port):
        return servers.soa_serial(port, self.zone)

    def follow(self, serial):
        """Waits until everybody has it; who has not."""
        missing = set(self.followers)
        deadline = time.monotonic() + FOLLOWED_WITHIN
        while missing and time.monotonic() < deadline:
            missing -= {kind for kind in missing if self.serial(self.followers[kind].port) == serial}
            if missing:
                time.sleep(0.02)
        return missing

    def records(self, port):
        """All records as dig writes them, in one order."""
        text = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), self.zone, "AXFR", "+noall", "+answer", "+onesoa", "+tries=1"],
                              capture_output=True, encoding="latin-1", check=False, timeout=60).stdout
        return sorted(" ".join(line.split()).lower() if " NSEC " in line else " ".join(line.split())
                      for line in text.splitlines() if line and not line.startswith(";"))

    def stop(self):
        for process in [self.primary, *self.followers.values()]:
            process.stop()


def differences(expected, found):
    """A few words about what differs; empty when nothing does."""
    if expected == found:
        return ""
    lost, more = set(expected) - set(found), set(found) - set(expected)
    return f"{len(lost)} missing, {len(more)} too many: {str(sorted(lost)[:2])[:200]} {str(sorted(more)[:2])[:200]}"


# ---- reloads --------------------------------------------------------------------------------------------------------


def soa_serial(path):
    with open(path, encoding="latin-1") as file:
        for line in file:
            words = line.split()
            if len(words) > 6 and words[0] == "." and words[3] == "SOA":
                return int(words[6])
    return None


def records_in(text):
    return sorted(line.split() for line in text.splitlines() if line.strip() and not line.startswith(b";"))


def reloads(result):
    os.makedirs(root_history.OUT, exist_ok=True)
    files = [path for path in root_history.versions() if root_history.is_zone(path)]
    texts = []
    for path in files:
        with open(path, "rb") as file:
            texts.append((soa_serial(path), file.read()))
    print(f"  {len(texts)} versions of the root zone", flush=True)
    deployment = Deployment("reloads", ".", texts[0][1])
    equal = followed = steps = compared = 0
    ambiguous = False
    try:
        for number, (serial, text) in enumerate(texts):
            # The history has other zones under a serial that was there before: nobody can notice that, and from there no step
            # leads on, since a follower may have either zone.
            same_serial = number > 0 and serial == texts[number - 1][0]
            if number and not same_serial:
                steps += not ambiguous
            ambiguous = same_serial and (ambiguous or records_in(text) != records_in(texts[number - 1][1]))
            if number:
                deployment.write_zone(text)
                deployment.primary.process.send_signal(signal.SIGHUP)
            missing = deployment.follow(serial)
            followed += not missing
            if missing:
                result.check(False, f"version {number} (serial {serial}) is followed", f"not by {sorted(missing)}: "
                             + " ".join(deployment.followers[kind].text()[-300:] for kind in missing))
            if same_serial:
                continue
            compared += 1
            expected = deployment.records(deployment.primary.port)
            for kind, follower in deployment.followers.items():
                difference = differences(expected, deployment.records(follower.port))
                equal += not difference
                if difference or len(expected) < 1000:
                    result.check(False, f"version {number}: {kind} holds the same zone", difference or "no zone was transferred")
        result.check(followed == len(texts), f"all followers have all {len(texts)} serials", str(followed))
        result.check(equal == compared * len(deployment.followers), f"{equal} times the whole zone was the same")
        by_ixfr = len(re.findall(r"zone \.: serial \d+ from \S+ by IXFR", deployment.followers["samara"].text()))
        result.check(by_ixfr == steps, f"our secondary took {steps} steps by IXFR", str(by_ixfr))
        by_ixfr = len(re.findall(r"IXFR, incoming, .*finished", deployment.followers["knot"].text()))
        result.check(by_ixfr == steps, f"knot took {steps} steps by IXFR", str(by_ixfr))
    finally:
        deployment.stop()
        shutil.rmtree(root_history.OUT, ignore_errors=True)


# ---- updates --------------------------------------------------------------------------------------------------------


class Model:
    """The zone as RFC 2136 has it change: {(owner, type): {rdata}}, without the records that make it a zone."""

    def __init__(self, serial):
        self.serial = serial
        self.sets = {}

    def copy(self):
        other = Model(self.serial)
        other.sets = {key: set(data) for key, data in self.sets.items()}
        return other

    def apply(self, changes):
        before = {key: set(data) for key, data in self.sets.items()}
        for verb, owner, rr_type, rdata in changes:
            if verb == "add":
                self.sets.setdefault((owner, rr_type), set()).add(rdata)
            elif verb == "delete record":
                self.sets.get((owner, rr_type), set()).discard(rdata)
            elif verb == "delete set":
                self.sets.pop((owner, rr_type), None)
            else:
                for key in [key for key in self.sets if key[0] == owner]:
                    del self.sets[key]
            self.sets = {key: data for key, data in self.sets.items() if data}
        if self.sets != before:
            self.serial += 1


def random_changes(source):
    changes = []
    for _ in range(source.choice((1, 1, 1, 2, 5))):
        owner = f"n{source.randrange(120)}" + source.choice(("", "", ".sub"))
        rr_type = source.choice(("A", "AAAA", "TXT"))
        number = source.randrange(6)
        rdata = {"A": f"192.0.2.{number}", "AAAA": f"2001:db8::{number + 1}", "TXT": f'"text {number}"'}[rr_type]
        verb = source.choices(("add", "delete record", "delete set", "delete name"), (12, 4, 2, 1))[0]
        changes.append((verb, owner, rr_type, rdata))
    return changes


def message_of(zone, changes):
    update = dns.update.Update(zone, keyring=KEYS, keyname="key.", keyalgorithm="hmac-sha256")
    for verb, owner, rr_type, rdata in changes:
        if verb == "add":
            update.add(owner, 60, rr_type, rdata)
        elif verb == "delete record":
            update.delete(owner, rr_type, rdata)
        elif verb == "delete set":
            update.delete(owner, rr_type)
        else:
            update.delete(owner)
    wire = update.to_wire()
    return struct.pack(">H", len(wire)) + wire


def send_batch(primary, messages, kill_after):
    """Sends all, in order, and takes the answers; how many were confirmed. The primary is killed after so many answers."""
    confirmed = 0
    try:
        with socket.create_connection(("127.0.0.1", primary.port), 10) as client:
            client.settimeout(20)
            window, sent = 32, 0
            while confirmed < len(messages):
                while sent < len(messages) and sent - confirmed < window:
                    client.sendall(messages[sent])
                    sent += 1
                answer = servers.receive_message(client)
                if answer[3] & 15 != dns.rcode.NOERROR:
                    return confirmed, dns.rcode.to_text(answer[3] & 15)
                confirmed += 1
                if confirmed == kill_after:
                    primary.kill()
                    return confirmed, ""
    except OSError as error:
        return confirmed, str(error)
    return confirmed, ""


def expected_records(deployment, model):
    zone = deployment.zone + "."
    records = [f"{zone} 300 IN SOA ns.{zone} hostmaster.{zone} {model.serial} 3600 5 1209600 60", f"{zone} 300 IN NS ns.{zone}",
               f"ns.{zone} 300 IN A 192.0.2.1"]
    records += [f"{owner}.{zone} 60 IN {rr_type} {rdata}" for (owner, rr_type), data in model.sets.items() for rdata in data]
    return sorted(records)


def updates(result):
    zone, source = "random.test", random.Random(SEED)
    text = "$TTL 300\n@ SOA ns hostmaster 10 3600 5 1209600 60\n@ NS ns\nns A 192.0.2.1\n"
    deployment = Deployment("updates", zone, text.encode())
    model = Model(10)
    kinds = list(deployment.followers)
    kills, equal, batches = {}, 0, UPDATES // BATCH
    try:
        result.check(not deployment.follow(10), "all followers have the zone")
        for batch in range(batches):
            unsent = [random_changes(source) for _ in range(BATCH)]
            # Every other batch somebody dies: the primary in the middle of it, or a follower before it.
            victim = source.choice(["primary", "primary", *kinds]) if batch % 2 else None
            if victim in kinds:
                deployment.followers[victim].kill()
            while unsent:
                states = [model]
                for changes in unsent:
                    states.append(states[-1].copy())
                    states[-1].apply(changes)
                kill_after = source.randrange(1, len(unsent)) if victim == "primary" else None
                confirmed, why = send_batch(deployment.primary, [message_of(zone, changes) for changes in unsent], kill_after)
                if victim != "primary":
                    result.check(confirmed == len(unsent), f"batch {batch}: all updates are confirmed", f"{confirmed}, {why}")
                    model = states[-1]
                    break
                victim = None
                kills["primary"] = kills.get("primary", 0) + 1
                deployment.primary.start()
                deployment.primary.await_answer()
                serial = deployment.serial(deployment.primary.port)
                # It may have made more than it could confirm.
                made = next((i for i, state in enumerate(states) if i >= confirmed and state.serial == serial), None)
                if not result.check(made is not None, f"batch {batch}: killed after {confirmed} answers, the primary has what it confirmed",
                                    f"serial {serial}, confirmed {states[confirmed].serial}, sent {states[-1].serial}"):
                    return
                # Of states with one serial, which are the same, the last.
                while made + 1 < len(states) and states[made + 1].serial == serial:
                    made += 1
                model, unsent = states[made], unsent[made:]
            if victim in kinds:
                kills[victim] = kills.get(victim, 0) + 1
                deployment.followers[victim].start()
            missing = deployment.follow(model.serial)
            result.check(not missing, f"batch {batch}: all followers have serial {model.serial}", f"not {sorted(missing)}: "
                         + " ".join(deployment.followers[kind].text()[-500:] for kind in missing))
            expected = expected_records(deployment, model)
            for name, process in [("primary", deployment.primary), *deployment.followers.items()]:
                difference = differences(expected, deployment.records(process.port))
                equal += not difference
                if difference:
                    result.check(False, f"batch {batch}: {name} holds the model's zone", difference)
        result.check(equal == batches * (1 + len(kinds)), f"{UPDATES} updates in {batches} batches: {equal} times the zone was the model's")
        print(f"  killed and started again: {kills}", flush=True)
        result.check(kills.get("primary", 0) > 0 and len(kills) > 2, "both sides were killed", str(kills))
    finally:
        deployment.stop()


def main():
    result = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    # Most of the time of each goes by with waiting: a NOTIFY a second is all that a zone's followers get.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for part in (pool.submit(updates, result), pool.submit(reloads, result)):
            part.result()
    result.finish()


if __name__ == "__main__":
    main()
