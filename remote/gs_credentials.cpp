#include "remote/gs_credentials.hpp"

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/path_kind.hpp"
#include "base/redact.hpp"
#include "remote/json_field.hpp"
#include "remote/jwt.hpp"
#include "remote/transfer_error.hpp"

namespace rtenv::remote {
namespace {

using nlohmann::json;

constexpr std::string_view k_token_url = "https://oauth2.googleapis.com/token";
constexpr std::string_view k_scope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr std::int64_t k_jwt_lifetime_s = 3600;

Result<GsToken> parse_token(const HttpResponse& response, const std::string& shown) {
  const json body = json_from_text(response.body);
  if (!response.succeeded()) {
    const std::string error = text_field(body, "error");
    const std::string description = text_field(body, "error_description");
    auto failure = fail_status(response.status, shown,
                               description.empty() ? error : error + ": " + description);
    // "invalid_grant" has status 400, but is always about credentials.
    if (failure.code() == Errc::invalid_argument)
      return fail(Errc::permission_denied, "{}", failure.message());
    return failure;
  }
  GsToken token{.access_token = text_field(body, "access_token"),
                .quota_project = {},
                .expires_at_s = unix_ms() / 1000};
  if (token.access_token.empty())
    return fail(Errc::unavailable, "{} returned no access token", shown);
  if (const auto seconds = body.find("expires_in"); seconds != body.end() && seconds->is_number())
    *token.expires_at_s += seconds->get<std::int64_t>();
  return token;
}

Result<GsToken> exchange(const std::string& url, const std::string& form, HttpClient& client) {
  RTENV_TRY(const auto response, client.send([&]() -> Result<HttpRequest> {
    return HttpRequest{.method = "POST",
                       .url = url,
                       .headers = {"Content-Type: application/x-www-form-urlencoded"},
                       .body = std::as_bytes(std::span(form))};
  }));
  return parse_token(response, redacted_url(url));
}

Result<GsToken> token_for_service_account(const json& account, const std::string& token_url,
                                          HttpClient& client) {
  const std::int64_t now = unix_ms() / 1000;
  const json header{
      {"alg", "RS256"}, {"typ", "JWT"}, {"kid", text_field(account, "private_key_id")}};
  const json claims{{"iss", text_field(account, "client_email")},
                    {"scope", k_scope},
                    {"aud", token_url},
                    {"iat", now},
                    {"exp", now + k_jwt_lifetime_s}};
  RTENV_TRY(const std::string jwt, sign_jwt(header, claims, text_field(account, "private_key")));
  return exchange(
      token_url,
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + jwt, client);
}

Result<GsToken> token_for_user(const json& user, const std::string& token_url, HttpClient& client) {
  return exchange(
      token_url,
      fmt::format("grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
                  percent_encode(text_field(user, "client_id")),
                  percent_encode(text_field(user, "client_secret")),
                  percent_encode(text_field(user, "refresh_token"))),
      client);
}

// What a file of this type needs; empty: the type isn't supported.
std::vector<const char*> needed_fields(std::string_view type) {
  if (type == "service_account") return {"client_email", "private_key"};
  if (type == "authorized_user") return {"client_id", "client_secret", "refresh_token"};
  return {};
}

Result<json> read_credentials(const Path& file) {
  RTENV_TRY(const std::string text, read_file(file));
  json credentials = json_from_text(text);
  if (!credentials.is_object())
    return fail(Errc::invalid_argument, "{} isn't a JSON object", file.native())
        .hint("use a service_account's key or authorized_user credentials");
  const std::string type = text_field(credentials, "type");
  const auto fields = needed_fields(type);
  if (fields.empty())
    return fail(Errc::invalid_argument, "{}: credentials of the type '{}' aren't supported",
                file.native(), type)
        .hint("use a service_account's key or authorized_user credentials");
  for (const char* field : fields)
    if (text_field(credentials, field).empty())
      return fail(Errc::invalid_argument, "{} has credentials of the type {} without {}",
                  file.native(), type, field);
  return credentials;
}

Result<GsToken> token_from_file(const Path& file, HttpClient& client) {
  RTENV_TRY(const json credentials, read_credentials(file));
  std::string token_url = text_field(credentials, "token_uri");
  if (token_url.empty()) token_url = k_token_url;
  auto token = text_field(credentials, "type") == "service_account"
                   ? token_for_service_account(credentials, token_url, client)
                   : token_for_user(credentials, token_url, client);
  if (!token) return Failure(std::move(token).error().within(file.native()));
  token->quota_project = text_field(credentials, "quota_project_id");
  return token;
}

// Google's machines can be told by their firmware. Elsewhere the request would only time out.
bool is_google_machine() {
  const auto product = read_file("/sys/class/dmi/id/product_name");
  return product && product->starts_with("Google");
}

Result<std::optional<GsToken>> token_from_metadata(HttpClient& client) {
  const auto host = client.environment().find_filled("GCE_METADATA_HOST");
  if (!host && !is_google_machine()) return std::optional<GsToken>();
  const std::string url =
      fmt::format("http://{}/computeMetadata/v1/instance/service-accounts/default/token",
                  host.value_or("metadata.google.internal"));
  RTENV_TRY(const auto response, client.send([&]() -> Result<HttpRequest> {
    return HttpRequest{
        .url = url, .headers = {"Metadata-Flavor: Google"}, .destination = Destination::metadata};
  }));
  if (response.status == 404)
    return std::optional<GsToken>();  // the machine has no service account
  RTENV_TRY(auto token, parse_token(response, url));
  return std::optional(std::move(token));
}

std::optional<Path> default_credentials_file(const Environment& environment) {
  constexpr std::string_view k_name = "application_default_credentials.json";
  std::optional<Path> file;
  if (const auto folder = environment.find_filled("CLOUDSDK_CONFIG"))
    file = Path(*folder) / k_name;
  else if (const auto home = environment.find_filled("HOME"))
    file = Path(*home) / ".config" / "gcloud" / k_name;
  // One that may not be read is there.
  if (!file) return file;
  const auto kind = path_kind(*file);
  if (!kind && kind.error().code() == Errc::not_found) file.reset();
  return file;
}

}  // namespace

Result<std::optional<GsToken>> find_gs_token(HttpClient& client) {
  const Environment& environment = client.environment();
  auto named = environment.find_filled("GOOGLE_APPLICATION_CREDENTIALS");
  if (named == "/dev/null") return std::optional<GsToken>();
  // An emulator needs no credentials: it gets only those that were set explicitly.
  const bool emulated = environment.find_filled("STORAGE_EMULATOR_HOST").has_value();
  std::optional<Path> file;
  if (named)
    file = *named;
  else if (!emulated)
    file = default_credentials_file(environment);
  if (file) {
    auto token = token_from_file(*file, client);
    if (!token && named)
      return Failure(std::move(token).error().within("GOOGLE_APPLICATION_CREDENTIALS"));
    if (!token) return Failure(std::move(token).error());
    return std::optional(std::move(*token));
  }
  if (emulated && !environment.find_filled("GCE_METADATA_HOST")) return std::optional<GsToken>();
  return token_from_metadata(client);
}

}  // namespace rtenv::remote
