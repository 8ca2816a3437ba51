#!/usr/bin/env python3
"""rtenv accepts and refuses the runtime_envs that Ray's own validation accepts and refuses, read by PyYAML.

usage: runtime_env.py RTENV
Each document goes to `rtenv env check` and to ray.runtime_env.RuntimeEnv(**yaml.safe_load(…)). Where the verdicts differ on
purpose, the reason stands beside the document; any other difference, and a reason that isn't needed, is a failure.
"""
import logging, os, subprocess, sys, tempfile, warnings

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
import yaml
from ray.runtime_env import RuntimeEnv

# Values to try for each field.
INSTALLERS = ["uv", "pip"]
SCALARS = ["text", "''", "5", "1.5", "true", "yes", "null", "[]", "[a]", "[1]", "{}", "{a: b}", "2.0", "0o17", "1e3", "~", "'null'", "-1"]

SAME = ["", "{}", "null", "working_dir: dir", "working_dir: missing", "working_dir: ./dir", "working_dir: job.zip",
        "working_dir: s3://bucket/job.zip", "working_dir: s3://bucket/job.txt", "working_dir: gs://bucket/job.tar.gz",
        "working_dir: https://host/job.zip", "working_dir: ftp://host/job.zip", "working_dir: gcs://_ray_pkg_0123456789abcdef.zip",
        "working_dir: azure://container/job.zip", "working_dir: abfss://c@a.dfs.core.windows.net/job.zip", "working_dir: file:///x/job.zip",
        "working_dir: https://host/job", "working_dir: s3://bucket/dir/", "working_dir: local:///abs", "working_dir: local:///abs/x.zip",
        "working_dir: local://rel", "working_dir: https://host/job.zip?signature=x", "working_dir: s3://bucket/job.tgz",
        "working_dir: s3://bucket/job.tar.xz",
        "py_modules: [dir]", "py_modules: [dir, dir/one.py]", "py_modules: [missing]", "py_modules: [s3://bucket/m.zip]",
        "py_modules: [s3://bucket/m.whl]", "py_modules: [s3://bucket/m.txt]", "py_modules: dir", "py_modules: [dir, 5]",
        "py_modules: [https://host/lib-1.0-py3-none-any.whl]", "py_modules: [lib-1.0-py3-none-any.whl]", "py_modules: [gcs://m.zip]",
        "excludes: ['*.log', /data]", "excludes: [a, 1]", "excludes: '*.log'",
        "env_vars: {A: b, C: ''}", "env_vars: {A: 1}", "env_vars: {A: yes}", "env_vars: {A: 'yes'}", "env_vars: {A: 010}", "env_vars: {A: 1:30}",
        "env_vars: {A: 0x1F}", "env_vars: {A: 1_000}", "env_vars: {A: 2024-01-31}", "env_vars: {A: ~}", "env_vars: {A: [b]}",
        "env_vars: {A: Off}", "env_vars: {A: y}", "env_vars: {A: 0o17}", "env_vars: {A: 1e3}", "env_vars: {A: 1.0e+3}", "env_vars: {A: .inf}",
        "env_vars: {A: ==1.0}", "env_vars: {A: '=1'}", "env_vars: {A: !!str 5}", "env_vars: [A]", "env_vars: A=b", "env_vars: {1: a}",
        "env_vars: &x {A: b}\npy_executable: python", "base: &b\n  - six\nuv: *b",
        "env_vars: {A: a, A: b}", "env_vars:\n  <<: {A: b}\n  C: d", "env_vars: {A: |\n  two\n  lines}", "env_vars:\n  A: |\n    two\n    lines\n",
        "env_vars:\n  A: >\n    folded\n    text\n", "env_vars: {A: \"tab\\tq\"}", "env_vars: {A: 'it''s'}", "env_vars: {A: b",
        "env_vars: {A: b}}", "env_vars:\n\tA: b", "a: b: c", "- a\n- b", "just text", "5", "uv: [six]\npip: [six]",
        "uv: [six]\nconda: env", "pip: [six]\nconda: {dependencies: [six]}", "uv: []\npip: [six]", "uv: null\npip: [six]",
        "config: {setup_timeout_seconds: 10}", "config: {setup_timeout_seconds: 0}", "config: {setup_timeout_seconds: -1}",
        "config: {setup_timeout_seconds: -2}", "config: {setup_timeout_seconds: '10'}", "config: {setup_timeout_seconds: 1.5}",
        "config: {eager_install: false}", "config: {eager_install: 0}", "config: {log_files: [a.log]}", "config: {log_files: a.log}",
        "config: {log_files: [1]}", "config: {log_files: null}", "config: 5", "config: []", "py_executable: uv run --isolated", "py_executable: python",
        *(f"working_dir: {value}" for value in ["5", "1.5", "true", "[]", "[dir]", "{}", "null"]),
        *(f"py_modules: {value}" for value in ["5", "true", "text", "{}", "null", "[1]", "[null]"]),
        *(f"excludes: {value}" for value in ["5", "true", "{}", "null", "[]", "[null]"]),
        *(f"config: {value}" for value in ["5", "true", "text", "{}"]),
        *(f"env_vars: {value}" for value in ["text", "[a]", "{}", "[]", "null", "{A: null}"]),
        *(f"uv: {value}" for value in SCALARS if value not in ("''", "'null'", "0o17", "1e3")),
        *(f"pip: {value}" for value in SCALARS if value not in ("''", "[1]", "'null'", "0o17", "1e3")),
        *(f"{installer}: {value}" for installer in INSTALLERS for value in ["requirements.txt", "missing.txt", "dir", "{packages: [six, six]}",
          "{packages: []}", "{packages: null}", "{packages: 5}", "{package: [six]}", "{packages: [six], more: 1}"]),
        "pip: [1]", "pip: {packages: [[six]]}", "pip: {packages: {six: 1}}", "excludes: ''", "1: x",
        "working_dir: s3://bucket/job.zip#sha256=" + "0" * 64,
        "uv: {packages: requirements.txt}", "pip: {packages: requirements.txt}", "pip: {packages: missing.txt}", "pip: {packages: [six], uv_check: true}",
        *(f"{installer}: {{packages: [six], {installer}_check: {value}}}" for installer in INSTALLERS for value in ["true", "no", "1", "'true'", "null"]),
        *(f"{installer}: {{packages: [six], {installer}_version: {value}}}" for installer in INSTALLERS for value in ["'==1.0'", "1.0", "5", "null", "[a]"]),
        *(f"{installer}: {{packages: [six], {options}: {value}}}" for installer, options in [("uv", "uv_pip_install_options"), ("pip", "pip_install_options")]
          for value in ["[]", "[--pre]", "--pre", "[1]", "null", "{}"])]

