"""What documents say and a machine can hold against the sources: links and paths, packages, numbers, system calls. Each rule of
check_style.py's kind yields the places that are not true (any more)."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
# A path of the tree in backticks; words with placeholders in capitals or stars are patterns, not paths.
PATH = re.compile(r"`((?:bench|cmake|dns-core|docs|ops|platform|secondary|server|tests|zone|zones)/[a-z0-9_./-]+)`")
SUFFIXES = ("", ".h", ".cpp")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def documents(files):
    return [path for path in files if path.endswith(".md")]


def anchors(path):
    """As GitHub makes them of headings."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", read(path), re.M):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(words.replace(" ", "-"))
    return found


def doc_links(files):
    """A link within the tree leads to a file, and to a heading of it."""
    for path in documents(files):
        for target in LINK.findall(read(path)):
            if "://" in target:
                continue
            file, _, anchor = target.partition("#")
            there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
            if not os.path.exists(os.path.join(ROOT, there)):
                yield f"{path}: no {target}"
            elif anchor and anchor not in anchors(there):
                yield f"{path}: no heading {target}"


def doc_paths(files):
    """A path in backticks is there; a source may be called without its ending."""
    known = set(files) | {folder for file in files for folder in parents(file)}
    for path in documents(files):
        for name in PATH.findall(read(path)):
            if not any(name.rstrip("/") + suffix in known for suffix in SUFFIXES):
                yield f"{path}: no {name}"


def parents(path):
    while "/" in path:
        path = path.rsplit("/", 1)[0]
        yield path


