#include "server/credentials.hpp"

#include <sys/stat.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/stream_input.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

Result<std::vector<Token>> load_tokens(const ServerOptions& options, ReadTokens when) {
  std::vector<Token> tokens;
  if (options.token) tokens.push_back({.secret = *options.token, .caller = {.name = "token"}});
  if (!options.token_file) return tokens;
  const std::string& file = options.token_file->native();
  RTENV_TRY(const std::string text, when == ReadTokens::at_start
                                        ? read_file_or_stream(file, options.cancellation)
                                        : read_file(file));
  auto parsed = parse_tokens(text);
  if (!parsed) return fail(parsed.error().code(), "{}: {}", file, parsed.error().message());
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 077U) != 0)
    log::warn("{} can be read by others: chmod 600 {}", file, file);
  std::ranges::move(*parsed, std::back_inserter(tokens));
  return tokens;
}

Result<std::shared_ptr<asio::ssl::context>> load_tls(const ServerOptions& options) {
  if (!options.tls_certificate) return std::shared_ptr<asio::ssl::context>();
  RTENV_TRY(const std::string certificate, read_file(*options.tls_certificate));
  RTENV_TRY(const std::string key, read_file(*options.tls_key));
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  boost::system::error_code error;
  tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1,
                   error);
  tls->use_certificate_chain(asio::buffer(certificate), error);
  if (error)
    return fail(Errc::invalid_argument, "{} isn't a certificate: {}",
                options.tls_certificate->native(), error.message());
  tls->use_private_key(asio::buffer(key), asio::ssl::context::pem, error);
  if (error)
    return fail(Errc::invalid_argument, "{} isn't the key of that certificate: {}",
                options.tls_key->native(), error.message());
  return tls;
}

Result<void> check_exposure(const ServerOptions& options, bool is_local) {
  if (options.tls_certificate.has_value() != options.tls_key.has_value())
    return fail(Errc::invalid_argument, "a TLS certificate and its key must be given together");
  if (is_local || options.insecure) return {};
  std::string missing;
  if (!options.token_file && !options.token && !options.authenticator) missing = "a token";
  if (!options.tls_certificate) missing += missing.empty() ? "TLS" : " and TLS";
  if (missing.empty()) return {};
  return fail(Errc::permission_denied,
              "{} opens this server to other machines, which requires {}: its clients run commands "
              "as this user",
              options.listen.host, missing)
      .hint(
          "give the server a token and a TLS certificate with its key; if it is told to be "
          "insecure, it needs neither");
}

}  // namespace rtenv::server
