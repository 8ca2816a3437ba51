// What each address of the server answers: Ray's Jobs API (2.60, API version 4), its first beta,
// and what rtenv adds under /api/rtenv/. For the network's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/http.hpp"
#include "server/job_manager.hpp"
#include "server/job_packages.hpp"
#include "server/log_tail.hpp"

namespace rtenv::server {

struct ApiIdentity {
  std::string rtenv_version;
  std::string ray_version;  // that clients take this server for
  std::string session_name;
  NodeNames node;
};

class Api {
 public:
  Api(JobManager& jobs, JobPackages& packages, ApiIdentity identity)
      : jobs_(jobs), packages_(packages), identity_(std::move(identity)) {}

  /// Its body is read by who answers, as it comes; of the others, it comes with the request.
  [[nodiscard]] static bool streams_body(const Request& request);
  boost::asio::awaitable<Answer> answer(Request& request);

  /// What a websocket is to be told. Fails: not_found, invalid_argument.
  Result<std::unique_ptr<LogTail>> tail(const Request& request);

  [[nodiscard]] const ApiIdentity& identity() const noexcept { return identity_; }

 private:
  Answer version() const;
  boost::asio::awaitable<Answer> package(Request& request, const std::string& protocol,
                                         const std::string& name);
  boost::asio::awaitable<Answer> upload(Request& request, const remote::Uri& uri);
  boost::asio::awaitable<Answer> submit(const Request& request, bool legacy);
  Answer list(const Request& request);
  Answer details(const Request& request, const std::string& id);
  Answer extras(const std::string& id);
  Answer logs(const Request& request, const std::string& id);
  Answer stop(const std::string& id);
  boost::asio::awaitable<Answer> remove(const std::string& id);
  boost::asio::awaitable<Answer> legacy(const Request& request, const std::string& what);
  boost::asio::awaitable<Answer> job(const Request& request, const std::string& id,
                                     const std::string& what);

  JobManager& jobs_;
  JobPackages& packages_;
  ApiIdentity identity_;
};

/// The OpenAPI document of all that: GET /api/openapi.json.
std::string_view openapi_document();

}  // namespace rtenv::server
