#!/usr/bin/env python3
"""`--ignore-rules git` packs the files that git doesn't ignore, and names the same rule as git.

usage: git_ignore.py RTENV [--cases 200] [--seed 1]
Compares, on generated repositories with .gitignore files, .git/info/exclude, a file of the user's own, tracked files that rules
ignore, repositories in the repository, submodules and further work trees: the files of the package of the whole, or of a folder,
with `git ls-files --cached --others --exclude-standard`, and each thing left out with `git check-ignore --no-index -v`: the file,
the line and the pattern. Prints "N passed, M failed".
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
         "//a", "a**", "!a**", "!foo**", "!?**", "*\n!*/\n!?**", "*\n!*/\n!b**", "*.LOG", "FOO", "[A-C]", "[A]", "\\A", "**b", "!**o*", "foo//", "a/", "a/b/", "?", "*"]
SETTINGS = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES": "",
            **{f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}
SETTINGS.pop("GIT_CONFIG_GLOBAL", None)
SETTINGS.pop("XDG_CONFIG_HOME", None)


def rule(rng):
    if rng.random() < 0.5:
        return rng.choice(RULES)
    return rng.choice(["", "", "!", "/"]) + "".join(rng.choices(PIECES, k=rng.randrange(1, 6)))


def write_rules(path, rng):
    text = rng.choice(["\n", "\n", "\r\n"]).join(rule(rng) for _ in range(rng.randrange(1, 6)))
    path.write_bytes(rng.choice([b"", b"", b"\xef\xbb\xbf"]) + text.encode() + rng.choice([b"", b"\n", b"\r"]))


def generate(root, rng, depth):
    root.mkdir(exist_ok=True)
    for name in rng.sample(FILES, rng.randrange(0, 9)):
        if not os.path.lexists(root / name):
            (root / name).write_text("x")
    if rng.random() < 0.5:
        write_rules(root / ".gitignore", rng)
    if depth:
        for name in rng.sample(NAMES, rng.randrange(0, 5)):
            if not os.path.lexists(root / name):
                generate(root / name, rng, depth - 1)
    if rng.random() < 0.3 and not os.path.lexists(root / "link"):
        (root / "link").symlink_to(rng.choice(["m.py", "a", "foo"]))


def git(root, *words, stdin=None, home=None):
    done = subprocess.run(["git", "-C", str(root), "-c", "protocol.file.allow=always", *map(str, words)], input=stdin, capture_output=True,
                          env={**SETTINGS, "HOME": str(home or root)})
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode())
    return [os.fsdecode(part) for part in done.stdout.split(b"\0")[:-1]]


def make_repository(root, rng, scratch):
    """Some of the files become tracked, whatever the rules say; some of these are deleted again."""
    git(root, "init", "-q")
    if rng.random() < 0.5:
        write_rules(root / ".git/info/exclude", rng)
    paths = [os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names if "/.git" not in folder]
    tracked = rng.sample(sorted(paths), rng.randrange(0, len(paths) + 1)) if rng.random() < 0.6 else []
    tracked = [path for path in tracked if ".git" not in path.split("/")]
    if tracked:
        git(root, "--literal-pathspecs", "add", "-f", "--", *tracked)
        git(root, "commit", "-qm", "x")
    if tracked and rng.random() < 0.2:
        (root / rng.choice(tracked)).unlink()


def folders_in(root):
    return [folder for folder, _, _ in os.walk(root) if folder != str(root) and ".git" not in os.path.relpath(folder, root).split("/")]


def nest(root, rng, scratch):
    """Puts repositories of their own, or submodules, into some folders."""
    for i in range(rng.randrange(0, 3)):
        place = (root if rng.random() < 0.4 else type(root)(rng.choice(folders_in(root) or [str(root)]))) / f"nested{i}"
        if rng.random() < 0.5 or "\n" in str(place):  # no name of a submodule
            generate(place, rng, 1)
            make_repository(place, rng, scratch)
        else:
            other = scratch / f"other-{root.name}-{i}"
            generate(other, rng, 1)
            make_repository(other, rng, scratch)
            git(other, "add", "-A", "-f")
            git(other, "commit", "-q", "--allow-empty", "-m", "y")
            top = git_top(place.parent)
            git(top, "submodule", "-q", "add", "-f", other, place.relative_to(top), home=scratch)
            (place / "a.b.c").write_text("untracked")


def git_top(folder):
    while not (folder / ".git").exists():
        folder = folder.parent
    return folder


def listed(folder, home):
    """What git doesn't ignore, with the files of the repositories in it, as each of them says."""
    found = set()
    for path in git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", home=home):
        on_disk = folder / path
        if not os.path.lexists(on_disk):
            continue
        if on_disk.is_dir() and not on_disk.is_symlink():
            path = path.rstrip("/")
            if (on_disk / ".git").exists():
                found |= {f"{path}/{below}" for below in listed(on_disk, home)}
        elif not any(parent.is_symlink() for parent in on_disk.parents if folder in parent.parents):
            found.add(path)
    return found


