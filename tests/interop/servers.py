"""Name servers on loopback for tests and measurements: ours, nsd, knot and bind with one minimal, fair configuration each
(one worker, minimal responses, no rate limit), started on a free port, awaited, and stopped by their own process id."""
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAMARA = os.path.join(ROOT, "out", "samara")
KINDS = ("samara", "nsd", "knot", "bind")


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wire_name(text):
    """Plain names without escapes, for probes."""
    labels = [label.encode() for label in text.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def query(name, rr_type=6, message_id=1, flags=0, rr_class=1):
    return struct.pack(">HHHHHH", message_id, flags, 1, 0, 0, 0) + wire_name(name) + struct.pack(">HH", rr_type, rr_class)


def ask_udp(port, message, timeout=1.0, address="127.0.0.1"):
    """The answer's octets, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((address, port))
        try:
            client.send(message)
            return client.recv(65535)
        except OSError:
            return None


def receive(client, count):
    """So many octets of a connection."""
    octets = b""
    while len(octets) < count:
        some = client.recv(count - len(octets))
        if not some:
            raise OSError("the connection ended")
        octets += some
    return octets


def receive_message(client):
    """The next DNS message of a connection."""
    return receive(client, struct.unpack(">H", receive(client, 2))[0])


def soa_serial(port, zone, timeout=0.5):
    """The serial of the zone as the server answers it; None when it does not, or not with an SOA."""
    answer = ask_udp(port, query(zone), timeout)
    if answer is None or answer[3] & 15 or answer[6:8] != b"\0\1":
        return None
    at = 12 + len(wire_name(zone)) + 4
    while 0 < answer[at] < 0xc0:
        at += 1 + answer[at]
    at += 2 if answer[at] else 1
    rr_type, _, _, size = struct.unpack(">HHIH", answer[at:at + 10])
    rdata = answer[at + 10:at + 10 + size]
    return int.from_bytes(rdata[-20:-16], "big") if rr_type == 6 else None


def descendants(pid):
    """A process, its children and theirs."""
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                    todo += [int(child) for child in file.read().split()]
        except OSError:
            pass
    return found


NSD = """server:
  ip-address: {address}@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/pid"
  xfrdfile: "{folder}/xfrd"
  zonelistfile: "{folder}/zonelist"
  logfile: "{folder}/log"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  minimal-responses: yes
  refuse-any: yes
  round-robin: no
remote-control:
  control-enable: no
"""
KNOT = """server:
  rundir: {folder}
  listen: {address}@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  tcp-max-clients: 100
  answer-rotation: off
log:
  - target: {folder}/log
    any: info
database:
  storage: {folder}
  journal-db-max-size: 2G
"""
BIND = """options {{ directory "{folder}"; listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }}; recursion no;
 dnssec-validation no; minimal-responses yes; pid-file "{folder}/pid"; session-keyfile "{folder}/session";
 notify no; empty-zones-enable no; minimal-any yes; check-names primary ignore; rrset-order {{ order none; }};
 max-udp-size 4096; edns-udp-size 1232; answer-cookie no; max-records-per-type 0; max-types-per-name 0;
}};
controls {{ }};
"""


class Server:
    """One running server. `zones` is a list of (name without final dot, file). `conf` and `zone_conf` are text in the server's own
    configuration language: in front of the zones, and in each zone's clause instead of what makes it a primary."""

    def __init__(self, kind, zones, folder, wrapper=(), extra=(), ready_timeout=60, address="127.0.0.1", conf="", zone_conf="",
                 awaited=None):
        self.kind, self.zones, self.address = kind, zones, address
        self.conf, self.zone_conf = conf, zone_conf
        self.awaited = [name for name, _ in zones] if awaited is None else awaited
        self.folder = os.path.join(folder, kind)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.port = free_port()
        command = [*wrapper, *self._command(), *extra]
        self.output = open(os.path.join(self.folder, "output"), "w+", encoding="utf-8", errors="replace")
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT)
        try:
            self._await(ready_timeout)
        except Exception:
            self.stop()
            raise
        self.load_seconds = time.monotonic() - self.started

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _command(self):
        values = {"folder": self.folder, "address": self.address, "port": self.port}
        if self.kind == "samara":
            command = [os.environ.get("SAMARA", SAMARA), "serve"]
            for name, file in self.zones:
                command += ["--zone", f"{name or '.'}={file}"]
            return command + ["--listen", f"{self.address}:{self.port}"]
        path = os.path.join(self.folder, "conf")
        with open(path, "w", encoding="utf-8") as conf:
            if self.kind == "nsd":
                conf.write(NSD.format(**values) + self.conf)
                for name, file in self.zones:
                    conf.write(f'zone:\n  name: "{name or "."}"\n  zonefile: "{file}"\n{self.zone_conf}')
            elif self.kind == "knot":
                conf.write(KNOT.format(**values) + self.conf + "zone:\n")
                for name, file in self.zones:
                    journal = "" if "journal-content" in self.zone_conf else "    journal-content: none\n"
                    conf.write(f"  - domain: {name or '.'}\n    file: {file}\n    storage: {self.folder}\n{journal}"
                               f"    zonefile-sync: -1\n    semantic-checks: off\n{self.zone_conf}")
            elif self.kind == "bind":
                conf.write(BIND.format(**values) + self.conf)
                for name, file in self.zones:
                    what = self.zone_conf or "type primary; check-integrity no;"
                    conf.write(f'zone "{name or "."}" {{ file "{file}"; {what} }};\n')
        return {"nsd": ["nsd", "-d", "-c", path], "knot": ["knotd", "-c", path], "bind": ["named", "-g", "-n", "1", "-c", path]}[
            self.kind]

    def _await(self, timeout):
        """Until every zone that is awaited (all of them) answers with its SOA."""
        deadline = time.monotonic() + timeout
        for name in self.awaited:
            while True:
                answer = ask_udp(self.port, query(name), 0.05, self.address)
                if answer and len(answer) > 12 and answer[3] & 15 == 0 and answer[7] > 0:
                    break
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.kind} ended with {self.process.returncode}: {self.tail()}")
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.kind} does not answer for '{name}': {self.tail()}")
                time.sleep(0.002)

    def tail(self):
        text = ""
        for name in ("output", "log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text += file.read()[-600:]
        return text.strip().replace("\n", " | ")

    def processes(self):
        """The server's process ids, children included."""
        return descendants(self.process.pid)

    def resident_kib(self):
        """Proportional resident memory of all its processes."""
        total = 0
        for pid in self.processes():
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            except OSError:
                pass
        return total

    def cpu_seconds(self):
        """User and system time of all its processes so far."""
        total = 0
        for pid in self.processes():
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return total / os.sysconf("SC_CLK_TCK")

    def alive(self):
        return self.process.poll() is None

    def stop(self, timeout=30):
        """Ends the server and what it started; its exit code."""
        if self.process.poll() is None:
            children = self.processes()[1:]
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                for pid in children:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except OSError:
                        pass
        self.output.close()
        return self.process.returncode
