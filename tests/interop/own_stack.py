"""Images that bring their own TCP/IP, with the kernel's stack as their peer.

own_network() starts the script again where nothing it does can reach the machine's network, and makes two ends of a wire:

  here, the peer           the image's end (a namespace of its own, entered by nsenter)
  peer0 192.0.2.1 ------- wire0 --- bridge --- tap0   an image with `network: {mode: tap}`
                          wire0                       or one with `mode: xdp`, or with the kernel's sockets, at the wire itself

Frames from the peer are lost at wire0, frames to the peer at peer0: where the sender cannot notice."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import servers

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SAMARA = os.environ.get("SAMARA", os.path.join(ROOT, "out", "samara"))
PRIMARY = os.environ.get("SAMARA_IMAGE", os.path.join(ROOT, "out", "images", "samara-primary-linux-x86_64.elf"))
STREAM = os.path.join(ROOT, "out", "build", "linux", "bin", "stream-linux")
OUT = os.path.join(ROOT, "out", "test", "own_stack")
PEER4, PEER6 = "192.0.2.1", "2001:db8::1"
OURS4, OURS6 = "192.0.2.2", "2001:db8::2"
ECHO, DISCARD, SYSTAT, GENERATE = 7, 9, 11, 19
BLOCK = 65521  # of the octets that are generated


def own_network(*tools, limit=600):
    """`tools` are programs the script needs; it ends when one is missing, and after `limit` seconds (None: never)."""
    missing = [tool for tool in ("ip", "nsenter", "unshare", "ethtool", "nft", *tools) if not shutil.which(tool)]
    if missing:
        give_up(f"needs {' '.join(missing)}, which ops/setup installs")
    if os.environ.get("SAMARA_OWN_NETWORK") != "1":
        os.environ["SAMARA_OWN_NETWORK"] = "1"
        # With the first process of this namespace all others go, images and tools included.
        os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
                              sys.executable, *sys.argv])
    if limit is not None:
        signal.signal(signal.SIGALRM, lambda *_: give_up(f"took more than {limit} s"))
        signal.alarm(limit)
    run("ip link set lo up")
    # Tens of thousands of connections come from one address within a minute.
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
        file.write("1024 65000")


def give_up(why):
    print(f"FAIL {why}\n0 passed, 1 failed", flush=True)
    os._exit(1)


def run(command, check=True):
    return subprocess.run(command.split() if isinstance(command, str) else command, check=check, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Wire:
    """The two ends. `bridge`: the far one is bridged to tap0; otherwise it has our addresses itself."""

    def __init__(self, bridge, queues=1):
        self.far = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 5
        while os.readlink(f"/proc/{self.far.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            if time.monotonic() > deadline:
                raise RuntimeError("no second network namespace")
            time.sleep(0.01)
        number = f"numrxqueues {queues} numtxqueues {queues}"
        run(f"ip link add peer0 {number} type veth peer name wire0 {number} netns {self.far.pid}")
        self.offload(False)
        for command in ("ip link set lo up", "ip link set wire0 up"):
            self.at(command)
        if bridge:
            for command in ("ip link add br0 type bridge mcast_snooping 0", "ip tuntap add tap0 mode tap", "ip link set wire0 master br0",
                            "ip link set tap0 master br0", "ip link set tap0 up", "ip link set br0 up"):
                self.at(command)
        else:
            self.at(f"ip addr add {OURS4}/24 dev wire0")
            self.at(f"ip addr add {OURS6}/64 dev wire0 nodad")
        run("ip link set peer0 up")
        run(f"ip addr add {PEER4}/24 dev peer0")
        run(f"ip addr add {PEER6}/64 dev peer0 nodad")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        run("ip link del peer0", check=False)
        self.far.kill()
        self.far.wait()

    def prefix(self):
        return ["nsenter", "-t", str(self.far.pid), "-n"]

    def at(self, command, check=True):
        """Runs a command at the far end."""
        return run([*self.prefix(), *command.split()], check)

    def offload(self, on):
        """Off: frames as on a wire of copper; each segment is complete, and is lost on its own. On: the peer leaves checksums and
        segments to the card, which here is whoever needs them first."""
        word = "on" if on else "off"
        run(f"ethtool -K peer0 tx {word} tso {word} gso {word} gro {word}")
        self.at(f"ethtool -K wire0 gro {word}")

    def lose(self, percent):
        """From now on, this share of the frames in each direction."""
        for far, device in ((False, "peer0"), (True, "wire0")):
            do = self.at if far else run
            do("nft delete table netdev loss", check=False)
            if percent:
                do("nft add table netdev loss")
                do(f"nft add chain netdev loss in {{ type filter hook ingress device {device} priority 0; }}")
                do(f"nft add rule netdev loss in numgen random mod 1000 < {round(percent * 10)} counter drop")


class Image:
    """A running image. `mode` is tap, xdp or sockets."""

    def __init__(self, wire, mode, image=STREAM, ports=(ECHO, DISCARD, SYSTAT, GENERATE), workers=1, clients=256, zones=None,
                 addresses=(f"{OURS4}/24", f"{OURS6}/64"), gateways=(), limits=None, network=None):
        """`network`: instead of what follows from the addresses."""
        os.makedirs(OUT, exist_ok=True)
        os.chmod(OUT, 0o755)
        name = f"{os.path.basename(image)}-{mode}"
        listen = [(f"[{address}]" if ":" in address else address) + f":{port}"
                  for address in (text.split("/")[0] for text in addresses) for port in ports]
        manifest = {"role": "primary", "listen": listen, "workers": workers, "zones": zones or {},
                    "limits": {"tcp-clients": clients, "tcp-clients-per-prefix": clients, **(limits or {})}}
        if mode != "sockets":
            manifest["network"] = {"mode": mode, "interface": "tap0" if mode == "tap" else "wire0", "addresses": list(addresses),
                                   "gateways": list(gateways), "listen": listen, "router-advertisements": False}
        if network:
            manifest["network"] = {"mode": mode, "interface": "tap0", **network}
            listen = network["listen"]
        path = os.path.join(OUT, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(manifest, file)
        self.log_path = os.path.join(OUT, f"{name}.log")
        self.log = open(self.log_path, "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen([*wire.prefix(), SAMARA, "run", path, "--image", image], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while len([line for line in self.text().splitlines() if line.startswith("ready ")]) < len(listen):
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.text()
                self.stop()
                raise RuntimeError(f"{name} is not ready: {text[-600:]}")
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def alive(self):
        return self.process.poll() is None

    def processes(self):
        return servers.descendants(self.process.pid)

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

    def stop(self):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        return self.process.returncode


# ---- clients --------------------------------------------------------------------------------------------------------

def wait_while(look, unwanted, limit=3):
    """What look() gives once it is not unwanted(), or after `limit` seconds whatever it is."""
    end = time.monotonic() + limit
    while unwanted(seen := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return seen


def connect(port, address=OURS4, timeout=10):
    return socket.create_connection((address, port), timeout)


def stack_state(timeout=5):
    """What the stack of a stream image holds, by name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.connect((OURS4, SYSTAT))
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                client.send(b"?")
                lines = client.recv(65535).decode().splitlines()
                return {name: int(value) for name, value in (line.split() for line in lines)}
            except OSError:
                continue
    return {}


def pattern(seed):
    """The block a stream image repeats."""
    state, out = seed, bytearray()
    for _ in range(BLOCK):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xffffffffffffffff
        out.append(state >> 56)
    return bytes(out)


def upload(size, data, address=OURS4, timeout=300):
    """Sends `size` octets of `data` repeated to discard; its answer, and the seconds it took."""
    begin = time.monotonic()
    with connect(DISCARD, address, timeout) as client:
        client.settimeout(timeout)
        left = size
        while left:
            piece = memoryview(data)[:left]
            client.sendall(piece)
            left -= len(piece)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while part := client.recv(4096):
            answer += part
    return answer.decode(), time.monotonic() - begin


def download(size, seed, take, address=OURS4, timeout=300):
    """Lets generate send `size` octets and hands them to take(); how many came, and the seconds it took."""
    begin, count, room = time.monotonic(), 0, bytearray(1 << 20)
    with connect(GENERATE, address, timeout) as client:
        client.settimeout(timeout)
        client.sendall(f"{size} {seed}\n".encode())
        while got := client.recv_into(room):
            take(memoryview(room)[:got])
            count += got
    return count, time.monotonic() - begin


