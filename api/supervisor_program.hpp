// The program that supervises the jobs of servers in other programs. Internal to this folder.
#pragma once

#include "base/environment.hpp"

namespace rtenv::api {

/// `given`, else RTENV_SUPERVISOR, else what is installed with the library, else rtenv-supervisor
/// in PATH. Absolute. Fails: not_found.
Result<Path> find_supervisor_program(const Path& given, const Environment& environment);

}  // namespace rtenv::api
