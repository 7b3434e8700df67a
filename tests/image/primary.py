#!/usr/bin/python3
"""primary.py: the primary as a machine of its own answers clients on a Linux link: addresses from its configuration and by DHCP,
UDP and TCP, IPv4 and IPv6, fragments, many at once; ping, ports that are closed, neighbours, a link that goes and comes back; and `samara run --target virtio`."""
import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import dns.flags
import dns.message
import dns.query
import dns.rdatatype

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import machines  # noqa: E402
import report  # noqa: E402
from machines import GUEST_ADDRESS, HOST_ADDRESS, ROOT, TAP, Machine, exit_code  # noqa: E402

SAMARA = os.path.join(ROOT, "out", "samara")
IMAGE = os.path.join(ROOT, "out", "images", "samara-primary-virtio-x86_64.elf")
KINDS = ("microvm", "pc", "q35")
GUEST6, HOST6 = "2001:db8:7::15", "2001:db8:7::2"
PARALLEL = 1000
ZONE = """$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.10
www AAAA 2001:db8::10
""" + "".join(f"fragmented TXT \"{i:02} {'f' * 90}\"\n" for i in range(35)) + \
    "".join(f"large TXT \"{i:03} {'l' * 240}\"\n" for i in range(240))
STATIC = f"addresses: [{GUEST_ADDRESS}/24, \"{GUEST6}/64\"]"


def boot_blob(folder, network, *options):
    with open(os.path.join(folder, "example.zone"), "w", encoding="ascii") as file:
        file.write(ZONE)
    manifest = os.path.join(folder, "primary.yaml")
    with open(manifest, "w", encoding="ascii") as file:
        file.write(f"role: primary\nlisten: [\"127.0.0.1:5300\"]\nlimits: {{udp-payload-ipv4: 4096, udp-payload-ipv6: 4096}}\n"
                   f"network: {{{network}}}\nzones: {{example: {{file: example.zone}}}}\n")
    blob = os.path.join(folder, "boot.dtb")
    subprocess.run([SAMARA, "config", "compile", manifest, "--output", blob, *options], check=True)
    with open(blob, "rb") as file:
        return file.read()


def question(name, kind, payload=1232):
    return dns.message.make_query(name, kind, use_edns=0, payload=payload)


def ask(address, name, kind, tcp=False, payload=1232, timeout=2.0):
    """The answer, or why there is none."""
    try:
        send = dns.query.tcp if tcp else dns.query.udp
        return send(question(name, kind, payload), address, timeout=timeout)
    except Exception as error:  # pylint: disable=broad-except
        return repr(error)


def answered(result, name, response, records, truncated=False):
    good = not isinstance(response, str) and sum(map(len, response.answer)) == records and \
        bool(response.flags & dns.flags.TC) == truncated
    return result.check(good, name, str(response)[:300])


async def many(address, count):
    """So many questions at once over one socket, and again what is unanswered after a second, as every client does; how many
    different ones were answered, and how many at the first attempt."""
    class Client(asyncio.DatagramProtocol):
        def __init__(self):
            self.seen = set()

        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            if data[3] & 15 == 0 and data[6:8] == b"\0\1":
                self.seen.add(data[:2])

    transport, client = await asyncio.get_running_loop().create_datagram_endpoint(Client, remote_addr=(address, 53))
    so_rcvbufforce = 33  # not in Python's socket module: a size beyond the system's limit for others
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, so_rcvbufforce, 4 << 20)
    wire = question("www.example.", "A").to_wire()[2:]
    at_first = 0
    for attempt in range(4):
        for n, i in enumerate(i for i in range(count) if i.to_bytes(2, "big") not in client.seen):
            transport.sendto(i.to_bytes(2, "big") + wire)
            if n % 100 == 99:
                await asyncio.sleep(0.001)  # the tap device's queue is as long as this burst
        for _ in range(20):
            await asyncio.sleep(0.05)
            if len(client.seen) == count:
                break
        at_first = at_first if attempt else len(client.seen)
    transport.close()
    return len(client.seen), at_first


