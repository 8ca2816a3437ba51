#!/usr/bin/env python3
"""A package, a name and a job's copy hold one state of each file and folder, however fast a directory changes.

usage: changing_trees.py RTENV [--seconds 4]
One process changes a tree without a pause while others name, pack, push and run it; each result must have a state that
existed, or the command must say what changed (exit status 5). Afterwards the cached names are compared with computed ones.
Prints "N passed, M failed".
"""
import argparse, ctypes, json, multiprocessing, os, pathlib, re, subprocess, sys, tempfile, time, zipfile

LARGE = 8 << 20
SMALL_FILES = 200
AT_FDCWD, RENAME_EXCHANGE = -100, 2
libc = ctypes.CDLL(None, use_errno=True)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def replace(path, text):
    """As careful writers do."""
    new = path.with_name("new.tmp")
    new.write_bytes(text)
    new.rename(path)


def exchange(one, other):
    if libc.renameat2(AT_FDCWD, bytes(one), AT_FDCWD, bytes(other), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def folder_of(path, digit):
    for i in range(40):
        write(path / f"sub{i % 5}" / f"f{i}", digit * 3000)


class LargeReplaced:
    """A large file is replaced by rename."""
    size = LARGE

    def __init__(self, root, outside):
        self.path = root / "large"
        self.path.write_bytes(b"0" * self.size)

    def change(self, turn):
        replace(self.path, bytes([48 + turn % 10]) * self.size)

    def check(self, files):
        text = files["large"]
        return text == text[:1] * self.size


class SmallReplaced(LargeReplaced):
    """A file of one page is replaced by rename."""
    size = 4096


class LargeOverwritten(LargeReplaced):
    """A large file is overwritten in place, from its beginning to its end, by one call."""

    def change(self, turn):
        with open(self.path, "r+b", buffering=0) as file:
            file.write(bytes([48 + turn % 10]) * self.size)

    def check(self, files):
        text = files["large"]
        old = text[-1:]
        return len(text) == self.size and text == text[:1] * (self.size - text.count(old)) + old * text.count(old) \
            or text == old * self.size


class SmallOverwritten(LargeOverwritten):
    """A file of some pages is overwritten in place."""
    size = 60_000


class Appended:
    """A file grows."""

    def __init__(self, root, outside):
        self.path = root / "log"
        self.path.write_bytes(b"")
        self.expected = b"".join(b"%07d\n" % i for i in range(400_000))

    def change(self, turn):
        size = self.path.stat().st_size
        if size > 3_000_000:
            replace(self.path, b"")
            return
        with open(self.path, "ab", buffering=0) as file:
            file.write(self.expected[size:size + 70_000])
        time.sleep(0.001)

    def check(self, files):
        return self.expected.startswith(files["log"])


class Truncated:
    """A file is emptied and written anew."""

    def __init__(self, root, outside):
        self.path = root / "file"
        self.path.write_bytes(b"0" * 500_000)

    def change(self, turn):
        self.path.write_bytes(bytes([48 + turn % 10]) * 500_000)

    def check(self, files):
        text = files["file"]
        return text == text[:1] * len(text)


class FoldersExchanged:
    """Two folders exchange their names, one of them in the tree: all files are those of one."""

    def __init__(self, root, outside):
        self.inside, self.outside = root / "current", outside / "other"
        folder_of(self.inside, b"1")
        folder_of(self.outside, b"2")

    def change(self, turn):
        exchange(self.inside, self.outside)

    def check(self, files):
        return len(files) == 40 and set(files.values()) in ({b"1" * 3000}, {b"2" * 3000})


class LinkExchanged:
    """A link to one of two folders outside of the tree."""

    def __init__(self, root, outside):
        folder_of(outside / "v1", b"1")
        folder_of(outside / "v2", b"2")
        self.outside, self.link = outside, root / "current"
        self.link.symlink_to(outside / "v1")

    def change(self, turn):
        new = self.link.with_name("new.tmp")
        new.symlink_to(self.outside / f"v{1 + turn % 2}")
        new.rename(self.link)

    check = FoldersExchanged.check


class FilesRenamed:
    """A file moves between two folders: it is in exactly one of them."""

    def __init__(self, root, outside):
        self.root = root
        for i in range(20):
            write(root / f"d{i}" / "stays", b"x")
        write(root / "d0" / "wanders", b"x")

    def change(self, turn):
        (self.root / f"d{turn % 20}" / "wanders").rename(self.root / f"d{(turn + 1) % 20}" / "wanders")
        time.sleep(0.0002)

    def check(self, files):
        return sum(name.endswith("wanders") for name in files) == 1 and len(files) == 21


class RulesRewritten:
    """An ignore file is rewritten in place: what a package leaves out is what its own copy of the file says."""

    def __init__(self, root, outside):
        self.path = root / ".gitignore"
        write(self.path, b"/0/\n")
        for i in range(10):
            for j in range(20):
                write(root / f"{i}" / f"f{j}", b"x")

    def change(self, turn):
        with open(self.path, "r+b", buffering=0) as file:
            file.write(b"/%d/\n" % (turn % 10))
        time.sleep(0.02)

    def check(self, files):
        left_out = files[".gitignore"][1:2].decode()
        return len(files) == 1 + 9 * 20 and not any(name.startswith(left_out + "/") for name in files)


class RulesReplaced(RulesRewritten):
    """An ignore file that is a link to a file outside is replaced by rename."""

    def __init__(self, root, outside):
        super().__init__(root, outside)
        self.target = outside / "rules"
        self.path.rename(self.target)
        self.path.symlink_to(self.target)

    def change(self, turn):
        replace(self.target, b"/%d/\n" % (turn % 10))
        time.sleep(0.02)


KINDS = [RulesRewritten, RulesReplaced, LargeReplaced, SmallReplaced, LargeOverwritten, SmallOverwritten, Appended, Truncated, FoldersExchanged, LinkExchanged, FilesRenamed]


def keep_changing(kind, stop):
    turn = 0
    while not stop.is_set():
        kind.change(turn)
        turn += 1
    if turn % 2:  # as at the beginning, where there are two states
        kind.change(turn)


def zip_files(path):
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist() if not name.endswith("/")}


