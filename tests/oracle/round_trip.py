#!/usr/bin/env python3
"""Unpacking a package gives the packed tree, and packing is deterministic.

usage: round_trip.py RTENV [--cases 60] [--seed 1]
Generates trees with links, odd names (any bytes), empty folders, modes, empty and incompressible files; packs each with
random options, unpacks it, and compares what came back, its modes, what Python's zipfile reads, the names, and the bytes of
packages made by other numbers of threads. Then files of more than 4 GiB, deflated and stored. Prints "N passed, M failed".
"""
import os, random, stat, subprocess, zipfile

import harness

COMPRESSIONS = ["auto", "store", "fast", "best"]


def name(rng):
    if rng.random() < 0.6:
        return rng.choice([b"a", b"b", b"a-b", b"A", b"x y", "été".encode(), "日本".encode(), b".hid", b"-o", b"*", b"a\\b", b"line\nfeed", b"~", b"c" * 200])
    raw = bytes(rng.randrange(1, 256) for _ in range(rng.randrange(1, 12))).replace(b"/", b"_")
    return b"_" if raw in (b".", b"..") or b"\\..\\" in b"\\" + raw + b"\\" else raw


def content(rng):
    size = rng.choice([0, 0, 1, 100, 5000, 200_000, 1 << 20, (1 << 20) + 1, 3_500_000])
    kind = rng.randrange(3)
    return bytes(size) if kind == 0 else rng.randbytes(size) if kind == 1 else (b"text of %d words\n" % rng.randrange(99) * (size // 10 + 1))[:size]


def generate(root, rng, depth):
    os.mkdir(root)
    for _ in range(rng.randrange(0, 6)):
        path = root + b"/" + name(rng)
        if not os.path.lexists(path):
            with open(path, "wb") as file:
                file.write(content(rng))
            os.chmod(path, rng.choice([0o644, 0o755, 0o600, 0o444, 0o711]))
    for _ in range(rng.randrange(0, 4) if depth else 0):
        path = root + b"/" + name(rng)
        if not os.path.lexists(path):
            generate(path, rng, depth - 1)
    for i in range(rng.randrange(0, 3)):
        entries = os.listdir(root)
        if entries:
            os.symlink(rng.choice(entries), root + b"/link%d" % i)
    os.chmod(root, rng.choice([0o755, 0o755, 0o700, 0o750]))


def described(root):
    """The properties of a tree that a package preserves: path -> properties."""
    found = {}
    for folder, folders, files in os.walk(root):
        relative = os.path.relpath(folder, root)
        if not folders and not files and relative != b".":
            found[relative] = "empty folder"
        for entry in folders + files:
            path = os.path.join(folder, entry)
            key = os.path.normpath(os.path.join(relative, entry))
            if os.path.islink(path):
                found[key] = ("link", os.readlink(path))
            elif entry in files:
                with open(path, "rb") as file:
                    found[key] = ("file", bool(os.stat(path).st_mode & stat.S_IXUSR), file.read())
    return found


def wrong_modes(root, back, umask):
    """The paths of what came back with another mode than the one that a package keeps, less the umask."""
    wrong = []
    private = set()
    for folder, folders, files in os.walk(root):
        for path in (os.path.join(folder, entry) for entry in folders + files):
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                continue
            if folder in private or not mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH):
                private.add(path)
            execute = 0o111 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0
            kept = (0o644 | execute) & (0o700 if path in private else 0o777) & ~umask
            got = stat.S_IMODE(os.lstat(back + path[len(root):]).st_mode)
            if got != kept:
                wrong.append(f"{path} has {got:o}, not {kept:o}")
    return wrong


def rtenv(tool, *words, umask=0o022):
    return subprocess.run([tool, *words], capture_output=True, umask=umask)


def check(tool, scratch, seed):
    rng = random.Random(seed)
    root, package, other, back = (os.fsencode(scratch / f"{word}{seed}") for word in ("tree", "package", "other", "back"))
    generate(root, rng, 3)
    options = ["--scheme", rng.choice(["xxh3", "sha256"]), "--compress", rng.choice(COMPRESSIONS)]
    packed = rtenv(tool, "pack", root, "-o", package, *options, "--threads", "1")
    if packed.returncode != 0:
        return [packed.stderr.decode(errors="replace")]
    problems = []
    again = rtenv(tool, "pack", root, "-o", other, *options, "--threads", str(rng.randrange(2, 9)), umask=0o077)
    with open(package, "rb") as a, open(other, "rb") as b:
        if a.read() != b.read() or again.stdout != packed.stdout:
            problems.append("another number of threads gives another package")
    umask = rng.choice([0o022, 0o077, 0o002])
    unpacked = rtenv(tool, "unpack", package, back, umask=umask)
    if unpacked.returncode != 0:
        return problems + [unpacked.stderr.decode(errors="replace")]
    before, after = described(root), described(back)
    if before != after:
        problems.append(f"what came back differs: {[k for k in before.keys() | after.keys() if before.get(k) != after.get(k)][:3]}")
    else:
        problems += wrong_modes(root, back, umask)
    if rtenv(tool, "hash", back, *options[:2]).stdout != packed.stdout:
        problems.append("what came back has another name")
    with zipfile.ZipFile(os.fsdecode(package)) as z:
        bad = z.testzip()
        if bad is not None:
            problems.append(f"Python finds {bad} damaged")
        contents = sorted(z.read(i) for i in z.infolist() if stat.S_ISREG(i.external_attr >> 16))
        if contents != sorted(v[2] for v in before.values() if v[0] == "file"):
            problems.append("Python reads other contents")
    return problems


def check_large(tool, scratch, compression):
    """A sparse file that uses no space, and a small one whose offset in the package is beyond 4 GiB."""
    tree, package = scratch / "large", scratch / "large.zip"
    if not tree.exists():
        tree.mkdir()
        with open(tree / "a", "wb") as file:
            file.write(b"begin")
            file.truncate((4 << 30) + 12345)
        (tree / "b").write_bytes(b"end")
    packed = rtenv(tool, "pack", str(tree), "-o", str(package), "--compress", compression)
    inspected = rtenv(tool, "inspect", str(package), "--json")
    problems = [] if packed.returncode == 0 and inspected.returncode == 0 else [(packed.stderr + inspected.stderr).decode()]
    uri = packed.stdout.decode().strip()
    if uri.removeprefix("gcs://") not in inspected.stdout.decode():
        problems.append("inspect computes another name")
    with zipfile.ZipFile(package) as z:
        sizes = [(i.filename, i.file_size) for i in z.infolist()]
        if sizes != [("a", (4 << 30) + 12345), ("b", 3)] or z.read("b") != b"end":
            problems.append(f"Python reads {sizes}")
    return problems


if __name__ == "__main__":
    large = [(f"more than 4 GiB, {c}", lambda tool, scratch, c=c: check_large(tool, scratch, c)) for c in ("auto", "store")]
    harness.main(__doc__, check, cases=60, more=large)
