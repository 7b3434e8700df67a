#!/usr/bin/python3
"""tap_peer.py [--octets N] [streams] [names] [leases]: images over a tap device, with the kernel's stack, nmap, hping3 and scapy at the
other end of the wire. Transfers on a wire that loses frames, thousands of short connections, a SYN flood, junk, and what a link
sees of a good host. --octets: so many are sent each way at each loss; 1000000000 take about ten minutes, most of
them where a tenth of the frames is lost."""
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import frame_queries  # noqa: E402
import own_stack  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
from own_stack import OURS4, OURS6  # noqa: E402

GIGABYTE = 1_000_000_000
# Loss in percent -> octets to us, octets from us. After each loss of a retransmission our sender waits for its timer.
TRANSFERS = {0: (GIGABYTE, GIGABYTE), 1: (300_000_000, 100_000_000), 10: (100_000_000, 20_000_000)}
CONNECTIONS = 10_000
FLOOD_SECONDS = 3
HALF_OPEN = 256  # platform/net/tcp/tcp.h, Capacity
MEMORY_GROWTH_KIB = 4 * 1024
PING_SIZES = (0, 1, 7, 8, 55, 56, 57, 1471, 1472, 1473, 1479, 1480, 2959, 2960, 2961, 4000, 8192, 16384, 32768, 50000, 65000, 65499,
              65500, 65507)


def sha256_of(data, size):
    digest = hashlib.sha256()
    while size:
        piece = memoryview(data)[:size]
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest()


def transfer(result, what, up, down, timeout, address=OURS4):
    """`up` octets to us and `down` from us."""
    data = own_stack.pattern(7) * 16
    try:
        answer, took = own_stack.upload(up, data, address, timeout)
        result.check(answer == f"{up} {sha256_of(data, up)}\n", f"{what}: {up:,} octets to us arrive unchanged", answer)
        speeds = f"{up / took / 1e6:.2f} MB/s to us"
        got = hashlib.sha256()
        count, took = own_stack.download(down, 7, got.update, address, timeout)
        result.check(count == down and got.hexdigest() == sha256_of(data, down),
                     f"{what}: {down:,} octets from us arrive unchanged", f"{count} octets")
        print(f"  {what}: {speeds}, {down / took / 1e6:.2f} MB/s from us", flush=True)
    except OSError as error:
        result.check(False, f"{what}: the transfer", repr(error))


def octets_wanted():
    return int(sys.argv[sys.argv.index("--octets") + 1]) if "--octets" in sys.argv else None


def transfers(result, wire, octets):
    for percent, (up, down) in TRANSFERS.items():
        wire.lose(percent)
        transfer(result, f"{percent} % lost", *((octets, octets, 40_000) if octets else (up, down, 120)))
    wire.lose(0)
    transfer(result, "over IPv6", 100_000_000, 100_000_000, 60, OURS6)
    wire.offload(True)
    transfer(result, "checksums left to the card", 100_000_000, 100_000_000, 60)
    transfer(result, "checksums left to the card, over IPv6", 100_000_000, 100_000_000, 60, OURS6)
    wire.offload(False)


def echo():
    try:
        with own_stack.connect(own_stack.ECHO) as client:
            client.sendall(b"there and back")
            client.shutdown(socket.SHUT_WR)
            got = b""
            while part := client.recv(100):
                got += part
            return got == b"there and back"
    except OSError:
        return False


def closed_windows(result):
    """Readers that make us wait: one that starts late, and one that reads nothing until neither side can send."""
    try:
        digest = hashlib.sha256()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
            client.settimeout(20)
            client.connect((OURS4, own_stack.GENERATE))
            client.sendall(b"1000000 3\n")
            time.sleep(2)  # the reader is late, whatever the sender does
            while part := client.recv(3000):
                digest.update(part)
        result.check(digest.hexdigest() == sha256_of(own_stack.pattern(3) * 16, 1_000_000), "a reader that starts late gets everything")
        with own_stack.connect(own_stack.ECHO) as client:
            client.settimeout(1)
            sent = got = 0
            try:
                while sent < 100_000_000:
                    sent += client.send(b"y" * 65536)
            except TimeoutError:
                pass
            client.settimeout(20)
            while got < sent and (part := client.recv(65536)):
                got += len(part)
        result.check(sent < 100_000_000 and got == sent, "an echo that was jammed in both directions is complete", f"{got} of {sent}")
    except OSError as error:
        result.check(False, "closed windows", repr(error))


def everything_is_released(result, what):
    deadline = time.monotonic() + 10
    state = {}
    while time.monotonic() < deadline:
        state = own_stack.stack_state()
        if state and not state["connections"] and not state["half-open"] and not state["blocks"]:
            break
        time.sleep(0.1)
    held = {name: state.get(name) for name in ("connections", "half-open", "blocks")}
    result.check(all(value == 0 for value in held.values()), f"{what}: connections and buffers are given back", str(held))


