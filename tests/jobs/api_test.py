"""The job server over plain HTTP: submitting, refusals, stop, delete, packages, access control, systemd."""

import contextlib
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile

import harness
from harness import NAP_S, eventually, sleepers
from websocket_client import WebSocket


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


class Api(harness.JobTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()

    def refused(self, status, words, method, path, body=None, headers=None):
        response = self.server.request(method, path, body, headers)
        self.assertEqual(response.status, status, response.text)
        self.assertIn(words, response.text)
        self.assertEqual(response.headers["content-type"], "text/plain; charset=utf-8")
        self.assertNotIn("\n", response.text, "one sentence")
        return response

    def test_version_has_exactly_rays_keys(self):
        response = self.server.request("GET", "/api/version")
        self.assertEqual(set(response.json), {"version", "ray_version", "ray_commit", "session_name"})
        self.assertEqual((response.json["version"], response.json["ray_version"]), ("4", "2.60.0"))
        self.assertTrue(response.headers["server"].startswith("rtenv/"))

    def test_a_job_runs_from_submission_to_success(self):
        job, details = self.server.run("echo out; echo err >&2", metadata={"k": "v"}, runtime_env={"env_vars": {"A": "x"}})
        self.assertEqual(list(sorted(details)), sorted([
            "type", "job_id", "submission_id", "driver_info", "status", "entrypoint", "message", "error_type", "start_time", "end_time",
            "metadata", "runtime_env", "driver_agent_http_address", "driver_node_id", "driver_exit_code"]))
        self.assertEqual((details["status"], details["message"], details["driver_exit_code"]), ("SUCCEEDED", "Job finished successfully.", 0))
        self.assertEqual((details["metadata"], details["runtime_env"]), ({"k": "v"}, {"env_vars": {"A": "x"}}))
        self.assertGreaterEqual(details["end_time"], details["start_time"])
        self.assertEqual(self.server.logs(job).splitlines(),
                         ["Runtime env is setting up.", f"Running entrypoint for job {job}: echo out; echo err >&2", "out", "err"])

    def test_a_failed_job_reports_exit_code_and_last_output(self):
        _, details = self.server.run("echo why; exit 3")
        self.assertEqual((details["status"], details["error_type"], details["driver_exit_code"]), ("FAILED", "JOB_ENTRYPOINT_COMMAND_ERROR", 3))
        self.assertTrue(details["message"].startswith(
            "Job entrypoint command failed with exit code 3, last available logs (truncated to 20,000 chars):\n"))
        self.assertIn("why", details["message"])
        _, details = self.server.run("kill -9 $$")
        self.assertEqual(details["driver_exit_code"], -9)

    def test_the_entrypoint_gets_rays_environment_variables(self):
        job, _ = self.server.run("echo $PYTHONUNBUFFERED; echo $B; echo $RAY_JOB_CONFIG_JSON_ENV_VAR; ps -o sid= -p $$; echo $$; cat",
                                 submission_id="seen", runtime_env={"env_vars": {"B": "${HOME}/b"}}, metadata={"m": "1"})
        unbuffered, expanded, config, session, pid = self.server.output(job).split("\n")[:5]
        self.assertEqual((unbuffered, expanded, session.strip()), ("1", f"{self.work}/b", pid))
        self.assertEqual(harness.json.loads(config), {"runtime_env": {"env_vars": {"B": "${HOME}/b"}},
                                                      "metadata": {"m": "1", "job_submission_id": "seen", "job_name": "seen"}})

    def test_bad_requests_are_refused_with_a_reason(self):
        post = lambda words, body: self.refused(400, words, "POST", "/api/jobs/", body)
        post("entrypoint is missing", {})
        post("entrypoint must be a string, got a number", {"entrypoint": 1})
        post("unknown field 'x'", {"entrypoint": "a", "x": 1})
        post("parse error at line 1, column 2", b"{")
        post("it is empty", b"")
        post("must be a JSON object, got an array", [])
        post("submission_id must be", {"entrypoint": "a", "submission_id": "../x"})
        post("entrypoint_num_cpus must be from 0", {"entrypoint": "a", "entrypoint_num_cpus": -1})
        post("env_vars", {"entrypoint": "a", "runtime_env": {"env_vars": {"A": 1}}})
        post("pip", {"entrypoint": "a", "runtime_env": {"pip": ["a"], "conda": ["b"]}})
        post("gcs://_ray_pkg_0123.zip isn't on this server", {"entrypoint": "a", "runtime_env": {"working_dir": "gcs://_ray_pkg_0123.zip"}})
        self.assertEqual(self.server.request("GET", "/api/jobs/").json, [], "nothing of it was stored")

    def test_unknown_jobs_packages_and_paths_are_404(self):
        for method, path in (("GET", "/api/jobs/none"), ("GET", "/api/jobs/none/logs"), ("POST", "/api/jobs/none/stop"), ("DELETE", "/api/jobs/none"),
                             ("GET", "/api/jobs/status?job_id=none"), ("GET", "/api/jobs/logs?job_id=none")):
            self.refused(404, "does not exist", method, path)
        self.refused(404, "404: Not Found", "GET", "/api/none")
        self.refused(404, "404: Not Found", "GET", "/api/jobs/a/")
        self.refused(404, "Job ../../jobs.db does not exist", "GET", "/api/jobs/..%2f..%2fjobs.db/logs")
        self.refused(404, "404: Not Found", "GET", "/api%2fversion")
        self.refused(405, "405: Method Not Allowed", "DELETE", "/api/version")
        self.refused(405, "405: Method Not Allowed", "PUT", "/api/jobs/")
        moved = self.refused(308, "308", "GET", "/api/jobs")
        self.assertEqual(moved.headers["location"], "/api/jobs/")

    def test_concurrent_submissions_of_one_id_succeed_once(self):
        responses = []
        def submit():
            responses.append(self.server.request("POST", "/api/jobs/", {"entrypoint": "true", "submission_id": "mine"}))
        threads = [threading.Thread(target=submit) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(response.status for response in responses), [200] + [409] * 15)
        self.assertEqual({response.text for response in responses if response.status == 409},
                         {"Job with submission_id mine already exists. Please use a different submission_id."})
        self.assertEqual(len(self.server.request("GET", "/api/jobs/").json), 1)

    def test_requests_of_the_apis_first_beta_work(self):
        response = self.server.request("POST", "/api/jobs/submit", {"entrypoint": "echo hi", "runtime_env": {}, "job_id": None, "metadata": {}})
        self.assertEqual((response.status, list(response.json)), (200, ["job_id"]))
        job = response.json["job_id"]
        self.server.wait(job)
        self.assertEqual(self.server.request("GET", f"/api/jobs/status?job_id={job}").json, {"job_status": "SUCCEEDED"})
        self.assertIn("hi\n", self.server.request("GET", f"/api/jobs/logs?job_id={job}").json["logs"])
        self.refused(409, "already exists", "POST", "/api/jobs/submit", {"entrypoint": "echo hi", "job_id": job})

    def test_list_is_ordered_and_paginated(self):
        jobs = [self.server.submit("true", submission_id=name) for name in ("c", "a", "b")]
        for job in jobs:
            self.server.wait(job)
        ids = lambda query: [details["submission_id"] for details in self.server.request("GET", "/api/jobs/" + query).json]
        self.assertEqual(ids(""), jobs)
        self.assertEqual(ids("?limit=1&offset=1"), ["a"])
        self.assertEqual(ids("?status=SUCCEEDED&limit=2"), ["c", "a"])
        self.assertEqual(ids("?status=FAILED"), [])
        self.refused(400, "status must be", "GET", "/api/jobs/?status=DONE")
        self.refused(400, "limit must be", "GET", "/api/jobs/?limit=-1")

    def test_stop_ends_processes_that_left_the_session(self):
        job = self.server.submit(f"(setsid sleep {NAP_S} & setsid -f sleep {NAP_S + 1}) ; exec env -i setsid sleep {NAP_S + 2} & "
                                 f"trap '' TERM; sleep {NAP_S + 3} & wait; wait")
        self.server.wait(job, "RUNNING")
        eventually(lambda: len(sleepers()) == 4, "four sleepers")
        self.assertEqual(self.server.request("POST", f"/api/jobs/{job}/stop").json, {"stopped": True})
        details = self.server.wait(job)
        self.assertEqual((details["status"], details["message"], details["error_type"]), ("STOPPED", "Job was intentionally stopped.", None))
        self.assertEqual(sleepers(), [])
        self.assertEqual(self.server.request("POST", f"/api/jobs/{job}/stop").json, {"stopped": False})

    def test_stop_sends_sigterm_before_sigkill(self):
        job = self.server.submit("trap 'echo bye; exit 0' TERM; echo ready; while true; do sleep 0.05; done")
        eventually(lambda: "ready" in self.server.output(job))
        self.server.request("POST", f"/api/jobs/{job}/stop")
        self.assertEqual(self.server.wait(job)["status"], "STOPPED")
        self.assertIn("bye", self.server.output(job))
        job = self.server.submit("trap '' TERM; echo ready; while true; do sleep 0.05; done", runtime_env={"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "0.2"}})
        eventually(lambda: "ready\n" in self.server.output(job))
        self.server.request("POST", f"/api/jobs/{job}/stop")
        self.assertEqual(self.server.wait(job)["status"], "STOPPED")

    def test_background_processes_end_with_their_job(self):
        job, details = self.server.run(f"setsid -f sleep {NAP_S}; echo done")
        self.assertEqual(details["status"], "SUCCEEDED")
        self.assertEqual(sleepers(), [])

    def test_delete_removes_an_ended_job_and_its_log(self):
        job = self.server.submit("sleep 1000")
        self.refused(409, "but it is in a non-terminal state", "DELETE", f"/api/jobs/{job}")
        self.server.request("POST", f"/api/jobs/{job}/stop")
        self.server.wait(job)
        self.assertEqual(self.server.request("DELETE", f"/api/jobs/{job}").json, {"deleted": True})
        self.refused(404, f"Job {job} does not exist", "GET", f"/api/jobs/{job}")
        self.assertEqual(os.listdir(self.server.state / "jobs"), [])
        self.server.submit("true", submission_id=job)  # the id is free again

    def test_packages_can_be_uploaded_and_checked(self):
        data = zipped({"file": os.urandom(3_000_000)})
        name = f"_ray_pkg_{hashlib.sha1(data).hexdigest()}.zip"
        self.refused(404, f"Package gcs://{name} does not exist", "GET", f"/api/packages/gcs/{name}")
        self.assertEqual(self.server.request("PUT", f"/api/packages/gcs/{name}", data).status, 200)
        response = self.server.request("GET", f"/api/packages/gcs/{name}")
        self.assertEqual((response.status, response.body), (200, b""))
        self.refused(400, "doesn't match its name: it is _ray_pkg_", "PUT", f"/api/packages/gcs/_ray_pkg_{'0' * 40}.zip", data)
        for name in "_ray_pkg_0123456789abcdef.zip", "wheel-1.0-py3-none-any.whl":
            path = f"/api/packages/gcs/{name}"
            self.refused(400, f"{name} isn't a complete zip", "PUT", path, b"garbage")
            broken = bytearray(zipped({"file": b"x" * 1000}))
            broken[60] ^= 1
            self.refused(400, name, "PUT", path, bytes(broken))
            self.assertEqual(self.server.request("GET", path).status, 404, "garbage isn't kept")
            self.assertEqual(self.server.request("PUT", path, data).status, 200)
            self.assertEqual(self.server.request("PUT", path, data).status, 200, "the same once more")
            self.refused(409, "exists with other bytes", "PUT", path, zipped({"other": b"x"}))
        self.refused(400, "not 's3'", "PUT", "/api/packages/s3/a.zip", data)
        self.refused(400, "plain file name", "PUT", "/api/packages/gcs/..", data)
        self.refused(400, "plain file name", "PUT", "/api/packages/gcs/a%2fb.zip", data)

    def test_a_package_may_not_unpack_to_more_than_the_caches_limit(self):
        self.server.stop()
        server = self.serve(env={"RTENV_CACHE_MAX_SIZE": "20MiB"})
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", bytes(100 << 20))
        response = server.request("PUT", "/api/packages/gcs/bomb.zip", data.getvalue())
        self.assertEqual(response.status, 400)
        self.assertIn("unpacks to more than 20971520 bytes, the cache's limit", response.text)

    def test_one_request_cant_end_the_server_or_hold_up_others(self):
        deep = lambda n: "[" * n + "]" * n
        for body, words in ((f'{{"entrypoint": "x", "runtime_env": {deep(150_000)}}}', "in each other"),
                            (f'{{"entrypoint": "x", "runtime_env": {{"_ray_commit": {deep(52_000)}}}}}', "in each other"),
                            (json.dumps({"x" * 2_000_000: 1, "entrypoint": "x"}), "a name has more than"),
                            (json.dumps({"entrypoint": "x", "metadata": {"a": [0] * 1_000_000}}), "values"),
                            (json.dumps({"entrypoint": "x" * 2_000_000}), "a string has more than")):
            self.refused(400, words, "POST", "/api/jobs/", body.encode())
        self.refused(413, "the limit of this server", "POST", "/api/jobs/", b"x" * 5_000_000)
        self.assertEqual(self.server.request("GET", "/api/healthz").json, {"status": "ok"})

    def test_the_bodies_of_all_requests_have_a_limit(self):
        self.server.stop()
        server = self.serve("--max-request-memory", "3MiB")
        with contextlib.ExitStack() as unfinished:
            for _ in range(2):
                client = unfinished.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                client.sendall(b"POST /api/jobs/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_400_000)
            time.sleep(0.3)
            response = server.request("POST", "/api/jobs/", b"y" * 1_000_000)
            self.assertEqual(response.status, 429)
            self.assertIn("its limit; try again later", response.text)
        eventually(lambda: server.request("POST", "/api/jobs/", b"y" * 1_000_000).status == 400, "the memory is free again")

    def test_the_uploads_under_way_have_a_limit(self):
        self.server.stop()
        server = self.serve("--max-uploads-size", "3MiB")
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"PUT /api/packages/gcs/slow.zip HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 2_500_000)
            time.sleep(0.3)
            response = server.request("PUT", "/api/packages/gcs/b.zip", zipped({"file": os.urandom(1_000_000)}))
            self.assertEqual(response.status, 507)
            self.assertIn("the limit of this server; try again later", response.text)
        eventually(lambda: server.request("PUT", "/api/packages/gcs/b.zip", zipped({"file": os.urandom(1_000_000)})).status in (200, 409), "room again")

    def test_an_interrupted_upload_leaves_nothing(self):
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.sendall(b"PUT /api/packages/gcs/cut.zip HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000)
            eventually(lambda: list((self.work / "cache" / "tmp").glob("*/*/package")), "the upload's begin")
        eventually(lambda: not list((self.work / "cache" / "tmp").glob("*/*/package")), "the upload's end")
        self.assertEqual(self.server.request("GET", "/api/packages/gcs/cut.zip").status, 404)

    def test_an_interrupted_submission_starts_no_job(self):
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.sendall(b"POST /api/jobs/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"entrypoint\": \"true\"")
        time.sleep(0.1)
        self.assertEqual(self.server.request("GET", "/api/jobs/").json, [])


class Access(harness.JobTest):
    def test_a_public_address_requires_token_and_tls(self):
        for options, words in ((["--host", "0.0.0.0"], "a token and TLS"), (["--host", "0.0.0.0", "--token-file", self.write("t", "x")], "TLS")):
            run = self.tool("serve", "--port", 0, "--state-dir", self.work / "state", *options)
            self.assertEqual((run.returncode, run.stdout), (4, ""), run.stderr)
            self.assertIn(words, run.stderr)
        self.assertEqual(self.serve("--host", "0.0.0.0", "--insecure").request("GET", "/api/version").status, 200)

    def test_every_path_requires_the_token(self):
        (self.work / "token").write_text("secret\n")
        server = self.serve("--token-file", self.work / "token")
        proxied = {"Via": "1.1 proxy"}
        for method, path in (("GET", "/api/version"), ("POST", "/api/jobs/"), ("DELETE", "/api/jobs/x"), ("PUT", "/api/packages/gcs/a"), ("GET", "/api/rtenv/version")):
            self.assertEqual(server.request(method, path, headers=proxied).status, 401, path)
            self.assertEqual(server.request(method, path, headers={"Authorization": "Bearer wrong"}).status, 403, path)
            self.assertEqual(server.request(method, path, headers={**proxied, "Authorization": "Bearer wrong"}).status, 403, path)
        self.assertEqual(WebSocket(server.port, "/api/jobs/x/logs/tail", headers=["Via: 1.1 proxy"]).status, 401)
        self.assertEqual(server.request("GET", "/api/version").status, 200, "the server's own user needs none")
        for headers in ({"Authorization": "Bearer secret"}, {"X-Ray-Authorization": "Bearer secret"}, {"Cookie": "ray-authentication-token=secret"}):
            self.assertEqual(server.request("GET", "/api/version", headers=headers).status, 200)
        (self.work / "token").write_text("other")
        server.process.send_signal(harness.signal.SIGHUP)
        eventually(lambda: server.request("GET", "/api/version", headers={"Authorization": "Bearer other"}).status == 200, "the new token")

    def test_another_user_of_the_machine_gets_nowhere(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        server = self.serve()
        ask = ("import encodings.idna, os, socket, sys\nos.setuid(65534)\nclient = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
               "client.sendall(b'GET /api/version HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')\n"
               "print(client.makefile().read())")
        answer = subprocess.run([sys.executable, "-c", ask, str(server.port)], capture_output=True, text=True, check=True).stdout
        self.assertRegex(answer, r"(?s)^HTTP/1.1 403 .*accepts requests of the user with the id 0 and of root; this one is the user's with the id 65534.*a token file")
        self.assertEqual(server.request("GET", "/api/version").status, 200)
        self.assertEqual(server.request("GET", "/api/version", headers={"Via": ""}).status, 403)
        response = server.request("GET", "/api/version", headers={"X-Forwarded-For": "10.0.0.1"})
        self.assertEqual(response.status, 403)
        self.assertIn("comes through a proxy", response.text)

    def test_a_token_that_exists_is_required_as_by_ray(self):
        proxied = {"Via": "1.1 proxy"}
        self.write(".ray/auth_token", "from-home")
        server = self.serve()
        self.assertEqual(server.request("GET", "/api/version", headers=proxied).status, 401)
        self.assertEqual(server.request("GET", "/api/version", headers={**proxied, "Authorization": "Bearer from-home"}).status, 200)
        self.assertIn(".ray/auth_token", (self.work / "serve.log").read_text())

    def test_tokens_have_names_and_rights_and_leave_traces(self):
        self.write("tokens", "# who\nci submit first\nboard read second\n")
        server = self.serve("--token-file", self.work / "tokens")
        as_of = lambda token: {"Via": "1.1 proxy", "Authorization": f"Bearer {token}"}
        response = server.request("POST", "/api/jobs/", {"entrypoint": "true", "submission_id": "a", "runtime_env": {"env_vars": {"KEY": "topsecret"}}}, as_of("first"))
        self.assertEqual(response.status, 200)
        server.wait("a")
        self.assertIn("topsecret", server.request("GET", "/api/jobs/a", headers=as_of("first")).text)
        self.assertNotIn("topsecret", server.request("GET", "/api/jobs/a", headers=as_of("second")).text)
        self.assertEqual(server.request("DELETE", "/api/jobs/a", headers=as_of("second")).status, 403)
        self.assertEqual(server.request("DELETE", "/api/jobs/a").status, 200)
        server.stop()
        lines = [json.loads(line) for line in (server.state / "audit.log").read_text().splitlines()]
        self.assertEqual([(line["who"], line["action"], line["what"], line["from"]) for line in lines],
                         [("ci", "submit", "a", "127.0.0.1"), (f"uid:{os.geteuid()}", "delete", "a", "127.0.0.1")])

    def test_the_servers_token_is_in_no_child(self):
        server = self.serve(env={"RAY_AUTH_TOKEN": "hidden-token"})
        job = server.submit("for p in $PPID $(cut -d' ' -f4 /proc/$PPID/stat) ; do tr '\\0' '\\n' </proc/$p/environ; done; env; echo end")
        details = server.wait(job)
        self.assertEqual(details["status"], "SUCCEEDED", server.output(job))
        self.assertNotIn("hidden-token", server.output(job))
        self.assertNotIn(b"hidden-token", open(f"/proc/{server.process.pid}/environ", "rb").read())

    def test_cross_site_browser_requests_are_refused(self):
        server = self.serve()
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
                self.assertEqual(server.request(method, "/api/jobs/", headers=headers).status, 403, (method, headers))
        self.assertEqual(WebSocket(server.port, "/api/jobs/x/logs/tail", headers=["Origin: http://evil.example"]).status, 403)

    def test_env_var_values_are_hidden_from_browsers_and_logs(self):
        server = self.serve()
        job, _ = server.run("true", runtime_env={"env_vars": {"KEY": "topsecret"}})
        for path in (f"/api/jobs/{job}", "/api/jobs/"):
            self.assertIn("topsecret", server.request("GET", path).text)
            text = server.request("GET", path, headers={"User-Agent": "Mozilla/5.0"}).text
            self.assertNotIn("topsecret", text)
            self.assertIn("<redacted>", text)
        self.assertNotIn(b"topsecret", server.log_bytes(job))
        self.assertNotIn("topsecret", (self.work / "serve.log").read_text())

    def test_state_files_are_readable_by_their_owner_only(self):
        server = self.serve()
        server.run("true")
        for folder, _, names in os.walk(server.state):
            self.assertEqual(os.stat(folder).st_mode & 0o077, 0, folder)
            for name in names:
                path = os.path.join(folder, name)
                if name != "control":
                    self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def test_oversized_requests_are_refused(self):
        server = self.serve()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET /api/version HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
            self.assertIn(b" 431 ", client.recv(1000).split(b"\r\n")[0])
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"POST /api/jobs/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
            self.assertIn(b" 413 ", client.recv(1000).split(b"\r\n")[0])
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"this isn't HTTP\r\n\r\n")
            self.assertIn(b" 400 ", client.recv(1000).split(b"\r\n")[0])


class Service(harness.JobTest):
    def test_systemd_socket_activation_and_readiness(self):
        """As systemd starts a service: it passes an open socket and is notified of readiness and shutdown."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, socket.create_server(("127.0.0.1", 0)) as port:
            notifications.bind(str(self.work / "notify"))
            notifications.settimeout(harness.LIMIT_S)
            wrapper = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[2], sys.argv[2:])"
            process = subprocess.Popen([sys.executable, "-c", wrapper, str(port.fileno()), harness.RTENV, "serve", "--state-dir", self.work / "state"],
                                       pass_fds=[port.fileno()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                       env={**os.environ, "LISTEN_FDS": "1", "NOTIFY_SOCKET": str(self.work / "notify")})
            self.addCleanup(process.kill)
            self.assertEqual(notifications.recv(100), b"READY=1")
            self.assertEqual(process.stdout.readline(), f"http://127.0.0.1:{port.getsockname()[1]}\n")
            process.send_signal(harness.signal.SIGTERM)
            self.assertEqual(notifications.recv(100), b"STOPPING=1")
            self.assertEqual(process.wait(harness.LIMIT_S), 0)
            process.stdout.close()


if __name__ == "__main__":
    harness.main()
