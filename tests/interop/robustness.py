#!/usr/bin/python3
"""robustness.py: hostile and broken clients against a running server. After each of them the next question must be answered
over UDP and TCP, and in the end the server must have kept its size."""
import os
import resource
import selectors
import socket
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import message  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
from generate_zone import Random  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "robustness")
ZONE = """$ORIGIN rob.test.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
*.wild TXT "wildcard"
""" + "".join(f"large TXT \"{i} {'x' * 200}\"\n" for i in range(120))
NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED, NOTAUTH, BADVERS = 0, 1, 3, 4, 5, 9, 16
MEMORY_GROWTH_KIB = 16 * 1024
GARBAGE_SIZES = sorted({*range(0, 64), 100, 255, 256, 511, 512, 513, 1231, 1232, 1233, 4095, 4096, 4097, 9000, 16383, 16384,
                        32767, 32768, 65000, 65506, 65507, 65534, 65535})


class Target:
    def __init__(self, server, result):
        self.server, self.result = server, result
        self.next_id = 100

    def connect(self, timeout=5, source="127.0.0.1"):
        client = socket.create_connection(("127.0.0.1", self.server.port), timeout, (source, 0))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def rcode(self, wire, timeout=1.0):
        """The extended rcode of the answer to these octets over UDP; None for silence, 'malformed' for nonsense."""
        answer = servers.ask_udp(self.server.port, wire, timeout)
        if answer is None:
            return None
        try:
            parsed = message.parse(answer)
        except (message.Malformed, struct.error, IndexError):
            return "malformed"
        return parsed.rcode if parsed.flags & 0x8000 and parsed.id == struct.unpack_from(">H", wire)[0] else "malformed"

    def answers_udp(self):
        self.next_id += 1
        return self.rcode(servers.query("www.rob.test", 1, self.next_id), 3.0) == NOERROR

    def answers_tcp(self, timeout=10, source="127.0.0.1"):
        """Tries again where the server closed the connection: it may be at its limit for this client."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                with self.connect(timeout, source) as client:
                    client.sendall(framed(servers.query("www.rob.test", 1, 77)))
                    answer = read_framed(client)
                    if answer is not None:
                        return message.parse(answer).rcode == NOERROR
            except OSError:
                continue
        return False

    def survives(self, what):
        """The check after each attack."""
        self.result.check(self.server.alive(), f"{what}: the server lives", self.server.tail())
        self.result.check(self.answers_udp(), f"{what}: the next question over UDP is answered")
        self.result.check(self.answers_tcp(), f"{what}: the next question over TCP is answered")

    def expect(self, name, wire, *rcodes):
        got = self.rcode(wire)
        self.result.check(got in rcodes, name, f"rcode {got} (expected {' or '.join(map(str, rcodes))})")


def framed(wire):
    return struct.pack(">H", len(wire)) + wire


def read_framed(client):
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack_from(">H", data)[0]:
        part = client.recv(65537)
        if not part:
            return None
        data += part
    return data[2:]


def opt(size=1232, version=0, flags=0, options=b"", name=b"\0"):
    return name + struct.pack(">HHBBHH", message.OPT, size, 0, version, flags, len(options)) + options


def with_counts(wire, questions=1, answers=0, authority=0, additional=0):
    return wire[:4] + struct.pack(">HHHH", questions, answers, authority, additional) + wire[12:]


def random_bytes(r, count):
    out = bytearray()
    while len(out) < count:
        out += r.next().to_bytes(8, "big")
    return bytes(out[:count])


def garbage_over_udp(target):
    r = Random(11)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", target.server.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        for size in GARBAGE_SIZES:
            if size > 65507:
                continue  # no datagram holds more
            client.send(random_bytes(r, size))
            client.send((servers.query("www.rob.test") + random_bytes(r, size))[:65507])
            client.send(struct.pack(">HHHHHH", 1, 0, 1, 0xffff, 0xffff, 0xffff) + random_bytes(r, max(0, size - 12)))
    target.survives("garbage over UDP")


def garbage_over_tcp(target):
    r = Random(12)
    for size in GARBAGE_SIZES:
        for unframed in (False, True):
            with target.connect() as client:
                data = random_bytes(r, size)
                try:
                    client.sendall(data if unframed else framed(data))
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass
                except OSError:
                    pass  # cut off: as good as any answer
    target.survives("garbage over TCP")


def mutated_questions(target):
    """Valid questions with a few octets changed: nonsense that gets further than garbage."""
    r = Random(13)
    good = with_counts(servers.query("www.wild.rob.test", 16), additional=1) + opt(options=b"\0\x0a\0\x08" + b"c" * 8)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", target.server.port))
        client.setblocking(False)
        malformed = 0
        for _ in range(20000):
            wire = bytearray(good)
            for _ in range(1 + r.below(4)):
                wire[r.below(len(wire))] = r.below(256)
            try:
                client.send(bytes(wire[:r.below(len(wire)) + 1] if r.chance(20) else wire))
                answer = client.recv(65536)
                message.parse(answer)
            except (BlockingIOError, ConnectionError):
                pass
            except (message.Malformed, struct.error, IndexError):
                malformed += 1
        target.result.check(malformed == 0, "mutated questions: every answer is well-formed", f"{malformed} are not")
    target.survives("mutated questions")


def broken_questions(target):
    header = struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0)
    tail = struct.pack(">HH", 1, 1)
    www = servers.query("www.rob.test", 1, 7)
    broken = {
        "a pointer to itself": header + b"\xc0\x0c" + tail,
        "a forward pointer": header + b"\xc0\x20" + tail,
        "two pointers in a loop": header + b"\x01a\xc0\x10\x01b\xc0\x0c" + tail,
        "a pointer into the header": header + b"\xc0\x00" + tail,
        "a name that does not end": header + b"\x3f" + b"a" * 40,
        "a name of 256 octets": header + (b"\x3f" + b"a" * 63) * 4 + b"\0" + tail,
        "label type 01": header + b"\x41a\0" + tail,
        "half a question": www[:-2],
        "two questions": with_counts(www + www[12:], questions=2),
        "no question": with_counts(www[:12], questions=0),
        "65,535 questions": with_counts(www, questions=65535),
        "octets after the end": www + b"\0",
        "OPT twice": with_counts(www + opt() + opt(), additional=2),
        "OPT with a name": with_counts(www + opt(name=b"\x01a\0"), additional=1),
        "an EDNS option that runs past the end": with_counts(www + opt(options=b"\0\x0a\0\xff"), additional=1),
        "fewer records than it says": with_counts(www, additional=3),
    }
    for name, wire in broken.items():
        accepted = (FORMERR, NOERROR) if name in ("octets after the end", ) else (FORMERR,)
        target.expect(f"{name}: FORMERR", wire, *accepted)
    for wire in (b"", b"\0", www[:11]):
        answer = servers.ask_udp(target.server.port, wire, 0.2)
        target.result.check(answer is None, f"{len(wire)} octets, less than a header: silence")
    target.survives("broken questions")


def edns(target):
    www = servers.query("www.rob.test", 1, 7)
    wire = with_counts(www + opt(version=7), additional=1)
    target.expect("EDNS version 7: BADVERS", wire, BADVERS)
    answer = servers.ask_udp(target.server.port, wire)
    target.result.check(answer is not None and message.parse(answer).edns[:1] == (0,), "BADVERS says our version, 0")
    many = b"".join(struct.pack(">HHH", 65001 + i % 500, 2, i) for i in range(1000))
    target.expect("1,000 unknown EDNS options: ignored", with_counts(www + opt(options=many), additional=1), NOERROR)
    cookies = struct.pack(">HH8s", 10, 8, b"12345678") * 1000
    target.expect("1,000 cookies: answered or FORMERR", with_counts(www + opt(options=cookies), additional=1), NOERROR, FORMERR)
    target.expect("a cookie of 3 octets: FORMERR", with_counts(www + opt(options=struct.pack(">HH3s", 10, 3, b"abc")), additional=1),
                  FORMERR)
    for size in (0, 1, 511, 512, 65535):
        target.expect(f"EDNS size {size}", with_counts(www + opt(size=size), additional=1), NOERROR)
    answer = servers.ask_udp(target.server.port, with_counts(servers.query("large.rob.test", 16, 7) + opt(size=65535), additional=1))
    parsed = message.parse(answer) if answer else None
    target.result.check(parsed and parsed.flags & message.TC and parsed.size <= 4096 and parsed.edns,
                        "EDNS size 65,535: our own limit holds, TC is set, OPT is kept")
    target.survives("EDNS")


def header_values(target):
    www = servers.query("www.rob.test", 1, 7)
    for opcode in range(1, 16):
        wire = struct.pack(">HH", 7, opcode << 11) + www[4:]
        accepted = {4: (NOTIMP, NOTAUTH, REFUSED, FORMERR), 5: (NOTIMP, NOTAUTH, REFUSED, FORMERR), 6: (NOTIMP, FORMERR)}
        target.expect(f"opcode {opcode}", wire, *accepted.get(opcode, (NOTIMP,)))
    for rr_class in (0, 2, 3, 4, 254, 255, 65535):
        accepted = (REFUSED, FORMERR, NOTIMP) + ((NOERROR,) if rr_class == 255 else ())
        target.expect(f"class {rr_class}", servers.query("www.rob.test", 1, 7, rr_class=rr_class), *accepted)
    for rr_type in (0, 41, 249, 250, 251, 252, 253, 254):
        got = target.rcode(servers.query("rob.test", rr_type, 7))
        target.result.check(isinstance(got, int), f"meta type {rr_type} over UDP gets an answer", str(got))
    for flags in (0x8000, 0x8180, 0xffff):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(3)
            client.connect(("127.0.0.1", target.server.port))
            client.send(struct.pack(">HH", 666, flags) + www[4:])
            client.send(servers.query("www.rob.test", 1, 667))
            answer = client.recv(65536)
            target.result.check(struct.unpack_from(">H", answer)[0] == 667, f"a response (flags {flags:04x}) is not answered")
    target.expect("a foreign name: REFUSED", servers.query("www.example.org", 1, 7), REFUSED)
    target.survives("header values")


def pipelining(target):
    with target.connect() as client:
        count = 500
        client.sendall(b"".join(framed(servers.query("www.rob.test", 1, i)) for i in range(count)))
        seen, data = set(), b""
        while len(seen) < count:
            part = client.recv(65536)
            if not part:
                break
            data += part
            while len(data) >= 2 and len(data) >= 2 + struct.unpack_from(">H", data)[0]:
                length = struct.unpack_from(">H", data)[0]
                seen.add(struct.unpack_from(">H", data, 2)[0])
                data = data[2 + length:]
        target.result.check(len(seen) == count, "500 pipelined questions over TCP are answered", f"{len(seen)} are")
    with target.connect() as client:  # octet by octet, as fast as they go out
        for octet in framed(servers.query("www.rob.test", 1, 9)):
            client.send(bytes([octet]))
        target.result.check(read_framed(client) is not None, "a question that arrives octet by octet is answered")
    with target.connect() as client:
        client.sendall(framed(servers.query("www.rob.test", 1, 9)))
        client.shutdown(socket.SHUT_WR)
        target.result.check(read_framed(client) is not None, "a client that closes its side still gets its answer")
    with target.connect() as client:
        client.sendall(framed(servers.query("large.rob.test", 16, 9)))
        answer = read_framed(client)
        parsed = message.parse(answer) if answer else None
        target.result.check(parsed and len(parsed.answer) == 120 and not parsed.flags & message.TC, "a large answer over TCP is whole")


def slow_clients(target):
    """Twenty clients that send an octet a second, and as many that stop after half a length."""
    wire = framed(servers.query("www.rob.test", 1, 5))
    slow = [target.connect() for _ in range(20)]
    halves = [target.connect() for _ in range(20)]
    for client in halves:
        client.send(wire[:1])
    waiting = selectors.DefaultSelector()
    for client in slow:
        client.setblocking(False)
        waiting.register(client, selectors.EVENT_READ)
    answered, in_time = 0, True
    for octet in wire:
        for client in slow:
            try:
                client.send(bytes([octet]))
            except OSError:
                pass  # the server may have had enough of it
        in_time = in_time and target.answers_udp()
        for key, _ in waiting.select(1.0):  # the pace: a second, or an answer
            try:
                answered += bool(key.fileobj.recv(65536))
            except OSError:
                pass
            waiting.unregister(key.fileobj)
    target.result.check(in_time, "slow clients: others are answered meanwhile")
    print(f"  {answered} of {len(slow)} slow clients got an answer, the others were closed")
    target.survives("slow clients")
    for client in slow + halves:
        client.close()


def never_reading_clients(target):
    """Clients that ask for large answers and never read them, until their sending blocks."""
    wire = framed(servers.query("large.rob.test", 16, 5)) * 200
    clients = []
    for _ in range(30):
        client = target.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        clients.append(client)
    for client in clients:
        try:
            for _ in range(50):
                client.send(wire)
        except OSError:
            pass
    target.survives("clients that never read")
    for client in clients:
        client.close()


def connection_flood(target):
    """More connections than the server keeps from one client; another client is served nevertheless, and so is the first one
    when it has let go."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    clients = []
    for _ in range(3000):
        try:
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", target.server.port))
            clients.append(client)
        except OSError:
            break
    target.result.check(target.answers_udp(), f"{len(clients)} idle connections: UDP is answered")
    target.result.check(target.answers_tcp(10, "127.0.0.2"), f"{len(clients)} idle connections: another client is answered over TCP")
    for client in clients:
        client.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    target.survives("connection flood")


