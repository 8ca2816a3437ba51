// The parts of a job server's address that a connection needs. Thread-safe: no state.
#pragma once

#include <string>

#include "base/result.hpp"

namespace rtenv::client {

struct Endpoint {
  bool tls = false;
  std::string host;  // an IPv6 address has no brackets
  std::string port;
  std::string host_and_port;  // of the Host header; an IPv6 address has brackets
  std::string unix_socket;    // connects there; empty: to the host
  std::string base_path;      // before "/api/…"; empty, or begins with '/'
};

/// Of an http or https URL, without its user info. Fails: as Url::parse.
Result<Endpoint> parse_endpoint(const std::string& address);

}  // namespace rtenv::client
