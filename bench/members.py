"""What a secondary does for each zone that it takes from a catalog of so many: CPU time of all its processes, and zones a second, while
it takes the first ones. It should be the same however many there are. The primary is ours; each zone is three records.
"""
import os
import shutil
import sys
import time

import servers

SIZES = (1_000, 10_000, 90_000)
SECONDS = 10
PATIENCE = 60  # seconds
CATALOG = "catalog.test"
ZONE = "$TTL 60\n@ SOA ns hostmaster 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n"


class Ours(servers.Server):
    """An image of ours with a manifest; `text` is what follows its address."""

    def __init__(self, role, text, folder, awaited):
        self.text = f"role: {role}\n{{listen}}\n{text}"
        super().__init__("samara", [], os.path.join(folder, role), awaited=awaited, ready_timeout=PATIENCE)

    def _command(self):
        manifest = os.path.join(self.folder, "manifest.yaml")
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(self.text.replace("{listen}", f'listen: ["{self.address}:{self.port}"]', 1))
        return [os.environ.get("SAMARA", servers.SAMARA), "run", manifest]

    def taken(self):
        with open(os.path.join(self.folder, "output"), encoding="utf-8", errors="replace") as output:
            return sum(" by AXFR: " in line for line in output)


def measure(count, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    zone = os.path.join(folder, "member.zone")
    with open(zone, "w", encoding="utf-8") as file:
        file.write(ZONE)
    zones = "".join(f"  n{i}.test: {{file: {zone}}}\n" for i in range(count))
    giving = f"acl: {{transfer: [any]}}\nlimits: {{transfers-per-prefix: 64}}\ncatalogs:\n  {CATALOG}: {{members: all}}\nzones:\n{zones}"
    with Ours("primary", giving, folder, ["n0.test"]) as primary:
        taking = f'catalogs:\n  {CATALOG}: {{primaries: ["127.0.0.1:{primary.port}"]}}\n'
        with Ours("secondary", taking, folder, []) as secondary:
            deadline = time.monotonic() + PATIENCE
            while secondary.taken() < 100:  # the catalog, and past the start
                if time.monotonic() > deadline:
                    raise RuntimeError(f"members of {count}: none are taken: {secondary.tail()}")
                time.sleep(0.05)
            before, cpu, begin = secondary.taken(), secondary.cpu_seconds(), time.monotonic()
            while secondary.taken() <= count and time.monotonic() < begin + SECONDS:
                time.sleep(0.1)
            seconds, cpu, taken = time.monotonic() - begin, secondary.cpu_seconds() - cpu, secondary.taken() - before
    shutil.rmtree(folder, ignore_errors=True)
    return {f"member of {count}, CPU": cpu / taken * 1000, f"members of {count}, a second": taken / seconds}


def rows():
    """Name, unit and goal of each figure."""
    for count in SIZES:
        yield f"member of {count}, CPU", "ms", None
        yield f"members of {count}, a second", "", None


def run(kinds, out):
    """Ours alone: what the others need for catalogs differs too much."""
    figures = {}
    for count in SIZES if "samara" in kinds else ():
        try:
            figures |= measure(count, os.path.join(out, "members"))
        except RuntimeError as error:
            print(f"  {error}", file=sys.stderr)
    return {"samara": figures} if "samara" in kinds else {}
