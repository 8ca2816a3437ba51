"""file:// and local://: files of this machine, also while they change."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import unittest

from tool import RTENV, RemoteTest, noise, zip_of


class Files(RemoteTest):
    def test_file_uris(self):
        job = self.job()
        target = self.work / "store/sub/job.zip"
        self.ok("push", job, f"file://{target}")
        self.assert_packed(target.read_bytes(), job)
        self.assertEqual([path.name for path in target.parent.iterdir()], ["job.zip"])
        self.assertEqual((self.ok("fetch", f"file://{target}").path / "script.py").read_text(), "print('the job ran')\n")
        self.refused(3, "nothing.zip", "fetch", f"file://{self.work}/nothing.zip")

    def test_lists_and_removes_files(self):
        base = f"file://{self.work}/listed/"
        self.assert_lists_and_removes(base, lambda name, data: self.write(f"listed/{name}", data))
        self.write("odd/a\nb\x1b[31m", b"")
        self.assertTrue(self.ok("ls", f"file://{self.work}/odd/").out.endswith("/odd/a\\x0ab\\x1b[31m\n"))
        self.assertEqual(list(self.listed(f"file://{self.work}/odd/")), [f"file://{self.work}/odd/a\nb\x1b[31m"])

    def test_local_uris_are_used_in_place(self):
        job = self.job()
        self.assertEqual(self.ok("fetch", f"local://{job}").path, job)
        runtime_env = json.dumps({"working_dir": f"local://{job}"})
        run = self.ok("run", "--python", sys.executable, "--runtime-env-json", runtime_env, "--", "python3", "-c", "import os; print(os.getcwd())")
        self.assertEqual(run.out, f"{job}\n")
        self.assertEqual(self.entries(), [])

    def test_local_files_are_listed_in_the_order_of_their_names(self):
        names = ["a.b", "a/c?d=e", "a0", "sub/x"]
        for name in reversed(names):
            self.write(f"store/{name}")
        lines = self.ok("ls", f"file://{self.work}/store/").out.splitlines()
        self.assertEqual([line.split("  ")[-1] for line in lines], [f"file://{self.work}/store/{name}" for name in names])
        self.refused(3, f"file://{self.work}/store/a?b=c", "ls", f"file://{self.work}/store/a?b=c")

    def test_an_error_of_a_local_file_says_what_is_wrong(self):
        self.write("file", "x")
        (self.work / "folder").mkdir()
        (self.work / "loop").symlink_to("loop")
        for name, status, message in [("missing", 3, "doesn't exist"), ("folder", 2, "is a folder, not a file"), ("file/below", 2, "Not a directory"),
                                      ("loop", 2, "symbolic links"), ("x" * 300, 2, "File name too long")]:
            with self.subTest(name=name):
                uri = f"file://{self.work}/{name}"
                self.refused(status, message, "fetch", uri)
                if name != "folder":
                    self.refused(status, message, "run", "--working-dir", self.work / name, "--", "true")
                    self.refused(status, message, "push", self.work / name, f"file://{self.work}/pushed")
                self.refused(status, "cannot" if status == 3 else message, "fetch", uri, "-o", "out")
        self.refused(2, "isn't a directory", "fetch", f"local://{self.work}/file")

    @unittest.skipUnless(os.geteuid() == 0, "root reads everything, so another user runs this")
    def test_a_local_file_that_may_not_be_read_is_not_missing(self):
        closed = self.write("closed/file", "x").parent
        closed.chmod(0o700)
        unreadable = self.write("unreadable", "x")
        unreadable.chmod(0o600)
        self.work.chmod(0o755)
        self.home.chmod(0o777)
        for path in [closed / "file", unreadable]:
            for words in [["fetch", f"file://{path}"], ["fetch", f"file://{path}", "-o", "-"], ["push", path, f"file://{self.home}/pushed"]]:
                run = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", RTENV, *words], capture_output=True, text=True,
                                     env=self.process_environment({"RTENV_CACHE_DIR": str(self.home / "cache")}))
                self.assertEqual((run.returncode, run.stdout), (4, ""), run.stderr)
                self.assertIn("Permission denied", run.stderr)

    def test_a_local_file_that_is_exchanged_all_the_time(self):
        zips = {name: zip_of({"name": name, "padding": name * 100_000}) for name in "AB"}
        content_of = {hashlib.new(kind, data).hexdigest(): name for name, data in zips.items() for kind in ["sha1", "sha256"]}
        pin = hashlib.sha256(zips["A"]).hexdigest()
        file = self.work / "exchanged.zip"
        working_dir = json.dumps({"working_dir": str(file)})
        with self.changing(file, lambda turn: self.replace(file, zips["AB"[turn % 2]])):
            for turn in range(12):
                self.ok("fetch", f"file://{file}")
                run = self.rtenv("run", "--runtime-env-json", working_dir, "--", "cat", "name")
                self.assertIn((run.status, run.out), [(0, "A"), (0, "B"), (5, "")], run.err)
                unpacked = self.work / f"unpacked-{turn}"
                run = self.rtenv("unpack", f"file://{file}#sha256={pin}", unpacked)
                self.assertIn(run.status, (0, 2), run.err)  # 2: it was B
                if run.status == 0:
                    self.assertEqual((unpacked / "name").read_text(), "A")
                for tree in (self.cache / "trees").glob("*/name"):
                    digests = [digest for digest in content_of if digest in tree.parent.name]
                    self.assertEqual([content_of[digest] for digest in digests], [tree.read_text()], tree)
                self.ok("cache", "rm", "--all", "--yes")

    def test_a_local_file_that_is_overwritten_all_the_time(self):
        size = 3 << 20
        file = self.work / "overwritten.bin"
        file.write_bytes(b"0" * size)

        def overwrite(turn):
            with open(file, "r+b", buffering=0) as output:
                output.write(b"01"[turn % 2:turn % 2 + 1] * size)

        with self.changing(file, overwrite):
            for turn in range(6):
                run = self.rtenv("push", file, f"file://{self.work}/pushed-{turn}")
                self.assertIn(run.status, (0, 5), run.err)
                if run.status == 0:  # one moment of a write: the new bytes, then the old ones
                    pushed = (self.work / f"pushed-{turn}").read_bytes()
                    self.assertLessEqual(pushed.count(b"01") + pushed.count(b"10"), 1)
                else:
                    self.assertIn("changed while it was read", run.err)
                    self.assertFalse((self.work / f"pushed-{turn}").exists())

    def test_a_file_that_cannot_be_replaced_changes_when_the_output_is_complete(self):
        missing, empty, whole = f"file://{self.work}/missing", self.write("empty"), self.write("whole", "new")
        pinned = f"file://{whole}#sha256={'0' * 64}"
        held = self.write("held", "old content")
        with held.open() as file:
            output = f"/proc/{os.getpid()}/fd/{file.fileno()}"
            self.refused(3, "missing", "fetch", missing, "-o", output)
            self.refused(2, "pinned", "fetch", pinned, "-o", output)
            self.assertEqual(held.read_text(), "old content")
            for source in [whole, empty]:
                self.ok("fetch", f"file://{source}", "-o", output)
                self.assertEqual(held.read_bytes(), source.read_bytes())

    @unittest.skipUnless(os.geteuid() == 0, "mounts")
    def test_a_mounted_file_changes_when_the_output_is_complete(self):
        large, whole = self.write("job/large", noise(1 << 20)), self.write("whole", "new")
        held, mounted = self.write("held", "old content"), self.write("mounted")

        def run(*words):
            script = 'mount --bind "$1" "$2" || exit 77; ulimit -f 100; shift 2; exec "$@"'
            run = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", held, mounted, *map(str, words)], capture_output=True, text=True,
                                 env=self.process_environment({}))
            if run.returncode == 77:
                self.skipTest(run.stderr)
            return run.returncode

        self.assertEqual(run(RTENV, "fetch", f"file://{self.work}/missing", "-o", mounted), 3)
        self.assertEqual(run(RTENV, "pack", large.parent, "-o", mounted), 6)
        self.assertEqual(run(RTENV, "push", large, f"file://{mounted}"), 6)
        self.assertEqual(held.read_text(), "old content")
        self.assertEqual(run(RTENV, "push", whole, f"file://{mounted}"), 0)
        self.assertEqual(held.read_text(), "new")
        self.assertEqual(run(RTENV, "pack", self.job("small"), "-o", mounted), 0)
        self.assert_packed(held.read_bytes(), self.work / "small")

    def test_what_is_wrong_with_a_cached_file_the_store_still_has_it(self):
        data = noise(3 << 20)
        source = self.write("data.bin", data)
        uri = f"file://{source}#sha256={hashlib.sha256(data).hexdigest()}"
        self.ok("fetch", uri)
        [cached] = (self.cache / "files").glob("*/data.bin")
        cached.parent.chmod(0o700)
        cached.chmod(0o600)
        for damage in [lambda: None, lambda: cached.write_bytes(data[:-1] + b"!"), cached.mkdir, lambda: os.mkfifo(cached), lambda: cached.symlink_to("/dev/zero"),
                       lambda: cached.symlink_to(cached)]:
            cached.rmdir() if cached.is_dir() else cached.unlink(missing_ok=True)
            damage()
            for output in ["out", "-"]:
                run = subprocess.run([RTENV, "fetch", uri, "-o", output], capture_output=True, cwd=self.work, env=self.process_environment({}))
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertEqual(run.stdout if output == "-" else (self.work / "out").read_bytes(), data)

    @contextlib.contextmanager
    def changing(self, path, change):
        """Calls `change(turn)` without a pause until the block ends."""
        change(0)
        stop = threading.Event()

        def run():
            turn = 0
            while not stop.is_set():
                change(turn := turn + 1)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    @staticmethod
    def replace(path, data):
        path.with_suffix(".new").write_bytes(data)
        path.with_suffix(".new").rename(path)


if __name__ == "__main__":
    unittest.main()
