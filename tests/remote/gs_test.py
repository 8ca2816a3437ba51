"""gs:// against fake-gcs-server, beside Google's own client."""

import base64
import json
import os
import unittest
import urllib.parse

import google.auth.credentials
import servers
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.cloud import storage
from tool import RemoteTest, noise, zip_of


class TokenServer(servers.Quiet):
    """Issues a token for a JWT signed by the service account's key, or for the user's refresh token."""

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.body().decode()))
        self.server.asked.append(form)
        try:
            self.check(form)
        except Exception as problem:  # any: the client is told
            return self.respond(400, json.dumps({"error": "invalid_grant", "error_description": repr(problem)}).encode())
        return self.respond(200, json.dumps({"access_token": self.server.token, "expires_in": 3600}).encode())

    def do_GET(self):
        if self.headers.get("Metadata-Flavor") != "Google" or not self.path.endswith("/service-accounts/default/token"):
            return self.respond(403)
        self.server.asked.append("metadata")
        return self.respond(200, json.dumps({"access_token": self.server.token, "expires_in": 3600}).encode())

    def check(self, form):
        if form["grant_type"] == "refresh_token":
            assert form["refresh_token"] == self.server.refresh_token, "wrong refresh token"
            return
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        signed, _, signature = form["assertion"].rpartition(".")
        decode = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        self.server.public_key.verify(decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(decode(signed.split(".")[1]))
        assert claims["iss"] == "job@project.iam.gserviceaccount.com" and "devstorage" in claims["scope"]
        assert claims["aud"] == self.server.url + "/token" and claims["exp"] - claims["iat"] == 3600


class GoogleStore(RemoteTest):
    def setUp(self):
        super().setUp()
        self.url = self.start(servers.fake_gcs(self.work))
        self.proxy = self.start(servers.proxy(self.url))
        os.environ["STORAGE_EMULATOR_HOST"] = self.url
        self.google = storage.Client(project="p", credentials=google.auth.credentials.AnonymousCredentials())
        self.bucket = self.google.create_bucket("bucket")
        self.environment = {"STORAGE_EMULATOR_HOST": self.proxy.url}

    def test_googles_client_reads_pushed_objects(self):
        job = self.job()
        self.assertEqual(self.ok("push", job, "gs://bucket/jobs/job ü+1.zip").out, "gs://bucket/jobs/job ü+1.zip\n")
        self.assert_packed(self.bucket.blob("jobs/job ü+1.zip").download_as_bytes(), job)

    def test_checksums_of_the_store_are_compared(self):
        self.bucket.blob("x.bin").upload_from_string(b"data of the store")
        self.assert_damage_is_noticed("gs://bucket/x.bin", b"data of the store", lambda request: "alt=media" in request.path)

    def test_a_large_upload_is_resumable(self):
        job = self.job(size=40 << 20)
        self.ok("push", job, "gs://bucket/large.zip", "--compress", "store")
        self.assertGreater(sum(request.method == "PUT" for request in self.proxy.requests), 3)
        self.assert_packed(self.bucket.blob("large.zip").download_as_bytes(), job)
        folder = self.ok("fetch", "gs://bucket/large.zip").path
        self.assertEqual((folder / "noise.bin").read_bytes(), noise(40 << 20))

    def test_objects_written_by_googles_client_are_fetched_once(self):
        self.bucket.blob("x/job.zip").upload_from_string(zip_of({"a.txt": "one"}))
        path = self.ok("fetch", "gs://bucket/x/job.zip").path
        self.assertEqual((path / "a.txt").read_text(), "one")
        self.proxy.requests.clear()
        self.assertEqual(self.ok("fetch", "gs://bucket/x/job.zip").path, path)
        self.assertEqual(len(self.proxy.requests), 1)
        self.bucket.blob("x/job.zip").upload_from_string(zip_of({"a.txt": "two"}))
        self.assertEqual((self.ok("fetch", "gs://bucket/x/job.zip").path / "a.txt").read_text(), "two")

    def test_lists_and_deletes_objects(self):
        self.assert_lists_and_removes("gs://bucket/", lambda name, data: self.bucket.blob(name).upload_from_string(data))
        self.assertEqual(self.remove("gs://bucket/nothing"), 3)
        for number in range(1005):  # more than a page
            self.bucket.blob(f"many/{number:04}").upload_from_string(b"")
        self.assertEqual(len(self.listed("gs://bucket/many/")), 1005)
        self.refused(3, "gs://nowhere", "ls", "gs://nowhere/")

    def test_options_name_the_endpoint_and_leave_credentials_out(self):
        self.bucket.blob("job.zip").upload_from_string(zip_of({"a.txt": "A"}))
        del self.environment["STORAGE_EMULATOR_HOST"]
        missing = {"GOOGLE_APPLICATION_CREDENTIALS": str(self.work / "nothing.json")}
        options = ["--endpoint-url", self.proxy.url]
        self.ok("fetch", "gs://bucket/job.zip", *options)
        self.refused(2, "nothing.json", "ls", "gs://bucket", *options, env=missing)
        self.assertEqual(list(self.listed("gs://bucket", *options, "--no-sign-request", env=missing)), ["gs://bucket/job.zip"])

    def test_missing_objects_are_not_found(self):
        self.refused(3, "gs://bucket/nothing.zip", "fetch", "gs://bucket/nothing.zip")
        self.refused(3, "gs://nowhere/x.zip", "fetch", "gs://nowhere/x.zip")
        self.assertEqual(self.entries(), [])

    def test_errors_quote_the_stores_message(self):
        body = json.dumps({"error": {"code": 401, "message": "Invalid Credentials", "errors": []}}).encode()
        self.proxy.fault = lambda request: servers.Fault(status=401, body=body)
        self.refused(4, "Invalid Credentials", "fetch", "gs://bucket/x.zip")
        self.refused(4, "Invalid Credentials", "push", self.job(), "gs://bucket/x.zip")

    def tokens(self):
        return {request.headers["Authorization"] for request in self.proxy.requests}

    def authenticate(self, **state):
        self.secrets += ["the-access-token", "the-refresh-token", "the-client-secret"]
        self.bucket.blob("job.zip").upload_from_string(zip_of({"a.txt": "A"}))
        return self.start(servers.serving(TokenServer, asked=[], token="the-access-token", **state))

    def test_service_account(self):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        self.secrets.append(pem.splitlines()[1])
        google = self.authenticate(public_key=key.public_key())
        account = {"type": "service_account", "client_email": "job@project.iam.gserviceaccount.com", "private_key_id": "k",
                   "private_key": pem, "token_uri": google.url + "/token"}
        file = self.write("account.json", json.dumps(account))
        self.ok("fetch", "gs://bucket/job.zip", env={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
        self.assertEqual(self.tokens(), {"Bearer the-access-token"})
        self.assertEqual(len(google.asked), 1)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        google.public_key = other.public_key()
        self.refused(4, "invalid_grant", "fetch", "gs://bucket/job.zip", env={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
        file.write_text(json.dumps({**account, "private_key": "no key"}))
        self.refused(2, str(file), "fetch", "gs://bucket/job.zip", env={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})

    def test_authorized_user(self):
        google = self.authenticate(refresh_token="the-refresh-token")
        file = self.write("user.json", json.dumps({"type": "authorized_user", "client_id": "c", "client_secret": "the-client-secret",
                                                   "refresh_token": "the-refresh-token", "token_uri": google.url + "/token"}))
        self.ok("fetch", "gs://bucket/job.zip", env={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
        self.assertEqual(self.tokens(), {"Bearer the-access-token"})
        self.refused(2, "nothing.json", "fetch", "gs://bucket/job.zip", env={"GOOGLE_APPLICATION_CREDENTIALS": "nothing.json"})

    def test_metadata_server(self):
        google = self.authenticate()
        self.ok("fetch", "gs://bucket/job.zip", env={"GCE_METADATA_HOST": google.url.removeprefix("http://")})
        self.assertEqual(self.tokens(), {"Bearer the-access-token"})
        self.assertEqual(google.asked, ["metadata"])


if __name__ == "__main__":
    unittest.main()
