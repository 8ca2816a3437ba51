#include "api/supervisor_program.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include "base/absolute_path.hpp"
#include "base/program.hpp"

namespace rtenv::api {
namespace {

constexpr std::string_view k_name = "rtenv-supervisor";

bool is_executable(const Path& path) { return ::access(path.c_str(), X_OK) == 0; }

// Beside the shared library, wherever that was installed to. Of a program with the archive in it,
// the program's folder takes its place.
Path beside_library() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&find_supervisor_program), &info) == 0) return {};
  return absolute_path(info.dli_fname).parent_path() / RTENV_LIBEXEC_FROM_LIB / k_name;
}

}  // namespace

Result<Path> find_supervisor_program(const Path& given, const Environment& environment) {
  const auto variable = environment.find_filled("RTENV_SUPERVISOR");
  if (!given.empty() || variable) {
    const Path chosen = absolute_path(given.empty() ? Path(*variable) : given);
    if (is_executable(chosen)) return chosen;
    return fail(Errc::not_found, "{}: there is no such program", chosen.native())
        .hint("give the path of {} or of rtenv", k_name);
  }
  for (const Path& path : {beside_library(), Path(RTENV_LIBEXEC_FOLDER) / k_name})
    if (!path.empty() && is_executable(path)) return path;
  if (const auto found = find_program(k_name, environment)) return absolute_path(*found);
  return fail(Errc::not_found, "{} isn't installed: it supervises the server's jobs", k_name)
      .hint("set supervisor_program or RTENV_SUPERVISOR to its path, or to that of rtenv");
}

}  // namespace rtenv::api
