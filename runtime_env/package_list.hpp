// The field `uv` or `pip` of a runtime_env: the packages to install, and how.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::runtime_env {

enum class InstallerKind : std::uint8_t { uv, pip };

/// "uv" or "pip": the name of the field and of the program.
std::string_view name(InstallerKind kind) noexcept;

struct PackageList {
  InstallerKind installer = InstallerKind::uv;
  std::vector<std::string> requirements;  // as written, without duplicates, never empty
  /// Lists that are installed one after the other once `requirements` are: for packages whose
  /// build imports others (`phases`, an extension to Ray).
  std::vector<std::vector<std::string>> later_phases;
  std::vector<std::string> install_options;  // as written, or the installer's defaults
  bool check = false;                        // uv_check, pip_check
  std::optional<std::string> version;  // uv_version, pip_version: a specifier such as "==0.13.8"
};

/// Parses the field's value: a list, the path of a requirements file, or a dict. Reads the
/// requirements file, relative to `base` (empty: the current folder). Returns nullopt for an empty
/// list. Fails: invalid_argument; as read_file for the requirements file.
Result<std::optional<PackageList>> parse_package_list(InstallerKind kind,
                                                      const nlohmann::json& value,
                                                      const Path& base = {});

}  // namespace rtenv::runtime_env
