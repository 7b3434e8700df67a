#!/usr/bin/python3
"""command_line.py: `samara key generate`, `samara storage import`, `samara notify` and `samara update` with named, knotd and
nsd at the other end. The keys in their configurations are those that `samara key generate` writes for them."""
import json
import os
import shutil
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import message  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

OUT = os.path.join(servers.ROOT, "out", "test", "command_line")
SAMARA = os.environ.get("SAMARA", servers.SAMARA)
ALGORITHMS = ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
ZONE = "upd.test"
ZONE_TEXT = """$ORIGIN upd.test.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
www A 192.0.2.81
www TXT "kept"
old A 192.0.2.90
old AAAA 2001:db8::90
"""
NXDOMAIN = 3
NO_KEY = {"bind": "REFUSED", "nsd": "REFUSED", "knot": "NOTAUTH"}  # what each says to who signs nothing


def samara(*words, text=None):
    return subprocess.run([SAMARA, *words], input=text, capture_output=True, text=True, timeout=60, check=False)


def generate(name, algorithm, folder):
    """A key in every format, with one secret; gives the YAML file and the clauses of the others."""
    path = os.path.join(folder, f"{name}-{algorithm}.key")
    made = samara("key", "generate", name, "--algorithm", algorithm, "--json")
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)
    with open(path, "w", encoding="ascii") as file:
        file.write(f"keys:\n  {key['name']}: {{algorithm: {key['algorithm']}, secret: \"{key['secret']}\"}}\n")
    return path, key["secret"]


def clause(kind, name, algorithm, folder):
    """A key as `samara key generate` writes it for this server, and a file from which `samara` reads it."""
    made = samara("key", "generate", name, "--algorithm", algorithm, "--format", kind)
    assert made.returncode == 0, made.stderr
    path = os.path.join(folder, f"{kind}-{name}-{algorithm}")
    if kind == "bind":
        with open(path, "w", encoding="ascii") as file:
            file.write(made.stdout)
        return made.stdout, path
    # Their formats are not ours to read: the secret alone goes to a file.
    secret = [line.split(":", 1)[1].strip().strip('"') for line in made.stdout.splitlines() if "secret:" in line]
    with open(path, "w", encoding="ascii") as file:
        file.write(secret[0] + "\n")
    return made.stdout, f"{name}:{algorithm}:{path}"


def merged(kind, clauses):
    """Key clauses one behind the other; knot wants one section."""
    if kind != "knot":
        return "".join(clauses)
    return "key:\n" + "".join(text.split("\n", 1)[1] for text in clauses)


def secondary_conf(kind, clauses, names):
    """Configuration of a secondary that takes notifies signed with any of the keys, and whose primary is not there (named takes
    unsigned ones from that address too)."""
    keys = merged(kind, clauses)
    if kind == "bind":
        return keys, ("type secondary; masterfile-format text; primaries { 127.0.0.2 port 9; }; "
                      "allow-notify { " + " ".join(f"key {name};" for name in names) + " };")
    if kind == "nsd":
        return keys, "".join(f"  request-xfr: 127.0.0.1@9 {name}\n  allow-notify: 127.0.0.0/8 {name}\n" for name in names)
    acl = "".join(f"  - id: {name}\n    key: {name}\n    action: notify\n" for name in names)
    return (keys + f"remote:\n  - id: nowhere\n    address: 127.0.0.1@9\nacl:\n{acl}",
            f"    master: nowhere\n    acl: [{', '.join(names)}]\n")


def primary_conf(kind, clauses, names):
    """Configuration of a primary that takes updates signed with any of the keys."""
    keys = merged(kind, clauses)
    if kind == "bind":
        return keys, "type primary; check-integrity no; allow-update { " + " ".join(f"key {name};" for name in names) + " };"
    acl = "".join(f"  - id: {name}\n    key: {name}\n    action: update\n" for name in names)
    return keys + f"acl:\n{acl}", f"    acl: [{', '.join(names)}]\n"


