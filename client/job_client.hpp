// A client of Ray's Jobs API, for rtenv's server and Ray's (2.60, API version 4). Thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "remote/http.hpp"
#include "remote/job_server.hpp"

namespace rtenv::client {

class JobClient {
 public:
  /// `environment`: see remote/job_server.hpp, and remote/http.hpp for proxies and certificates.
  /// `cancellation` may be null; otherwise it must outlive the client. Fails: as find_job_server.
  static Result<JobClient> open(Environment environment, const Cancellation* cancellation);

  [[nodiscard]] const remote::JobServer& server() const noexcept { return server_; }
  [[nodiscard]] const Environment& environment() const noexcept { return http_->environment(); }
  [[nodiscard]] const Cancellation* cancellation() const noexcept { return http_->cancellation(); }

  // All requests fail with: unavailable (no response, or not the expected one), permission_denied,
  // invalid_argument (the server rejects the request), limit_reached (429), out_of_space (507),
  // cancelled.

  /// Whether the server is rtenv's, by its version endpoint. Fails also: invalid_argument (it isn't
  /// a job server, or is too old).
  Result<bool> is_rtenv();

  /// `body`: of POST /api/jobs/, with a submission_id. Retries if the response is lost; if the id
  /// is then taken and no other client can have chosen it (`own_id`), the submission has succeeded.
  /// Fails also: already_exists (the id is taken).
  Result<void> submit(const nlohmann::json& body, bool own_id);

  // Requests about one job fail also with not_found (no such job).
  Result<nlohmann::json> details(const std::string& id);
  Result<std::string> logs(const std::string& id);
  /// False if the job had already ended. `now`: by SIGKILL; Ray's server ignores that.
  Result<bool> stop(const std::string& id, bool now);
  /// Fails also: already_exists (it hasn't ended).
  Result<void> remove(const std::string& id);
  struct ListOptions {
    std::string status;  // empty: any
    std::optional<std::uint64_t> limit;
    std::uint64_t offset = 0;
  };
  Result<nlohmann::json> list(const ListOptions& options);

 private:
  JobClient(std::unique_ptr<remote::HttpClient> http, remote::JobServer server)
      : http_(std::move(http)), server_(std::move(server)) {}
  struct Reply {
    remote::HttpResponse response;
    std::string body;
  };
  Result<Reply> request(const char* method, const std::string& path, const std::string& body = {});
  /// Requests /api/jobs/{id} followed by `suffix`; returns the JSON object of a 2xx response.
  Result<nlohmann::json> request_job(const char* method, const std::string& id, const char* suffix);
  Result<void> pause_before_retry();
  /// The error of a response that isn't 2xx.
  [[nodiscard]] Failure explain(const Reply& reply) const;
  [[nodiscard]] Error explain(Error error) const;

  std::unique_ptr<remote::HttpClient> http_;
  remote::JobServer server_;
};

/// Whether the job has ended. `details`: as JobClient::details returns.
bool is_terminal(const nlohmann::json& details);

}  // namespace rtenv::client
