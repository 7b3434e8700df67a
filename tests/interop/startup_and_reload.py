#!/usr/bin/python3
"""startup_and_reload.py: what can go wrong before the first answer (each kind of broken zone file, a taken port, a missing
privilege, wrong arguments), with the exit codes a script relies on; and reloads by SIGHUP under load."""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import message  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "startup")
USAGE, DATA, UNAVAILABLE, NO_PERMISSION = 64, 65, 69, 77
HEAD = "$ORIGIN zone.test.\n$TTL 300\n@ SOA ns hostmaster {serial} 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
# What is wrong -> (zone file, the line the error must name; None: the file as a whole).
BROKEN_ZONES = {
    "no SOA": ("$ORIGIN zone.test.\n$TTL 300\n@ NS ns\nns A 192.0.2.1\n", None),
    "two SOAs": (HEAD + "@ SOA ns hostmaster 2 7200 900 1209600 300\n", 6),
    "no NS at the apex": ("$ORIGIN zone.test.\n$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 300\nns A 192.0.2.1\n", None),
    "CNAME beside data": (HEAD + "www A 192.0.2.2\nwww CNAME ns\n", 7),
    "two CNAMEs": (HEAD + "www CNAME ns\nwww CNAME ns2\n", 7),
    "unknown type": (HEAD + "www AAAAA 2001:db8::1\n", 6),
    "bad address": (HEAD + "www A 192.0.2.256\n", 6),
    "bad IPv6 address": (HEAD + "www AAAA 2001:db8:::1\n", 6),
    "missing rdata": (HEAD + "www MX 10\n", 6),
    "too much rdata": (HEAD + "www A 192.0.2.1 192.0.2.2\n", 6),
    "number too large": (HEAD + "www MX 65536 ns\n", 6),
    "bad TTL": (HEAD + "www 3x IN A 192.0.2.1\n", 6),
    "label too long": (HEAD + "a" * 64 + " A 192.0.2.1\n", 6),
    "name too long": (HEAD + ".".join(["a" * 60] * 5) + " A 192.0.2.1\n", 6),
    "empty label": (HEAD + "a..b A 192.0.2.1\n", 6),
    "bad escape": (HEAD + "a\\999 A 192.0.2.1\n", 6),
    "out of the zone": (HEAD + "www.example.org. A 192.0.2.1\n", 6),
    "unclosed parenthesis": (HEAD + "www TXT ( \"a\"\nftp A 192.0.2.3\n", None),
    "unclosed quotation": (HEAD + "www TXT \"a\nftp A 192.0.2.3\n", 6),
    "string too long": (HEAD + f"www TXT \"{'x' * 256}\"\n", 6),
    "unknown directive": (HEAD + "$ORIGINS zone.test.\n", 6),
    "included file missing": (HEAD + "$INCLUDE missing.zone\n", 6),
    "foreign class": (HEAD + "www CH A 192.0.2.1\n", 6),
    "bad base64": (HEAD + "@ DNSKEY 257 3 13 ***\n", 6),
    "bad hexadecimal": (HEAD + "www SSHFP 1 1 xyz\n", 6),
    "rdata length that lies": (HEAD + "www TYPE65280 \\# 5 00112233\n", 6),
    "only comments": ("; nothing here\n", None),
    "empty file": ("", None),
    "binary": ("\0\1\2\3" * 64, None),
}


def serve(zones, listen, prefix=(), timeout=30, environment=None):
    """Runs `samara serve` until it ends; (exit code, stderr). 124: it kept running, and was stopped."""
    command = [*prefix, os.environ.get("SAMARA", servers.SAMARA), "serve"]
    for name, path in zones:
        command += ["--zone", f"{name}={path}"]
    for address in listen:
        command += ["--listen", address]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               errors="replace", env=environment)
    try:
        _, errors = process.communicate(timeout=timeout)
        return process.returncode, errors
    except subprocess.TimeoutExpired:
        process.terminate()
        _, errors = process.communicate()
        return 124, errors


