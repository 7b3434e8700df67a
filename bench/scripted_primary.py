"""ScriptedPrimary: a primary that gives one zone from messages made in advance, so that what is measured of a secondary is the
secondary's work alone, and so that it is known to the moment when the last octet of a transfer was handed over.

It answers SOA queries by UDP and TCP, AXFR and IXFR by TCP on 127.0.0.1; a version is a serial, and what an IXFR to it consists of.
"""
import socket
import struct
import threading
import time

import servers

SOA, IXFR, AXFR = 6, 251, 252
MESSAGE_SIZE = 16_000  # of a message with records in front of which it is closed: what knot and bind send


def record(owner, rr_type, rdata, ttl=3600):
    return owner + struct.pack(">HHIH", rr_type, 1, ttl, len(rdata)) + rdata


def soa_rdata(origin, serial):
    names = b"\3ns1" + origin + b"\nhostmaster" + origin
    return names + struct.pack(">IIIII", serial, 7200, 900, 1209600, 300)  # as in workload.py


def messages_of(question, records):
    """Answer messages with these records, lacking their first two octets, the ID."""
    messages, body, count = [], [], 0
    size = 12 + len(question)

    def close():
        nonlocal body, count, size
        head = struct.pack(">HHHHH", 0x8400, 1, count, 0, 0) + question
        messages.append(head + b"".join(body))
        body, count, size = [], 0, 12 + len(question)

    for octets in records:
        if size + len(octets) > MESSAGE_SIZE:
            close()
        body.append(octets)
        size += len(octets)
        count += 1
    close()
    return messages


class ScriptedPrimary:
    def __init__(self, zone, axfr, serial):
        """`axfr`: messages without their IDs."""
        self.zone, self.origin, self.serial = zone, servers.wire_name(zone), serial
        self.transfers = {AXFR: axfr, IXFR: axfr}
        self.handed_over = None  # when the last octet of a transfer of the present serial was written, and which kind it was
        self.port = servers.free_port()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def question(self, rr_type):
        return self.origin + struct.pack(">HH", rr_type, 1)

    def change(self, serial, deleted, added):
        """The next version: IXFR gives the difference from the one before. Records are octets."""
        before, after = (record(self.origin, SOA, soa_rdata(self.origin, number)) for number in (self.serial, serial))
        self.transfers = {IXFR: messages_of(self.question(IXFR), [after, before, *deleted, after, *added, after])}
        self.handed_over = None
        self.serial = serial

    def notify(self, port):
        message = struct.pack(">HHHHHH", self.serial & 0xffff, 4 << 11 | 0x400, 1, 0, 0, 0) + self.question(SOA)
        self.udp.sendto(message, ("127.0.0.1", port))

    def soa_answer(self, query):
        question = query[12:12 + len(self.origin) + 4]
        answer = record(self.origin, SOA, soa_rdata(self.origin, self.serial))
        return query[:2] + struct.pack(">HHHHH", 0x8400, 1, 1, 0, 0) + question + answer

    def serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            if len(query) < 12 or query[2] & 0x80:
                continue  # answers to NOTIFY
            self.udp.sendto(self.soa_answer(query), peer)  # to an IXFR as well: RFC 1995 section 2 sends it to TCP

    def serve_tcp(self):
        while True:
            try:
                client, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_client, args=(client,), daemon=True).start()

    def serve_client(self, client):
        with client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = client.makefile("rb")
            while size := stream.read(2):
                query = stream.read(struct.unpack(">H", size)[0])
                rr_type = struct.unpack(">H", query[12 + len(self.origin):][:2])[0]
                if rr_type == SOA:
                    answer = self.soa_answer(query)
                    client.sendall(struct.pack(">H", len(answer)) + answer)
                    continue
                try:
                    messages = self.transfers[rr_type]
                    pieces = [struct.pack(">H", len(message) + 2) + query[:2] + message for message in messages]
                    client.sendall(b"".join(pieces))
                    self.handed_over = time.monotonic()
                except (KeyError, OSError):
                    return  # AXFR where a difference is to be measured, or the secondary has gone

    def close(self):
        self.tcp.close()
        self.udp.close()
