#!/usr/bin/python3
"""network.py [--seconds N] [--servers LIST]: what an answer costs with the network path, over links in namespaces made for it.

  CPU        user and system time of the server's processes for each answer, in microseconds
  answers/s  answers that came back in a second while the client asks as fast as it can

each under two clients: kxdpgun (over AF_XDP, asks without waiting) and dnsperf (kernel sockets, 800 questions under way). The
server runs on core 0, the client on core 1. A packet that enters the server's namespace is carried through veth or tap by the
softirq of whoever sent it. So the way of a question up to the server's socket, tap device or ring, the XDP program included, is
the client's time, the way of an answer down to the client the server's: the same for every server here. Time of interrupts that
Linux charges to nobody is not counted.

The tap device has its kernel end in the client's namespace; the others share a veth pair of one queue without offloads.
"""
import argparse
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tests", "interop")]
import servers  # noqa: E402
from workload import Workload  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "bench")
SERVER_LINK, CLIENT_LINK, TAP = "bench-server", "bench-client", "bench-tap"
LINKS = {SERVER_LINK: ("10.53.0.1", "10.53.0.2"), TAP: ("10.53.1.1", "10.53.1.2")}  # -> the server's address, the client's
# name -> kind, how it takes packets, goal for CPU under kxdpgun in microseconds. docs/benchmarks.md.
SERVERS = {"samara sockets": ("samara", "sockets", None), "samara tap": ("samara", "tap", None),
           "samara xdp": ("samara", "xdp", 1.2), "nsd": ("nsd", "sockets", None), "knot": ("knot", "sockets", None),
           "knot xdp": ("knot", "xdp", None)}
PEERS = [name for name, (kind, _, _) in SERVERS.items() if kind != "samara"]
KXDPGUN_RATE = 2_000_000  # more than any server here answers


