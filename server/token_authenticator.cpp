#include "server/token_authenticator.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "base/hash.hpp"

namespace rtenv::server {
namespace {

// Compares digests of equal size: the time reveals nothing about the texts.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  const auto digest = [](std::string_view text) {
    Sha256 hash;
    hash.add(text);
    return hash.finish();
  };
  const auto first = digest(a);
  const auto second = digest(b);
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

}  // namespace

std::variant<Caller, Refusal> TokenAuthenticator::authenticate(const Credentials& credentials) {
  if (credentials.token && !settings_.tokens.empty()) {
    for (const Token& token : settings_.tokens)
      if (equal_in_constant_time(*credentials.token, token.secret)) return token.caller;
    return Refusal{.message = "Forbidden: the token is wrong"};
  }
  if (credentials.uid && (*credentials.uid == settings_.owner || *credentials.uid == 0))
    return Caller{.name = fmt::format("uid:{}", *credentials.uid)};
  if (settings_.open && settings_.tokens.empty()) return Caller{.name = "anybody"};
  if (!settings_.tokens.empty())
    return Refusal{
        .reason = Refusal::Reason::unknown,
        .message = "Unauthorized: a token is required (RAY_AUTH_MODE=token and RAY_AUTH_TOKEN)"};
  const std::string who =
      credentials.was_forwarded  ? "comes through a proxy"
      : credentials.is_sandboxed ? "comes from a sandbox, or from another container"
      : credentials.uid          ? fmt::format("is the user's with the id {}", *credentials.uid)
                                 : "is an unknown user's";
  return Refusal{
      .message = fmt::format(
          "403: this server accepts requests of the user with the id {} and of root; this one {}. "
          "To let others in, start the server with a token file",
          settings_.owner, who)};
}

}  // namespace rtenv::server
