#!/usr/bin/env python3
"""Benchmarks the time until a job's command starts when everything is cached: rtenv compared with its peers in one run.

usage: bench/warm_run.py [--rtenv build/release/cli/rtenv] [--uv uv] [--runs 40] [--json FILE]
Measures the time from the start of the tool to the first byte of the command's output (`echo`), interleaved; prints medians.
The first row, `echo` without a tool, is the lower limit. Needs the quickstart's wheel (examples/quickstart/make-wheel).
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path

project = Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rtenv", default=str(project / "build/release/cli/rtenv"))
parser.add_argument("--uv", default="uv")
parser.add_argument("--runs", type=int, default=40)
parser.add_argument("--json")
options = parser.parse_args()

example = project / "examples/quickstart"
wheel = example / "wheels/greeting-1.0-py3-none-any.whl"
if not wheel.exists():
    sys.exit("no wheel: run examples/quickstart/make-wheel first")


def first_output_ms(command, environment):
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=project) as process:
        first = process.stdout.read(1)
        seconds = time.perf_counter() - begin
        process.stdout.read()
    if process.returncode != 0 or not first:
        sys.exit(f"{command[0]} failed with {process.returncode}")
    return seconds * 1000


with tempfile.TemporaryDirectory() as folder:
    environment = {**os.environ, "RTENV_CACHE_DIR": f"{folder}/rtenv", "RTENV_UV": options.uv, "UV_CACHE_DIR": f"{folder}/uv"}
    run = [options.rtenv, "run", "--quiet", "-f", "examples/quickstart/runtime_env.yaml", "--working-dir", "examples/quickstart", "--"]
    peers = {
        "`echo` alone (lower limit)": ["/bin/echo", "x"],
        "`rtenv run … -- echo`": [*run, "/bin/echo", "x"],
        "`uv run --with … -- echo` (warm cache)": [options.uv, "run", "--quiet", "--no-project", "--with", "humanize==4.9.0",
                                                          "--with", str(wheel), "--", "/bin/echo", "x"],
        "`env/bin/python -c print()`": None,
        "`rtenv run … -- python -c print()`": [*run, "python", "-c", "print(1)"],
    }
    built = subprocess.run([options.rtenv, "env", "build", "-f", "examples/quickstart/runtime_env.yaml", "--working-dir", "examples/quickstart"],
                           cwd=project, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    peers["`env/bin/python -c print()`"] = [f"{built}/bin/python", "-c", "print(1)"]
    times = {name: [] for name in peers}
    for round_number in range(options.runs + 2):
        for name, command in peers.items():
            taken = first_output_ms(command, environment)
            if round_number >= 2:  # the first two rounds warm up
                times[name].append(taken)

print("| from the start of the tool to the first output | median | 10 % | 90 % |\n|---|---|---|---|")
for name, values in times.items():
    deciles = statistics.quantiles(values, n=10)
    print(f"| {name} | {statistics.median(values):.1f} ms | {deciles[0]:.1f} ms | {deciles[-1]:.1f} ms |")
if options.json:
    Path(options.json).write_text(json.dumps(times, indent=1))
