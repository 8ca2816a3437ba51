// Whether a request is admitted: its Host, Origin and Sec-Fetch-Site headers are checked, so that a
// page of another site can't make a browser use the server (DNS rebinding, cross-site requests);
// an Authenticator says who sends it; and who may only read changes nothing. For the server's
// thread.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "server/authenticator.hpp"
#include "server/http.hpp"
#include "server/peer.hpp"

namespace rtenv::server {

class Access {
 public:
  /// `hosts`: the server's names besides those of loopback and of this machine.
  Access(std::shared_ptr<Authenticator> authenticator, std::vector<std::string> hosts)
      : authenticator_(std::move(authenticator)), hosts_(std::move(hosts)) {}

  /// Who sends the request; or the response that refuses it.
  [[nodiscard]] std::variant<Caller, Response> admit(const Request& request,
                                                     const Peer& peer) const;

 private:
  [[nodiscard]] bool knows_host(std::string_view host) const;
  [[nodiscard]] std::variant<Caller, Response> identify(const Request& request,
                                                        const Peer& peer) const;
  std::shared_ptr<Authenticator> authenticator_;
  std::vector<std::string> hosts_;
};

}  // namespace rtenv::server
