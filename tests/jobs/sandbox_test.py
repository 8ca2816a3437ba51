"""`rtenv serve --sandbox`: what jobs and their installers can and can't do."""

import contextlib
import io
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import zipfile

import harness
from harness import eventually


class Sandbox(harness.JobTest):
    def setUp(self):
        super().setUp()
        if subprocess.run(["bwrap", "--dev-bind", "/", "/", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("bwrap doesn't work here")

    def test_the_sandbox_protects_files_and_hides_processes(self):
        self.server = self.serve("--sandbox")
        self.write("wheels/setup.py", "from setuptools import setup; setup(name='mine', version='1', py_modules=[])")
        job, details = self.server.run(
            f"touch /etc/x; ls -A {self.server.state} {self.work}/cache; touch in-dir && echo wrote; echo pid $$; ps -e | wc -l",
            runtime_env={"working_dir": self.upload()})
        out = self.server.output(job)
        self.assertEqual(details["status"], "SUCCEEDED", out)
        self.assertIn("Read-only file system", out)
        self.assertNotIn("jobs.db", out)
        self.assertNotIn("ledger.db", out)
        self.assertIn("wrote", out)
        self.assertLess(int(out.split()[-1]), 10, "other processes are out of sight")
        job = self.server.submit("trap 'echo bye; exit 0' TERM; echo ready; while true; do sleep 0.05; done")
        eventually(lambda: "ready" in self.server.output(job))
        self.server.request("POST", f"/api/jobs/{job}/stop")
        self.assertEqual(self.server.wait(job)["status"], "STOPPED")
        self.assertIn("bye", self.server.output(job))

    def test_a_stopped_job_has_its_time_to_end(self):
        """Its programs don't end with the shell that began them."""
        self.server = self.serve("--sandbox")
        program = ("import signal, time, sys\n"
                   "def save(*_):\n  print('saving', flush=True); time.sleep(1); print('saved', flush=True); sys.exit()\n"
                   "signal.signal(signal.SIGTERM, save); print('begun', flush=True); time.sleep(60)")
        entrypoint, runtime_env = 'python3 -c "$PROGRAM"; echo after', {"env_vars": {"PROGRAM": program}}
        job = self.server.submit(entrypoint, runtime_env=runtime_env)
        eventually(lambda: "begun" in self.server.output(job))
        self.server.request("POST", f"/api/jobs/{job}/stop")
        self.assertEqual(self.server.wait(job)["status"], "STOPPED")
        self.assertIn("saved", self.server.output(job))
        job, details = self.server.run(entrypoint, runtime_env={**runtime_env, "config": {"run_timeout_seconds": 2}})
        self.assertEqual(details["status"], "FAILED")
        self.assertIn("saved", self.server.output(job))
        job = self.server.submit("trap '' TERM; sleep 60 & echo begun; wait; wait; sleep 60", runtime_env={"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "1"}})
        eventually(lambda: "begun" in self.server.output(job))
        self.server.request("POST", f"/api/jobs/{job}/stop")
        self.assertEqual(self.server.wait(job)["status"], "STOPPED")
        eventually(lambda: not harness.processes_with("sleep\x0060"), "the end of all processes")

    def test_no_text_is_taken_for_options_of_the_sandbox(self):
        self.server = self.serve("--sandbox")
        injected = "/usr\0--bind\0/\0/\0--dev\0/dev\0--"
        for runtime_env in [{"working_dir": f"local://{injected}"}, {"py_modules": [f"local://{injected}"]},
                            {"env_vars": {"A": injected}}, {"env_vars": {injected: "a"}}]:
            response = self.server.request("POST", "/api/jobs/", {"entrypoint": "true", "runtime_env": runtime_env})
            self.assertEqual(response.status, 400, runtime_env)
            self.assertIn("NUL byte", response.text)

    def test_a_directory_in_place_shows_nothing_that_is_hidden(self):
        self.server = self.serve("--sandbox", env={"HOME": str(self.work / "home")})
        self.write("home/secret", "a-secret-word")
        for line in [f"-r {self.work}/home/secret", f"x @ file://{self.work}/home/x.whl", f"--find-links {self.work}/home"]:
            job, details = self.server.run("true", runtime_env={"working_dir": "local:///", "pip": [line]})
            self.assertEqual(details["status"], "FAILED")
            self.assertIn("isn't visible", details["message"])
            self.assertNotIn("a-secret-word", self.server.output(job))

    def test_a_new_token_is_hidden_from_running_jobs(self):
        with tempfile.TemporaryDirectory(dir="/srv") as folder:
            token = pathlib.Path(folder, "token")
            token.write_text("old-token")
            self.server = self.serve("--sandbox", "--token-file", token)
            job = self.server.submit(f"for i in $(seq 20); do cat {token}; sleep 0.1; done")
            eventually(lambda: "No such file" in self.server.output(job))
            new = pathlib.Path(folder, "new")
            new.write_text("new-token")
            new.rename(token)
            self.server.wait(job)
            self.assertNotIn("new-token", self.server.output(job))

    def test_key_rings_are_out_of_reach(self):
        self.server = self.serve("--sandbox")
        program = """
import ctypes, errno, platform
call = {"x86_64": 250, "aarch64": 219}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(call, 0, -4, 1), errno.errorcode.get(ctypes.get_errno()))"""
        job, _ = self.server.run('python3 -c "$PROGRAM"', runtime_env={"env_vars": {"PROGRAM": program}})
        self.assertEqual(self.server.output(job), "-1 EACCES\n")

    def test_a_missing_program_is_explained(self):
        self.server = self.serve("--sandbox")
        job, details = self.server.run("/root/.local/bin/no-such-program")
        self.assertEqual((details["status"], details["driver_exit_code"]), ("FAILED", 127))
        self.assertIn("this server runs jobs in a sandbox", self.server.output(job))

    def test_a_server_that_can_make_no_sandbox_doesnt_start(self):
        broken = self.work / "bin" / "bwrap"
        self.write("bin/bwrap", "#!/bin/sh\necho no namespaces for you >&2\nexit 1\n")
        broken.chmod(0o755)
        run = self.tool("serve", "--port", 0, "--state-dir", self.work / "state", "--sandbox", env={"PATH": f"{broken.parent}:{os.environ['PATH']}"})
        self.assertEqual(run.returncode, 5, run.stderr)
        self.assertIn("bwrap can't make a sandbox here: no namespaces for you", run.stderr)

    def test_the_sandbox_encloses_installers(self):
        (self.work / "shown").mkdir()
        self.server = self.serve("--sandbox", "--sandbox-show", self.work / "shown")
        cache = self.work / "cache"
        self.write("shown/plain/setup.py", "from setuptools import setup; setup(name='plain', version='1')")
        plain = {"uv": [f"plain @ file://{self.work}/shown/plain"]}
        job, details = self.server.run("true", runtime_env=plain)
        self.assertEqual(details["status"], "SUCCEEDED", details)
        victim = next(path for path in (cache / "envs").glob("*/pyvenv.cfg"))
        self.write("shown/spy/setup.py", f"""
import os, pathlib, setuptools
seen = {{}}
for name in ["{victim}", "{cache}/uv/spied", "{cache}/files/spied", os.environ["UV_CACHE_DIR"] + "/spied"]:
    try:
        pathlib.Path(name).write_text("spied")
        seen[name] = "written"
    except OSError as error:
        seen[name] = error.strerror
import subprocess
for command in [["umount", "-l", "{cache}"], ["umount", "-l", "{self.server.state}"], ["mount", "-o", "remount,bind,rw", "{cache}"]]:
    seen[" ".join(command)] = "done" if subprocess.run(command, capture_output=True).returncode == 0 else "refused"
# What the server runs later, outside.
target = next(line.split()[4] for line in open("/proc/self/mountinfo") if "/cache/envs/" in line)
pathlib.Path(target + "/bin/python").unlink()
pathlib.Path(target + "/bin/python").write_text("#!/bin/sh\\necho > {cache}/uv/spied-by-compiler\\nexec {sys.executable} $@")
os.chmod(target + "/bin/python", 0o755)
seen["state"] = os.path.exists("{self.server.state}")
seen["processes"] = [name for name in os.listdir("/proc") if name.isdigit() and b"serve" in pathlib.Path("/proc", name, "cmdline").read_bytes().split(bytes(1))]
pathlib.Path("spy.py").write_text("SEEN = " + repr(seen))
setuptools.setup(name="spy", version="1", py_modules=["spy"])
""")
        spy = {"uv": [f"spy @ file://{self.work}/shown/spy"]}
        job, details = self.server.run("cat $VIRTUAL_ENV/lib/python3*/site-packages/spy.py", runtime_env=spy)
        out = self.server.output(job)
        self.assertEqual(details["status"], "SUCCEEDED", out)
        seen = eval(out.splitlines()[-1].removeprefix("SEEN = "))
        self.assertEqual([*seen.values()], ["No such file or directory"] * 3 + ["written"] + ["refused"] * 3 + [False, []], seen)
        self.assertEqual([*cache.glob("**/spied*")], [])
        # The job's variables don't reach bwrap, which would run the library outside.
        self.write("preloaded.c", f"""#include <stdio.h>
__attribute__((constructor)) static void run(void) {{ fclose(fopen("{cache}/uv/spied-by-preload", "w") ?: stdout); }}""")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.work / "preloaded.so", self.work / "preloaded.c"], check=True)
        job, details = self.server.run("true", runtime_env={"env_vars": {"LD_PRELOAD": str(self.work / "preloaded.so")}})
        job, details = self.server.run("true", runtime_env={
            "uv": ["idna==3.7"], "env_vars": {"LD_PRELOAD": str(self.work / "preloaded.so")}, "config": {"build_env_vars": ["LD_PRELOAD"]}})
        self.assertEqual([*cache.glob("**/spied*")], [])
        # A job doesn't choose the uv that installs another uv for all jobs, outside.
        fake = self.write("fake/uv", f"#!/bin/sh\necho >>{self.work}/spied-by-uv\nexec {harness.ORACLE}/uv \"$@\"\n")
        fake.chmod(0o755)
        for variables in {"RTENV_UV": str(fake)}, {"PATH": f"{fake.parent}:/usr/bin:/bin"}:
            job, details = self.server.run("true", runtime_env={
                "uv": {"packages": ["idna==3.7"], "uv_version": "==0.9.0"}, "env_vars": variables})
            self.assertEqual(details["status"], "SUCCEEDED", details)
        self.assertFalse((self.work / "spied-by-uv").exists())
        # Links that an installer leaves lead rtenv, which works on the environment outside, nowhere.
        victim = self.work / "victim"
        victim.mkdir()
        (victim / "file").write_text("mine")
        for at in ("package/__pycache__", "package", "uv.toml", "mark"):
            self.write("shown/links/setup.py", f"""
import os, pathlib, setuptools
target = next(line.split()[4] for line in open("/proc/self/mountinfo") if "/cache/envs/" in line)
scratch = next(line.split()[4] for line in open("/proc/self/mountinfo") if "/cache/tmp/" in line and "merged" not in line)
packages = next(pathlib.Path(target).glob("lib/python3*/site-packages"))
if os.path.exists("/tmp/was-here"):
    pass
elif "{at}" == "uv.toml":
    (pathlib.Path(scratch) / "uv.toml").unlink(missing_ok=True)
    (pathlib.Path(scratch) / "uv.toml").symlink_to("{victim}/made")
elif "{at}" == "mark":
    (pathlib.Path(target) / "__pycache__").mkdir()
    (pathlib.Path(target) / "__pycache__/rtenv-compiled").symlink_to("{victim}/made")
else:
    link = packages / "{at}"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("{victim}")
    info = packages / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: evil\\nVersion: 1.0\\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    (info / "RECORD").write_text("package/__pycache__/file,sha256=abc,1\\npackage/__pycache__/../file,sha256=abc,1\\n")
open("/tmp/was-here", "w")
setuptools.setup(name="links", version="1")
""")
            job, details = self.server.run("true", runtime_env={"uv": {"packages": [f"links @ file://{self.work}/shown/links"], "uv_check": True}})
            self.assertEqual([path.name for path in victim.iterdir()], ["file"], at)
            self.assertEqual(details["status"], "FAILED" if "package" in at else "SUCCEEDED", at)
            if at == "package":
                self.assertIn("symbolic link", details["message"], at)
        # A job's cache isn't trusted, and isn't shown to its installer either.
        self.write("shown/look/setup.py", f"""
import os, setuptools, socket
descriptors = "stay"
for make in lambda: socket.socket(socket.AF_UNIX), lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM), lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW):
    try:
        make()
        descriptors = "can be passed"
    except PermissionError:
        pass
socket.socketpair()
open("look.py", "w").write(repr([os.path.exists(os.environ["UV_CACHE_DIR"] + "/jobs.db"), descriptors, socket.socket().family]))
setuptools.setup(name="look", version="1", py_modules=["look"])
""")
        job, details = self.server.run("cat $VIRTUAL_ENV/lib/python3*/site-packages/look.py", runtime_env={
            "uv": [f"look @ file://{self.work}/shown/look"], "env_vars": {"UV_CACHE_DIR": str(self.server.state)}})
        self.assertEqual((details["status"], self.server.output(job).splitlines()[-1]), ("SUCCEEDED", f"[False, 'stay', {socket.AF_INET!r}]"), details)
        # Nor does a job choose a program that gives credentials to the server.
        self.write("aws", f"[default]\nregion = us-east-1\ncredential_process = /bin/sh -c 'touch {self.work}/spied-by-aws'\n")
        self.write("home/.aws/config", (self.work / "aws").read_text())
        for variables in {"AWS_CONFIG_FILE": str(self.work / "aws")}, {"HOME": str(self.work / "home")}:
            self.server.run("true", runtime_env={"working_dir": "s3://bucket/x.zip", "env_vars": {**variables, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}})
        self.assertFalse((self.work / "spied-by-aws").exists())
        # The overlay's own folders are out of reach.
        self.write("shown/swap/setup.py", """
import os, setuptools
parent = os.path.dirname(os.environ["UV_CACHE_DIR"])
open("swap.py", "w").write(repr([os.listdir(parent), os.access(os.environ["UV_CACHE_DIR"], os.W_OK)]))
setuptools.setup(name="swap", version="1", py_modules=["swap"])
""")
        job, details = self.server.run("cat $VIRTUAL_ENV/lib/python3*/site-packages/swap.py",
                                       runtime_env={"uv": {"packages": [f"swap @ file://{self.work}/shown/swap"], "uv_check": True}})
        self.assertEqual((details["status"], self.server.output(job).splitlines()[-1]), ("SUCCEEDED", "[['merged'], True]"), details)

    def test_home_directories_and_sockets_of_services_are_hidden(self):
        secret = self.write(".aws/credentials", "secret key")
        self.write("data/x", "shown")
        (self.work / "alias").symlink_to("data")
        self.server = self.serve("--sandbox", "--sandbox-show", self.work / "alias")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        place = f"/run/rtenv-test-{os.getpid()}"
        with contextlib.suppress(OSError):  # of another user than root
            listener.bind(place)
            self.addCleanup(os.unlink, place)
        job, details = self.server.run(
            f"cat {secret}; ls -A /root /home /run; cat ~/alias/x; echo; touch ~/mine ~/.cache/mine && echo home; touch ~/data/y; "
            f"python3 -c 'import sys; print(sys.prefix)'")
        out = self.server.output(job)
        self.assertEqual(details["status"], "SUCCEEDED", out)
        for hidden in ("secret key", pathlib.Path(place).name):
            self.assertNotIn(hidden, out)
        for shown in (f"cat: {secret}: No such file or directory", "shown", "home\n", "Read-only file system"):
            self.assertIn(shown, out)
        self.assertFalse((self.work / "mine").exists())

    def test_a_jobs_environment_and_interpreter_are_shown_wherever_they_are(self):
        python = self.work / "python"  # in a folder that is hidden
        subprocess.run([harness.ORACLE / "python", "-m", "venv", python], check=True)
        self.server = self.serve("--sandbox", "--python", python / "bin/python")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("helper.py", "TEXT = 'helped'")
        self.assertEqual(self.server.request("PUT", "/api/packages/gcs/helper.zip", archive.getvalue()).status, 200)
        job, details = self.server.run(
            "python -c 'import six, helper; print(helper.TEXT, six.__version__)'; ls $RTENV_CACHE_DIR; pwd; ls",
            runtime_env={"working_dir": self.upload(), "py_modules": ["gcs://helper.zip"], "uv": ["six==1.16.0"]})
        out = self.server.output(job)
        self.assertEqual(details["status"], "SUCCEEDED", (out, details))
        self.assertIn("helped 1.16.0", out)
        self.assertIn("main.py", out)
        job, details = self.server.run("python -c 'import six; print(six.__version__)'", runtime_env={"pip": ["six==1.16.0"]})
        self.assertEqual((details["status"], self.server.output(job).splitlines()[-1]), ("SUCCEEDED", "1.16.0"), details)

    def test_installers_see_their_configuration_and_nothing_else_of_home(self):
        self.write(".config/pip/pip.conf", "[global]\ntimeout = 7\n")
        self.write(".ssh/id_ed25519", "secret key")
        (self.work / "shown").mkdir()
        self.server = self.serve("--sandbox", "--sandbox-show", self.work / "shown")
        self.write("shown/look/setup.py", f"""
import os, setuptools
home = os.path.expanduser("~")
open("look.py", "w").write(repr([sorted(os.listdir(home)), os.path.exists(home + "/.config/pip/pip.conf")]))
setuptools.setup(name="look", version="1", py_modules=["look"])
""")
        job, details = self.server.run("cat $VIRTUAL_ENV/lib/python3*/site-packages/look.py", runtime_env={"pip": [f"look @ file://{self.work}/shown/look"]})
        self.assertEqual(details["status"], "SUCCEEDED", details)
        folders, has_configuration = eval(self.server.output(job).splitlines()[-1])
        self.assertTrue(has_configuration)
        self.assertNotIn(".ssh", folders)
        # A job's variables show nothing else.
        self.write("shown/spy/setup.py", f"""
import os, setuptools
def seen(path):
    try:
        return open(path).read() if os.path.isfile(path) else os.listdir(path)
    except OSError as error:
        return error.strerror
open("spy.py", "w").write(repr([seen("{self.work}/.ssh/id_ed25519"), seen("{self.work}/.ssh"), seen("{self.server.state}"), seen("{self.work}/cache/files")]))
setuptools.setup(name="spy", version="1", py_modules=["spy"])
""")
        job, details = self.server.run("cat $VIRTUAL_ENV/lib/python3*/site-packages/spy.py", runtime_env={
            "pip": [f"spy @ file://{self.work}/shown/spy"],
            "env_vars": {"HOME": str(self.server.state), "XDG_CONFIG_HOME": f"{self.work}/.ssh"}})
        self.assertEqual(details["status"], "SUCCEEDED", details)
        self.assertEqual(eval(self.server.output(job).splitlines()[-1]), ["No such file or directory"] * 4)

    def test_a_job_cannot_name_what_it_does_not_see(self):
        self.write("mine/secret", "secret key\n")
        self.write("mine/setup.py", "from setuptools import setup; setup(name='mine', version='1')")
        with zipfile.ZipFile(self.work / "mine.zip", "w") as archive:
            archive.writestr("secret", "secret key")
        self.server = self.serve("--sandbox")
        self.server.run("true", runtime_env={"env_vars": {"KEY": "secret key"}})
        audit = self.server.state / "audit.log"
        for runtime_env in (
                {"working_dir": f"local://{self.work}/mine"}, {"working_dir": f"file://{self.work}/mine.zip"}, {"working_dir": f"local://{self.server.state}"},
                {"py_modules": [f"local://{self.work}/cache"]}, {"py_modules": [f"file://{self.work}/mine.zip"]}, {"uv": [f"-r {audit}"]},
                {"pip": [f"-r {self.work}/mine/secret"]}, {"pip": [f"-c {self.work}/mine/secret", "six"]}, {"uv": [f"{self.work}/mine"]},
                {"uv": [f"mine @ file://{self.work}/mine"]}, {"uv": ["six", f"--find-links {self.work}/mine"]},
                {"uv": {"packages": ["six"], "uv_pip_install_options": ["--overrides", f"{self.work}/mine/secret"]}},
                {"uv": ["six"], "env_vars": {"UV_CONSTRAINT": f"{self.work}/mine/secret"}}, {"uv": ["-r /proc/self/environ"]},
                {"pip": ["--extra-index-url http://u:p@127.0.0.1:9/", "six"], "env_vars": {"NETRC": f"{self.work}/mine/secret"}},
                {"pip": ["six"], "env_vars": {"SSL_CERT_DIR": f"{self.work}/mine"}}):
            job, details = self.server.run("find . -type f | xargs cat; find $PYTHONPATH | head", runtime_env=runtime_env)
            self.assertEqual((details["status"], details["error_type"]), ("FAILED", "RUNTIME_ENV_SETUP_FAILURE"), runtime_env)
            self.assertIn("isn't visible in this server's sandbox", details["message"], runtime_env)
            self.assertNotIn("secret key", details["message"] + self.server.logs(job), runtime_env)

    def test_a_sandboxed_job_does_not_speak_for_the_servers_user(self):
        self.server = self.serve("--sandbox")
        look = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{self.server.port}/api/jobs/')"
        job, details = self.server.run(f'python3 -c "{look}"')
        self.assertEqual(details["status"], "FAILED", self.server.output(job))
        self.assertIn("HTTP Error 403", self.server.output(job))
        self.assertEqual(self.server.request("GET", "/api/jobs/").status, 200)
        # Nor does rtenv, which fetches for it.
        self.server.run("true", submission_id="victim", runtime_env={"env_vars": {"KEY": "secret key"}})
        for path, endpoint in (("api/jobs/victim", ""), ("b/k", "/api/jobs/?x=")):
            job, details = self.server.run("true", runtime_env={"pip": [f"-r s3://{path}"], "env_vars": {
                "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.port}{endpoint}"}})
            self.assertEqual(details["status"], "FAILED", details)
            self.assertNotIn("secret key", details["message"] + self.server.logs(job))

    def test_the_servers_token_and_locks_are_out_of_reach(self):
        token = self.write("etc/token", "t submit abc")
        self.server = self.serve("--sandbox", "--sandbox-show", self.work / "etc", "--token-file", token)
        job, details = self.server.run(
            f"cat {token}; for fd in /proc/self/fd/*; do readlink $fd; done; true", runtime_env={"uv": ["six==1.16.0"]})
        out = self.server.output(job)
        self.assertEqual(details["status"], "SUCCEEDED", out)
        self.assertIn("pipe:", out)
        self.assertNotIn("abc", out)
        self.assertNotIn("holder", out)

    def test_temporary_folders_and_odd_homes_work(self):
        (self.work / "home").symlink_to("real")
        (self.work / "real").mkdir()
        for variables in ({"TMPDIR": "/tmp/user/0"}, {"TMPDIR": "/srv"}, {"HOME": "/home/../etc"}, {"HOME": "/home/a/../b"}, {"HOME": "/"}, {"HOME": ""},
                          {"HOME": str(self.work / "home")}):
            self.server = self.serve("--sandbox", env=variables if "TMPDIR" in variables else {})
            job, details = self.server.run("mktemp; python -c 'import six'", runtime_env={"uv": ["six==1.16.0"], "env_vars": variables})
            self.assertEqual(details["status"], "SUCCEEDED", (variables, self.server.output(job)))
            self.server.stop()

    def test_without_a_network_a_job_reaches_nobody(self):
        self.server = self.serve("--sandbox", "--sandbox-no-network")
        connect = f"import socket; socket.create_connection(('127.0.0.1', {self.server.port}), 5)"
        job, details = self.server.run(f'python3 -c "{connect}"')
        self.assertEqual(details["status"], "FAILED", details)
        self.assertIn("ConnectionRefusedError", self.server.output(job))
        job, details = self.server.run("python -c 'import six'", runtime_env={"uv": ["six==1.16.0"]})  # installed before
        self.assertEqual(details["status"], "SUCCEEDED", details)

    def test_options_of_the_sandbox_need_it(self):
        for words, text in ((["--sandbox-no-network"], "need --sandbox"), (["--sandbox", "--sandbox-show", "/no/such"], "there is no such file")):
            run = self.tool("serve", "--port", 0, "--state-dir", self.work / "state", *words)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(text, run.stderr)


if __name__ == "__main__":
    harness.main()