# rtenv is stricter than Ray.
STRICTER = {
    "uv: [six, ==]": "Ray fails once it installs the list", "pip: {packages: ['six six']}": "the same",
    "workin_dir: dir": "a field that nobody reads is a mistake: Ray ignores it",
    "base: &b\n  - six\nuv: *b": "the same: 'base'",
    "config: {timeout: 5}": "Ray warns in a log",
    "config: {isolation: mine}": "rtenv's own",
    "pip: {packages: [six, 5]}": "Ray fails once it writes the list",
    "working_dir: ''": "Ray takes it as the current folder and fails later",
    "py_executable: 5": "Ray fails once it starts a worker",
    "py_executable: [python]": "the same",
    "py_executable: ''": "the same",
    "env_vars: ''": "an empty text is no dict",
    "env_vars: []": "an empty list is no dict",
    "env_vars: {'': a}": "no variable can have this name",
    "env_vars: {'A=B': c}": "the same",
    "env_vars: {\"A\\0\": c}": "the same",
    "env_vars: {A: \"x\\0y\"}": "no variable can have this value",
    "conda: env": "it needs conda", "conda: {dependencies: [six]}": "the same", "container: {image: x}": "it needs a container engine",
    "image_uri: rayproject/ray": "the same", "java_jars: [x.jar]": "it needs Ray's Java workers", "nsight: default": "it needs Ray's workers",
    "rocprof_sys: default": "the same", "worker_process_setup_hook: my.hook": "the same", "mpi: {args: []}": "the same",
}
# rtenv accepts more than Ray.
LAXER = {
    "working_dir: s3://bucket/job.tar.zst": "more archives", "working_dir: s3://bucket/job.tar.bz2": "more archives",
    "py_modules: [s3://bucket/m.tar.zst]": "more archives",
    "uv: {phases: [[six], [flask]]}": "phases are rtenv's own", "pip: {phases: [[six]]}": "the same",
}


def ray_says(text):
    try:
        value = yaml.safe_load(text)
        RuntimeEnv(**(value or {}))
    except Exception as problem:  # any: it is refused
        return False, f"{type(problem).__name__}: {problem}"
    return True, ""


def rtenv_says(tool, text):
    with open("spec.yaml", "w") as file:
        file.write(text)
    run = subprocess.run([tool, "env", "check", "-f", "spec.yaml", "--json"], capture_output=True, text=True)
    assert run.returncode in (0, 2, 3), (text, run)
    return run.returncode == 0, run.stderr.strip()


def main():
    tool = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        failed = compare(tool)
        os.chdir("/")
    sys.exit(failed != 0)


def compare(tool):
    os.mkdir("dir")
    for name, content in {"dir/one.py": "", "requirements.txt": "six\n# comment\nrequests\n", "job.zip": "PK", "lib-1.0-py3-none-any.whl": "PK"}.items():
        with open(name, "w") as file:
            file.write(content)
    passed = failed = 0
    documents = {**dict.fromkeys(SAME, "same"), **dict.fromkeys(STRICTER, "stricter"), **dict.fromkeys(LAXER, "laxer")}
    for text, kind in documents.items():
        ray, why_ray = ray_says(text)
        rtenv, why_rtenv = rtenv_says(tool, text)
        wanted = {"same": rtenv == ray, "stricter": ray and not rtenv, "laxer": rtenv and not ray}[kind]
        passed, failed = (passed + 1, failed) if wanted else (passed, failed + 1)
        if not wanted:
            print(f"{text!r} ({kind}): Ray {'accepts it' if ray else why_ray[:150]!r}, rtenv {'accepts it' if rtenv else why_rtenv[:200]!r}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return failed


main()
