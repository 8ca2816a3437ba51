// Admits requests by a token, or by the user of the process that sends them (see peer.hpp). For the
// server's thread.
#pragma once

#include <vector>

#include "server/authenticator.hpp"

namespace rtenv::server {

class TokenAuthenticator final : public Authenticator {
 public:
  struct Settings {
    std::vector<Token> tokens;
    /// Requests without a token are anybody's and may do everything. For --insecure.
    bool open = false;
    /// Admitted without a token, as root is.
    uid_t owner = 0;
  };
  explicit TokenAuthenticator(Settings settings) : settings_(std::move(settings)) {}

  void set_tokens(std::vector<Token> tokens) { settings_.tokens = std::move(tokens); }

  std::variant<Caller, Refusal> authenticate(const Credentials& credentials) override;

 private:
  Settings settings_;
};

}  // namespace rtenv::server
