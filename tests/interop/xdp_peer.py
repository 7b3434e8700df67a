#!/usr/bin/python3
"""xdp_peer.py: images over AF_XDP at one end of a wire and the kernel's stack at the other, with one and with two workers. What we
do not serve stays the kernel's. Prints the goodput of our stack beside the kernel's own over the same wire."""
import os
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import frame_queries  # noqa: E402
import own_stack  # noqa: E402
import report  # noqa: E402
from own_stack import OURS4, OURS6  # noqa: E402

SSH = 22
GOODPUT_OCTETS = 500_000_000
GREETING = "import socket; s = socket.create_server(('::', 22), family=socket.AF_INET6, dualstack_ipv6=True)\n" \
           "while True: s.accept()[0].send(b'the kernel')"


def kernel_keeps(result, label):
    for address in (OURS4, OURS6):
        done = own_stack.run(["ping", "-c", "2", "-i", "0.02", "-W", "2", "-s", "4000", address], check=False)
        result.check(" 0% packet loss" in done.stdout, f"{label} {address}: the kernel answers ping", done.stdout[-200:])
        try:
            with own_stack.connect(SSH, address, 5) as client:
                result.check(client.recv(100) == b"the kernel", f"{label} {address}: the kernel answers port {SSH}")
        except OSError as error:
            result.check(False, f"{label} {address}: the kernel answers port {SSH}", repr(error))
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.connect((address, 4321))
            client.send(b"anybody?")
            try:
                client.recv(10)
                refused = False
            except OSError as error:
                refused = isinstance(error, ConnectionRefusedError)
        result.check(refused, f"{label} {address}: the kernel says which ports are closed")


def names(result, workers):
    """One worker for each receive queue."""
    label = f"xdp, {workers} worker{'s' if workers > 1 else ''}"
    with own_stack.Wire(bridge=False, queues=workers) as wire:
        with subprocess.Popen([*wire.prefix(), sys.executable, "-c", GREETING], stdin=subprocess.DEVNULL) as listener:
            try:
                with frame_queries.primary(wire, "xdp", workers=workers) as image:
                    frame_queries.check(result, label, image)
                    kernel_keeps(result, label)
                    code = image.stop()
                    result.check(code == 0, f"{label}: SIGTERM ends it with 0", str(code))
                # The kernel takes it away some time after the last process that held it has ended.
                attached = own_stack.wait_while(lambda: wire.at("ip link show dev wire0").stdout, lambda text: "xdp" in text)
                result.check("xdp" not in attached, f"{label}: the program goes with the image", attached)
            finally:
                listener.kill()


def queue_without_worker(result):
    with own_stack.Wire(bridge=False, queues=2) as wire:
        try:
            with frame_queries.primary(wire, "xdp", workers=1):
                result.check(False, "a queue without a worker is refused")
        except RuntimeError as error:
            result.check("2 receive queues" in str(error), "a queue without a worker is refused, and the line says why", str(error))


def goodput(mode, bridge, offload=False):
    """MB/s to and from a stream image. `offload`: the kernel may leave checksums and segments to the card, which a veth pair never
    has to make."""
    with own_stack.Wire(bridge) as wire:
        if not offload:
            wire.at("ethtool -K wire0 tx off tso off gso off")
        with own_stack.Image(wire, mode):
            data, speeds = own_stack.pattern(7) * 16, []
            for move in (lambda size: own_stack.upload(size, data), lambda size: own_stack.download(size, 7, len)):
                move(GOODPUT_OCTETS // 10)
                speeds.append(GOODPUT_OCTETS / move(GOODPUT_OCTETS)[1] / 1e6)
            return speeds


def compare(result):
    kernel = goodput("sockets", False)
    print(f"  kernel's stack: {kernel[0]:.0f} MB/s to it, {kernel[1]:.0f} MB/s from it", flush=True)
    for name, mode, bridge, offload in (("kernel's stack with offloads", "sockets", False, True), ("xdp", "xdp", False, False),
                                        ("tap", "tap", True, False)):
        speed = goodput(mode, bridge, offload)
        print(f"  {name}: {speed[0]:.0f} MB/s to it ({speed[0] / kernel[0]:.2f} of the kernel's), {speed[1]:.0f} MB/s from it "
              f"({speed[1] / kernel[1]:.2f})", flush=True)
        result.check(min(speed) > 0, f"{name}: both directions move")


def main():
    own_stack.own_network("ping", "dig")
    result = report.Report()
    try:
        names(result, 1)
        names(result, 2)
        queue_without_worker(result)
        compare(result)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        result.check(False, "the test itself", repr(error))
    result.finish()


if __name__ == "__main__":
    main()
