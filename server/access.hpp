// Who may speak to the server. Beyond a token: a browser must not be led to it from another site's
// page (DNS rebinding, cross-site requests), so the names of the server, the origin of a page and
// what the browser says of it are checked on every request, whatever its method. Thread-safe but
// for set_token.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/http.hpp"

namespace rtenv::server {

class Access {
 public:
  /// `token`: nothing where everybody may. `hosts`: names, besides those of loopback, by which the
  /// server is called; empty and not on loopback: by any.
  Access(std::optional<std::string> token, std::vector<std::string> hosts, bool on_loopback)
      : token_(std::move(token)), hosts_(std::move(hosts)), on_loopback_(on_loopback) {}

  void set_token(std::string token) { token_ = std::move(token); }

  /// The answer of a refusal; nothing where the request may pass.
  [[nodiscard]] std::optional<Answer> refuse(const Request& request) const;

 private:
  [[nodiscard]] bool knows_host(std::string_view host) const;
  std::optional<std::string> token_;
  std::vector<std::string> hosts_;
  bool on_loopback_;
};

}  // namespace rtenv::server
