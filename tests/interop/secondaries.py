"""Secondaries of one zone on loopback: ours, nsd, knot and bind, with one minimal configuration each. They ask a primary on a port of
127.0.0.1, take NOTIFY and give the zone to that address, and can be killed and started again as they were left."""
import os
import signal
import subprocess
import time

import servers

KINDS = ("samara", "nsd", "knot", "bind")

SAMARA = """role: secondary
listen: ["127.0.0.1:{port}"]
primaries: {{main: [{{address: "127.0.0.1:{primary}"}}]}}
zones:
  "{zone}": {{primaries: main}}
acl: {{transfer: [127.0.0.1], notify: [127.0.0.1]}}
storage: {{file: secondary.store, size: {storage}}}
"""
NSD_ZONE = """zone:
  name: "{zone}"
  zonefile: "{folder}/zone"
  request-xfr: 127.0.0.1@{primary} NOKEY
  allow-notify: 127.0.0.1 NOKEY
  provide-xfr: 127.0.0.1 NOKEY
"""
KNOT_ZONE = """remote:
  - id: primary
    address: 127.0.0.1@{primary}
acl:
  - id: all
    address: 127.0.0.1
    action: [notify, transfer]
zone:
  - domain: {zone}
    master: primary
    acl: all
    storage: {folder}
    semantic-checks: off
"""
BIND_ZONE = """zone "{zone}" {{ type secondary; file "{folder}/zone"; primaries {{ 127.0.0.1 port {primary}; }};
 allow-notify {{ 127.0.0.1; }}; allow-transfer {{ any; }}; }};
"""


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Process(servers.Server):
    """A server that can be killed and started again as it was left."""

    def __init__(self, name, port, command, folder):  # pylint: disable=super-init-not-called
        self.kind, self.port, self.command, self.folder = name, port, command, folder
        self.start()

    def start(self):
        with open(os.path.join(self.folder, "output"), "a", encoding="utf-8") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def await_answer(self):
        deadline = time.monotonic() + 30
        while servers.ask_udp(self.port, servers.query("nothing.invalid"), 0.2) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.kind} does not answer: {self.text()[-600:]}")
            time.sleep(0.02)

    def kill(self):
        """All of its processes at once."""
        pids = self.processes()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(20)
        deadline = time.monotonic() + 20
        while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.005)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def text(self):
        parts = []
        for name in ("output", "log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    parts.append(file.read())
        return "\n".join(parts)


def samara(folder, manifest):
    """The command that runs a manifest of ours, which is written into `folder`."""
    path = os.path.join(folder, "manifest.yaml")
    with open(path, "w", encoding="ascii") as file:
        file.write(manifest)
    return [os.environ.get("SAMARA", servers.SAMARA), "run", path]


class Secondary(Process):
    def __init__(self, kind, zone, primary, folder, port=None, storage="64MiB"):
        port = port or servers.free_port()
        values = {"folder": folder, "address": "127.0.0.1", "port": port, "primary": primary, "zone": zone, "storage": storage}
        os.makedirs(folder, exist_ok=True)
        if kind == "samara":
            super().__init__(kind, port, samara(folder, SAMARA.format(**values)), folder)
            return
        path = os.path.join(folder, "conf")
        server = {"nsd": servers.NSD, "knot": servers.KNOT, "bind": servers.BIND}[kind]
        if kind == "nsd":
            server = server.replace("remote-control:\n", "  xfrd-reload-timeout: 0\nremote-control:\n")
        zone_clause = {"nsd": NSD_ZONE, "knot": KNOT_ZONE, "bind": BIND_ZONE}[kind]
        with open(path, "w", encoding="ascii") as conf:
            conf.write((server + zone_clause).format(**values))
        command = {"nsd": ["nsd", "-d", "-c", path], "knot": ["knotd", "-c", path], "bind": ["named", "-g", "-n", "1", "-c", path]}
        super().__init__(kind, port, command[kind], folder)
