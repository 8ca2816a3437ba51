"""Measures a job server, Ray's or rtenv's, with Ray's own client; other benchmarks start this with a Python that has Ray.

usage: ray_client.py ADDRESS RUNTIME_ENV_JSON
Reads commands from standard input and prints the seconds from the submission to the first output, and how many of them the
client itself spends on naming and zipping the directory (it names it twice):
"one": of a job with that runtime_env; "many N": of the last of N jobs that are submitted at once. These use the package that
the job before them uploaded, so that the client's naming of the directory isn't part of their time.
"""
import concurrent.futures, json, logging, sys, time, uuid

import requests
from ray._private.runtime_env import packaging
from ray.job_submission import JobSubmissionClient

logging.disable(logging.INFO)
address, environment = sys.argv[1], json.loads(sys.argv[2])
client = JobSubmissionClient(address)
packing_seconds = 0.0


def measure_packing(name):
    """Adds the time of calls of Ray's packaging function `name` to packing_seconds."""
    function = getattr(packaging, name)

    def measured(*args, **kwargs):
        global packing_seconds
        begin = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            packing_seconds += time.perf_counter() - begin

    for module in list(sys.modules.values()):
        if getattr(module, name, None) is function:
            setattr(module, name, measured)


def submit(runtime_env):
    mark = "mark-" + uuid.uuid4().hex
    return client.submit_job(entrypoint=f"echo {mark}", runtime_env=dict(runtime_env)), mark


def wait_for_outputs(jobs):
    while jobs:
        jobs = [(job, mark) for job, mark in jobs if mark not in requests.get(f"{address}/api/jobs/{job}/logs").json()["logs"].splitlines()]
        time.sleep(0.002 if jobs else 0)


for function in ("get_uri_for_directory", "create_package"):
    measure_packing(function)
last = None
for line in sys.stdin:
    operation, _, count = line.strip().partition(" ")
    package = client.get_job_info(last).runtime_env if operation == "many" else None
    packing_seconds = 0.0
    begin = time.perf_counter()
    if operation == "one":
        jobs = [submit(environment)]
    else:
        with concurrent.futures.ThreadPoolExecutor(int(count)) as pool:
            jobs = list(pool.map(submit, [package] * int(count)))
    wait_for_outputs(jobs)
    print(time.perf_counter() - begin, packing_seconds, flush=True)
    last = jobs[0][0]
    for job, _ in jobs:
        while client.get_job_status(job).value not in ("SUCCEEDED", "FAILED", "STOPPED"):
            time.sleep(0.01)
