"""Faulty networks, servers and disks: damaged data is never accepted, and nothing is left behind."""

import base64
import contextlib
import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

import servers
from tool import RTENV, RemoteTest, noise, zip_of

LARGE = noise(24 << 20)


class Faults(RemoteTest):
    def setUp(self):
        super().setUp()
        self.web = self.start(servers.files({"/large.bin": LARGE, "/job.zip": zip_of({"a": "A"})}))
        self.proxy = self.start(servers.proxy(self.web.url))
        self.environment = {"RTENV_NETWORK_TIMEOUT": "2"}
        self.large = self.proxy.url + "/large.bin"

    def gets(self):
        return [request for request in self.proxy.requests if request.method == "GET"]

    def faults(self, *faults):
        """Applies the faults to the first GET requests, one each."""
        waiting = list(faults)
        self.proxy.fault = lambda request: waiting.pop(0) if request.method == "GET" and waiting else None

    def test_a_cut_download_resumes_where_it_stopped(self):
        self.faults(servers.Fault(cut_after=1 << 20), servers.Fault(cut_after=0), servers.Fault(cut_after=3 << 20))
        self.assertEqual(self.ok("fetch", self.large).path.read_bytes(), LARGE)
        sent = sum(int(last) - int(first) + 1 for first, last in
                   (request.headers["Range"].removeprefix("bytes=").split("-") for request in self.gets()))
        # Bytes received before the cuts were not requested again.
        self.assertLess(sent, len(LARGE) + 3 * (8 << 20))
        self.assertIn((1 << 20), [int(request.headers["Range"].removeprefix("bytes=").split("-")[0]) % (8 << 20) for request in self.gets()])

    def test_a_cut_download_restarts_if_the_server_ignores_ranges(self):
        self.web.ranges = False
        self.faults(servers.Fault(cut_after=1 << 20), servers.Fault(cut_after=2 << 20))
        self.assertEqual(self.ok("fetch", self.large).path.read_bytes(), LARGE)

    def test_a_body_that_is_always_truncated_fails(self):
        self.proxy.fault = lambda request: servers.Fault(cut_after=0) if request.method == "GET" else None
        self.refused(5, "/large.bin", "fetch", self.large)
        self.assertEqual(self.entries(), [])

    def test_503_is_retried_with_backoff(self):
        self.faults(servers.Fault(status=503), servers.Fault(status=429, headers={"Retry-After": "1"}), servers.Fault(status=500))
        self.ok("fetch", self.proxy.url + "/job.zip")
        self.assertEqual(len(self.gets()), 4)

    def test_retries_are_bounded_during_an_outage(self):
        self.proxy.fault = lambda request: servers.Fault(status=503)
        self.refused(5, "503", "fetch", self.proxy.url + "/job.zip")
        self.assertLessEqual(len(self.proxy.requests), 8)

    def test_an_outage_of_some_seconds_is_waited_for(self):
        end = time.monotonic() + 5
        self.proxy.fault = lambda request: servers.Fault(status=503) if time.monotonic() < end else None
        run = self.ok("fetch", self.proxy.url + "/job.zip", env={"RTENV_NETWORK_TIMEOUT": "20"})
        self.assertIn("503; trying again for up to 20 s", run.err)

    def test_a_server_may_ask_to_wait_but_not_for_longer_than_the_timeout(self):
        self.proxy.fault = lambda request: servers.Fault(status=429, headers={"Retry-After": "60"})
        self.refused(5, "429", "fetch", self.proxy.url + "/job.zip")
        self.assertEqual(len(self.proxy.requests), 1)

    def test_a_byte_for_each_request_is_no_progress(self):
        for ranges in [True, False]:
            self.web.ranges = ranges
            self.proxy.requests.clear()
            self.proxy.fault = lambda request: servers.Fault(cut_after=1) if request.method == "GET" else None
            self.refused(5, "/large.bin", "fetch", self.large)
            self.assertLessEqual(len(self.gets()), 4 * 8)  # of each connection, five in 2 s and the pauses
        self.assertEqual(self.entries(), [])

    def test_a_transfer_that_is_too_slow_ends(self):
        self.proxy.fault = lambda request: servers.Fault(bytes_per_s=100) if request.method == "GET" else None
        self.refused(5, "slower than 1024 bytes per second for 2 s", "fetch", self.large)
        self.ok("fetch", self.proxy.url + "/job.zip", env={"RTENV_NETWORK_MIN_RATE": "10"})

    def test_an_upload_to_a_server_that_reads_nothing_ends(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            uri = f"http://127.0.0.1:{server.getsockname()[1]}/x.bin"
            for size in [1 << 20, 20 << 20]:  # sent at once and retried, and streamed
                self.refused(5, "in time", "push", self.write("x.bin", bytes(size)), uri, env={"RTENV_NETWORK_TIMEOUT": "1"})

    def test_all_requests_end_by_the_deadline(self):
        self.proxy.fault = lambda request: servers.Fault(bytes_per_s=100_000) if request.method == "GET" else None
        times = {"RTENV_NETWORK_DEADLINE": "3", "RTENV_NETWORK_TIMEOUT": "30"}
        run = self.refused(5, "took longer than 3 s", "fetch", self.large, env=times)
        self.assertIn("RTENV_NETWORK_DEADLINE", run.err)
        for variable in ["RTENV_NETWORK_DEADLINE", "RTENV_NETWORK_TIMEOUT", "RTENV_NETWORK_MIN_RATE"]:
            self.refused(2, f"{variable}: 'soon'", "fetch", self.large, env={variable: "soon"})

    def test_403_and_404_are_not_retried(self):
        for status, exit_status in [(403, 4), (404, 3)]:
            self.proxy.requests.clear()
            self.proxy.fault = lambda request, status=status: servers.Fault(status=status)
            self.refused(exit_status, str(status), "fetch", self.large)
            self.assertLessEqual(len(self.proxy.requests), 2)

    def test_a_silent_server_times_out(self):
        self.faults(servers.Fault(delay_s=3))
        begin = time.monotonic()
        self.ok("fetch", self.proxy.url + "/job.zip")
        self.assertLess(time.monotonic() - begin, 20)
        self.proxy.fault = lambda request: servers.Fault(delay_s=3)
        self.refused(5, "127.0.0.1", "fetch", self.proxy.url + "/job.zip", env={"RTENV_NETWORK_TIMEOUT": "1"})

    def test_a_wrong_content_length_is_an_error(self):
        self.web.ranges = False
        for claim, statuses in [(len(LARGE) + 5, [5]), (1 << 50, [5, 6])]:
            self.proxy.fault = lambda request, claim=claim: servers.Fault(claim=claim)
            self.assertIn(self.rtenv("fetch", self.large).status, statuses)
        self.proxy.fault = lambda request: servers.Fault(claim=len(LARGE) - 5) if request.method == "GET" else None
        self.refused(5, "changed while it was read", "fetch", self.large)
        self.assertEqual(self.entries(), [])

    def test_a_wrong_length_in_head_never_yields_wrong_bytes(self):
        self.proxy.fault = lambda request: servers.Fault(claim=100) if request.method == "HEAD" else None
        run = self.rtenv("fetch", self.large)
        self.assertIn(run.status, (0, 2, 5), run.err)
        if run.status == 0:
            self.assertEqual(run.path.read_bytes(), LARGE)

    def test_a_server_that_ignores_the_range_is_detected(self):
        hit = []
        self.proxy.fault = lambda request: servers.Fault(ignore_range=bool(hit)) if hit.append(1) or True else None
        run = self.rtenv("fetch", self.large)
        if run.status == 0:
            self.assertEqual(run.path.read_bytes(), LARGE)
        else:
            self.assertEqual(self.entries(), [])

    def test_the_sha256_pin_detects_changed_bytes(self):
        self.proxy.fault = lambda request: servers.Fault(flip=5) if request.method == "GET" else None
        self.refused(2, "pinned", "fetch", f"{self.large}#sha256={hashlib.sha256(LARGE).hexdigest()}")
        self.assertEqual(self.entries(), [])

    def test_checksums_that_a_server_offers_are_compared(self):
        reads = lambda request: request.method == "GET"
        sha256, md5 = (base64.b64encode(hashlib.new(name, LARGE).digest()).decode() for name in ["sha256", "md5"])
        for headers in [{"Repr-Digest": f"md5=:{md5}:, sha-256=:{sha256}:"}, {"Digest": f"MD5={md5}"}, {"Content-MD5": md5}]:
            with self.subTest(headers=headers):
                self.web.headers = headers
                self.assert_damage_is_noticed(self.large, LARGE, reads)

    def test_an_object_that_changes_during_the_download_is_not_mixed(self):
        after = noise(24 << 20, seed=2)

        def change(request):
            if request.method == "GET" and self.web.files["/large.bin"] is LARGE and len(self.gets()) > 1:
                self.web.files["/large.bin"] = after
            return None

        self.proxy.fault = change
        self.assertEqual(self.ok("fetch", self.large).path.read_bytes(), after)

    def test_versions_that_the_server_does_not_tell_apart_are_not_mixed(self):
        self.web.etags = False
        after = noise(24 << 20, seed=2)
        same = {"Last-Modified": "Mon, 30 Nov 2026 12:00:00 GMT", "Date": "Mon, 30 Nov 2026 12:00:00 GMT"}
        for validators in [{}, {"ETag": 'W/"same"'}, same]:
            with self.subTest(validators=validators):
                self.web.headers = validators
                self.web.files["/large.bin"] = LARGE
                self.proxy.requests.clear()

                def change(request):
                    if request.method == "GET" and self.gets():
                        self.web.files["/large.bin"] = after
                    return servers.Fault(cut_after=5 << 20) if request.method == "GET" and len(self.gets()) == 1 else None

                self.proxy.fault = change
                self.assertEqual(self.ok("fetch", self.large).path.read_bytes(), after)
                self.assertEqual({request.headers["Range"] for request in self.gets()}, {None})
                self.ok("cache", "rm", "--all", "--yes")

    def test_a_file_that_is_not_an_archive_is_refused(self):
        self.web.files["/bad.zip"] = b"no zip"
        self.refused(2, "/bad.zip", "fetch", self.proxy.url + "/bad.zip")
        for url in [self.proxy.url + "/bad.zip", f"file://{self.write('bad.zip', 'no zip')}"]:
            for words in [["fetch"], ["unpack", "--list"]]:
                self.assertNotIn(str(self.cache), self.refused(2, url, *words, url).err)
        self.ok("cache", "rm", "--all", "--yes")  # what unpack fetched
        self.web.files["/evil.zip"] = zip_of({"../evil": "x"})
        self.refused(2, "/evil.zip", "fetch", self.proxy.url + "/evil.zip")
        self.assertEqual(self.entries(), [])

    def listing_of(self, page):
        """An S3 server whose listings are the pages that `page(query)` returns."""
        server = self.start(servers.files(guard=lambda handler: (200, page(handler.path).encode(), {})))
        self.environment.update({"AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"})
        return server

    @staticmethod
    def page(entries, token=""):
        contents = "".join(f"<Contents><Key>{name}</Key><Size>1</Size></Contents>" for name in entries)
        return f"<ListBucketResult>{contents}<NextContinuationToken>{token}</NextContinuationToken></ListBucketResult>"

    def test_a_listing_without_an_end_is_noticed(self):
        for tokens in [["t"], ["t", "u", "v"]]:
            turns = iter(range(1000))
            server = self.listing_of(lambda query: self.page(["a"], tokens[next(turns) % len(tokens)]))
            run = self.rtenv("ls", "s3://bucket/")
            self.assertEqual(run.status, 2, run.err)
            self.assertIn("listing has no end", run.err)
            self.assertLess(len(server.requests), 20)

    def test_a_listing_can_be_interrupted_and_needs_no_memory(self):
        names = [f"name-{number:06}" for number in range(1000)]
        turns = iter(range(10**9))
        self.listing_of(lambda query: self.page(names, f"t{next(turns)}"))
        with open(self.work / "listed", "wb") as output:
            process = subprocess.Popen([RTENV, "ls", "s3://bucket/"], stdout=output, stderr=subprocess.PIPE, env=self.process_environment({}))
            status = pathlib.Path(f"/proc/{process.pid}/status")
            peak = lambda: next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            while (self.work / "listed").stat().st_size < 2 << 20:
                time.sleep(0.01)
            before = peak()
            while (self.work / "listed").stat().st_size < 20 << 20:
                time.sleep(0.01)
            self.assertLess(peak() - before, 4 << 10)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.communicate()
        self.assertEqual(process.returncode, 130)
        self.assertLess(time.monotonic() - begin, 1)

    def test_a_listing_that_nobody_reads_can_be_interrupted(self):
        names = [f"name-{number:06}" for number in range(1000)]
        turns = iter(range(10**9))
        server = self.listing_of(lambda query: self.page(names, f"t{next(turns)}"))
        process = self.spawn("ls", "s3://bucket/")  # fills the pipe
        while len(server.requests) < 2:
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        self.assertEqual(process.wait(10), 130)
        self.assertLess(time.monotonic() - begin, 1)
        process.communicate()

    def test_bytes_that_nobody_wants_are_not_waited_for(self):
        """The body of a refusal, and of the answer to the probe of one byte; see also http_test.cpp."""
        def trickle(handler, status, headers):
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    handler.wfile.write(b"x")
                    time.sleep(0.1)

        class Handler(servers.Quiet):
            def do_HEAD(self):
                self.respond(405)

            def do_GET(self):
                if self.path == "/refused":
                    trickle(self, 404, {"Content-Length": "100000"})
                elif self.headers.get("Range") == "bytes=0-0":
                    trickle(self, 206, {"Content-Range": "bytes 0-0/4", "Content-Length": "100000", "ETag": '"e"'})
                else:
                    self.respond(200, b"data", {"ETag": '"e"'})

        server = self.start(servers.serving(Handler))
        begin = time.monotonic()
        self.refused(3, "404", "fetch", server.url + "/refused", env={"RTENV_NETWORK_TIMEOUT": "4"})
        self.assertEqual(self.ok("fetch", server.url + "/probed").path.read_bytes(), b"data")
        self.assertLess(time.monotonic() - begin, 8)

    def test_what_cannot_change_is_not_tried_again(self):
        loop = self.start(servers.files(guard=lambda handler: (302, b"", {"Location": "/again"})))
        elsewhere = self.start(servers.files(guard=lambda handler: (302, b"", {"Location": "ftp://host/x"})))
        begin = time.monotonic()
        env = {"RTENV_NETWORK_TIMEOUT": "30"}
        self.refused(2, "more than 10 times", "fetch", loop.url + "/x", env=env)
        self.refused(2, "isn't an http URL", "fetch", elsewhere.url + "/x", env=env)
        self.refused(2, "there is no host", "fetch", f"http://{'x' * 70}.example/x", env=env)
        self.refused(2, "can't be read", "fetch", loop.url.replace("http:", "https:") + "/x", env=env)
        self.assertLess(time.monotonic() - begin, 15)

    def test_an_interrupted_fetch_leaves_nothing(self):
        self.proxy.fault = lambda request: servers.Fault(delay_s=30) if request.method == "GET" else None
        process = self.spawn("fetch", self.large, env={"RTENV_NETWORK_TIMEOUT": "60"})
        while not self.gets():
            time.sleep(0.01)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.result(process).status, 130)
        self.assertLess(time.monotonic() - begin, 5)
        self.assert_nothing_incomplete()

    def test_a_killed_fetch_leaves_nothing(self):
        self.proxy.fault = lambda request: servers.Fault(delay_s=2) if request.method == "GET" else None
        process = self.spawn("fetch", self.large)
        while not self.gets():
            time.sleep(0.01)
        process.kill()
        process.communicate()
        self.proxy.fault = lambda request: None
        self.assertEqual(self.ok("fetch", self.large).path.read_bytes(), LARGE)
        self.assertEqual(len(self.entries()), 1)

    def test_a_full_disk_is_reported_and_leaves_nothing(self):
        mounted = self.work / "small"
        mounted.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mounted], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("a small file system can be mounted by root alone")
        try:
            self.cache = mounted / "cache"
            for ranges in [True, False]:
                self.web.ranges = ranges
                self.refused(6, "No space left on device", "fetch", self.large)
                self.assertEqual(self.entries(), [])
            self.refused(6, "No space left", "push", self.job(size=16 << 20), f"file://{mounted}/job.zip", "--compress", "store")
            self.assertEqual([path.name for path in mounted.iterdir()], ["cache"])
            self.ok("fetch", self.proxy.url + "/job.zip")
        finally:
            subprocess.run(["umount", "-l", mounted], check=True)

    def test_memory_does_not_grow_with_the_object(self):
        peaks = []
        for size in [1 << 20, 200 << 20]:
            path = f"/{size}.bin"
            self.web.files[path] = bytes(size)
            command = ["/usr/bin/env", "python3", "-c", "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
                       "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                       os.environ["RTENV"], "fetch", self.web.url + path]
            peaks.append(int(subprocess.run(command, env=self.process_environment({}), stdout=subprocess.PIPE, check=True).stdout) << 10)
        self.assertLess(peaks[1], 100 << 20)


if __name__ == "__main__":
    unittest.main()
