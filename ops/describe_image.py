#!/usr/bin/python3
"""describe_image.py BUILD_DIR TARGET IMAGE: what an image is made of, as JSON on stdout.

Size, build id, the libraries it is linked from (ours with their lines of code, Debian's with package and version) and the
lines of trusted code: all of ours, and of them those in the unsafe budget. A line of code holds more than white space and
comments.
"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cmake"))
import units  # noqa: E402

UNSAFE = ("platform/hal/", "platform/runtime/libc", "platform/crypto/", "platform/codec/device_tree")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def lines_of_code(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return sum(1 for line in text.splitlines() if re.sub(r"//.*", "", line).strip())


def link_command(build, target):
    for line in reversed(run("ninja", "-C", build, "-t", "commands", target).splitlines()):
        if re.search(rf"-o \S*{re.escape(target)}(\s|$)", line):
            return line
    sys.exit(f"describe_image.py: no link command for {target} in {build}")


def own_sources(build, root):
    """Library or target name -> its source files and headers, relative to the root."""
    sources = {}
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        for entry in json.load(file):
            owner = re.search(r"-o \S*CMakeFiles/([^/]+)\.dir/", entry["command"]).group(1)
            sources.setdefault(owner, set()).update(os.path.relpath(path, root) for path in units.sources_of(entry["file"]))
    for library in os.listdir(os.path.join(build, "include")):
        for folder, _, names in os.walk(os.path.join(build, "include", library)):
            for name in names:
                path = os.path.realpath(os.path.join(folder, name))
                sources.setdefault(library, set()).add(os.path.relpath(path, root))
    return sources


def debian_package(archive):
    owner = subprocess.run(["dpkg-query", "-S", os.path.realpath(archive)], capture_output=True, text=True).stdout
    if not owner:  # merged /usr: the package may know it under /lib
        owner = subprocess.run(["dpkg-query", "-S", "*/" + os.path.basename(archive)], capture_output=True, text=True).stdout
    if not owner:
        return {"package": "unknown"}
    package = owner.split(": ")[0].split(",")[0]
    return {"package": package.split(":")[0], "version": run("dpkg-query", "-W", "-f=${Version}", package)}


def main():
    build, target, image = sys.argv[1:4]
    root = os.getcwd()
    command = link_command(build, target)
    sources = own_sources(build, root)
    archives = re.findall(r"(?:^|\s)([^\s-]\S*\.a)(?=\s|$)", command)
    names = [target] + [re.sub(r"^lib|\.a$", "", os.path.basename(a)) for a in archives if not os.path.isabs(a)]
    libraries, total, unsafe = [], 0, 0
    for name in dict.fromkeys(names):
        files = sorted(sources.get(name, ()))
        count = {path: lines_of_code(path) for path in files}
        total += sum(count.values())
        unsafe += sum(lines for path, lines in count.items() if path.startswith(UNSAFE))
        libraries.append({"name": name, "lines_of_code": sum(count.values()), "files": len(files)})
    outside = [a for a in archives if os.path.isabs(a)]
    for flag in dict.fromkeys(re.findall(r"(?:^|\s)-l(\S+)", command)):
        file = flag.removeprefix(":") if flag.startswith(":") else f"lib{flag}.a"
        outside.append(f"/usr/lib/{os.uname().machine}-linux-gnu/{file}")
    if "-nostdlib " not in command:
        compiler = command.split("clang++-19")[0].split()[-1:] or [""]
        outside.append(run(compiler[0] + "clang++-19", "-print-file-name=libc.a").strip())
    for archive in dict.fromkeys(outside):
        libraries.append({"name": re.sub(r"^lib|\.a$", "", os.path.basename(archive)), **debian_package(archive)})
    notes = run("llvm-readelf-19", "--notes", image)
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes)
    json.dump({"image": os.path.basename(image).replace(".new", ".elf"), "size": os.path.getsize(image),
               "build_id": build_id.group(1) if build_id else None, "libraries": libraries,
               "lines_of_code": total, "lines_of_unsafe_code": unsafe}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
