#!/usr/bin/env python3
"""`--git REV` gives the same bytes as packing a clean checkout, and leaves out no committed file that `git archive` has.

usage: git_commit.py RTENV [--cases 60] [--seed 1]
Generates repositories with ignore files, attributes, links, submodules and git-lfs pointers, clones each, and compares
packages of the clone with packages of the commit, in two schemes and both kinds of ignore rules, whole and of a folder: as
git's rules pack it, or in rtenv's own schemes all that is committed; with Ray's name, as Ray packs the clone. Prints "N passed, M failed".
"""
import io, os, random, subprocess, tarfile, zipfile

import harness

NAMES = ["a", "b", "doc", "x y", "été", "#c", "a-b", "src", "build", "venv", "__pycache__", "line\nfeed"]
FILES = NAMES + ["m.py", "m.txt", "run.log", "x.bin", "id.c"]
RULES = ["*.log", "build/", "/doc", "!run.log", "src", "**/b", "# x"]
ATTRIBUTES = ["*.txt text eol=crlf", "*.py text", "*.c ident", "*.bin -text", "m.txt -text", "* text=auto", "*.txt eol=lf"]
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
SETTINGS = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nonexistent",
            **{f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), "-c", "protocol.file.allow=always", "-c", "core.safecrlf=false", *map(str, words)], check=True,
                   capture_output=True, env=SETTINGS)


def content(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randbytes(rng.choice([0, 1, 300, 3_000_000]))
    if kind == 1:
        return LFS_POINTER
    if kind == 2:
        return b"$Id$\nint main() {}\n"
    return (rng.choice(["\n", "\n", "\r\n"]).join("line %d" % i for i in range(rng.randrange(1, 2000))) + "\n").encode()


def generate(root, rng, depth):
    root.mkdir(exist_ok=True)
    for name in rng.sample(FILES, rng.randrange(1, 7)):
        (root / name).write_bytes(content(rng))
        (root / name).chmod(rng.choice([0o644, 0o755]))
    for name, rules in ((".gitignore", RULES), (".rayignore", RULES), (".gitattributes", ATTRIBUTES)):
        if rng.random() < 0.25:
            (root / name).write_text("\n".join(rng.sample(rules, rng.randrange(1, 4))) + "\n")
    if depth:
        for name in rng.sample(NAMES, rng.randrange(0, 4)):
            if not (root / name).exists():
                generate(root / name, rng, depth - 1)
    for i in range(rng.randrange(0, 3)):
        # Links inside the tree: through another link, dangling, or to a parent, which the scheme ray refuses.
        (root / f"link{i}").symlink_to(rng.choice(["m.py", "nothing", "./a", "link0", "doc/m.py", "x y/a", "doc", "../doc", "../src/link1", "."]))


def rtenv(tool, *words, **variables):
    return subprocess.run([tool, *map(str, words)], capture_output=True, text=True, errors="surrogateescape", env={**SETTINGS, **variables})


def archived_files(folder):
    data = subprocess.run(["git", "-C", folder, "archive", "HEAD"], check=True, capture_output=True, env=SETTINGS).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name for member in tar if member.isfile()}


def check(tool, scratch, seed):
    rng = random.Random(seed)
    repository, clone = scratch / f"repository{seed}", scratch / f"clone{seed}"
    generate(repository, rng, 3)
    git(repository, "init", "-q")
    git(repository, "add", "-A", "-f")
    if rng.random() < 0.3:
        other = scratch / f"other{seed}"
        generate(other, rng, 0)
        git(other, "init", "-q")
        git(other, "add", "-A", "-f")
        git(other, "commit", "-qm", "x")
        git(repository, "submodule", "add", "-q", "--force", other, "module")
    git(repository, "commit", "-qm", "x")
    git(scratch, "clone", "-q", repository, clone)
    # Uncommitted files in the working tree are ignored.
    (repository / "later").write_text("x")
    source = rng.choice([repository, repository / ".git"])
    problems = []
    folders = [""] + ([f for f in ("doc", "src") if (clone / f).is_dir() and not (clone / f).is_symlink()] if source == repository else [])
    for folder in folders:
        for scheme in ("xxh3", "ray"):
            rules = rng.choice(["ray", "git"])
            options = ["--scheme", scheme, "--ignore-rules", rules, "--compress", "fast"]
            # What is committed is tracked. Ray doesn't look at that: for its name, its rules count.
            everything = (["--no-gitignore"], {"RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES": ".git"}) if (scheme, rules) == ("xxh3", "ray") else ([], {})
            expected = rtenv(tool, "pack", clone / folder, "-o", scratch / "expected.zip", *options, *everything[0], **everything[1])
            done = rtenv(tool, "pack", source / folder, "--git", "HEAD", "-o", scratch / "ours.zip", *options)
            if expected.returncode != 0 or done.returncode != 0:
                if "leads back" not in expected.stderr or "leads back" not in done.stderr:
                    problems.append(f"{folder} {scheme}: {expected.stderr} {done.stderr}")
            elif done.stdout != expected.stdout or (scratch / "ours.zip").read_bytes() != (scratch / "expected.zip").read_bytes():
                problems.append(f"{folder} {scheme}: {done.stdout.strip()} instead of {expected.stdout.strip()}")
            elif (scheme, rules) != ("ray", "ray") and not list(clone.rglob(".rayignore")) and \
                    (missing := archived_files(clone / folder) - set(zipfile.ZipFile(scratch / "ours.zip").namelist())):
                problems.append(f"{folder} {scheme} {rules}: left out {sorted(missing)[:5]}")
            elif rtenv(tool, "hash", source / folder, "--git", "HEAD", *options[:4]).stdout != expected.stdout:
                problems.append(f"{folder} {scheme}: hash differs from pack")
    return problems


if __name__ == "__main__":
    harness.main(__doc__, check, cases=60)
