#!/usr/bin/env python3
"""The same options select the same files in every command.

usage: selection.py RTENV [--cases 80] [--seed 1]
On generated directories and repositories, with random options (scheme, kind of rules, excludes, includes, a commit, a folder of a
repository): the names and sizes of `pack --list` are those in the package, the package's name is that of `hash` (with and without the
digest cache, twice) and of `push`, what `--explain` says was left out is the same for a list, a package and a name, `unpack --list`
lists what `pack --list` lists, and a directory unpacked from the package has the package's name. Prints "N passed, M failed".
"""
import json, os, random, subprocess, zipfile

import harness
from git_ignore import SETTINGS, generate, git, make_repository, rule


def options(rng, repository, scratch):
    words = ["--scheme", rng.choice(["xxh3", "sha256", "ray"]), "--ignore-rules", rng.choice(["ray", "git"])]
    for _ in range(rng.choice([0, 0, 1, 2])):
        words.append("--exclude=" + (rule(rng) or "a"))
    for _ in range(rng.choice([0, 0, 1, 2])):
        words.append("--include=" + rng.choice(["*.log", "m.py*", "data", "venv", "a*", "*", "/doc"]))
    if rng.random() < 0.2:
        (scratch / "patterns").write_text("\n".join(rule(rng) for _ in range(3)))
        words += ["--exclude-from", scratch / "patterns"]
    if rng.random() < 0.2:
        words.append("--no-gitignore")
    if repository and rng.random() < 0.3:
        words += ["--git", "HEAD"]
    return list(map(str, words)) + ["--threads", str(rng.randrange(1, 5))]


def check(tool, scratch, seed):
    rng = random.Random(seed)
    root, package, store = scratch / f"tree{seed}", scratch / "ours.zip", scratch / f"store{seed}"
    environment = {**SETTINGS, "HOME": str(scratch), "RTENV_CACHE_DIR": str(scratch / "cache")}
    environment.pop("RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES")

    def rtenv(*words):
        done = subprocess.run([tool, *map(str, words)], capture_output=True, text=True, errors="surrogateescape", env=environment)
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {done.stderr}")
        return done.stdout

    generate(root, rng, 3)
    for name in rng.sample(["venv", "__pycache__", "empty", "data"], 2):
        (root / name / "in").mkdir(parents=True, exist_ok=True)
        if name != "empty":
            (root / name / "m.py").write_text("x")
    if rng.random() < 0.4:
        (root / ".rayignore").write_text("\n".join([rule(rng), rng.choice(["data/", "*.log", ""])]))
    repository = rng.random() < 0.6
    if repository:
        make_repository(root, rng, scratch)
        git(root, "commit", "-q", "--allow-empty", "-m", "y")
    chosen = options(rng, repository, scratch)
    folders = [name for name in ("a", "doc", "data") if (root / name).is_dir() and not (root / name).is_symlink()]
    folder = root / rng.choice(folders) if folders and "--git" not in chosen and rng.random() < 0.3 else root
    try:
        listed = json.loads(rtenv("pack", folder, "--list", "--explain", "--json", *chosen))
        packed = json.loads(rtenv("pack", folder, "--explain", "--json", "-o", package, *chosen))
        names = [rtenv("hash", folder, *chosen).strip(), rtenv("hash", folder, *chosen).strip(),
                 rtenv("hash", folder, *([] if "--git" in chosen else ["--no-digest-cache"]), *chosen).strip()]
        name = os.path.basename(packed["uri"]) if "--git" in chosen else ""  # a commit has no name before it is packed
        explained = json.loads(rtenv("hash", folder, "--explain", "--json", *chosen))
        pushed = rtenv("push", folder, f"file://{store}/{name}", *chosen).strip()
        unpacked = json.loads(rtenv("unpack", "--list", package, "--json"))
        inspected = json.loads(rtenv("inspect", package, "--json"))
        lines = rtenv("pack", folder, "--list", *chosen).splitlines()
        back = scratch / f"back{seed}"
        rtenv("unpack", package, back)
    except RuntimeError as error:
        return [f"{chosen}: {error}"]
    problems = []
    path = lambda entry: entry["path"] + ("/" if entry["type"] == "directory" else "")
    expected = {path(entry): entry["size_bytes"] for entry in listed["entries"]}
    with zipfile.ZipFile(package) as z:
        links = {path(entry) for entry in listed["entries"] if entry["type"] == "link"}
        found = {i.filename: 0 if i.filename in links else i.file_size for i in z.infolist()}
    with zipfile.ZipFile(store / os.path.basename(pushed)) as z:
        stored = sorted(i.filename for i in z.infolist())
    if expected != found:
        problems.append(f"--list and the package differ: {sorted(expected.items() ^ found.items())[:5]}")
    if len(lines) != len(expected):
        problems.append(f"--list prints {len(lines)} lines for {len(expected)} entries")
    if stored != sorted(found):
        problems.append(f"push and the package differ: {sorted(set(stored) ^ set(found))[:5]}")
    for what, entries in (("unpack --list", unpacked["entries"]), ("inspect", inspected["entries"])):
        if {path(entry): entry["size_bytes"] for entry in entries} != expected or entries != listed["entries"]:
            problems.append(f"{what} differs from pack --list")
    if not listed["left_out"] == packed["left_out"] == explained["left_out"] or not listed["files"] == packed["files"] == explained["files"]:
        problems.append("--explain differs")
    if any(name != packed["uri"] for name in names):
        problems.append(f"hash {names}, pack {packed['uri']}")
    if os.path.basename(pushed) != os.path.basename(packed["uri"]):
        problems.append(f"push {pushed}, pack {packed['uri']}")
    if packed["files"] != listed["files"] or packed["total_bytes"] != listed["total_bytes"]:
        problems.append("the numbers of files or bytes differ")
    if "ray" != chosen[1] and rtenv("hash", back, "--scheme", chosen[1], "--no-gitignore", "--include=*").strip() != packed["uri"]:
        problems.append("what was unpacked has another name")
    return [f"{chosen} {folder}: {problem}" for problem in problems]


if __name__ == "__main__":
    harness.main(__doc__, check, cases=80)
