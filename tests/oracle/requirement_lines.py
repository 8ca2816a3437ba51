#!/usr/bin/env python3
"""Compares what a line of a requirements list means to rtenv with what it means to pip's parser and to uv.

usage: build/oracle/bin/python tests/oracle/requirement_lines.py RTENV
A line is local (the content of a file or folder counts), other, or invalid. Where pip and uv agree, rtenv has to agree;
where they don't, rtenv has to agree with one of them.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

from pip._internal.exceptions import InstallationError
from pip._internal.req.constructors import install_req_from_line
from pip._internal.req.req_file import COMMENT_RE

UV = pathlib.Path(sys.executable).parent / "uv"
WHEEL = "lib-1.0-py3-none-any.whl"

# {folder}: the current folder.
LINES = [
    "six", "six==1.16.0", "six >= 1, < 2", "six[a,b]~=1.0 ; python_version > '3'", "six;python_version>'3'",
    "six (>=1.0)", "==", "==1.0", "six==", "six six", "six[a", "_six", "six @", "!", "# only a comment",
    "six @ https://127.0.0.1:9/six-1.0-py3-none-any.whl", "six@https://user:pw@127.0.0.1:9/six-1.0-py3-none-any.whl",
    "https://user:pw@127.0.0.1:9/six-1.0-py3-none-any.whl",
    f"./wheels/{WHEEL}", f"wheels/{WHEEL}", f"{{folder}}/wheels/{WHEEL}", f"file://{{folder}}/wheels/{WHEEL}",
    f"lib @ file://{{folder}}/wheels/{WHEEL}", f"lib@file://{{folder}}/wheels/{WHEEL}",
    f"lib[x]@file://{{folder}}/wheels/{WHEEL}", f"lib [x] @file://{{folder}}/wheels/{WHEEL}",
    f"LIB @ file://{{folder}}/wheels/{WHEEL}", f"lib @ file://{{folder}}/a%20b/{WHEEL}",
    f"lib @ file://localhost{{folder}}/wheels/{WHEEL}",
    f"lib[x]@./wheels/{WHEEL}", f"lib @ ./wheels/{WHEEL}", f"./wheels/{WHEEL}[x]",
    f"./wheels/{WHEEL} ; python_version > '3'", f"./wheels/{WHEEL};python_version>'3'",
    f"lib @ file://{{folder}}/wheels/{WHEEL} ; python_version > '3'", f"./wheels/{WHEEL}  # why",
    "./project", "project/inner", "{folder}/project", "project @ file://{folder}/project", "./project[x]",
]
# Constraints for the requirement "lib".
CONSTRAINTS = [
    f"lib @ file://{{folder}}/wheels/{WHEEL}", f"lib@file://{{folder}}/wheels/{WHEEL}", f"./wheels/{WHEEL}",
    "./project", "project @ file://{folder}/project", "lib==1.0", "lib",
]


def make_files(folder):
    info = "lib-1.0.dist-info"
    for wheels in ("wheels", "a b"):
        (folder / wheels).mkdir()
        with zipfile.ZipFile(folder / wheels / WHEEL, "w") as archive:
            archive.writestr("lib.py", "")
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: lib\nVersion: 1.0\nProvides-Extra: x\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
    for project in ("project", "project/inner"):
        (folder / project).mkdir()
        (folder / project / "pyproject.toml").write_text('[project]\nname = "project"\nversion = "1"\n')


def of_pip(line):
    line = COMMENT_RE.sub("", line).strip()  # as pip reads a file
    if not line:
        return "other"
    try:
        requirement = install_req_from_line(line)
    except InstallationError:
        return "invalid"
    return "local" if requirement.link is not None and requirement.link.is_file else "other"


def of_uv(line, constraint=None):
    pathlib.Path("uv.in").write_text((line if constraint is None else "lib") + "\n")
    pathlib.Path("uv.constraints").write_text((constraint or "") + "\n")
    done = subprocess.run([UV, "pip", "compile", "--offline", "--no-index", "--no-deps", "--no-header", "--no-cache",
                           "-c", "uv.constraints", "uv.in"], capture_output=True, text=True)
    if constraint is not None:
        return "invalid" if "not allowed as constraints" in done.stderr else "valid"
    if any(words in done.stderr for words in ("parse", "Unexpected", "file extension")):
        return "invalid"
    built = "from `setup.py` build" in done.stderr  # a project, whose build fails without an index
    return "local" if built or "project" in done.stdout or WHEEL in done.stdout else "other"


def of_rtenv(rtenv, lines):
    """The verdict, and the key's parts."""
    done = subprocess.run([rtenv, "env", "key", "--explain", "--json", "--runtime-env-json", json.dumps({"pip": lines})],
                          capture_output=True, text=True)
    if done.returncode == 2:
        return "invalid", {}
    if not done.stdout:
        return f"failed: {done.stderr}", {}
    parts = json.loads(done.stdout).get("parts", {"requirements": [], "constraints": []})
    counts = any("sha256:" in part or part.startswith("source ") for part in parts["requirements"])
    return "local" if counts else "other", parts


def constraint_of_pip(line):
    pathlib.Path("pip.constraints").write_text(line + "\n")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-index", "--no-deps",
                           "--dry-run", "--find-links", "wheels", "-c", "pip.constraints", "lib"],
                          capture_output=True, text=True)
    return "valid" if done.returncode == 0 else "invalid"


def main():
    rtenv = os.path.abspath(sys.argv[1])
    problems = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        make_files(folder)
        os.chdir(folder)
        os.environ.update(RTENV_CACHE_DIR=str(folder / "cache"), RTENV_PYTHON=sys.executable)

        def compare(line, verdict, pip, uv):
            nonlocal problems
            good = verdict == pip if pip == uv else verdict in (pip, uv)
            problems += not good
            if not good or pip != uv:
                print(f"{'ok' if good else 'WRONG'}: {line!r}: rtenv {verdict}, pip {pip}, uv {uv}")

        for line in (line.format(folder=folder) for line in LINES):
            compare(line, of_rtenv(rtenv, [line, "always"])[0], of_pip(line), of_uv(line))
        for line in (line.format(folder=folder) for line in CONSTRAINTS):
            (folder / "constraints.txt").write_text(line + "\n")
            verdict, parts = of_rtenv(rtenv, ["lib", "-c constraints.txt"])
            if verdict == "other":  # the constraint itself isn't installed
                verdict = "valid" if parts["requirements"] == ["lib"] and len(parts["constraints"]) == 1 else "lost"
            compare(f"-c: {line}", verdict, constraint_of_pip(line), of_uv("lib", line))
    print(f"{len(LINES) + len(CONSTRAINTS)} lines, {problems} problems")
    return 1 if problems else 0


sys.exit(main())
