"""The remote tier: environments built with one cache, reused by another through a store; and stores that fail."""

import json
import os
import shutil
import signal
import sys
import time
import unittest

import boto3
import servers
from azure.storage.blob import BlobServiceClient
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from tool import RemoteTest, noise, zip_of


def wheel(name, data):
    """A wheel with a module, a compiled-looking file and a script."""
    info = f"{name}-1.0.dist-info"
    files = {f"{name}.py": f"def main():\n    import sys\n    print({name!r}, sys.prefix)\n", f"{name}.bin": data,
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
             f"{info}/entry_points.txt": f"[console_scripts]\n{name}={name}:main\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    return zip_of(files)


class TierTest(RemoteTest):
    size = 3 << 20

    def setUp(self):
        super().setUp()
        local = self.write("lib-1.0-py3-none-any.whl", wheel("lib", noise(self.size)))
        self.runtime_env = json.dumps({"uv": [str(local)]})

    def build(self, machine, env=None, installer="uv"):
        """Runs `env build` as a machine with its own cache and returns the result."""
        runtime_env = self.runtime_env.replace('"uv"', f'"{installer}"')
        return self.ok("env", "build", "--json", "--python", sys.executable, "--runtime-env-json", runtime_env, env=self.on(machine, env))

    def on(self, machine, env=None):
        return {"RTENV_CACHE_DIR": str(self.work / machine), **(env or {})}

    def forget(self, machine):
        self.ok("cache", "rm", "--all", "--yes", env=self.on(machine))


class AnyStoreTier:
    """The same tests for each store. Writing needs a mode that allows it."""

    def test_an_environment_built_on_one_machine_is_reused_on_another(self):
        made = self.build("first", {"RTENV_REMOTE_CACHE_MODE": "write-through"})
        self.assertEqual(made.json["origin"], "built")
        self.assertEqual(self.build("first").json["origin"], "cache")
        taken = self.build("a much longer folder's name with spaces, so that first lines become too long for a kernel " + "x" * 60)
        self.assertEqual(taken.json["origin"], "remote tier")
        script = self.ok("run", "--python", sys.executable, "--runtime-env-json", self.runtime_env, "--", "lib",
                         env={"RTENV_CACHE_DIR": os.path.dirname(os.path.dirname(taken.json["path"]))})
        self.assertEqual(script.out, f"lib {taken.json['path']}\n")

    def test_archives_expire(self):
        self.build("first", {"RTENV_REMOTE_CACHE_MODE": "write-through"})
        kept = self.ok("cache", "gc", "--remote", "--max-age", "1h", "--json").json
        self.assertEqual((kept["removed"], kept["kept"]), (0, 1))
        time.sleep(2.1)  # stores tell times in seconds
        self.assertEqual(self.build("second", {"RTENV_REMOTE_CACHE_MAX_AGE": "1s"}).json["origin"], "built")
        dry = self.ok("cache", "gc", "--remote", "--max-age", "1s", "--dry-run", "--json").json
        self.assertEqual((dry["removed"], dry["kept"]), (1, 0))
        self.assertEqual(self.ok("cache", "gc", "--remote", "--max-age", "1s", "--json").json["removed"], 1)
        self.assertEqual(self.build("third").json["origin"], "built")


class OnS3(TierTest):
    def setUp(self):
        super().setUp()
        self.secrets = ["the-secret-key"]
        self.proxy = self.start(servers.proxy(self.start(servers.versitygw(self.work, "key", "the-secret-key"))))
        self.environment = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "the-secret-key", "AWS_REGION": "us-east-1",
                            "AWS_ENDPOINT_URL": self.proxy.url, "RTENV_REMOTE_CACHE": "s3://bucket/team",
                            "RTENV_REMOTE_CACHE_TIMEOUT": "2s"}
        self.s3 = boto3.client("s3", endpoint_url=self.proxy.url, region_name="us-east-1", aws_access_key_id="key",
                               aws_secret_access_key="the-secret-key")
        self.s3.create_bucket(Bucket="bucket")
        self.proxy.requests.clear()