def refused(address, kind):
    """What the kernel says of a port nobody listens on."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as client:
        client.settimeout(2.0)
        try:
            client.connect((address, 54))
            client.send(b"x")
            client.recv(1)
        except OSError as error:
            return type(error).__name__
    return "an answer"


def ping(address, size):
    reply = subprocess.run(["ping", "-n", "-q", "-c", "1", "-W", "2", "-s", str(size), address], capture_output=True, text=True)
    return " 1 received" in reply.stdout


def pipelined(address, count):
    """Large answers asked for at once on one connection; how many octets came."""
    wire = question("large.example.", "TXT").to_wire()
    with socket.create_connection((address, 53), 3.0) as client:
        client.sendall((len(wire).to_bytes(2, "big") + wire) * count)
        octets, sizes = b"", []
        while len(sizes) < count:
            piece = client.recv(65536)
            if not piece:
                break
            octets += piece
            while len(octets) >= 2 and len(octets) >= 2 + int.from_bytes(octets[:2], "big"):
                size = int.from_bytes(octets[:2], "big")
                sizes.append(size)
                octets = octets[2 + size:]
    return sizes


def frames_until(listener, wanted, seconds):
    """What of `wanted` (name -> whether a frame is that) was seen on the tap device within so many seconds."""
    seen, end = set(), time.monotonic() + seconds
    while len(seen) < len(wanted) and time.monotonic() < end:
        listener.settimeout(max(0.05, end - time.monotonic()))
        try:
            frame = listener.recv(2048)
        except TimeoutError:
            break
        seen |= {name for name, is_that in wanted.items() if is_that(frame)}
    return seen


def link_change(result, kind, machine):
    """The cable is pulled and put in again, after a long and after a short time."""
    own4, own6 = socket.inet_aton(GUEST_ADDRESS), socket.inet_pton(socket.AF_INET6, GUEST6)
    wanted = {"ARP announcement": lambda f: f[12:14] == b"\x08\x06" and f[28:32] == own4 and f[38:42] == own4,
              "neighbour advertisement": lambda f: f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 136 and f[62:78] == own6}
    with socket.create_connection((GUEST_ADDRESS, 53), 3.0) as client, \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as listener:
        listener.bind((TAP, 0))
        for seconds, lines in ((2.5, 1), (0, None)):
            machine.monitor("set_link n off")
            if lines is not None:
                said = machine.wait_for("the network card has lost its link")
                result.check(said, f"{kind}: a lost link is said", machine.console[-400:])
            time.sleep(seconds)  # how long the cable is out is the difference between the two cases
            machine.monitor("set_link n on")
            seen = frames_until(listener, wanted, 5)
            result.check(seen == set(wanted), f"{kind}: addresses are announced after {seconds} s without a link", str(seen))
        result.check(machine.wait_for("the network card has a link; addresses are announced", count=2),
                     f"{kind}: a link that is back is said", machine.console[-400:])
        answered(result, f"{kind}: answers after the link was lost", ask(GUEST_ADDRESS, "www.example.", "A"), 1)
        wire = question("www.example.", "A").to_wire()
        client.sendall(len(wire).to_bytes(2, "big") + wire)
        client.settimeout(5.0)
        result.check(len(client.recv(2048)) > len(wire), f"{kind}: connections outlive the loss of the link")


def static_addresses(result, kind, folder):
    with Machine(kind, IMAGE, blob=boot_blob(folder, STATIC), memory=32) as machine:
        up = machine.wait_for(f"ready {GUEST_ADDRESS}:53") and machine.wait_for(f"ready [{GUEST6}]:53")
        if not result.check(up, f"{kind}: answers on its configured addresses", machine.console[-400:]):
            return
        for address, family in ((GUEST_ADDRESS, "IPv4"), (GUEST6, "IPv6")):
            answered(result, f"{kind}: {family} over UDP", ask(address, "www.example.", "A"), 1)
            answered(result, f"{kind}: {family} over TCP", ask(address, "www.example.", "AAAA", tcp=True), 1)
            answered(result, f"{kind}: {family} cut at the client's size", ask(address, "fragmented.example.", "TXT"), 0, True)
            answered(result, f"{kind}: {family} in fragments", ask(address, "fragmented.example.", "TXT", payload=4096), 35)
            answered(result, f"{kind}: {family} a large answer", ask(address, "large.example.", "TXT", tcp=True), 240)
            for size in (0, 1400, 1472, 1473, 8000, 65507 if family == "IPv4" else 65487):
                result.check(ping(address, size), f"{kind}: {family} ping of {size} octets")
            for protocol, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
                how = refused(address, protocol)
                result.check(how == "ConnectionRefusedError", f"{kind}: {family} {name} to a closed port is refused", how)
        sizes = pipelined(GUEST_ADDRESS, 5)
        result.check(len(sizes) == 5 and len(set(sizes)) == 1 and sizes[0] > 60_000, f"{kind}: five large answers on one connection",
                     str(sizes))
        count, at_first = asyncio.run(many(GUEST_ADDRESS, PARALLEL))
        result.check(count == PARALLEL, f"{kind}: {PARALLEL} questions at once", f"{count} answered, {at_first} of them at once")
        result.check(at_first >= PARALLEL // 2, f"{kind}: most of {PARALLEL} questions at the first attempt", str(at_first))
        neighbors = subprocess.run(["ip", "neigh", "show", "dev", TAP], capture_output=True, text=True).stdout
        for address in (GUEST_ADDRESS, GUEST6):
            result.check(re.search(rf"^{re.escape(address)} lladdr 52:54:00:12:34:56 .*(REACHABLE|STALE|DELAY)", neighbors, re.M),
                         f"{kind}: {address} is a neighbour", neighbors)
        link_change(result, kind, machine)
        machine.type("power off\n")
        status = machine.status()
        result.check(status == 0, f"{kind}: power off by request", f"status {status}")


def by_dhcp(result, kind, folder):
    leases, log = os.path.join(folder, "leases"), os.path.join(folder, f"dnsmasq-{kind}.log")
    server = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--no-ping", "--port=0", f"--interface={TAP}", "--bind-interfaces",
                               "--dhcp-range=10.0.2.100,10.0.2.110,120", f"--dhcp-option=option:router,{HOST_ADDRESS}",
                               f"--dhcp-leasefile={leases}", "--conf-file=/dev/null", "--user=root", f"--pid-file={folder}/pid",
                               "--log-dhcp", f"--log-facility={log}"], stderr=subprocess.DEVNULL)
    try:
        with Machine(kind, IMAGE, blob=boot_blob(folder, "dhcp: true, host-name: primary-by-dhcp"), memory=32) as machine:
            up = machine.wait_for("ready 10.0.2.1")
            machine.wait_for(":53\n")
            found = re.search(r"ready (10\.0\.2\.1\d\d):53", machine.console)
            if not result.check(up and found, f"{kind}: an address by DHCP", machine.console[-400:]):
                return
            answered(result, f"{kind}: answers on its leased address", ask(found.group(1), "www.example.", "A"), 1)
            with open(leases, encoding="ascii") as file:
                lease = file.read()
            result.check(found.group(1) in lease and "primary-by-dhcp" in lease, f"{kind}: the server knows the lease", lease)
            machine.monitor("set_link n off")
            machine.wait_for("has lost its link")
            machine.monitor("set_link n on")
            machine.wait_for("has a link")
            deadline = time.monotonic() + 5
            while True:
                with open(log, encoding="utf-8") as said:
                    requests = said.read().count(f"DHCPACK({TAP}) {found.group(1)}")
                if requests == 2 or time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            result.check(requests == 2, f"{kind}: the lease is confirmed when the link is back", str(requests))
            if kind == "microvm":
                machine.type("power off\n")
            else:
                machine.monitor("system_powerdown")
            status = machine.status()
            deadline = time.monotonic() + 5  # the server may be slow to read what was sent
            while True:
                with open(leases, encoding="ascii") as file, open(log, encoding="utf-8") as said:
                    left, said = file.read(), said.read()
                given_back = found.group(1) not in left and f"DHCPRELEASE({TAP}) {found.group(1)}" in said
                if given_back or time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            result.check(status == 0 and given_back, f"{kind}: the lease is given back at power off",
                         f"status {status}, {left}, {said[-300:]}")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def no_network(result, folder):
    with Machine("microvm", IMAGE, blob=boot_blob(folder, "dhcp: true"), memory=32) as machine:
        said = machine.wait_for("no DHCP server answers", 30)
        result.check(said, "a missing DHCP server is said, and it goes on trying", machine.console[-400:])
        result.check(machine.process.poll() is None, "a missing DHCP server does not end the machine")


def damaged(result, folder):
    """One bit of the zone's text that is another is noticed: it would be served otherwise."""
    blob = bytearray(boot_blob(folder, STATIC))
    blob[blob.index(b"192.0.2.10") + 9] ^= 1
    with Machine("microvm", IMAGE, blob=bytes(blob), memory=32) as machine:
        status = machine.status()
        result.check(status is not None and exit_code(status) == 65 and "it is damaged" in machine.console,
                     "a boot configuration with a bit that has changed is refused", f"{status}: {machine.console[-400:]}")


