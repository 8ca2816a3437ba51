"""`rtenv job` against rtenv's server and against a real Ray head: the same commands, the same output, the same exit codes."""

import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import zipfile
import pathlib

import harness
from harness import ORACLE, eventually

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "remote"))
import servers  # noqa: E402
from certificates import make_certificate  # noqa: E402


class Commands:
    """Tests for both servers. `self.address` is the server's; `self.rtenv` tells whether it is rtenv's."""

    def job(self, command, *words, env=None, **more):
        return self.start(command, *words, env=env, **more).finish()

    def start(self, command, *words, env=None, address=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(harness.FOREIGN) and "proxy" not in name.lower()}
        argv = [harness.RTENV, "job", command, *(["--address", address or self.address] if address != "" else []), *map(str, words)]
        return Running(argv, self.work, {**environment, "HOME": str(self.work), "RTENV_CACHE_DIR": str(self.work / "client-cache"), **(env or {})})

    def ok(self, command, *words, **more):
        run = self.job(command, *words, **more)
        self.assertEqual(run.status, 0, run.out + run.err)
        return run

    def test_submit_shows_the_log_and_exits_as_the_job(self):
        self.write("dir/main.py", "import sys\nprint('ran with', sys.argv[1:])\n")
        run = self.ok("submit", "--submission-id", f"id-{self.name}-1", "--working-dir", "dir", "--", "python3", "main.py", "a b", "it's")
        lines = run.out.splitlines()
        self.assertEqual(lines[0], f"Job submission server address: {self.address}")
        box = f"Job 'id-{self.name}-1' submitted successfully"
        self.assertEqual(lines[1:5], ["", "-" * len(box), box, "-" * len(box)])
        self.assertIn("ran with ['a b', \"it's\"]", lines)
        self.assertIn("Tailing logs until the job exits (disable with --no-wait):", lines)
        box = f"Job 'id-{self.name}-1' succeeded"
        self.assertEqual(lines[-4:], ["-" * len(box), box, "-" * len(box), ""])
        self.assertIn("Uploaded package gcs://_ray_pkg_", run.err)
        again = self.ok("submit", "--working-dir", "dir", "--", "python3", "main.py")
        self.assertIn("already exists, skipping upload", again.err)

    def test_submit_exits_nonzero_when_the_job_fails(self):
        run = self.job("submit", "--", "sh", "-c", "echo why; exit 3")
        self.assertEqual(run.status, 3, run.out + run.err)
        self.assertIn("failed with exit code 3", run.out)

    def test_modules_and_archives(self):
        self.write("modules/mine/__init__.py", "TEXT = 'my module'\n")
        with zipfile.ZipFile(self.work / "job.zip", "w") as archive:
            archive.writestr("main.py", "import mine; print('from a zip,', mine.TEXT)")
        run = self.ok("submit", "--working-dir", "job.zip", "--runtime-env-json", json.dumps({"py_modules": ["modules/mine"]}), "--", "python3", "main.py")
        self.assertIn("from a zip, my module", run.out)

    def test_status_logs_stop_list_delete(self):
        job = f"id-{self.name}-2"
        run = self.ok("submit", "--no-wait", "--submission-id", job, "--metadata-json", '{"k": "v"}', "--", "sh", "-c", "echo begun; sleep 1000")
        self.assertNotIn("Tailing", run.out)
        eventually(lambda: "begun" in self.job("logs", job).out)
        self.assertIn(f"Status for job '{job}': RUNNING\nStatus message: Job is currently running.\n", self.ok("status", job).out)
        details = json.loads(self.ok("status", "--json", job).out)
        self.assertEqual((details["submission_id"], details["metadata"]), (job, {"k": "v"}))
        taken = self.job("submit", "--no-wait", "--submission-id", job, "--", "true")
        self.assertEqual(taken.status, 2)
        self.assertIn(f"Job with submission_id {job} already exists. Please use a different submission_id.", taken.err)
        undeletable = self.job("delete", job)
        self.assertEqual(undeletable.status, 5, undeletable.err)
        self.assertIn("but it is in a non-terminal state", undeletable.err)
        follower = self.start("logs", "-f", job)
        stopped = self.ok("stop", job)
        self.assertEqual(stopped.out, f"Attempting to stop job '{job}'\nWaiting for job '{job}' to exit (disable with --no-wait):\nJob '{job}' was stopped\n")
        followed = follower.finish()
        self.assertEqual(followed.status, 1)
        self.assertIn("begun\n", followed.out)
        self.assertTrue(any(line.split()[:2] == [job, "STOPPED"] for line in self.ok("list").out.splitlines()))
        self.assertIn(job, [json.loads(line)["submission_id"] for line in self.ok("list", "--json").out.splitlines()])
        self.assertEqual(self.ok("delete", job).out, f"Job '{job}' deleted successfully\n")
        for command in ("status", "logs", "stop", "delete"):
            run = self.job(command, job)
            self.assertEqual((run.status, run.err.count("\n") <= 2), (3, True), run.err)
            self.assertIn(f"Job '{job}' does not exist", run.err)

    def test_interrupting_leaves_the_job_running(self):
        job = f"id-{self.name}-3"
        run = self.start("submit", "--submission-id", job, "--", "sh", "-c", "echo begun; sleep 1000")
        eventually(lambda: "begun" in self.job("logs", job).out)
        run.process.send_signal(signal.SIGINT)
        ended = run.finish()
        self.assertEqual(ended.status, 130)
        self.assertIn(f"rtenv job logs --follow {job}", ended.err)
        self.assertIn("RUNNING", self.ok("status", job).out)
        self.ok("stop", "--no-wait", job)

    def test_bad_input_is_refused_before_anything_is_sent(self):
        for status, words, arguments in ((2, "--metadata-json", ["--metadata-json", "[]"]), (3, "doesn't exist", ["--working-dir", "none"]),
                                         (2, "exclude each other", ["--runtime-env-json", '{"uv": ["a"], "pip": ["a"]}']), (2, "submission_id must be", ["--submission-id", "a/b"])):
            run = self.job("submit", *arguments, "--", "true", address="http://127.0.0.1:1")
            self.assertEqual((run.status, run.out), (status, ""), run.err)
            self.assertIn(words, run.err)
        run = self.job("list", address="http://127.0.0.1:1")
        self.assertEqual((run.status, run.out), (5, ""))