def streams(result, wire, octets):
    with own_stack.Image(wire, "tap", gateways=(own_stack.PEER4, own_stack.PEER6)) as image:
        transfers(result, wire, octets)
        closed_windows(result)
        everything_is_released(result, "transfers")
        begin = time.monotonic()
        lost = frame_queries.short_connections(CONNECTIONS, 100, echo)
        result.check(lost == 0, f"{CONNECTIONS:,} short connections are echoed", f"{lost} are not: {own_stack.stack_state()}")
        print(f"  {CONNECTIONS / (time.monotonic() - begin):.0f} short connections a second", flush=True)
        everything_is_released(result, "short connections")
        flood("-S", "-p", str(own_stack.ECHO), "--rand-source")
        state = own_stack.stack_state()
        result.check(state.get("cookies-sent", 0) > 10_000 and echo(), "a SYN flood is answered with cookies", str(state))
        result.check(state.get("half-open", HALF_OPEN + 1) <= HALF_OPEN and state.get("blocks") == 0,
                     "a SYN flood takes its share of the table and no buffers", str(state))
        result.check(image.alive(), "streams: the image lives", image.text()[-600:])


# ---- a primary ------------------------------------------------------------------------------------------------------

def a_good_host(result):
    for address in (OURS4, OURS6):
        own_stack.run("ip neigh flush dev peer0")
        own_stack.run(["ping", "-c", "1", "-W", "2", address], check=False)
        entry = own_stack.run(f"ip neigh show to {address} dev peer0").stdout
        result.check("lladdr" in entry and ("REACHABLE" in entry or "DELAY" in entry), f"{address} is a neighbour", entry)
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.connect((address, 4321))
            client.send(b"anybody?")
            try:
                client.recv(10)
                refused = False
            except ConnectionRefusedError:
                refused = True
            except OSError:
                refused = False
        result.check(refused, f"{address}: a datagram to a closed port is answered with port unreachable")
        try:
            own_stack.connect(4321, address, 2).close()
            refused = False
        except OSError as error:
            refused = isinstance(error, ConnectionRefusedError)
        result.check(refused, f"{address}: a connection to a closed port is reset")
        unanswered = []
        for size in PING_SIZES:
            done = own_stack.run(["ping", "-c", "2", "-i", "0.02", "-W", "2", "-s", str(size), address], check=False)
            if " 0% packet loss" not in done.stdout:
                unanswered.append(size)
        result.check(not unanswered, f"{address}: pings of 0 to {PING_SIZES[-1]:,} octets are answered", f"not these: {unanswered}")


def questions_meanwhile(result, name, attack):
    """Asks over UDP and TCP all the while attack() runs: each question is answered within TCP's ten seconds. A datagram may be
    lost to the kernel's full queue in front of the tap, so one that is not answered at once is sent again, as resolvers do."""
    done = threading.Event()
    asked = {"udp": 0, "udp answered": 0, "datagrams": 0, "tcp": 0, "tcp answered": 0}

    def ask():
        www = servers.query("www.frames.test", 1, 3)
        while not done.is_set():
            asked["udp"] += 1
            for _ in range(20):
                asked["datagrams"] += 1
                if frame_queries.good(frame_queries.ask_udp(www, timeout=0.5)):
                    asked["udp answered"] += 1
                    break
            asked["tcp"] += 1
            asked["tcp answered"] += frame_queries.tcp_query()

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        attack()
    finally:
        done.set()
        asker.join()
    print(f"  {name}: {asked}", flush=True)
    result.check(asked["udp"] > 0 and asked["udp"] == asked["udp answered"], f"{name}: questions over UDP are answered", str(asked))
    result.check(asked["tcp"] > 0 and asked["tcp"] == asked["tcp answered"], f"{name}: new connections are served", str(asked))


def flood(*arguments, seconds=FLOOD_SECONDS):
    """hping3 as fast as it can."""
    done = subprocess.run(["timeout", "-s", "INT", str(seconds), "hping3", "-q", "--flood", "-I", "peer0", *arguments, OURS4],
                          capture_output=True, text=True, check=False)
    sent = [line for line in done.stderr.splitlines() if "packets transmitted" in line]
    print(f"  hping3 {' '.join(arguments)}: {sent[0] if sent else done.stderr.strip()[-200:]}", flush=True)


