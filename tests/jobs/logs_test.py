"""The logs of jobs over plain HTTP and websockets: exact bytes, followers, limits."""

import os
import threading
import time

import harness
from websocket_client import WebSocket


class Logs(harness.JobTest):
    BYTES = b"plain\n\xff\xfe\xe2\x82 \xf0\x9f\x98\x80 \xc3\xbc\r\x00\x1b[1m\ncut \xe2\x82"

    def setUp(self):
        super().setUp()
        self.server = self.serve()
        (self.work / "bytes").write_bytes(self.BYTES)

    def tail(self, job, query="", **more):
        socket_ = WebSocket(self.server.port, f"/api/jobs/{job}/logs/tail{query}", **more)
        self.assertEqual(socket_.status, 101)
        return socket_.everything()

    def test_logs_can_contain_any_bytes(self):
        job, _ = self.server.run(f"cat {self.work}/bytes")
        log = self.server.log_bytes(job)
        self.assertTrue(log.endswith(self.BYTES))
        text = log.decode("utf-8", "replace")
        self.assertEqual(self.server.logs(job), text)
        data, code = self.tail(job)
        self.assertEqual((data.decode(), code), (text, 1000))
        self.assertEqual(self.tail(job, "?raw=1"), (log, 1000))

    def test_logs_from_an_offset_and_the_last_lines(self):
        job, _ = self.server.run("seq 5")
        log = self.server.log_bytes(job)
        get = lambda query: self.server.request("GET", f"/api/jobs/{job}/logs{query}").json["logs"]
        self.assertEqual(get("?tail_lines=2"), "4\n5\n")
        self.assertEqual(get("?offset=10").encode(), log[10:])
        self.assertEqual(get("?offset=100000"), "")
        self.assertEqual(self.tail(job, "?raw=1&offset=10"), (log[10:], 1000))

    def test_followers_get_every_byte_as_it_is_written(self):
        job = self.server.submit("for i in $(seq 200); do echo line $i; sleep 0.005; done")
        got = []
        threads = [threading.Thread(target=lambda: got.append(self.tail(job, "?raw=1"))) for _ in range(8)]
        for thread in threads:
            thread.start()
            time.sleep(0.05)
        for thread in threads:
            thread.join()
        self.assertEqual(set(got), {(self.server.log_bytes(job), 1000)})

    def test_the_log_websocket_closes_when_the_job_ends(self):
        job = self.server.submit("echo last")
        _, code = self.tail(job)
        self.assertEqual((code, self.server.status(job)), (1000, "SUCCEEDED"))

    def test_the_log_websocket_of_a_queued_job_closes_when_it_is_stopped(self):
        server = self.server
        first = server.submit("sleep 1000", entrypoint_num_cpus=os.cpu_count())
        second = server.submit("echo never", entrypoint_num_cpus=1)
        threading.Timer(0.2, lambda: server.request("POST", f"/api/jobs/{second}/stop")).start()
        self.assertEqual(self.tail(second), (b"", 1000))
        server.request("POST", f"/api/jobs/{first}/stop")

    def test_a_slow_or_disconnected_follower_does_not_affect_others(self):
        job = self.server.submit("head -c 30000000 /dev/zero | tr '\\0' 'x'; sleep 0.3")
        slow = WebSocket(self.server.port, f"/api/jobs/{job}/logs/tail?raw=1")
        gone = WebSocket(self.server.port, f"/api/jobs/{job}/logs/tail?raw=1")
        gone.close()
        data, code = self.tail(job, "?raw=1")
        self.assertEqual((data, code), (self.server.log_bytes(job), 1000))
        time.sleep(0.2)
        self.assertEqual(slow.everything(), (data, 1000))

    def test_following_an_unknown_job_fails_at_the_handshake(self):
        self.assertEqual(WebSocket(self.server.port, "/api/jobs/none/logs/tail").status, 404)

    def test_a_large_log_is_sent_in_chunks(self):
        job, _ = self.server.run("seq 200000")
        self.assertEqual(self.server.logs(job).encode(), self.server.log_bytes(job))
        self.assertEqual(self.server.request("GET", f"/api/jobs/{job}/logs").headers["transfer-encoding"], "chunked")

    def test_a_log_over_its_size_limit_drops_its_middle(self):
        self.server.stop()
        server = self.serve("--max-log-size", "1MiB")
        job, _ = server.run("seq 1000000")
        log = server.log_bytes(job)
        if os.stat(server.folder(job) / "log").st_blocks * 512 > 3 << 20:
            self.skipTest("this file system makes no holes")
        logs = server.logs(job)
        self.assertIn("bytes are omitted here: the log exceeds its size limit", logs)
        self.assertTrue(logs.endswith("\n999999\n1000000\n"))
        self.assertIn("Running entrypoint", logs[:100])
        self.server = server
        self.assertEqual(self.tail(job)[0].decode(), logs)
        self.assertLess(len(logs), 1 << 21)
        self.assertGreater(len(log), 6_000_000)


if __name__ == "__main__":
    harness.main()
