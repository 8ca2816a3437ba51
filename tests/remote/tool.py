"""Common parts of the tests of remote stores: the built tool, a temporary folder and cache, and secrets that must never show."""

import contextlib
import io
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess
import tempfile
import time
import unittest
import zipfile
from dataclasses import dataclass

import servers

RTENV = os.environ["RTENV"]
LIMIT_S = 120
FOREIGN = ("AWS_", "GOOGLE_", "AZURE_", "STORAGE_", "RAY_", "RTENV_", "CLOUDSDK_", "GCE_")


@dataclass
class Run:
    status: int
    out: str
    err: str

    @property
    def path(self):
        return pathlib.Path(self.out.rstrip("\n"))

    @property
    def json(self):
        return json.loads(self.out)


def noise(size, seed=1):
    """Bytes that don't compress."""
    return random.Random(seed).randbytes(size)


def zip_of(files, top=""):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(top + name), content)
    return data.getvalue()


class RemoteTest(unittest.TestCase):
    """self.secrets: strings that must appear in no output and nowhere in the cache; checked after every run and at the end."""

    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="rtenv-remote-"))
        self.addCleanup(self.remove_work)
        self.cache = self.work / "cache"
        self.home = self.work / "home"
        self.home.mkdir()
        self.secrets = []
        self.environment = {}
        self.servers = contextlib.ExitStack()
        self.addCleanup(self.servers.close)

    def remove_work(self):
        for folder, folders, _ in os.walk(self.work):
            for name in folders:
                with contextlib.suppress(OSError):
                    os.chmod(os.path.join(folder, name), stat.S_IRWXU)
        shutil.rmtree(self.work, ignore_errors=True)

    def start(self, server):
        return self.servers.enter_context(server)

    def process_environment(self, more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN) and "proxy" not in name.lower()}
        if "RTENV_UV" in os.environ:
            kept["RTENV_UV"] = os.environ["RTENV_UV"]
        return {**kept, "HOME": str(self.home), "RTENV_CACHE_DIR": str(self.cache), **self.environment, **(more or {})}

    def spawn(self, *words, env=None):
        return subprocess.Popen([RTENV, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.work,
                                env=self.process_environment(env))

    def result(self, process):
        out, err = process.communicate(timeout=LIMIT_S)
        for secret in self.secrets:
            self.assertNotIn(secret, out + err, "a secret is shown")
        return Run(process.returncode, out, err)

    def remove(self, uri):
        """Removes an object, for which the tool has no command. Returns the exit status."""
        return subprocess.run([os.environ["STORE_PROBE"], uri], env=self.process_environment({}), capture_output=True).returncode

    def listed(self, *words, env=None):
        """What `rtenv ls` lists: sizes by URI. All was written just now."""
        sizes = {}
        for line in self.ok("ls", "--json", *words, env=env).out.splitlines():
            item = json.loads(line)
            self.assertLess(abs(item["modified_ms"] / 1000 - time.time()), 600)
            sizes[item["uri"]] = item["size_bytes"]
        return sizes

    def assert_lists_and_removes(self, base, put):
        """`put(name, data)` writes below `base` with the vendor's client."""
        names = ["p/a b+ü.txt", "p/sub/c.txt", "q/other.txt"]
        for size, name in enumerate(names):
            put(name, b"x" * size)
        self.assertEqual(list(self.listed(base + "p/").items()), [(base + names[0], 0), (base + names[1], 1)])
        self.assertEqual(self.listed(base + "p/s"), {base + names[1]: 1})
        lines = self.ok("ls", base + "p/").out.splitlines()
        self.assertEqual([line.split("  ")[-1] for line in lines], [base + names[0], base + names[1]])
        self.assertEqual(self.remove(base + names[0]), 0)
        self.assertEqual(self.listed(base), {base + names[1]: 1, base + names[2]: 2})
        self.refused(3, "begins with", "ls", base + "nothing/")

    def rtenv(self, *words, env=None):
        return self.result(self.spawn(*words, env=env))

    def ok(self, *words, env=None):
        run = self.rtenv(*words, env=env)
        self.assertEqual(run.status, 0, f"{words}\n{run.err}")
        return run

    def refused(self, status, message, *words, env=None):
        """Expects one error message, no standard output and nothing incomplete in the cache."""
        run = self.rtenv(*words, env=env)
        self.assertEqual(run.status, status, f"{words}\n{run.err}")
        self.assertEqual(run.out, "")
        self.assertEqual(run.err.count("rtenv: error: "), 1, run.err)
        self.assertIn(message, run.err)
        self.assert_nothing_incomplete()
        return run

    def entries(self):
        return [path for kind in ("files", "trees") for path in (self.cache / kind).glob("*")]

    def assert_nothing_incomplete(self):
        temporary = list((self.cache / "tmp").glob("*")) if (self.cache / "tmp").exists() else []
        self.assertEqual(temporary, [])

    def assert_no_secret_stored(self):
        for folder, _, names in os.walk(self.cache):
            for name in names:
                path = pathlib.Path(folder, name)
                content = path.read_bytes() if path.is_file() else b""
                for secret in self.secrets:
                    self.assertNotIn(secret, str(path))
                    self.assertNotIn(secret.encode(), content, path)

    def tearDown(self):
        self.assert_no_secret_stored()

    def assert_damage_is_noticed(self, uri, data, reads):
        """`data` is at `uri`, behind self.proxy, with a checksum. `reads(request)`: whether it reads the object."""
        waiting = [servers.Fault(flip=5)]
        self.proxy.fault = lambda request: waiting.pop() if waiting and reads(request) else None
        self.assertEqual(self.ok("fetch", "--no-unpack", uri).path.read_bytes(), data)
        self.assertEqual(waiting, [])
        self.ok("cache", "rm", "--all", "--yes")
        self.proxy.fault = lambda request: servers.Fault(flip=5) if reads(request) else None
        self.refused(2, "is damaged", "fetch", "--no-unpack", uri)
        self.assertEqual(self.entries(), [])
        self.proxy.fault = lambda request: None

    def write(self, name, content=b""):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def job(self, name="job", size=0):
        """Writes a directory to push."""
        self.write(f"{name}/script.py", "print('the job ran')\n")
        self.write(f"{name}/lib/deep/data.txt", "data")
        if size:
            self.write(f"{name}/noise.bin", noise(size))
        return self.work / name

    def assert_packed(self, data, directory):
        """`data` is a zip of exactly the files of `directory`."""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.assertIsNone(archive.testzip())
            packed = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
        files = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        self.assertEqual(packed, files)
