// The Python interpreter that environments are built for. Running one to query it takes tens of
// milliseconds: the answer is cached and valid until the interpreter's file changes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::runtime_env {

struct Interpreter {
  Path executable;             // sys.executable, absolute
  Path base_executable;        // outside the virtualenv that `executable` may belong to
  Path site_packages;          // where its own packages are
  std::string implementation;  // "cpython"
  std::string version;         // "3.11.7"
  std::string abi;             // SOABI: "cpython-311-x86_64-linux-gnu"
  std::string platform;        // "linux-x86_64"
  std::string libc;            // "glibc 2.36"

  /// The files and folders that a process which sees nothing else needs to run it.
  [[nodiscard]] std::vector<Path> needed_paths() const;
  /// Its part of an environment's key: everything but the paths.
  [[nodiscard]] nlohmann::json key_part() const;
};

/// A path of an interpreter, if that is relative, as one below `base`; a name or a version stays.
std::optional<std::string> located_python(std::optional<std::string> requested, const Path& base);
/// The same of RTENV_PYTHON.
void locate_python(Environment& environment, const Path& base);

/// `requested`: a path, a program's name or a version such as "3.12" (python3.12); nullopt:
/// RTENV_PYTHON, else python3 in PATH. A pyenv shim is resolved without being run. `query_cache`:
/// the folder for cached answers; created if needed. An answer is valid while the interpreter's
/// device, inode, size, mtime and ctime are the same.
/// Fails: not_found, permission_denied, invalid_argument (the program isn't a working Python).
Result<Interpreter> find_interpreter(const std::optional<std::string>& requested,
                                     const Environment& environment, const Path& query_cache,
                                     const Cancellation* cancellation = nullptr);

}  // namespace rtenv::runtime_env
