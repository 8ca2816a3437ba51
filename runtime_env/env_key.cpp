#include "runtime_env/env_key.hpp"

#include <nlohmann/json.hpp>
#include <span>

#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

// Incremented when a change of rtenv changes the content of the environments that it builds.
constexpr int k_key_version = 4;
constexpr std::size_t k_digits = 32;

}  // namespace

std::string env_key_digits(std::string_view parts) { return sha256_hex(parts).substr(0, k_digits); }

EnvKey make_env_key(const PackageList& packages, const ResolvedPhases& phases,
                    const Interpreter& interpreter, const InstallerSettings& settings,
                    bool inherit_site_packages) {
  json parts = json_from_text(phases.front().key_parts);
  for (const ResolvedRequirements& later : std::span(phases).subspan(1))
    parts["later_phases"].push_back(json_from_text(later.key_parts));
  if (inherit_site_packages) parts["inherits"] = interpreter.site_packages.native();
  parts["key_version"] = k_key_version;
  parts["installer"] = name(packages.installer);
  if (packages.version) parts["installer_version"] = *packages.version;
  parts["check"] = packages.check;
  parts["interpreter"] = interpreter.key_part();
  parts["settings"] = json_from_text(settings.key_part);
  // Canonical, because nlohmann::json sorts its keys.
  std::string text = json_text(parts);
  std::string digits = env_key_digits(text);
  return {.digits = std::move(digits), .parts = std::move(text)};
}

}  // namespace rtenv::runtime_env
