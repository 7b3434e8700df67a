#!/usr/bin/python3
"""replay.py PROGRAM: a run is its seed. What a failing run said, and all its frames, come again when its seed is played again;
another seed gives another run. PROGRAM is sim-tcp_transfer; the failure is one of those it makes on purpose."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import report  # noqa: E402

SCENARIO = "a-wrong-octet-is-noticed"
PCAP_MAGIC = b"\x4d\x3c\xb2\xa1"  # nanoseconds, little-endian


def play(program, scenario, seed):
    """What the run said, its digest and its frames."""
    text = subprocess.run([program, "--scenario", scenario, "--seed", str(seed)], capture_output=True, text=True, timeout=60,
                          check=True).stdout
    capture = re.search(r"frames: (\S+)", text).group(1)
    with open(capture, "rb") as file:
        frames = file.read()
    os.remove(capture)
    return text.splitlines()[0], re.search(r"digest: (\w+)", text).group(1), frames


def main():
    checks = report.Report()
    first, again, other = (play(sys.argv[1], SCENARIO, seed) for seed in (7, 7, 8))
    checks.check("is not the one that was sent" in first[0], "a failing run says what was wrong", first[0])
    checks.check(first[2][:4] == PCAP_MAGIC and len(first[2]) > 10_000, "and leaves its frames")
    checks.check(first == again, "the same seed gives the same run")
    checks.check(first[1] != other[1] and first[2] != other[2], "another seed gives another run")
    good = play(sys.argv[1], "transfer", 7)
    checks.check(good[0] == "nothing is wrong", "a good run says so", good[0])
    usage = subprocess.run([sys.argv[1], "--seed", "x"], capture_output=True, timeout=60, check=False)
    checks.check(usage.returncode == 64, "a seed that is no number is refused")
    checks.finish()


if __name__ == "__main__":
    main()
