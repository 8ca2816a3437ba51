#include "runtime_env/env_key.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "runtime_env/interpreter.hpp"
#include "runtime_env/redact.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

// Incremented when a change of rtenv changes the content of the environments that it builds.
constexpr int k_key_version = 2;
constexpr std::size_t k_digits = 32;

// Settings that determine which packages are installed, and from where.
constexpr std::array<std::string_view, 19> k_uv_settings{"UV_BUILD_CONSTRAINT",
                                                         "UV_CONSTRAINT",
                                                         "UV_DEFAULT_INDEX",
                                                         "UV_EXCLUDE_NEWER",
                                                         "UV_EXTRA_INDEX_URL",
                                                         "UV_FIND_LINKS",
                                                         "UV_INDEX",
                                                         "UV_INDEX_STRATEGY",
                                                         "UV_INDEX_URL",
                                                         "UV_NO_BINARY",
                                                         "UV_NO_BINARY_PACKAGE",
                                                         "UV_NO_BUILD",
                                                         "UV_NO_BUILD_PACKAGE",
                                                         "UV_NO_INDEX",
                                                         "UV_NO_SOURCES",
                                                         "UV_OVERRIDE",
                                                         "UV_PRERELEASE",
                                                         "UV_RESOLUTION",
                                                         "UV_TORCH_BACKEND"};
constexpr std::array<std::string_view, 9> k_pip_settings{
    "PIP_CONSTRAINT", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS",  "PIP_INDEX_URL", "PIP_NO_BINARY",
    "PIP_NO_DEPS",    "PIP_NO_INDEX",        "PIP_ONLY_BINARY", "PIP_PRE"};

json settings(std::span<const std::string_view> names, const Environment& environment) {
  json result = json::object();
  for (const std::string_view name : names)
    if (const auto value = environment.find_filled(name))
      result[std::string(name)] = without_credentials(*value);
  return result;
}

}  // namespace

std::string env_key_digits(std::string_view parts) { return sha256_hex(parts).substr(0, k_digits); }

EnvKey make_env_key(const PackageList& packages, const ResolvedPhases& phases,
                    const Interpreter& interpreter, const Environment& installer_environment,
                    bool inherit_site_packages) {
  const bool uv = packages.installer == InstallerKind::uv;
  json parts = json_from_text(phases.front().key_parts);
  for (const ResolvedRequirements& later : std::span(phases).subspan(1))
    parts["later_phases"].push_back(json_from_text(later.key_parts));
  if (inherit_site_packages) parts["inherits"] = interpreter.site_packages.native();
  parts["key_version"] = k_key_version;
  parts["installer"] = name(packages.installer);
  if (packages.version) parts["installer_version"] = *packages.version;
  parts["check"] = packages.check;
  parts["interpreter"] = interpreter.key_part();
  parts["settings"] = uv ? settings(k_uv_settings, installer_environment)
                         : settings(k_pip_settings, installer_environment);
  // Canonical, because nlohmann::json sorts its keys.
  std::string text = json_text(parts);
  std::string digits = env_key_digits(text);
  return {.digits = std::move(digits), .parts = std::move(text)};
}

}  // namespace rtenv::runtime_env
