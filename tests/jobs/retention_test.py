"""How long jobs are kept: by time, by number, and by the space of their folders."""

import contextlib
import os
import sqlite3
import time

import harness
from harness import eventually

WRITE = "head -c {} /dev/urandom | base64; echo done"  # a third more


class Retention(harness.JobTest):
    def ids(self):
        return [job["submission_id"] for job in self.server.request("GET", "/api/jobs/").json]

    def folders(self):
        return os.listdir(self.server.state / "jobs")

    def test_jobs_are_removed_when_their_time_has_come(self):
        self.server = self.serve("--job-ttl", "1s")
        running = self.server.submit(f"while [ ! -e {self.work}/go ]; do sleep 0.1; done")
        job, details = self.server.run("true")
        self.assertEqual(details["status"], "SUCCEEDED")
        eventually(lambda: self.ids() == [running], "the removal of the ended job")
        eventually(lambda: len(self.folders()) == 1, "the removal of its folder")
        self.write("go")
        eventually(lambda: self.ids() == [], "the removal of the other one")

    def test_of_too_many_jobs_those_that_ended_first_are_removed(self):
        self.server = self.serve("--max-ended-jobs", 2)
        running = self.server.submit("sleep 100")
        jobs = [self.server.run("true")[0] for _ in range(5)]
        eventually(lambda: self.ids() == [running, *jobs[3:]], "the removal of three jobs")
        eventually(lambda: len(self.folders()) == 3, "the removal of their folders")

    def test_space_is_made_by_removing_jobs_that_ended_first(self):
        options = ["--max-jobs-size", "4MiB", "--job-ttl", 0]
        self.server = self.serve(*options)
        jobs = [self.server.run(WRITE.format(1_500_000))[0] for _ in range(3)]
        refused = eventually(lambda: self.refusal(), "the refusal of a submission")
        self.assertRegex(refused, r"the logs and records of jobs use \d+ bytes, 4194304 is the limit")
        self.assertIn("can raise the limit", refused)
        self.assertEqual(self.ids()[:3], jobs, "nobody has seen them yet")
        self.server.kill()
        with contextlib.closing(sqlite3.connect(self.server.state / "jobs.db")) as database:
            database.execute("UPDATE jobs SET end_ms = end_ms - 3600000")
            database.commit()
        self.server.start()
        eventually(lambda: jobs[0] not in self.ids() and jobs[1:] == self.ids()[:2], "the removal of the first one")
        eventually(lambda: self.refusal() is None, "space for another job")

    def test_what_running_jobs_write_counts(self):
        self.server = self.serve("--max-jobs-size", "2MiB")
        job = self.server.submit(WRITE.format(2_500_000) + "; sleep 100")
        eventually(lambda: self.refusal(), "the refusal of a submission")
        self.assertEqual(self.server.status(job), "RUNNING")
        self.server.request("POST", f"/api/jobs/{job}/stop?now=1")
        self.server.wait(job)
        self.assertEqual(self.server.request("DELETE", f"/api/jobs/{job}").status, 200)
        eventually(lambda: self.refusal() is None, "space for another job")

    def test_a_deletion_makes_space(self):
        self.server = self.serve("--max-jobs-size", "1MiB")
        job, _ = self.server.run(WRITE.format(1_500_000))
        eventually(lambda: self.refusal(), "the refusal of a submission")
        time.sleep(1.5)  # nothing runs any more
        self.assertEqual(self.server.request("DELETE", f"/api/jobs/{job}").status, 200)
        eventually(lambda: self.refusal() is None, "space for another job")

    def refusal(self):
        """Of a submission; None: it is accepted."""
        time.sleep(0.2)  # each one that is accepted needs space
        response = self.server.request("POST", "/api/jobs/", {"entrypoint": "true"})
        self.assertIn(response.status, (200, 507), response.text)
        return response.text if response.status == 507 else None


if __name__ == "__main__":
    harness.main()
