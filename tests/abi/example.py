#!/usr/bin/python3
"""example.py [LIBRARY]: two hosts of libsamara_net.so talk to each other over a wire of this program's making, with its clock
and its random numbers. It is the example for samara_net.h, and its test: ends with `N passed, N failed`."""
import hashlib
import os
import random
import sys

import samara_net as api

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARY = api.load(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "out", "test", "libsamara_net.so"))
ONE, TWO, PORT = "192.0.2.1", "192.0.2.2", 53


def pair(seed=1, drop=lambda frame: False, **settings):
    one = api.Host(LIBRARY, (2, 0, 0, 0, 0, 1), [ONE + "/24"], seed, **settings)
    two = api.Host(LIBRARY, (2, 0, 0, 0, 0, 2), [TWO + "/24"], seed + 1, **settings)
    return one, two, api.Wire([one, two], drop=drop)


def listening(host, port=PORT, backlog=16):
    socket = host.open(api.STREAM)
    assert host.bind(socket, api.endpoint("0.0.0.0", port)) == 0
    assert host.listen(socket, backlog) == 0
    return socket


def connected(one, two, wire):
    """A client's socket at `one`, and the server's at `two`."""
    listener = listening(two)
    client = one.open(api.STREAM)
    assert one.connect(client, api.endpoint(TWO, PORT)) == 0
    assert wire.run(lambda: two.readiness(listener) & api.READABLE)
    server = two.accept(listener, None)
    assert server >= 0
    assert wire.run(lambda: one.readiness(client) & api.CONNECTED)
    return client, server


def transfer(one, two, wire, client, server, data):
    got, sent = bytearray(), 0

    def done():
        nonlocal sent
        while sent < len(data) and (taken := one.write(client, data[sent:sent + 65536])) > 0:
            sent += taken
        if sent == len(data):
            one.shutdown(client)
        while isinstance(piece := two.read(server), bytes) and piece:
            got.extend(piece)
        return two.readiness(server) & api.END
    assert wire.run(done, 600 * api.SECOND), (sent, len(got), wire.now)
    return bytes(got)


def datagrams_find_their_way():
    one, two, wire = pair()
    server, client = two.open(api.DATAGRAM), one.open(api.DATAGRAM)
    assert two.bind(server, api.endpoint("0.0.0.0", PORT)) == 0
    assert one.write_to(client, b"question", TWO, PORT) == 8
    assert wire.run(lambda: two.readiness(server) & api.READABLE)
    octets, (address, port) = two.read_from(server)
    assert (octets, address) == (b"question", ONE) and port >= 49152, (octets, address, port)
    assert two.write_to(server, b"answer", address, port) == 6
    assert wire.run(lambda: one.readiness(client) & api.READABLE)
    assert one.read_from(client) == (b"answer", (TWO, PORT))
    assert one.read_from(client)[0] == api.WOULD_BLOCK


def large_datagrams_are_fragmented():
    one, two, wire = pair()
    server, client = two.open(api.DATAGRAM), one.open(api.DATAGRAM)
    assert two.bind(server, api.endpoint(TWO, PORT)) == 0
    assert one.connect(client, api.endpoint(TWO, PORT)) == 0
    data = random.Random(5).randbytes(9000)
    assert one.write(client, data) == len(data)
    assert wire.run(lambda: two.readiness(server) & api.READABLE)
    assert two.read(server) == data


def ipv6_works_after_detection():
    one = api.Host(LIBRARY, (2, 0, 0, 0, 0, 1), ["2001:db8::1/64"], 1)
    two = api.Host(LIBRARY, (2, 0, 0, 0, 0, 2), ["2001:db8::2/64"], 2)
    wire = api.Wire([one, two])

    def preferred(host):
        return [address for address, origin, condition in host.own_addresses() if condition == api.PREFERRED]
    assert preferred(one) == []
    assert wire.run(lambda: len(preferred(one)) == 2 and len(preferred(two)) == 2, 10 * api.SECOND)
    assert wire.now >= api.SECOND  # RetransTimer, RFC 4862 section 5.4
    assert "2001:db8::1" in preferred(one) and any(address.startswith("fe80:") for address in preferred(one))
    listener, client = two.open(api.STREAM), one.open(api.STREAM)
    assert two.bind(listener, api.endpoint("::", PORT)) == 0 and two.listen(listener, 1) == 0
    assert one.connect(client, api.endpoint("2001:db8::2", PORT)) == 0
    assert wire.run(lambda: two.readiness(listener) & api.READABLE)
    server = two.accept(listener, None)
    data = random.Random(9).randbytes(200_000)
    assert transfer(one, two, wire, client, server, data) == data


def two_hosts_with_one_address_find_out():
    one = api.Host(LIBRARY, (2, 0, 0, 0, 0, 1), ["2001:db8::1/64"], 1)
    two = api.Host(LIBRARY, (2, 0, 0, 0, 0, 2), ["2001:db8::1/64"], 2)
    wire = api.Wire([one, two])
    wire.run(lambda: False, 10 * api.SECOND)
    conditions = [condition for host in (one, two) for address, _, condition in host.own_addresses()
                  if address == "2001:db8::1"]
    assert api.DUPLICATE in conditions, conditions
    assert conditions.count(api.PREFERRED) <= 1