def write(name, text):
    path = os.path.join(OUT, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def first_line(text):
    return text.strip().splitlines()[0][:200] if text.strip() else "nothing on stderr"


def broken_zone_files(result):
    for number, (what, (text, line)) in enumerate(BROKEN_ZONES.items()):
        path = write(f"broken-{number}.zone", text.format(serial=1) if "{serial}" in text else text)
        code, errors = serve([("zone.test", path)], [f"127.0.0.1:{servers.free_port()}"])
        result.check(code == DATA, f"zone file, {what}: exit {DATA}", f"exit {code}: {first_line(errors)}")
        place = rf"^samara: .*{re.escape(os.path.basename(path))}:{line}:\d+: " if line else r"^samara: .*" + re.escape(os.path.basename(path))
        result.check(re.search(place, errors, re.M), f"zone file, {what}: the message names the place", first_line(errors))
    good = write("good.zone", HEAD.format(serial=1))
    code, errors = serve([("zone.test", os.path.join(OUT, "missing.zone"))], [f"127.0.0.1:{servers.free_port()}"])
    result.check(code == DATA and "missing.zone" in errors, "no such zone file", f"exit {code}: {first_line(errors)}")
    code, errors = serve([("zone.test", OUT)], [f"127.0.0.1:{servers.free_port()}"])
    result.check(code == DATA, "a folder in place of a zone file", f"exit {code}: {first_line(errors)}")
    code, errors = serve([("zone..test", good)], [f"127.0.0.1:{servers.free_port()}"])
    result.check(code in (USAGE, DATA), "a zone name that is none", f"exit {code}: {first_line(errors)}")


def arguments(result):
    good = write("good.zone", HEAD.format(serial=1))
    for what, zones, listen in (("no zone", [], ["127.0.0.1:5300"]), ("a bad address", [("zone.test", good)], ["127.0.0.256:53"]),
                                ("a bad port", [("zone.test", good)], ["127.0.0.1:65536"])):
        code, errors = serve(zones, listen)
        result.check(code == USAGE and errors.startswith("samara: "), f"{what}: exit {USAGE}", f"exit {code}: {first_line(errors)}")


def port_in_use(result):
    good = write("good.zone", HEAD.format(serial=1))
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as holder:
            holder.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                holder.listen()
            port = holder.getsockname()[1]
            code, errors = serve([("zone.test", good)], [f"127.0.0.1:{port}"])
            result.check(code == UNAVAILABLE and str(port) in errors, f"port in use ({kind.name}): exit {UNAVAILABLE}",
                         f"exit {code}: {first_line(errors)}")
    code, errors = serve([("zone.test", good)], ["192.0.2.99:5300"])
    result.check(code == UNAVAILABLE and "192.0.2.99" in errors, f"an address that is not ours: exit {UNAVAILABLE}",
                 f"exit {code}: {first_line(errors)}")


def missing_privilege(result):
    """Port 53 as nobody, in a network namespace of its own, where low ports are privileged whatever the host says."""
    if os.geteuid() != 0:
        result.check(False, "missing privilege", "needs root, to become somebody without rights (run ops/test with sudo)")
        return
    # A place that nobody may read, whoever owns the checkout.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(os.path.join(servers.ROOT, "out", "images"), os.path.join(folder, "images"))
        shutil.copy2(os.environ.get("SAMARA", servers.SAMARA), os.path.join(folder, "samara"))
        zone = os.path.join(folder, "good.zone")
        with open(zone, "w", encoding="utf-8") as file:
            file.write(HEAD.format(serial=1))
        environment = {**os.environ, "SAMARA": os.path.join(folder, "samara")}
        command = ["unshare", "--net", "sh", "-c", "ip link set lo up && exec setpriv --reuid 65534 --regid 65534 --clear-groups "
                   f"--inh-caps=-all --bounding-set=-all {folder}/samara serve --zone zone.test={zone} --listen 127.0.0.1:53"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   env=environment)
        try:
            _, errors = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.terminate()
            _, errors = process.communicate()
        result.check(process.returncode == NO_PERMISSION, f"port 53 without the right to it: exit {NO_PERMISSION}",
                     f"exit {process.returncode}: {first_line(errors)}")
        secret = os.path.join(folder, "secret.zone")
        shutil.copy2(zone, secret)
        os.chmod(secret, 0o600)
        process = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
                                  f"{folder}/samara", "serve", "--zone", f"zone.test={secret}", "--listen",
                                  f"127.0.0.1:{servers.free_port()}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        result.check(process.returncode == NO_PERMISSION, f"a zone file it may not read: exit {NO_PERMISSION}",
                     f"exit {process.returncode}: {first_line(process.stderr)}")


