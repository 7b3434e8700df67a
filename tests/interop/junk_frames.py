"""Packets no honest host sends, for tests of the in-tree stack from outside: fuzzed headers, fragments of every bad kind, bad
checksums, all combinations of TCP flags. Built with scapy, the same on every run."""
import json
import random
import socket
import struct

from scapy.all import (ICMP, IP, TCP, UDP, Ether, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, fuzz, raw)

import own_stack

SEED = 20240607
MAX_FRAME = 1514


def tcp_flags(me, port):
    """Every combination of the nine TCP flags, at an open and a closed port, with and without data."""
    for flags in range(512):
        for dport in (port, port + 1):
            yield me / IP(src=own_stack.PEER4, dst=own_stack.OURS4) / TCP(sport=2000 + flags, dport=dport, flags=flags, seq=flags) / \
                Raw(b"x" * (flags % 3))


def fuzzed_headers(me, port, count):
    v4, v6 = {"dst": own_stack.OURS4}, {"dst": own_stack.OURS6}
    shapes = [lambda: fuzz(IP(**v4)), lambda: fuzz(IP(src=own_stack.PEER4, **v4)) / TCP(dport=port),
              lambda: IP(src=own_stack.PEER4, **v4) / fuzz(TCP(dport=port)), lambda: IP(src=own_stack.PEER4, **v4) / fuzz(UDP(dport=port)),
              lambda: IP(src=own_stack.PEER4, **v4) / fuzz(ICMP()), lambda: fuzz(IPv6(**v6)) / UDP(dport=port),
              lambda: IPv6(src=own_stack.PEER6, **v6) / fuzz(TCP(dport=port)),
              lambda: IPv6(src=own_stack.PEER6, **v6) / fuzz(IPv6ExtHdrHopByHop()) / UDP(dport=port),
              lambda: IPv6(src=own_stack.PEER6, **v6) / fuzz(IPv6ExtHdrDestOpt()) / UDP(dport=port),
              lambda: IPv6(src=own_stack.PEER6, **v6) / fuzz(IPv6ExtHdrRouting()) / TCP(dport=port),
              lambda: IPv6(src=own_stack.PEER6, **v6) / fuzz(IPv6ExtHdrFragment()) / Raw(b"f" * 64),
              lambda: IPv6(src=own_stack.PEER6, hlim=255, **v6) / fuzz(ICMPv6ND_NS()),
              lambda: IPv6(src=own_stack.PEER6, hlim=255, **v6) / fuzz(ICMPv6ND_NA()),
              lambda: IPv6(src="fe80::1", hlim=255, **v6) / fuzz(ICMPv6ND_RA()),
              lambda: IPv6(src=own_stack.PEER6, **v6) / fuzz(ICMPv6EchoRequest())]
    for i in range(count):
        yield me / shapes[i % len(shapes)]() / Raw(random.randbytes(random.choice((0, 0, 1, 7, 40, 600))))


def bad_checksums(me, port):
    for protocol in (TCP(dport=port, flags="S"), UDP(dport=port) / Raw(b"?" * 30), ICMP() / Raw(b"ping")):
        for _ in range(50):
            yield me / IP(src=own_stack.PEER4, dst=own_stack.OURS4, chksum=random.randrange(65536)) / protocol
            wrong = protocol.copy()
            wrong.chksum = random.randrange(1, 65536)
            yield me / IP(src=own_stack.PEER4, dst=own_stack.OURS4) / wrong
            yield me / IPv6(src=own_stack.PEER6, dst=own_stack.OURS6) / wrong


def fragments(me, port):
    """Overlapping, doubled, endless, without a first or a last one, too long; more of them than any reassembly keeps."""
    whole = raw(UDP(sport=9, dport=port) / Raw(b"q" * 4000))
    for number in range(1500):
        shape = number % 6
        offset = {0: 0, 1: 185, 2: 8189, 3: random.randrange(8190), 4: 1, 5: 0}[shape]
        data = whole[:{0: 1480, 1: 800, 2: 1400, 3: 8 * random.randrange(1, 180), 4: 24, 5: 8}[shape]]
        more = 0 if shape in (2, 4) else 1
        identity = number // (1 if shape == 3 else 12)
        yield me / IP(src=own_stack.PEER4, dst=own_stack.OURS4, id=identity & 65535, frag=offset, flags=more, proto=17) / Raw(data)
        yield me / IPv6(src=own_stack.PEER6, dst=own_stack.OURS6) / \
            IPv6ExtHdrFragment(nh=17, offset=offset, m=more, id=identity) / Raw(data)


def mutated(me, port, count):
    """Sound frames with a few octets changed, or cut off."""
    sound = [raw(frame) for frame in (
        me / IP(src=own_stack.PEER4, dst=own_stack.OURS4) / TCP(dport=port, flags="S", options=[("MSS", 1460), ("SAckOK", b""), ("WScale", 7)]),
        me / IP(src=own_stack.PEER4, dst=own_stack.OURS4) / UDP(dport=port) / Raw(b"\0\1\0\0\0\1\0\0\0\0\0\0\3www\0\0\1\0\1"),
        me / IP(src=own_stack.PEER4, dst=own_stack.OURS4) / ICMP() / Raw(b"p" * 56),
        me / IPv6(src=own_stack.PEER6, dst=own_stack.OURS6) / ICMPv6EchoRequest(data=b"p" * 56),
        me / IPv6(src=own_stack.PEER6, dst=own_stack.OURS6) / TCP(dport=port, flags="S"))]
    for i in range(count):
        frame = bytearray(sound[i % len(sound)])
        for _ in range(random.randrange(1, 5)):
            frame[random.randrange(12, len(frame))] = random.randrange(256)
        yield bytes(frame[:random.randrange(1, len(frame))] if random.random() < 0.2 else frame)


def link_layer_address(address):
    for line in own_stack.run(f"ip neigh show to {address} dev peer0").stdout.splitlines():
        words = line.split()
        if "lladdr" in words:
            return words[words.index("lladdr") + 1]
    raise RuntimeError(f"{address} is not a neighbour")


def kinds(port):
    """Name and frames of each kind. `port` is listened on."""
    random.seed(SEED)
    own = json.loads(own_stack.run("ip -j link show dev peer0").stdout)[0]["address"]
    me = Ether(src=own, dst=link_layer_address(own_stack.OURS4))
    return {"all TCP flags": tcp_flags(me, port), "fuzzed headers": fuzzed_headers(me, port, 3000),
            "bad checksums": bad_checksums(me, port), "broken fragments": fragments(me, port), "mutated frames": mutated(me, port, 20000)}


def send(frames):
    """How many were sent; scapy makes some that are too long for any link, or cannot be built at all."""
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind(("peer0", 0))
        for frame in frames:
            try:
                octets = frame if isinstance(frame, bytes) else raw(frame)
                link.send(octets[:MAX_FRAME].ljust(14, b"\0"))
                sent += 1
            except (OSError, struct.error, ValueError, TypeError):
                continue
    return sent
