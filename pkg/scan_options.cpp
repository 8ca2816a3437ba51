#include "pkg/scan_options.hpp"

#include "base/text.hpp"

namespace rtenv::pkg {

std::vector<std::string> default_excludes(const Environment& environment, Scheme scheme) {
  std::string_view rest = environment.find("RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES")
                              .value_or(".git,.venv,venv,__pycache__");
  std::vector<std::string> patterns;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    if (const auto pattern = trim(rest.substr(0, comma)); !pattern.empty())
      patterns.emplace_back(pattern);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (scheme != Scheme::ray) patterns.emplace_back("/_ray_pkg_*.zip");
  return patterns;
}

std::string exclude_pattern(std::string_view path) {
  std::string pattern = "/";
  for (const char c : path) {
    if (std::string_view("\\*?[]! ").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

ScanOptions scan_options(const Environment& environment, Scheme scheme,
                         const std::vector<std::string>& excludes) {
  ScanOptions options{.default_excludes = default_excludes(environment, scheme),
                      .excludes = excludes,
                      .git_environment = environment};
  options.use_gitignore = environment.find("RAY_RUNTIME_ENV_IGNORE_GITIGNORE") != "1";
  return options;
}

}  // namespace rtenv::pkg