def a_port_has_one_owner():
    one, _, _ = pair()
    first, second = one.open(api.DATAGRAM), one.open(api.DATAGRAM)
    assert one.bind(first, api.endpoint("0.0.0.0", PORT)) == 0
    assert one.bind(second, api.endpoint("0.0.0.0", PORT)) == api.ADDRESS_IN_USE
    assert one.close(first) == 0
    assert one.bind(second, api.endpoint("0.0.0.0", PORT)) == 0
    assert one.close(first) == api.BAD_SOCKET


def streams_carry_what_was_sent():
    one, two, wire = pair()
    client, server = connected(one, two, wire)
    data = random.Random(7).randbytes(2_000_000)
    assert transfer(one, two, wire, client, server, data) == data
    assert two.read(server) == b""
    assert two.write(server, b"and back") == 8
    assert two.close(server) == 0
    assert wire.run(lambda: one.readiness(client) & api.READABLE)
    assert one.read(client) == b"and back"
    assert wire.run(lambda: one.readiness(client) & api.END)
    assert one.read(client) == b""
    assert one.close(client) == 0


def lost_frames_are_sent_again():
    faults = random.Random(11)
    one, two, wire = pair(drop=lambda frame: faults.random() < 0.05)
    client, server = connected(one, two, wire)
    data = random.Random(8).randbytes(500_000)
    assert transfer(one, two, wire, client, server, data) == data


def nobody_listens():
    one, two, wire = pair()
    client = one.open(api.STREAM)
    assert one.connect(client, api.endpoint(TWO, PORT)) == 0
    assert wire.run(lambda: one.readiness(client) & api.CLOSED)
    assert one.last_error(client) == api.REFUSED, one.last_error(client)
    assert one.write(client, b"x") == api.REFUSED


def reset_reaches_the_peer():
    one, two, wire = pair()
    client, server = connected(one, two, wire)
    assert one.reset(client) == 0
    assert wire.run(lambda: two.readiness(server) & api.CLOSED)
    assert two.read(server) == api.RESET
    assert one.write(client, b"x") == api.BAD_SOCKET


def connecting_to_nobody_ends():
    one, _, wire = pair()
    client = one.open(api.STREAM)
    assert one.connect(client, api.endpoint("192.0.2.77", PORT)) == 0
    assert wire.run(lambda: one.readiness(client) & api.CLOSED, 600 * api.SECOND)
    assert one.last_error(client) < 0


def backlog_is_a_bound():
    one, two, wire = pair()
    listener = listening(two, backlog=2)
    clients = [one.open(api.STREAM) for _ in range(5)]
    for client in clients:
        assert one.connect(client, api.endpoint(TWO, PORT)) == 0
    wire.run(lambda: False, 2 * api.SECOND)
    accepted = [two.accept(listener, None) for _ in range(5)]
    assert sum(number >= 0 for number in accepted) == 2, accepted


def options_are_kept():
    one, two, wire = pair()
    value = api.ctypes.c_int64()
    listener = listening(two)
    client = one.open(api.STREAM)
    assert one.set_option(client, api.NO_DELAY, api.ctypes.c_int64(1)) == 0
    assert one.set_option(client, 99, api.ctypes.c_int64(1)) == api.INVALID
    assert one.get_option(client, api.NO_DELAY, api.ctypes.byref(value)) == 0 and value.value == 1
    assert one.set_option(client, api.USER_TIMEOUT, api.ctypes.c_int64(-1)) == api.INVALID
    assert one.connect(client, api.endpoint(TWO, PORT)) == 0
    assert wire.run(lambda: two.readiness(listener) & api.READABLE)
    assert one.get_option(client, api.NO_DELAY, api.ctypes.byref(value)) == 0 and value.value == 1


def junk_is_harmless():
    one, two, wire = pair()
    junk = random.Random(3)
    client, server = connected(one, two, wire)
    for _ in range(2000):
        frame = bytes((2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1)) + junk.choice((b"\x08\x00", b"\x86\xdd", b"\x08\x06"))
        two.feed(frame + junk.randbytes(junk.randrange(200)))
    assert transfer(one, two, wire, client, server, b"still here") == b"still here"
    assert two.open(77) == api.INVALID and two.send(12345, b"", 0, 0) == api.BAD_SOCKET
    assert two.poll_frame(two.frame, api.ctypes.c_size_t(100)) == -7


def the_same_seed_is_the_same_run():
    def run(seed):
        seen = hashlib.sha256()
        faults = random.Random(seed)

        def drop(frame):
            seen.update(frame)
            return faults.random() < 0.1
        one, two, wire = pair(seed, drop)
        client, server = connected(one, two, wire)
        transfer(one, two, wire, client, server, bytes(100_000))
        return seen.hexdigest(), wire.now
    assert run(1) == run(1)
    assert run(1) != run(2)


def main():
    tests = [datagrams_find_their_way, large_datagrams_are_fragmented, ipv6_works_after_detection,
             two_hosts_with_one_address_find_out, a_port_has_one_owner, streams_carry_what_was_sent,
             lost_frames_are_sent_again, nobody_listens, reset_reaches_the_peer, connecting_to_nobody_ends,
             backlog_is_a_bound, options_are_kept, junk_is_harmless, the_same_seed_is_the_same_run]
    failed = 0
    for test in tests:
        try:
            test()
        except AssertionError as error:
            failed += 1
            line = error.__traceback__
            while line.tb_next is not None:
                line = line.tb_next
            print(f"  FAILED {test.__name__.replace('_', ' ')}, line {line.tb_lineno}: {error}")
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
