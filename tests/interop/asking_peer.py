#!/usr/bin/python3
"""asking_peer.py: an image asks others (tests/image/asking_image.cpp) through the kernel's sockets and over a tap device, behind its
system call filter; over AF_XDP it says that it cannot."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import asking  # noqa: E402
import own_stack  # noqa: E402
import report  # noqa: E402
from own_stack import OURS4, OURS6, PEER4, PEER6  # noqa: E402

IMAGE = os.path.join(own_stack.ROOT, "out", "build", "linux", "bin", "asking-linux")
PORT = 7


def main():
    own_stack.own_network(limit=200)
    result = report.Report()
    for mode in ("sockets", "tap"):
        with own_stack.Wire(bridge=mode == "tap") as wire, own_stack.Image(wire, mode, IMAGE, ports=(PORT,)) as image:
            asking.exchanges(result, mode, PORT, ((OURS4, PEER4), (OURS6, PEER6)))
            result.check(image.alive() and image.stop() == 0, f"{mode}: ends with 0", image.text()[-300:])
    with own_stack.Wire(bridge=False) as wire:
        try:
            own_stack.Image(wire, "xdp", IMAGE, ports=(PORT,))
            result.check(False, "xdp: is refused", "it started")
        except RuntimeError as refusal:
            result.check("network: mode xdp" in str(refusal), "xdp: is refused", str(refusal))
    result.finish()


if __name__ == "__main__":
    main()
