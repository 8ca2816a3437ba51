// Whether a package list says exactly what is installed, or whether an index, a repository or a web
// server may give something else next time.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace rtenv::runtime_env {

/// The first item of the key's parts (see EnvKey::parts) that isn't pinned; nullopt if all are.
///
/// Pinned are: an exact version ("==1.2", "===1.2", also by a constraint), a hash, a commit of a
/// repository, a local file or folder and an object in a store, which count by content. Beside an
/// option that names an index, only a hash pins, because an index may replace what has a version.
/// What the named packages themselves depend on isn't looked at.
std::optional<std::string> first_unpinned(const nlohmann::json& parts);

/// Whether the specifier ("==0.13.8", ">=0.5") allows one version only.
bool is_exact_version(std::string_view specifier);

}  // namespace rtenv::runtime_env