class Running:
    def __init__(self, argv, folder, environment):
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment)

    def finish(self):
        self.out, self.err = self.process.communicate(timeout=120)
        self.status = self.process.returncode
        return self


class AgainstRtenv(Commands, harness.JobTest):
    name = "rtenv"

    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.address = self.server.address

    def test_the_address_option_overrides_the_environment(self):
        self.ok("list", env={"RAY_API_SERVER_ADDRESS": "http://127.0.0.1:1", "RAY_ADDRESS": "http://127.0.0.1:1"})
        self.ok("list", address="", env={"RAY_API_SERVER_ADDRESS": self.address, "RAY_ADDRESS": "http://127.0.0.1:1"})
        self.ok("list", address=self.address.removeprefix("http://"))

    def test_following_survives_cut_connections_and_a_restart(self):
        """The proxy cuts the connection ten times, and the server is killed and restarted."""
        with open(self.work / "bytes", "wb") as file:
            file.write(bytes(range(256)) * 4000)
        job = self.server.submit(f"for i in $(seq 20); do head -c 50000 {self.work}/bytes; echo; sleep 0.1; done")
        proxy = CuttingProxy(self.server.port, cuts=10, after_bytes=60_000)
        self.addCleanup(proxy.close)
        follower = subprocess.Popen([harness.RTENV, "job", "logs", "-f", "--address", f"http://127.0.0.1:{proxy.port}", job], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, env=self.server.environment())
        threading.Timer(0.5, self.restart).start()
        out, err = follower.communicate(timeout=120)
        self.assertEqual(follower.returncode, 0, err)
        self.assertEqual(proxy.left, 0, "all cuts were made")
        self.assertTrue(out.startswith(self.server.log_bytes(job)))
        self.assertTrue(out.endswith(f"Job '{job}' succeeded\n{'-' * (len(job) + 16)}\n\n".encode()))

    def restart(self):
        self.server.kill()
        self.server.start()

    def test_over_a_unix_socket(self):
        self.server.stop()
        self.address = self.serve("--listen", f"unix:{self.work}/socket").address
        self.assertEqual(self.address, f"unix:{self.work}/socket")
        self.write("dir/main.py", "print('ran')")
        self.assertIn("\nran\n", self.ok("submit", "--working-dir", "dir", "--", "python3", "main.py").out)
        self.assertIn("SUCCEEDED", self.ok("list").out)
        self.assertNotEqual(self.job("list", address=f"unix:{self.work}/none").status, 0)

    def test_over_ipv6(self):
        self.server.stop()
        self.address = self.serve("--host", "::1").address
        self.assertTrue(self.address.startswith("http://[::1]:"), self.address)
        self.assertIn("\nran\n", self.ok("submit", "--", "echo", "ran").out)

    def test_following_without_websockets(self):
        """The proxy answers each upgrade with 502."""
        port = self.server.port

        class Proxy(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.headers.get("Upgrade"):
                    return self.send_error(502)
                upstream = http.client.HTTPConnection("127.0.0.1", port)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                upstream.request(self.command, self.path, body, {"Host": "localhost"})
                response = upstream.getresponse()
                data = response.read()
                self.send_response(response.status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Server", response.headers["Server"])
                self.end_headers()
                self.wfile.write(data)
            do_POST = do_GET

            def version_string(self):
                return "proxy"

            def log_message(self, *words):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            run = self.ok("submit", "--", "sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.3; done", address=f"http://127.0.0.1:{proxy.server_port}")
            proxy.shutdown()
        self.assertEqual([line for line in run.out.splitlines() if line.startswith("line")], ["line 1", "line 2", "line 3"])

    def test_stopping_now_and_listing_some(self):
        job = self.server.submit("trap '' TERM; echo begun; while true; do sleep 0.05; done", runtime_env={"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "90000"}})
        eventually(lambda: "begun" in self.server.output(job))
        self.ok("stop", "--no-wait", job)
        self.assertIn("was stopped", self.ok("stop", "--now", job).out)
        for name in "a", "b", "c":
            self.server.wait(self.server.submit("true", submission_id=name))
        listed = lambda *words: [line.split()[0] for line in self.ok("list", *words).out.splitlines()]
        self.assertEqual(listed("--status", "SUCCEEDED", "--limit", 2), ["a", "b"])
        self.assertEqual(listed("--offset", 3), ["c"])
        self.assertEqual(listed("--status", "STOPPED"), [job])

    def test_following_gives_up_when_the_server_stays_down(self):
        job = self.server.submit("sleep 1000")
        follower = self.start("logs", "-f", job, env={"RAY_CLIENT_RECONNECT_GRACE_PERIOD": "0.3"})
        self.assertIn("Running entrypoint", follower.process.stdout.readline())
        self.server.kill()
        run = follower.finish()
        self.assertEqual(run.status, 5, run.err)
        self.assertIn("was unreachable for 0.3 s", run.err)
        self.server.start()
        self.server.request("POST", f"/api/jobs/{job}/stop")

    def test_token_and_tls(self):
        self.server.stop()
        (self.work / "token").write_text("secret")
        certificate, key = make_certificate(self.work)
        self.address = self.serve("--token-file", self.work / "token", "--tls-cert", certificate, "--tls-key", key).address
        token = {"RAY_AUTH_TOKEN": "secret"}
        self.write("dir/main.py", "print('ran')\n")
        for verify in (certificate, "false"):
            self.assertIn("\nran\n", self.ok("submit", "--verify", verify, "--working-dir", "dir", "--", "python3", "main.py", env=token).out)
        self.assertNotEqual(self.job("list", env=token).status, 0)
        run = self.job("list", "--verify", certificate, env={"RAY_AUTH_TOKEN": "wrong"})
        self.assertEqual(run.status, 4, run.err)
        self.assertIn("RAY_AUTH_TOKEN", run.err)
        self.ok("list", "--verify", certificate)  # the server's own user needs none


class CuttingProxy:
    """Forwards bytes; cuts a connection after a number of bytes from the server, a number of times."""

    def __init__(self, port, cuts, after_bytes):
        self.target, self.left, self.after_bytes = port, cuts, after_bytes
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        threading.Thread(target=self.copy, args=(client, server, None), daemon=True).start()
        self.copy(server, client, self.after_bytes)

    def copy(self, source, target, limit):
        passed = 0
        try:
            while data := source.recv(16384):
                target.sendall(data)
                passed += len(data)
                if limit and passed > limit and self.left > 0:
                    self.left -= 1
                    break
        except OSError:
            pass
        for each in (source, target):
            with harness.contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class AgainstRay(Commands, harness.JobTest):
    name = "ray"
    rtenv = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = harness.tempfile.TemporaryDirectory(prefix="rr-")  # Ray's sockets want a short path
        cls.addClassCleanup(cls.folder.cleanup)
        port = servers.free_port()
        cls.address = cls.enterClassContext(servers.program(
            [ORACLE / "ray", "start", "--head", "--block", "--port", str(servers.free_port()), "--dashboard-agent-listen-port", str(servers.free_port()),
             "--node-ip-address", "127.0.0.1",
             "--dashboard-host", "127.0.0.1", "--dashboard-port", str(port), "--num-cpus", "2", "--disable-usage-stats",
             "--temp-dir", cls.folder.name], port, cls.folder.name, {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}))


if __name__ == "__main__":
    harness.main()
