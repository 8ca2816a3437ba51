#!/usr/bin/env python3
"""Benchmarks the directory that each job gets: how long a job waits for it, what its end costs, and what it takes of the disk.

usage: bench/job_directory.py [--rtenv RTENV] [--before RTENV] [--runs 5] [--no-ray] [--only NAME]…
Measures RTENV_JOB_DIRECTORY=overlay, unset and =copy, and with --before an older rtenv; as root also another user; on a disk
and in memory; and Ray beside it. A mode that isn't available here is shown with the reason. Needs build/oracle
(tests/oracle/install) with Ray unless --no-ray is given. Prints tables in Markdown, medians. Uses only loopback and temporary
directories, which are removed at the end.
"""
import argparse
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time

from shared import ORACLE, PROJECT, Failed, Ray, RayClient, Rtenv, clean_environment, remove, request, row, run

FILES, FOLDERS, BYTES = 10_000, 100, 65_000_000
LIBRARY_FILES, LIBRARY_LARGEST = 46_000, 1 << 20
WARM_UP = 4  # the fifth run in a row is the first that counts
BUDGET_S = 3  # what takes longer altogether isn't repeated
SLOW_S = 2  # where 10,000 files take longer, 46,000 are left out: copies on ext4 become slower than in proportion
OTHER_USER = 65534
JOBS = 10

ONE, MANY, LIBRARY = "one file", "10,000 files", "Python's library"


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to give a job its directory: a binary and its variables."""
    name: str
    binary: pathlib.Path
    variables: tuple = ()


@dataclasses.dataclass(frozen=True)
class User:
    name: str
    prefix: tuple = ()
    id: int | None = None


@dataclasses.dataclass
class Place:
    """A temporary folder on one file system, with the directories to run jobs in."""
    folder: pathlib.Path
    kind: str
    trees: dict

    def environment(self, variant, user):
        """Each user and each binary has its own cache, which the variants of a binary share."""
        home = self.folder / f"home-{user.name}"
        if not home.exists():
            home.mkdir()
            if user.id is not None:
                os.chown(home, user.id, user.id)
        cache = home / f"cache-{variant.binary.name}"
        # A user may not be allowed to look into the caller's PATH.
        return clean_environment(HOME=home, XDG_CACHE_HOME=home / "xdg", RTENV_CACHE_DIR=cache, PATH="/usr/bin:/bin:/usr/sbin:/sbin",
                                 **dict(variant.variables))


def file_system(text):
    """The name of a file system in the output of stat -f, which can't tell ext2, ext3 and ext4 apart."""
    return "ext4" if text.strip() == "ext2/ext3" else text.strip()


