"""What goes wrong: the server, a supervisor or its guardian killed. No job lost, none run twice, no byte missing, no process
left."""

import contextlib
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time

import harness
from harness import NAP_S, eventually, processes_with, sleepers

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "12"))  # by hand: 50
JOBS = int(os.environ.get("FAULT_JOBS", "60"))  # by hand: 200


class Faults(harness.JobTest):
    def supervisors(self, job):
        """The process ids [guardian, supervisor]: both have the same command line, and the guardian is the parent."""
        found = processes_with(f"supervise\0{self.server.folder(job)}\0")
        parent = lambda pid: int((pathlib.Path("/proc") / str(pid) / "stat").read_text().rsplit(") ", 1)[1].split()[1])
        return sorted(found, key=lambda pid: parent(pid) in found)

    def test_a_killed_server_loses_nothing(self):
        """The server is killed at random times while clients submit and jobs run; every job runs once and its log is complete."""
        self.server = self.serve("--num-cpus", 2, port=self.free_port())
        statuses, lock = {}, threading.Lock()
        over, ended = threading.Event(), threading.Event()
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)

        def submit(number):
            job = f"job-{number}"
            body = {"entrypoint": f"echo {number} >> {self.work}/ran; for i in 1 2 3 4 5; do echo line $i; sleep 0.02; done; echo end",
                    "submission_id": job, "entrypoint_num_cpus": 0.25 if number % 2 else None,
                    "runtime_env": {"env_vars": {"N": str(number)}} if number % 3 == 0 else None}
            while True:
                try:
                    response = self.server.request("POST", "/api/jobs/", body)
                except OSError:
                    if ended.is_set() and not over.is_set():
                        return
                    time.sleep(0.02)
                    continue
                except Exception:  # a response that was cut off
                    continue
                # 409: an earlier attempt was accepted, but its response was lost.
                self.assertIn(response.status, (200, 409), response.text)
                with lock:
                    statuses[job] = response.status
                return

        def client(first):
            for number in range(first, JOBS, 4):
                submit(number)

        def killer():
            try:
                for _ in range(ROUNDS):
                    time.sleep(dice.uniform(0.01, 0.25))
                    self.server.kill()
                    self.server.start()
                over.set()
            finally:
                ended.set()  # if the server didn't start again, the clients give up

        threads = [threading.Thread(target=client, args=(first,)) for first in range(4)] + [threading.Thread(target=killer)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue(over.is_set())
        self.assertEqual(len(statuses), JOBS)
        for job in statuses:
            details = self.server.wait(job)
            self.assertEqual(details["status"], "SUCCEEDED", details)
            self.assertEqual(self.server.output(job), "".join(f"line {i}\n" for i in range(1, 6)) + "end\n", job)
        ran = (self.work / "ran").read_text().split()
        self.assertEqual(sorted(ran, key=int), [str(number) for number in range(JOBS)])
        eventually(lambda: not processes_with(f"supervise\0{self.server.state}"), "the end of all supervisors")

    @staticmethod
    def free_port():
        """A port below the ephemeral range: a client that retries while no server runs could connect to itself otherwise."""
        while True:
            with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
                port = random.randrange(20000, 30000)
                probe.bind(("127.0.0.1", port))
                return port

    def begin(self, entrypoint=f"setsid -f sleep {NAP_S}; env -i setsid sleep {NAP_S + 1} & echo begun; sleep {NAP_S + 2}"):
        job = self.server.submit(entrypoint)
        eventually(lambda: "begun" in self.server.output(job))
        eventually(lambda: len(sleepers()) == 3, "the job's processes")
        return job

    def died(self, job):
        details = self.server.wait(job)
        self.assertEqual((details["status"], details["error_type"]), ("FAILED", "JOB_SUPERVISOR_ACTOR_DIED"), details)
        eventually(lambda: not sleepers(), "the end of its processes", 5)

    def test_killing_the_supervisor_ends_the_whole_job(self):
        self.server = self.serve()
        job = self.begin()
        os.kill(self.supervisors(job)[1], signal.SIGKILL)
        self.died(job)

    def test_killing_the_guardian_ends_the_whole_job(self):
        self.server = self.serve()
        job = self.begin()
        os.kill(self.supervisors(job)[0], signal.SIGKILL)
        self.died(job)

    def test_killing_both_at_once_ends_the_whole_job(self):
        self.server = self.serve()
        job = self.begin(f"env -i sleep {NAP_S} & setsid sleep {NAP_S + 1} & echo begun; exec env -i sleep {NAP_S + 2}")
        for pid in self.supervisors(job):
            os.kill(pid, signal.SIGSTOP)
        for pid in self.supervisors(job):
            os.kill(pid, signal.SIGKILL)
        self.died(job)

    def test_a_supervisor_can_die_while_no_server_runs(self):
        self.server = self.serve()
        job = self.begin()
        self.server.kill()
        os.kill(self.supervisors(job)[1], signal.SIGKILL)
        eventually(lambda: not sleepers(), "the end of its processes")
        self.server.start()
        self.died(job)

    def test_jobs_continue_while_no_server_runs(self):
        self.server = self.serve("--num-cpus", 1, "--num-gpus", 1)
        running = self.server.submit("sleep 0.5; echo end", entrypoint_num_cpus=1, entrypoint_num_gpus=1)
        stoppable = self.server.submit("sleep 1000", submission_id="stoppable")
        waiting = self.server.submit("echo waited", entrypoint_num_cpus=1)
        self.server.wait(running, "RUNNING")
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.assertEqual(self.server.status(waiting), "PENDING", "the CPU is taken, still")
        self.assertEqual(self.server.wait(running)["status"], "SUCCEEDED")
        self.assertEqual(self.server.output(running), "end\n")
        self.assertEqual(self.server.wait(waiting)["status"], "SUCCEEDED")
        self.server.kill()
        time.sleep(0.1)
        self.server.start()
        self.assertEqual(self.server.request("POST", f"/api/jobs/{stoppable}/stop").json, {"stopped": True})
        self.assertEqual(self.server.wait(stoppable)["status"], "STOPPED")

    def test_a_job_with_an_unreadable_state_never_runs_again(self):
        self.server = self.serve()
        job = self.server.submit(f"echo ran >>{self.work}/ran; sleep {NAP_S}")
        eventually(lambda: (self.work / "ran").exists(), "the job runs")
        self.server.kill()
        for pid in self.supervisors(job):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self.supervisors(job), "its supervisors have ended")
        (self.server.folder(job) / "state").write_text("garbage")
        self.server.start()
        details = self.server.wait(job)
        self.assertEqual(details["status"], "FAILED")
        self.assertIn("it isn't run again", details["message"])
        self.assertEqual((self.work / "ran").read_text(), "ran\n")
        self.assertEqual(sleepers(), [])

    def test_a_folder_without_a_job_is_removed_and_believed_by_nobody(self):
        """As if the server had been killed between the removal of the row and that of the folder."""
        self.server = self.serve()
        job = self.server.submit("echo first", submission_id="same")
        self.server.wait(job)
        folder = self.server.folder(job)
        self.server.stop()
        kept = folder.with_name(folder.name[::-1])
        folder.rename(kept)
        foreign = folder.with_name("thesis")
        foreign.mkdir()
        self.server.start()
        eventually(lambda: not kept.exists(), "the folder without a job is removed")
        self.assertTrue(foreign.exists(), "no server has made it")
        self.server.request("DELETE", f"/api/jobs/{job}")
        self.server.submit("echo second", submission_id="same")
        self.assertEqual(self.server.wait(job)["status"], "SUCCEEDED")
        self.assertEqual(self.server.output(job), "second\n")
        self.assertNotEqual(self.server.folder(job), folder)

    def test_two_servers_with_equal_ids_dont_mix_up_their_jobs(self):
        one, other = self.serve(), harness.Server(self.write("other/x", "").parent)
        self.addCleanup(other.stop)
        for server in one, other:
            server.submit(f"sleep {NAP_S}", submission_id="nightly")
        eventually(lambda: len(sleepers()) == 2, "both run")
        self.server = one
        for pid in self.supervisors("nightly"):
            os.kill(pid, signal.SIGSTOP)
        for pid in self.supervisors("nightly"):
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(one.wait("nightly")["status"], "FAILED")
        self.assertEqual(len(sleepers()), 1, "the other server's job goes on")
        self.assertEqual(other.status("nightly"), "RUNNING")
        other.request("POST", "/api/jobs/nightly/stop?now=1")
        other.wait("nightly")

    def stopped_supervisor(self, job):
        """The server is killed, and the job's supervisor doesn't answer the next one."""
        self.server.kill()
        pids = self.supervisors(job)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            self.addCleanup(lambda pid=pid: os.kill(pid, signal.SIGCONT) if pathlib.Path(f"/proc/{pid}").exists() else None)
        (self.server.folder(job) / "control").unlink()  # connecting fails, as before it listens
        return pids

    def test_taking_over_waits_for_as_long_as_a_supervisor_lives(self):
        self.server = self.serve("--num-gpus", 1)
        first = self.server.submit(f"echo begun; sleep {NAP_S}", entrypoint_num_gpus=1)
        eventually(lambda: "begun" in self.server.output(first))
        self.stopped_supervisor(first)
        self.server.start()
        second = self.server.submit("echo $CUDA_VISIBLE_DEVICES", entrypoint_num_gpus=1)
        time.sleep(1)
        self.assertEqual(self.server.status(second), "PENDING", "the GPU is the first one's")
        self.assertEqual(self.server.status(first), "RUNNING")
        self.assertEqual(self.server.request("POST", f"/api/jobs/{first}/stop").json, {"stopped": True})
        self.assertEqual(self.server.status(first), "RUNNING", "it is remembered")
        for pid in self.supervisors(first):
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.server.wait(first)["status"], "FAILED", "it was killed before it could be told")
        self.assertEqual(self.server.wait(second)["status"], "SUCCEEDED")
        self.assertEqual(self.server.output(second), "0\n")

    def test_a_stop_is_kept_until_the_supervisor_can_be_told(self):
        self.server = self.serve()
        job = self.server.submit(f"echo begun; sleep {NAP_S}")
        eventually(lambda: "begun" in self.server.output(job))
        self.server.kill()
        control = self.server.folder(job) / "control"
        control.rename(control.with_name("away"))
        self.server.start()
        self.assertEqual(self.server.request("POST", f"/api/jobs/{job}/stop").json, {"stopped": True})
        time.sleep(0.3)
        self.assertEqual(self.server.status(job), "RUNNING")
        control.with_name("away").rename(control)
        self.assertEqual(self.server.wait(job)["status"], "STOPPED")
        self.assertEqual(sleepers(), [])

    def test_a_stop_can_be_hurried(self):
        self.server = self.serve()
        job = self.server.submit("trap '' TERM; echo begun; while true; do sleep 0.05; done",
                                 runtime_env={"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "900000"}})
        eventually(lambda: "begun" in self.server.output(job))
        self.server.request("POST", f"/api/jobs/{job}/stop")
        time.sleep(0.2)
        self.assertEqual(self.server.status(job), "RUNNING")
        self.server.request("POST", f"/api/jobs/{job}/stop?now=1")
        self.assertEqual(self.server.wait(job)["status"], "STOPPED")

    def test_an_acknowledged_stop_is_remembered_by_the_next_server(self):
        self.server = self.serve("--num-cpus", 1)
        running = self.server.submit(f"sleep {NAP_S}", entrypoint_num_cpus=1)
        jobs = [self.server.submit(f"echo {i} >>{self.work}/ran", entrypoint_num_cpus=1) for i in range(10)]
        for job in jobs:
            self.assertEqual(self.server.request("POST", f"/api/jobs/{job}/stop").json, {"stopped": True})
        self.server.kill()
        self.server.start()
        self.server.request("POST", f"/api/jobs/{running}/stop?now=1")
        for job in jobs:
            self.assertEqual(self.server.wait(job)["status"], "STOPPED")
        self.assertFalse((self.work / "ran").exists())

    def test_a_server_on_a_copied_state_leaves_the_originals_jobs_alone(self):
        self.server = self.serve()
        job = self.server.submit(f"sleep {NAP_S}")
        eventually(lambda: len(sleepers()) == 1, "it runs")
        copy = self.write("copy/x", "").parent
        subprocess.run(["cp", "-a", self.server.state, copy / "state"], check=True)
        other = harness.Server(copy)
        self.addCleanup(other.stop)
        self.assertEqual(other.wait(job)["status"], "FAILED", "it isn't the copy's")
        self.assertEqual(len(sleepers()), 1)
        self.assertEqual(self.server.status(job), "RUNNING")

    def test_shutting_down_under_load_is_orderly(self):
        for _ in range(3):
            self.server = self.serve()
            job = self.server.submit("head -c 3000000 /dev/zero | tr '\\0' 'a'")
            self.server.wait(job)
            over = threading.Event()

            def load(path, body):
                while not over.is_set():
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        self.server.request("POST" if body else "GET", path, body)

            threads = [threading.Thread(target=load, args=arguments) for arguments in
                       ((f"/api/jobs/{job}/logs?tail_lines=5", None), (f"/api/jobs/{job}/logs", None), ("/api/jobs/", None),
                        ("/api/jobs/", {"entrypoint": "true", "metadata": {"a": "x" * 500_000}}))]
            for thread in threads:
                thread.start()
            time.sleep(0.3)
            self.assertEqual(self.server.stop(), 0)
            over.set()
            for thread in threads:
                thread.join()

    def test_a_pin_without_a_job_is_released_at_the_next_start(self):
        """As if the server had been killed between pinning a job's package and storing the job."""
        self.server = self.serve()
        package = self.upload()
        job = self.server.submit(f"sleep {NAP_S}", runtime_env={"working_dir": package})
        self.server.wait(job, "RUNNING")
        cache = lambda *words: subprocess.run([harness.RTENV, "cache", *words], env=self.server.environment(), check=True, capture_output=True, text=True).stdout
        pins = lambda: [pin["name"] for line in cache("ls", "--json").splitlines() for pin in json.loads(line)["pins"] if pin["name"].startswith("job ")]
        [own] = pins()
        [key] = [entry["key"] for entry in map(json.loads, cache("ls", "--json").splitlines()) if entry["kind"] == "file"]
        lost, others = own.rsplit(" ", 1)[0] + " 0123", "job 0123456789abcdef-1 0123"
        for name in lost, others:
            cache("pin", key, "--name", name)
        self.server.kill()
        self.server.start()
        eventually(lambda: lost not in pins(), "the release")
        self.assertEqual(sorted(pins()), sorted([own, others]), "those of running jobs and of other servers stay")
        self.server.request("POST", f"/api/jobs/{job}/stop?now=1")
        eventually(lambda: pins() == [others], "the release at the end")

    def test_a_job_that_is_deleted_at_once_leaves_nothing(self):
        self.server = self.serve()
        for _ in range(5):
            job, _ = self.server.run("true")
            self.assertEqual(self.server.request("DELETE", f"/api/jobs/{job}").status, 200)
        self.assertEqual(os.listdir(self.server.state / "jobs"), [])

    def test_a_second_server_on_the_same_state_is_refused(self):
        self.server = self.serve()
        run = self.tool("serve", "--port", 0, "--state-dir", self.server.state, server=self.server)
        self.assertEqual((run.returncode, run.stdout), (5, ""), run.stderr)
        self.assertIn("another server uses", run.stderr)


if __name__ == "__main__":
    harness.main()
