#include "base/program.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace rtenv {
namespace {

constexpr std::string_view k_default_path = "/usr/local/bin:/usr/bin:/bin";

bool is_plain_file(const char* path) noexcept {
  struct stat status {};
  return ::stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

ProgramSearch::ProgramSearch(std::string_view program, const Environment& environment,
                             const Path& folder)
    : program_(program) {
  if (program.empty()) return;
  if (program.find('/') != std::string_view::npos) {
    candidates_.push_back((folder / program).native());
    return;
  }
  std::string_view rest = environment.find_filled("PATH").value_or(k_default_path);
  for (;;) {
    const auto colon = rest.find(':');
    const std::string_view entry = rest.substr(0, colon);
    candidates_.push_back((folder / (entry.empty() ? "." : entry) / program).native());
    if (colon == std::string_view::npos) return;
    rest.remove_prefix(colon + 1);
  }
}

ProgramSearch::Match ProgramSearch::find() const noexcept {
  Match first;
  for (const std::string& candidate : candidates_) {
    const char* const path = candidate.c_str();
    if (!is_plain_file(path)) continue;
    if (::access(path, X_OK) == 0) return {.path = path, .executable = true};
    if (first.path == nullptr) first.path = path;
  }
  return first;
}

Result<Path> ProgramSearch::check(const Match& match) const {
  if (match.executable) return Path(match.path);
  if (match.path != nullptr)
    return fail(Errc::permission_denied, "{} isn't executable", match.path);
  if (program_.find('/') != std::string::npos)
    return fail(Errc::not_found, "there is no program {}", program_);
  return fail(Errc::not_found, "program '{}' isn't in PATH", program_);
}

Result<Path> find_program(std::string_view program, const Environment& environment) {
  const ProgramSearch search(program, environment);
  return search.check(search.find());
}

}  // namespace rtenv
