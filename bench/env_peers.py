"""Benchmarks environments: rtenv compared with uv alone, and pulling a pack from versitygw on loopback compared with an install.

Measures each row once per round, in an empty directory of the same disk; prints medians and ranges. See scripts/bench-envs.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

project = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(project / "tests/remote"))
import boto3  # noqa: E402
import servers  # noqa: E402

LARGE = ["pandas", "scikit-learn"]


def seconds(*commands, env):
    begin = time.perf_counter()
    for command in commands:
        done = subprocess.run([str(word) for word in command], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"{command} ended with {done.returncode}: {done.stderr}")
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rtenv", type=pathlib.Path, default=project / "build/release/cli/rtenv")
    parser.add_argument("--uv", type=pathlib.Path, default=project / "build/oracle/bin/uv")
    parser.add_argument("--python", default="python3")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="measure only the rows whose names contain this")
    parser.add_argument("--folder", default="/var/tmp", help="where to create environments; must be on a disk, not in memory")
    parser.add_argument("--pause", type=float, default=6, help="seconds to wait before each measurement")
    parser.add_argument("--other", default="/dev/shm", help="a directory on another file system, from which uv must copy")
    options = parser.parse_args()
    python = shutil.which(options.python)

    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rtenv-bench-", dir=options.folder)))
        other = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rtenv-bench-", dir=options.other)))
        url = stack.enter_context(servers.versitygw(work, "bench", "bench-secret"))
        boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="bench",
                     aws_secret_access_key="bench-secret").create_bucket(Bucket="bench")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RTENV_", "UV_", "AWS_"))}
        base = {**kept, "RTENV_UV": str(options.uv), "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret",
                "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": url}
        numbers = iter(range(10**6))
        fresh = lambda: work / f"fresh-{next(numbers)}"
        spec = lambda packages: json.dumps({"uv": packages})

        def uv_alone(packages, uv_cache):
            env = {**base, "UV_CACHE_DIR": str(uv_cache)}
            target = fresh()
            return seconds([options.uv, "venv", "-q", "--no-project", "--python", python, target],
                           [options.uv, "pip", "install", "-q", "--python", target / "bin/python", *packages], env=env)

        def rtenv(packages, cache, uv_cache=None, more=(), env=None, command="build"):
            env = {**base, "RTENV_CACHE_DIR": str(cache), **({"UV_CACHE_DIR": str(uv_cache)} if uv_cache else {}), **(env or {})}
            return seconds([options.rtenv, "env", command, "--python", python, "--runtime-env-json", spec(packages), *more], env=env)

        def known_interpreter(contents=False):
            """A new cache that only knows the interpreter, as for the second environment on a machine; and the files' digests."""
            cache = fresh()
            seconds([options.rtenv, "cache", "ls"], env={**base, "RTENV_CACHE_DIR": str(cache)})
            for folder in ["interpreters", *(["digests"] if contents else [])]:
                shutil.copytree(work / "first" / folder, cache / folder, dirs_exist_ok=True)
            return cache

        uv_cache, far_cache, warm = work / "uv", other / "uv", work / "first"
        uv_alone(LARGE, uv_cache)
        uv_alone(LARGE, far_cache)
        rtenv(LARGE, warm, uv_cache)
        rtenv(LARGE, warm, uv_cache, more=["s3://bench/packs/"], command="push")
        job = work / "job"
        job.mkdir()
        (job / "requirements.txt").write_text("six\n")
        touched = ["--working-dir", job]
        in_job = ["-r ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/requirements.txt"]
        rtenv(in_job, warm, uv_cache, more=touched)
        edits = iter(range(10**6))

        def touch():
            (job / "main.py").write_text(f"print({next(edits)})\n")
            return rtenv(in_job, warm, "/nowhere", more=touched)

        pack = work / "pack.tar.zst"
        rtenv(LARGE, warm, more=["-o", pack], command="pack")

        plain = other / "plain.tar"
        with open(plain, "wb") as file:
            subprocess.run(["zstd", "-dcq", pack], stdout=file, check=True)

        def limit():
            target = fresh()
            target.mkdir()
            return seconds(["tar", "-xf", plain, "-C", target], ["sync", "-f", target], env=base)

        def pull_file():
            env = {**base, "RTENV_CACHE_DIR": str(known_interpreter())}
            return seconds([options.rtenv, "env", "pull", "--python", python, pack], env=env)

        rows = [
            ("`uv: [six]` for the first time: uv alone, empty cache", lambda: uv_alone(["six"], fresh())),
            ("… rtenv", lambda: rtenv(["six"], known_interpreter())),
            ("… rtenv, with a new interpreter", lambda: rtenv(["six"], fresh())),
            ("pandas + scikit-learn with a warm uv cache: uv alone", lambda: uv_alone(LARGE, uv_cache)),
            ("pandas + scikit-learn, … rtenv, the first with these files", lambda: rtenv(LARGE, known_interpreter(), uv_cache)),
            ("pandas + scikit-learn, … rtenv, its files are in another environment", lambda: rtenv(LARGE, known_interpreter(contents=True), uv_cache)),
            ("the same environment again, `rtenv env build`", lambda: rtenv(LARGE, warm, "/nowhere")),
            ("after a change to a script next to the requirements", touch),
            ("install from a warm uv cache on another file system", lambda: uv_alone(LARGE, far_cache)),
            ("`rtenv env pull` from S3 into an empty cache", lambda: rtenv(LARGE, known_interpreter(), more=["s3://bench/packs/"], command="pull")),
            ("… from a local pack", pull_file),
            ("limit: `tar -x` of the same files from memory, and `sync`", limit),
            ("`rtenv env pack` (write)", lambda: rtenv(LARGE, warm, more=["-o", fresh()], command="pack")),
        ]
        rows = [(name, measure) for name, measure in rows if options.only in name]
        figures = [[] for _ in rows]
        for _ in range(options.runs):
            for figure, measure in zip(figures, (measure for _, measure in rows)):
                # ext4 doesn't reuse an inode within five seconds and searches for another one, which would slow down creating
                # files soon after others were removed.
                subprocess.run(["sync", "-f", work])
                time.sleep(options.pause)
                figure.append(measure())
        print("| | seconds |\n|---|---|")
        for (name, _), figure in zip(rows, figures):
            print(f"| {name} | {statistics.median(figure):.3f} [{min(figure):.3f}, {max(figure):.3f}] |")
        shutil.rmtree(other, ignore_errors=True)
        subprocess.run(["chmod", "-R", "u+w", work])


main()
