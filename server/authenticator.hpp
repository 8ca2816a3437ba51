// Who sends a request: what decides it can be replaced by the program that the server is part of.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/tokens.hpp"

namespace rtenv::server {

/// What is known of who sends a request. The texts are valid during the call.
struct Credentials {
  std::string_view method;  // "GET"
  std::string_view path;    // as it was sent, without the query
  /// Of the other end: "10.0.0.1", "unix".
  std::string_view address;
  /// Of the process at the other end, if it is on this machine and the kernel knows it; never of a
  /// proxy or of a job in a sandbox.
  std::optional<uid_t> uid;
  /// From the Authorization header (Bearer), or from Ray's other header or cookie.
  std::optional<std::string> token;
  bool was_forwarded = false;  // by a proxy, as a header says
  bool is_sandboxed = false;   // by a job in a sandbox, or from another container
};

struct Refusal {
  enum class Reason : std::uint8_t {
    unknown,    // it should say who it is: 401
    forbidden,  // 403
  };
  Reason reason = Reason::forbidden;
  std::string message;  // for the client
};

class Authenticator {
 public:
  Authenticator() = default;
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  virtual ~Authenticator() = default;

  /// Called for each request, on the server's thread: must not block, as nobody is served
  /// meanwhile. What it throws is logged, and refuses the request (status 500). Requests with a
  /// foreign Host, Origin or Sec-Fetch-Site are refused before; a caller with Right::read that
  /// wants to change something, afterwards.
  virtual std::variant<Caller, Refusal> authenticate(const Credentials& credentials) = 0;
};

}  // namespace rtenv::server
