// How the keys of two environments differ: the answer to "why is this environment built again?".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace rtenv::runtime_env {

/// One value that differs. At least one of the two is set.
struct KeyDifference {
  std::string part;                   // "requirement", "interpreter version", "setting CFLAGS"
  std::optional<std::string> before;  // nullopt: only in the second key
  std::optional<std::string> after;   // nullopt: only in the first key
};

/// The differences between the parts of two keys (see EnvKey::parts), in any format that rtenv
/// ever wrote. Versions of one project are one difference. Empty only if the parts are equal.
std::vector<KeyDifference> key_differences(const nlohmann::json& before,
                                           const nlohmann::json& after);

/// In words, with shortened digests: "requirement pandas==2.2.1 (was pandas==2.2.0)",
/// "option --pre (added)".
std::string to_text(const KeyDifference& difference);

/// Whether both keys name a project in common, in any version.
bool have_common_requirement(const nlohmann::json& a, const nlohmann::json& b);

}  // namespace rtenv::runtime_env
