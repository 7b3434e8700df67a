"""What an image with asking_image.cpp's role must do, with the kernel's stack as whom it asks."""
import socket
import struct
import threading
import time


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Peer:
    """Answers datagrams and connections with what came in, behind "from "; knows who asked."""

    def __init__(self, address, reset=False):
        self.asked_from = []
        self.reset = reset
        self.datagrams = socket.socket(family_of(address), socket.SOCK_DGRAM)
        self.streams = socket.socket(family_of(address), socket.SOCK_STREAM)
        self.streams.bind((address, 0))
        self.port = self.streams.getsockname()[1]
        self.datagrams.bind((address, self.port))
        self.streams.listen()
        for work in (self.serve_datagrams, self.serve_streams):
            threading.Thread(target=work, daemon=True).start()

    def serve_datagrams(self):
        while True:
            data, peer = self.datagrams.recvfrom(2000)
            self.asked_from.append(peer[1])
            self.datagrams.sendto(b"from " + data, peer)

    def serve_streams(self):
        while True:
            connection, peer = self.streams.accept()
            self.asked_from.append(peer[1])
            with connection:
                data = connection.recv(2000)
                if self.reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    connection.sendall(b"from " + data)


def ask(ours, port, text, timeout=15.0):
    """The answer, or why there is none. The socket is connected: an answer from elsewhere is none."""
    with socket.socket(family_of(ours), socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((ours, port))
        try:
            client.send(text.encode())
            return client.recv(2000).decode()
        except OSError as error:
            return repr(error)


def exchanges(result, what, port, pairs):
    """`pairs`: of our address and one of the peer's."""
    generation = 1
    for ours, theirs in pairs:
        peer, rude = Peer(theirs), Peer(theirs, reset=True)
        for i in range(3):
            for kind in ("udp", "tcp"):
                generation += 1
                answer = ask(ours, port, f"{kind} {endpoint(theirs, peer.port)} text {i}")
                result.check(answer == f"{generation} from text {i}", f"{what}: asks {theirs} by {kind} and answers late", answer)
            generation += 1
            answer = ask(ours, port, f"tcp {endpoint(theirs, rude.port)} text")
            result.check(answer == f"{generation} closed", f"{what}: goes on after a reset by {theirs}", answer)
            generation += 1
            answer = ask(ours, port, f"tcp {endpoint(theirs, 1)} text")
            result.check(answer == f"{generation} closed", f"{what}: goes on after a refusal by {theirs}", answer)
        result.check(port not in peer.asked_from and len(set(peer.asked_from)) >= 4, f"{what}: from ports of its own",
                     str(peer.asked_from))
    ours, theirs = pairs[0]
    nobody = theirs.rsplit(".", 1)[0] + ".222"
    began = time.monotonic()
    generation += 1
    answer = ask(ours, port, f"tcp {endpoint(nobody, 7)} text")
    took = time.monotonic() - began
    result.check(answer == f"{generation} closed" and took < 11, f"{what}: gives up on who is not there", f"{answer}, {took:.1f} s")
    deadline = time.monotonic() + 5  # a loader in a process of its own looks now and then
    while (answer := ask(ours, port, "memory")) != str(generation - 1) and time.monotonic() < deadline:
        time.sleep(0.05)
    result.check(answer == str(generation - 1), f"{what}: old generations come back", f"{answer} of {generation - 1}")
