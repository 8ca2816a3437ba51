"""azure:// and abfss:// against azurite, beside Microsoft's own client."""

import base64
import datetime
import hashlib
import unittest

import servers
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas
from tool import RemoteTest, noise, zip_of

ACCOUNT = "devstoreaccount1"


class AzureStore(RemoteTest):
    def setUp(self):
        super().setUp()
        self.secrets = [servers.AZURITE_KEY]
        self.url = self.start(servers.azurite(self.work))
        self.proxy = self.start(servers.proxy(self.url))
        self.azure = BlobServiceClient.from_connection_string(self.connection(self.url))
        self.container = self.azure.create_container("box")
        self.environment = {"AZURE_STORAGE_CONNECTION_STRING": self.connection(self.proxy.url)}

    @staticmethod
    def connection(url, key=f"AccountKey={servers.AZURITE_KEY}"):
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};{key};BlobEndpoint={url}/{ACCOUNT};"

    def stored(self, name):
        return self.container.download_blob(name).readall()

    def test_microsofts_client_reads_pushed_objects(self):
        job = self.job()
        for name in ["job.zip", "sub/job ü+1&=%20.zip"]:
            self.assertEqual(self.ok("push", job, f"azure://box/{name}").out, f"azure://box/{name}\n")
            self.assert_packed(self.stored(name), job)
            self.assertEqual((self.ok("fetch", f"azure://box/{name}").path / "lib/deep/data.txt").read_text(), "data")

    def test_a_large_directory_is_pushed_in_blocks_and_fetched_in_parts(self):
        job = self.job(size=40 << 20)
        self.ok("push", job, "azure://box/large.zip", "--compress", "store")
        self.assertGreater(sum("comp=block&" in request.path for request in self.proxy.requests), 3)
        self.assert_packed(self.stored("large.zip"), job)
        folder = self.ok("fetch", "azure://box/large.zip").path
        self.assertEqual((folder / "noise.bin").read_bytes(), noise(40 << 20))

    def test_checksums_of_the_store_are_compared(self):
        for size in [1000, 20 << 20]:  # sent as a whole, and in blocks
            data = noise(size)
            self.ok("push", self.write("x.bin", data), "azure://box/x.bin")
            stored = self.container.get_blob_client("x.bin").get_blob_properties().content_settings.content_md5
            self.assertEqual(bytes(stored), hashlib.md5(data).digest())
            self.assert_damage_is_noticed("azure://box/x.bin", data, lambda request: request.method == "GET")

    def test_objects_written_by_microsofts_client_are_fetched_once(self):
        for text in ["one", "two"]:
            self.container.upload_blob("job.zip", zip_of({"a.txt": text}), overwrite=True)
            self.assertEqual((self.ok("fetch", "azure://box/job.zip").path / "a.txt").read_text(), text)
        self.proxy.requests.clear()
        self.ok("fetch", "azure://box/job.zip")
        self.assertEqual([request.method for request in self.proxy.requests], ["HEAD"])

    def test_lists_and_deletes_objects(self):
        self.assert_lists_and_removes("azure://box/", self.container.upload_blob)
        self.assertEqual(self.remove("azure://box/nothing"), 3)

    def test_options_name_the_endpoint_and_leave_credentials_out(self):
        self.container.upload_blob("job.zip", zip_of({"a.txt": "A"}))
        account = {"AZURE_STORAGE_CONNECTION_STRING": "", "AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": servers.AZURITE_KEY}
        options = ["--endpoint-url", f"{self.proxy.url}/{ACCOUNT}"]
        self.ok("fetch", "azure://box/job.zip", *options, env=account)
        self.assertEqual(list(self.listed("azure://box", *options, env=account)), ["azure://box/job.zip"])
        self.assertTrue(all("Authorization" in request.headers for request in self.proxy.requests))
        self.proxy.requests.clear()
        run = self.refused(4, "azure://box", "ls", "azure://box", *options, "--no-sign-request", env=account)
        self.assertNotIn("hint", run.err)
        self.container.set_container_access_policy({}, public_access="container")
        self.assertEqual(list(self.listed("azure://box", *options, "--no-sign-request", env=account)), ["azure://box/job.zip"])
        self.assertTrue(all("Authorization" not in request.headers for request in self.proxy.requests))
        self.refused(2, "--profile applies to s3://; azure://box/ is an azure:// URI", "ls", "azure://box", "--profile", "p")

    def test_abfss_uris_name_the_account(self):
        self.container.upload_blob("p/job.zip", zip_of({"a.txt": "A"}))
        self.ok("fetch", f"abfss://box@{ACCOUNT}.dfs.core.windows.net/p/job.zip")
        self.refused(2, "somebody", "fetch", "abfss://box@somebody.dfs.core.windows.net/p/job.zip")

    def test_shared_access_signatures(self):
        self.container.upload_blob("job.zip", zip_of({"a.txt": "A"}))
        token = generate_container_sas(ACCOUNT, "box", account_key=servers.AZURITE_KEY, permission=ContainerSasPermissions(read=True),
                                       expiry=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1))
        self.secrets.append(token.split("sig=")[1].split("&")[0])
        sas = {"AZURE_STORAGE_CONNECTION_STRING": self.connection(self.proxy.url, f"SharedAccessSignature={token}")}
        self.ok("fetch", "azure://box/job.zip", env=sas)
        self.refused(4, "Authorization", "push", self.job(), "azure://box/new.zip", env=sas)
        expired = generate_container_sas(ACCOUNT, "box", account_key=servers.AZURITE_KEY, permission=ContainerSasPermissions(read=True),
                                         expiry=datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1))
        sas = {"AZURE_STORAGE_CONNECTION_STRING": self.connection(self.proxy.url, f"SharedAccessSignature={expired}")}
        self.refused(4, "AuthorizationFailure", "fetch", "azure://box/job.zip", env=sas)

    def test_errors_quote_the_stores_message(self):
        wrong = base64.b64encode(b"another key").decode()
        self.secrets.append(wrong)
        self.refused(4, "AuthorizationFailure", "fetch", "azure://box/job.zip",
                     env={"AZURE_STORAGE_CONNECTION_STRING": self.connection(self.proxy.url, f"AccountKey={wrong}")})
        self.refused(3, "BlobNotFound", "fetch", "azure://box/nothing.zip")
        self.refused(3, "ContainerNotFound", "fetch", "azure://nowhere/job.zip")
        self.refused(2, "AZURE_STORAGE_CONNECTION_STRING", "fetch", "azure://box/job.zip", env={"AZURE_STORAGE_CONNECTION_STRING": ""})
        self.refused(2, "base64", "fetch", "azure://box/job.zip",
                     env={"AZURE_STORAGE_CONNECTION_STRING": self.connection(self.proxy.url, "AccountKey=***")})
        self.refused(2, "neither AccountKey nor SharedAccessSignature", "fetch", "azure://box/job.zip",
                     env={"AZURE_STORAGE_CONNECTION_STRING": self.connection(self.proxy.url, "")})
        self.assertEqual(self.entries(), [])


if __name__ == "__main__":
    unittest.main()