def folder_files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rtenv", type=os.path.abspath)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    passed = failed = 0

    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        environment = dict(os.environ, RTENV_CACHE_DIR=str(work / "cache"))

        def rtenv(*words, **more):
            return subprocess.run([options.rtenv, *map(str, words)], env=environment, capture_output=True, **more)

        def pack(root, *scheme):
            done = rtenv("pack", root, "-o", work / "p.zip", "--exclude", "*.tmp", *scheme)
            if done.returncode:
                return done, None
            assert rtenv("inspect", work / "p.zip").returncode == 0
            return done, zip_files(work / "p.zip")

        def push(root, *scheme):
            done = rtenv("push", root, f"file://{work}/pushed/", "--exclude", "*.tmp", *scheme)
            if done.returncode:
                return done, None
            [package] = (work / "pushed").iterdir()
            assert rtenv("inspect", package).returncode == 0, "a package that doesn't match its name"
            files = zip_files(package)
            package.unlink()
            return done, files

        def run(root, *scheme):
            target = work / "ran"
            done = rtenv("run", "--runtime-env-json", json.dumps({"excludes": ["*.tmp"]}), "--working-dir", root, "--",
                         "cp", "-r", ".", target)
            files = folder_files(target) if done.returncode == 0 else None
            subprocess.run(["rm", "-rf", target], check=True)
            return done, files

        def name(root, *scheme):
            return rtenv("hash", root, "--exclude", "*.tmp", *scheme), None

        for make in KINDS:
            if options.only not in make.__name__:
                continue
            for way, scheme in [(pack, []), (pack, ["--scheme", "ray"]), (push, []), (run, []), (name, [])]:
                root, outside = work / "tree", work / "outside"
                root.mkdir()
                outside.mkdir()
                kind = make(root, outside)
                stop = multiprocessing.Event()
                changer = multiprocessing.Process(target=keep_changing, args=(kind, stop))
                changer.start()
                results, refused, wrong = 0, 0, []
                try:
                    end = time.monotonic() + options.seconds / 5
                    while time.monotonic() < end or results + refused + len(wrong) < 3:
                        done, files = way(root, *scheme)
                        if done.returncode == 5 and re.search(rb"changed while", done.stderr):
                            refused += 1
                        elif done.returncode:
                            wrong.append(done.stderr.decode(errors="replace"))
                        elif files is not None and not kind.check(files):
                            wrong.append({name: (len(text), {text.count(c.to_bytes()) for c in set(text)} if len(text) < 1 << 26 else "")
                                          for name, text in list(files.items())[:3]})
                        else:
                            results += 1
                finally:
                    stop.set()
                    changer.join()
                if way is name:
                    time.sleep(2.1)  # a file's stamp is trusted then
                    cached = rtenv("hash", root, "--exclude", "*.tmp").stdout
                    fresh = subprocess.run([options.rtenv, "hash", root, "--exclude", "*.tmp", "--cache-dir", work / "other-cache"],
                                           capture_output=True).stdout
                    if cached != fresh:
                        wrong.append(f"the cache has another name: {cached} instead of {fresh}")
                label = f"{make.__name__}, {way.__name__} {' '.join(scheme)}"
                print(f"{'FAILED' if wrong else 'ok':6} {label}: {results} results, {refused} refused, {len(wrong)} wrong {wrong[:1] or ''}", flush=True)
                passed, failed = passed + (not wrong), failed + bool(wrong)
                subprocess.run(["rm", "-rf", root, outside], check=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
