#!/usr/bin/python3
"""asking_machine.py: an image on a machine of its own asks others on a Linux link, and its loader and its worker take turns
meanwhile (tests/image/asking_image.cpp)."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "interop")]
import asking  # noqa: E402
import machines  # noqa: E402
import report  # noqa: E402
from machines import GUEST_ADDRESS, HOST_ADDRESS, ROOT, TAP, Machine  # noqa: E402

SAMARA = os.environ.get("SAMARA", os.path.join(ROOT, "out", "samara"))
IMAGE = os.path.join(ROOT, "out", "build", "virtio", "bin", "asking-virtio")
GUEST6, HOST6 = "2001:db8:7::15", "2001:db8:7::2"
PORT = 53


def boot_blob():
    manifest = {"role": "primary", "listen": ["127.0.0.1:5300"], "zones": {},
                "network": {"addresses": [f"{GUEST_ADDRESS}/24", f"{GUEST6}/64"], "router-advertisements": False}}
    with tempfile.TemporaryDirectory() as folder:
        path, blob = os.path.join(folder, "asking.yaml"), os.path.join(folder, "boot.dtb")
        with open(path, "w", encoding="ascii") as file:
            json.dump(manifest, file)
        subprocess.run([SAMARA, "config", "compile", path, "--output", blob], check=True)
        with open(blob, "rb") as file:
            return file.read()


def main():
    machines.own_network()
    subprocess.run(["ip", "addr", "add", f"{HOST6}/64", "dev", TAP, "nodad"], check=True)
    result = report.Report()
    with Machine("microvm", IMAGE, blob=boot_blob()) as machine:
        ready = machine.wait_for(f"ready [{GUEST6}]")
        if result.check(ready, "boots", machine.console[-400:]):
            asking.exchanges(result, "microvm", PORT, ((GUEST_ADDRESS, HOST_ADDRESS), (GUEST6, HOST6)))
        machine.type("power off\n")
        result.check(machine.status() == 0, "ends with 0", machine.console[-400:])
    result.finish()


if __name__ == "__main__":
    main()