def all_places_taken(target):
    """As many idle connections as there are places, and more, from addresses that each have all they may: whoever comes next
    gets in, at once and every time (RFC 7766 section 6.2.3)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    clients = []
    for number in range(12 * 120):
        try:
            clients.append(target.connect(source=f"127.0.1.{1 + number % 12}"))
        except OSError:
            break
    lost = 0
    for number in range(20):
        begin = time.monotonic()
        if not target.answers_tcp(1, f"127.0.2.{1 + number}") or time.monotonic() - begin > 1:
            lost += 1
    target.result.check(lost == 0, f"{len(clients)} idle connections from 12 addresses: every other client is answered", f"{lost} of 20")
    for client in clients:
        client.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    target.survives("all places taken")


ATTACKS = [garbage_over_udp, garbage_over_tcp, mutated_questions, broken_questions, edns, header_values, pipelining, slow_clients,
           never_reading_clients, connection_flood, all_places_taken]


def main():
    result = report.Report()
    os.makedirs(OUT, exist_ok=True)
    zone = os.path.join(OUT, "rob.test.zone")
    with open(zone, "w", encoding="utf-8") as file:
        file.write(ZONE)
    kind = sys.argv[1] if len(sys.argv) > 1 else "samara"
    with servers.Server(kind, [("rob.test", zone)], OUT) as server:
        target = Target(server, result)
        target.survives("start")
        for _ in range(2000):
            target.answers_udp()
        before = server.resident_kib()
        for attack in ATTACKS:
            begin = time.monotonic()
            try:
                attack(target)
            except (OSError, message.Malformed) as error:
                result.check(False, attack.__name__, repr(error))
            print(f"  {attack.__name__}: {time.monotonic() - begin:.1f} s, {server.resident_kib()} KiB", flush=True)
        grown = server.resident_kib() - before
        result.check(grown < MEMORY_GROWTH_KIB, "memory stays bounded", f"grew by {grown} KiB")
        code = server.stop()
        result.check(code == 0, "SIGTERM ends it with 0", str(code))
    result.finish()


if __name__ == "__main__":
    main()
