// The parts of a job server's address that a connection needs. Thread-safe: no state.
#pragma once

#include <string>
#include <string_view>

namespace rtenv::client {

struct Endpoint {
  bool tls = false;
  std::string host;  // an IPv6 address has no brackets
  std::string port;
  std::string unix_socket;  // connects there; empty: to the host
  std::string base_path;    // before "/api/…"; empty, or begins with '/'
};

/// Of "http://HOST[:PORT][/PATH]" or https, without the user info. Without a port: 80 or 443.
Endpoint parse_endpoint(std::string_view address);

}  // namespace rtenv::client
