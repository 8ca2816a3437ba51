// Ray's Jobs API from the client's side: against rtenv's server or Ray's (2.60, API version 4).
// Thread-safe: no state but the connections.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/cancellation.hpp"
#include "remote/http.hpp"
#include "remote/job_server.hpp"

namespace rtenv::client {

class JobClient {
 public:
  /// `environment`: see remote/job_server.hpp; proxies and certificates as remote/http.hpp. Fails:
  /// as find_job_server.
  static Result<JobClient> open(Environment environment, const Cancellation* cancellation);

  [[nodiscard]] const remote::JobServer& server() const noexcept { return server_; }
  [[nodiscard]] const Environment& environment() const noexcept { return http_->environment(); }
  [[nodiscard]] const Cancellation* cancellation() const noexcept { return http_->cancellation(); }

  /// Asks for its version; true where it is rtenv's. Fails: unavailable, permission_denied,
  /// invalid_argument (it is something else, or too old).
  Result<bool> is_rtenv();

  /// `body`: of POST /api/jobs/, its submission_id set. An attempt whose answer is lost is
  /// repeated; where the id is then taken and nobody else can have chosen it (`own_id`), that is
  /// success.
  Result<void> submit(const nlohmann::json& body, bool own_id);
  /// These fail with not_found where there is no such job.
  Result<nlohmann::json> details(const std::string& id);
  Result<std::string> logs(const std::string& id);
  /// False where it had ended already.
  Result<bool> stop(const std::string& id);
  /// Fails also: already_exists (it hasn't ended).
  Result<void> remove(const std::string& id);
  Result<nlohmann::json> list();

 private:
  JobClient(std::unique_ptr<remote::HttpClient> http, remote::JobServer server)
      : http_(std::move(http)), server_(std::move(server)) {}
  struct Reply {
    remote::HttpResponse response;
    std::string body;
  };
  Result<Reply> ask(const char* method, const std::string& path, const std::string& body = {});
  /// Asks about one job. Fails where the answer isn't success.
  Result<nlohmann::json> ask_job(const char* method, const std::string& id, const char* what);
  [[nodiscard]] Failure explain(const Reply& reply) const;

  std::unique_ptr<remote::HttpClient> http_;
  remote::JobServer server_;
};

bool is_terminal(const nlohmann::json& details);

}  // namespace rtenv::client
