#!/usr/bin/env python3
"""Benchmarks rtenv's packaging and its peers on the same trees in one run; prints a table, in Markdown and JSON.

usage: bench/peers.py TREE… [--python PYTHON_WITH_RAY] [--build build/release] [--runs 7] [--markdown FILE] [--json FILE] [--skip REGEX] [--memory]
Every tree is read once in advance. Measures whole processes, interleaved, and prints medians; Ray is measured inside its own
process, without its start and the removal of the previous package. `plain read` is the lower limit for naming: it reads every
byte with as many threads. `plain write` is the lower limit for storing: it writes as many zeros to a file; `cp -r` is one for unpacking on one thread.
Each unpack goes to a new directory, and nothing is removed before the end: ext4 is slow soon after files were removed.
--memory also measures a million small files and a sparse file of 5 GiB in /dev/shm. Peers that aren't installed are left out.
"""
import argparse, json, os, platform, re, shutil, statistics, subprocess, sys, tempfile
from pathlib import Path

from shared import RayPackaging, run

project = Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("trees", nargs="*", type=Path)
parser.add_argument("--python", default=str(project / "build/oracle/bin/python"))
parser.add_argument("--build", type=Path, default=project / "build/release")
parser.add_argument("--runs", type=int, default=7)
parser.add_argument("--markdown", type=Path)
parser.add_argument("--json", type=Path)
parser.add_argument("--skip", metavar="REGEX", help="leave out peers whose names match, such as slow ones")
parser.add_argument("--memory", action="store_true")
options = parser.parse_args()

rtenv, threads = str(options.build / "cli/rtenv"), str(os.cpu_count())
lines, results = [], {"machine": f"{os.cpu_count()} processors, {platform.release()}", "trees": {}, "memory": {}}


def say(line=""):
    print(line, flush=True)
    lines.append(line)


def measure(peers, environment, before=lambda: None, warm_up=2):
    """peers: name -> a command, or a function that maps the number of the run to a command or to seconds. Interleaves them; the
    warm-up runs don't count."""
    peers = {name: command for name, command in peers.items() if not (options.skip and re.search(options.skip, name))}
    times = {name: [] for name in peers}
    for i in range(options.runs + warm_up):
        for name, command in peers.items():
            before()
            work = command(i) if callable(command) else command
            seconds = work if isinstance(work, float) else run(work, environment)
            if i >= warm_up:
                times[name].append(seconds)
    return times


