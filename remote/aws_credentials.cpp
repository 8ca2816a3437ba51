#include "remote/aws_credentials.hpp"

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/process.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "base/unique_name.hpp"
#include "remote/aws_metadata.hpp"
#include "remote/timestamp.hpp"
#include "remote/transfer_error.hpp"
#include "remote/url.hpp"
#include "remote/xml_document.hpp"

namespace rtenv::remote {
namespace {

using Found = std::optional<AwsCredentials>;

constexpr int k_max_role_chain = 5;
constexpr std::chrono::seconds k_process_limit{60};

Result<Found> with_keys(Result<std::optional<AwsKeys>> keys) {
  if (!keys) return Failure(std::move(keys).error());
  if (!*keys) return Found();
  AwsKeys& found = **keys;
  return Found(AwsCredentials{.access_key_id = std::move(found.access_key_id),
                              .secret_access_key = std::move(found.secret_access_key),
                              .session_token = std::move(found.session_token)});
}

// Its standard error goes to the user: it may explain that a login is needed.
Result<AwsCredentials> run_credential_process(const std::string& command, HttpClient& client) {
  CaptureLimits limits{.deadline = std::chrono::steady_clock::now() + k_process_limit,
                       .cancellation = client.cancellation()};
  RTENV_TRY(const Captured run, run_captured({.argv = {"/bin/sh", "-c", command},
                                              .environment = client.environment(),
                                              .working_dir = {},
                                              .inherit_stderr = true},
                                             limits));
  if (run.timed_out)
    return fail(Errc::unavailable, "the profile's credential_process didn't finish within {} s",
                k_process_limit.count());
  if (!run.state.succeeded())
    return fail(Errc::permission_denied, "the profile's credential_process failed: {}",
                run.state.describe());
  return parse_aws_credentials(run.output, "the profile's credential_process");
}

// The parameters of STS's AssumeRole and AssumeRoleWithWebIdentity.
struct RoleRequest {
  std::string role_arn;
  std::string session_name;
  std::string external_id;
  std::string web_identity_token;  // if the request isn't signed
};

Result<AwsCredentials> assume_role(const RoleRequest& role, const Found& signer,
                                   const AwsProfile& profile, HttpClient& client) {
  RTENV_TRY(const AwsRegion region, aws_region(profile, client.environment()));
  RTENV_TRY(const Url endpoint,
            Url::parse_endpoint(aws_endpoint("sts", profile, client.environment())
                                    .value_or(aws_service_url("sts", region))));
  std::string form = fmt::format("Action={}&RoleArn={}&RoleSessionName={}&Version=2011-06-15",
                                 signer ? "AssumeRole" : "AssumeRoleWithWebIdentity",
                                 percent_encode(role.role_arn), percent_encode(role.session_name));
  if (!role.external_id.empty()) form += "&ExternalId=" + percent_encode(role.external_id);
  if (!signer) form += "&WebIdentityToken=" + percent_encode(role.web_identity_token);
  pugi::xml_document document;
  const std::string shown = fmt::format("assuming the role {}", role.role_arn);
  const char* const root = signer ? "AssumeRoleResponse" : "AssumeRoleWithWebIdentityResponse";
  RTENV_TRY(const auto response, client.send([&]() -> Result<HttpRequest> {
    HttpRequest request{.method = "POST",
                        .url = endpoint.text() + "/",
                        .headers = {"Content-Type: application/x-www-form-urlencoded"},
                        .body = std::as_bytes(std::span(form)),
                        .take_document = take_xml(document, root, shown)};
    if (!signer) return request;
    request.aws =
        AwsSigning{region.text(), "sts", signer->access_key_id, signer->secret_access_key};
    request.headers.push_back("x-amz-content-sha256: " + sha256_hex(form));
    if (!signer->session_token.empty())
      request.headers.push_back("x-amz-security-token: " + signer->session_token);
    return request;
  }));
  const auto text = [&](const char* tag) {
    const pugi::xml_node node = document.find_node(
        [&](const pugi::xml_node& each) { return std::string_view(each.name()) == tag; });
    return text_of(node).value_or("");
  };
  if (!response.succeeded()) {
    document = parse_partial_xml(response.body);
    const std::string code = text("Code");
    return fail_status(response.status, shown,
                       code.empty() ? code : fmt::format("{}: {}", code, text("Message")));
  }
  AwsCredentials credentials{.access_key_id = text("AccessKeyId"),
                             .secret_access_key = text("SecretAccessKey"),
                             .session_token = text("SessionToken"),
                             .expires_at_s = parse_timestamp(text("Expiration"))};
  if (credentials.access_key_id.empty())
    return fail(Errc::unavailable, "{} returned no credentials for the role {}",
                redacted_url(endpoint.text()), role.role_arn);
  return credentials;
}

Result<AwsCredentials> assume_role_with_token_file(std::string role_arn, const Path& token_file,
                                                   std::string session_name,
                                                   const AwsProfile& profile, HttpClient& client) {
  RTENV_TRY(const std::string token, read_file(token_file));
  return assume_role({.role_arn = std::move(role_arn),
                      .session_name = std::move(session_name),
                      .web_identity_token = std::string(trim_end(token))},
                     std::nullopt, profile, client);
}

std::string default_session_name() { return "rtenv-" + unique_name(); }

Result<Found> find_in_profile(const AwsProfile& profile, HttpClient& client, int depth);

// The credentials that sign the request for a role.
Result<AwsCredentials> role_signer(const AwsProfile& profile, HttpClient& client, int depth) {
  Found found;
  std::string from;
  if (const auto source = find_setting(profile, "source_profile")) {
    from = fmt::format("the profile '{}'", *source);
    RTENV_TRY(const AwsProfile other, load_aws_profile(*source, client.environment()));
    // Its keys come first: a profile may name itself as its source.
    RTENV_TRY(found, with_keys(keys_of(other)));
    if (!found) {
      RTENV_TRY(found, find_in_profile(other, client, depth + 1));
    }
  } else {
    const std::string source_name = find_setting(profile, "credential_source").value_or("");
    from = fmt::format("credential_source = {}", source_name);
    if (source_name == "Environment") {
      RTENV_TRY(found, with_keys(keys_of(client.environment())));
    } else if (source_name == "EcsContainer") {
      RTENV_TRY(found, container_credentials(client));
    } else if (source_name == "Ec2InstanceMetadata") {
      RTENV_TRY(found, instance_credentials(client));
    } else {
      return fail(Errc::invalid_argument,
                  "{} has a role_arn, but neither source_profile nor a known credential_source",
                  profile.shown());
    }
  }
  if (!found)
    return fail(Errc::permission_denied, "{} has no credentials to assume the profile's role with",
                from);
  return std::move(*found);
}

Result<Found> find_in_profile(const AwsProfile& profile, HttpClient& client, int depth) {
  if (depth > k_max_role_chain)
    return fail(Errc::invalid_argument,
                "AWS profiles refer to each other by source_profile in a cycle");
  if (const auto role = find_setting(profile, "role_arn")) {
    const std::string session =
        find_setting(profile, "role_session_name").value_or(default_session_name());
    if (const auto file = find_setting(profile, "web_identity_token_file"))
      return assume_role_with_token_file(*role, *file, session, profile, client);
    RTENV_TRY(const AwsCredentials signer, role_signer(profile, client, depth));
    return assume_role({.role_arn = *role,
                        .session_name = session,
                        .external_id = find_setting(profile, "external_id").value_or(""),
                        .web_identity_token = {}},
                       signer, profile, client);
  }
  if (find_setting(profile, "web_identity_token_file"))
    return fail(Errc::invalid_argument, "{} has a web_identity_token_file, but no role_arn",
                profile.shown());
  RTENV_TRY(auto keys, with_keys(keys_of(profile)));
  if (keys) return keys;
  if (const auto command = find_setting(profile, "credential_process"))
    return run_credential_process(*command, client);
  for (const char* setting : {"sso_session", "sso_start_url", "login_session"})
    if (find_setting(profile, setting))
      return fail(Errc::invalid_argument, "{} has a {}, which rtenv doesn't support",
                  profile.shown(), setting)
          .hint(
              "add a profile with credential_process = aws configure export-credentials --profile "
              "{}",
              profile.name);
  return Found();
}

}  // namespace

Result<std::optional<AwsCredentials>> find_aws_credentials(const AwsProfile& profile,
                                                           HttpClient& client) {
  const Environment& environment = client.environment();
  RTENV_TRY(auto keys, with_keys(keys_of(environment)));
  if (keys) return keys;
  const auto token_file = environment.find_filled("AWS_WEB_IDENTITY_TOKEN_FILE");
  const auto role = environment.find_filled("AWS_ROLE_ARN");
  const bool is_profile_named = environment.find_filled("AWS_PROFILE").has_value();
  if (token_file && !role && !is_profile_named)
    return fail(Errc::invalid_argument,
                "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN isn't");
  if (token_file && role && !is_profile_named) {
    std::string session(environment.find_filled("AWS_ROLE_SESSION_NAME").value_or(""));
    if (session.empty()) session = default_session_name();
    return assume_role_with_token_file(std::string(*role), *token_file, std::move(session), profile,
                                       client);
  }
  RTENV_TRY(auto from_profile, find_in_profile(profile, client, 0));
  if (from_profile) return from_profile;
  RTENV_TRY(auto from_container, container_credentials(client));
  if (from_container) return from_container;
  RTENV_TRY(auto from_instance, instance_credentials(client));
  if (from_instance || !is_profile_named) return from_instance;
  return fail(Errc::invalid_argument,
              "{} has no credentials: none of aws_access_key_id, role_arn and credential_process",
              profile.shown())
      .hint("aws configure --profile {}; unsigned requests need none", profile.name);
}

}  // namespace rtenv::remote
