"""Random submissions, stops, deletions, and kills of the server, of supervisors and of guardians, against what must hold whatever
happens: no job runs twice, none is lost or stuck, no GPU is given twice, an acknowledged stop counts, nothing is left behind.

MODEL_FAULTS says what happens beside it at the fault points inside of them, see fault_injection.cpp: "kills" and delays, or "errors".
"""

import contextlib
import http.client
import os
import pathlib
import random
import signal
import sqlite3
import threading
import time

import faults_test
import harness
from harness import TERMINAL, eventually, processes_with

STEPS = int(os.environ.get("MODEL_STEPS", "5000"))  # by hand: 50000
FAULTS = os.environ.get("MODEL_FAULTS", "")
PER_MILLE = {"kills": 4, "errors": 25}
SEED = int(os.environ.get("MODEL_SEED", random.randrange(1 << 30)))

SCRIPT = """#!/bin/sh
# run.sh NUMBER GPU SECONDS STATUS: leaves traces of a second run, and of a GPU that two jobs have.
cd "$(dirname "$0")"
set -C
echo $$ >"ran/$1" || echo "$1" >>"twice-$1"
if [ "$2" = 1 ]; then
  exec 9>>gpu
  flock -n 9 || echo "$1" >>"shared-$1"
fi
sleep "$3"
exit "$4"
"""


class Job:
    def __init__(self, number, name, status):
        self.number, self.name, self.status = number, name, status
        self.stopped = self.may_be_stopped = self.deleted = False
        self.killed = FAULTS == "kills"  # any may be