class Load(threading.Thread):
    """Asks without a pause until told to stop, and notes serials seen and questions lost."""

    def __init__(self, port, name):
        super().__init__()
        self.port, self.name_asked = port, name
        self.asked, self.lost, self.serials, self.wrong = 0, 0, [], 0
        self.enough = threading.Event()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.connect(("127.0.0.1", self.port))
            while not self.enough.is_set():
                self.asked += 1
                client.send(servers.query(self.name_asked, 6, self.asked & 0xffff))
                try:
                    answer = client.recv(65536)
                except OSError:
                    self.lost += 1
                    continue
                serial = serial_of(answer)
                if serial is None:
                    self.wrong += 1
                elif not self.serials or self.serials[-1] != serial:
                    self.serials.append(serial)


def serial_of(answer):
    parsed = message.parse(answer)
    for record in parsed.answer:
        if record.type == 6:
            return struct.unpack_from(">I", record.rdata, len(record.rdata) - 20)[0]
    return None


def wait_for_serial(port, name, serial, timeout=20):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        answer = servers.ask_udp(port, servers.query(name), 0.5)
        if answer and serial_of(answer) == serial:
            return True
    return False


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for_rcode(port, name, rcode, timeout=20):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        answer = servers.ask_udp(port, servers.query(name), 0.5)
        if answer and answer[3] & 15 == rcode:
            return True
    return False


def bad_files_cost_their_zone_only(result):
    """Whatever stands in the place of one zone's file or of what it includes, at a start and at a reload."""
    os.makedirs(os.path.join(OUT, "apart"), exist_ok=True)
    outside = write("outside.inc", "password TXT hunter2\n")
    bad = os.path.join(OUT, "apart", "bad.test.zone")
    good = write("good.test.zone", HEAD.replace("zone.test", "good.test").format(serial=1))
    head = HEAD.replace("zone.test", "bad.test").format(serial=1)

    def replace_by(text=None, make=None):
        if os.path.lexists(bad):
            os.rmdir(bad) if os.path.isdir(bad) and not os.path.islink(bad) else os.remove(bad)
        if text is not None:
            write("apart/bad.test.zone", text)
        elif make is not None:
            make(bad)

    pipe = os.path.join(OUT, "apart", "pipe")
    if not os.path.exists(pipe):
        os.mkfifo(pipe)
    cases = {
        "missing": lambda: replace_by(),
        "a folder": lambda: replace_by(make=os.mkdir),
        "a pipe": lambda: replace_by(make=os.mkfifo),
        "a device": lambda: replace_by(make=lambda path: os.symlink("/dev/zero", path)),
        "a link out of its folder": lambda: replace_by(make=lambda path: os.symlink(outside, path)),
        "a missing include": lambda: replace_by(head + "$INCLUDE nowhere\n"),
        "an included pipe": lambda: replace_by(head + "$INCLUDE pipe\n"),
        "an included file of somebody else": lambda: replace_by(head + f"$INCLUDE {outside}\n"),
        "a syntax error": lambda: replace_by(head + "www A 192.0.2.300\n"),
    }
    for what, make in cases.items():
        make()
        with servers.Server("samara", [("good.test", good), ("bad.test", bad)], OUT, awaited=["good.test"]) as server:
            result.check(wait_for_serial(server.port, "good.test", 1, 10), f"{what}: the other zone is served from the start", server.tail())
            result.check(wait_for_rcode(server.port, "bad.test", 2, 5), f"{what}: its own zone gets SERVFAIL", server.tail())
            result.check("bad.test" in server.tail(), f"{what}: a line names the zone", server.tail())
            result.check("hunter2" not in server.tail(), f"{what}: nothing of another file is shown", server.tail())
            replace_by(head.replace("hostmaster 1 ", "hostmaster 5 "))
            server.process.send_signal(signal.SIGHUP)
            result.check(wait_for_serial(server.port, "bad.test", 5), f"{what}: the mended zone is taken", server.tail())
            make()
            write("good.test.zone", HEAD.replace("zone.test", "good.test").format(serial=2))
            server.process.send_signal(signal.SIGHUP)
            result.check(wait_for_serial(server.port, "good.test", 2), f"{what}: a reload goes on with the other zone", server.tail())
            result.check(wait_for_serial(server.port, "bad.test", 5, 5), f"{what}: at a reload the zone stays as it was", server.tail())
            begin = time.monotonic()
            code = server.stop()
            result.check(code == 0 and time.monotonic() - begin < 5, f"{what}: SIGTERM is obeyed", f"{code} after {time.monotonic() - begin:.1f} s")
        write("good.test.zone", HEAD.replace("zone.test", "good.test").format(serial=1))


