#!/usr/bin/env python3
"""`--ignore-rules git` excludes the files that git ignores, and names the same rule as git.

usage: git_ignore.py RTENV [--cases 200] [--seed 1]
Compares, on generated trees with .gitignore files: the files of the package with `git ls-files -o --exclude-standard`,
and each thing left out with `git check-ignore --no-index -v`: the file, the line and the pattern. Prints "N passed, M failed".
"""
import json, os, random, subprocess, zipfile

import harness

NAMES = ["a", "b", "ab", "A", "build", "doc", "tmp", "x y", "été", "#c", "!n", "[a]", "a\\b", "..x", ".hid", "line\nfeed", "*", "?",
         "z ", "t\t", "-", "]", "^", "1", "foo", "foobar"]
FILES = NAMES + ["m.py", "m.pyc", "run.log", "keep.log", "a.b.c", "~", "x~"]
PIECES = ["a", "b", "ab", "A", "*", "**", "***", "?", "/", "/", "/**/", "**/", "/**", "[ab]", "[!a]", "[^a]", "[a-c]", "[]x]", "[", "]", "\\", "\\*",
          "\\/", "[[:alpha:]]", "[[:digit:]x]", "[![:space:]]", "[[:bad:]]", "[a-", "[\\]]", "[b-a]", "[[:upper:]-]", "[a/b]", ".", "log", "py", "foo", "build",
          "doc", " ", "\\ ", "é", "#", "!", "\t", "-", "^", "~"]
RULES = ["*.log", "build/", "/doc", "!keep.log", "**/tmp/**", "a/**/b", "foo*", "# comment", "\\#c", "\\!n", "*.py[co]", "doc/", "!doc/", "x y",
         "/a", "a/b", "**/doc", "tmp/*", "!tmp/a", "trailing  ", "kept\\  ", "", "/", "**", "!", "\\", "foo**/b", "a**/b", "*~", "!*/", "/*", "a//b",
         "//a", "foo//", "a/", "a/b/", "?", "*"]
SETTINGS = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nonexistent",
            "RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES": ".git"}


def rule(rng):
    if rng.random() < 0.5:
        return rng.choice(RULES)
    return rng.choice(["", "", "!", "/"]) + "".join(rng.choices(PIECES, k=rng.randrange(1, 6)))


def generate(root, rng, depth):
    root.mkdir(exist_ok=True)
    for name in rng.sample(FILES, rng.randrange(0, 9)):
        (root / name).write_text("x")
    if rng.random() < 0.5:
        text = rng.choice(["\n", "\n", "\r\n"]).join(rule(rng) for _ in range(rng.randrange(1, 6)))
        (root / ".gitignore").write_bytes(rng.choice([b"", b"", b"\xef\xbb\xbf"]) + text.encode() + rng.choice([b"", b"\n", b"\r"]))
    if depth:
        for name in rng.sample(NAMES, rng.randrange(0, 5)):
            if not (root / name).exists():
                generate(root / name, rng, depth - 1)
    if rng.random() < 0.3 and not (root / "link").exists():
        (root / "link").symlink_to(rng.choice(["m.py", "a", "foo"]))


def git(root, *words, stdin=None):
    done = subprocess.run(["git", "-C", str(root), *words], input=stdin, capture_output=True, env=SETTINGS)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode())
    return [os.fsdecode(part) for part in done.stdout.split(b"\0")[:-1]]


def check(tool, scratch, seed):
    root, package = scratch / f"tree{seed}", scratch / "ours.zip"
    generate(root, random.Random(seed), 3)
    git(root, "init", "-q")
    done = subprocess.run([tool, "pack", str(root), "--ignore-rules", "git", "--explain", "--json", "-o", str(package)],
                          capture_output=True, text=True, env=SETTINGS)
    if done.returncode != 0:
        return [done.stderr]
    explained = json.loads(done.stdout)
    problems = []
    with zipfile.ZipFile(package) as z:
        ours = {name for name in z.namelist() if not name.endswith("/")}
    # A dangling link isn't packed; git lists it.
    dangling = {item["path"] for item in explained["left_out"] if item["reason"] == "a dangling link"}
    theirs = set(git(root, "ls-files", "-z", "-o", "--exclude-standard")) - dangling
    if ours != theirs:
        problems.append(f"only ours {sorted(ours - theirs)[:5]}, only git's {sorted(theirs - ours)[:5]}")

    left_out = {item["path"]: item["reason"] for item in explained["left_out"] if item["path"] not in dangling | {".git"}}
    if left_out:
        answers = git(root, "check-ignore", "--no-index", "-v", "-z", "--stdin", stdin=b"\0".join(os.fsencode(p) for p in left_out) + b"\0")
        rules = {path: f"{source}:{line}: {pattern}" for source, line, pattern, path in zip(*[iter(answers)] * 4)}
        for path, reason in left_out.items():
            # git shows patterns without the carriage return and trailing spaces.
            if rules.get(path, "").rstrip() != reason.rstrip():
                problems.append(f"{path!r} left out by {reason!r}, by git {rules.get(path)!r}")
    return problems


if __name__ == "__main__":
    harness.main(__doc__, check, cases=200)
