#include "server/api.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "base/encoding.hpp"
#include "server/audit_log.hpp"
#include "server/budget.hpp"
#include "server/log_tail.hpp"
#include "server/manager_fixture.hpp"

namespace rtenv::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(OpenApiTest, DocumentsExactlyTheRoutesAndTheirMethods) {
  std::set<std::string> documented;
  const json document = json::parse(openapi_document());
  for (const auto& [path, operations] : document.at("paths").items())
    for (const auto& [method, unused] : operations.items())
      if (method != "parameters") documented.insert(method + " " + path);
  std::set<std::string> routed;
  for (const Route& route : Api::routes()) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(), [](char c) { return c | 0x20; });
    EXPECT_TRUE(routed.insert(method + " " + std::string(route.pattern)).second) << route.pattern;
  }
  EXPECT_EQ(documented, routed);
}

TEST(OpenApiTest, DocumentsTheParametersOfEachPath) {
  const json document = json::parse(openapi_document());
  for (const auto& [path, operations] : document.at("paths").items()) {
    std::string documented = path;
    for (json parameter : operations.value("parameters", json::array())) {
      if (parameter.contains("$ref")) {
        const std::string pointer = parameter.at("$ref").get<std::string>().substr(1);
        parameter = json(document.at(json::json_pointer(pointer)));
      }
      if (parameter.at("in") != "path") continue;
      const std::string name = "{" + parameter.at("name").get<std::string>() + "}";
      const auto at = documented.find(name);
      EXPECT_NE(at, std::string::npos) << path << " has no " << name;
      if (at != std::string::npos) documented.erase(at, name.size());
    }
    EXPECT_THAT(documented, testing::Not(HasSubstr("{"))) << path;
  }
}

class ApiTest : public ManagerFixture {
 protected:
  Response ask(std::string method, std::string_view target, std::string body = {}) {
    Request request{.method = std::move(method), .body = std::move(body)};
    request.set_target(target);
    return run(api_.handle(request));
  }
  json get(std::string_view target) { return json::parse(ask("GET", target).body); }
  // Submits a job that fails immediately because there are no CPUs.
  void submit(const std::string& id) {
    const json body{{"entrypoint", "true"}, {"submission_id", id}, {"entrypoint_num_cpus", 1}};
    const Response response = ask("POST", "/api/jobs/", body.dump());
    ASSERT_EQ(response.status, 200) << response.body;
    ASSERT_EQ(json::parse(response.body), (json{{"job_id", id}, {"submission_id", id}}));
  }

  AuditLog audit_{folder_.path() / "audit.log"};
  Budget uploads_{1000};
  Api api_{*jobs_,
           packages_,
           audit_,
           uploads_,
           {.rtenv_version = "1", .ray_version = "2", .session_name = "s"}};
};

TEST_F(ApiTest, VersionHasExactlyRaysKeys) {
  EXPECT_EQ(get("/api/version"), (json{{"version", "4"},
                                       {"ray_version", "2"},
                                       {"ray_commit", "rtenv-1"},
                                       {"session_name", "s"}}));
}

TEST_F(ApiTest, UnknownPathsAreNotFound) {
  for (const char* path : {"", "/", "/api", "/api/", "/api/none", "/api/version/", "/api/jobs/a/",
                           "/api/jobs/a/none", "/api/jobs/a/logs/none", "/api/packages/gcs",
                           "/api%2fversion", "/api/%76ersion", "/api/rtenv", "/version"}) {
    const Response response = ask("GET", path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.body, "404: Not Found") << path;
  }
}

TEST_F(ApiTest, OtherMethodsAreNotAllowed) {
  const auto allowed = [&](const char* method, const char* path) {
    const Response response = ask(method, path);
    EXPECT_EQ(response.status, 405) << method << " " << path;
    return response.headers.empty() ? "" : response.headers.front().second;
  };
  EXPECT_EQ(allowed("DELETE", "/api/version"), "GET");
  EXPECT_EQ(allowed("PUT", "/api/jobs/"), "GET, POST");
  EXPECT_EQ(allowed("POST", "/api/jobs/a"), "GET, DELETE");
  EXPECT_EQ(allowed("GET", "/api/jobs/a/stop"), "POST");
  EXPECT_EQ(allowed("POST", "/api/packages/gcs/a.zip"), "GET, PUT");
  EXPECT_EQ(allowed("DELETE", "/api/jobs/status?job_id=a"), "GET");
  EXPECT_EQ(allowed("OPTIONS", "/api/jobs/submit"), "POST");
}

