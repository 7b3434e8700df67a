#!/usr/bin/python3
"""image_properties.py: what the Linux image is, seen from outside: one static, stripped file with no segment both writable
and executable, described by its .json; and once it serves, processes without privileges behind a system call filter."""
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
BASE = os.path.join(servers.ROOT, "out", "images", f"samara-primary-linux-{os.uname().machine}")
# So that growth is noticed. In it are glibc and libseccomp, a TCP/IP stack for tap and AF_XDP, updates, transfers and NOTIFY.
SIZE_LIMIT = 1792 * 1024
FORBIDDEN_LIBRARIES = ("yaml", "ldns", "gtest", "stdc++", "c++", "pthread")


def readelf(*arguments):
    return subprocess.run(["llvm-readelf-19", *arguments], check=True, capture_output=True, text=True).stdout


def file_properties(result):
    image = BASE + ".elf"
    segments = readelf("--program-headers", "--wide", image)
    result.check("INTERP" not in segments and not re.search(r"\(NEEDED\)", readelf("--dynamic", image)), "the image is static")
    both = [line for line in segments.splitlines() if re.search(r"\s(RWE|R?WE)\s", line)]
    result.check(not both, "no segment is writable and executable", "; ".join(both))
    stack = re.search(r"GNU_STACK.*", segments)
    result.check(stack and "RWE" not in stack.group(), "the stack is not executable")
    result.check("GNU_RELRO" in segments, "relocations are read-only")
    result.check(".symtab" not in readelf("--sections", "--wide", image), "the image is stripped")
    build_id = re.search(r"Build ID: (\w+)", readelf("--notes", image))
    with open(BASE + ".json", encoding="utf-8") as file:
        about = json.load(file)
    result.check(build_id and about["build_id"] == build_id.group(1), ".json names its build id")
    result.check(build_id and build_id.group(1) in readelf("--notes", BASE + ".debug"), ".debug belongs to it")
    size = os.path.getsize(image)
    result.check(about["size"] == size, ".json names its size", f"{about['size']} and {size}")
    result.check(size <= SIZE_LIMIT, f"at most {SIZE_LIMIT} octets", str(size))
    print(f"  {size} octets, {about['lines_of_code']} lines of code, {about['lines_of_unsafe_code']} of them in the unsafe budget")
    names = [library["name"] for library in about["libraries"]]
    result.check({"base", "dns-core", "zone", "server"} <= set(names), ".json names our libraries", " ".join(names))
    result.check(not set(names) & set(FORBIDDEN_LIBRARIES), "no library that has no place in an image", " ".join(names))
    result.check(about["lines_of_code"] > 0 and all("lines_of_code" in entry or "version" in entry for entry in about["libraries"]),
                 ".json counts lines and names versions")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def process_properties(result):
    os.makedirs(OUT, exist_ok=True)
    zone = os.path.join(OUT, "image.test.zone")
    with open(zone, "w", encoding="utf-8") as file:
        file.write("$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n")
    with servers.Server("samara", [("image.test", zone)], OUT) as server:
        processes = [(pid, status_of(pid)) for pid in server.processes()[1:]]
        result.check(processes, "the image is a process of its own")
        for pid, status in processes:
            result.check(status["Seccomp"] == "2", f"{status['Name']}: behind a filter", f"Seccomp {status['Seccomp']}")
            result.check(status["NoNewPrivs"] == "1", f"{status['Name']}: may gain no privileges")
            result.check(int(status["CapEff"], 16) == 0, f"{status['Name']}: has no capabilities", status["CapEff"])
            result.check("0" not in status["Uid"].split(), f"{status['Name']}: is not root", status["Uid"])
            writable = []
            with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as file:
                writable = [line.strip() for line in file if re.search(r"\s.wx.\s", line)]
            result.check(not writable, f"{status['Name']}: no memory is writable and executable", "; ".join(writable)[:200])
            opened = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            files = [path for path in opened if path.startswith("/") and not path.startswith(("/dev/null", "/memfd", OUT))]
            result.check(not files, f"{status['Name']}: holds no file open", " ".join(files)[:200])


def main():
    result = report.Report()
    file_properties(result)
    process_properties(result)
    result.finish()


if __name__ == "__main__":
    main()