def seeded(result, folder):
    """A machine without a random source of its own lives on the seed that was compiled in, and says what that is worth."""
    blobs = [boot_blob(folder, STATIC, "--seed") for _ in range(2)]
    result.check(blobs[0] != blobs[1], "each boot configuration has a seed of its own")
    with Machine("microvm", IMAGE, blob=blobs[0], memory=32, cpu="max,-rdrand,-rdseed") as machine:
        ready = machine.wait_for(f"ready {GUEST_ADDRESS}")
        result.check(ready and "entropy: seed" in machine.console and "make a new one for each start" in machine.console,
                     "a seed in the boot configuration is taken where there is nothing better", machine.console[-600:])


def command(result, folder):
    """`samara run --target virtio`, as the README has it."""
    boot_blob(folder, STATIC.replace(GUEST_ADDRESS, "10.0.2.77"))
    with open(os.path.join(folder, "primary.yaml"), "r+", encoding="ascii") as file:
        text = re.sub(r"^network:.*\n", "", file.read(), flags=re.M)
        file.seek(0)
        file.truncate()
        file.write(text)
    process = subprocess.Popen([SAMARA, "run", os.path.join(folder, "primary.yaml"), "--target", "virtio"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        begin = time.monotonic()
        line = process.stdout.readline()
        result.check(line == "ready 127.0.0.1:5300\n", "samara run --target virtio says when it is ready", line)
        print(f"samara run --target virtio: ready after {time.monotonic() - begin:.2f} s")
        reply = None
        for tcp in (False, True):
            try:
                send = dns.query.tcp if tcp else dns.query.udp
                reply = send(question("www.example.", "A"), "127.0.0.1", port=5300, timeout=3.0)
            except Exception as error:  # pylint: disable=broad-except
                reply = repr(error)
            answered(result, f"samara run --target virtio answers over {'TCP' if tcp else 'UDP'}", reply, 1)
        process.send_signal(signal.SIGTERM)
        code = process.wait(15)
        result.check(code == 0, "samara run --target virtio stops when told to", f"exit code {code}; {process.stderr.read()[:300]}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    wrong = subprocess.run([SAMARA, "run", os.path.join(folder, "primary.yaml"), "--target", "virtio", "--qemu", "/nonexistent"],
                           capture_output=True, text=True, timeout=20)
    result.check(wrong.returncode == 69 and "apt-get install qemu-system-x86" in wrong.stderr, "a missing QEMU is said",
                 f"{wrong.returncode}: {wrong.stderr}")


def main():
    machines.own_network()
    subprocess.run(["ip", "-6", "addr", "add", f"{HOST6}/64", "dev", TAP, "nodad"], check=True)
    result = report.Report()
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            static_addresses(result, kind, folder)
            by_dhcp(result, kind, folder)
        no_network(result, folder)
        damaged(result, folder)
        seeded(result, folder)
        command(result, folder)
    result.finish()


if __name__ == "__main__":
    main()