def table(title, times, base, note=lambda name: ""):
    reference = statistics.median(times[base]) if base in times else None
    say(f"\n| {title} | median | against {base} |{' size |' if note(base) else ''}\n|---|---|---|{'---|' if note(base) else ''}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        factor = f"{reference / median:.1f}×" if reference else ""
        say(f"| {name} | {median * 1000:.1f} ms | {factor} |" + (f" {note(name)} |" if note(base) else ""))


def bench(tree, scratch):
    environment = {**os.environ, "RTENV_CACHE_DIR": str(scratch / "cache"), "GIT_CONFIG_GLOBAL": "/dev/null",
                   "GIT_DIR": str(scratch / "git"), "GIT_WORK_TREE": str(tree)}
    here, count, total = str(tree), 0, 0
    for folder, _, files in os.walk(tree):
        for name in files:
            count, total = count + 1, total + os.lstat(os.path.join(folder, name)).st_size
    say(f"\n### {tree.name}: {count} files, {total / 2**20:.0f} MiB")
    has_git = count < 20000
    if has_git:
        for words in (["init", "-q"], ["add", "-A", "-f"], ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "x"]):
            run(["git", *words], environment)
    ray = RayPackaging(options.python, tree, scratch)
    result = results["trees"][tree.name] = {"files": count, "bytes": total}

    peers = {**ray.peer("Ray", lambda i: "name"),
             "plain read": [str(options.build / "bench/plain_read"), here, threads],
             "rtenv hash (xxh3)": [rtenv, "hash", here, "--no-digest-cache"],
             "rtenv hash (ray)": [rtenv, "hash", here, "--no-digest-cache", "--scheme", "ray"],
             "rtenv hash, unchanged": [rtenv, "hash", here],
             "rtenv hash (ray), unchanged": [rtenv, "hash", here, "--scheme", "ray"]}
    if shutil.which("xxh128sum"):
        peers["find, xargs, xxh128sum"] = f"find '{here}' -type f -print0 | xargs -0 -P{threads} -n 2000 xxh128sum"
    if shutil.which("rg"):
        peers["rg --files (walks only)"] = ["rg", "--files", "--hidden", here]
    if has_git:
        peers["git status"] = ["git", "status", "--porcelain"]
    times = measure(peers, environment)
    table("name", times, "Ray")
    result["name"] = times

    package = scratch / "package.zip"
    peers = ray.peer("Ray (stores)", lambda i: "zip") | {
        f"rtenv pack --compress {c}": [rtenv, "pack", here, "--compress", c, "-o", str(package)] for c in ("auto", "store", "fast")}
    peers["plain write"] = f"dd if=/dev/zero of={package} bs=1M count={total >> 20} 2>/dev/null"
    if shutil.which("zip"):
        peers |= {f"zip {level}": f"cd '{here}' && zip -qr {level} {package} ." for level in ("-1", "-0")}
    if shutil.which("7z"):
        peers["7z -mx1"] = f"cd '{here}' && 7z a -tzip -mx1 -bso0 -bsp0 {package} ."
    peers["python -m zipfile"] = f"cd '{here}' && python3 -m zipfile -c {package} ."
    if has_git:
        peers["git archive --format=zip"] = ["git", "archive", "--format=zip", "-o", str(package), "HEAD"]
        peers["rtenv pack --git HEAD"] = [rtenv, "pack", str(scratch / "git"), "--git", "HEAD", "-o", str(package)]
    sizes = {}
    for name, command in peers.items():
        if options.skip and re.search(options.skip, name):
            continue
        package.unlink(missing_ok=True)
        if callable(command):
            command(0)
            sizes[name] = (scratch / "ray.zip").stat().st_size
        else:
            run(command, environment)
            sizes[name] = package.stat().st_size
    times = measure(peers, environment, before=lambda: package.unlink(missing_ok=True), warm_up=0)
    table("zip", times, "Ray (stores)", note=lambda name: f"{sizes[name] / 2**20:.1f} MiB" if name in sizes else "–")
    result["zip"], result["zip_bytes"] = times, sizes

    run([rtenv, "pack", here, "-o", str(package)], environment)
    times = measure({**ray.peer("Ray", lambda i: f"unzip {scratch}/ray{i}"),
                     "rtenv unpack": lambda i: [rtenv, "unpack", "-q", str(package), str(scratch / f"rtenv{i}")],
                     "cp -r": lambda i: ["cp", "-r", here, str(scratch / f"copy{i}")],
                     "python -m zipfile": lambda i: ["python3", "-m", "zipfile", "-e", str(package), str(scratch / f"python{i}")]},
                    environment, warm_up=0)
    ray.end()
    table("unzip, disk", times, "Ray")
    result["unzip"] = times


def peak_mib(command, environment):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command} failed")
    return usage.ru_maxrss / 1024


def memory(scratch):
    environment = {**os.environ, "RTENV_CACHE_DIR": str(scratch / "cache")}
    million = scratch / "million"
    for i in range(1000):
        (million / f"{i:03}").mkdir(parents=True)
        for k in range(1000):
            with open(million / f"{i:03}/file_{k:04}.txt", "w") as file:
                file.write(str(k))
    large = scratch / "large"
    large.mkdir()
    with open(large / "5GiB", "wb") as file:
        file.write(os.urandom(1 << 20))
        file.truncate(5 << 30)
    say("\n### Memory\n\n| | peak |\n|---|---|")
    for name, tree in (("a million files", million), ("a file of 5 GiB", large)):
        for words in (["hash", str(tree)], ["pack", str(tree), "-o", str(scratch / "m.zip")]):
            peak = results["memory"][f"{words[0]}, {name}"] = peak_mib([rtenv, *words], environment)
            say(f"| rtenv {words[0]}, {name} | {peak:.0f} MiB |")


say(f"{results['machine']}; medians of {options.runs}.")
for tree in options.trees:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        bench(tree.resolve(), Path(folder))
if options.memory:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        memory(Path(folder))
if options.markdown:
    options.markdown.write_text("\n".join(lines) + "\n")
if options.json:
    options.json.write_text(json.dumps(results, indent=1))