def write_files(target):
    """10,000 files of 65 MB that compress as sources do: many small ones, a few large ones."""
    source = random.Random(1)
    words = [("".join(source.choices("etaoinsrhdlucmfywgpbvk_", k=source.randint(2, 9)))) for _ in range(2000)]
    text = " ".join(source.choices(words, k=400_000)).encode()
    sizes = [source.lognormvariate(0, 1.5) for _ in range(FILES)]
    scale = BYTES / sum(sizes)
    for number, size in enumerate(sizes):
        folder = target / f"package_{number % FOLDERS:02}"
        if number < FOLDERS:
            folder.mkdir(parents=True)
        begin, length = source.randrange(len(text)), int(size * scale)
        content = (text[begin:] + text * (length // len(text) + 1))[:length]
        (folder / f"module_{number // FOLDERS:03}.py").write_bytes(content)


def library_files():
    """The files of the standard library and of build/oracle's packages, without caches of bytecode and large files."""
    places = [pathlib.Path(sysconfig.get_paths()["stdlib"]), *ORACLE.parent.glob("lib/python3*/site-packages")]
    for place in places:
        for folder, folders, names in os.walk(place):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in names:
                path = pathlib.Path(folder, name)
                if not path.is_symlink() and path.stat().st_size <= LIBRARY_LARGEST:
                    yield path, path.relative_to(place.parent)


def write_library(target):
    """46,000 files of Python's library; if there aren't as many, some a second time."""
    files, copied = list(library_files()), 0
    while copied < LIBRARY_FILES:
        for path, name in files[:LIBRARY_FILES - copied]:
            to = target / f"part{copied // len(files)}" / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
            copied += 1


def size_of(tree):
    """The files, and their bytes in MB."""
    sizes = [os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(tree) for name in names]
    return len(sizes), sum(sizes) / 1e6


def make_place(root, library, copy_of=None):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rr-", dir=root))  # Ray's sockets need a short path
    folder.chmod(0o755)
    kind = file_system(subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=True).stdout)
    place = Place(folder, kind, {ONE: folder / "one", MANY: folder / "many"} | ({LIBRARY: folder / "library"} if library else {}))
    if copy_of:
        for name, tree in place.trees.items():
            subprocess.run(["cp", "-r", copy_of.trees[name], tree], check=True)
        return place
    place.trees[ONE].mkdir()
    (place.trees[ONE] / "main.py").write_text("print('hi')\n")
    write_files(place.trees[MANY])
    if library:
        write_library(place.trees[LIBRARY])
    return place


def milliseconds(seconds, sign=""):
    return f"{seconds * 1000:{sign}.1f} ms"


def median(values, shown=milliseconds, otherwise="–"):
    return shown(statistics.median(values)) if values else otherwise


def heading(title, *columns):
    print(f"\n### {title}\n")
    row("", *columns)
    row(*["---"] * (len(columns) + 1))


class Benchmark:
    def __init__(self, options, places, users, variants):
        self.options, self.places, self.users, self.variants = options, places, users, variants
        self.names = [variant.name for variant in variants]
        self.notes = []
        self.slow = set()  # (place's kind, variant) that take long for 10,000 files
        self.cached = set()  # (cache, tree) where the cache has the tree
        self.reasons = {}  # (place's kind, user's name, variant) -> why not
        self.server_place = places[["disk", "memory"].index(options.servers)]
        self.output = str(places[0].folder / "output")

    def command(self, variant, user, tree, *job):
        return [*user.prefix, str(variant.binary), "run", "--quiet", "--working-dir", str(tree), "--", *job]

    def available(self, place, user, variant):
        return (place.kind, user.name, variant) not in self.reasons

    def cells(self, place, user, measured):
        """The cells of a row: measured(variant), or that the variant isn't available."""
        return [measured(variant) if self.available(place, user, variant) else "not available" for variant in self.variants]

    # ---- what a job's directory is

    def probe(self, place, user, variant):
        """The file system that a job's directory is on; keeps the reason if that isn't what the variant stands for."""
        key = (place.kind, user.name, variant)
        try:
            run(self.command(variant, user, place.trees[ONE], "stat", "-f", "-c", "%T", "."), place.environment(variant, user), self.output)
        except Failed as failure:
            self.reasons[key] = str(failure).split("failed:", 1)[-1].strip().replace("\n", " ").replace("|", "\\|") or "rtenv run failed"
            return f"not available: {self.reasons[key]}"
        kind = file_system(pathlib.Path(self.output).read_text())
        if variant.name == "overlay" and kind == place.kind:
            self.reasons[key] = f"a job's directory was a copy on {kind}, not an overlay"
            return f"not available: {self.reasons[key]}"
        return kind

    def kinds(self):
        heading("What a job's directory is on", *self.names)
        for place in self.places:
            for user in self.users:
                row(f"{place.kind}, {user.name}", *(self.probe(place, user, variant) for variant in self.variants))

    # ---- rtenv run

    def stamped(self, command, environment):
        """Runs `date` as the job: the seconds until its clock, and from there to rtenv's end, which includes the end of `date`."""
        begin = time.time_ns()
        run([*command, "date", "+%s%N"], environment, self.output)
        end, moment = time.time_ns(), int(pathlib.Path(self.output).read_text())
        return (moment - begin) / 1e9, (end - moment) / 1e9

    def measure_run(self, place, user, variant, tree):
        """Runs in a row: the first ones warm up and tell when the entrypoint runs, the others measure the whole. If they
        are slow, the last of the few that fit counts. Returns (seconds of the whole, the first run in the row that counts,
        seconds until and after)."""
        command, environment = self.command(variant, user, tree), place.environment(variant, user)
        begin, parts, wholes = time.perf_counter(), [], []
        least = 1 if (environment["RTENV_CACHE_DIR"], tree) in self.cached else 2
        while len(parts) < WARM_UP and (len(parts) < least or time.perf_counter() - begin < BUDGET_S):
            parts.append(self.stamped(command, environment))
        self.cached.add((environment["RTENV_CACHE_DIR"], tree))
        while len(parts) == WARM_UP and len(wholes) < self.options.runs and (not wholes or time.perf_counter() - begin < BUDGET_S):
            wholes.append(run([*command, "true"], environment))
        if not wholes:
            return sum(parts[-1]), len(parts), parts[-1]
        return statistics.median(wholes), WARM_UP + 1, [statistics.median(part) for part in zip(*parts[1:])]

    def run_tables(self):
        """Measures one variant after the other: a file system is slow for a while after a copy was removed from it."""
        measured = {}
        for place in self.places:
            for variant in self.variants:
                for user in self.users:
                    for name, tree in place.trees.items():
                        if self.available(place, user, variant) and not (name == LIBRARY and measured[place.kind, user.name, MANY, variant][0] > SLOW_S):
                            result = measured[place.kind, user.name, name, variant] = self.measure_run(place, user, variant, tree)
                            if name == MANY and result[0] > SLOW_S:
                                self.slow.add((place.kind, variant))
        print(f"\n\"(run N)\": too slow for five in a row; run N counts. \"left out\": {MANY} already took more than {SLOW_S} s.")
        self.print_runs(f"`rtenv run --working-dir DIR -- true`, from the fifth run in a row on; beyond {ONE}: how much longer", measured, self.extra)
        self.print_runs("`rtenv run`: until its entrypoint runs / from the entrypoint's exit to its own", measured,
                        lambda result, base: " / ".join(milliseconds(part) for part in result[2]))

    def extra(self, result, base):
        if base is result:
            return milliseconds(result[0])
        return milliseconds(result[0] - base[0], "+") + (f" (run {result[1]})" if result[1] <= WARM_UP else "")

    def print_runs(self, title, measured, shown):
        heading(title, *self.names)
        for place in self.places:
            for user in self.users:
                for name in place.trees:
                    def cell(variant):
                        key = (place.kind, user.name)
                        return shown(measured[*key, name, variant], measured[*key, ONE, variant]) if (*key, name, variant) in measured else "left out"
                    row(f"{place.kind}, {user.name}: {name}", *self.cells(place, user, cell))

    # ---- the machine's limits

    def overlay_seconds(self, place, user, tree):
        """An overlay over the tree in new namespaces, as little as any implementation must do."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=place.folder))
        for name in ("upper", "work", "merged"):
            (folder / name).mkdir()
        for path in (folder, *folder.iterdir()):
            if user.id is not None:
                os.chown(path, user.id, user.id)
        privileged = user.id is None and os.geteuid() == 0
        layers = f"lowerdir={tree},upperdir={folder}/upper,workdir={folder}/work" + ("" if privileged else ",userxattr")
        script = f"mount -t overlay overlay -o {layers} {folder}/merged && cd {folder}/merged && exec true"
        command = [*user.prefix, "unshare", "-m" if privileged else "-Urm", "/bin/sh", "-c", script]
        return [run(command, clean_environment(PATH="/usr/bin:/bin:/usr/sbin:/sbin")) for _ in range(self.options.runs)]

    def limits_of(self, place, tree, slow):
        """name -> seconds. A copy is removed before the next one is made, as a job's is."""
        environment, taken, begin = clean_environment(), {}, time.perf_counter()
        target = place.folder / "limit"
        for number in range(self.options.runs):
            if number and time.perf_counter() - begin > BUDGET_S:
                break
            for name, flags in (("cp -al", "-al"), ("cp -r", "-r")):
                copies, removals = (taken.setdefault(title, []) for title in (f"`{name}`", f"`rm -rf` of that ({name})"))
                if name != "cp -r" or not slow:
                    copies.append(run(["cp", flags, tree, target], environment))
                    removals.append(run(["rm", "-rf", target], environment))
            taken.setdefault("a walk with a stat per file (`find -printf %s`)", []).append(run(["find", tree, "-printf", "%s"], environment))
        for user in self.users:
            name = f"overlay and namespace, {user.name} (`unshare -m`, `mount`, `true`)"
            try:
                taken[name] = self.overlay_seconds(place, user, tree)
            except Failed as failure:
                taken[name] = []
                self.notes.append(f"{name} isn't available on {place.kind}: {str(failure).split('failed:', 1)[-1].strip()}")
        return taken

    def limits_table(self):
        columns, taken = [], []
        for place in self.places:
            for name, tree in list(place.trees.items())[1:]:
                slow = name == LIBRARY and max(taken[-1]["`cp -r`"]) > SLOW_S
                columns.append(f"{place.kind}: {name}")
                taken.append(self.limits_of(place, tree, slow))
        heading("The machine's limits for the same directories", *columns)
        row("`true` alone", *[median([run(["true"], clean_environment()) for _ in range(20)])] * len(columns))
        for name in taken[0]:
            row(name, *(median(limits[name]) for limits in taken))
        print("".join(f"\n{note}." for note in self.notes))

    # ---- the disk

    def used(self, folder):
        """The bytes and the number of files and folders below a folder, on its own file system; hard links count once."""
        seen, blocks, device = set(), 0, os.lstat(folder).st_dev
        for path, folders, names in os.walk(folder):
            for name in (*folders, *names):
                with contextlib.suppress(FileNotFoundError):
                    status = os.lstat(os.path.join(path, name))
                    if status.st_dev == device and status.st_ino not in seen:
                        seen.add(status.st_ino)
                        blocks += status.st_blocks
        return blocks * 512, len(seen)

    def added(self, place, user, variant):
        if user != self.users[0] and (place.kind, variant) in self.slow:
            return "left out"
        environment = place.environment(variant, user)
        command = self.command(variant, user, place.trees[MANY], "sh", "-c", "echo ready; read -r line")
        if (environment["RTENV_CACHE_DIR"], place.trees[MANY]) not in self.cached:
            run(self.command(variant, user, place.trees[MANY], "true"), environment)
            self.cached.add((environment["RTENV_CACHE_DIR"], place.trees[MANY]))
        cache = pathlib.Path(environment["HOME"])
        before = self.used(cache)
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            during = self.used(cache)
            process.stdin.close()
        after = self.used(cache)
        return (f"{(during[0] - before[0]) / 1e6:.2f} MB, {during[1] - before[1]} inodes"
                + (f"; {(after[0] - before[0]) / 1e6:.2f} MB stay" if after[0] > before[0] else ""))

    def disk_table(self):
        heading(f"What a running job that writes nothing adds to the disk, {MANY} (blocks of the cache and the home)", *self.names)
        for place in self.places:
            for user in self.users:
                row(f"{place.kind}, {user.name}", *self.cells(place, user, lambda variant: self.added(place, user, variant)))

    # ---- servers

    def first_output(self, variant, server, tree, environment):
        """The seconds from the start of `rtenv job submit` to the job's first output. Returns after the job's end."""
        begin = time.perf_counter()
        with subprocess.Popen([variant.binary, "job", "submit", "--address", f"http://127.0.0.1:{server.port}", "--working-dir", tree, "--", "echo", "x"],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            seconds = next((time.perf_counter() - begin for line in process.stdout if line == "x\n"), None)
            process.stdout.read()
        if seconds is None:
            raise Failed("rtenv job submit printed no output of its job")
        return seconds

    def durations(self, server):
        """(duration in the job's status, the entrypoint's own, from the entrypoint's exit to end_time), in seconds.
        Uses the package of the newest job."""
        newest = max(request(server.port, "GET", "/api/jobs/"), key=lambda job: job["start_time"])
        job = request(server.port, "POST", "/api/jobs/", {"entrypoint": "date +%s%N; sleep 0.1; date +%s%N", "runtime_env": newest["runtime_env"]})
        path = f"/api/jobs/{job['submission_id']}"
        while (details := request(server.port, "GET", path))["status"] in ("PENDING", "RUNNING"):
            time.sleep(0.01)
        logs = request(server.port, "GET", f"{path}/logs")["logs"]
        begin, end = (int(line) for line in logs.splitlines() if line.isdecimal() and len(line) == 19)
        return (details["end_time"] - details["start_time"]) / 1e3, (end - begin) / 1e9, details["end_time"] / 1e3 - end / 1e9

    def measure_server(self, server, variant, environment, runs):
        """name -> seconds. The first run of each kind warms up."""
        tree, taken = self.server_place.trees[MANY], {}
        if variant:
            client = clean_environment(HOME=self.server_place.folder, RTENV_CACHE_DIR=self.server_place.folder / f"client-{variant.binary.name}")
            taken["rtenv"] = [self.first_output(variant, server, tree, client) for _ in range(runs + 1)][1:]
            with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
                taken["ten rtenv"] = [max(pool.map(lambda _: self.first_output(variant, server, tree, client), range(JOBS))) for _ in range(min(runs, 3))]
        if not self.options.no_ray:
            ray_client = RayClient(server.port, {"working_dir": str(tree)}, self.server_place.folder, environment)
            try:
                taken["ray"], taken["ray packing"] = zip(*[ray_client.seconds_and_packing("one") for _ in range(runs + 1)][1:])
                taken["ray rest"] = [total - packing for total, packing in zip(taken["ray"], taken["ray packing"])]
                taken["ten ray"] = [ray_client.seconds(f"many {JOBS}") for _ in range(min(runs, 3 if variant else 2))]
            finally:
                ray_client.end()
        durations = [self.durations(server) for _ in range(runs)]
        return taken | dict(zip(("duration", "own", "exit"), zip(*durations)))

    def measure_servers(self):
        """For each variant and for Ray, one server after the other, each alone on the machine: name -> seconds, or None."""
        place, user, results = self.server_place, self.users[0], []
        for number, variant in enumerate(self.variants):
            if not self.available(place, user, variant):
                results.append(None)
                continue
            folder = place.folder / f"serve-{number}"
            folder.mkdir()
            environment = clean_environment(RTENV_CACHE_DIR=folder / "cache", RAY_ENABLE_UV_RUN_RUNTIME_ENV=0, **dict(variant.variables))
            server = Rtenv(variant.binary, folder, environment)
            try:
                results.append(self.measure_server(server, variant, environment, self.options.runs))
            finally:
                server.stop()
        if self.options.no_ray:
            return results + [None]
        environment = clean_environment(RAY_ENABLE_UV_RUN_RUNTIME_ENV=0)
        ray = Ray(place.folder, environment)
        try:
            return results + [self.measure_server(ray, None, environment, min(self.options.runs, 4))]
        finally:
            ray.stop()

    def submit_table(self):
        results = self.measure_servers()
        default = results[self.names.index("unset")]
        theirs = results[-1]

        def line(title, name, ray_key=None):
            shown = ["not available" if result is None else median(result.get(name)) for result in results[:-1]]
            ray_values = theirs.get(ray_key or name) if theirs else None
            ratio = f"{statistics.median(ray_values) / statistics.median(default[name]):.1f}×" if ray_key and ray_values and default else "–"
            row(title, *shown, median(ray_values), ratio)

        heading(f"Job servers, {MANY}, unchanged, on {self.server_place.kind}, {self.users[0].name}; each server alone on the machine", *self.names, "Ray",
                "Ray ÷ unset")
        line("submit → first output, `rtenv job submit` (Ray: its client)", "rtenv", "ray")
        if not self.options.no_ray:
            line("submit → first output, Ray's client", "ray", "ray")
            line("… of which the client names the directory, twice", "ray packing", "ray packing")
            line("… the rest: requests, and the job until its first output", "ray rest", "ray rest")
        line(f"{JOBS} at once → first output of the last, `rtenv job submit` (Ray: its client, named in advance)", "ten rtenv", "ten ray")
        if not self.options.no_ray:
            line(f"{JOBS} at once → first output of the last, Ray's client, named in advance", "ten ray", "ten ray")
        line("`sleep 0.1`: the duration in the job's status", "duration", "duration")
        line("… the entrypoint's own", "own")
        line("… from the entrypoint's exit to the status's `end_time`", "exit")


def find_users():
    users = [User("root" if os.geteuid() == 0 else "user")]
    if os.geteuid() == 0 and shutil.which("setpriv"):
        ids = str(OTHER_USER)
        users.append(User(f"uid {ids}", ("setpriv", "--reuid", ids, "--regid", ids, "--clear-groups"), OTHER_USER))
    else:
        print("Another user: not available, needs root and setpriv.")
    return users


def find_variants(options, folder):
    """Copies the binaries to where every user can read them."""
    def copied(path, name):
        shutil.copy(path, folder / name)
        (folder / name).chmod(0o755)
        return folder / name

    binary = copied(options.rtenv, "rtenv")
    variants = [Variant("overlay", binary, (("RTENV_JOB_DIRECTORY", "overlay"),)), Variant("unset", binary),
                Variant("copy", binary, (("RTENV_JOB_DIRECTORY", "copy"),))]
    return variants + ([Variant("before", copied(options.before, "rtenv-before"))] if options.before else [])


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rtenv", type=pathlib.Path, default=PROJECT / "build/release/cli/rtenv")
    parser.add_argument("--before", type=pathlib.Path, metavar="RTENV", help="an older rtenv to measure beside")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--no-library", action="store_true", help="leave out the directory of 46,000 files")
    parser.add_argument("--only", action="append", choices=["run", "limits", "submit", "disk"])
    parser.add_argument("--disk", default="/var/tmp", help="a folder on a disk")
    parser.add_argument("--servers", choices=["disk", "memory"], default="memory", help="where servers, Ray's too, have their files [memory]")
    parser.add_argument("--memory", default="/dev/shm", help="a folder on a tmpfs")
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        places = []
        for root in (options.disk, options.memory):
            place = make_place(root, not options.no_library, places[0] if places else None)
            stack.callback(remove, place.folder)
            places.append(place)
        sizes = "; ".join(f"{name}: {count} files, {megabytes:.0f} MB" for name, (count, megabytes) in
                          ((name, size_of(tree)) for name, tree in places[0].trees.items()))
        print(f"{os.cpu_count()} processors, Linux {os.uname().release}; medians of {options.runs}. {sizes}.")
        benchmark = Benchmark(options, places, find_users(), find_variants(options, places[0].folder))
        benchmark.kinds()
        for name, table in (("submit", benchmark.submit_table), ("run", benchmark.run_tables), ("disk", benchmark.disk_table),
                            ("limits", benchmark.limits_table)):
            if not options.only or name in options.only:
                table()


if __name__ == "__main__":
    main()
