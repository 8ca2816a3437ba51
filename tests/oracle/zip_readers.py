#!/usr/bin/env python3
"""Every common reader of zips reads rtenv's packages: Info-ZIP unzip, 7z, bsdtar (from a file and from a pipe), Python,
Go, and Java (ZipFile, and ZipInputStream, which reads a stream).

usage: zip_readers.py RTENV [--full]
Packs a tree of small and large, compressible and random files, empty files and folders, UTF-8 names, links and
executables with each --compress, into a file and into a pipe; then 66,000 files. Each reader must find the same entries
with the same content (of so many files, those that extract only list them). --full, which takes minutes and 9 GB: also files of about 4 GiB, where zip64 begins.
Go is found in PATH or in build/servers, where tests/servers/install puts it; scripts/deps installs the other readers.
"""
import argparse, contextlib, hashlib, os, random, shutil, stat, subprocess, sys, tempfile, zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
EMPTY = hashlib.sha256().hexdigest()
K_4GIB = 1 << 32


def run(words, **options):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise RuntimeError(f"exit status {done.returncode}: {(done.stderr or done.stdout).decode(errors='replace')[-400:]}")
    return done.stdout


def digest_of(stream):
    digest = hashlib.sha256()
    while piece := stream.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def described(root, links=True):
    """Path -> the content's digest; for a link, that of its target's path if `links`. Folders end with '/' and count if empty."""
    found = {}
    for folder, folders, files in os.walk(root):
        relative = Path(folder).relative_to(root)
        if not folders and not files:
            found[f"{relative}/"] = EMPTY
        for name in files + [name for name in folders if os.path.islink(os.path.join(folder, name))]:
            path = Path(folder, name)
            if path.is_symlink() and links:
                found[str(relative / name)] = hashlib.sha256(os.readlink(path).encode()).hexdigest()
            else:
                with open(path, "rb") as file:
                    found[str(relative / name)] = digest_of(file)
    return found


def kinds(root):
    """Path -> whether it is a link or executable."""
    return {str(Path(folder, name).relative_to(root)): (status.st_mode & (stat.S_IFMT(status.st_mode) | stat.S_IXUSR))
            for folder, _, files in os.walk(root) for name in files for status in [os.lstat(os.path.join(folder, name))]}


def lines(text):
    return {name: digest for digest, name in (line.split(" ", 1) for line in text.decode().splitlines())}


def read_by_python(package):
    with zipfile.ZipFile(package) as archive:
        found = {}
        for info in archive.infolist():
            with archive.open(info) as content:
                found[info.filename] = digest_of(content)
        return found


class Extractors:
    """Readers that write files: what they wrote is compared, and that links and executables are some."""

    def __init__(self, scratch):
        self.scratch = scratch

    @contextlib.contextmanager
    def target(self):
        folder = self.scratch / "extracted"
        folder.mkdir()
        yield folder
        shutil.rmtree(folder)

    def unzip(self, package):
        with self.target() as folder:
            run(["unzip", "-q", "-X", package, "-d", folder], env=os.environ | {"LC_ALL": "C.UTF-8"})
            return described(folder), kinds(folder)

    def seven_zip(self, package):
        with self.target() as folder:
            run(["7z", "x", "-bd", "-y", "-snl", f"-o{folder}", package], env=os.environ | {"LC_ALL": "C.UTF-8"})
            return described(folder), kinds(folder)

    def bsdtar(self, package):
        with self.target() as folder:
            run(["bsdtar", "-xf", package, "-C", folder], env=os.environ | {"LC_ALL": "C.UTF-8"})
            return described(folder), kinds(folder)

    def bsdtar_stream(self, package):
        # The types of entries are at the end of a zip: a link becomes a file with its target's path.
        with self.target() as folder, open(package, "rb") as file:
            cat = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
            try:
                run(["bsdtar", "-xf", "-", "-C", folder], stdin=cat.stdout, env=os.environ | {"LC_ALL": "C.UTF-8"})
            finally:
                cat.stdout.close()
                cat.wait()
            return described(folder), None


def listing(*words, stream=False):
    """A reader that lists a package, one line an entry."""
    def names(package):
        with open(package, "rb") as file:
            cat = subprocess.Popen(["cat"], stdin=file if stream else subprocess.DEVNULL, stdout=subprocess.PIPE)
            try:
                text = run([*words, *([] if stream else [package])], stdin=cat.stdout, env=os.environ | {"LC_ALL": "C.UTF-8"})
            finally:
                cat.stdout.close()
                cat.wait()
        return {line.split()[-1]: EMPTY for line in text.decode().splitlines()}, None
    return names


