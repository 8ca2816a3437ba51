"""gcs:// against a real Ray: its own names, its own job runs what rtenv pushed."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import servers
from tool import RemoteTest, zip_of

ORACLE = pathlib.Path(os.environ["ORACLE_PYTHON"]).parent
NAME_OF = "import sys; from ray._private.runtime_env.packaging import get_uri_for_directory; print(get_uri_for_directory(sys.argv[1], True, []))"
RUN_JOB = """
import sys, time
from ray.job_submission import JobSubmissionClient
client = JobSubmissionClient(sys.argv[1])
deadline = time.monotonic() + 120
while True:
    try:
        job = client.submit_job(entrypoint="python3 script.py", runtime_env={"working_dir": sys.argv[2]})
        break
    except RuntimeError as error:  # Ray's agent starts after its dashboard
        if "No available agent" not in str(error) or time.monotonic() > deadline:
            raise
while not client.get_job_status(job).is_terminal():
    time.sleep(0.1)
print(client.get_job_status(job).value, client.get_job_logs(job))
"""


class JobServer(RemoteTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory(prefix="rr-")  # Ray's sockets want a short path
        cls.addClassCleanup(cls.folder.cleanup)
        port = servers.free_port()
        cls.url = cls.enterClassContext(servers.program(
            [ORACLE / "ray", "start", "--head", "--block", "--port", str(servers.free_port()), "--dashboard-agent-listen-port", str(servers.free_port()),
             "--node-ip-address", "127.0.0.1",
             "--dashboard-host", "127.0.0.1", "--dashboard-port", str(port), "--num-cpus", "2", "--disable-usage-stats",
             "--temp-dir", cls.folder.name], port, cls.folder.name, {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}))

    def python(self, *words):
        return subprocess.run([ORACLE / "python", "-c", *words], stdout=subprocess.PIPE, text=True, check=True, cwd=self.work,
                              env=self.process_environment({"RAY_RUNTIME_ENV_LOG_TO_DRIVER_ENABLED": "0"})).stdout

    def test_ray_runs_pushed_packages(self):
        job = self.job()
        run = self.ok("push", job, "gcs://", "--address", self.url)
        self.assertEqual(run.out, self.python(NAME_OF, str(job)))
        self.assertRegex(self.python(RUN_JOB, self.url, run.out.strip()), r"(?s)SUCCEEDED.*the job ran")
        # Packages that exist on the server aren't sent again.
        again = self.ok("push", "--json", job, "gcs://", env={"RAY_API_SERVER_ADDRESS": self.url}).json
        self.assertEqual(again, {"uri": run.out.strip(), "uploaded": False})

    def test_archives_and_wheels_get_rays_names(self):
        wheel = self.write("lib-1.0-py3-none-any.whl", b"wheel")
        self.assertEqual(self.ok("push", wheel, "gcs://", "--address", self.url).out, "gcs://lib-1.0-py3-none-any.whl\n")
        archive = self.write("job.zip", zip_of({"script.py": "print('from an archive')"}))
        uri = self.ok("push", archive, "gcs://", "--address", self.url).out.strip()
        self.assertIn("from an archive", self.python(RUN_JOB, self.url, uri))

    def test_a_name_that_does_not_match_the_content_is_refused(self):
        self.refused(2, "names packages by their content", "push", self.job(), "gcs://_ray_pkg_0000000000000000.zip", "--address", self.url)

    def test_packages_cannot_be_fetched_from_ray(self):
        uri = self.ok("push", self.job("other"), "gcs://", "--address", self.url).out.strip()
        run = self.refused(3, uri, "fetch", uri, "--address", self.url)
        self.assertIn("Ray serves packages only to its own nodes", run.err)
        self.refused(3, "404", "fetch", "gcs://_ray_pkg_0000000000000000.zip", "--address", self.url)

    def test_bad_addresses(self):
        self.refused(5, "127.0.0.1:1", "push", self.job(), "gcs://", "--address", "http://127.0.0.1:1")
        self.refused(2, "address of a job server", "push", self.job(), "gcs://", "--address", "ray://127.0.0.1:10001")


if __name__ == "__main__":
    unittest.main()
