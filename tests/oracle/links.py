#!/usr/bin/env python3
"""What a path of a directory reads as, through whatever links, it also reads as after packing and unpacking.

usage: links.py RTENV [--cases 150] [--seed 1]
Generates directories with links: absolute and relative ones, to files, folders, links and nothing, out of the directory, up
and through other links, in circles; half of them with a pattern that excludes a name. Compares each path, and what it
leads to, before and after. What has become unreadable must be excluded or warned of by name. Prints "N passed, M failed".
"""
import os, random, subprocess

import harness

NAMES = ["a", "b", "c", "d"]
DEPTH = 4  # folders and links on the way to a path


def generate(folder, rng, depth):
    folder.mkdir()
    for name in NAMES:
        kind = rng.random()
        if kind < 0.3:
            (folder / name).write_text(str(folder / name))
        elif kind < 0.55 and depth:
            generate(folder / name, rng, depth - 1)


def some_path(root, rng):
    return rng.choice([root, *root.rglob("*")])


def add_links(root, outside, rng):
    for _ in range(rng.randrange(1, 7)):
        folder = rng.choice([path for path in [root, outside, *root.rglob("*"), *outside.rglob("*")] if path.is_dir() and not path.is_symlink()])
        link = folder / f"l{rng.randrange(6)}"
        if os.path.lexists(link):
            continue
        goal = some_path(rng.choice([root, root, outside]), rng)
        kind = rng.randrange(5)
        if kind == 0:
            target = str(goal)
        elif kind == 1:
            target = os.path.relpath(goal, folder)
        elif kind == 2:
            target = rng.choice(NAMES + ["l0", "l1"]) + rng.choice(["", "/a", "/../b", "/l2", "/."])
        elif kind == 3:
            target = "../" * rng.randrange(1, 4) + rng.choice(NAMES + ["l0"])
        else:
            target = rng.choice(["none", ".", "..", "./a", "a//b", str(outside), os.path.relpath(outside, folder)])
        os.symlink(target, link)


def reading(root):
    """Path -> "folder" or the content; what can't be read isn't there. Paths go through links."""
    found, waiting = {}, [("", 0)]
    while waiting:
        path, depth = waiting.pop()
        whole = os.path.join(root, path)
        try:
            if os.path.isdir(whole):
                found[path] = "folder"
                if depth < DEPTH:
                    waiting += [(os.path.join(path, name), depth + 1) for name in os.listdir(whole)]
            else:
                with open(whole) as file:
                    found[path] = file.read()
        except OSError:
            pass
    return found


def check(tool, scratch, seed):
    rng = random.Random(seed)
    root, outside, package, back = (scratch / f"{word}{seed}" for word in ("tree", "outside", "package", "back"))
    generate(root, rng, 2)
    generate(outside, rng, 2)
    add_links(root, outside, rng)
    excluded = rng.choice(NAMES) if rng.random() < 0.5 else None
    options = ["--exclude", excluded] if excluded else []
    packed = subprocess.run([tool, "pack", str(root), "-o", str(package), *options], capture_output=True, text=True)
    if packed.returncode == 2 and "leads back to its own parent" in packed.stderr:
        return []  # a link out of the directory and in again
    if packed.returncode != 0:
        return [packed.stderr]
    if "is empty" in packed.stderr:
        return []
    unpacked = subprocess.run([tool, "unpack", str(package), str(back)], capture_output=True, text=True)
    if unpacked.returncode != 0:
        return [unpacked.stderr]
    before, after = reading(root), reading(back)
    problems = [f"{path} reads as {after[path]!r}, not {before.get(path)!r}" for path in after if before.get(path) != after[path]]
    # The path itself, or a link on the way to it, is told of; a prefix that is excluded explains the rest.
    told = {line.split(": ", 2)[2].split(" is")[0] for line in packed.stderr.splitlines() if " is a link to " in line or "isn't packed" in line}
    for path in before.keys() - after.keys():
        parts = path.split("/")
        prefixes = {"/".join(parts[:i + 1]) for i in range(len(parts))}
        if prefixes & told or excluded in parts or through_known(root, path, told, excluded):
            continue
        problems.append(f"{path} can't be read any more, and nothing says so; told: {sorted(told)}")
    return problems


def through_known(root, path, told, excluded):
    """Whether a link on the way to the path leads through a link that was told of, or through what was excluded."""
    at, parts, links = "", path.split("/"), 0
    while parts and links < 40:
        part = parts.pop(0)
        if part == "..":
            at = os.path.dirname(at)
            continue
        if part in ("", "."):
            continue
        at = os.path.join(at, part)
        if at in told or part == excluded:
            return True
        if os.path.islink(os.path.join(root, at)) and not os.readlink(os.path.join(root, at)).startswith("/"):
            parts = os.readlink(os.path.join(root, at)).split("/") + parts
            at, links = os.path.dirname(at), links + 1
    return False


if __name__ == "__main__":
    harness.main(__doc__, check, cases=150)
