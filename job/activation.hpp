// What a job's process sees: its environment variables and its folder, as Ray's jobs see them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/environment.hpp"

namespace rtenv::job {

struct ActivationInputs {
  Environment node;                             // this machine's variables
  std::map<std::string, std::string> env_vars;  // of the runtime_env, expanded
  std::optional<Path> working_dir;              // the job's own
  std::vector<Path> py_modules;                 // in the order of the runtime_env
  std::optional<Path> virtual_env;
  std::optional<Path> programs;  // found before all others; see job/python_programs.hpp
};

/// The node's variables; PYTHONUNBUFFERED=1; env_vars over them; the py_modules, then the
/// working_dir first in PYTHONPATH; the virtualenv's bin first in PATH, VIRTUAL_ENV set, PYTHONHOME
/// gone.
Environment activate(const ActivationInputs& inputs);

/// What of a server's own variables its jobs see: not its token, its settings, nor what systemd
/// told it.
Environment without_server_variables(Environment environment);

}  // namespace rtenv::job