def many_zones(result):
    """So many that a line for each would not fit into a reply; three reloads, each after one zone changed."""
    count = 30_000
    folder = os.path.join(OUT, "many")
    os.makedirs(folder)

    def write_zone(number, serial):
        write(f"many/z{number}.test.zone", HEAD.replace("zone.test", f"z{number}.test").format(serial=serial))

    for number in range(count):
        write_zone(number, 1)
    port = servers.free_port()
    manifest = write("many/primary.yaml", f'role: primary\nlisten: ["127.0.0.1:{port}"]\nzones:\n'
                     + "".join(f"  z{number}.test: {{file: z{number}.test.zone}}\n" for number in range(count)))
    log = os.path.join(folder, "log")
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen([os.environ.get("SAMARA", servers.SAMARA), "run", manifest], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=out)

    def lines():
        with open(log, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    try:
        result.check(wait_for_serial(port, f"z{count - 1}.test", 1, 60), f"{count} zones are served", "\n".join(lines()[-3:]))
        for serial in (2, 3, 4):
            before = len(lines())
            write_zone(77, serial)
            process.send_signal(signal.SIGHUP)
            result.check(wait_for_serial(port, "z77.test", serial, 30), f"{count} zones: reload number {serial - 1} is followed",
                         "\n".join(lines()[-3:]))
            deadline = time.monotonic() + 10
            while f"reloaded: {count} zones, 1 changed" not in "\n".join(lines()[before:]) and time.monotonic() < deadline:
                time.sleep(0.05)
            said = lines()[before:]
            result.check(len(said) == 2 and said[1].endswith(f"reloaded: {count} zones, 1 changed"),
                         f"{count} zones: reload number {serial - 1} says what changed, and no more", "\n".join(said[:5]))
        process.send_signal(signal.SIGTERM)
        result.check(process.wait(30) == 0, f"{count} zones: SIGTERM ends it with 0")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


def settings_of_zones(result):
    """A server that began with nothing but zones; a reload brings settings for each, which its workers must find room for."""
    count = 5_000
    write("plain.zone", "$TTL 60\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n")
    port = servers.free_port()

    def manifest(settings):
        return write("settings.yaml", f'role: primary\nlisten: ["127.0.0.1:{port}"]\nzones:\n'
                     + "".join(f"  z{number}.test: {{file: plain.zone{settings}}}\n" for number in range(count)))

    log = os.path.join(OUT, "settings.log")
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen([os.environ.get("SAMARA", servers.SAMARA), "run", "--no-restart", manifest("")],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=out)

    def text():
        with open(log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for(said, times):
        deadline = time.monotonic() + 30
        while text().count(said) < times and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return text().count(said) >= times

    try:
        result.check(wait_for_serial(port, f"z{count - 1}.test", 1, 60), "zones without settings are served", text()[-500:])
        for times in range(1, 4):
            manifest(f', notify: ["127.0.0.1:{5000 + times}"], acl: {{transfer: [127.0.0.{times}]}}')
            process.send_signal(signal.SIGHUP)
            result.check(wait_for(f"reloaded: {count} zones, 0 changed", times), f"settings of {count} zones: reload number {times}",
                         text()[-500:])
            for number in (0, count - 1):
                result.check(wait_for_serial(port, f"z{number}.test", 1), f"z{number}.test is served after reload number {times}",
                             text()[-500:])
        result.check("notify of zones will be as they are now" in text(), "who could not be told of changes is said", text()[-500:])
        process.send_signal(signal.SIGTERM)
        result.check(process.wait(30) == 0, "settings by a reload: SIGTERM ends it with 0")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def reloads(result):
    one, two = write("zone.test.zone", HEAD.format(serial=1)), write("other.test.zone", HEAD.replace("zone.test", "other.test").format(serial=1))
    with servers.Server("samara", [("zone.test", one), ("other.test", two)], OUT) as server:
        load = [Load(server.port, name) for name in ("zone.test", "other.test")]
        for thread in load:
            thread.start()
        try:
            for serial in range(2, 22):
                write("zone.test.zone", HEAD.format(serial=serial))
                server.process.send_signal(signal.SIGHUP)
                if not result.check(wait_for_serial(server.port, "zone.test", serial), f"SIGHUP number {serial - 1} is followed", server.tail()):
                    break
            size = server.resident_kib()
            write("zone.test.zone", HEAD.format(serial=100) + "www A 192.0.2.300\n")
            write("other.test.zone", HEAD.replace("zone.test", "other.test").format(serial=7))
            server.process.send_signal(signal.SIGHUP)
            result.check(wait_for_serial(server.port, "other.test", 7), "a broken zone does not keep another from reloading", server.tail())
            answer = servers.ask_udp(server.port, servers.query("zone.test"))
            result.check(answer and serial_of(answer) == 21, "a broken zone leaves the old version in service")
            result.check(re.search(r"zone\.test\.zone:6:\d+: ", server.tail()), "the reload says what is broken, and where", server.tail())
            write("zone.test.zone", HEAD.format(serial=101))
            server.process.send_signal(signal.SIGHUP)
            result.check(wait_for_serial(server.port, "zone.test", 101), "the repaired zone is taken")
            os.remove(two)
            write("zone.test.zone", HEAD.format(serial=102))
            server.process.send_signal(signal.SIGHUP)
            result.check(wait_for_serial(server.port, "zone.test", 102), "a missing file does not keep another from reloading")
            answer = servers.ask_udp(server.port, servers.query("other.test"))
            result.check(answer and serial_of(answer) == 7, "a zone whose file is gone stays in service")
            write("other.test.zone", HEAD.replace("zone.test", "other.test").format(serial=8))
            for serial in range(200, 300):
                write("zone.test.zone", HEAD.format(serial=serial))
                server.process.send_signal(signal.SIGHUP)
            result.check(wait_for_serial(server.port, "zone.test", 299), "a hundred SIGHUPs in a row end with the last version")
            grown = server.resident_kib() - size
            result.check(grown < 8192, "reloads give memory back", f"grew by {grown} KiB")
            enough_before = time.monotonic() + 20
            while sum(thread.asked for thread in load) <= 1000 and time.monotonic() < enough_before:
                servers.ask_udp(server.port, servers.query("zone.test"))
        finally:
            for thread in load:
                thread.enough.set()
            for thread in load:
                thread.join()
        asked = sum(thread.asked for thread in load)
        result.check(asked > 1000 and not any(thread.lost or thread.wrong for thread in load), "no question was lost meanwhile",
                     f"{sum(thread.lost for thread in load)} lost, {sum(thread.wrong for thread in load)} wrong of {asked}")
        backwards = [s for s in (thread.serials for thread in load) if s != sorted(s)]
        result.check(not backwards, "versions only go forward, with every worker", str(backwards)[:200])
        print(f"  {asked} questions during the reloads")
        children = server.processes()
        code = server.stop()
        result.check(code == 0, "SIGTERM ends it with 0", str(code))
        deadline = time.monotonic() + 5
        while (left := [pid for pid in children if is_running(pid)]) and time.monotonic() < deadline:
            time.sleep(0.01)
        result.check(not left, "nothing it started is left", str(left))


def main():
    result = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for part in (arguments, broken_zone_files, port_in_use, missing_privilege, bad_files_cost_their_zone_only, many_zones,
                 settings_of_zones, reloads):
        begin = time.monotonic()
        try:
            part(result)
        except (OSError, RuntimeError, subprocess.SubprocessError, message.Malformed) as error:
            result.check(False, part.__name__, repr(error)[:500])
        print(f"  {part.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
    result.finish()


if __name__ == "__main__":
    main()
