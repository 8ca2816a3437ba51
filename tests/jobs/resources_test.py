"""Queueing by CPUs and GPUs, limits of jobs, eviction of packages, expiry of ended jobs."""

import io
import json
import os
import subprocess
import zipfile

import harness
from harness import NAP_S, eventually, processes_with


class Resources(harness.JobTest):
    def test_unsatisfiable_resources_fail_at_once(self):
        server = self.serve("--num-cpus", 2)
        details = server.wait(server.submit("true", entrypoint_num_cpus=3))
        self.assertEqual((details["status"], details["error_type"]), ("FAILED", "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE"))
        self.assertIn("waiting for resources", details["message"])
        self.assertIn("it requests 3 CPU, this machine has 2", details["message"])

    def test_jobs_wait_for_cpus_in_order(self):
        server = self.serve("--num-cpus", 1)
        jobs = [server.submit(f"echo {i} >> {self.work}/order", entrypoint_num_cpus=1) for i in range(20)]
        for job in jobs:
            self.assertEqual(server.wait(job)["status"], "SUCCEEDED")
        self.assertEqual((self.work / "order").read_text().split(), [str(i) for i in range(20)])

    def test_a_queued_job_is_pending_and_can_be_stopped(self):
        server = self.serve("--num-cpus", 1)
        first = server.submit("sleep 1000", entrypoint_num_cpus=1)
        second = server.submit("echo never", entrypoint_num_cpus=1)
        details = server.details(second)
        self.assertEqual((details["status"], details["driver_node_id"]), ("PENDING", None))
        self.assertEqual(details["message"], "Job has not started yet. It is waiting for resources; 0 jobs are before it.")
        self.assertEqual(server.request("POST", f"/api/jobs/{second}/stop").json, {"stopped": True})
        self.assertEqual(server.wait(second)["status"], "STOPPED")
        server.request("POST", f"/api/jobs/{first}/stop")

    def test_setting_up_reserves_no_cpus(self):
        server = self.serve("--num-cpus", 1)
        self.write("slow/setup.py", "import time; time.sleep(1000)")
        slow = server.submit("true", entrypoint_num_cpus=1, runtime_env={"uv": [f"{self.work}/slow"]})
        _, details = server.run("true", entrypoint_num_cpus=1)
        self.assertEqual(details["status"], "SUCCEEDED")
        self.assertEqual(server.status(slow), "PENDING")
        self.assertIn("Its runtime environment is being set up.", server.details(slow)["message"])
        server.request("POST", f"/api/jobs/{slow}/stop")
        self.assertEqual(server.wait(slow)["status"], "STOPPED")
        eventually(lambda: not processes_with(f"{self.work}/slow"), "the end of the installer")

    def test_concurrent_jobs_get_distinct_gpus(self):
        server = self.serve("--num-gpus", 2)
        jobs = [server.submit("echo $CUDA_VISIBLE_DEVICES; sleep 0.3", entrypoint_num_gpus=1) for _ in range(2)]
        for job in jobs:
            server.wait(job)
        self.assertEqual({server.output(job).strip() for job in jobs}, {"0", "1"})
        none, _ = server.run("echo \"<$CUDA_VISIBLE_DEVICES>\"", entrypoint_num_gpus=0)
        self.assertEqual(server.output(none), "<>\n")

    def test_a_full_queue_refuses_submissions(self):
        server = self.serve("--num-cpus", 1, "--max-queued", 2)
        server.submit("sleep 1000", submission_id="first", entrypoint_num_cpus=1)
        for _ in range(2):
            server.submit("true", entrypoint_num_cpus=1)
        response = server.request("POST", "/api/jobs/", {"entrypoint": "true", "entrypoint_num_cpus": 1})
        self.assertEqual(response.status, 429)
        self.assertIn("2 jobs are already waiting", response.text)
        server.request("POST", "/api/jobs/first/stop")

    def test_process_memory_and_file_limits_are_enforced(self):
        server = self.serve("--max-open-files", 50, "--max-processes", 40)
        job, _ = server.run("ulimit -n; ulimit -d", entrypoint_memory=64 << 20)
        self.assertEqual(server.output(job).split(), ["50", str(64 << 10)])
        job, details = server.run("python3 -c 'x = bytearray(200 << 20)'", entrypoint_memory=64 << 20)
        self.assertEqual(details["status"], "FAILED")
        self.assertIn("MemoryError", server.output(job))
        job, details = server.run("bomb() { [ $1 -eq 0 ] || { bomb $(($1 - 1)) & bomb $(($1 - 1)) & }; sleep 1000; }; bomb 9")  # at most 1,023
        self.assertEqual(details["status"], "FAILED")
        self.assertIn("the job exceeded its limit of 40 processes", server.logs(job))
        self.assertEqual(processes_with(f"RTENV_JOB={job}"), [])
        job, details = server.run("ulimit -n; for i in 1 2 3 4 5 6; do sleep 1000 & done; wait",
                                  runtime_env={"config": {"max_processes": 5, "max_open_files": 30}})
        self.assertEqual((details["status"], server.output(job).split()[0]), ("FAILED", "30"))
        self.assertIn("the job exceeded its limit of 5 processes", server.logs(job))
        job, _ = server.run("ulimit -n", runtime_env={"config": {"max_open_files": 100_000}})
        self.assertEqual(server.output(job).split(), ["50"], "the server's own limit")

    def test_a_package_beyond_the_cache_limit_is_evicted_when_its_job_ends(self):
        server = self.serve(env={"RTENV_CACHE_MAX_SIZE": "700KiB"})
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as package:
            package.writestr("data.bin", os.urandom(600_000))
        name = "_ray_pkg_0123456789abcdef.zip"
        self.assertEqual(server.request("PUT", f"/api/packages/gcs/{name}", data.getvalue()).status, 200)
        job = server.submit(f"sleep {NAP_S}", runtime_env={"working_dir": f"gcs://{name}"})
        server.wait(job, "RUNNING")
        cache = lambda *words: subprocess.run([harness.RTENV, "cache", *words], env=server.environment(), check=True,
                                              capture_output=True, text=True).stdout
        [package] = [entry for entry in map(json.loads, cache("ls", "--json").splitlines()) if entry["kind"] == "file"]
        cache("unpin", package["key"], "--name", "uploaded")
        server.request("POST", f"/api/jobs/{job}/stop")
        server.wait(job)
        size = lambda: sum(json.loads(entry)["size_bytes"] for entry in cache("ls", "--json").splitlines())
        eventually(lambda: size() <= 700 << 10, "the eviction")

    def test_jobs_use_the_cache_that_an_option_names(self):
        other = self.work / "other-cache"
        server = self.serve("--cache-dir", other)
        self.write("dir/file", "x")
        job, details = server.run("cat file", runtime_env={"working_dir": f"file://{self.zipped('dir')}"})
        self.assertEqual(details["status"], "SUCCEEDED", details)
        self.assertTrue(list((other / "trees").iterdir()))
        self.assertFalse((self.work / "cache").exists())

    def zipped(self, folder):
        import shutil
        return shutil.make_archive(str(self.work / folder), "zip", self.work / folder)

    def test_ended_jobs_are_deleted_after_the_ttl(self):
        server = self.serve("--job-ttl", "1s")
        job, _ = server.run("true")
        eventually(lambda: server.request("GET", f"/api/jobs/{job}").status == 404, "its end")
        eventually(lambda: os.listdir(server.state / "jobs") == [], "its log's end")


if __name__ == "__main__":
    harness.main()
