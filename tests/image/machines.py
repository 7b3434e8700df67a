"""Machines in QEMU for image tests: emulation only (the tests measure behaviour, not speed), a network namespace of their own with a
tap device, or several on a bridge, the console as lines, and the exit status as the image's exit code.

A script calls own_network() first: it starts itself again in a fresh network namespace, which vanishes with it."""
import os
import select
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOST_ADDRESS, GUEST_ADDRESS = "10.0.2.2", "10.0.2.15"
TAP = "tap0"
# name -> machine type, and whether virtio devices are on PCI
MACHINES = {"microvm": ("microvm", False), "microvm without ACPI": ("microvm,acpi=off", False), "pc": ("pc", True),
            "q35": ("q35", True)}


def own_network(taps=(TAP,), bridge=None):
    """Tap devices; the host's address is that of the bridge they are ports of, or of the only one."""
    if os.environ.get("SAMARA_OWN_NETWORK") != "1":
        os.environ["SAMARA_OWN_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
    commands = ["ip link set lo up"]
    if bridge:
        commands += [f"ip link add {bridge} type bridge", f"ip link set {bridge} up"]
    for tap in taps:
        commands += [f"ip tuntap add {tap} mode tap", *([f"ip link set {tap} master {bridge}"] if bridge else []),
                     f"ip link set {tap} up"]
    commands.append(f"ip addr add {HOST_ADDRESS}/24 dev {bridge or taps[0]}")
    for command in commands:
        subprocess.run(command.split(), check=True)


def exit_code(status):
    """The image's exit code out of QEMU's: isa-debug-exit makes 2 * code + 1 of it."""
    return (status - 1) // 2 if status % 2 else status


def _until_prompt(monitor):
    """Reads what QEMU's monitor says until it waits for a command, or has ended."""
    said = b""
    while not said.endswith(b"(qemu) ") and (part := monitor.recv(4096)):
        said += part
    return said.decode(errors="replace")


class Machine:
    """One running QEMU. `network` is tap, none, or QEMU's own arguments as a list; `mac` the card's address, QEMU's usual one when
    empty; `storage` the file of a disk."""

    def __init__(self, kind, image, words="", blob=b"boot configuration", memory=16, cpu="max", network="tap", debug_exit=True,
                 reboot=False, extra=(), card="", storage=None, disk="", tap=TAP, mac="",
                 serial="stdio"):
        machine, pci = MACHINES[kind]
        self.folder = tempfile.TemporaryDirectory()
        self.monitor_path = os.path.join(self.folder.name, "monitor")
        command = ["qemu-system-x86_64", "-M", machine, "-accel", "tcg", "-cpu", cpu, "-m", str(memory), "-nodefaults",
                   "-no-user-config", "-display", "none", "-serial", serial, "-kernel", image,
                   "-monitor", f"unix:{self.monitor_path},server=on,wait=off"]
        if not reboot:
            command.append("-no-reboot")
        if blob is not None:
            path = os.path.join(self.folder.name, "blob")
            with open(path, "wb") as file:
                file.write(blob)
            command += ["-initrd", path]
        if words:
            command += ["-append", words]
        if not pci:
            command += ["-global", "virtio-mmio.force-legacy=false"]
        device = "virtio-net-pci" if pci else "virtio-net-device"
        if network == "tap":
            card += f",mac={mac}" if mac else ""
            command += ["-netdev", f"tap,id=n,ifname={tap},script=no,downscript=no", "-device", f"{device},netdev=n{card}"]
        elif network != "none":
            command += network
        if storage is not None:
            command += ["-drive", f"if=none,id=d,format=raw,file={storage}",
                        "-device", f"{'virtio-blk-pci' if pci else 'virtio-blk-device'},drive=d{disk}"]
        if debug_exit:
            command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        self.console, self.image, self.blob = "", image, blob
        self.started = time.monotonic()
        self.process = subprocess.Popen([*command, *extra], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        bufsize=0)
        os.set_blocking(self.process.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.folder.cleanup()

    def _read(self, timeout):
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        octets = os.read(self.process.stdout.fileno(), 65536) if ready else b""
        self.console += octets.decode(errors="replace").replace("\r", "")
        return bool(octets) or not ready

    def wait_for(self, text, timeout=10, count=1):
        """Seconds from the start until the console has shown `text` that often; None when it does not in time."""
        deadline = time.monotonic() + timeout
        while self.console.count(text) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(min(left, 0.5)):
                return None
        return time.monotonic() - self.started

    def status(self, timeout=10):
        """QEMU's exit status; None while it runs."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self._read(0.2):
            pass
        try:
            return self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None

    def type(self, text):
        try:
            self.process.stdin.write(text.encode())
        except BrokenPipeError:
            pass  # it has ended: status() says how

    def monitor(self, command, timeout=30):
        """Returns what the monitor says to the command, once it has done it; TimeoutError after so many seconds."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(timeout)
            client.connect(self.monitor_path)
            _until_prompt(client)
            client.sendall(command.encode() + b"\n")
            return _until_prompt(client)

    def save(self, path, timeout=30):
        """Stops it and writes all it is to a file; others start from it with -incoming. False: not in time."""
        self.monitor("stop")
        self.monitor(f"migrate \"exec:cat>{path}\"", timeout)
        deadline = time.monotonic() + timeout
        while "completed" not in (said := self.monitor("info migrate")):
            if "failed" in said or time.monotonic() > deadline:
                return False
        return True

    def resume(self, timeout=30):
        """Goes on as what `-incoming` brings. False: not in time."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                if "paused" in (said := self.monitor("info status")) and "inmigrate" not in said:
                    self.monitor("cont")
                    return True
            except OSError:
                pass  # the monitor is not there yet
            time.sleep(0.1)
        return False

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
