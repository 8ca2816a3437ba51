#!/usr/bin/env python3
"""Benchmarks the job server and Ray's in one run: time to first output, command, start, memory, many jobs, many followers.

usage: bench/job_server.py RTENV [--runs 7] [--no-ray] [--only NAME]…
Needs build/oracle (tests/oracle/install) with Ray, its client and uv. Prints a table in Markdown. Uses only loopback and a
temporary directory, which is removed at the end.
"""
import argparse
import contextlib
import http.client
import pathlib
import selectors
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
import zlib

from shared import ORACLE, Ray, RayClient, Rtenv, clean_environment, remove, request, row

FOLLOWERS, LOG_MB = 500, 100

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("rtenv", type=pathlib.Path)
parser.add_argument("--runs", type=int, default=7)
parser.add_argument("--no-ray", action="store_true")
parser.add_argument("--only", action="append", choices=["latency", "command", "start", "many", "store", "waiting", "lists", "followers"])
options = parser.parse_args()
rtenv = options.rtenv.resolve()
work = pathlib.Path(tempfile.mkdtemp(prefix="rr-"))  # Ray's sockets need a short path
environment = clean_environment(RTENV_CACHE_DIR=work / "cache", RTENV_UV=ORACLE / "uv", RAY_ENABLE_UV_RUN_RUNTIME_ENV=0)


def serve(state="state", *more):
    return Rtenv(rtenv, work, environment, state, *more)


def latencies(servers, runtime_env, runs):
    """Returns the median of each server. Interleaves the servers; the first run of each doesn't count."""
    clients = [RayClient(server.port, runtime_env, work, environment) for server in servers]
    seconds = [[] for _ in servers]
    for _ in range(runs + 1):
        for client, taken in zip(clients, seconds):
            taken.append(client.seconds("one"))
    for client in clients:
        client.end()
    return [statistics.median(taken[1:]) for taken in seconds]


