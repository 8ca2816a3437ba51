// Which requests are allowed. Besides the token, the Host, Origin and Sec-Fetch-Site headers of
// every request are checked, so that a page of another site can't make a browser use the server
// (DNS rebinding, cross-site requests). Thread-safe except for set_token.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/http.hpp"

namespace rtenv::server {

class Access {
 public:
  /// `token`: nullopt if none is required. `hosts`: the server's names besides those of loopback;
  /// if empty and the server isn't only on loopback, any name is accepted.
  Access(std::optional<std::string> token, std::vector<std::string> hosts, bool on_loopback)
      : token_(std::move(token)), hosts_(std::move(hosts)), on_loopback_(on_loopback) {}

  void set_token(std::string token) { token_ = std::move(token); }

  /// The response that refuses a request; nullopt if the request is allowed.
  [[nodiscard]] std::optional<Response> refuse(const Request& request) const;

 private:
  [[nodiscard]] bool knows_host(std::string_view host) const;
  std::optional<std::string> token_;
  std::vector<std::string> hosts_;
  bool on_loopback_;
};

}  // namespace rtenv::server