def readers(scratch):
    """(title, function of the package, the same for many files) triples; they return the entries, and kinds(…) or None."""
    extractors = Extractors(scratch)
    go = shutil.which("go") or str(HERE.parents[1] / "build/servers/bin/go")
    for program in ("unzip", "7z", "bsdtar", "java", "javac", go):
        if not shutil.which(program):
            sys.exit(f"zip_readers.py: {program} is missing: scripts/deps and tests/servers/install install it")
    run([go, "build", "-o", scratch / "zip_reader", HERE / "readers/zip_reader.go"],
        env=os.environ | {"GOCACHE": str(scratch / "go"), "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}, cwd=scratch)
    run(["javac", "-d", scratch / "java", HERE / "readers/ZipReader.java"])
    java = lambda kind: lambda package: (lines(run(["java", "-cp", scratch / "java", "ZipReader", kind, package])), None)
    python = lambda package: (read_by_python(package), None)
    program = lambda package: (lines(run([scratch / "zip_reader", package])), None)
    return [("Python", python, python), ("Go", program, program), ("Java's ZipFile", java("file"), java("file")),
            ("Java's ZipInputStream", java("stream"), java("stream")),
            ("unzip", extractors.unzip, listing("unzip", "-Z1")),
            ("7z", extractors.seven_zip, listing("7z", "l", "-ba")),
            ("bsdtar", extractors.bsdtar, listing("bsdtar", "-tf")),
            ("bsdtar from a pipe", extractors.bsdtar_stream, listing("bsdtar", "-tf", "-", stream=True))]


def mixed_tree(root):
    rng = random.Random(1)
    text = b"".join(b"line %d\n" % (i * 37 % 10007) for i in range(400_000))
    files = {"small.txt": b"small", "none": b"", "src/run.sh": b"#!/bin/sh\n", "large.txt": text, "large.bin": rng.randbytes(3_500_000),
             "half.bin": text[:2_000_000] + rng.randbytes(2_000_000), "piece": rng.randbytes(1 << 20), "piece+1": rng.randbytes((1 << 20) + 1),
             "two pieces": rng.randbytes(2 << 20), "medium.bin": rng.randbytes(70_000), "zeros": bytes(5_000_000), "été/日本.txt": b"utf-8",
             # The signature that readers of streams look for behind data of unknown size.
             "signatures.bin": b"PK\x07\x08" * 500_000 + rng.randbytes(1 << 20)}
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    os.chmod(root / "src/run.sh", 0o755)
    (root / "empty/deep").mkdir(parents=True)
    os.symlink("run.sh", root / "src/link")  # none with "..": 7z refuses those


def many_files(root):
    for i in range(66):
        (root / f"{i}").mkdir(parents=True)
        for k in range(1000):
            (root / f"{i}/{k}").touch()


def sparse(*sizes):
    def make(root):
        root.mkdir()
        for i, size in enumerate(sizes):
            with open(root / f"{i}", "wb") as file:
                file.write(b"begin")
                file.seek(size - 3)
                file.write(b"end")
        (root / "z").write_bytes(b"behind them")
    return make


def check(tool, scratch, title, make, compressions, all_readers):
    tree, package = scratch / "tree", scratch / "package.zip"
    make(tree)
    expected, expected_kinds = described(tree), kinds(tree)
    problems = []
    for compression in compressions:
        for output in ("file", "pipe"):
            # A pipe can't be written to twice, so large stored files are read before they are written.
            words = [tool, "pack", str(tree), "--compress", compression, "-o"]
            if output == "file":
                run([*words, package])
            else:
                subprocess.run(["bash", "-c", '"$@" | cat >"$0"', package, *words, "-"], check=True, stderr=subprocess.DEVNULL)
            for name, read, read_many in all_readers:
                read = read_many if len(expected) > 1000 else read
                where = f"{title}, --compress {compression} into a {output}: {name}"
                try:
                    found, found_kinds = read(package)
                except Exception as error:
                    shutil.rmtree(scratch / "extracted", ignore_errors=True)
                    problems.append(f"{where}: {error}")
                    continue
                if found != expected:
                    differs = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
                    problems.append(f"{where}: other entries or contents: {differs[:4]}")
                elif found_kinds is not None and found_kinds != expected_kinds:
                    problems.append(f"{where}: other links or executables")
    shutil.rmtree(tree)
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", metavar="RTENV")
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    cases = [("mixed", mixed_tree, ["auto", "store", "fast", "best"]), ("66,000 files", many_files, ["auto"])]
    if options.full:
        cases += [("more than 4 GiB", sparse(K_4GIB + 5_000_000), ["auto", "store"]),
                  # Deflated without compression, one of these is larger than 4 GiB and the other isn't.
                  ("just below 4 GiB", sparse(K_4GIB - 1000), ["auto"]), ("below 4 GiB", sparse(K_4GIB - 400_000), ["auto", "store"])]
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        all_readers = readers(scratch)
        for title, make, compressions in cases:
            problems += check(os.path.abspath(options.tool), scratch, title, make, compressions, all_readers)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(cases)} trees, {len(all_readers)} readers, {len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
