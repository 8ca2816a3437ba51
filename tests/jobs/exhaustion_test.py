"""What runs out: the disk, descriptors, places for set-ups, a job's time. No job is lost, and others go on."""

import contextlib
import os
import socket
import subprocess
import time

import harness
from harness import NAP_S, eventually, sleepers


class Exhaustion(harness.JobTest):
    def small_state(self):
        """The server's state folder, on a disk of 3 MB."""
        state = self.work / "state"
        state.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", state], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "-l", state], check=False)
        return state

    @staticmethod
    def fill(folder):
        """The disk, by a file named filler."""
        with open(folder / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(1024))

    def test_a_job_has_a_time_limit(self):
        self.server = self.serve()
        job, details = self.server.run(f"trap 'echo bye; exit 0' TERM; echo begun; sleep {NAP_S} & wait; sleep 0.1",
                                       runtime_env={"config": {"run_timeout_seconds": 1}})
        self.assertEqual((details["status"], details["error_type"]), ("FAILED", "JOB_ENTRYPOINT_COMMAND_ERROR"))
        self.assertIn("longer than 1 s (config.run_timeout_seconds)", details["message"])
        self.assertIn("bye", self.server.output(job))
        self.assertEqual(sleepers(), [])

    def test_set_ups_that_hang_dont_hold_up_other_jobs(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as silent:
            self.server = self.serve("--max-setups", 2)
            hanging = [self.server.submit("true", runtime_env={"working_dir": f"http://127.0.0.1:{silent.getsockname()[1]}/{i}.zip"})
                       for i in range(12)]
            job, details = self.server.run("echo hi")
            self.assertEqual(details["status"], "SUCCEEDED")
            for each in hanging:
                self.server.request("POST", f"/api/jobs/{each}/stop")
            for each in hanging:
                self.assertEqual(self.server.wait(each)["status"], "STOPPED")

    def test_idle_connections_leave_descriptors_to_jobs(self):
        self.server = self.serve(limits="ulimit -n 100")
        with contextlib.ExitStack() as idle:
            for _ in range(110):
                client = idle.enter_context(contextlib.closing(socket.socket()))
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", self.server.port))
            job, details = self.server.run("ulimit -n; echo ran")
            self.assertEqual((details["status"], self.server.output(job)), ("SUCCEEDED", "100\nran\n"), details)

    def test_a_job_has_the_servers_own_limit_of_descriptors(self):
        self.server = self.serve(limits="ulimit -Sn 300")
        job, _ = self.server.run("ulimit -Sn")
        self.assertEqual(self.server.output(job), "300\n")

    def test_a_start_that_cant_be_stored_waits_for_room(self):
        state = self.small_state()
        self.server = self.serve("--num-cpus", 1)
        first = self.server.submit(f"while [ ! -e {self.work}/go ]; do sleep 0.05; done", entrypoint_num_cpus=1)
        jobs = [self.server.submit(f"echo {i} >>{self.work}/ran", entrypoint_num_cpus=1) for i in range(3)]
        self.server.wait(first, "RUNNING")
        self.fill(state)
        (self.work / "go").write_text("")
        time.sleep(1.5)
        self.assertEqual(self.server.process.poll(), None)
        (state / "filler").unlink()
        for job in [first, *jobs]:
            self.assertEqual(self.server.wait(job)["status"], "SUCCEEDED", job)
        self.assertEqual((self.work / "ran").read_text(), "0\n1\n2\n")

    def test_ended_jobs_are_removed_from_a_full_disk(self):
        """Also if the store can't grow."""
        state = self.small_state()
        self.server = self.serve()
        jobs = [self.server.run("head -c 60000 /dev/urandom")[0] for _ in range(12)]
        self.fill(state)
        for job in jobs:
            self.assertEqual(self.server.request("DELETE", f"/api/jobs/{job}").status, 200, job)
        self.assertEqual(os.listdir(state / "jobs"), [])

    def test_an_end_on_a_full_disk_is_kept_for_the_next_server(self):
        state = self.small_state()
        self.server = self.serve()
        job = self.server.submit(f"while [ ! -e {self.work}/go ]; do sleep 0.05; done; echo done >{self.work}/done; exit 7")
        self.server.wait(job, "RUNNING")
        self.server.kill()
        self.fill(state)
        (self.work / "go").write_text("")
        eventually((self.work / "done").exists)
        time.sleep(0.3)
        (state / "filler").unlink()
        self.server.start()
        details = self.server.wait(job)
        self.assertEqual((details["status"], details["driver_exit_code"]), ("FAILED", 7), details)

    def test_a_full_disk_loses_output_but_not_the_job(self):
        self.small_state()
        self.server = self.serve()
        job, details = self.server.run(f"head -c 10000000 /dev/zero; echo x > {self.work}/went-on")
        self.assertEqual((self.work / "went-on").read_text(), "x\n")
        self.assertEqual(details["status"], "SUCCEEDED", details)
        self.assertRegex(details["message"], r"\(\d+ bytes of its output couldn't be written to the log: No space left on device\)")


if __name__ == "__main__":
    harness.main()