def zone_file(folder):
    path = os.path.join(folder, "upd.test.zone")
    with open(path, "w", encoding="ascii") as file:
        file.write(ZONE_TEXT)
    return path


def answers(server, name, rr_type):
    """RCODE and the rdata that a question gets."""
    answer = servers.ask_udp(server.port, servers.query(name, message.TYPES[rr_type]), 3)
    parsed = message.parse(answer)
    return parsed.rcode, sorted(record.rdata.hex() for record in parsed.answer if record.type == message.TYPES[rr_type])


def said(result):
    return f"exit code {result.returncode}, {result.stdout.strip()} {result.stderr.strip()}"


def keys(result, folder):
    path = os.path.join(folder, "made.key")
    made = samara("key", "generate", "a.key", "--output", path)
    result.check(made.returncode == 0 and not made.stdout, "a key goes to a file", said(made))
    result.check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "the file is its owner's alone")
    again = samara("key", "generate", "a.key", "--output", path)
    result.check(again.returncode == 65 and "there is a file already" in again.stderr, "a key is not written over", said(again))
    named = samara("key", "generate")
    result.check(named.returncode == 0 and "tsig-" in named.stdout, "a name is made up", said(named))
    for wrong in (["a..b"], ["k", "--algorithm", "hmac-md5"], ["k", "--format", "toml"]):
        result.check(samara("key", "generate", *wrong).returncode == 64, f"{' '.join(wrong)} is a wrong command line")


def storages(result, folder):
    """A storage is there when all of it has been read in, and not before."""
    store, texts = os.path.join(folder, "made.store"), os.path.join(folder, "texts")
    arguments = ("storage", "import", store, texts, "--size", "1MiB")
    missing = samara(*arguments)
    result.check(missing.returncode == 65 and not os.path.exists(store), "no storage is made of a missing folder", said(missing))
    os.mkdir(texts)
    zone_file(texts)
    foreign = samara(*arguments)
    result.check(foreign.returncode == 65 and not os.path.exists(store), "nor of what was not exported", said(foreign))
    os.remove(os.path.join(texts, "upd.test.zone"))
    with open(store, "wb"):
        os.chmod(store, 0o640)
    made = samara(*arguments)
    good = made.returncode == 0 and os.path.getsize(store) == 1 << 20 and stat.S_IMODE(os.stat(store).st_mode) == 0o640
    result.check(good, "one that is made takes the place of an empty file, with its mode", said(made))
    again = samara(*arguments)
    result.check(again.returncode == 65 and "is there already" in again.stderr, "and is not written over", said(again))
    left = [name for name in os.listdir(folder) if "imported" in name]
    result.check(not left, "nothing else is left", " ".join(left))


def notifies(result, kind, folder):
    names = [f"k{algorithm}" for algorithm in ALGORITHMS]
    made = [clause(kind, name, algorithm, folder) for name, algorithm in zip(names, ALGORITHMS)]
    conf, zone_conf = secondary_conf(kind, [text for text, _ in made], names)
    with servers.Server(kind, [(ZONE, zone_file(folder))], folder, conf=conf, zone_conf=zone_conf) as server:
        to = ("--server", f"127.0.0.1:{server.port}")
        for algorithm, (_, key) in zip(ALGORITHMS, made):
            told = samara("notify", ZONE, *to, "--key", key, "--serial", "2")
            result.check(told.returncode == 0 and "accepted" in told.stdout, f"{kind} takes a notify signed with {algorithm}",
                         said(told))
        plain = samara("notify", *to, ZONE)
        result.check(plain.returncode == 65 and NO_KEY[kind] in plain.stderr, f"{kind} refuses an unsigned notify", said(plain))
        forged, _ = generate(names[2], "hmac-sha256", folder)
        wrong = samara("notify", ZONE, *to, "--key", forged)
        result.check(wrong.returncode == 65 and "BADSIG" in wrong.stderr, f"{kind} does not accept another secret", said(wrong))
        stranger, _ = generate("stranger", "hmac-sha256", folder)
        unknown = samara("notify", ZONE, *to, "--key", stranger, "--json")
        outcome = json.loads(unknown.stdout)[0]
        result.check(unknown.returncode == 65 and outcome["outcome"] == "refused" and "BADKEY" in outcome["message"],
                     f"{kind} does not know another key", said(unknown))
    silent = samara("notify", ZONE, "--server", f"127.0.0.1:{servers.free_port()}", "--timeout", "1")
    result.check(silent.returncode == 69, "nobody there: 69", said(silent))


