#!/usr/bin/env python3
"""`unpack --list` and `inspect` accept an archive exactly if `unpack` does, and list what it creates.

usage: archive_list.py RTENV [--cases 400] [--seed 1]
Generates tar and zip archives whose entries contradict each other: a path twice, a file or a link as the parent of another entry,
hard links forwards and to folders, "./", "..", long names, special files, modes. Prints "N passed, M failed".
"""
import io, json, os, random, stat, subprocess, tarfile, zipfile

import harness

PATHS = ["a", "a/b", "a/b/c", "b", "b/a", "./a", "d/", "d", "d/e/", "l", "l/x", "h", "../x", "/x", "a//b", "x" * 255, "x" * 256, "é", "\x01"]
TYPES = [tarfile.REGTYPE] * 6 + [tarfile.DIRTYPE] * 2 + [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]


def entries(rng):
    for _ in range(rng.randrange(1, 6)):
        kind = rng.choice(TYPES if rng.random() < 0.3 else TYPES[:-3] + [tarfile.SYMTYPE])
        path = rng.choice(PATHS if rng.random() < 0.3 else PATHS[:12])
        yield path, kind, rng.choice(["a", "b", "h", "../x", "d", "a/b"]), rng.choice([0o644, 0o755, 0o600, 0, 0o4755 if rng.random() < 0.2 else 0o700]), \
            rng.randbytes(rng.choice([0, 3, 2000]))


def write(path, rng):
    if rng.random() < 0.6:
        with tarfile.open(path, "w:" + rng.choice(["", "gz", "xz"])) as tar:
            for name, kind, target, mode, data in entries(rng):
                info = tarfile.TarInfo(name)
                info.type, info.linkname, info.mode = kind, target if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "", mode
                info.size = len(data) if kind == tarfile.REGTYPE else 0
                tar.addfile(info, io.BytesIO(data))
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, kind, target, mode, data in entries(rng):
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            types = {tarfile.SYMTYPE: stat.S_IFLNK, tarfile.FIFOTYPE: stat.S_IFIFO, tarfile.DIRTYPE: stat.S_IFDIR}
            info.external_attr = (types.get(kind, stat.S_IFREG) | mode) << 16
            if kind == tarfile.DIRTYPE and not name.endswith("/"):
                info.filename += "/"
            z.writestr(info, target if kind == tarfile.SYMTYPE else b"" if kind == tarfile.DIRTYPE else data)


def on_disk(root):
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            found[os.path.relpath(path, root)] = ("link", os.readlink(path)) if stat.S_ISLNK(status.st_mode) else ("directory", None) \
                if stat.S_ISDIR(status.st_mode) else ("executable" if status.st_mode & stat.S_IXUSR else "file", status.st_size)
    return found


def check(tool, scratch, seed):
    rng = random.Random(seed)
    archive, target = scratch / f"archive{seed}", scratch / f"target{seed}"
    import warnings
    warnings.simplefilter("ignore")
    write(archive, rng)
    words = ["--strip-top"] if rng.random() < 0.3 else []

    def rtenv(*words):
        return subprocess.run([tool, *map(str, words)], capture_output=True, text=True, errors="surrogateescape")

    unpacked = rtenv("unpack", archive, target, *words)
    listed = rtenv("unpack", "--list", archive, "--json", *words)
    inspected = rtenv("inspect", archive, "--json")
    if not unpacked.returncode == listed.returncode == inspected.returncode:
        return [f"exit {unpacked.returncode}, {listed.returncode}, {inspected.returncode}: {unpacked.stderr} {listed.stderr} {inspected.stderr}"]
    if unpacked.returncode != 0:
        return []
    said = json.loads(listed.stdout)
    described = {e["path"]: (e["type"], e.get("target") if e["type"] in ("link", "directory") else e["size_bytes"]) for e in said["entries"]}
    found = on_disk(target)
    # The list has no folders that the archive has no entry for.
    implied = {path for path, (kind, _) in found.items() if kind == "directory" and path not in described}
    problems = []
    if {path: what for path, what in found.items() if path not in implied} != described:
        problems.append(f"listed {described}, on disk {found}")
    if any(not any(other.startswith(path + "/") for other in found) for path in implied):
        problems.append(f"an empty folder isn't listed: {implied}")
    name = rtenv("hash", target, "--no-gitignore", "--include=*").stdout.strip().removeprefix("gcs://")
    if not words and name != json.loads(inspected.stdout)["name"]:
        problems.append("inspect computes another name than hash does of what was unpacked")
    return problems


if __name__ == "__main__":
    harness.main(__doc__, check, cases=400)
