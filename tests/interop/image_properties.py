#!/usr/bin/python3
"""image_properties.py: what the images and the command are, seen from outside: each image one static, stripped file with no segment
both writable and executable, described by its .json; what is for Linux loaded at an address that nobody knows, its relocations
read-only before it begins; and, once they serve, processes without privileges behind a system call filter, under a supervisor that
has given up what it does not need."""
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import report  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "image")
# So that growth is noticed. In those for Linux are glibc and libseccomp, a TCP/IP stack for tap and AF_XDP; in all of them updates,
# transfers and NOTIFY; in the secondary's the store of zones.
# The limit for virtio was 864 KiB before quotas and replays of updates, transfers that hold one zone's memory, fair shares of TCP's
# pools, refusals with reasons, copied zones' warnings and the machine's own clock came: 72 KiB in all; and 944 KiB, of which 2 KiB were
# left, before sets of zones shared what does not change, and a store remembered whose member a zone is: 4 KiB; and 948 KiB before what a
# peer decides the size of was asked for and could be refused: 12 KiB; and 960 KiB, of which 2 KiB were left, before zone memory kept
# room for a copy of the zones that updates change: 4 KiB.
# That for linux was 1,792 KiB, of which 2 KiB were left, before limits of zones' size with their refusals, and a reload that sorts,
# writes and compares in steps and decides anew about a zone that changed meanwhile, came: 12 KiB in all; and 1,816 KiB before images
# were position-independent (relocations, packed) and had an instruction where indirect branches may go to: 9 KiB.
SIZE_LIMITS = {"linux": 1832 * 1024, "virtio": 964 * 1024}
OWN_LIBRARIES = {"primary": {"base", "dns-core", "zone", "server"},
                 "secondary": {"base", "dns-core", "zone", "server", "secondary-role", "zone-store"}}
FORBIDDEN_LIBRARIES = ("yaml", "ldns", "gtest", "stdc++", "c++", "pthread")
# What a supervisor may have (ops/image/privileges.cpp), by number: the rights to write where its files are, to read them, to stop and
# to start an image; with storage to give it its owner again.
SUPERVISOR_CAPABILITIES = {1, 2, 5, 6, 7, 10, 12, 24}
STORAGE_CAPABILITIES = {0, 3}
PVH_ENTRY = 0x12  # XEN_ELFNOTE_PHYS32_ENTRY of Xen's public/elfnote.h: how a loader knows what it can start


def readelf(*arguments):
    return subprocess.run(["llvm-readelf-19", *arguments], check=True, capture_output=True, text=True).stdout


def hardened(result, what, path, libraries):
    """A program for Linux. `libraries`: what of the system's is linked into it."""
    segments, dynamic, notes = (readelf(part, "--wide", path) for part in ("--program-headers", "--dynamic", "--notes"))
    result.check("Elf file type is DYN" in segments and re.search(r"FLAGS_1.*\bPIE\b", dynamic), f"{what}: it is position-independent")
    result.check("GNU_RELRO" in segments and re.search(r"FLAGS_1.*\bNOW\b", dynamic), f"{what}: relocations are done first, and read-only then")
    result.check(not re.search(r"\(TEXTREL\)", dynamic), f"{what}: none is in code")
    stack = re.search(r"GNU_STACK.*", segments)
    result.check(stack and not re.search(r"\sR?W ?E\s", stack.group()), f"{what}: the stack is not executable")
    # The mark of control-flow enforcement is the linker's to give, and it gives it when everything has it.
    marked = all("IBT" in readelf("--notes", library) for library in libraries)
    result.check(marked == ("IBT" in notes and "SHSTK" in notes), f"{what}: it is marked for CET where the system's C library is", notes)


def lands_on_its_feet(result, what, path):
    """Our own code has the instruction that an indirect branch may go to."""
    code = subprocess.run(["llvm-objdump-19", "--disassemble-symbols=main", "--no-show-raw-insn", path], check=True, capture_output=True,
                          text=True).stdout
    first = re.search(r"<main>:\n\s*\w+:\s*(\w+)", code)
    result.check(first and first.group(1) == "endbr64", f"{what}: it is compiled for CET", code[-200:])


def start_files():
    return [subprocess.run(["clang++-19", f"-print-file-name={name}"], check=True, capture_output=True, text=True).stdout.strip()
            for name in ("rcrt1.o", "crti.o")]


