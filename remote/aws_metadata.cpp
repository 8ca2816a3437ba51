#include "remote/aws_metadata.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "remote/json_field.hpp"
#include "remote/timestamp.hpp"

namespace rtenv::remote {
namespace {

using nlohmann::json;

constexpr std::string_view k_container_host = "http://169.254.170.2";
constexpr std::string_view k_instance_host = "http://169.254.169.254";

// The token may be sent only over TLS or to the machine's own addresses.
Result<void> check_container_url(const std::string& url) {
  if (url.starts_with("https://")) return {};
  for (const std::string_view host :
       {"http://169.254.170.2", "http://169.254.170.23", "http://[fd00:ec2::23]",
        "http://localhost", "http://127.0.0.1", "http://[::1]"})
    if (url.starts_with(host) && url.find_first_of("/:", host.size()) == host.size()) return {};
  return fail(Errc::invalid_argument,
              "AWS_CONTAINER_CREDENTIALS_FULL_URI must use https or an address of this machine: {}",
              redacted_url(url));
}

Result<std::string> get_text(HttpClient& client, const std::string& url,
                             const std::vector<std::string>& headers) {
  RTENV_TRY(auto response, client.send([&]() -> Result<HttpRequest> {
    return HttpRequest{.url = url, .headers = headers};
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
  std::string url;
  if (const auto path = environment.find_filled("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    url = std::string(k_container_host) + std::string(*path);
  } else if (const auto full = environment.find_filled("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    url = *full;
    RTENV_TRY(check_container_url(url));
  } else {
    return std::optional<AwsCredentials>();
  }
  std::string token(environment.find("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or(""));
  if (const auto file = environment.find_filled("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    RTENV_TRY(token, read_file(*file));
    token = trim_end(token);
  }
  std::vector<std::string> headers;
  if (!token.empty()) headers.push_back("Authorization: " + token);
  RTENV_TRY(const std::string body, get_text(client, url, headers));
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
  const std::string host(trim_end(endpoint.value_or(k_instance_host), "/"));
  std::vector<std::string> headers;
  RTENV_TRY(const auto token, client.send([&]() -> Result<HttpRequest> {
    return HttpRequest{.method = "PUT",
                       .url = host + "/latest/api/token",
                       .headers = {"X-aws-ec2-metadata-token-ttl-seconds: 21600"}};
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
