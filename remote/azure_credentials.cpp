#include "remote/azure_credentials.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "remote/store_names.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

// The account of the Azurite emulator is public: docs.microsoft.com, "Use the Azurite emulator".
constexpr std::string_view k_development_account =
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsu"
    "Fq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1";

Result<std::map<std::string, std::string>> parse_connection_string(std::string_view text) {
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::string_view field = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), field.size() + 1));
    if (field.empty()) continue;
    const auto equals = field.find('=');
    if (equals == std::string_view::npos)
      return fail(Errc::invalid_argument,
                  "AZURE_STORAGE_CONNECTION_STRING has a part that isn't NAME=VALUE");
    fields.insert_or_assign(lower_ascii(field.substr(0, equals)),
                            std::string(field.substr(equals + 1)));
  }
  return fields;
}

Result<std::vector<std::byte>> parse_key(std::string_view text) {
  auto key = base64_decode(text);
  if (!key || key->empty())
    return fail(Errc::invalid_argument, "the Azure account key isn't base64");
  return std::move(*key);
}

std::string without_question_mark(std::string_view sas) {
  return std::string(sas.starts_with('?') ? sas.substr(1) : sas);
}

Result<AzureAccount> account_from_connection_string(std::string_view text, Access access) {
  RTENV_TRY(auto fields, parse_connection_string(text));
  if (fields["usedevelopmentstorage"] == "true") {
    RTENV_TRY(fields, parse_connection_string(k_development_account));
  }
  AzureAccount account{.name = fields["accountname"],
                       .endpoint = std::string(trim_end(fields["blobendpoint"], "/"))};
  account.sas = without_question_mark(fields["sharedaccesssignature"]);
  if (!fields["accountkey"].empty()) {
    RTENV_TRY(account.key, parse_key(fields["accountkey"]));
  }
  if (account.name.empty() && account.endpoint.empty())
    return fail(Errc::invalid_argument,
                "AZURE_STORAGE_CONNECTION_STRING has neither AccountName nor BlobEndpoint");
  if (!account.key.empty() && account.name.empty())
    return fail(Errc::invalid_argument,
                "AZURE_STORAGE_CONNECTION_STRING has an AccountKey, but no AccountName");
  if (account.key.empty() && account.sas.empty() && access == Access::with_credentials)
    return fail(Errc::invalid_argument,
                "AZURE_STORAGE_CONNECTION_STRING has neither AccountKey nor SharedAccessSignature")
        .hint("copy all of it; unsigned requests, as with AZURE_STORAGE_ACCOUNT alone, need none");
  if (account.endpoint.empty()) {
    RTENV_TRY(AzureAccountName::parse(account.name, "AccountName"));
    const auto or_default = [&](const char* name, const char* value) {
      return fields[name].empty() ? value : fields[name];
    };
    account.endpoint =
        fmt::format("{}://{}.blob.{}", or_default("defaultendpointsprotocol", "https"),
                    account.name, or_default("endpointsuffix", "core.windows.net"));
  }
  return account;
}

std::string blob_endpoint(const AzureAccountName& name) {
  return fmt::format("https://{}.blob.core.windows.net", name.text());
}

Result<AzureAccount> account_from_variables(const AzureAccountName& name,
                                            const Environment& environment) {
  AzureAccount account{.name = name.text(), .endpoint = blob_endpoint(name)};
  if (const auto key = environment.find_filled("AZURE_STORAGE_KEY")) {
    auto parsed = parse_key(*key);
    if (!parsed) return Failure(std::move(parsed).error().within("AZURE_STORAGE_KEY"));
    account.key = std::move(*parsed);
  } else if (const auto sas = environment.find_filled("AZURE_STORAGE_SAS_TOKEN")) {
    account.sas = without_question_mark(*sas);
  }
  return account;
}

// The key of another account must not be used.
Result<AzureAccount> anonymous_account(std::string_view name, const Uri& uri) {
  RTENV_TRY(const AzureAccountName checked, AzureAccountName::parse(name, uri.shown()));
  return AzureAccount{.name = checked.text(), .endpoint = blob_endpoint(checked)};
}

