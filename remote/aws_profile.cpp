#include "remote/aws_profile.hpp"

#include <mutex>
#include <set>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace rtenv::remote {
namespace {

using Settings = std::map<std::string, std::string, std::less<>>;
using Sections = std::map<std::string, Settings, std::less<>>;

struct SettingsFile {
  Path path;  // empty: HOME isn't set
  Sections sections;

  [[nodiscard]] const Settings* find(std::string_view section) const {
    const auto found = sections.find(section);
    return found == sections.end() ? nullptr : &found->second;
  }
};

constexpr const char* k_id = "aws_access_key_id";
constexpr const char* k_secret = "aws_secret_access_key";
constexpr const char* k_token = "aws_session_token";

// A comment at the end of a line begins after a blank.
std::string_view without_comment(std::string_view line) {
  for (const std::string_view mark : {" #", " ;", "\t#", "\t;"})
    line = line.substr(0, line.find(mark));
  return line;
}

std::optional<std::pair<std::string, std::string>> parse_assignment(std::string_view line,
                                                                    std::string_view delimiters) {
  const auto end = line.find_first_of(delimiters);
  if (end == std::string_view::npos) return std::nullopt;
  return std::pair(std::string(trim(line.substr(0, end))), std::string(trim(line.substr(end + 1))));
}

// The config file's name of a section, `profile "a b"`, without the quotes and with one blank.
std::string section_name(std::string_view text) {
  text = trim(text);
  const auto blank = text.find_first_of(" \t");
  if (blank == std::string_view::npos) return std::string(text);
  std::string_view name = trim(text.substr(blank));
  if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'') &&
      name.back() == name.front())
    name = name.substr(1, name.size() - 2);
  return fmt::format("{} {}", text.substr(0, blank), name);
}

// As Python's RawConfigParser, with which the aws tool reads them.
Result<Sections> parse_sections(std::string_view text, const Path& file) {
  Sections sections;
  Settings* section = nullptr;
  std::string outer;  // of nested settings, which are indented
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view raw = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::string_view line = trim(without_comment(raw));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[' && line.back() == ']') {
      section = &sections[section_name(line.substr(1, line.size() - 2))];
      outer.clear();
      continue;
    }
    const bool nested = (raw.front() == ' ' || raw.front() == '\t') && !outer.empty();
    const auto assignment = parse_assignment(line, nested ? "=" : "=:");
    if (section == nullptr || !assignment)
      return fail(Errc::invalid_argument, "{}, line {}: expected [section] or name = value",
                  file.native(), number);
    const std::string name = nested ? assignment->first : lower_ascii(assignment->first);
    const std::string& value = assignment->second;
    if (!nested) outer = value.empty() ? name : std::string();
    section->insert_or_assign(nested ? fmt::format("{}.{}", outer, name) : name, value);
  }
  return sections;
}

// The aws tool ignores such a variable. Once: each store reads the files.
void warn_of_missing(std::string_view variable, const Path& path) {
  static std::mutex mutex;
  static std::set<Path> warned;
  const std::lock_guard lock(mutex);
  if (warned.insert(path).second)
    log::warn("{} is ignored: there is no file {}", variable, path.native());
}

Result<SettingsFile> load_file(std::string_view variable, std::string_view default_name,
                               const Environment& environment) {
  SettingsFile file;
  if (const auto named = environment.find_filled(variable)) {
    file.path = *named;
  } else if (const auto home = environment.find_filled("HOME")) {
    file.path = Path(*home) / ".aws" / default_name;
  } else {
    return file;
  }
  auto text = read_file(file.path);
  if (!text && text.error().code() == Errc::not_found) {
    if (environment.find_filled(variable)) warn_of_missing(variable, file.path);
    return file;
  }
  if (!text) return Failure(std::move(text).error());
  RTENV_TRY(file.sections, parse_sections(*text, file.path));
  return file;
}

struct ProfileFiles {
  SettingsFile config;
  SettingsFile credentials;
};