class S3Tier(AnyStoreTier, OnS3):
    def names(self):
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket="bucket").get("Contents", [])]

    def request_count(self):
        """The number of requests to the tier since the last call."""
        count = len(self.proxy.requests)
        self.proxy.requests.clear()
        return count

    def test_archive_names_do_not_clash_with_other_objects(self):
        key = self.build("first", {"RTENV_REMOTE_CACHE_MODE": "write-through"}).json["key"]
        self.assertEqual(self.names(), [f"team/rtenv-1/envs/{key}.tar.zst"])

    def test_pip_environments_and_wheels_of_py_modules(self):
        write = {"RTENV_REMOTE_CACHE_MODE": "write-through"}
        self.assertEqual(self.build("first", write, "pip").json["origin"], "built")
        self.assertEqual(self.build("second", None, "pip").json["origin"], "remote tier")
        local = self.work / "lib-1.0-py3-none-any.whl"
        run = lambda machine, more: self.ok("run", "--python", sys.executable, "--runtime-env-json", json.dumps({"py_modules": [str(local)]}),
                                            "--", "python3", "-c", "import lib; print('ran')", env=self.on(machine, more))
        self.assertIn("installing lib", run("first", write).err)
        second = run("second", None)
        self.assertEqual(second.out, "ran\n")
        self.assertNotIn("installing lib", second.err)

    def test_read_mode_writes_nothing(self):
        self.build("first")
        self.assertEqual({request.method for request in self.proxy.requests}, {"HEAD", "GET"})
        self.assertEqual(self.names(), [])

    def test_a_local_hit_sends_no_request(self):
        self.build("first", {"RTENV_REMOTE_CACHE_MODE": "write-through"})
        self.request_count()
        self.build("first", {"RTENV_REMOTE_CACHE_MODE": "write-through"})
        self.assertEqual(self.request_count(), 0)

    def test_write_back(self):
        back = {"RTENV_REMOTE_CACHE_MODE": "write-back"}
        # `env build` waits until the archive is uploaded.
        self.build("first", back)
        self.assertEqual(len(self.names()), 1)
        self.forget("first")
        self.s3.delete_object(Bucket="bucket", Key=self.names()[0])
        # A job that ends before the upload is complete leaves it to `cache flush`.
        self.proxy.fault = lambda request: servers.Fault(delay_s=1) if request.method == "HEAD" and "/envs/" in request.path else None
        self.ok("run", "--python", sys.executable, "--runtime-env-json", self.runtime_env, "--", "true", env=self.on("first", back))
        self.proxy.fault = lambda request: None
        self.ok("cache", "flush", env=self.on("first", back))
        self.assertEqual(len(self.names()), 1)
        self.assertEqual(self.build("second").json["origin"], "remote tier")

    def test_a_failing_tier_is_reported_once_and_disabled_for_a_while(self):
        faults = {"refuses": servers.Fault(status=403, body=b"<Error><Code>AccessDenied</Code></Error>"),
                  "is out of order": servers.Fault(status=503), "is silent": servers.Fault(delay_s=6),
                  "talks nonsense": servers.Fault(status=200, body=b"hello")}
        for what, fault in faults.items():
            with self.subTest(what):
                self.proxy.fault = lambda request, fault=fault: fault
                shutil.rmtree(self.work / "machine", ignore_errors=True)
                first = self.build("machine", {"RTENV_REMOTE_CACHE_MODE": "write-through"})
                self.assertEqual(first.json["origin"], "built")
                self.assertIn("remote tier", first.err)
                if what != "talks nonsense":
                    self.assertEqual(first.err.count("remote tier"), 1, first.err)
                    self.forget("machine")
                    self.request_count()
                    again = self.build("machine", {"RTENV_REMOTE_CACHE_MODE": "write-through"})
                    self.assertEqual((again.json["origin"], self.request_count()), ("built", 0))
                    self.assertNotIn("remote tier", again.err)

    def test_an_unreachable_tier_does_not_fail_the_build(self):
        nobody = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{servers.free_port()}"}
        self.assertIn("remote tier is disabled", self.build("machine", nobody).err)

    def test_damaged_archives_are_replaced_if_the_mode_allows_writing(self):
        key = self.build("first", {"RTENV_REMOTE_CACHE_MODE": "write-through"}).json["key"]
        name = f"team/rtenv-1/envs/{key}.tar.zst"
        whole = self.s3.get_object(Bucket="bucket", Key=name)["Body"].read()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        for damaged in [bytes(flipped), whole[:-1000], b"", b"PK\x03\x04 a zip?"]:
            shutil.rmtree(self.work / "second", ignore_errors=True)
            self.s3.put_object(Bucket="bucket", Key=name, Body=damaged)
            rebuilt = self.build("second", {"RTENV_REMOTE_CACHE_MODE": "write-through"})
            self.assertEqual(rebuilt.json["origin"], "built")
            self.assertIn("isn't pulled from the remote tier", rebuilt.err)
            self.assertEqual(self.build("third").json["origin"], "remote tier")
            self.forget("third")

    def test_killing_an_upload_leaves_no_partial_archive(self):
        write = {"RTENV_REMOTE_CACHE_MODE": "write-through"}
        # The response to the upload is delayed, and the process is killed while it waits.
        self.proxy.fault = lambda request: servers.Fault(delay_s=1.5) if request.method in ("PUT", "POST") else None
        process = self.spawn("env", "build", "--python", sys.executable, "--runtime-env-json", self.runtime_env, env=self.on("first", write))
        while not any(request.method in ("PUT", "POST") for request in self.proxy.requests):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        time.sleep(2)
        self.proxy.fault = lambda request: None
        # Its own cache is intact; another machine finds nothing or a complete archive.
        self.assertEqual(self.build("first", write).json["origin"], "cache")
        self.assertIn(self.build("second").json["origin"], ["built", "remote tier"])

    def test_invalid_settings_are_refused(self):
        for setting, value in {"RTENV_REMOTE_CACHE": "gcs://x", "RTENV_REMOTE_CACHE_MODE": "both", "RTENV_REMOTE_CACHE_TIMEOUT": "soon",
                               "RTENV_REMOTE_CACHE_MAX_AGE": "old"}.items():
            self.refused(2, setting, "env", "build", "--runtime-env-json", self.runtime_env, env={setting: value})
        self.refused(2, "there is no remote cache", "cache", "flush", env={"RTENV_REMOTE_CACHE": ""})
        self.refused(2, "don't expire", "cache", "gc", "--remote")