def check(tool, scratch, seed):
    rng = random.Random(seed)
    root, package, home = scratch / f"tree{seed}", scratch / "ours.zip", scratch / f"home{seed}"
    generate(root, rng, 3)
    make_repository(root, rng, scratch)
    if rng.random() < 0.4:
        nest(root, rng, scratch)
    ignores_case = rng.random() < 0.2
    if ignores_case:
        for top in [root, *(folder for folder in map(type(root), folders_in(root)) if (folder / ".git").exists())]:
            git(top, "config", "core.ignoreCase", "true")
    (home / ".config/git").mkdir(parents=True)
    if rng.random() < 0.4:
        write_rules(home / ".config/git/ignore", rng)
    if rng.random() < 0.2:
        write_rules(home / "mine", rng)
        (home / ".gitconfig").write_text("[core]\nexcludesFile = ~/mine\n")
    if rng.random() < 0.15 and not (root / ".gitmodules").exists():
        git(root, "commit", "-q", "--allow-empty", "-m", "z")
        git(root, "worktree", "add", "-q", "-f", scratch / f"work{seed}", "HEAD")
        root = scratch / f"work{seed}"
        generate(root, rng, 2)
    folder = root
    # A folder that git ignores is packed if it is named; git lists nothing of it.
    choices = [f for f in map(type(root), folders_in(root)) if not any("nested" in part for part in f.relative_to(root).parts) and
               not git(root, "check-ignore", "--no-index", "-z", "--stdin", stdin=os.fsencode(f.relative_to(root)) + b"\0", home=home)]
    if choices and rng.random() < 0.4:
        folder = rng.choice(choices)
    done = subprocess.run([tool, "pack", str(folder), "--ignore-rules", "git", "--explain", "--json", "-o", str(package)],
                          capture_output=True, text=True, env={**SETTINGS, "HOME": str(home)})
    if done.returncode != 0:
        return [done.stderr]
    explained = json.loads(done.stdout)
    problems = []
    with zipfile.ZipFile(package) as z:
        ours = set(z.namelist())
    # A dangling link isn't packed; git lists it.
    dangling = {item["path"] for item in explained["left_out"] if item["reason"] == "a dangling link"}
    theirs = listed(folder, home) - dangling
    # The only folders are submodules without files.
    ours = {name for name in ours if not name.endswith("/") or "nested" not in name}
    if ignores_case:  # for git, "A" is in the index if "a" is
        lower = {name.lower() for name in theirs}
        theirs |= {name for name in ours if name.lower() in lower}
    if ours != theirs:
        problems.append(f"only ours {sorted(ours - theirs)[:5]}, only git's {sorted(theirs - ours)[:5]}")

    left_out = {item["path"]: item["reason"] for item in explained["left_out"]
                if item["path"] not in dangling and ".git" not in item["path"].split("/") and "nested" not in item["path"]}
    if left_out:
        below = os.path.relpath(folder, root)
        answers = git(folder, "check-ignore", "--no-index", "-v", "-z", "--stdin", stdin=b"\0".join(os.fsencode(p) for p in left_out) + b"\0", home=home)
        rules = {path: (source, f"{line}: {pattern}") for source, line, pattern, path in zip(*[iter(answers)] * 4)}
        for path, reason in left_out.items():
            source, rest = reason.split(":", 1)
            at = source if os.path.isabs(source) else os.path.normpath(os.path.join(below, source))
            expected, pattern = rules.get(path, ("", ""))
            expected = expected if not expected.endswith("info/exclude") else os.path.relpath(os.path.join(root, expected), root)
            # git shows patterns without the carriage return and trailing spaces.
            if not (expected == at or "info/exclude" in expected and "info/exclude" in at) or pattern.rstrip() != rest.rstrip():
                problems.append(f"{path!r} left out by {reason!r}, by git {rules.get(path)!r}")
    return problems


if __name__ == "__main__":
    harness.main(__doc__, check, cases=200)