def own_network():
    """Starts this script again in a network namespace that vanishes with it."""
    if os.environ.get("SAMARA_OWN_NETWORK") != "1":
        os.environ["SAMARA_OWN_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])


def sh(command):
    subprocess.run(command.split(), check=True, stdout=subprocess.DEVNULL)


class ServerNamespace:
    """The other end of the link: a namespace that lives as long as the process in it."""

    def __enter__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "--", "sh", "-c", "echo up; exec sleep 600"], stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-n"]
        inside = " ".join(self.enter)
        server, client = LINKS[SERVER_LINK]
        queues = "numrxqueues 1 numtxqueues 1"
        for command in ("ip link set lo up",
                        f"ip link add {CLIENT_LINK} {queues} type veth peer name {SERVER_LINK} {queues} netns {self.holder.pid}",
                        f"ip addr add {client}/24 dev {CLIENT_LINK}", f"ip link set {CLIENT_LINK} up", f"{inside} ip link set lo up",
                        f"{inside} ip addr add {server}/24 dev {SERVER_LINK}", f"{inside} ip link set {SERVER_LINK} up",
                        f"ip tuntap add {TAP} mode tap vnet_hdr user nobody", f"ip addr add {LINKS[TAP][1]}/24 dev {TAP}",
                        f"ip link set {TAP} up"):
            sh(command)
        # Packets as they are on a wire: complete checksums (AF_XDP needs them), nothing merged.
        for link, prefix in ((CLIENT_LINK, ""), (SERVER_LINK, inside + " ")):
            subprocess.run(f"{prefix}ethtool -K {link} rx off tx off gro off tso off gso off".split(), check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.holder.terminate()
        self.holder.wait()


class NetworkServer(servers.Server):
    """A server of tests/interop/servers.py on one of our links."""

    def __init__(self, name, zone, folder, namespace):
        kind, self.mode, _ = SERVERS[name]
        self.link = TAP if self.mode == "tap" else SERVER_LINK
        enter = [] if self.mode == "tap" else namespace.enter
        super().__init__(kind, [zone], folder, [*enter, "taskset", "-c", "0"], address=LINKS[self.link][0], ready_timeout=20)

    def _command(self):
        if self.kind == "samara":
            path = os.path.join(self.folder, "primary.yaml")
            name, file = self.zones[0]
            listen = f'listen: ["{self.address}:{self.port}"]'
            with open(path, "w", encoding="utf-8") as manifest:
                manifest.write(f"role: primary\n{listen}\nzones:\n  {name}: {{file: {file}}}\n")
                if self.mode != "sockets":
                    manifest.write(f'network:\n  mode: {self.mode}\n  interface: {self.link}\n  addresses: ["{self.address}/24"]\n  {listen}\n')
            return [os.environ.get("SAMARA", servers.SAMARA), "run", path]
        command = super()._command()
        if self.mode == "xdp":
            with open(os.path.join(self.folder, "conf"), "a", encoding="utf-8") as conf:
                conf.write(f"xdp:\n  listen: {self.link}@{self.port}\n")
        return command


def kxdpgun(server, questions, seconds):
    """(answers, seconds)"""
    run = subprocess.run(["taskset", "-c", "1", "kxdpgun", "-F", "1", "-t", str(seconds), "-Q", str(KXDPGUN_RATE), "-i", questions,
                          "-p", str(server.port), server.address], capture_output=True, text=True, timeout=seconds + 20)
    replies = re.search(r"total replies:\s+(\d+)", run.stdout + run.stderr)
    if not replies or int(replies.group(1)) == 0:
        raise RuntimeError(f"kxdpgun: {(run.stdout + run.stderr)[-400:]}")
    return int(replies.group(1)), seconds


def dnsperf(server, questions, seconds):
    """(answers, seconds)"""
    run = subprocess.run(["taskset", "-c", "1", "dnsperf", "-s", server.address, "-p", str(server.port), "-d", questions, "-l",
                          str(seconds), "-T", "1", "-c", "4", "-q", "800", "-t", "1"], capture_output=True, text=True, timeout=seconds + 20)
    answers = re.search(r"Queries completed:\s+(\d+)", run.stdout)
    time = re.search(r"Run time \(s\):\s+([\d.]+)", run.stdout)
    if not answers or not time or int(answers.group(1)) == 0:
        raise RuntimeError(f"dnsperf: {run.stdout[-300:]}{run.stderr[-300:]}")
    return int(answers.group(1)), float(time.group(1))


CLIENTS = {"kxdpgun": kxdpgun, "dnsperf": dnsperf}


def measure(name, work, namespace, seconds):
    print(f"  {name}", file=sys.stderr, flush=True)
    figures = {}
    try:
        with NetworkServer(name, (work.origin, work.zone), os.path.join(OUT, "run"), namespace) as server:
            for client, drive in CLIENTS.items():
                try:
                    drive(server, work.hit, 1)  # whatever is done once is done
                    before = server.cpu_seconds()
                    answers, time = drive(server, work.hit, seconds)
                    figures[client] = {"cpu": (server.cpu_seconds() - before) * 1e6 / answers, "rate": answers / time}
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    print(f"  {name}: {client}: {error}", file=sys.stderr, flush=True)
    except (RuntimeError, OSError) as error:
        print(f"  {name}: {error}", file=sys.stderr, flush=True)
    return figures


def ratio(results, name, peer, client):
    ours, theirs = (results.get(one, {}).get(client) for one in (name, peer))
    return f"{theirs['cpu'] / ours['cpu']:.2f}" if ours and theirs and ours["cpu"] > 0 else "-"


def table(results):
    for client in CLIENTS:
        rows = [[client, "CPU us", "goal", "answers/s", *(f"{peer} / it" for peer in PEERS)]]
        for name, figures in results.items():
            values = figures.get(client)
            goal = SERVERS[name][2] if client == "kxdpgun" else None
            rows.append([name, f"{values['cpu']:.2f}" if values else "-", f"{goal}" if goal else "-",
                         f"{values['rate']:.0f}" if values else "-", *(ratio(results, name, peer, client) for peer in PEERS)])
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            print("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]))
        print()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=4, help="of each measurement")
    options.add_argument("--servers", default=",".join(SERVERS))
    options = options.parse_args()
    own_network()
    work = Workload("small.test", 200, os.path.join(OUT, "zones"))
    load = os.getloadavg()[0]
    with ServerNamespace() as namespace:
        results = {name: measure(name, work, namespace, options.seconds) for name in options.servers.split(",")}
    table(results)
    print(f"load of the machine when it began: {load:.1f}; `PEER / it`: the peer's CPU for each answer divided by this row's")
    with open(os.path.join(OUT, "network.json"), "w", encoding="utf-8") as file:
        json.dump({"seconds": options.seconds, "load": load, "results": results}, file, indent=2)
        file.write("\n")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