class Model(harness.JobTest):
    def setUp(self):
        super().setUp()
        self.dice = random.Random(SEED)
        print(f"MODEL_SEED={SEED} MODEL_FAULTS={FAULTS}", flush=True)
        faults = {"FAULTS": f"{FAULTS}:{PER_MILLE[FAULTS]}"} if FAULTS else {}
        (self.work / "ran").mkdir()
        self.write("run.sh", SCRIPT).chmod(0o755)
        self.server = self.serve("--num-cpus", 3, "--num-gpus", 1, "--max-setups", 2, port=faults_test.Faults.free_port(), env=faults)
        self.jobs = {}  # by name: the newest with that name
        self.number = 0

    def request(self, method, path, body=None):
        """None: the server was killed meanwhile; another one runs then."""
        try:
            return self.server.request(method, path, body)
        except (OSError, http.client.HTTPException):
            self.restart()
            return None

    def submit(self):
        number = self.number = self.number + 1
        free = [name for name, job in self.jobs.items() if job.deleted]
        name = self.dice.choice(free) if free and self.dice.random() < 0.5 else f"job-{number}"
        gpu, status = self.dice.random() < 0.4, self.dice.choice([0, 0, 0, 3])
        body = {"entrypoint": f"{self.work}/run.sh {number} {int(gpu)} {self.dice.uniform(0, 0.2):.2f} {status}", "submission_id": name,
                "metadata": {"number": str(number)}}
        if gpu:
            body["entrypoint_num_gpus"] = 1
        elif self.dice.random() < 0.5:
            body["entrypoint_num_cpus"] = 1
        if self.dice.random() < 0.3:
            body["runtime_env"] = {"env_vars": {"NUMBER": str(number)}}  # a set-up
        response = self.request("POST", "/api/jobs/", body)
        if response is None:  # it may have been stored
            response = self.certain(f"/api/jobs/{name}")
            if response.status == 404 or response.json["metadata"]["number"] != str(number):
                return
        if response.status == 503:  # it is shutting down
            return
        if FAULTS == "errors" and response.status >= 500:
            return self.assertEqual(self.certain(f"/api/jobs/{name}").status, 404, "it is there, although its submission failed")
        self.assertEqual(response.status, 200, response.text)
        self.jobs[name] = Job(number, name, status)

    def certain(self, path):
        while True:
            response = self.request("GET", path)
            if response is not None:
                return response

    def some(self):
        alive = [job for job in self.jobs.values() if not job.deleted]
        return self.dice.choice(alive) if alive else None

    def stop(self):
        job = self.some()
        if job is None:
            return
        response = self.request("POST", f"/api/jobs/{job.name}/stop" + self.dice.choice(["", "?now=1"]))
        if response and response.status == 200:
            job.stopped = job.stopped or response.json["stopped"]
        else:
            job.may_be_stopped = True

    def delete(self):
        job = self.some()
        if job is None:
            return
        response = self.request("DELETE", f"/api/jobs/{job.name}")
        known = response and response.status in (200, 400)
        job.deleted = response.status == 200 if known else self.certain(f"/api/jobs/{job.name}").status == 404

    def restart(self):
        if self.server.process.poll() is None:
            self.server.process.kill()
        self.server.process.wait(harness.LIMIT_S)
        self.server.process.stdout.close()
        while not self.starts():
            pass

    def starts(self):
        try:
            self.server.start()
        except AssertionError:
            if not FAULTS:
                raise
            self.server.process.wait(harness.LIMIT_S)
            self.server.process.stdout.close()
            return False
        return True

    def kill_server_soon(self):
        """While the next requests are under way."""
        process, number = self.server.process, self.dice.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        timer = threading.Timer(self.dice.uniform(0, 0.05), process.send_signal, [number])
        timer.start()
        self.addCleanup(timer.join)

    def kill_supervisor(self):
        """Of a random job: the supervisor, its guardian or both."""
        pids = processes_with(f"supervise\0{self.server.state}/jobs/")
        if not pids:
            return
        pid = self.dice.choice(pids)
        with contextlib.suppress(OSError, IndexError):
            folder = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[2].decode()
            victims = processes_with(f"supervise\0{folder}\0") if self.dice.random() < 0.3 else [pid]
            with contextlib.closing(sqlite3.connect(f"file:{self.server.state}/jobs.db?mode=ro", uri=True)) as database:
                row = database.execute("SELECT id FROM jobs WHERE run_id = ?", (pathlib.Path(folder).name,)).fetchone()
            if row and row[0] in self.jobs:
                self.jobs[row[0]].killed = True
            for victim in victims:
                os.kill(victim, signal.SIGKILL)

    def pause_supervisor(self):
        pids = processes_with(f"supervise\0{self.server.state}/jobs/")
        if pids:
            pid = self.dice.choice(pids)
            self.signal(pid, signal.SIGSTOP)
            timer = threading.Timer(0.2, self.signal, [pid, signal.SIGCONT])
            timer.start()
            self.addCleanup(timer.join)

    @staticmethod
    def signal(pid, number):
        with contextlib.suppress(OSError):
            os.kill(pid, number)

    def test_what_must_hold_holds(self):
        actions = [self.submit] * 10 + [self.stop] * 3 + [self.delete] * 3 + [self.kill_server_soon] + [self.kill_supervisor] * 2 + [self.pause_supervisor]
        for _ in range(STEPS):
            self.dice.choice(actions)()
            time.sleep(self.dice.choice([0, 0, 0.01, 0.03]))
        time.sleep(0.3)  # the last timers
        self.server.env = {}  # no more faults
        self.restart()
        for job in self.jobs.values():
            if job.deleted:
                continue
            details = eventually(lambda job=job: (lambda found: found if found["status"] in TERMINAL else None)(self.server.details(job.name)),
                                 f"the end of {job.name}")
            self.assertEqual(details["metadata"]["number"], str(job.number), "another job's")
            ran = (self.work / "ran" / str(job.number)).exists()
            shown = f"{job.name}, number {job.number}, killed: {job.killed}, stopped: {job.stopped}: {details}"
            if details["status"] == "STOPPED":
                self.assertTrue(job.stopped or job.may_be_stopped, shown)
            elif details["status"] == "SUCCEEDED":
                self.assertTrue(ran and job.status == 0, shown)
            elif not job.killed and "fault point" not in details["message"]:
                self.assertTrue(ran and (details["driver_exit_code"] == job.status != 0 or job.stopped or job.may_be_stopped), shown)
        self.assertEqual(sorted(path.name for path in self.work.iterdir() if path.name.startswith(("twice", "shared"))), [])
        eventually(lambda: not processes_with(f"supervise\0{self.server.state}"), "the end of all supervisors")
        rows = self.server.request("GET", "/api/jobs/").json
        self.assertEqual(sorted(row["submission_id"] for row in rows), sorted(job.name for job in self.jobs.values() if not job.deleted))
        self.restart()
        eventually(lambda: len(os.listdir(self.server.state / "jobs")) <= len(rows), "the removal of folders without a job")


if __name__ == "__main__":
    harness.main()
