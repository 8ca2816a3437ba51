#include "job/python_programs.hpp"

#include <fcntl.h>

#include "base/file.hpp"
#include "base/text.hpp"

namespace rtenv::job {
namespace {

// {0}: the scripts' folder, quoted; {1}: the command.
constexpr const char* k_program = R"sh(#!/bin/sh
own={0}
path=:$PATH:
case $path in *":$own:"*) path=${{path%%":$own:"*}}:${{path#*":$own:"}} ;; esac
path=${{path#:}}
PATH=${{path%:}}
exec {1} "$@"
)sh";

}  // namespace

Result<void> write_python_programs(const Path& folder, const std::string& command) {
  RTENV_TRY(make_directories(folder));
  for (const char* name : {"python", "python3"}) {
    const Path program = folder / name;
    RTENV_TRY(const Fd file, open_file(program, O_WRONLY | O_CREAT | O_EXCL, 0755));
    RTENV_TRY(write_full(
        file, fmt::format(fmt::runtime(k_program), shell_quote(folder.native()), command),
        program.native()));
  }
  return {};
}

}  // namespace rtenv::job
