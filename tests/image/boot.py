#!/usr/bin/python3
"""boot.py: what the bare-metal target promises (docs/virtio-target.md), tried with the echo image, which has no stack: it boots on
every machine, answers frames, sleeps, ends as asked, says what is missing, and leaves a crash record."""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import machines  # noqa: E402
import report  # noqa: E402
from machines import GUEST_ADDRESS, HOST_ADDRESS, MACHINES, Machine, exit_code  # noqa: E402

IMAGE = os.path.join(machines.ROOT, "out", "build", "virtio", "bin", "echo-virtio")
READY = f"ready {GUEST_ADDRESS}\n"
WORDS = f"role.address={GUEST_ADDRESS}"
COLD_BOOTS = 10
UNDER_WAY = 50  # datagrams at once; the card's queues hold more
START_INSTRUCTIONS = 1_000_000  # 1 ms of guest time
CRASHES = {
    "null-read": "page fault: read from 0x0000000000000000 (a null pointer)",
    "null-call": "page fault: execution at 0x0000000000000000 (a null pointer)",
    "stack": "(the stack is used up)",
    "panic": "panic: asked to panic",
    "check": "an internal check failed",
    "write-code": "(forbidden there)",
    "write-constant": "(forbidden there)",
    "run-data": "page fault: execution at",
    "double-free": "the heap is damaged",
}


def tail(machine):
    return " | ".join(machine.console.splitlines()[-4:])[:400]


def echo(count, sizes, timeout=1.0):
    """Datagrams to the echo port one by one; how many came back as they were."""
    good = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((GUEST_ADDRESS, 7))
        for i in range(count):
            message = bytes([i & 255]) * sizes[i % len(sizes)]
            try:
                client.send(message)
                good += client.recv(65535) == message
            except OSError:
                pass
    return good


