// The environment variables of a job's processes, as Ray sets them for its jobs.
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
  std::optional<Path> working_dir;              // the job's own copy
  std::vector<Path> py_modules;                 // in the order of the runtime_env
  std::optional<Path> virtual_env;
  std::optional<Path> programs;  // comes first in PATH; see job/python_programs.hpp
};

/// Starts with the node's variables, then sets PYTHONUNBUFFERED=1 and env_vars, prepends the
/// py_modules and the working_dir to PYTHONPATH and the virtualenv's bin to PATH, sets VIRTUAL_ENV
/// and unsets PYTHONHOME.
Environment activate(const ActivationInputs& inputs);

/// Removes the variables that are meant for the server alone: its token, its settings and what
/// systemd passed to it.
Environment without_server_variables(Environment environment);

}  // namespace rtenv::job
