#include "job/python_programs.hpp"

#include <fcntl.h>

#include "base/file.hpp"

namespace rtenv::job {
namespace {

std::string quoted_for_shell(std::string text) {
  for (std::size_t at = text.find('\''); at != std::string::npos; at = text.find('\'', at + 4))
    text.replace(at, 1, R"('\'')");
  return "'" + text + "'";
}

// {0}: the programs' own folder, {1}: the command.
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
        file, fmt::format(fmt::runtime(k_program), quoted_for_shell(folder.native()), command),
        program.native()));
  }
  return {};
}

}  // namespace rtenv::job