def hostile(result, image):
    questions_meanwhile(result, "SYN flood", lambda: flood("-S", "-p", "53", "--rand-source"))
    questions_meanwhile(result, "SYN flood to all ports", lambda: flood("-S", "-p", "++1", "--rand-source"))
    questions_meanwhile(result, "UDP flood", lambda: flood("--udp", "-p", "53", "-d", "30", "--rand-source"))
    for arguments in (("-SFRPUAXY", "-p", "53"), ("-A", "-p", "53", "-d", "1000"), ("--icmp",), ("--rawip", "-H", "132"),
                      ("-S", "-p", "53", "-f", "-d", "200")):
        flood(*arguments, seconds=1)
        result.check(frame_queries.answered(), f"hping3 {' '.join(arguments)}: the next question is answered")
    scan = own_stack.run(["nmap", "-n", "-Pn", "-sS", "-O", "-p", "1-2000", "-T4", "--host-timeout", "30s", OURS4], check=False)
    open_ports = [line.split()[0] for line in scan.stdout.splitlines() if "/tcp" in line and " open" in line]
    result.check(open_ports == ["53/tcp"], "nmap finds the open port and no other", scan.stdout[-400:])
    own_stack.run(["nmap", "-n", "-Pn", "-sU", "-F", "--max-retries", "0", "--host-timeout", "10s", OURS4], check=False)
    for scan_type in ("-sN", "-sF", "-sX", "-sA", "-sO"):
        own_stack.run(["nmap", "-n", "-Pn", scan_type, *(() if scan_type == "-sO" else ("-p", "1-200")), "-T4", "--max-retries", "0",
                       "--host-timeout", "10s", OURS4], check=False)
    result.check(frame_queries.answered(), "nmap: the next question is answered")
    import junk_frames  # pylint: disable=import-outside-toplevel
    for name, frames in junk_frames.kinds(53).items():
        begin = time.monotonic()
        count = junk_frames.send(frames)
        print(f"  {name}: {count} frames, {time.monotonic() - begin:.1f} s", flush=True)
        result.check(count > 100 and frame_queries.answered(), f"{name}: the next question is answered")
        result.check(image.alive(), f"{name}: the image lives", image.text()[-600:])


def names(result, wire):
    with frame_queries.primary(wire, "tap", gateways=(own_stack.PEER4, own_stack.PEER6)) as image:
        frame_queries.check(result, "tap", image)
        a_good_host(result)
        begin = time.monotonic()
        lost = frame_queries.short_connections(CONNECTIONS, 100, frame_queries.tcp_query)
        result.check(lost == 0, f"{CONNECTIONS:,} questions over connections of their own are answered", f"{lost} are not")
        print(f"  {CONNECTIONS / (time.monotonic() - begin):.0f} questions by TCP a second", flush=True)
        before = image.resident_kib()
        hostile(result, image)
        frame_queries.check(result, "tap, after all that", image)
        grown = image.resident_kib() - before
        result.check(grown < MEMORY_GROWTH_KIB, "memory is where it was", f"grew by {grown} KiB from {before}")
        code = image.stop()
        result.check(code == 0, "SIGTERM ends it with 0", str(code))


# ---- an address that is lent -----------------------------------------------------------------------------------------

def leases(result, wire):
    log, file = os.path.join(own_stack.OUT, "dnsmasq.log"), os.path.join(own_stack.OUT, "dnsmasq.leases")
    for path in (log, file):
        if os.path.exists(path):
            os.remove(path)
    server = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--no-ping", "--port=0", "--interface=peer0", "--bind-interfaces",
                               "--dhcp-range=192.0.2.100,192.0.2.150,120", f"--dhcp-leasefile={file}", "--conf-file=/dev/null",
                               "--user=root", f"--pid-file={file}.pid", "--log-dhcp", f"--log-facility={log}"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        network = {"dhcp": True, "router-advertisements": False, "listen": ["0.0.0.0:53"]}
        with own_stack.Image(wire, "tap", own_stack.PRIMARY, network=network) as image:
            address = [line for line in image.text().splitlines() if line.startswith("ready ")][0].split()[1].split(":")[0]
            begin = time.monotonic()
            code = image.stop()
            took = time.monotonic() - begin
            deadline = time.monotonic() + 5  # the server may be slow to read what was sent
            while True:
                with open(log, encoding="utf-8") as said, open(file, encoding="ascii") as left:
                    said, left = said.read(), left.read()
                given_back = f"DHCPRELEASE(peer0) {address}" in said and address not in left
                if given_back or time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            result.check(given_back, "SIGTERM gives the lease back", f"{left}; {said[-300:]}")
            text = image.text()
            result.check(code == 0 and took < 1 and "killed" not in text, "and ends all processes at once", f"{code}, {took:.1f} s, {text[-300:]}")
    finally:
        server.terminate()
        server.wait()


def main():
    own_stack.own_network("hping3", "nmap", "ping", "dig", "dnsmasq", limit=None if octets_wanted() else 600)
    result = report.Report()
    with own_stack.Wire(bridge=True) as wire:
        parts = {"streams": lambda: streams(result, wire, octets_wanted()), "names": lambda: names(result, wire),
                 "leases": lambda: leases(result, wire)}
        for part in [name for name in parts if name in sys.argv] or parts:
            try:
                parts[part]()
            except (OSError, RuntimeError, ImportError, subprocess.SubprocessError) as error:
                result.check(False, f"the test itself ({part})", repr(error))
    result.finish()


if __name__ == "__main__":
    main()
