"""http:// and https:// against servers of several kinds, and what concerns the URIs of all of them."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

import certificates
import servers
from tool import RTENV, RemoteTest, noise, zip_of

JOB = zip_of({"script.py": "print('ran')"}, top="job-1.0/")


class Web(RemoteTest):
    def test_archives_are_unpacked_and_files_keep_their_name(self):
        web = self.start(servers.files({"/job.zip": JOB, "/lib%201.whl": b"wheel"}))
        self.assertEqual((self.ok("fetch", web.url + "/job.zip").path / "script.py").read_text(), "print('ran')")
        self.assertEqual(self.ok("fetch", web.url + "/lib%201.whl").path.name, "lib 1.whl")
        self.assertEqual(self.ok("fetch", "--no-unpack", web.url + "/job.zip").path.read_bytes(), JOB)
        self.ok("cache", "verify")  # with the digests that were computed on the way
        self.ok("unpack", web.url + "/job.zip", self.work / "here")
        self.assertEqual([str(path.relative_to(self.work / "here")) for path in (self.work / "here").rglob("*.py")], ["job-1.0/script.py"])
        self.refused(2, "empty", "unpack", web.url + "/job.zip", self.work / "here")
        self.refused(3, "404", "unpack", web.url + "/nothing.zip", self.work / "there")
        self.assertFalse((self.work / "there").exists())

    def test_servers_without_ranges_and_etags(self):
        large = noise(20 << 20)
        web = self.start(servers.files({"/large.bin": large}, ranges=False, etags=False))
        self.assertEqual(self.ok("fetch", web.url + "/large.bin").path.read_bytes(), large)
        self.assertFalse(self.ok("fetch", "--json", web.url + "/large.bin").json["from_cache"])

    def test_an_object_is_fetched_into_a_file(self):
        large = noise(20 << 20)
        web = self.start(servers.files({"/job.zip": JOB, "/large.bin": large}))
        for uri, data in [(web.url + "/job.zip", JOB), (web.url + "/large.bin", large)]:
            target = self.write("target", "earlier content")
            (self.work / "link").unlink(missing_ok=True)
            (self.work / "link").symlink_to(target)
            run = self.ok("fetch", uri, "-o", self.work / "link", "--json").json
            self.assertEqual(run, {"uri": uri, "path": str(self.work / "link"), "sha256": hashlib.sha256(data).hexdigest()})
            self.assertEqual(target.read_bytes(), data)
            self.assertTrue((self.work / "link").is_symlink())
        self.assertFalse(self.cache.exists())
        self.refused(2, "pinned", "fetch", f"{web.url}/job.zip#sha256={'0' * 64}", "-o", target)
        self.refused(3, "404", "fetch", f"{web.url}/nothing", "-o", self.work / "new")
        self.assertEqual(target.read_bytes(), large)
        self.assertEqual(sorted(path.name for path in self.work.iterdir()), ["home", "link", "target"])
        self.refused(2, "no object name", "fetch", f"{web.url}/", "-o", target)
        self.refused(2, "used in place", "fetch", f"local://{self.work}", "-o", target)

    def binary(self, *words, data=None):
        return subprocess.run([RTENV, *map(str, words)], input=data, capture_output=True, cwd=self.work, env=self.process_environment({}))

    def test_an_object_is_fetched_to_standard_output(self):
        web = self.start(servers.files({"/job.zip": JOB}))
        run = self.binary("fetch", web.url + "/job.zip", "-o", "-")
        self.assertEqual((run.returncode, run.stdout), (0, JOB), run.stderr)
        with_json = self.binary("fetch", web.url + "/job.zip", "-o", "-", "--json")
        self.assertEqual((with_json.returncode, with_json.stdout), (2, b""))
        self.assertIn(b"exclude each other", with_json.stderr)
        # Nothing of what hasn't its digest.
        self.refused(2, "pinned", "fetch", f"{web.url}/job.zip#sha256={'0' * 64}", "-o", "-")

    def test_a_package_is_pushed_from_standard_input(self):
        store = self.work / "store"
        uri = f"file://{store}/x/job.zip"
        self.assertEqual(self.binary("push", "-", uri, data=JOB).stdout.decode(), uri + "\n")
        self.assertEqual((store / "x/job.zip").read_bytes(), JOB)
        named = self.binary("push", "-", f"file://{store}/", data=JOB)
        self.assertEqual(named.stdout.decode(), f"file://{store}/_ray_pkg_{hashlib.sha1(JOB).hexdigest()}.zip\n", named.stderr)
        other = self.binary("push", "-", f"file://{store}/", data=b"no archive")
        self.assertEqual((other.returncode, other.stdout), (2, b""))
        self.assertIn("no name of its own", other.stderr.decode())
        self.assertEqual(self.binary("push", "-", f"file://{store}/data", data=b"no archive").returncode, 0)
        self.assertEqual((store / "data").read_bytes(), b"no archive")

    def test_an_interruption_ends_reading_from_standard_input(self):
        process = subprocess.Popen([RTENV, "push", "-", f"file://{self.work}/x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=self.work, env=self.process_environment({}))
        process.stdin.write("begun")
        process.stdin.flush()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=30), 130)
        self.assertFalse((self.work / "x").exists())
        for pipe in [process.stdin, process.stdout, process.stderr]:
            pipe.close()

    def test_netrc(self):
        self.secrets = ["hunter2", servers.basic("me", "hunter2")]
        web = self.start(servers.files({"/job.zip": JOB}, guard=lambda handler: None if handler.headers.get("Authorization") ==
                                       servers.basic("me", "hunter2") else (401, b"", {"WWW-Authenticate": "Basic"})))
        run = self.refused(4, "401", "fetch", web.url + "/job.zip")
        self.assertIn("netrc", run.err)
        self.write("home/.netrc", "machine 127.0.0.1 login me password hunter2\n")
        self.ok("fetch", web.url + "/job.zip")
        own = self.write("my-netrc", "machine 127.0.0.1 login me password hunter2\n")
        self.ok("fetch", web.url + "/job.zip", env={"NETRC": str(own), "HOME": "/nonexistent"})

    def test_credentials_are_not_sent_to_another_host(self):
        self.secrets = ["the-bearer", "hunter2"]
        other = self.start(servers.files({"/job.zip": JOB}))
        away = lambda handler: (302, b"", {"Location": other.url.replace("127.0.0.1", "localhost") + "/job.zip"})
        web = self.start(servers.files(guard=away))
        self.ok("fetch", web.url + "/start.zip", env={"RAY_RUNTIME_ENV_BEARER_TOKEN": "the-bearer"})
        self.assertEqual({request.headers["Authorization"] for request in web.requests}, {"Bearer the-bearer"})
        self.ok("fetch", web.url.replace("//", "//me:hunter2@") + "/other.zip")
        self.assertEqual({request.headers["Authorization"] for request in other.requests}, {None})

    def test_credentials_are_not_sent_to_another_port(self):
        """A host's services may belong to different owners."""
        self.secrets = ["the-bearer", "hunter2"]
        self.write("home/.netrc", "machine localhost login me password hunter2\ndefault login me password hunter2\n")
        other = self.start(servers.files({"/job.zip": JOB}))
        for host in ["localhost", "127.0.0.1"]:
            other.requests.clear()
            away = other.url.replace("127.0.0.1", host) + "/job.zip"
            web = self.start(servers.files(guard=lambda handler, away=away: (302, b"", {"Location": away})))
            for number, env in enumerate([{}, {"RAY_RUNTIME_ENV_BEARER_TOKEN": "the-bearer"}]):
                self.ok("fetch", web.url.replace("127.0.0.1", "localhost") + f"/{host}-{number}.zip", env=env)
            self.assertNotIn(None, {request.headers["Authorization"] for request in web.requests})
            self.assertEqual({request.headers["Authorization"] for request in other.requests}, {None})

    def test_no_redirect_leads_from_https_to_http(self):
        self.secrets = ["hunter2"]
        self.write("home/.netrc", "machine localhost login me password hunter2\n")
        certificate, key = certificates.make_certificate(self.work)
        plain = self.start(servers.files({"/job.zip": JOB}))
        clear = plain.url.replace("127.0.0.1", "localhost") + "/job.zip"
        secure = self.start(servers.files({"/job.zip": JOB}, tls=(certificate, key),
                                          guard=lambda handler: (302, b"", {"Location": clear}) if handler.path == "/away.zip" else None))
        self.environment |= {"SSL_CERT_FILE": str(certificate), "CURL_CA_BUNDLE": str(certificate)}
        self.refused(4, "isn't encrypted", "fetch", secure.url + "/away.zip")
        self.assertEqual(plain.requests, [])
        self.ok("fetch", secure.url + "/job.zip")
        plain.guard = lambda handler: (301, b"", {"Location": secure.url + "/job.zip"}) if handler.path == "/up.zip" else None
        self.ok("fetch", plain.url + "/up.zip")

    def test_redirects_are_followed_only_to_read(self):
        target = self.start(servers.files())
        web = self.start(servers.files(guard=lambda handler: (307, b"", {"Location": target.url + handler.path})))
        self.refused(2, "redirects", "push", self.job(), web.url + "/job.zip")
        self.assertEqual(self.remove(web.url + "/job.zip"), 2)
        self.assertEqual(target.requests, [])

    def test_metadata_services_are_not_read(self):
        for url in ["http://169.254.169.254/latest/x.zip", "http://0xA9FEA9FE/x.zip", "http://[::ffff:a9fe:a9fe]/x.zip",
                    "http://metadata.google.internal/x.zip"]:
            self.refused(4, "metadata service", "fetch", url)
            web = self.start(servers.files(guard=lambda handler, url=url: (302, b"", {"Location": url})))
            self.refused(4, "metadata service", "fetch", web.url + "/x.zip")
        self.refused(4, "metadata service", "fetch", "s3://bucket/x.zip", env={"AWS_ENDPOINT_URL": "http://169.254.169.254",
                                                                             "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})

    def test_credentials_are_kept_on_the_same_host(self):
        web = self.start(servers.files({"/job.zip": JOB}, guard=lambda handler: (301, b"", {"Location": "/job.zip"})
                                       if handler.path == "/old.zip" else None))
        self.ok("fetch", web.url + "/old.zip", env={"RAY_RUNTIME_ENV_BEARER_TOKEN": "the-bearer"})
        self.assertEqual({request.headers["Authorization"] for request in web.requests}, {"Bearer the-bearer"})

    def test_endless_redirects_are_refused(self):
        web = self.start(servers.files(guard=lambda handler: (302, b"", {"Location": "/again.zip"})))
        self.refused(2, "redirects more than 10 times", "fetch", web.url + "/job.zip")

    def test_query_strings_and_user_info_are_secrets(self):
        self.secrets = ["hunter2", "the-signature"]
        web = self.start(servers.files({"/job.zip": JOB}))
        secret_url = web.url.replace("//", "//me:hunter2@") + "/{}?sig=the-signature"
        self.ok("-v", "fetch", secret_url.format("job.zip"))
        self.assertEqual(web.requests[-1].path, "/job.zip?sig=the-signature")
        self.refused(3, "…@127.0.0.1", "fetch", secret_url.format("nothing.zip"))
        self.refused(2, "?…", "-v", "run", "--runtime-env-json", json.dumps({"working_dir": secret_url.format("job.txt")}), "--", "true")
        runtime_env = json.dumps({"working_dir": secret_url.format("job.zip")})
        run = self.ok("-v", "run", "--python", sys.executable, "--runtime-env-json", runtime_env, "--", "python3", "script.py")
        self.assertEqual(run.out, "ran\n")

    def test_a_url_signed_only_for_get(self):
        web = self.start(servers.files({"/job.zip": JOB}, guard=lambda handler: (403, b"", {}) if handler.command == "HEAD" else None))
        self.ok("fetch", web.url + "/job.zip")

    def test_a_pin_is_checked_before_anything_is_unpacked(self):
        web = self.start(servers.files({"/job.zip": JOB}))
        pinned = f"{web.url}/job.zip#sha256={hashlib.sha256(JOB).hexdigest()}"
        path = self.ok("fetch", pinned).path
        web.requests.clear()
        self.assertEqual(self.ok("fetch", pinned).path, path)
        self.assertEqual(web.requests, [])  # what has the right digest is right
        web.files["/other.zip"] = zip_of({"a": "another"})
        self.refused(2, hashlib.sha256(web.files["/other.zip"]).hexdigest(), "fetch", f"{web.url}/other.zip#sha256={'0' * 64}")
        self.refused(2, "64 hex digits", "fetch", web.url + "/job.zip#sha256=12")
        self.assertEqual(len(self.entries()), 1)
        file = self.write("job.zip", JOB)
        self.ok("fetch", f"file://{file}#sha256={hashlib.sha256(JOB).hexdigest()}")
        self.refused(2, "pinned", "fetch", f"file://{file}#sha256={'0' * 64}")

    def test_what_has_a_pin_in_the_cache_needs_no_server(self):
        pin = f"#sha256={hashlib.sha256(JOB).hexdigest()}"
        web = self.start(servers.files({"/job.zip": JOB}))
        self.ok("fetch", web.url + "/job.zip", "--no-unpack")  # without the pin
        web.requests.clear()
        target = self.work / "target"
        gone = "http://127.0.0.1:1/elsewhere/job.zip"
        for uri in [web.url + "/job.zip" + pin, gone + pin]:
            self.ok("fetch", uri, "-o", target)
            self.assertEqual(target.read_bytes(), JOB)
            target.unlink()
            self.assertEqual(self.binary("fetch", uri, "-o", "-").stdout, JOB)
            self.assertEqual(self.ok("fetch", uri, "--no-unpack").path.read_bytes(), JOB)
            self.assertEqual((self.ok("fetch", uri).path / "script.py").read_text(), "print('ran')")
            self.ok("unpack", uri, self.work / "unpacked")
            shutil.rmtree(self.work / "unpacked")
        self.assertEqual(web.requests, [])
        # The cache's copy is compared with the pin, too.
        file = self.ok("fetch", web.url + "/job.zip", "--no-unpack").path
        file.chmod(0o600)
        file.write_bytes(JOB[:-1] + b"?")
        self.ok("fetch", web.url + "/job.zip" + pin, "-o", target)
        self.assertEqual(target.read_bytes(), JOB)
        self.ok("fetch", web.url + "/job.zip" + pin, "-o", self.work / "new", env={"RTENV_CACHE_DIR": str(self.work / "none")})
        self.assertFalse((self.work / "none").exists())

    def test_a_commit_is_pushed_under_its_own_name(self):
        job = self.job()
        git = ["git", "-C", str(job), "-c", "user.name=t", "-c", "user.email=t@example.org"]
        for words in [["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]]:
            subprocess.run([*git, *words], check=True)
        store = self.work / "store"
        name = self.ok("pack", job, "--git", "HEAD", "-o", self.work / "commit.zip").out.strip().removeprefix("gcs://")
        (job / "script.py").write_text("changed")
        self.assertEqual(self.ok("push", job, "--git", "HEAD", f"file://{store}/").out, f"file://{store}/{name}\n")
        self.assertEqual((store / name).read_bytes(), (self.work / "commit.zip").read_bytes())
        server = self.start(servers.files())
        uri = self.ok("push", job, "--git", "HEAD", "gcs://", "--address", server.url).out.strip()
        self.assertEqual(uri, self.ok("hash", job, "--git", "HEAD", "--scheme", "ray").out.strip())
        self.assertIn("/api/packages/gcs/" + uri.removeprefix("gcs://"), server.files)

    def test_an_option_that_could_do_nothing_is_an_error(self):
        job, file = self.job(), self.write("x.zip", JOB)
        store = f"file://{self.work}/store/"
        for option in [["--exclude", "a"], ["--include", "a"], ["--exclude-from", file], ["--git", "HEAD"], ["--scheme", "ray"],
                       ["--ignore-rules", "git"], ["--no-gitignore"], ["--threads", "2"], ["--compress", "best"]]:
            self.refused(2, f"{option[0]} applies to directories and commits (--git); {file} is a file", "push", file, store, *option)
        run = self.binary("push", "-", store, "--exclude", "a", data=JOB)
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"the input is standard input", run.stderr)
        for option in [["--region", "r"], ["--profile", "p"], ["--endpoint-url", "http://x"], ["--no-sign-request"], ["--address", "http://x"]]:
            self.refused(2, f"{option[0]} applies to", "unpack", file, self.work / "unpacked", *option)
            self.refused(2, f"{store} is a file:// URI", "push", job, store, *option)
        self.refused(2, "--no-unpack applies to", "fetch", f"local://{job}", "--no-unpack")
        self.refused(2, "--no-unpack", "fetch", f"file://{file}", "--no-unpack", "-o", "y")
        self.refused(2, "--no-digest-cache applies to directories", "hash", job, "--git", "HEAD", "--no-digest-cache")
        self.refused(2, "--compress", "pack", job, "--list", "--compress", "best")
        self.refused(2, "--runtime-env applies to prefixes; x.tar.zst is an archive", "env", "pull", "x.tar.zst", "-f", "env.yaml")
        self.refused(2, "--remote", "cache", "gc", "--remote", "--max-size", "1GiB")
        self.assertFalse((self.work / "store").exists())

    def test_push_sends_a_put_request(self):
        web = self.start(servers.files())
        for size in [0, 20 << 20]:  # with its length, and in chunks while it is packed
            job = self.job(size=size)
            self.ok("push", job, web.url + "/up/job.zip", "--compress", "store")
            self.assert_packed(web.files["/up/job.zip"], job)
        refusing = self.start(servers.files(guard=lambda handler: (405, b"", {})))
        self.refused(2, "405", "push", self.job(size=20 << 20), refusing.url + "/job.zip")

    def test_packages_of_a_job_server(self):
        """A job server that serves its packages, as rtenv's does."""
        self.secrets = ["the-token"]
        name = "_ray_pkg_0123456789abcdef.zip"
        server = self.start(servers.files({f"/api/packages/gcs/{name}": JOB}, etags=False, guard=lambda handler: None
                                          if handler.headers.get("Authorization") == "Bearer the-token" and
                                          handler.headers.get("X-Team") == "t" else (401, b"", {})))
        self.refused(4, "401", "fetch", f"gcs://{name}", "--address", server.url)
        given = {"RAY_ADDRESS": server.url, "RAY_AUTH_TOKEN": "the-token", "RAY_JOB_HEADERS": '{"X-Team": "t"}'}
        path = self.ok("fetch", f"gcs://{name}", env=given).path
        self.assertTrue((path / "job-1.0/script.py").exists())  # its top folder is its own
        server.requests.clear()
        self.ok("fetch", f"gcs://{name}", env=given)
        self.assertEqual([request.headers["Range"] for request in server.requests], ["bytes=0-0"])
        job = self.job()
        uri = self.ok("push", job, "gcs://", env=given).out.strip()
        self.assert_packed(server.files["/api/packages/gcs/" + uri.removeprefix("gcs://")], job)

    def test_push_needs_no_local_disk_space(self):
        web = self.start(servers.files())
        job = self.job(size=20 << 20)
        nowhere = str(self.work / "nowhere")
        self.ok("push", job, web.url + "/job.zip", "--compress", "store", env={"TMPDIR": nowhere, "RTENV_CACHE_DIR": nowhere})
        self.assert_packed(web.files["/job.zip"], job)
        self.assertFalse((self.work / "nowhere").exists())

    def test_progress_is_shown_only_on_a_terminal(self):
        waits = iter(range(100))
        web = self.start(servers.files({"/large.bin": noise(40 << 20)}, guard=lambda handler: time.sleep(0.2 * (next(waits) % 5))))
        for words, shown in [([], True), (["--no-progress"], False), (["--quiet"], False)]:
            terminal, process_side = os.openpty()
            process = subprocess.Popen([RTENV, *words, "fetch", web.url + "/large.bin"], stdout=subprocess.PIPE, stderr=process_side,
                                       env=self.process_environment({"RTENV_CACHE_DIR": str(self.work / f"cache-{len(words)}{words}")}))
            os.close(process_side)
            seen = b""
            with contextlib.suppress(OSError):  # the end of a terminal
                while data := os.read(terminal, 65536):
                    seen += data
            os.close(terminal)
            process.communicate()
            self.assertEqual(process.returncode, 0)
            self.assertEqual(b" of 40" in seen, shown, seen)
        self.assertNotIn("\r", self.ok("fetch", web.url + "/large.bin").err)

    def test_what_has_no_list_says_so(self):
        self.refused(2, "can't list", "ls", "https://host/jobs/")
        self.refused(2, "can't list", "ls", "gcs://package.zip")
        self.refused(2, "in place", "ls", "local:///jobs")

    def test_requests_without_credentials(self):
        self.secrets = ["the-bearer"]
        web = self.start(servers.files({"/job.zip": JOB}))
        self.ok("fetch", web.url + "/job.zip", "--no-sign-request", env={"RAY_RUNTIME_ENV_BEARER_TOKEN": "the-bearer"})
        self.assertEqual({request.headers["Authorization"] for request in web.requests}, {None})
        self.refused(2, "--endpoint-url applies to s3://, gs://, azure:// and abfss://; ", "fetch", web.url + "/job.zip", "--endpoint-url", web.url)

    def test_bad_uris_are_refused(self):
        for uri, message in [("s4://b/k.zip", "s4://"), ("htp://h/x.zip", "did you mean http://"), ("s3:///x.zip", "bucket"), ("s3://b", "no object"),
                             ("s3://b/", "no object"), ("local://relative", "absolute"), ("local:///x/y.zip", "archive"),
                             ("azure:///x.zip", "container"), ("s3://localhost:9104#/x.zip", "isn't the name of an S3 bucket"),
                             ("gs://a%2f../x.zip", "bucket"), ("azure://evil.example/x.zip", "container"), ("abfss://c/x.zip", "abfss"), ("file://x.zip", "absolute")]:
            with self.subTest(uri=uri):
                self.refused(2, message, "fetch", uri)
        self.refused(3, "local:///no/such/directory doesn't exist", "fetch", "local:///no/such/directory")
        for extension in ["txt", "py", "rar", "tar"]:
            self.refused(2, "isn't an archive", "run", "--runtime-env-json", json.dumps({"working_dir": f"s3://b/x.{extension}"}), "--", "true")
        self.refused(5, "127.0.0.1:1", "fetch", "http://127.0.0.1:1/x.zip")
        self.assertEqual(self.entries(), [])


if __name__ == "__main__":
    unittest.main()