class LargePack(AnyStoreTier, OnS3):
    """Archives large enough to be transferred in several parts."""
    size = 30 << 20


class GoogleTier(AnyStoreTier, TierTest):
    def setUp(self):
        super().setUp()
        url = self.start(servers.fake_gcs(self.work))
        storage.Client(project="p", credentials=AnonymousCredentials(), client_options={"api_endpoint": url}).create_bucket("bucket")
        self.environment = {"STORAGE_EMULATOR_HOST": url, "RTENV_REMOTE_CACHE": "gs://bucket/team/"}


class AzureTier(AnyStoreTier, TierTest):
    def setUp(self):
        super().setUp()
        self.secrets = [servers.AZURITE_KEY]
        url = self.start(servers.azurite(self.work))
        connection = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={servers.AZURITE_KEY};BlobEndpoint={url}/devstoreaccount1;"
        BlobServiceClient.from_connection_string(connection).create_container("box")
        self.environment = {"AZURE_STORAGE_CONNECTION_STRING": connection, "RTENV_REMOTE_CACHE": "azure://box"}


class FolderTier(AnyStoreTier, TierTest):
    def setUp(self):
        super().setUp()
        self.environment = {"RTENV_REMOTE_CACHE": f"file://{self.work}/shared"}


if __name__ == "__main__":
    unittest.main()
