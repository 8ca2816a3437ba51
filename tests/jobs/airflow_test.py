"""The hook of Airflow's provider for Ray submits a job and polls it."""

import json
import os
import pathlib
import subprocess

import harness

HOOK = """
import sys, time
from ray_provider.hooks import RayHook
address = sys.argv[1]
hook = RayHook(conn_id="ray_test")
job = hook.submit_ray_job(dashboard_url=address, entrypoint="echo from airflow", runtime_env={"env_vars": {"A": "1"}})
while not hook.get_ray_job_status(address, job).is_terminal():
    time.sleep(0.05)
print("RESULT", hook.get_ray_job_status(address, job).value, repr(hook.get_ray_job_logs(address, job)))
hook.delete_ray_job(address, job)
"""


class Airflow(harness.JobTest):
    def test_the_hook_submits_and_polls(self):
        server = self.serve()
        environment = {**server.environment(), "AIRFLOW_HOME": str(self.work / "airflow"),
                       "AIRFLOW_CONN_RAY_TEST": json.dumps({"conn_type": "ray", "extra": {"address": server.address}})}
        python = pathlib.Path(os.environ["AIRFLOW_PYTHON"])
        run = subprocess.run([python, "-c", HOOK, server.address], capture_output=True, text=True, cwd=self.work, env=environment, timeout=200, check=False)
        self.assertRegex(run.stdout, r"RESULT SUCCEEDED .*from airflow\\n", run.stderr)
        self.assertEqual(server.request("GET", "/api/jobs/").json, [])


if __name__ == "__main__":
    harness.main()
