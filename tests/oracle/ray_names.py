#!/usr/bin/env python3
"""The scheme `ray` gives the names that Ray computes.

usage: ray_names.py RTENV [--trees 300] [--seed 1]
Compares, on generated trees with ignore files, odd names and links, and on this machine's standard library:
rtenv's name, and the content of its package (files, and folders with nothing in them) with that of Ray's own zip. A tree on which Ray itself
fails (a pattern it can't compile, a name that isn't UTF-8) isn't counted. Prints "N passed, M failed".
"""
import argparse, logging, os, random, subprocess, sys, sysconfig, tempfile, warnings, zipfile
from pathlib import Path

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
from ray._private.ray_constants import get_runtime_env_default_excludes
from ray._private.runtime_env import packaging

NAMES = ["a", "b", "ab", "build", "dist", "tmp", "doc", "x y", "été", "#c", "!n", "-d", "q'u", "[a]", "a\\b", "..x", ".hid",
         "line\nfeed", "end\n", "*", "?", "tab\t", "z ", "__pycache__", "ü", "日本"]
FILES = NAMES + ["m.py", "m.pyc", "run.log", "keep.log", "foo1.txt", "x.bin", "a.b.c"]
PIECES = ["a", "b", "ab", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[^a]", "[a-c]", "[]x]", "[", "]", "\\", "\\*", ".", "log", "py",
          "*.log", "*.py[co]", "build", "doc", "tmp", "x y", "é", "ü", "[à-ÿ]", "#", "!", " ", "日"]
RULES = ["*.log", "build/", "/dist", "!keep.log", "**/tmp/**", "a/**/b", "foo?.txt", "# comment", "\\#c", "*.py[co]", "doc/", "!doc/",
         "\\!n", "x y", "/a", "a/b", "**/doc", "tmp/*", "!tmp/a", "  spaced  ", "", "/", "**"]


def rule(rng):
    if rng.random() < 0.5:
        return rng.choice(RULES)
    return rng.choice(["", "", "!", "/"]) + "".join(rng.choices(PIECES, k=rng.randrange(1, 5)))


def generate(root, rng, depth):
    root.mkdir(exist_ok=True)
    for name in rng.sample(FILES, rng.randrange(0, 7)):
        path = root / name
        if not path.exists():
            path.write_bytes(rng.randbytes(rng.choice([0, 1, 50, 3000])))
            path.chmod(rng.choice([0o644, 0o755]))
    for ignore in (".gitignore", ".rayignore"):
        if rng.random() < 0.3:
            end = rng.choice(["\n", "\r\n", "\r"])
            (root / ignore).write_bytes(end.join(rule(rng) for _ in range(rng.randrange(1, 5))).encode())
    if depth:
        for name in rng.sample(NAMES, rng.randrange(0, 5)):
            if not (root / name).exists():
                generate(root / name, rng, depth - 1)
    if rng.random() < 0.3:
        link = root / "link"
        # Links to a file, to a folder without links to its parents, or dangling.
        link.symlink_to(rng.choice(["m.py", "no such file", "/etc/debian_version"]))


def ray_name(root, excludes, gitignore):
    return packaging.get_uri_for_directory(str(root), include_gitignore=gitignore, excludes=get_runtime_env_default_excludes() + excludes)


def arguments(excludes, gitignore):
    return [f"--exclude={e}" for e in excludes if e] + ([] if gitignore else ["--no-gitignore"])


def rtenv(tool, *words):
    return subprocess.run([tool, *map(str, words)], capture_output=True, text=True, errors="surrogateescape")


def ray_content(root, excludes, gitignore, scratch):
    package = scratch / "ray.zip"
    package.unlink(missing_ok=True)
    packaging.create_package(str(root), package, include_gitignore=gitignore, excludes=get_runtime_env_default_excludes() + excludes)
    with zipfile.ZipFile(package) as z:
        return {i.filename: z.read(i) for i in z.infolist() if i.filename != "./"}  # an empty directory itself


def our_content(package):
    with zipfile.ZipFile(package) as z:
        return {i.filename: z.read(i) for i in z.infolist()}


def check(tool, root, excludes, gitignore, scratch):
    """The differences; None if Ray fails."""
    try:
        expected = ray_name(root, excludes, gitignore)
    except Exception:
        # If Ray fails, rtenv must not crash.
        done = rtenv(tool, "hash", root, "--scheme", "ray", *arguments(excludes, gitignore))
        return [f"exit {done.returncode}: {done.stderr}"] if done.returncode not in (0, 2) else None
    if expected.endswith("_3030303030303030.zip"):
        return None  # a rule excluded the root: ray#53635, where rtenv differs on purpose
    problems = []
    package = scratch / "ours.zip"
    done = rtenv(tool, "pack", root, "--scheme", "ray", "-o", package, *arguments(excludes, gitignore))
    if done.stdout.strip() != expected:
        return [f"name {done.stdout.strip()} {done.stderr.strip()} instead of {expected}"]
    hashed = rtenv(tool, "hash", root, "--scheme", "ray", *arguments(excludes, gitignore))
    if hashed.stdout.strip() != expected:
        problems.append(f"hash says {hashed.stdout.strip()}, pack {expected}")
    ours, rays = our_content(package), ray_content(root, excludes, gitignore, scratch)
    if ours != rays:
        problems.append(f"the packages differ: {sorted(set(ours) ^ set(rays))[:5]}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        seed = options.seed
        while passed + failed < options.trees:
            rng = random.Random(seed)
            root = scratch / f"tree{seed}"
            generate(root, rng, 3)
            excludes = [rule(rng) for _ in range(rng.randrange(0, 3))]
            problems = check(options.tool, root, excludes, rng.random() < 0.8, scratch)
            if problems is None:
                skipped += 1
            elif problems:
                failed += 1
                print(f"seed {seed}, excludes {excludes}: {'; '.join(problems)}")
            else:
                passed += 1
            subprocess.run(["rm", "-rf", str(root)], check=True)
            seed += 1
        library = sysconfig.get_path("stdlib")
        expected = ray_name(Path(library), [], True)
        found = rtenv(options.tool, "hash", library, "--scheme", "ray").stdout.strip()
        if found == expected:
            passed += 1
        else:
            failed += 1
            print(f"{library}: {found} instead of {expected}")
    print(f"{skipped} trees weren't counted: Ray itself fails on them, or names them as empty")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
