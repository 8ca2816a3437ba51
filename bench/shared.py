"""What several benchmarks need: timed commands, servers that end with everything they started, Ray's packaging, Markdown tables."""
import atexit
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
ORACLE = PROJECT / "build" / "oracle" / "bin"


class Failed(SystemExit):
    """A command that failed; ends the benchmark with its message unless caught."""


def run(command, environment, output="/dev/null"):
    """Runs a command with little overhead: Python's subprocess would add as much time as a short command takes."""
    words = ["/bin/sh", "-c", command] if isinstance(command, str) else [str(word) for word in command]
    errors = tempfile.gettempdir() + f"/bench.{os.getpid()}"
    files = [(os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
             (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    begin = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, environment, file_actions=files)
    _, status = os.waitpid(pid, 0)
    seconds = time.perf_counter() - begin
    message = pathlib.Path(errors).read_text(errors="replace")[-500:]
    os.unlink(errors)
    if status != 0:
        raise Failed(f"{command} failed: {message}")
    return seconds


def clean_environment(**more):
    """The environment without settings of Ray and rtenv, and without proxies."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "RTENV_")) and "proxy" not in name.lower()}
    return kept | {name: str(value) for name, value in more.items()}


def remove(folder):
    """Removes a folder, read-only folders in it included."""
    subprocess.run(["chmod", "-R", "u+w", folder], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(port, method, path, body=None, connection=None):
    own = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    own.request(method, path, json.dumps(body) if body is not None else None)
    response = own.getresponse()
    data = response.read()
    if connection is None:
        own.close()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {data[:300]!r}")
    return json.loads(data)


class Server:
    """A server in its own session; stop() also ends the processes that it started, whatever session they moved to."""

    def __init__(self, argv, port, work, environment, marks=()):
        self.port, mark = port, f"BENCH_SERVER={work}:{port}"
        self.marks = [mark.encode(), *(str(more).encode() for more in marks)]
        begin = time.perf_counter()
        self.process = subprocess.Popen([str(word) for word in argv], env=environment | dict([mark.split("=", 1)]), cwd=work,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        atexit.register(self.stop)  # for errors and interrupts; stopping twice does no harm
        self.start_s = self.wait_for_api(begin)

    def wait_for_api(self, begin):
        while True:
            try:
                request(self.port, "GET", "/api/version")
                return time.perf_counter() - begin
            except (OSError, http.client.HTTPException):
                if self.process.poll() is not None or time.perf_counter() - begin > 120:
                    raise Failed(f"{self.process.args[0]} doesn't serve; exit status {self.process.returncode}") from None
                time.sleep(0.001)

    def processes(self):
        """The ids of the processes of its session, and of those that have a mark in their environment or command line."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                session = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3])
                text = (folder / "cmdline").read_bytes() + b"\0" + (folder / "environ").read_bytes()
                if int(folder.name) != os.getpid() and (session == self.process.pid or any(mark in text for mark in self.marks)):
                    yield int(folder.name)

    def memory_mb(self, pids=None):
        total = 0
        for pid in pids or [self.process.pid]:
            with contextlib.suppress(OSError, IndexError):
                total += int(pathlib.Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
        return total

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        for _ in range(100):
            left = list(self.processes())
            if not left and self.process.poll() is not None:
                return
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()
            time.sleep(0.02)


class Rtenv(Server):
    def __init__(self, rtenv, work, environment, state="state", *more):
        port = free_port()
        super().__init__([rtenv, "serve", "--port", port, "--state-dir", work / state, "--num-cpus", "2", *more], port, work, environment)


class Ray(Server):
    def __init__(self, work, environment):
        port = free_port()
        super().__init__([ORACLE / "ray", "start", "--head", "--block", "--port", free_port(), "--node-ip-address", "127.0.0.1",
                          "--dashboard-host", "127.0.0.1", "--dashboard-port", port, "--dashboard-agent-listen-port", free_port(),
                          "--num-cpus", "2", "--disable-usage-stats", "--temp-dir", work / "ray"], port, work, environment, marks=[work / "ray"])

    def memory_mb(self, pids=None):
        """Of all of Ray's processes, a few seconds later, when all have started."""
        time.sleep(5)
        return super().memory_mb(pids or list(self.processes()))


class RayClient:
    """The process of bench/ray_client.py, connected to a server of either kind."""

    def __init__(self, port, runtime_env, work, environment):
        self.process = subprocess.Popen([ORACLE / "python", PROJECT / "bench/ray_client.py", f"http://127.0.0.1:{port}", json.dumps(runtime_env)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=work)

    def seconds_and_packing(self, line):
        """(from the submission to the first output, of these the client's own naming and zipping), in seconds."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        printed = self.process.stdout.readline()
        if not printed:
            raise Failed("Ray's client failed; its message is above")
        return tuple(map(float, printed.split()))

    def seconds(self, line):
        return self.seconds_and_packing(line)[0]

    def end(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()


class RayPackaging:
    """The process of bench/ray_peer.py, if the Python has Ray."""

    def __init__(self, python, tree, scratch):
        self.process = subprocess.Popen([python, str(PROJECT / "bench/ray_peer.py"), str(tree), str(scratch)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.ready = self.process.stdout.readline() == "ready\n"

    def peer(self, name, line):
        return {name: lambda i: self.seconds(line(i))} if self.ready else {}

    def seconds(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()
