// Who may do what. A request is admitted by the user of the process that sends it (see peer.hpp) or
// by a token. The Host, Origin and Sec-Fetch-Site headers of every request are checked besides, so
// that a page of another site can't make a browser use the server (DNS rebinding, cross-site
// requests). Thread-safe except for set_tokens.
#pragma once

#include <sys/types.h>

#include <string>
#include <variant>
#include <vector>

#include "server/http.hpp"
#include "server/peer.hpp"
#include "server/tokens.hpp"

namespace rtenv::server {

class Access {
 public:
  struct Settings {
    std::vector<Token> tokens;
    /// The server's names besides those of loopback and of this machine.
    std::vector<std::string> hosts;
    /// Requests without a token are anybody's and may do everything. For --insecure.
    bool open = false;
    /// Admitted without a token, as root is.
    uid_t owner = 0;
  };
  explicit Access(Settings settings) : settings_(std::move(settings)) {}

  void set_tokens(std::vector<Token> tokens) { settings_.tokens = std::move(tokens); }

  /// Who sends the request; or the response that refuses it.
  [[nodiscard]] std::variant<Caller, Response> admit(const Request& request,
                                                     const Peer& peer) const;

 private:
  [[nodiscard]] bool knows_host(std::string_view host) const;
  [[nodiscard]] std::variant<Caller, Response> identify(const Request& request,
                                                        const Peer& peer) const;
  Settings settings_;
};

}  // namespace rtenv::server
