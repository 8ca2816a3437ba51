// Where a job server is and how one speaks to it, by the variables that Ray's own client knows
// (2.60): RAY_API_SERVER_ADDRESS, else RAY_ADDRESS, else http://127.0.0.1:8265; the token of
// RAY_AUTH_TOKEN, the file RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token; more headers in
// RAY_JOB_HEADERS (a JSON object). Besides: RTENV_TLS_VERIFY=false trusts any certificate.
#pragma once

#include <string>
#include <vector>

#include "base/environment.hpp"

namespace rtenv::remote {

struct JobServer {
  std::string address;               // http://HOST:PORT, without a slash at its end
  std::string token;                 // empty: none
  std::vector<std::string> headers;  // "Name: value"
};

/// Fails: invalid_argument (an address that isn't an http URL, headers that aren't JSON), not_found
/// (RAY_AUTH_TOKEN_PATH).
Result<JobServer> find_job_server(const Environment& environment);

}  // namespace rtenv::remote