def doc_packages(_files):
    """docs/dependencies.md names packages that ops/setup installs."""
    setup = read("ops/setup")
    for line in read("docs/dependencies.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) < 3 or not re.fullmatch(r"[a-z0-9+.-]+-dev", cells[1]):
            continue
        # libc6-dev comes with the compilers.
        if cells[1] != "libc6-dev" and cells[1] not in setup:
            yield f"docs/dependencies.md: {cells[1]} is not in ops/setup"


def doc_libraries(_files):
    """Each library that the build links from outside stands in docs/dependencies.md."""
    document = read("docs/dependencies.md").lower()
    names = {"SAMARA_HOGWEED": "hogweed", "SAMARA_NETTLE": "nettle", "SAMARA_GMP": "gmp", "yaml-cpp": "yaml-cpp",
             "CLI11::CLI11": "cli11", "ldns": "ldns"}
    for folder, _, entries in os.walk(ROOT):
        if "CMakeLists.txt" not in entries or os.path.relpath(folder, ROOT).split(os.sep)[0] in ("out", "tests"):
            continue
        path = os.path.relpath(os.path.join(folder, "CMakeLists.txt"), ROOT)
        for external in re.findall(r"^\s*EXTERNAL ([^)\n]+)", read(path), re.M):
            for word in external.split():
                word = re.sub(r"^-l:lib|\.a$", "", word.strip("${}"))
                name = names.get(word, word.lower().replace("samara_", ""))
                if name not in document:
                    yield f"{path}: {word} is not in docs/dependencies.md"


def doc_numbers(_files):
    """Numbers that stand in a source and in a document."""
    calls = {kind: int(count) for count, kind in
             re.findall(r"std::array<AllowedCall, (\d+)> (\w+)_system_calls\{", read("platform/hal/linux/system_calls.h"))}
    per_stream = re.search(r"memory_per_stream = (\d+) \* 1024", read("platform/hal/boot/run.cpp")).group(1)
    expected = [
        ("docs/threat-model.md", f"has {calls['worker']} system calls (a worker, or a loader)"),
        ("docs/threat-model.md", f"{calls['worker'] + 1} (a worker that makes connections)"),
        ("docs/threat-model.md", f"{calls['loader'] + calls['storage']} (a loader with storage)"),
        ("docs/threat-model.md", f"{calls['tap']} with our own TCP/IP"),
        ("docs/virtio-target.md", f"({per_stream} KiB each, buffers"),
        ("docs/virtio-target.md", f"{per_stream} KiB for each of its own connections"),
    ]
    if calls["worker"] != calls["loader"] or calls["tap"] != calls["xdp"]:
        yield "docs/threat-model.md gives one number for a worker and a loader, and one for tap and xdp"
    for path, words in expected:
        if words not in re.sub(r"\s+", " ", read(path)):
            yield f"{path}: does not say \"{words}\""


# Whose sentences and rows name the tests that hold them: documents, and the heading of the only part of which this is asked.
CLAIMS = {"docs/threat-model.md": None, "docs/network.md": "What a liar on the link can do with a router advertisement"}
NOTE = re.compile(r"\[\^([\w-]+)\]")
# A sentence ends with its point or colon, the footnotes behind it are its own.
SENTENCE = re.compile(r"\S.*?[.:?](?:\[\^[\w-]+\])*(?=\s+[A-Z*`]|$)")
CANNOT = "No test can hold this"


def footnotes(text):
    """The text without its footnotes, and these by name."""
    notes = {}

    def keep(match):
        notes[match.group(1)] = " ".join(match.group(2).split())
        return ""

    return re.sub(r"^\[\^([\w-]+)\]:((?:.*\n)(?:    .*\n)*)", keep, text, flags=re.M), notes


def claims(text):
    """Sentences of paragraphs and lists, and rows of tables."""
    for block in re.split(r"\n\s*\n|\n(?=- |#)", text):
        lines = block.strip().splitlines()
        if lines and lines[0].startswith("|"):
            yield from lines[2:]
        elif lines and not lines[0].startswith("#"):
            yield from SENTENCE.findall(" ".join(" ".join(lines).split()) + " ") or [block]


def unit_tests():
    """Suite.Case of every GoogleTest source."""
    found = set()
    for folder, _, names in os.walk(os.path.join(ROOT, "tests", "unit")):
        for name in names:
            if name.endswith(".cpp"):
                source = read(os.path.relpath(os.path.join(folder, name), ROOT))
                found.update(".".join(pair) for pair in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", source, re.M))
    return found


def tests_of(note, known):
    """The tests that a footnote names, each with whether it is there: Suite.Case, a file of a suite without cases of its own, and
    functions of scripts behind the name of theirs."""
    script = None
    for name in re.findall(r"`([^`]+)`", note):
        if name.startswith("tests/"):
            there = os.path.exists(os.path.join(ROOT, name))
            script = read(name) if there and name.endswith(".py") else None
            # The script alone is no test.
            if not there or script is None:
                yield name, there
        elif "." in name:
            yield name, name in known
        else:
            yield name, script is not None and re.search(rf"^def {re.escape(name)}\(", script, re.M) is not None


def broken_claims(path, text, part, known):
    body, notes = footnotes(text)
    used = set(NOTE.findall(body))
    for name in sorted(used ^ set(notes)):
        yield f"{path}: footnote {name} is {'not there' if name in used else 'used nowhere'}"
    for name, note in notes.items():
        named = list(tests_of(note, known))
        if not named and not note.startswith(CANNOT):
            yield f"{path}: footnote {name} names no test"
        for test, there in named:
            if not there:
                yield f"{path}: footnote {name}: no test is called {test}"
    if part is not None:
        body = body.partition(f"## {part}\n")[2].partition("\n## ")[0]
    found = list(claims(body))
    if not found:
        yield f"{path}: no claims found"
    for claim in found:
        if not NOTE.search(claim):
            yield f"{path}: no footnote names the test of: {claim[:100]}"


def doc_tests(_files):
    """Every claim of the documents in CLAIMS has a footnote, and every test that a footnote names exists."""
    known = unit_tests()
    for path, part in CLAIMS.items():
        yield from broken_claims(path, read(path), part, known)


def doc_verbs(_files):
    """Each verb of the command has its row in docs/operating.md."""
    rows = {row for row in re.findall(r"^\| `samara ([a-z ]+)", read("docs/operating.md"), re.M)}
    rows = {row.strip() for row in rows}
    for verb in re.findall(r"samara::ops::add_(\w+)\(", read("ops/main.cpp")):
        below = re.findall(r'options, "(\w+)",', read(f"ops/verbs/{verb}.cpp"))
        for name in [f"{verb} {word}" for word in below] or [verb.replace("_", " ")]:
            if name not in rows:
                yield f"docs/operating.md: no row for `samara {name}`"


RULES = [doc_links, doc_paths, doc_packages, doc_libraries, doc_numbers, doc_tests, doc_verbs]
