"""s3:// against versitygw, which is strict about signatures, and moto, which has STS and an instance's metadata."""

import json
import signal
import sys
import time
import unittest

import boto3
import botocore.config
import servers
from tool import RemoteTest, noise, zip_of

ACCESS_KEY = "rtenv-test-key"
SECRET_KEY = "rtenv-test-secret/+="
REGION = "us-east-1"


def client(url, **credentials):
    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, **credentials}
    return boto3.client("s3", endpoint_url=url, region_name=REGION, config=botocore.config.Config(retries={"max_attempts": 1}), **keys)


class StrictStore(RemoteTest):
    def setUp(self):
        super().setUp()
        self.secrets = [SECRET_KEY]
        self.url = self.start(servers.versitygw(self.work, ACCESS_KEY, SECRET_KEY))
        self.proxy = self.start(servers.proxy(self.url))
        self.boto = client(self.url)
        self.boto.create_bucket(Bucket="bucket")
        self.environment = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION,
                            "AWS_ENDPOINT_URL": self.proxy.url}

    def stored(self, key):
        return self.boto.get_object(Bucket="bucket", Key=key)["Body"].read()

    def test_boto3_reads_pushed_objects(self):
        job = self.job()
        run = self.ok("push", job, "s3://bucket/jobs/job.zip")
        self.assertEqual(run.out, "s3://bucket/jobs/job.zip\n")
        self.assert_packed(self.stored("jobs/job.zip"), job)

    def test_pushing_to_a_prefix_appends_the_packages_name(self):
        job = self.job()
        name = self.ok("hash", job).out.strip().removeprefix("gcs://")
        self.assertEqual(self.ok("push", job, "s3://bucket/jobs/").out, f"s3://bucket/jobs/{name}\n")
        self.assert_packed(self.stored(f"jobs/{name}"), job)

    def test_objects_written_by_boto3_are_fetched(self):
        self.boto.put_object(Bucket="bucket", Key="x/lib.whl", Body=b"wheel")
        run = self.ok("fetch", "s3://bucket/x/lib.whl")
        self.assertEqual(run.path.name, "lib.whl")
        self.assertEqual(run.path.read_bytes(), b"wheel")
        self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"a.txt": "A", "sub/b.txt": "B"}, top="job-1/"))
        folder = self.ok("fetch", "s3://bucket/job.zip").path
        self.assertEqual((folder / "a.txt").read_text() + (folder / "sub/b.txt").read_text(), "AB")

    def test_object_names_are_not_normalized(self):
        for name in ["a b+c.txt", "ü–日本.txt", "100%25&x=y.txt", "it's~(1)!*$@,;:.txt", "a=b&c.txt", "#hash.txt", "double//slash.txt"]:
            with self.subTest(name=name):
                key = f"names/{name}"
                self.ok("push", self.write("object", name), f"s3://bucket/{key}")
                if "//" not in name:  # versitygw keeps objects as files
                    self.assertEqual(self.stored(key), name.encode())
                self.assertEqual(self.ok("fetch", f"s3://bucket/{key}").path.read_text(), name)

    def test_a_large_directory_is_pushed_and_fetched_in_parts(self):
        job = self.job(size=40 << 20)
        self.ok("push", job, "s3://bucket/large.zip", "--compress", "store")
        self.assertGreater(sum("partNumber=" in request.path for request in self.proxy.requests), 3)
        self.assert_packed(self.stored("large.zip"), job)
        self.proxy.requests.clear()
        folder = self.ok("fetch", "s3://bucket/large.zip").path
        self.assertEqual((folder / "noise.bin").read_bytes(), noise(40 << 20))
        self.assertGreater(len({request.headers["Range"] for request in self.proxy.requests} - {None}), 3)

    def test_checksums_of_the_store_are_compared(self):
        reads = lambda request: request.method == "GET"
        # boto3 can't compute the first two alone; the store compares them with what it receives.
        for given in [{"ChecksumCRC32C": "4waSgw=="}, {"ChecksumCRC64NVME": "rosUhgp5mIg="}, {"ChecksumAlgorithm": "CRC32"},
                      {"ChecksumAlgorithm": "SHA1"}, {"ChecksumAlgorithm": "SHA256"}]:
            with self.subTest(given):
                self.boto.put_object(Bucket="bucket", Key="x.bin", Body=b"123456789", **given)
                self.assert_damage_is_noticed("s3://bucket/x.bin", b"123456789", reads)

    def test_a_checksum_of_parts_checksums_is_not_one_of_the_object(self):
        data = noise(12 << 20)
        begun = self.boto.create_multipart_upload(Bucket="bucket", Key="x.bin", ChecksumAlgorithm="SHA256")
        parts = []
        for number, body in enumerate([data[:8 << 20], data[8 << 20:]], start=1):
            sent = self.boto.upload_part(Bucket="bucket", Key="x.bin", UploadId=begun["UploadId"], PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
            parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": sent["ChecksumSHA256"]})
        self.boto.complete_multipart_upload(Bucket="bucket", Key="x.bin", UploadId=begun["UploadId"], MultipartUpload={"Parts": parts})
        self.assertEqual(self.ok("fetch", "s3://bucket/x.bin").path.read_bytes(), data)

    def test_an_upload_whose_completion_is_not_answered_is_complete(self):
        for seed, fault in enumerate([servers.Fault(lost=True), servers.Fault(answer=b"<Error><Code>InternalError</Code></Error>")]):
            file = self.write("large.bin", noise(20 << 20, seed))
            completions = []

            def first_fails(request, fault=fault, completions=completions):
                if request.method == "POST" and "uploadId=" in request.path:
                    completions.append(request)
                    return fault if len(completions) == 1 else None
                return None

            self.proxy.fault = first_fails
            self.ok("push", file, "s3://bucket/large.bin")
            self.assertEqual((len(completions), self.stored("large.bin")), (2, noise(20 << 20, seed)))

    def test_another_object_of_the_same_size_does_not_make_an_upload_complete(self):
        self.boto.put_object(Bucket="bucket", Key="large.bin", Body=noise(20 << 20, seed=2))
        self.proxy.fault = lambda request: servers.Fault(
            status=404, body=b"<Error><Code>NoSuchUpload</Code></Error>") if request.method == "POST" and "uploadId=" in request.path else None
        self.refused(3, "NoSuchUpload", "push", self.write("large.bin", noise(20 << 20)), "s3://bucket/large.bin")

    def test_an_upload_that_fails_leaves_nothing_in_the_store(self):
        parts = []

        def refuse_the_third(request):
            if request.method == "PUT" and "partNumber=" in request.path:
                parts.append(request)
                if "partNumber=3" in request.path:
                    return servers.Fault(status=403, body=b"<Error><Code>AccessDenied</Code><Message>no more</Message></Error>")
            return None

        self.proxy.fault = refuse_the_third
        self.refused(4, "AccessDenied: no more", "push", self.job(size=40 << 20), "s3://bucket/large.zip", "--compress", "store")
        self.assertGreater(len(parts), 2)
        self.assertEqual(self.boto.list_objects_v2(Bucket="bucket")["KeyCount"], 0)
        self.assertEqual(self.boto.list_multipart_uploads(Bucket="bucket").get("Uploads", []), [])

    def test_an_interrupted_upload_leaves_nothing_in_the_store(self):
        self.proxy.fault = lambda request: servers.Fault(delay_s=1) if "partNumber=" in request.path else None
        process = self.spawn("push", self.job(size=40 << 20), "s3://bucket/large.zip", "--compress", "store")
        while not any("partNumber=" in request.path for request in self.proxy.requests):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.result(process).status, 130)
        self.assertEqual(self.boto.list_objects_v2(Bucket="bucket")["KeyCount"], 0)
        self.assertEqual(self.boto.list_multipart_uploads(Bucket="bucket").get("Uploads", []), [])

    def test_lists_and_deletes_objects(self):
        self.assert_lists_and_removes("s3://bucket/", lambda name, data: self.boto.put_object(Bucket="bucket", Key=name, Body=data))
        for number in range(1005):  # more than a page
            self.boto.put_object(Bucket="bucket", Key=f"many/{number:04}", Body=b"")
        self.assertEqual(len(self.listed("s3://bucket/many/")), 1005)
        self.refused(3, "NoSuchBucket", "ls", "s3://nowhere/")
        self.boto.create_bucket(Bucket="empty")
        self.assertEqual(self.listed("s3://empty"), {})

    def test_options_of_the_aws_tool(self):
        """As variables that are set elsewhere, they count more than the environment."""
        self.profile(f"[profile ci]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        others = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
        options = ["--endpoint-url", self.proxy.url, "--profile", "ci", "--region", REGION]
        self.ok("fetch", "s3://bucket/job.zip", *options, env=others)
        self.ok("push", self.job(), "s3://bucket/pushed.zip", *options, env=others)
        self.ok("unpack", "s3://bucket/pushed.zip", self.work / "unpacked", *options, env=others)
        self.assertEqual(list(self.listed("s3://bucket", *options, env=others)), ["s3://bucket/job.zip", "s3://bucket/pushed.zip"])
        self.assertTrue(all(f"{ACCESS_KEY}/" in request.headers["Authorization"] and f"/{REGION}/" in request.headers["Authorization"]
                            for request in self.proxy.requests))
        self.proxy.requests.clear()
        run = self.refused(4, "AccessDenied", "ls", "s3://bucket", *options, "--no-sign-request", env=others)
        self.assertNotIn("hint", run.err)
        self.assertTrue(all("Authorization" not in request.headers for request in self.proxy.requests))
        self.refused(3, "nobody", "ls", "s3://bucket", "--profile", "nobody")
        self.refused(2, "AWS region", "ls", "s3://bucket", "--region", "x@evil.example/#")

    def test_an_unchanged_object_costs_one_head_request(self):
        self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"a.txt": "A"}))
        first = self.ok("fetch", "s3://bucket/job.zip", "--json").json
        self.assertFalse(first["from_cache"])
        self.proxy.requests.clear()
        second = self.ok("fetch", "s3://bucket/job.zip", "--json").json
        self.assertTrue(second["from_cache"])
        self.assertEqual(second["path"], first["path"])
        self.assertEqual([request.method for request in self.proxy.requests], ["HEAD"])

    def test_a_changed_object_is_fetched_again(self):
        for text in ["first", "second"]:
            self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"a.txt": text}))
            self.assertEqual((self.ok("fetch", "s3://bucket/job.zip").path / "a.txt").read_text(), text)

    def test_identical_content_is_stored_once(self):
        for key in ["one.zip", "two.zip"]:
            self.boto.put_object(Bucket="bucket", Key=key, Body=zip_of({"a.txt": "A"}))
        self.assertEqual(self.ok("fetch", "s3://bucket/one.zip").path, self.ok("fetch", "s3://bucket/two.zip").path)

    def test_missing_objects_are_not_found(self):
        self.refused(3, "NoSuchKey", "fetch", "s3://bucket/nothing.zip")
        self.refused(3, "NoSuchBucket", "fetch", "s3://nowhere/x.zip")
        self.refused(3, "NoSuchBucket", "push", self.job(), "s3://nowhere/x.zip")
        self.assertEqual(self.entries(), [])

    def test_credential_errors_quote_the_stores_message(self):
        self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"a.txt": "A"}))
        self.secrets.append("another-secret")
        wrong = {"AWS_SECRET_ACCESS_KEY": "another-secret"}
        self.refused(4, "SignatureDoesNotMatch", "fetch", "s3://bucket/job.zip", env=wrong)
        self.refused(4, "SignatureDoesNotMatch", "push", self.job(), "s3://bucket/job.zip", env=wrong)
        self.refused(4, "No user exists", "fetch", "s3://bucket/job.zip", env={"AWS_ACCESS_KEY_ID": "nobody"})
        self.proxy.fault = lambda request: servers.Fault(
            status=400, body=b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>")
        self.refused(4, "ExpiredToken: The provided token has expired.", "fetch", "s3://bucket/job.zip")
        self.assertEqual(self.entries(), [])

    def test_refused_requests_are_not_retried(self):
        self.proxy.fault = lambda request: servers.Fault(status=403)
        self.refused(4, "403", "fetch", "s3://bucket/job.zip")
        self.assertEqual([request.method for request in self.proxy.requests], ["HEAD", "GET"])  # GET: it says why

    def test_without_credentials_requests_are_unsigned(self):
        anonymous = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
        run = self.refused(4, "AccessDenied", "fetch", "s3://bucket/job.zip", env=anonymous)
        self.assertIn("no AWS credentials were found", run.err)
        self.assertTrue(all("Authorization" not in request.headers for request in self.proxy.requests))
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"],
                                                          "Resource": ["arn:aws:s3:::bucket/*"]}]}
        self.boto.put_bucket_policy(Bucket="bucket", Policy=json.dumps(policy))
        self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"a.txt": "public"}))
        self.assertEqual((self.ok("fetch", "s3://bucket/job.zip", env=anonymous).path / "a.txt").read_text(), "public")

    def test_the_region_is_taken_from_the_stores_response(self):
        self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"a.txt": "A"}))

        def elsewhere(request):
            if "/eu-central-1/" in request.headers.get("Authorization", ""):
                return servers.Fault(status=301, headers={"x-amz-bucket-region": REGION}, body=b"<Error><Code>PermanentRedirect</Code></Error>")
            return None

        self.proxy.fault = elsewhere
        self.ok("fetch", "s3://bucket/job.zip", env={"AWS_REGION": "eu-central-1"})
        self.assertIn(f"/{REGION}/", self.proxy.requests[-1].headers["Authorization"])
        self.ok("push", self.job(size=20 << 20), "s3://bucket/pushed.zip", "--compress", "store", env={"AWS_REGION": "eu-central-1"})

    def profile(self, config, credentials=""):
        self.write("home/.aws/config", config)
        self.write("home/.aws/credentials", credentials)
        self.environment = {}
        self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"a.txt": "A"}))

    def test_keys_and_endpoint_of_a_profile(self):
        self.profile(f"[profile ci]\nregion = {REGION}\nendpoint_url = {self.proxy.url}\n",
                     f"[ci]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        self.ok("fetch", "s3://bucket/job.zip", env={"AWS_PROFILE": "ci"})
        self.refused(3, "nobody", "fetch", "s3://bucket/job.zip", env={"AWS_PROFILE": "nobody"})
        lost = self.work / "lost"
        run = self.ok("ls", "s3://bucket", env={"AWS_PROFILE": "ci", "AWS_CONFIG_FILE": str(lost), "AWS_ENDPOINT_URL": self.proxy.url,
                                                "AWS_REGION": REGION})
        self.assertEqual(run.err.count(f"AWS_CONFIG_FILE is ignored: there is no file {lost}"), 1, run.err)
        self.profile(f"[profile ci]\nregion = {REGION}\nendpoint_url = {self.proxy.url}\n[profile sso]\nsso_session = x\n",
                     f"[ci]\naws_access_key_id = {ACCESS_KEY}\n")
        self.proxy.requests.clear()
        for profile, message in [("ci", f"the AWS profile 'ci' in {self.home}/.aws/credentials"), ("ci", "but not aws_secret_access_key"),
                                 ("sso", "has a sso_session, which rtenv doesn't support"), ("default", "the AWS profile 'default' is neither in ")]:
            self.refused(3 if profile == "default" else 2, message, "fetch", "s3://bucket/job.zip", "--profile", profile)
        self.refused(2, "AWS_ACCESS_KEY_ID, but not AWS_SECRET_ACCESS_KEY", "fetch", "s3://bucket/job.zip", env={"AWS_ACCESS_KEY_ID": "k"})
        self.assertEqual(self.proxy.requests, [])

    def test_endpoint_of_a_profiles_services_section(self):
        self.profile(f"[default]\nservices = local\nregion = {REGION}\naws_access_key_id = {ACCESS_KEY}\n"
                     f"aws_secret_access_key = {SECRET_KEY}\n[services local]\ns3 =\n  endpoint_url = {self.proxy.url}\n")
        self.ok("fetch", "s3://bucket/job.zip")

    def test_credential_process(self):
        answer = json.dumps({"Version": 1, "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY})
        self.write("answer.json", answer)
        self.profile(f"[default]\nregion = {REGION}\nendpoint_url = {self.proxy.url}\ncredential_process = cat {self.work}/answer.json\n")
        self.ok("fetch", "s3://bucket/job.zip")
        self.profile(f"[default]\nendpoint_url = {self.proxy.url}\ncredential_process = exit 3\n")
        self.refused(4, "credential_process", "fetch", "s3://bucket/job.zip", env={"RTENV_CACHE_DIR": str(self.work / "other")})

    def test_credentials_of_a_container(self):
        answer = json.dumps({"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "Token": "", "Expiration": "2099-01-01T00:00:00Z"})
        metadata = self.start(servers.files({"/creds": answer.encode()},
                                            guard=lambda handler: None if handler.headers.get("Authorization") == "the-token" else (401, b"", {})))
        self.profile("")
        self.ok("fetch", "s3://bucket/job.zip", env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": metadata.url + "/creds", "AWS_REGION": REGION,
                                                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "the-token", "AWS_ENDPOINT_URL": self.proxy.url})

    def test_env_vars_of_the_job_override_the_process_environment(self):
        self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"script.py": "print('ran')"}))
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]:
            del self.environment[name]
        self.environment["AWS_SESSION_TOKEN"] = "a-token-of-somebody-else"
        runtime_env = {"working_dir": "s3://bucket/job.zip", "env_vars": {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}}
        run = self.ok("run", "--python", sys.executable, "--runtime-env-json", json.dumps(runtime_env), "--", "python3", "script.py")
        self.assertEqual(run.out, "ran\n")

    def run_with(self, env_vars):
        runtime_env = {"working_dir": "s3://bucket/job.zip", "env_vars": env_vars}
        return self.rtenv("run", "--python", sys.executable, "--runtime-env-json", json.dumps(runtime_env), "--", "true")

    def test_a_job_cannot_send_the_machines_credentials_elsewhere(self):
        thief = self.start(servers.files())
        self.secrets = [SECRET_KEY, "the-token"]
        self.environment["AWS_SESSION_TOKEN"] = "the-token"
        profile = self.write("thief", f"[default]\nendpoint_url = {thief.url}\n")
        for env_vars in [{"AWS_SHARED_CREDENTIALS_FILE": str(profile)}, {"AWS_CONFIG_FILE": str(profile)}, {"AWS_ENDPOINT_URL_S3": thief.url}]:
            with self.subTest(env_vars=env_vars):
                del self.environment["AWS_ENDPOINT_URL"]
                self.assertEqual(self.run_with(env_vars).status, 3)
                self.environment["AWS_ENDPOINT_URL"] = self.proxy.url
        self.assertTrue(thief.requests)
        self.assertTrue(all("Authorization" not in request.headers and "x-amz-security-token" not in request.headers
                            for request in thief.requests))
        run = self.run_with({"AWS_REGION": f"x@{thief.url.removeprefix('http://')}/#"})
        self.assertEqual(run.status, 2, run.err)
        self.assertIn("AWS_REGION", run.err)

    def test_a_credential_process_is_not_run_with_a_jobs_variables(self):
        self.write("answer.json", json.dumps({"Version": 1, "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY}))
        self.profile(f"[default]\nregion = {REGION}\nendpoint_url = {self.proxy.url}\n"
                     f"credential_process = echo \"$LD_LIBRARY_PATH\" > {self.work}/seen; cat {self.work}/answer.json\n")
        self.assertEqual(self.run_with({"LD_LIBRARY_PATH": "/the/jobs"}).status, 0)
        self.assertNotIn("jobs", (self.work / "seen").read_text())

    def test_many_processes_fetch_once(self):
        self.boto.put_object(Bucket="bucket", Key="job.zip", Body=zip_of({"noise": noise(4 << 20)}))
        self.proxy.fault = lambda request: servers.Fault(delay_s=0.5) if request.method == "GET" else None
        runs = [self.result(process) for process in [self.spawn("fetch", "s3://bucket/job.zip") for _ in range(8)]]
        self.assertEqual([run.status for run in runs], [0] * 8, runs)
        self.assertEqual(len({run.out for run in runs}), 1)
        self.assertEqual(sum(request.method == "GET" for request in self.proxy.requests), 1)


class LenientStore(RemoteTest):
    """Session tokens, roles and instance credentials."""

    def setUp(self):
        super().setUp()
        self.url = self.start(servers.moto(self.work))
        self.proxy = self.start(servers.proxy(self.url))
        self.boto = client(self.url)
        self.boto.create_bucket(Bucket="runtime-env-test")
        self.boto.put_object(Bucket="runtime-env-test", Key="script.zip", Body=zip_of({"script.py": "print('from s3')"}))
        self.environment = {"AWS_ENDPOINT_URL": self.proxy.url, "AWS_REGION": REGION}

    def signers(self):
        return {(request.headers["Authorization"].split("Credential=")[1].split("/")[0], request.headers["x-amz-security-token"])
                for request in self.proxy.requests if "Authorization" in request.headers and request.path.startswith("/runtime-env-test")}

    def test_the_first_example_of_rays_guide(self):
        keys = boto3.client("sts", endpoint_url=self.url, region_name=REGION, aws_access_key_id="a",
                            aws_secret_access_key="bucket").get_session_token()["Credentials"]
        self.secrets = [keys["SecretAccessKey"], keys["SessionToken"]]
        self.environment |= {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                             "AWS_SESSION_TOKEN": keys["SessionToken"]}
        run = self.ok("run", "--python", sys.executable, "--runtime-env-json", '{"working_dir": "s3://runtime-env-test/script.zip"}', "--",
                      "python3", "script.py")
        self.assertEqual(run.out, "from s3\n")
        self.assertEqual(self.signers(), {(keys["AccessKeyId"], keys["SessionToken"])})

    def test_listed_names_cannot_control_the_terminal(self):
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        for name in ["\x1b[31mred", "plus+space ü%20"]:
            self.boto.put_object(Bucket="runtime-env-test", Key="odd/" + name, Body=b"")
        out = self.ok("ls", "s3://runtime-env-test/odd/", env=keys).out
        self.assertEqual([line.partition("/odd/")[2] for line in out.splitlines()], ["\\x1b[31mred", "plus+space ü%20"])
        self.assertEqual(list(self.listed("s3://runtime-env-test/odd/", env=keys)),
                         [f"s3://runtime-env-test/odd/{name}" for name in ["\x1b[31mred", "plus+space ü%20"]])

    def test_web_identity(self):
        self.secrets = ["the-web-token"]
        token = self.write("token", "the-web-token\n")
        self.ok("fetch", "s3://runtime-env-test/script.zip",
                env={"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"})
        [(key, session)] = self.signers()
        self.assertTrue(key.startswith("ASIA"), key)
        self.assertTrue(session)

    def test_buckets_in_the_host_name(self):
        self.write("home/.aws/config", "[default]\ns3 =\n    addressing_style = virtual\n")
        self.environment |= {"AWS_ENDPOINT_URL": self.proxy.url.replace("127.0.0.1", "localhost"), "AWS_ACCESS_KEY_ID": "a",
                             "AWS_SECRET_ACCESS_KEY": "b"}
        self.ok("fetch", "s3://runtime-env-test/script.zip")
        self.assertEqual({(request.headers["Host"].split(":")[0], request.path) for request in self.proxy.requests},
                         {("runtime-env-test.localhost", "/script.zip")})

    def test_a_role_of_a_profile(self):
        self.write("home/.aws/config", "[profile base]\naws_access_key_id = base\naws_secret_access_key = secret\n"
                                       "[profile job]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n")
        self.ok("fetch", "s3://runtime-env-test/script.zip", env={"AWS_PROFILE": "job"})
        [(key, session)] = self.signers()
        self.assertTrue(key.startswith("ASIA"), key)
        self.assertTrue(session)

    def test_the_instance_metadata_service(self):
        boto3.client("iam", endpoint_url=self.url, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="bucket")
        self.ok("fetch", "s3://runtime-env-test/script.zip", env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.proxy.url})
        [(key, session)] = self.signers()
        self.assertEqual((key, session), ("test-key", "test-session-token"))


if __name__ == "__main__":
    unittest.main()
