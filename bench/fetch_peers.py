"""Benchmarks downloads of one object from versitygw on loopback: rtenv, aws s3 cp, smart_open as Ray uses it, and curl as the limit.

Measures each once per round, into an empty directory of the same disk; prints medians, ranges and peak memory. See
scripts/bench-fetch.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

project = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(project / "tests/remote"))
import boto3  # noqa: E402
import botocore.config  # noqa: E402
import servers  # noqa: E402

ACCESS_KEY, SECRET_KEY, REGION = "bench", "bench-secret", "us-east-1"
# As ray/_private/runtime_env/protocol.py: reads the whole object, then writes it.
SMART_OPEN = """
import sys, boto3
from smart_open import open as smart_open
with smart_open(sys.argv[1], "rb", transport_params={"client": boto3.client("s3")}) as package, open(sys.argv[2], "wb") as file:
    file.write(package.read())
"""


# A small intermediate process: after a fork, the parent's memory counts as the child's.
MEASURE = """
import resource, subprocess, sys, time
begin = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(done.returncode)
"""


def run(argv, environment):
    """Returns seconds and peak memory in bytes."""
    measured = subprocess.run([sys.executable, "-I", "-S", "-c", MEASURE, *argv], env=environment, capture_output=True, text=True)
    if measured.returncode != 0:
        sys.exit(f"{argv[0]} ended with {measured.returncode}: {measured.stderr}")
    seconds, peak = measured.stdout.split()
    return float(seconds), int(peak)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=pathlib.Path, required=True, help="the directory with aws and a Python with smart_open")
    parser.add_argument("--rtenv", type=pathlib.Path, default=project / "build/release/cli/rtenv")
    parser.add_argument("--mib", type=int, default=512, help="size of the object")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    parser.add_argument("--folder", help="where to write files; must be on a disk, not in memory")
    options = parser.parse_args()

    size = options.mib << 20
    with tempfile.TemporaryDirectory(prefix="rtenv-bench-", dir=options.folder) as work, \
            servers.versitygw(work, ACCESS_KEY, SECRET_KEY) as url:
        work = pathlib.Path(work)
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION,
                       "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": url, "RTENV_CACHE_DIR": str(work / "cache")}
        s3 = boto3.client("s3", endpoint_url=url, region_name=REGION, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                          config=botocore.config.Config(signature_version="s3v4"))
        s3.create_bucket(Bucket="bench")
        source = work / "source"
        with open(source, "wb") as file:
            generator = random.Random(1)
            for _ in range(options.mib):
                file.write(generator.randbytes(1 << 20))
        s3.upload_file(str(source), "bench", "object.bin")
        presigned = s3.generate_presigned_url("get_object", Params={"Bucket": "bench", "Key": "object.bin"})
        uri, target = "s3://bench/object.bin", str(work / "target")
        commands = {
            "rtenv fetch": [options.rtenv, "fetch", "--no-unpack", uri],
            "aws s3 cp": [options.peers / "aws", "s3", "cp", "--quiet", uri, target],
            "smart_open, as Ray": [options.peers / "python", "-c", SMART_OPEN, uri, target],
            "curl, one stream (limit)": ["curl", "--silent", "--show-error", "--fail", "--output", target, presigned],
        }
        times = {name: [] for name in commands}
        peaks = {name: 0 for name in commands}
        again = []
        for _ in range(options.runs):
            for name, argv in commands.items():
                pathlib.Path(target).unlink(missing_ok=True)
                if name == "rtenv fetch":
                    subprocess.run(["chmod", "-R", "u+w", work / "cache"], stderr=subprocess.DEVNULL)
                    shutil.rmtree(work / "cache", ignore_errors=True)
                os.sync()  # so that none has to write back data of another
                seconds, peak = run(argv, environment)
                times[name].append(seconds)
                peaks[name] = max(peaks[name], peak)
                if name == "rtenv fetch":
                    again.append(run(argv, environment)[0])
        with servers.proxy(url) as proxy:
            cached = {**environment, "AWS_ENDPOINT_URL": proxy.url}
            run(commands["rtenv fetch"], cached)  # the other endpoint makes it another object
            proxy.requests.clear()
            run(commands["rtenv fetch"], cached)
            requests = [request.method for request in proxy.requests]
        subprocess.run(["chmod", "-R", "u+w", work / "cache"], check=True)

    rtenv = statistics.median(times["rtenv fetch"])
    print(f"{options.mib} MiB from versitygw on loopback; {options.runs} runs, median [minimum, maximum]\n")
    print("| | seconds | MiB/s | peak memory, MiB | time ÷ rtenv's |\n|---|---|---|---|---|")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"| {name} | {median:.2f} [{min(seconds):.2f}, {max(seconds):.2f}] | {size / (1 << 20) / median:.0f} | "
              f"{peaks[name] / (1 << 20):.0f} | {median / rtenv:.2f}× |")
    print(f"| rtenv fetch again, unchanged: {', '.join(requests)} | {statistics.median(again):.3f} | | | |")
    if options.json:
        options.json.write_text(json.dumps({"size_bytes": size, "seconds": times, "peak_bytes": peaks, "again_seconds": again,
                                            "again_requests": requests}, indent=1))


if __name__ == "__main__":
    main()
