"""The server keeps to its own description, GET /api/openapi.json: schemathesis makes requests from it, good and bad, and looks at
every response."""

import pathlib
import subprocess
import sys

import harness

EXAMPLES = 30

# Schemathesis supposes that what a submission calls job_id is the job's id, although submission_id goes before it, and that only a
# DELETE of the same path deletes what ?job_id= names.
CONFIGURATION = """
[[operations]]
include-path = ["/api/jobs/status", "/api/jobs/logs"]
checks.ensure_resource_availability.enabled = false
"""


class OpenApi(harness.JobTest):
    def test_the_server_conforms_to_its_openapi_document(self):
        server = self.serve("--max-running", 2)  # what is made up as an entrypoint is run: with nothing in PATH
        configuration = self.work / "schemathesis.toml"
        configuration.write_text(CONFIGURATION)
        run = subprocess.run([pathlib.Path(sys.prefix) / "bin/st", "--config-file", configuration, "run", server.address + "/api/openapi.json", "--max-examples", str(EXAMPLES),
                              "--exclude-path", "/api/jobs/{id}/logs/tail",  # a websocket
                              # What a runtime_env may hold can be said in words, not in a schema.
                              "--exclude-checks", "positive_data_acceptance"], capture_output=True, text=True, cwd=self.work, check=False, timeout=500)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertEqual(server.request("GET", "/api/version").status, 200, "it lives")
        self.assertNotIn("warning", (self.work / "serve.log").read_text())


if __name__ == "__main__":
    harness.main()
