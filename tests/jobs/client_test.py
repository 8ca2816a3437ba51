"""Ray's unmodified client against rtenv: the command `ray job` and the class JobSubmissionClient."""

import json
import pathlib
import subprocess
import sys
import zipfile

import harness
from harness import ORACLE, eventually

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "remote"))
import servers  # noqa: E402
from certificates import make_certificate  # noqa: E402


def make_wheel(folder, text):
    """Builds the wheel greeting-1.0, whose module prints `text`."""
    path = pathlib.Path(folder) / "greeting-1.0-py3-none-any.whl"
    files = {"greeting.py": f"TEXT = {text!r}\n", "greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
             "greeting-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
             "greeting-1.0.dist-info/RECORD": ""}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


class RayClient(harness.JobTest):
    def setUp(self):
        super().setUp()
        self.write("dir/main.py", "import os, sys\nprint('ran in', sorted(os.listdir('.')), sys.argv[1:])\n")
        self.write("dir/lib/part.py", "")

    def ray(self, *words, env=None, address=True):
        command = [ORACLE / "ray", "job", words[0], *(["--address", self.server.address] if address else []), *words[1:]]
        environment = {**self.server.environment(), **(env or {})}
        environment.pop("RTENV_CACHE_DIR")
        return subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=self.work, env=environment, timeout=120)

    def python(self, code, *words, env=None):
        code = "import sys\nfrom ray.job_submission import JobSubmissionClient\nclient = JobSubmissionClient(sys.argv[1])\n" + code
        run = subprocess.run([ORACLE / "python", "-c", code, self.server.address, *map(str, words)], capture_output=True, text=True, cwd=self.work,
                             env={**self.server.environment(), **(env or {})}, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def submitted(self, *words, env=None, runtime_env=None):
        """Runs a job to success and returns its output."""
        more = ["--runtime-env-json", json.dumps(runtime_env)] if runtime_env else []
        run = self.ray("submit", *more, *words, env=env)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("succeeded", run.stdout + run.stderr)
        return run.stdout + run.stderr

    def test_directories_archives_and_environments(self):
        self.server = self.serve()
        first = self.submitted("--working-dir", "dir", "--", "python3", "main.py", "a b")
        self.assertIn("Uploading package gcs://_ray_pkg_", first)
        self.assertIn("ran in ['lib', 'main.py'] ['a b']", first)
        again = self.submitted("--working-dir", "dir", "--", "python3", "main.py")
        self.assertIn("already exists, skipping upload", again)

        with zipfile.ZipFile(self.work / "job.zip", "w") as archive:
            archive.writestr("main.py", "print('from a zip')")
        self.assertIn("from a zip", self.python(
            "import time\njob = client.submit_job(entrypoint='python3 main.py', runtime_env={'working_dir': 'job.zip'})\n"
            "while not client.get_job_status(job).is_terminal(): time.sleep(0.05)\nprint(client.get_job_logs(job))"))

        make_wheel(self.work / "dir", "from the wheel")
        out = self.submitted("--working-dir", "dir", "--", "python", "-c", "import greeting; print(greeting.TEXT)",
                             runtime_env={"uv": ["${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/greeting-1.0-py3-none-any.whl"]})
        self.assertIn("from the wheel", out)
        out = self.submitted("--", "python", "-c", "import requests; print('requests', requests.__version__)", runtime_env={"pip": ["requests==2.26.0"]})
        self.assertIn("requests 2.26.0", out)

        self.write("modules/mine/__init__.py", "TEXT = 'my module'\n")
        self.assertIn("my module", self.python(
            "import time\njob = client.submit_job(entrypoint='python3 -c \"import mine; print(mine.TEXT)\"', runtime_env={'py_modules': [sys.argv[2]]})\n"
            "while not client.get_job_status(job).is_terminal(): time.sleep(0.05)\nprint(client.get_job_logs(job))", self.work / "modules/mine"))

    def test_a_directory_in_a_bucket(self):
        import boto3
        access, secret = "access", "secretsecret"
        with servers.versitygw(self.work, access, secret) as endpoint:
            client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret, region_name="us-east-1")
            client.create_bucket(Bucket="jobs")
            with zipfile.ZipFile(self.work / "job.zip", "w") as archive:
                archive.writestr("main.py", "print('from a bucket')")
            client.put_object(Bucket="jobs", Key="job.zip", Body=(self.work / "job.zip").read_bytes())
            self.server = self.serve(env={"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret,
                                          "AWS_REGION": "us-east-1"})
            self.assertIn("from a bucket", self.submitted("--working-dir", "s3://jobs/job.zip", "--", "python3", "main.py"))

    def test_status_logs_stop_list_delete(self):
        self.server = self.serve()
        run = self.ray("submit", "--no-wait", "--submission-id", "mine", "--", "sh", "-c", "echo begun; sleep 1000")
        self.assertEqual(run.returncode, 0, run.stderr)
        eventually(lambda: "begun" in self.server.logs("mine"))
        status = self.ray("status", "mine")
        self.assertIn("Status for job 'mine': RUNNING", status.stdout + status.stderr)
        self.assertIn("begun", self.ray("logs", "mine").stdout)
        again = self.ray("submit", "--no-wait", "--submission-id", "mine", "--", "true")
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("Job with submission_id mine already exists", again.stderr)
        follower = subprocess.Popen([ORACLE / "ray", "job", "logs", "-f", "--address", self.server.address, "mine"], stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True, env=self.server.environment())
        stop = self.ray("stop", "mine")
        self.assertEqual(stop.returncode, 0, stop.stderr)
        self.assertIn("Job 'mine' was stopped", stop.stdout + stop.stderr)
        self.assertIn("begun", follower.communicate(timeout=60)[0])
        self.assertIn("mine", self.ray("list").stdout)
        self.assertIn("Job 'mine' deleted successfully", self.both(self.ray("delete", "mine")))
        self.assertEqual(self.server.request("GET", "/api/jobs/mine").status, 404)

    @staticmethod
    def both(run):
        return run.stdout + run.stderr

    def test_a_failed_job_fails_the_command_with_its_reason(self):
        self.server = self.serve()
        run = self.ray("submit", "--", "sh", "-c", "echo why; exit 3")
        self.assertEqual(run.returncode, 1)
        self.assertIn("failed with exit code 3", self.both(run))
        run = self.ray("submit", "--runtime-env-json", '{"pip": ["there-is-no-such-package-xyz"]}', "--", "true")
        self.assertEqual(run.returncode, 1)
        self.assertIn("runtime_env setup failed: Failed to set up runtime environment", self.both(run))
        self.assertIn("No matching distribution found for there-is-no-such-package-xyz", self.both(run))

    def test_setup_timeout_fails_the_job(self):
        self.server = self.serve()
        self.write("slow/setup.py", "import time; time.sleep(1000)")
        job, details = self.server.run("true", runtime_env={"uv": [f"{self.work}/slow"], "config": {"setup_timeout_seconds": 1}})
        self.assertEqual((details["status"], details["error_type"]), ("FAILED", "RUNTIME_ENV_SETUP_FAILURE"))
        for words in ("Failed to set up runtime environment", "Timeout", "setup_timeout_seconds"):
            self.assertIn(words, details["message"])

    def test_the_client_authenticates_with_a_token(self):
        (self.work / "token").write_text("secret")
        self.server = self.serve("--token-file", self.work / "token")
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "secret"}
        self.assertIn("ran in", self.submitted("--working-dir", "dir", "--", "python3", "main.py", env=token))
        self.assertEqual(self.ray("list").returncode, 0, "the server's own user needs none")
        self.assertNotEqual(self.ray("list", env={**token, "RAY_AUTH_TOKEN": "wrong"}).returncode, 0)

    def test_the_client_verifies_the_tls_certificate(self):
        certificate, key = make_certificate(self.work)
        self.server = self.serve("--tls-cert", certificate, "--tls-key", key)
        self.assertTrue(self.server.address.startswith("https://"))
        self.assertIn("ran in", self.submitted("--verify", certificate, "--working-dir", "dir", "--", "python3", "main.py"))
        self.assertIn("ran in", self.submitted("--verify", "false", "--working-dir", "dir", "--", "python3", "main.py"))
        self.assertNotEqual(self.ray("submit", "--", "true").returncode, 0)

    def test_a_driver_that_calls_ray_init(self):
        self.server = self.serve(env={"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"})
        self.write("dir/driver.py", """
import os, sys, ray
ray.init(num_cpus=1, include_dashboard=False, _temp_dir=sys.argv[1])
@ray.remote
def remote():
    import helper
    return helper.TEXT, os.environ["SHARED"]
print("RESULT", ray.get(remote.remote()))
""")
        self.write("dir/helper.py", "TEXT = 'of the directory'\n")
        with harness.tempfile.TemporaryDirectory(prefix="rr-") as short:  # Ray's sockets want a short path
            out = self.submitted("--working-dir", "dir", "--", ORACLE / "python", "driver.py", short, runtime_env={"env_vars": {"SHARED": "of the job"}})
        self.assertIn("RESULT ('of the directory', 'of the job')", out)

    def test_every_method_of_job_submission_client(self):
        self.server = self.serve()
        out = self.python("""
import asyncio, json
job = client.submit_job(entrypoint="echo hi", metadata={"k": "v"}, entrypoint_num_cpus=0.5)
async def tail():
    return "".join([line async for line in client.tail_job_logs(job)])
logs = asyncio.run(tail())
info = client.get_job_info(job)
print(json.dumps([logs.endswith("hi\\n"), info.status.value, info.metadata, client.get_job_logs(job) == logs,
                  [each.submission_id for each in client.list_jobs()] == [job], client.stop_job(job), client.delete_job(job)]))
""")
        self.assertEqual(json.loads(out), [True, "SUCCEEDED", {"k": "v"}, True, True, False, True])


if __name__ == "__main__":
    harness.main()
