#include "remote/aws_profile.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"

namespace rtenv::remote {
namespace {

using Sections = std::map<std::string, AwsProfile, std::less<>>;

// A comment at the end of a line begins after a blank.
std::string_view without_comment(std::string_view line) {
  for (const std::string_view mark : {" #", " ;", "\t#", "\t;"})
    line = line.substr(0, line.find(mark));
  return line;
}

std::optional<std::pair<std::string, std::string>> parse_assignment(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return std::pair(std::string(trim(line.substr(0, equals))),
                   std::string(trim(line.substr(equals + 1))));
}

Result<Sections> parse_sections(std::string_view text, const Path& file) {
  Sections sections;
  AwsProfile* section = nullptr;
  std::string outer;  // of nested settings, which are indented
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view raw = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::string_view line = trim(without_comment(raw));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[' && line.back() == ']') {
      section = &sections[std::string(trim(line.substr(1, line.size() - 2)))];
      outer.clear();
      continue;
    }
    const auto assignment = parse_assignment(line);
    if (section == nullptr || !assignment)
      return fail(Errc::invalid_argument, "{}, line {}: expected [section] or name = value",
                  file.native(), number);
    const auto& [name, value] = *assignment;
    const bool nested = (raw.front() == ' ' || raw.front() == '\t') && !outer.empty();
    if (!nested) outer = value.empty() ? name : std::string();
    section->insert_or_assign(nested ? fmt::format("{}.{}", outer, name) : name, value);
  }
  return sections;
}

Result<Sections> load_sections(std::string_view variable, std::string_view default_name,
                               const Environment& environment) {
  Path file;
  if (const auto named = environment.find_filled(variable)) {
    file = *named;
  } else if (const auto home = environment.find_filled("HOME")) {
    file = Path(*home) / ".aws" / default_name;
  } else {
    return Sections();
  }
  auto text = read_file(file);
  if (!text && text.error().code() == Errc::not_found) return Sections();
  if (!text) return Failure(std::move(text).error());
  return parse_sections(*text, file);
}

}  // namespace

std::string aws_profile_name(const Environment& environment) {
  return std::string(environment.find_filled("AWS_PROFILE").value_or("default"));
}

Result<AwsProfile> load_aws_profile(std::string_view profile, const Environment& environment) {
  RTENV_TRY(const Sections config, load_sections("AWS_CONFIG_FILE", "config", environment));
  RTENV_TRY(const Sections credentials,
            load_sections("AWS_SHARED_CREDENTIALS_FILE", "credentials", environment));
  auto in_config = config.find(fmt::format("profile {}", profile));
  if (in_config == config.end() && profile == "default") in_config = config.find(profile);
  const auto in_credentials = credentials.find(profile);
  if (in_config == config.end() && in_credentials == credentials.end() && profile != "default")
    return fail(Errc::not_found,
                "the AWS profile '{}' is neither in the config nor in the credentials file",
                profile)
        .hint("aws configure --profile {}", profile);
  AwsProfile result;
  if (in_credentials != credentials.end()) result = in_credentials->second;
  if (in_config != config.end()) result.insert(in_config->second.begin(), in_config->second.end());
  if (const auto services = find_setting(result, "services")) {
    const auto section = config.find("services " + *services);
    if (section != config.end()) result.insert(section->second.begin(), section->second.end());
  }
  return result;
}

std::optional<std::string> find_setting(const AwsProfile& profile, std::string_view name) {
  const auto found = profile.find(name);
  if (found == profile.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::optional<std::string> aws_endpoint(std::string_view service, const AwsProfile& profile,
                                        const Environment& environment) {
  std::string upper(service);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  for (const std::string& variable : {"AWS_ENDPOINT_URL_" + upper, std::string("AWS_ENDPOINT_URL")})
    if (const auto url = environment.find_filled(variable)) return std::string(*url);
  if (auto url = find_setting(profile, fmt::format("{}.endpoint_url", service))) return url;
  return find_setting(profile, "endpoint_url");
}

std::string aws_service_url(std::string_view service, const AwsRegion& region) {
  return fmt::format("https://{}.{}.amazonaws.com{}", service, region.text(),
                     region.text().starts_with("cn-") ? ".cn" : "");
}

Result<AwsRegion> aws_region(const AwsProfile& profile, const Environment& environment) {
  for (const char* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (const auto region = environment.find_filled(variable))
      return AwsRegion::parse(*region, variable);
  return AwsRegion::parse(find_setting(profile, "region").value_or("us-east-1"),
                          "the AWS profile's region");
}

}  // namespace rtenv::remote
