// The job server's address, token and headers, from the variables of Ray's own client (2.60):
// RAY_API_SERVER_ADDRESS, else RAY_ADDRESS, else http://127.0.0.1:8265; the token in
// RAY_AUTH_TOKEN, in the file RAY_AUTH_TOKEN_PATH or in ~/.ray/auth_token; more headers in
// RAY_JOB_HEADERS (a JSON object). In addition, RTENV_TLS_VERIFY=false trusts any certificate, and
// unix:PATH is the address of a Unix socket.
#pragma once

#include <string>
#include <vector>

#include "base/environment.hpp"

namespace rtenv::remote {

struct JobServer {
  std::string address;               // http://HOST:PORT, without a slash at the end
  std::string unix_socket;           // connects there; empty: to the address
  std::string token;                 // empty: none
  std::vector<std::string> headers;  // "Name: value"

  /// Without a password.
  [[nodiscard]] std::string shown() const;
};

/// Fails: invalid_argument (the address isn't an http URL, the headers aren't a JSON object of
/// strings), and as read_file for RAY_AUTH_TOKEN_PATH.
Result<JobServer> find_job_server(const Environment& environment);

}  // namespace rtenv::remote
