// The server's HTTP API: Ray's Jobs API (2.60, API version 4), the API of its first beta, and
// rtenv's additions under /api/rtenv/. For the network's thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/http.hpp"
#include "server/job_record.hpp"
#include "server/router.hpp"

namespace rtenv::remote {
struct Uri;
}

namespace rtenv::server {

class AuditLog;
class Budget;
class JobManager;
class JobPackages;
class LogTail;

/// How the server presents itself to clients.
struct ApiIdentity {
  std::string rtenv_version;
  std::string ray_version;  // the version of Ray that clients see
  std::string session_name;
  NodeNames node;
};

class Api {
 public:
  /// The arguments must outlive it.
  Api(JobManager& jobs, JobPackages& packages, AuditLog& audit, Budget& uploads,
      ApiIdentity identity)
      : jobs_(jobs),
        packages_(packages),
        audit_(audit),
        uploads_(uploads),
        identity_(std::move(identity)) {}

  /// All routes; the first one that matches handles a request.
  static std::span<const Route> routes();
  /// Whether the request's handler reads the body itself; else the body must come with the request.
  [[nodiscard]] static bool streams_body(const Request& request);
  /// The request must outlive the call.
  boost::asio::awaitable<Response> handle(Request& request);

  /// The log that a websocket requests. Fails: not_found, invalid_argument (the offset). The
  /// request must outlive the call.
  boost::asio::awaitable<Result<std::unique_ptr<LogTail>>> tail(const Request& request);

  [[nodiscard]] const ApiIdentity& identity() const noexcept { return identity_; }

 private:
  [[nodiscard]] Response version() const;
  boost::asio::awaitable<Response> has_package(const PathParameters& protocol_and_name);
  boost::asio::awaitable<Response> put_package(Request& request,
                                               const PathParameters& protocol_and_name);
  boost::asio::awaitable<Response> receive_package(Request& request, const remote::Uri& uri);
  boost::asio::awaitable<Response> submit(const Request& request, bool in_beta_form);
  boost::asio::awaitable<Response> list(const Request& request);
  boost::asio::awaitable<Response> details(const Request& request, std::string id);
  boost::asio::awaitable<Response> status(std::string id);
  boost::asio::awaitable<Response> extras(std::string id);
  boost::asio::awaitable<Response> logs(const Request& request, std::string id);
  boost::asio::awaitable<Response> stop(const Request& request, std::string id);
  boost::asio::awaitable<Response> remove(const Request& request, std::string id);

  JobManager& jobs_;
  JobPackages& packages_;
  AuditLog& audit_;
  Budget& uploads_;  // bytes of all that are under way
  ApiIdentity identity_;
};

/// The OpenAPI document of the routes: GET /api/openapi.json.
std::string_view openapi_document();

}  // namespace rtenv::server
