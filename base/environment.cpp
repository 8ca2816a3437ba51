#include "base/environment.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rtenv {
namespace {

bool is_plain_file(const Path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

Environment Environment::of_process() {
  Environment result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (const auto equals = text.find('='); equals != std::string_view::npos && equals > 0)
      result.values_.try_emplace(std::string(text.substr(0, equals)), text.substr(equals + 1));
  }
  return result;
}

std::optional<std::string_view> Environment::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string_view> Environment::find_filled(std::string_view name) const {
  const auto value = find(name);
  return value && !value->empty() ? value : std::nullopt;
}

void Environment::unset(std::string_view name) {
  if (const auto found = values_.find(name); found != values_.end()) values_.erase(found);
}

void Environment::prepend(std::string_view name, std::string_view entry) {
  const auto old = find_filled(name);
  set(std::string(name), old ? fmt::format("{}:{}", entry, *old) : std::string(entry));
}

std::vector<std::string> Environment::strings() const {
  std::vector<std::string> result;
  result.reserve(values_.size());
  for (const auto& [name, value] : values_) result.push_back(fmt::format("{}={}", name, value));
  return result;
}

Result<Path> find_program(std::string_view program, const Environment& environment) {
  const auto fail_not_executable = [&](const Path& path) {
    return fail(Errc::permission_denied, "{} isn't executable", path.native());
  };
  if (program.find('/') != std::string_view::npos) {
    const Path path(program);
    if (!is_plain_file(path)) return fail(Errc::not_found, "program {} doesn't exist", program);
    if (::access(path.c_str(), X_OK) != 0) return fail_not_executable(path);
    return path;
  }
  std::optional<Path> not_executable;
  std::string_view rest = environment.find_filled("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  while (!program.empty()) {
    const auto colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    const Path candidate = Path(folder.empty() ? "." : folder) / program;
    if (is_plain_file(candidate)) {
      if (::access(candidate.c_str(), X_OK) == 0) return candidate;
      if (!not_executable) not_executable = candidate;
    }
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (not_executable) return fail_not_executable(*not_executable);
  return fail(Errc::not_found, "program '{}' isn't in PATH", program);
}

}  // namespace rtenv