def burst(count):
    """Sends so many datagrams, UNDER_WAY at once; how many different ones came back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        client.settimeout(1.0)
        client.connect((GUEST_ADDRESS, 7))
        seen = set()
        try:
            for i in range(count):
                client.send(i.to_bytes(4, "big") + b"x" * 60)
                while i - len(seen) > UNDER_WAY:
                    seen.add(client.recv(100)[:4])
            while len(seen) < count:
                seen.add(client.recv(100)[:4])
        except TimeoutError:
            pass  # the rest was lost
    return len(seen)


def ping(size, count=3):
    result = subprocess.run(["ping", "-n", "-q", "-c", str(count), "-i", "0.02", "-W", "1", "-s", str(size), GUEST_ADDRESS],
                            capture_output=True, text=True)
    return f" {count} received" in result.stdout


def answers(result, kind):
    with Machine(kind, IMAGE, WORDS) as machine:
        if not result.check(machine.wait_for(READY), f"{kind}: boots", tail(machine)):
            return
        for size in (0, 1, 56, 512, 1472):
            result.check(ping(size), f"{kind}: answers ping with {size} octets")
        good = echo(300, (1, 2, 7, 100, 511, 1024, 1471, 1472))
        result.check(good == 300, f"{kind}: echoes datagrams of all sizes, checksums offloaded", f"{good} of 300")
        good = burst(1000)
        result.check(good >= 990, f"{kind}: answers a burst", f"{good} of 1000")
        before = machine.cpu_seconds()
        time.sleep(3)  # idleness takes time, however the machine does
        used = machine.cpu_seconds() - before
        result.check(used < 0.15, f"{kind}: idle, it uses no CPU", f"{used:.2f} s in 3 s")
        machine.type("what\npower off\n")
        typed = time.monotonic()
        status = machine.status()
        # An octet a second is what it would take without the serial port's interrupt.
        result.check(time.monotonic() - typed < 3, f"{kind}: the console wakes it", f"{time.monotonic() - typed:.1f} s")
        # Without ACPI there is no power to turn off: the debug exit tells of a good end.
        result.check(status == (1 if "without" in kind else 0), f"{kind}: the line \"power off\" ends it with 0", f"status {status}")
        result.check("understood" in machine.console and "told to stop" in machine.console, f"{kind}: says why it ends",
                     tail(machine))


def cold_boots(result, kind):
    times = []
    for _ in range(COLD_BOOTS):
        with Machine(kind, IMAGE, WORDS) as machine:
            seconds = machine.wait_for(READY)
            if seconds is None or echo(1, (64,), 2.0) != 1:
                result.check(False, f"{kind}: {COLD_BOOTS} cold boots in a row", f"number {len(times) + 1}: {tail(machine)}")
                return
            times.append(seconds * 1000)
    result.check(True, f"{kind}: {COLD_BOOTS} cold boots in a row")
    print(f"{kind}: QEMU's start to ready: {min(times):.0f} ms at best, {sorted(times)[len(times) // 2]:.0f} ms in the middle")


def power_button(result, kind):
    with Machine(kind, IMAGE, WORDS) as machine:
        machine.wait_for(READY)
        machine.monitor("system_powerdown")
        status = machine.status(5)
        result.check(status == 0, f"{kind}: the power button ends it with 0", f"status {status}; {tail(machine)}")


def ends_with(result, name, code, text, kind="microvm", **options):
    with Machine(kind, IMAGE, options.pop("words", WORDS), **options) as machine:
        status = machine.status(8)
        good = status is not None and exit_code(status) == code and text in machine.console
        result.check(good, name, f"status {status}, expected {code * 2 + 1}; {tail(machine)}")


def refusals(result):
    for kind in MACHINES:
        ends_with(result, f"{kind}: a missing card is said", 69, "no network card", kind, network="none")
        ends_with(result, f"{kind}: a missing boot module is said", 64, "no boot configuration", kind, blob=None)
        ends_with(result, f"{kind}: a machine without entropy is refused", 69, "no entropy", kind, cpu="max,-rdrand,-rdseed")
    ends_with(result, "what the role refuses ends with its code", 65, "boot configuration: too short", blob=b"abc")
    ends_with(result, "an old processor is refused", 69, "lacks instructions of x86-64-v2", cpu="qemu64")
    ends_with(result, "a processor without 64 bits is refused", 69, "has no 64-bit mode", cpu="coreduo")
    ends_with(result, "a processor without NX is refused", 69, "NX is off", cpu="max,-nx")
    ends_with(result, "a legacy card is refused", 69, "before 1.0", extra=["-global", "virtio-mmio.force-legacy=true"])
    ends_with(result, "a legacy PCI card is refused", 69, "before 1.0", "pc", card=",disable-modern=on")
    ends_with(result, "too little memory is said", 69, "too little memory", memory=3)
    ends_with(result, "memory that is used up is said", 69, "out of memory", words=WORDS + " role.fill=40M role.heap=30M", memory=64)
    ends_with(result, "a clock that is not there is said", 69, "no clock", words=WORDS + " clock=cpuid")
    for word, expected in (("on-failure=explode", "poweroff, reset or halt"), ("clock=tsc", "cpuid, apic"),
                           ("virtio_mmio.device=garbage", "SIZE@ADDRESS:LINE"), ("measure=foo", "start")):
        ends_with(result, f"{word} is refused", 64, f"{word} (expected: {expected}", words=f"{WORDS} {word}")


def boots(result, name, kind="microvm", text=READY, words="", **options):
    with Machine(kind, IMAGE, f"{WORDS} {words}".strip(), **options) as machine:
        seconds = machine.wait_for(READY)
        good = seconds is not None and text in machine.console and echo(3, (64,)) == 3
        result.check(good, name, tail(machine))
        return machine.console


def variants(result):
    boots(result, "4 MiB are enough for an image without zones", memory=4)
    for kind in MACHINES:
        boots(result, f"{kind}: serves in 8 MiB", kind, memory=8)
    ends_with(result, "zones do not grow into the heap", 69, "out of memory", words=WORDS + " role.heap=40M role.late=30M", memory=64)
    boots(result, "zones grow up to the heap", memory=64, words="role.heap=30M role.late=20M")
    boots(result, "3 GiB of memory", memory=3000, words="role.fill=200M")
    boots(result, "6 GiB of memory: the part above 4 GiB", "q35", memory=6000, words="role.fill=100M role.heap=100M")
    boots(result, "zones and heap meet inside one area", "pc", memory=64, words="role.fill=41M role.heap=20M")
    for words in ("clock=pit", "clock=pm-timer", "clock=apic"):
        boots(result, f"pc with {words}", "pc", words=words, text=words.replace("=", ": "))
    boots(result, "microvm with clock=pit", words="clock=pit", text="clock: pit")
    boots(result, "microvm without PIT, PIC and battery clock", "microvm without ACPI", text="no wall clock",
          extra=["-M", "pit=off,pic=off,rtc=off"])
    for kind, device in (("microvm", "virtio-rng-device"), ("pc", "virtio-rng-pci"), ("q35", "virtio-rng-pci")):
        boots(result, f"{kind}: entropy from virtio-rng alone", kind, text="entropy: virtio-rng", cpu="max,-rdrand,-rdseed",
              extra=["-device", device])
    boots(result, "a modern PCI card", "q35", card=",disable-legacy=on")
    boots(result, "a transitional PCI card", "pc", card=",disable-legacy=off")
    boots(result, "a PCI card behind a bridge", "q35", network=[
        "-device", "pcie-root-port,id=rp,bus=pcie.0,chassis=1", "-netdev",
        f"tap,id=n,ifname={machines.TAP},script=no,downscript=no", "-device", "virtio-net-pci,netdev=n,bus=rp"])
    boots(result, "a PCI card without message interrupts is polled", "pc", text="it is polled", card=",vectors=0")
    boots(result, "a card without event index", card=",event_idx=off")
    boots(result, "a card without checksum offloads", card=",csum=off,guest_csum=off")
    boots(result, "a card with small queues", "pc", card=",rx_queue_size=256,tx_queue_size=256")
    boots(result, "a card that names its MTU", "q35", text="MTU 1400", card=",host_mtu=1400")
    boots(result, "a card of its own address", text="02:00:00:00:00:07", card=",mac=02:00:00:00:00:07")
    boots(result, "an unknown word is said", text="surprise is not known", words="surprise")
    boots(result, "ACPI's timer is found where there is no other", "q35", text="clock: pm-timer", cpu="max,-hypervisor",
          extra=["-M", "pit=off"])
    boots(result, "a card behind another root of PCI", "q35", network=[
        "-device", "pxb-pcie,id=far,bus_nr=128,bus=pcie.0", "-device", "pcie-root-port,id=rp,bus=far,chassis=1", "-netdev",
        f"tap,id=n,ifname={machines.TAP},script=no,downscript=no", "-device", "virtio-net-pci,netdev=n,bus=rp"])
    in_memory = ["-M", "microvm,pcie=on"]
    for name, card in (("a card", ""), ("a modern card", ",disable-legacy=on")):
        boots(result, f"{name} of a PCI that is configured in memory, without a firmware that does it", text="pci (configured in memory)",
              extra=in_memory, network=["-netdev", f"tap,id=n,ifname={machines.TAP},script=no,downscript=no",
                                        "-device", f"virtio-net-pci,netdev=n{card}"])
    ends_with(result, "a PCI that is configured in memory and has no card is named", 69, "in memory at 0xe0000000, and bus 0 has none",
              extra=in_memory, network="none")
    second = ["-netdev", "hubport,id=other,hubid=1", "-device", "virtio-net-pci,netdev=other,mac=52:54:00:00:00:07",
              "-netdev", f"tap,id=n,ifname={machines.TAP},script=no,downscript=no",
              "-device", "virtio-net-pci,netdev=n,mac=52:54:00:00:00:08"]
    boots(result, "the command line chooses a card", "q35", text="52:54:00:00:00:08", words="card=52:54:00:00:00:08", network=second)
    ends_with(result, "a card that is not there is said", 69, "1 with others", "q35", words=WORDS + " card=52:54:00:00:00:09")
    ends_with(result, "another kind of card is named", 69, "8086:10d3 on PCI", "q35", network=["-device", "e1000e"])
    disks = [word for i in range(7) for word in ("-blockdev", f"driver=null-co,node-name=x{i},size=1048576,read-zeroes=on",
                                                  "-device", f"virtio-blk-pci,drive=x{i}")]
    for kind in ("pc", "q35"):
        boots(result, f"{kind}: seven disks beside the card", kind, extra=disks, blob=b"boot configuration" * 300, memory=32)
    boots(result, "a boot module of 70 MiB", memory=256, blob=b"boot configuration" * 4_000_000)


def storage(result):
    size = 200 << 10
    words = f"{WORDS} role.storage={size}"
    with tempfile.TemporaryDirectory() as folder:
        def disk(name, octets=1 << 20):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.truncate(octets)
            return path

        kept = disk("kept")
        starts = 0
        # The last machine finds what the first one wrote.
        for kind in MACHINES:
            for _ in range(2):
                starts += 1
                with Machine(kind, IMAGE, words, storage=kept) as machine:
                    machine.wait_for(READY)
                    wanted = f"storage: start {starts}, 0 octets of {size} wrong\n"
                    result.check(wanted in machine.console, f"{kind}: storage keeps what was written, start {starts}", tail(machine))
        with open(kept, "rb") as file:
            octets = file.read()
        pattern = bytes((starts * 31 + i * 7 + i // 512) & 255 for i in range(size))
        result.check(octets[0] == starts and octets[-size:] == pattern and not any(octets[1:-size]), "the disk holds that, and no more")
        for kind, name, options in (
                ("microvm", "blocks of 4096 octets", ",logical_block_size=4096,physical_block_size=4096"),
                ("q35", "blocks of 4096 octets", ",logical_block_size=4096,physical_block_size=4096"),
                ("pc", "a write-through cache", ",write-cache=off"), ("microvm", "no event index", ",event_idx=off"),
                ("q35", "a modern disk", ",disable-legacy=on"), ("pc", "a transitional disk", ",disable-legacy=off")):
            with Machine(kind, IMAGE, words, storage=disk("other"), disk=options) as machine:
                machine.wait_for(READY)
                result.check("storage: start 1, 0 octets" in machine.console, f"{kind}: {name}", tail(machine))
        for kind in MACHINES:
            ends_with(result, f"{kind}: a missing disk is said", 69, "no block device", kind, words=words)
        boots(result, "a disk that is not asked for is left alone", storage=disk("unused"))
        ends_with(result, "a disk that is too small is said", 69, "too small", words=words, storage=disk("small", 64 << 10))
        ends_with(result, "a legacy disk is refused", 69, "block device speaks only the virtio of before 1.0", "pc", words=words,
                  storage=disk("legacy"), disk=",disable-modern=on")
        read_only = ["-drive", f"if=none,id=r,format=raw,readonly=on,file={disk('read-only')}", "-device", "virtio-blk-device,drive=r"]
        ends_with(result, "a read-only disk is refused", 69, "is read-only", words=words, extra=read_only)
        failing = ["-blockdev", "driver=raw,node-name=d,file.driver=blkdebug,file.image.driver=null-co,file.image.size=1048576,"
                   "file.image.read-zeroes=on,file.inject-error.0.event=write_aio,file.inject-error.0.errno=5", "-device", "virtio-blk-device,drive=d,werror=report"]
        ends_with(result, "a disk that fails is said", 69, "storage: write: the device reports an error", words=words, extra=failing)


def measured_start(result):
    for kind in MACHINES:
        with Machine(kind, IMAGE, WORDS + " measure=start", extra=["-icount", "shift=0"]) as machine:
            machine.wait_for(" ticks\n")
            found = re.search(r"measure: ready after (\d+) ticks", machine.console)
            count = int(found.group(1)) if found else None
            result.check(count is not None and count <= START_INSTRUCTIONS, f"{kind}: instructions from entry to ready",
                         f"{count}; {tail(machine)}")
            print(f"{kind}: {count} instructions from entry to ready")


def symbols(addresses):
    return subprocess.run(["llvm-symbolizer-19", "-e", IMAGE, *addresses], capture_output=True, text=True).stdout


def crashes(result):
    for kind in CRASHES:
        with Machine("microvm", IMAGE, f"{WORDS} role.crash={kind}") as machine:
            status = machine.status(8)
            result.check(status == 141 and CRASHES[kind] in machine.console, f"crash {kind}: noticed, exit code 70",
                         f"status {status}; {tail(machine)}")
            found = re.search(r"^backtrace .*?: (.*)$", machine.console, re.M)
            names = symbols(found.group(1).split()) if found else ""
            wanted = "use_stack" if kind == "stack" else "EchoRole::serve"
            result.check(wanted in names, f"crash {kind}: the backtrace leads to it", names.replace("\n", " ")[:300])
            result.check("last events:\n  " in machine.console, f"crash {kind}: the last events are told", tail(machine))
    for kind in MACHINES:
        with Machine(kind, IMAGE, f"{WORDS} role.crash=write-code on-failure=reset", debug_exit=False, reboot=True) as machine:
            again = machine.wait_for("the run before this one ended with:\nsamara: crash: page fault: write to", 15)
            result.check(again, f"{kind}: the crash record survives a reset", tail(machine))
    for kind in ("microvm", "pc", "q35"):
        with Machine(kind, IMAGE, f"{WORDS} role.crash=panic", debug_exit=False) as machine:
            status = machine.status(8)
            result.check(status == 0 and "asked to panic" in machine.console,
                         f"{kind}: without a debug exit a crash turns the power off", f"status {status}; {tail(machine)}")


def main():
    machines.own_network()
    result = report.Report()
    for kind in MACHINES:
        answers(result, kind)
        cold_boots(result, kind)
        if "without" not in kind:
            power_button(result, kind)
    refusals(result)
    variants(result)
    storage(result)
    measured_start(result)
    crashes(result)
    result.finish()


if __name__ == "__main__":
    main()
