// The Python that environments are made for: found once, asked once, remembered by its file's
// identity.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::runtime_env {

struct Interpreter {
  Path executable;             // absolute; what the interpreter itself calls sys.executable
  Path base_executable;        // the same, but behind the virtualenv that it may belong to
  Path site_packages;          // its own packages
  std::string implementation;  // "cpython"
  std::string version;         // "3.11.7"
  std::string abi;             // SOABI: "cpython-311-x86_64-linux-gnu"
  std::string platform;        // "linux-x86_64"
  std::string libc;            // "glibc 2.36"

  /// The part of an environment's key: without the path.
  [[nodiscard]] nlohmann::json key_part() const;
};

/// Finds the interpreter. `wanted`: a path, a program's name, a version such as "3.12"
/// (python3.12), or nothing: RTENV_PYTHON, else python3 in PATH. A pyenv shim is followed to what
/// it would start, without starting it. `memory`: a folder of the cache where answers are kept; an
/// answer counts for as long as the file's device, inode, size, mtime and ctime are the same.
/// Fails: not_found (with what to install), invalid_argument (what was found isn't a Python that
/// works).
Result<Interpreter> find_interpreter(const std::optional<std::string>& wanted,
                                     const Environment& environment, const Path& memory);

}  // namespace rtenv::runtime_env
