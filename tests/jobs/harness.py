"""Common parts of the job server's tests: the built tool serving on a free port, temporary folders, and a small HTTP client."""

import contextlib
import http.client
import io
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

RTENV = os.environ["RTENV"]
ORACLE = pathlib.Path(os.environ["ORACLE_PYTHON"]).parent
LIMIT_S = 60
FOREIGN = ("RAY_", "RTENV_", "CUDA_", "HIP_", "LISTEN_", "NOTIFY_")
NAP_S = 100_000 + os.getpid() * 10  # how long its sleepers sleep: tells them from those of tests that run beside this one
TERMINAL = ("SUCCEEDED", "FAILED", "STOPPED")


def eventually(check, what="it", limit_s=LIMIT_S):
    """Waits until `check` returns a true value, and returns it."""
    deadline = time.monotonic() + limit_s
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} didn't happen within {limit_s} s")
        time.sleep(0.01)


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """`rtenv serve`; `kill` and `start` restart it with the same state."""

    def __init__(self, work, *options, env=None, port=0, limits="true"):
        self.work, self.options, self.env, self.port = pathlib.Path(work), options, env or {}, port
        self.limits = limits  # a shell command, such as "ulimit -n 100"
        self.process = None
        self.address = None
        self.start()

    @property
    def state(self):
        return self.work / "state"

    def folder(self, job):
        """The job's own folder: its name is in its row."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/jobs.db?mode=ro", uri=True)) as database:
            (name,) = database.execute("SELECT run_id FROM jobs WHERE id = ?", (job,)).fetchone()
        return self.state / "jobs" / name

    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN) and "proxy" not in name.lower()}
        return {**kept, "HOME": str(self.work), "RTENV_CACHE_DIR": str(self.work / "cache"), "RTENV_UV": str(ORACLE / "uv"), **self.env}

    def start(self):
        port = [] if "--listen" in self.options else ["--port", str(self.port)]
        with open(self.work / "serve.log", "ab") as errors:
            self.process = subprocess.Popen(
                ["sh", "-c", self.limits + '; exec "$@"', "sh", RTENV, "serve", *port, "--state-dir", str(self.state), *map(str, self.options)],
                stdout=subprocess.PIPE, stderr=errors, text=True, cwd=self.work, env=self.environment())
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise AssertionError("the server didn't start: " + (self.work / "serve.log").read_text())
        if not self.address.startswith("unix:"):
            self.port = int(self.address.rsplit(":", 1)[1])

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(LIMIT_S)
        self.process.stdout.close()

    def stop(self):
        if self.process.poll() is None:
            self.kill(signal.SIGTERM)
        return self.process.returncode

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        with contextlib.closing(connection):
            data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())

    def submit(self, entrypoint, **fields):
        response = self.request("POST", "/api/jobs/", {"entrypoint": entrypoint, **fields})
        if response.status != 200:
            raise AssertionError(f"{response.status}: {response.text}")
        return response.json["submission_id"]

    def details(self, job):
        return self.request("GET", f"/api/jobs/{job}").json

    def status(self, job):
        return self.details(job)["status"]

    def logs(self, job):
        return self.request("GET", f"/api/jobs/{job}/logs").json["logs"]

    def output(self, job):
        """The log without the lines that the server adds."""
        own = ("Runtime env is setting up.", "Running entrypoint for job ")
        return "".join(line for line in self.logs(job).splitlines(True) if not line.startswith(own))

    def wait(self, job, *statuses):
        return eventually(lambda: (details := self.details(job))["status"] in (statuses or TERMINAL) and details, f"the end of {job}")

    def log_bytes(self, job):
        return (self.folder(job) / "log").read_bytes()

    def run(self, entrypoint, **fields):
        job = self.submit(entrypoint, **fields)
        return job, self.wait(job)


def processes_with(mark):
    """Processes whose environment or command line has this text."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (folder / "stat").read_text().rsplit(") ", 1)[1][0]
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            if mark.encode() in text and state != "Z":
                found.append(int(folder.name))
    return found


def sleepers():
    """Processes `sleep N`, N from NAP_S to NAP_S + 3."""
    return [pid for number in range(NAP_S, NAP_S + 4) for pid in processes_with(f"sleep\0{number}\0")]


class JobTest(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="rtenv-jobs-"))
        self.addCleanup(self.remove_work)

    def remove_work(self):
        for pid in processes_with(str(self.work)):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["chmod", "-R", "u+w", self.work], check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    def serve(self, *options, **more):
        server = Server(self.work, *options, **more)
        self.addCleanup(server.stop)
        return server

    def write(self, name, content=""):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def upload(self):
        """A package with one file; returns its URI."""
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("main.py", "")
        self.assertEqual(self.server.request("PUT", "/api/packages/gcs/dir.zip", data.getvalue()).status, 200)
        return "gcs://dir.zip"

    def tool(self, *words, env=None, server=None, timeout=LIMIT_S):
        environment = {**(server.environment() if server else os.environ), **(env or {})}
        return subprocess.run([RTENV, *map(str, words)], capture_output=True, text=True, cwd=self.work, env=environment, timeout=timeout)


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    unittest.main(verbosity=2, warnings="ignore")