Result<ProfileFiles> load_files(const Environment& environment) {
  ProfileFiles files;
  RTENV_TRY(files.config, load_file("AWS_CONFIG_FILE", "config", environment));
  RTENV_TRY(files.credentials,
            load_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", environment));
  return files;
}

// nullopt: neither file has it.
std::optional<AwsProfile> find_profile(std::string_view name, const ProfileFiles& files) {
  const Settings* in_config = files.config.find(fmt::format("profile {}", name));
  if (in_config == nullptr && name == "default") in_config = files.config.find(name);
  const Settings* const in_credentials = files.credentials.find(name);
  if (in_config == nullptr && in_credentials == nullptr) return std::nullopt;
  AwsProfile profile{.name = std::string(name), .files = {}, .settings = {}};
  bool has_keys = false;
  if (in_credentials != nullptr) {
    profile.files = files.credentials.path.native();
    profile.settings = *in_credentials;
    has_keys = profile.settings.contains(k_id) || profile.settings.contains(k_secret);
  }
  if (in_config != nullptr) {
    profile.files += (profile.files.empty() ? "" : " and ") + files.config.path.native();
    for (const auto& [setting, value] : *in_config)
      if (!has_keys || (setting != k_id && setting != k_secret && setting != k_token))
        profile.settings.emplace(setting, value);
  }
  if (const auto services = find_setting(profile, "services"))
    if (const Settings* const section = files.config.find("services " + *services))
      profile.settings.insert(section->begin(), section->end());
  return profile;
}

// Both keys, or neither.
Result<std::optional<AwsKeys>> complete(std::optional<std::string> id,
                                        std::optional<std::string> secret, std::string token,
                                        std::string_view where, const char* id_name,
                                        const char* secret_name) {
  if (!id && !secret) return std::optional<AwsKeys>();
  if (!id || !secret)
    return fail(Errc::invalid_argument, "{} set {}, but not {}", where, id ? id_name : secret_name,
                id ? secret_name : id_name)
        .hint("set both, or neither; unsigned requests need none");
  return std::optional(AwsKeys{std::move(*id), std::move(*secret), std::move(token)});
}

}  // namespace

std::string AwsProfile::shown() const {
  return fmt::format("the AWS profile '{}'{}{}", name, files.empty() ? "" : " in ", files);
}

Result<AwsProfile> load_aws_profile(std::string_view profile, const Environment& environment) {
  RTENV_TRY(const ProfileFiles files, load_files(environment));
  if (auto found = find_profile(profile, files)) return std::move(*found);
  return fail(Errc::not_found, "the AWS profile '{}' is neither in {} nor in {}", profile,
              files.config.path.native(), files.credentials.path.native())
      .hint("aws configure --profile {}", shell_quote(profile));
}

Result<AwsProfile> current_aws_profile(const Environment& environment) {
  if (const auto named = environment.find_filled("AWS_PROFILE"))
    return load_aws_profile(*named, environment);
  RTENV_TRY(const ProfileFiles files, load_files(environment));
  return find_profile("default", files).value_or(AwsProfile{.name = "default"});
}

Result<std::optional<AwsKeys>> keys_of(const Environment& environment) {
  const auto value = [&](const char* variable) -> std::optional<std::string> {
    const auto found = environment.find_filled(variable);
    return found ? std::optional(std::string(*found)) : std::nullopt;
  };
  return complete(value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"),
                  value("AWS_SESSION_TOKEN").value_or(""), "the environment variables",
                  "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
}

Result<std::optional<AwsKeys>> keys_of(const AwsProfile& profile) {
  return complete(find_setting(profile, k_id), find_setting(profile, k_secret),
                  find_setting(profile, k_token).value_or(""),
                  fmt::format("the settings of {}", profile.shown()), k_id, k_secret);
}

std::optional<std::string> find_setting(const AwsProfile& profile, std::string_view name) {
  const auto found = profile.settings.find(name);
  if (found == profile.settings.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::optional<std::string> aws_endpoint(std::string_view service, const AwsProfile& profile,
                                        const Environment& environment) {
  for (const std::string& variable :
       {"AWS_ENDPOINT_URL_" + upper_ascii(service), std::string("AWS_ENDPOINT_URL")})
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
