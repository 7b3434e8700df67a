"""Questions to a primary that runs over frames (tap or xdp): the same for both, over IPv4 and IPv6."""
import concurrent.futures
import os
import selectors
import socket
import struct
import subprocess
import time

import message
import own_stack
import servers
from robustness import framed, opt, read_framed, with_counts

ZONE = """$ORIGIN frames.test.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 300
@ NS ns
ns A 192.0.2.2
www A 192.0.2.80
""" + "".join(f"{name} TXT \"{i:03} {'x' * 240}\"\n" for name, count in (("edns", 15), ("large", 240)) for i in range(count))
NOERROR = 0
LARGE_EDNS = 4096


def primary(wire, mode, **more):
    """A primary for ZONE whose UDP answers may be as large as they can be."""
    os.makedirs(own_stack.OUT, exist_ok=True)
    path = os.path.join(own_stack.OUT, "frames.test.zone")
    with open(path, "w", encoding="utf-8") as file:
        file.write(ZONE)
    return own_stack.Image(wire, mode, own_stack.PRIMARY, ports=(53,), clients=1024, zones={"frames.test": {"file": path}},
                           limits={"udp-payload-ipv4": LARGE_EDNS, "udp-payload-ipv6": LARGE_EDNS}, **more)


def edns_query(name, rr_type, size):
    return with_counts(servers.query(name, rr_type, 7) + opt(size=size), additional=1)


def ask_udp(wire, address=own_stack.OURS4, timeout=2.0, tries=1):
    for _ in range(tries):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(timeout)
            try:
                client.connect((address, 53))
                client.send(wire)
                return message.parse(client.recv(65535))
            except (OSError, message.Malformed, struct.error, IndexError):
                continue
    return None


def ask_tcp(wire, address=own_stack.OURS4, timeout=10):
    try:
        with own_stack.connect(53, address, timeout) as client:
            client.sendall(framed(wire))
            answer = read_framed(client)
            return message.parse(answer) if answer else None
    except (OSError, message.Malformed, struct.error, IndexError):
        return None


def good(answer, records=1):
    return answer is not None and answer.rcode == NOERROR and len(answer.answer) == records


def answered(udp_tries=3):
    """Whether the next question is answered, over both."""
    www = servers.query("www.frames.test", 1, 77)
    return good(ask_udp(www, tries=udp_tries)) and good(ask_tcp(www))


def many_at_once(count):
    """How many of that many questions, each from a socket of its own and all under way together, are answered."""
    www = servers.query("www.frames.test", 1, 9)
    waiting, seen = selectors.DefaultSelector(), 0
    try:
        for _ in range(count):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            client.connect((own_stack.OURS4, 53))
            client.setblocking(False)
            waiting.register(client, selectors.EVENT_READ)
        for key in list(waiting.get_map().values()):
            key.fileobj.send(www)
        deadline = time.monotonic() + 5
        while seen < count and time.monotonic() < deadline:
            for key, _ in waiting.select(0.5):
                seen += len(key.fileobj.recv(4096)) > 12
                waiting.unregister(key.fileobj)
                key.fileobj.close()
    finally:
        for key in list(waiting.get_map().values()):
            key.fileobj.close()
        waiting.close()
    return seen


def short_connections(count, parallel, work):
    """How many of `count` calls of work(), `parallel` at a time, do not say True."""
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        return sum(ok is not True for ok in pool.map(lambda _: work(), range(count)))


def tcp_query():
    return good(ask_tcp(servers.query("www.frames.test", 1, 5)))


def check(result, label, image):
    """The whole list; `label` stands in front of the names of the checks."""
    dig = subprocess.run(["dig", "+short", "+timeout=2", f"@{own_stack.OURS4}", "www.frames.test"], capture_output=True, text=True,
                         check=False)
    result.check(dig.stdout == "192.0.2.80\n", f"{label}: dig has its answer", dig.stdout + dig.stderr)
    for address in (own_stack.OURS4, own_stack.OURS6):
        where = f"{label} {address}"
        www = servers.query("www.frames.test", 1, 7)
        result.check(good(ask_udp(www, address)), f"{where}: a question over UDP is answered")
        result.check(good(ask_tcp(www, address)), f"{where}: a question over TCP is answered")
        fits = ask_udp(edns_query("edns.frames.test", 16, LARGE_EDNS), address)
        result.check(good(fits, 15) and fits.size > 3000, f"{where}: an answer of several fragments arrives whole")
        cut = ask_udp(edns_query("large.frames.test", 16, LARGE_EDNS), address)
        result.check(cut is not None and cut.flags & message.TC, f"{where}: an answer that does not fit is truncated")
        large = ask_tcp(edns_query("large.frames.test", 16, LARGE_EDNS), address)
        result.check(good(large, 240) and large.size > 60000, f"{where}: a TCP answer of 60,000 octets is whole")
    seen = many_at_once(1000)
    result.check(seen == 1000, f"{label}: 1,000 questions at once are answered", f"{seen} are")
    lost = short_connections(500, 20, tcp_query)
    result.check(lost == 0, f"{label}: 500 short connections are served", f"{lost} are not")
    result.check(image.alive(), f"{label}: the image lives", image.text()[-600:])
