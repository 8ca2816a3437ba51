// The options of a libcurl transfer that follow from the request and the environment.
#pragma once

#include "remote/curl_library.hpp"
#include "remote/http.hpp"
#include "remote/rate_watch.hpp"

namespace rtenv::remote {

/// When a transfer, or one request after another, ends at the latest.
struct TransferTimes {
  const TransferLimits& limits;
  Retry::Clock::time_point deadline;
  RateWatch rate;

  /// libcurl's timers may end some milliseconds early.
  [[nodiscard]] bool are_over() const {
    return Retry::Clock::now() + std::chrono::milliseconds(50) >= deadline;
  }
};

std::string user_agent(const Environment& environment);

/// Sets URL, method, body size, credentials, timeouts and certificates. libcurl copies the strings.
/// Headers and callbacks are set by CurlHandle, which also watches the rate. Fails:
/// invalid_argument (netrc or a file with certificates is a pipe or a device).
Result<void> set_curl_options(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
                              const Environment& environment, const TransferTimes& times);

}  // namespace rtenv::remote
