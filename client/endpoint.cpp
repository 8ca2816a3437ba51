#include "client/endpoint.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "remote/url.hpp"

namespace rtenv::client {

Result<Endpoint> parse_endpoint(const std::string& address) {
  RTENV_TRY(const remote::Url url, remote::Url::parse(address));
  return Endpoint{.tls = url.origin.scheme == "https",
                  // "%25" is before the zone of an IPv6 address.
                  .host = percent_decode(trim(url.origin.host, "[]")),
                  .port = url.origin.port,
                  .host_and_port = url.origin.host + ":" + url.origin.port,
                  .unix_socket = {},
                  .base_path = std::string(trim_end(url.path, "/"))};
}

}  // namespace rtenv::client
