"""Measures a job server, Ray's or rtenv's, with Ray's own client; other benchmarks start this with a Python that has Ray.

usage: ray_client.py ADDRESS RUNTIME_ENV_JSON
Reads commands from standard input and prints the seconds from the submission to the first output:
"one": of a job with that runtime_env; "many N": of the last of N jobs that are submitted at once. These use the package that
the job before them uploaded, so that the client's naming of the directory isn't part of their time.
"""
import concurrent.futures, json, logging, sys, time, uuid

import requests
from ray.job_submission import JobSubmissionClient

logging.disable(logging.INFO)
address, environment = sys.argv[1], json.loads(sys.argv[2])
client = JobSubmissionClient(address)


def submit(runtime_env):
    mark = "mark-" + uuid.uuid4().hex
    return client.submit_job(entrypoint=f"echo {mark}", runtime_env=dict(runtime_env)), mark


def wait_for_outputs(jobs):
    while jobs:
        jobs = [(job, mark) for job, mark in jobs if mark not in requests.get(f"{address}/api/jobs/{job}/logs").json()["logs"].splitlines()]
        time.sleep(0.002 if jobs else 0)


last = None
for line in sys.stdin:
    operation, _, count = line.strip().partition(" ")
    package = client.get_job_info(last).runtime_env if operation == "many" else None
    begin = time.perf_counter()
    if operation == "one":
        jobs = [submit(environment)]
    else:
        with concurrent.futures.ThreadPoolExecutor(int(count)) as pool:
            jobs = list(pool.map(submit, [package] * int(count)))
    wait_for_outputs(jobs)
    print(time.perf_counter() - begin, flush=True)
    last = jobs[0][0]
    for job, _ in jobs:
        while client.get_job_status(job).value not in ("SUCCEEDED", "FAILED", "STOPPED"):
            time.sleep(0.01)