def file_properties(result, role, target):
    arch = os.uname().machine if target == "linux" else "x86_64"
    base = os.path.join(servers.ROOT, "out", "images", f"samara-{role}-{target}-{arch}")
    image, what = base + ".elf", f"{role}, {target}"
    segments = readelf("--program-headers", "--wide", image)
    result.check("INTERP" not in segments and not re.search(r"\(NEEDED\)", readelf("--dynamic", image)), f"{what}: the image is static")
    both = [line for line in segments.splitlines() if re.search(r"\sR?W ?E\s", line)]
    result.check(segments.count("LOAD") >= 3 and not both, f"{what}: no segment is writable and executable", "; ".join(both))
    notes = readelf("--notes", image)
    if target == "linux":
        hardened(result, what, image, start_files())
        lands_on_its_feet(result, what, os.path.join(servers.ROOT, "out", "build", target, "bin", f"samara-{role}-{target}"))
    else:
        result.check(f"(0x{PVH_ENTRY:08x})" in notes, f"{what}: the image has a PVH entry", notes)
    result.check(".symtab" not in readelf("--sections", "--wide", image), f"{what}: the image is stripped")
    build_id = re.search(r"Build ID: (\w+)", notes)
    with open(base + ".json", encoding="utf-8") as file:
        about = json.load(file)
    result.check(about["image"] == os.path.basename(image), f"{what}: .json names the image", about["image"])
    result.check(build_id and about["build_id"] == build_id.group(1), f"{what}: .json names its build id")
    result.check(build_id and build_id.group(1) in readelf("--notes", base + ".debug"), f"{what}: .debug belongs to it")
    size = os.path.getsize(image)
    result.check(about["size"] == size, f"{what}: .json names its size", f"{about['size']} and {size}")
    result.check(size <= SIZE_LIMITS[target], f"{what}: at most {SIZE_LIMITS[target]} octets", str(size))
    print(f"  {what}: {size} octets, {about['lines_of_code']} lines of code, {about['lines_of_unsafe_code']} of them in the unsafe budget")
    names = [library["name"] for library in about["libraries"]]
    result.check(OWN_LIBRARIES[role] <= set(names), f"{what}: .json names our libraries", " ".join(names))
    result.check(not set(names) & set(FORBIDDEN_LIBRARIES), f"{what}: no library that has no place in an image", " ".join(names))
    result.check(about["lines_of_code"] > 0 and all("lines_of_code" in entry or "version" in entry for entry in about["libraries"]),
                 f"{what}: .json counts lines and names versions")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def process_properties(result, role, pids, storage=None):
    """`storage`: the one file that one of them, the loader, has open."""
    result.check(len(pids) >= 2, f"{role}: the image is processes of its own", str(pids))
    opened = []
    for pid in pids:
        status = status_of(pid)
        what = f"{role}, {status['Name']}"
        result.check(status["Seccomp"] == "2", f"{what}: behind a filter", f"Seccomp {status['Seccomp']}")
        result.check(status["NoNewPrivs"] == "1", f"{what}: may gain no privileges")
        result.check(int(status["CapEff"], 16) == 0, f"{what}: has no capabilities", status["CapEff"])
        result.check("0" not in status["Uid"].split(), f"{what}: is not root", status["Uid"])
        with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as file:
            writable = [line.strip() for line in file if re.search(r"\s.wx.\s", line)]
        result.check(not writable, f"{what}: no memory is writable and executable", "; ".join(writable)[:200])
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        output = (os.path.join(OUT, "samara", "output"), os.path.join(OUT, "secondary.log"))  # where this script has its lines go
        opened += [path for path in links if path.startswith("/") and not path.startswith(("/dev/null", "/memfd", *output))]
    result.check(opened == ([storage] if storage else []), f"{role}: no file is open" + (" but the storage, once" if storage else ""),
                 " ".join(opened)[:200])


def supervisor_properties(result, role, pid, capabilities):
    status = status_of(pid)
    what = f"{role}, its supervisor"
    result.check(status["NoNewPrivs"] == "1", f"{what}: may gain no privileges")
    for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd"):
        value = int(status[name], 16)
        found = {number for number in range(64) if value >> number & 1}
        # Who is not root cannot narrow what it may never have.
        if name != "CapBnd" or os.geteuid() == 0:
            result.check(found <= capabilities, f"{what}: {name} is what it needs", status[name])


def primary_processes(result):
    zone = os.path.join(OUT, "image.test.zone")
    with open(zone, "w", encoding="utf-8") as file:
        file.write("$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n")
    with servers.Server("samara", [("image.test", zone)], OUT) as server:
        process_properties(result, "primary", server.processes()[1:])
        supervisor_properties(result, "primary", server.processes()[0], SUPERVISOR_CAPABILITIES)
        maps = []
        for pid in server.processes()[1:2]:
            with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as file:
                maps = file.readlines()
        first = next((line for line in maps if ".elf" in line), "")
        result.check(first.startswith(("55", "56", "7f")), "primary: it is loaded where nobody knows", first)


def secondary_processes(result):
    manifest, storage, log = (os.path.join(OUT, f"secondary.{end}") for end in ("yaml", "store", "log"))
    with open(manifest, "w", encoding="ascii") as file:
        file.write(f"role: secondary\nlisten: [\"127.0.0.1:{servers.free_port()}\"]\nstorage: {{file: {storage}, size: 1MiB}}\n"
                   "zones: {image.test: {primaries: [\"127.0.0.1:9\"]}}\n")
    with open(log, "w", encoding="utf-8") as lines:
        process = subprocess.Popen([os.environ.get("SAMARA", servers.SAMARA), "run", manifest], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=lines, text=True)
    try:
        if result.check(process.stdout.readline().startswith("ready "), "secondary: it is ready"):
            process_properties(result, "secondary", servers.descendants(process.pid)[1:], storage)
            supervisor_properties(result, "secondary", process.pid, SUPERVISOR_CAPABILITIES | STORAGE_CAPABILITIES)
    finally:
        process.terminate()
        result.check(process.wait(20) == 0, "secondary: it ends with 0")


def main():
    result = report.Report()
    os.makedirs(OUT, exist_ok=True)
    for role in ("primary", "secondary"):
        for target in ("linux", "virtio"):
            file_properties(result, role, target)
    command = os.environ.get("SAMARA", servers.SAMARA)
    hardened(result, "command", command, start_files()[1:])
    lands_on_its_feet(result, "command", command)
    primary_processes(result)
    secondary_processes(result)
    result.finish()


if __name__ == "__main__":
    main()
