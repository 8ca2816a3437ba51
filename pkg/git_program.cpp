#include "pkg/git_program.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "base/process.hpp"
#include "base/program.hpp"
#include "base/shown_name.hpp"
#include "base/text.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_max_shown_bytes = 1000;

std::string one_line(std::string text) {
  text = trim(text);
  std::ranges::replace(text, '\n', ' ');
  return shown_name(text);
}

}  // namespace

GitProgram::GitProgram(Environment environment, const Cancellation* cancellation)
    : environment_(std::move(environment)), cancellation_(cancellation) {
  for (const char* name :
       {"GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG"})
    environment_.unset(name);
  if (auto found = find_program("git", environment_)) path_ = found->native();
}

Result<GitProgram::Answer> GitProgram::ask(const Path& folder,
                                           std::vector<std::string> arguments) const {
  const Fd errors(::memfd_create("rtenv-git", MFD_CLOEXEC));
  if (!errors) return fail_errno("create", "a file in memory");
  SpawnOptions options{.argv = {*path_, "-C", folder.native()},
                       .environment = environment_,
                       .working_dir = {},
                       .die_with_parent = true,
                       .prepare_child = [fd = errors.get()]() -> const char* {
                         return ::dup2(fd, STDERR_FILENO) < 0 ? "redirect the errors in" : nullptr;
                       },
                       .keep_fds = {errors.get()},
                       .limits = {}};
  std::ranges::move(arguments, std::back_inserter(options.argv));
  CaptureLimits limits;
  limits.cancellation = cancellation_;
  RTENV_TRY(Captured captured, run_captured(std::move(options), limits));
  Answer answer{.exit_code = captured.state.shell_status(),
                .output = std::move(captured.output),
                .errors = std::string(k_max_shown_bytes, '\0')};
  RTENV_TRY(const std::size_t size,
            read_full_at(errors, std::as_writable_bytes(std::span(answer.errors)), 0, "a file"));
  answer.errors.resize(size);
  answer.errors = one_line(std::move(answer.errors));
  return answer;
}

Failure needs_git_program(std::string_view what) {
  return fail(Errc::not_found, "{} can be read only with the program 'git', which isn't in PATH",
              what)
      .hint("install git");
}

}  // namespace rtenv::pkg
