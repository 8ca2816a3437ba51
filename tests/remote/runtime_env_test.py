"""Wheels, requirement files and py_modules that a runtime_env names by a store's URI."""

import hashlib
import json
import sys
import unittest

import boto3
import servers
from tool import RemoteTest, zip_of

BUCKET = "s3://bucket"


def wheel(name, text):
    info = f"{name}-1.0.dist-info"
    files = {f"{name}.py": f"TEXT = {text!r}\n", f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nProvides-Extra: more\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    return zip_of(files)


class FromAStore(RemoteTest):
    def setUp(self):
        super().setUp()
        self.secrets = ["the-secret-key"]
        self.proxy = self.start(servers.proxy(self.start(servers.versitygw(self.work, "key", "the-secret-key"))))
        self.environment = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "the-secret-key", "AWS_REGION": "us-east-1",
                            "AWS_ENDPOINT_URL": self.proxy.url}
        self.s3 = boto3.client("s3", endpoint_url=self.proxy.url, region_name="us-east-1", aws_access_key_id="key",
                               aws_secret_access_key="the-secret-key")
        self.s3.create_bucket(Bucket="bucket")

    def put(self, key, data):
        self.s3.put_object(Bucket="bucket", Key=key, Body=data)

    def run_job(self, runtime_env, code, env=None):
        return self.ok("run", "--python", sys.executable, "--runtime-env-json", json.dumps(runtime_env), "--", "python3", "-c", code, env=env)

    def test_wheels_of_uv_and_pip_lists(self):
        self.put("w/one-1.0-py3-none-any.whl", wheel("one", "1"))
        self.put("w/two-1.0-py3-none-any.whl", wheel("two", "2"))
        self.put("w/requirements.txt", f"{BUCKET}/w/two-1.0-py3-none-any.whl  # by the store, too\n")
        packages = [f"one[more] @ {BUCKET}/w/one-1.0-py3-none-any.whl ; python_version > '3'", f"-r {BUCKET}/w/requirements.txt"]
        for installer in ["uv", "pip"]:
            run = self.run_job({installer: packages}, "import one, two; print(one.TEXT + two.TEXT)")
            self.assertEqual(run.out, "12\n")
            self.assertIn(f"with {installer}", run.err)

    def test_an_unchanged_wheel_is_neither_fetched_nor_installed_again(self):
        runtime_env = {"uv": [f"{BUCKET}/lib-1.0-py3-none-any.whl"]}
        self.put("lib-1.0-py3-none-any.whl", wheel("lib", "first"))
        self.assertEqual(self.run_job(runtime_env, "import lib; print(lib.TEXT)").out, "first\n")
        self.proxy.requests.clear()
        again = self.run_job(runtime_env, "import lib; print(lib.TEXT)")
        self.assertEqual((again.out, again.err), ("first\n", ""))
        self.assertEqual([request.method for request in self.proxy.requests], ["HEAD"])
        self.put("lib-1.0-py3-none-any.whl", wheel("lib", "second"))
        self.assertEqual(self.run_job(runtime_env, "import lib; print(lib.TEXT)").out, "second\n")

    def test_the_environment_key_depends_on_content_only(self):
        self.put("a/lib-1.0-py3-none-any.whl", wheel("lib", "x"))
        self.put("b/lib-1.0-py3-none-any.whl", wheel("lib", "x"))
        local = self.write("lib-1.0-py3-none-any.whl", wheel("lib", "x"))
        key = lambda entry: self.ok("env", "key", "--explain", "--python", sys.executable, "--runtime-env-json", json.dumps({"uv": [entry]})).out
        self.assertEqual(key(f"{BUCKET}/a/lib-1.0-py3-none-any.whl"), key(f"{BUCKET}/b/lib-1.0-py3-none-any.whl"))
        self.assertEqual(key(str(local)), key(f"{BUCKET}/b/lib-1.0-py3-none-any.whl"))
        self.assertEqual(key(f"file://{local}#sha256={hashlib.sha256(local.read_bytes()).hexdigest()}"), key(str(local)))

    def test_pins_are_checked(self):
        data = wheel("lib", "x")
        self.put("lib-1.0-py3-none-any.whl", data)
        local = self.write("lib-1.0-py3-none-any.whl", data)
        for uri in [f"{BUCKET}/lib-1.0-py3-none-any.whl", f"file://{local}"]:
            self.run_job({"uv": [f"{uri}#sha256={hashlib.sha256(data).hexdigest()}"]}, "import lib")
            self.refused(2, "doesn't have its pinned digest", "run", "--runtime-env-json", json.dumps({"uv": [f"{uri}#sha256={'0' * 64}"]}), "--", "true")

    def test_py_modules(self):
        self.put("m/lib-1.0-py3-none-any.whl", wheel("lib", "a wheel"))
        self.put("m/code.zip", zip_of({"mine/__init__.py": "TEXT = 'an archive'"}, top="top/"))
        run = self.run_job({"py_modules": [f"{BUCKET}/m/lib-1.0-py3-none-any.whl", f"{BUCKET}/m/code.zip"]},
                           "import lib, mine; print(lib.TEXT, mine.TEXT)")
        self.assertEqual(run.out, "a wheel an archive\n")

    def test_credentials_of_env_vars_are_expanded(self):
        self.put("job.zip", zip_of({"a.txt": "A"}))
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]:
            del self.environment[name]
        runtime_env = {"working_dir": f"{BUCKET}/job.zip", "env_vars": {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "${OF_THE_NODE}"}}
        self.run_job(runtime_env, "open('a.txt')", env={"OF_THE_NODE": "the-secret-key"})

    def test_a_missing_object_error_names_the_field(self):
        for field in ["uv", "pip"]:
            self.refused(3, f"runtime_env['{field}']: {BUCKET}/no-1.0-py3-none-any.whl: NoSuchKey", "run", "--runtime-env-json",
                         json.dumps({field: [f"{BUCKET}/no-1.0-py3-none-any.whl"]}), "--", "true")
        self.refused(3, "py_modules[0]", "run", "--runtime-env-json", json.dumps({"py_modules": [f"{BUCKET}/no.zip"]}), "--", "true")
        self.refused(3, "working_dir", "run", "--runtime-env-json", json.dumps({"working_dir": f"{BUCKET}/no.zip"}), "--", "true")


if __name__ == "__main__":
    unittest.main()