def updates(result, kind, folder):
    names = [f"k{algorithm}" for algorithm in ALGORITHMS]
    made = [clause(kind, name, algorithm, folder) for name, algorithm in zip(names, ALGORITHMS)]
    conf, zone_conf = primary_conf(kind, [text for text, _ in made], names)
    with servers.Server(kind, [(ZONE, zone_file(folder))], folder, conf=conf, zone_conf=zone_conf) as server:
        to = ("--server", f"127.0.0.1:{server.port}", "--zone", ZONE)
        key = ("--key", made[2][1])

        def good(name, *words, text=None):
            done = samara("update", *to, *key, *words, text=text)
            result.check(done.returncode == 0 and "accepted" in done.stdout, f"{kind}: {name}", said(done))

        def refused(name, rcode, *words, with_key=key):
            done = samara("update", *to, *with_key, *words)
            result.check(done.returncode == 65 and rcode in done.stderr, f"{kind}: {name}", said(done))

        def has(name, question, rr_type, *rdata, rcode=0):
            found = answers(server, question, rr_type)
            result.check(found == (rcode, sorted(rdata)), f"{kind}: {name}", str(found))

        for i, (algorithm, (_, file)) in enumerate(zip(ALGORITHMS, made)):
            done = samara("update", *to, "--key", file, "--add", f"a{i}.upd.test 60 A 192.0.2.{i}")
            result.check(done.returncode == 0, f"{kind} takes an update signed with {algorithm}", said(done))
            has(f"what {algorithm} signed is there", f"a{i}.upd.test", "A", f"c00002{i:02x}")
        good("one record is deleted", "--delete", "www.upd.test A 192.0.2.80")
        has("the other record stays", "www.upd.test", "A", "c0000251")
        good("an RRset is deleted and another made", "--delete", "www.upd.test A", "--add", "www.upd.test. 5m A 192.0.2.82")
        has("the new RRset is there", "www.upd.test", "A", "c0000252")
        has("the other type stays", "www.upd.test", "TXT", "046b657074")
        good("all of a name is deleted", "--delete", "old.upd.test")
        has("the name is gone", "old.upd.test", "A", rcode=NXDOMAIN)
        good("prerequisites that hold", "--prereq", "yxdomain www.upd.test", "--prereq", "nxdomain none.upd.test",
             "--prereq", "yxrrset www.upd.test A 192.0.2.82", "--prereq", "nxrrset www.upd.test AAAA",
             "--add", "new.upd.test 60 A 192.0.2.99")
        refused("a name that must not exist does", "YXDOMAIN", "--prereq", "nxdomain www.upd.test", "--add",
                "no.upd.test 1 A 192.0.2.1")
        refused("a name that must exist does not", "NXDOMAIN", "--prereq", "yxdomain none.upd.test", "--add",
                "no.upd.test 1 A 192.0.2.1")
        refused("an RRset that must exist does not", "NXRRSET", "--prereq", "yxrrset www.upd.test A 192.0.2.1", "--add",
                "no.upd.test 1 A 192.0.2.1")
        has("nothing of those was done", "no.upd.test", "A", rcode=NXDOMAIN)
        refused("a name outside the zone", "NOTZONE", "--add", "www.example.com 1 A 192.0.2.1")
        refused("no key", NO_KEY[kind], "--add", "no.upd.test 1 A 192.0.2.1", with_key=())
        forged, _ = generate(names[2], "hmac-sha256", folder)
        refused("another secret", "BADSIG", "--add", "no.upd.test 1 A 192.0.2.1", with_key=("--key", forged))
        large = [word for i in range(40) for word in ("--add", f"large{i}.upd.test 60 TXT {'x' * 200}")]
        good("an update too large for UDP", *large)
        has("its last record is there", "large39.upd.test", "TXT", "c8" + "78" * 200)
        script = ("; two messages\nttl 60\nupdate add s1.upd.test A 192.0.2.11\n\n"
                  "prereq yxdomain s1.upd.test\nadd s2.upd.test A 192.0.2.12\n")
        good("a script on standard input", "--delete", "s1.upd.test", "-", text=script)
        has("its second message was sent too", "s2.upd.test", "A", "c000020c")
        path = os.path.join(folder, "script")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"server 127.0.0.1 {server.port}\nzone upd.test\nupdate delete s2.upd.test\nsend\n"
                       "update add s3.upd.test A nowhere\n")
        broken = samara("update", *key, path)
        result.check(broken.returncode == 65 and f"{path}:5:" in broken.stderr, f"{kind}: a broken script names its line",
                     said(broken))
        has("of a broken script nothing is sent", "s2.upd.test", "A", "c000020c")
        reported = samara("update", *to, *key, "--json", "--delete", "s1.upd.test")
        outcome = json.loads(reported.stdout)
        result.check(outcome == [{"server": f"127.0.0.1:{server.port}", "zone": "upd.test.", "outcome": "accepted",
                                  "rcode": "NOERROR", "message": ""}], f"{kind}: JSON says what became of it", reported.stdout)
        by_name = samara("update", "--server", f"localhost:{server.port}", "--zone", ZONE, *key, "--add", "n.upd.test 60 A 192.0.2.1")
        result.check(by_name.returncode == 0, f"{kind}: a server by its name", said(by_name))
        manifest = os.path.join(folder, f"{kind}.yaml")
        own, _ = generate("k.manifest", "hmac-sha256", folder)
        with open(own, encoding="ascii") as keys_file, open(manifest, "w", encoding="ascii") as file:
            file.write("role: primary\nlisten: [not read]\n" + keys_file.read())
        refused("a manifest's key, which the server does not know", "BADKEY", "--add", "no.upd.test 1 A 192.0.2.1",
                with_key=("--key", manifest))
        # Its SOA names ns.upd.test, at an address where nobody is.
        found = samara("update", "--resolver", f"127.0.0.1:{server.port}", "--zone", ZONE, "--timeout", "1", "--delete", "a.upd.test")
        result.check(found.returncode == 69 and "ns.upd.test.:53" in found.stderr, f"{kind}: the SOA's MNAME is asked", said(found))
        inside = samara("update", "--resolver", f"127.0.0.1:{server.port}", "--zone", "sub.upd.test", "--delete", "a.sub.upd.test")
        result.check(inside.returncode == 69 and "--zone upd.test." in inside.stderr, f"{kind}: a name that is no zone", said(inside))
    silent = samara("update", "--server", f"127.0.0.1:{server.port}", "--zone", ZONE, "--timeout", "1", "--delete", "a.upd.test")
    result.check(silent.returncode == 69, "nobody there: 69", said(silent))
    for wrong in ([], ["--add", "x"], ["--zone", "a..b", "--delete", "x"], ["--server", "he re", "--zone", ZONE, "--delete", "x"]):
        result.check(samara("update", *wrong).returncode == 64, f"update {' '.join(wrong)} is a wrong command line")


def main():
    result = report.Report()
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    keys(result, OUT)
    storages(result, OUT)
    for check, kinds in ((notifies, ("bind", "knot", "nsd")), (updates, ("bind", "knot"))):
        for kind in kinds:
            folder = os.path.join(OUT, check.__name__)
            os.makedirs(folder, exist_ok=True)
            try:
                check(result, kind, folder)
            except (RuntimeError, OSError, message.Malformed, AssertionError, TypeError) as error:
                result.check(False, f"{check.__name__} with {kind}", repr(error))
    result.finish()


if __name__ == "__main__":
    main()
