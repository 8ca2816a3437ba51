#include "client/endpoint.hpp"

#include <algorithm>

namespace rtenv::client {

Endpoint parse_endpoint(std::string_view address) {
  constexpr std::string_view k_http = "http://";
  constexpr std::string_view k_https = "https://";
  Endpoint endpoint{.tls = address.starts_with(k_https)};
  address.remove_prefix(endpoint.tls ? k_https.size() : k_http.size());
  const auto path = std::min(address.find('/'), address.size());
  endpoint.base_path = address.substr(path);
  std::string_view authority = address.substr(0, path);
  if (const auto user = authority.rfind('@'); user != std::string_view::npos)
    authority.remove_prefix(user + 1);
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  std::string_view host = authority.substr(0, has_port ? colon : authority.size());
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  endpoint.host = host;
  endpoint.port = has_port ? authority.substr(colon + 1) : endpoint.tls ? "443" : "80";
  return endpoint;
}

}  // namespace rtenv::client