def timed(argv):
    begin = time.perf_counter()
    subprocess.run([str(word) for word in argv], env=environment, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def many(port, count, clients):
    numbers = iter(range(count))
    lock, jobs = threading.Lock(), []

    def submit():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                if next(numbers, None) is None:
                    return
            job = request(port, "POST", "/api/jobs/", {"entrypoint": "echo hi"}, connection)["submission_id"]
            with lock:
                jobs.append(job)

    begin = time.perf_counter()
    threads = [threading.Thread(target=submit) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    submitted = time.perf_counter() - begin
    while True:
        statuses = [job["status"] for job in request(port, "GET", "/api/jobs/") if job["submission_id"] in set(jobs)]
        if len(statuses) == count and not {"PENDING", "RUNNING"} & set(statuses):
            break
        time.sleep(0.05)
    return submitted, time.perf_counter() - begin, statuses.count("SUCCEEDED")


def copy_job(state, job, count):
    """Adds copies of a job's row; the server mustn't run."""
    with contextlib.closing(sqlite3.connect(work / state / "jobs.db")) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(jobs)") if row[1] not in ("number", "id", "run_id")]
        database.executemany(f"INSERT INTO jobs (id, run_id, {', '.join(columns)}) SELECT ?, ?, {', '.join(columns)} FROM jobs WHERE id = ?",
                             [(f"job-{number}", f"run-{number}", job) for number in range(count)])
        database.commit()


def finished_job(server):
    request(server.port, "POST", "/api/jobs/", {"entrypoint": "echo hi", "submission_id": "first"})
    while request(server.port, "GET", "/api/jobs/first")["status"] != "SUCCEEDED":
        time.sleep(0.01)


def first_output(port):
    """By plain HTTP, polling each millisecond."""
    begin = time.perf_counter()
    job = request(port, "POST", "/api/jobs/", {"entrypoint": "echo hi"})["submission_id"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while "\nhi\n" not in request(port, "GET", f"/api/jobs/{job}/logs", connection=connection)["logs"]:
        time.sleep(0.001)
    return time.perf_counter() - begin


def many_waiting():
    """With 10,000 jobs that wait for a resource: the start, and the first output of a job that needs none."""
    jobs = {"entrypoint_resources": {"slot": 1}}
    server = serve("waiting", "--resources", '{"slot": 1}')
    request(server.port, "POST", "/api/jobs/", {"entrypoint": "sleep 1000", "submission_id": "holder", **jobs})
    request(server.port, "POST", "/api/jobs/", {"entrypoint": "echo hi", "submission_id": "first", **jobs})
    server.stop()
    copy_job("waiting", "first", 10_000)
    with contextlib.closing(sqlite3.connect(work / "waiting" / "jobs.db")) as database:
        database.execute("DELETE FROM jobs WHERE id = 'holder'")
        database.commit()
    starts, server = [], None
    for _ in range(options.runs):
        if server:
            server.stop()
        server = serve("waiting", "--resources", '{"slot": 0}', "--max-queued", "20000")
        starts.append(server.start_s)
    outputs = [first_output(server.port) for _ in range(options.runs)]
    memory = server.memory_mb()
    with followers_of_a_ticker(server.port, 200):
        followed = [first_output(server.port) for _ in range(options.runs)]
    server.stop()
    return statistics.median(starts), statistics.median(outputs), statistics.median(followed), memory


@contextlib.contextmanager
def followers_of_a_ticker(port, count):
    """They read what a job writes, a line in 100 ms."""
    job = request(port, "POST", "/api/jobs/", {"entrypoint": "while sleep 0.1; do echo tick; done"})["submission_id"]
    while "tick" not in request(port, "GET", f"/api/jobs/{job}/logs")["logs"]:
        time.sleep(0.01)
    selector, buffer, ended = selectors.DefaultSelector(), bytearray(1 << 16), threading.Event()
    for follower in [Follower(port, job) for _ in range(count)]:
        selector.register(follower.socket, selectors.EVENT_READ, follower)

    def read_all():
        while not ended.is_set():
            for key, _ in selector.select(0.1):
                key.data.read(buffer)

    reader = threading.Thread(target=read_all)
    reader.start()
    time.sleep(0.5)
    yield
    ended.set()
    reader.join()
    assert all(key.fileobj.fileno() >= 0 and key.data.bytes > 0 for key in selector.get_map().values()), "a follower got nothing"
    request(port, "POST", f"/api/jobs/{job}/stop")


def long_lists():
    """Four clients list 50,000 finished jobs again and again: how long others wait."""
    server = serve("lists")
    finished_job(server)
    server.stop()
    copy_job("lists", "first", 50_000)
    server = serve("lists")
    over, lists = threading.Event(), []

    def read_lists():
        while not over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("GET", "/api/jobs/")
            response, size = connection.getresponse(), 0
            while piece := response.read(1 << 16):
                size += len(piece)
            lists.append(size)
            connection.close()

    clients = [threading.Thread(target=read_lists) for _ in range(4)]
    for client in clients:
        client.start()
    taken, connection, memory = [], http.client.HTTPConnection("127.0.0.1", server.port, timeout=60), 0
    end = time.perf_counter() + 5
    while time.perf_counter() < end:
        begin = time.perf_counter()
        request(server.port, "GET", "/api/version", connection=connection)
        taken.append(time.perf_counter() - begin)
        time.sleep(0.002)
    memory = server.memory_mb()
    over.set()
    for client in clients:
        client.join()
    server.stop()
    taken.sort()
    return taken[len(taken) * 99 // 100], taken[-1], len(lists), memory


def full_store():
    """Measures a server with 10,000 finished jobs, which are copies of the row of a job that ran."""
    server = serve("full")
    finished_job(server)
    server.stop()
    copy_job("full", "first", 10_000)
    starts, server = [], None
    for _ in range(options.runs):
        if server:
            server.stop()
        server = serve("full")
        starts.append(server.start_s)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    taken = []
    for number in range(3000):
        begin = time.perf_counter()
        request(server.port, "GET", f"/api/jobs/job-{number * 3}", connection=connection)
        taken.append(time.perf_counter() - begin)
    memory = server.memory_mb()
    server.stop()
    taken.sort()
    return statistics.median(starts), taken[len(taken) * 99 // 100], memory


class Follower:
    def __init__(self, port, job):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall((f"GET /api/jobs/{job}/logs/tail?raw=1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n").encode())
        self.header, self.left, self.crc, self.bytes, self.ended, self.upgraded = b"", 0, 0, 0, False, False

    def read(self, buffer):
        count = self.socket.recv_into(buffer)
        if count == 0:
            self.ended = True
        view = memoryview(buffer)[:count]
        while view:
            if self.left:
                part = view[:self.left]
                self.crc = zlib.crc32(part, self.crc)
                self.bytes += len(part)
                self.left -= len(part)
                view = view[len(part):]
                continue
            self.header += bytes(view[:1])
            view = view[1:]
            if not self.upgraded:
                if self.header.endswith(b"\r\n\r\n"):
                    self.upgraded, self.header = True, b""
                continue
            if len(self.header) < 2:
                continue
            kind = self.header[1] & 127
            if len(self.header) < 2 + {126: 2, 127: 8}.get(kind, 0):
                continue
            length = int.from_bytes(self.header[2:], "big") if kind >= 126 else kind
            if self.header[0] & 15 == 8:
                self.ended = True
                return
            self.left, self.header = length, b""


def followers():
    server = serve("followers")
    job = request(server.port, "POST", "/api/jobs/", {"entrypoint": f"head -c {LOG_MB << 20} /dev/urandom"})["submission_id"]
    while request(server.port, "GET", f"/api/jobs/{job}")["status"] != "SUCCEEDED":
        time.sleep(0.05)
    log = next((work / "followers" / "jobs").glob("*/log")).read_bytes()
    wanted = zlib.crc32(log)
    selector, buffer, memory = selectors.DefaultSelector(), bytearray(1 << 20), 0
    begin = time.perf_counter()
    all_followers = [Follower(server.port, job) for _ in range(FOLLOWERS)]
    for follower in all_followers:
        selector.register(follower.socket, selectors.EVENT_READ, follower)
    last = 0
    while selector.get_map():
        for key, _ in selector.select():
            key.data.read(buffer)
            if key.data.ended:
                selector.unregister(key.data.socket)
                key.data.socket.close()
        if time.perf_counter() - last > 0.5:
            last, memory = time.perf_counter(), max(memory, server.memory_mb())
    taken = time.perf_counter() - begin
    complete = sum(follower.crc == wanted and follower.bytes == len(log) for follower in all_followers)
    server.stop()
    return taken, complete, memory


def wanted(name):
    return not options.only or name in options.only


def main():
    (work / "dir").mkdir()
    (work / "dir" / "main.py").write_text("print('hi')\n")
    server = serve()
    ray = None if options.no_ray else Ray(work, environment)
    servers = [server] + ([ray] if ray else [])
    row("", "rtenv", "Ray 2.60", "ratio")
    row("---", "---", "---", "---")

    def compare(name, ours, theirs, shown=lambda seconds: f"{seconds * 1000:.1f} ms"):
        row(name, shown(ours), shown(theirs) if theirs is not None else "–", f"{theirs / ours:.0f}×" if theirs else "–")

    if wanted("start"):
        starts = [server.start_s]
        for _ in range(options.runs):
            other = serve("start")
            starts.append(other.start_s)
            other.stop()
        compare("server start → first API response", statistics.median(starts), ray.start_s if ray else None)
        compare("idle memory", server.memory_mb(), ray.memory_mb() if ray else None, lambda mb: f"{mb:.0f} MB")
    if wanted("latency"):
        for name, runtime_env in (("no runtime_env", {}), ("one-file working_dir, present", {"working_dir": "dir"}), ("uv: [six], warm", {"uv": ["six"]})):
            taken = latencies(servers, runtime_env, options.runs)
            compare(f"submit → first output, {name}", taken[0], taken[1] if ray else None)
    if wanted("command"):
        ours = statistics.median(timed([rtenv, "job", "submit", "--address", f"http://127.0.0.1:{server.port}", "--", "echo", "hi"]) for _ in range(options.runs))
        theirs = statistics.median(timed([ORACLE / "ray", "job", "submit", "--address", f"http://127.0.0.1:{ray.port}", "--", "echo", "hi"])
                                   for _ in range(3)) if ray else None
        compare("`job submit -- echo hi`, the whole command until the job ends", ours, theirs)
    if wanted("many"):
        submitted, done, succeeded = many(server.port, 1000, 16)
        cells = ["–", "–"]
        if ray:
            ray_submitted, ray_done, ray_succeeded = many(ray.port, 50, 16)
            cells = [f"{50 / ray_done:.1f} jobs/s ({ray_succeeded} of 50 succeeded)", f"{1000 / done / (50 / ray_done):.0f}×"]
        row("1,000 `echo` jobs, 16 clients (Ray: 50)", f"{1000 / done:.0f} jobs/s ({succeeded} succeeded; all submitted in {submitted:.1f} s)", *cells)
    if ray:
        ray.stop()
    server.stop()
    if wanted("store"):
        start, p99, memory = full_store()
        row("10,000 finished jobs: start; `GET /api/jobs/{id}` p99; memory", f"{start * 1000:.1f} ms; {p99 * 1000:.2f} ms; {memory:.0f} MB", "–", "–")
    if wanted("waiting"):
        start, output, followed, memory = many_waiting()
        row("10,000 waiting jobs: start; submit → first output of one that needs nothing; the same with 200 followers; memory",
            f"{start * 1000:.0f} ms; {output * 1000:.1f} ms; {followed * 1000:.1f} ms; {memory:.0f} MB", "–", "–")
    if wanted("lists"):
        p99, longest, count, memory = long_lists()
        row("4 clients list 50,000 jobs: another request, p99, longest; lists in 5 s; memory",
            f"{p99 * 1000:.1f} ms; {longest * 1000:.1f} ms; {count}; {memory:.0f} MB", "–", "–")
    if wanted("followers"):
        taken, complete, memory = followers()
        row(f"{FOLLOWERS} followers of a log of {LOG_MB} MiB", f"{complete} got every byte; {FOLLOWERS * LOG_MB / 1024 / taken:.2f} GiB/s; server {memory:.0f} MB", "–", "–")


try:
    main()
finally:
    remove(work)