TEST_F(ApiTest, RedirectsToTheListOfJobs) {
  const Response response = ask("GET", "/api/jobs");
  EXPECT_EQ(response.status, 308);
  EXPECT_EQ(response.headers.front(),
            std::pair(std::string("Location"), std::string("/api/jobs/")));
}

TEST_F(ApiTest, AJobIsListedDescribedAndDeleted) {
  submit("a");
  submit("b");
  EXPECT_EQ(get("/api/jobs/").size(), 2U);
  EXPECT_EQ(get("/api/jobs/?limit=1&offset=1").at(0).at("submission_id"), "b");
  EXPECT_EQ(get("/api/jobs/?status=FAILED").size(), 2U);
  EXPECT_EQ(get("/api/jobs/%61").at("error_type"), error_type::k_unschedulable);
  EXPECT_EQ(get("/api/jobs/status?job_id=a"), (json{{"job_status", "FAILED"}}));
  EXPECT_EQ(get("/api/jobs/a/logs"), (json{{"logs", ""}}));
  EXPECT_EQ(get("/api/rtenv/jobs/a").at("phase"), "ended");
  EXPECT_EQ(json::parse(ask("POST", "/api/jobs/a/stop").body), (json{{"stopped", false}}));
  EXPECT_EQ(json::parse(ask("DELETE", "/api/jobs/a").body), (json{{"deleted", true}}));
  EXPECT_EQ(ask("GET", "/api/jobs/a").status, 404);
}

TEST_F(ApiTest, PathsOfTheFirstBetaAreValidJobIds) {
  submit("status");
  EXPECT_EQ(get("/api/jobs/status").at("submission_id"), "status");
  EXPECT_EQ(ask("GET", "/api/jobs/submit").body, "Job submit does not exist");
  EXPECT_EQ(ask("GET", "/api/jobs/status?job_id=none").body, "Job none does not exist");
  EXPECT_THAT(ask("POST", "/api/jobs/submit", "{}").body, HasSubstr("entrypoint is missing"));
}

TEST_F(ApiTest, ExplainsBadRequests) {
  EXPECT_THAT(ask("POST", "/api/jobs/", "").body, HasSubstr("it is empty"));
  EXPECT_THAT(ask("POST", "/api/jobs/", "{").body, HasSubstr("parse error at line 1, column 2"));
  EXPECT_THAT(ask("GET", "/api/jobs/?status=DONE").body, HasSubstr("status must be"));
  EXPECT_THAT(ask("GET", "/api/packages/s3/a.zip").body, HasSubstr("not 's3'"));
  for (const char* name : {"..", "a%2fb.zip"})
    EXPECT_THAT(ask("GET", std::string("/api/packages/gcs/") + name).body,
                HasSubstr("plain file name"));
  EXPECT_EQ(ask("GET", "/api/jobs/a/logs/tail").body,
            "400: this address speaks the websocket protocol");
}

TEST_F(ApiTest, OnlyUploadsAreStreamed) {
  const auto streams = [](const char* method, std::string_view target) {
    Request request{.method = method};
    request.set_target(target);
    return Api::streams_body(request);
  };
  EXPECT_TRUE(streams("PUT", "/api/packages/gcs/a.zip"));
  EXPECT_FALSE(streams("GET", "/api/packages/gcs/a.zip"));
  EXPECT_FALSE(streams("POST", "/api/jobs/"));
  EXPECT_FALSE(streams("PUT", "/none"));
}

TEST_F(ApiTest, TailRequiresAJobAndANumericOffset) {
  const auto tail = [&](std::string_view target) {
    Request request{.method = "GET"};
    request.set_target(target);
    return run(api_.tail(request));
  };
  submit("a");
  EXPECT_TRUE(tail("/api/jobs/a/logs/tail?raw=1&offset=3"));
  EXPECT_THAT(tail("/api/jobs/none/logs/tail"), IsError(Errc::not_found, "does not exist"));
  EXPECT_THAT(tail("/api/jobs/a/logs"), IsError(Errc::not_found, "404"));
  EXPECT_THAT(tail("/api/jobs/a/logs/tail?offset=x"), IsError(Errc::invalid_argument, "offset"));
}

}  // namespace
}  // namespace rtenv::server