std::string_view header_value(const std::vector<std::string>& headers, std::string_view name) {
  for (const std::string_view header : headers)
    if (lower_ascii(header.substr(0, header.find(':'))) == name) {
      const auto value = header.find_first_not_of(' ', header.find(':') + 1);
      return value == std::string_view::npos ? std::string_view() : header.substr(value);
    }
  return {};
}

// The "x-ms-" headers, sorted by name.
std::string canonical_headers(const std::vector<std::string>& headers) {
  std::map<std::string, std::string> sorted;
  for (const std::string& header : headers) {
    const std::string name = lower_ascii(std::string_view(header).substr(0, header.find(':')));
    if (name.starts_with("x-ms-")) sorted.emplace(name, header_value(headers, name));
  }
  std::string text;
  for (const auto& [name, value] : sorted) text += fmt::format("{}:{}\n", name, value);
  return text;
}

// The account, the path as in the URL, and the decoded query parameters, sorted by name.
std::string canonical_resource(const Url& url, std::string_view account) {
  std::string_view query = url.query;
  std::map<std::string, std::string> parameters;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = std::min(pair.find('='), pair.size());
    parameters.insert_or_assign(
        lower_ascii(pair.substr(0, equals)),
        percent_decode(equals < pair.size() ? pair.substr(equals + 1) : std::string_view()));
  }
  std::string text = fmt::format("/{}{}", account, url.path);
  for (const auto& [name, value] : parameters) text += fmt::format("\n{}:{}", name, value);
  return text;
}

Result<AzureAccount> account_with_credentials(const Uri& uri, const Environment& environment,
                                              Access access) {
  const std::string in_uri(uri.account());
  if (const auto text = environment.find_filled("AZURE_STORAGE_CONNECTION_STRING")) {
    RTENV_TRY(auto account, account_from_connection_string(*text, access));
    if (!in_uri.empty() && !account.name.empty() && account.name != in_uri)
      return fail(Errc::invalid_argument,
                  "{} belongs to the account {}, but AZURE_STORAGE_CONNECTION_STRING to {}",
                  uri.shown(), in_uri, account.name);
    return account;
  }
  std::string name(environment.find("AZURE_STORAGE_ACCOUNT").value_or(""));
  if (!in_uri.empty() && !name.empty() && name != in_uri) return anonymous_account(in_uri, uri);
  if (!in_uri.empty()) name = in_uri;
  if (name.empty())
    return fail(Errc::invalid_argument, "{} names a container, but the storage account isn't set",
                uri.shown())
        .hint(
            "set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY "
            "or AZURE_STORAGE_SAS_TOKEN");
  RTENV_TRY(const AzureAccountName checked,
            AzureAccountName::parse(name, in_uri.empty() ? "AZURE_STORAGE_ACCOUNT" : uri.shown()));
  return account_from_variables(checked, environment);
}

}  // namespace

Result<AzureAccount> azure_account(const Uri& uri, const Environment& environment, Access access) {
  RTENV_TRY(AzureAccount account, account_with_credentials(uri, environment, access));
  if (const auto endpoint = environment.find_filled("AZURE_STORAGE_SERVICE_ENDPOINT"))
    account.endpoint = trim_end(*endpoint, "/");
  return account;
}

void sign_azure_request(HttpRequest& request, const AzureAccount& account, std::string_view now) {
  const auto url = Url::parse(request.url);
  if (!url) return;  // the request will fail
  request.headers.push_back(fmt::format("x-ms-date: {}", now));
  std::string text = request.method;
  for (const std::string_view name :
       {"content-encoding", "content-language", "content-length", "content-md5", "content-type",
        "date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"}) {
    text += '\n';
    if (name == "content-length")
      text += request.body.empty() ? "" : std::to_string(request.body.size());
    else
      text += header_value(request.headers, name);
  }
  text += fmt::format("\n{}{}", canonical_headers(request.headers),
                      canonical_resource(*url, account.name));
  request.headers.push_back(fmt::format("Authorization: SharedKey {}:{}", account.name,
                                        base64(hmac_sha256(account.key, text))));
}

}  // namespace rtenv::remote
