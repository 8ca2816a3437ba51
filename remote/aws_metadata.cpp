#include "remote/aws_metadata.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "remote/json_field.hpp"
#include "remote/timestamp.hpp"
#include "remote/transfer_error.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

using nlohmann::json;

constexpr std::string_view k_container_host = "169.254.170.2";
constexpr std::string_view k_instance_host = "http://169.254.169.254";

// The token may be sent only over TLS or to the machine's own addresses: the list of Amazon's SDKs.
Result<Url> container_url(const std::string& text) {
  constexpr std::array<std::string_view, 6> k_hosts{
      k_container_host, "169.254.170.23", "[fd00:ec2::23]", "localhost", "127.0.0.1", "[::1]"};
  RTENV_TRY(Url url, Url::parse(text));
  const bool is_trusted =
      url.origin.scheme == "https" || std::ranges::find(k_hosts, url.origin.host) != k_hosts.end();
  if (!is_trusted || !url.user_info.empty())
    return fail(
        Errc::invalid_argument,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI must use https or an address of this machine: {}",
        redacted_url(text));
  return url;
}

// The path is another's text: it mustn't change the host.
Result<Url> relative_container_url(std::string_view path) {
  RTENV_TRY(Url url, Url::parse(fmt::format("http://{}/", k_container_host)));
  if (!path.starts_with('/'))
    return fail(Errc::invalid_argument, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI isn't a path: {}",
                redacted_url(path));
  url.path = path;
  return url;
}

Result<std::string> get_text(HttpClient& client, const std::string& url,
                             const std::vector<std::string>& headers) {
  RTENV_TRY(auto response, client.send([&]() -> Result<HttpRequest> {
    return HttpRequest{.url = url, .headers = headers, .destination = Destination::metadata};
  }));
  if (!response.succeeded()) return fail_status(response.status, redacted_url(url));
  return std::move(response.body);
}

// EC2 instances can be told by their firmware. Elsewhere the request would only time out.
bool is_ec2() {
  const auto vendor = read_file("/sys/class/dmi/id/sys_vendor");
  if (vendor && vendor->starts_with("Amazon EC2")) return true;
  const auto hypervisor = read_file("/sys/hypervisor/uuid");
  return hypervisor && hypervisor->starts_with("ec2");
}

}  // namespace

Result<AwsCredentials> parse_aws_credentials(std::string_view text, std::string_view source) {
  const json body = json_from_text(text);
  const auto field = [&](const char* name) { return text_field(body, name); };
  AwsCredentials credentials{.access_key_id = field("AccessKeyId"),
                             .secret_access_key = field("SecretAccessKey")};
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
    return fail(Errc::permission_denied, "{} returned no AccessKeyId and SecretAccessKey", source);
  credentials.session_token = field("SessionToken");
  if (credentials.session_token.empty()) credentials.session_token = field("Token");
  credentials.expires_at_s = parse_timestamp(field("Expiration"));
  return credentials;
}

Result<std::optional<AwsCredentials>> container_credentials(HttpClient& client) {
  const Environment& environment = client.environment();
  const auto path = environment.find_filled("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const auto full = environment.find_filled("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!path && !full) return std::optional<AwsCredentials>();
  RTENV_TRY(const Url url,
            path ? relative_container_url(*path) : container_url(std::string(*full)));
  std::string token(environment.find("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or(""));
  if (const auto file = environment.find_filled("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    RTENV_TRY(token, read_file(*file));
    token = trim_end(token);
  }
  std::vector<std::string> headers;
  if (!token.empty()) headers.push_back("Authorization: " + token);
  RTENV_TRY(const std::string body, get_text(client, url.text(), headers));
  RTENV_TRY(auto credentials, parse_aws_credentials(body, "the container's credential endpoint"));
  return std::optional(std::move(credentials));
}

Result<std::optional<AwsCredentials>> instance_credentials(HttpClient& client) {
  const Environment& environment = client.environment();
  const auto disabled = environment.find_filled("AWS_EC2_METADATA_DISABLED");
  const auto endpoint = environment.find_filled("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if ((disabled && (*disabled == "true" || *disabled == "True" || *disabled == "1")) ||
      (!endpoint && !is_ec2()))
    return std::optional<AwsCredentials>();
  RTENV_TRY(const Url service,
            Url::parse_endpoint(std::string(endpoint.value_or(k_instance_host))));
  const std::string host = service.text();
  std::vector<std::string> headers;
  RTENV_TRY(const auto token, client.send([&]() -> Result<HttpRequest> {
    return HttpRequest{.method = "PUT",
                       .url = host + "/latest/api/token",
                       .headers = {"X-aws-ec2-metadata-token-ttl-seconds: 21600"},
                       .destination = Destination::metadata};
  }));
  if (token.succeeded()) headers.push_back("X-aws-ec2-metadata-token: " + token.body);
  const std::string base = host + "/latest/meta-data/iam/security-credentials/";
  auto role = get_text(client, base, headers);
  if (!role && role.error().code() == Errc::not_found)
    return std::optional<AwsCredentials>();  // an instance without a role
  if (!role) return Failure(std::move(role).error());
  RTENV_TRY(const std::string body,
            get_text(client, base + role->substr(0, role->find('\n')), headers));
  RTENV_TRY(auto credentials, parse_aws_credentials(body, "the instance's metadata service"));
  return std::optional(std::move(credentials));
}

}  // namespace rtenv::remote
