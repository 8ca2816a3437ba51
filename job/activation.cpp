#include "job/activation.hpp"

namespace rtenv::job {

Environment activate(const ActivationInputs& inputs) {
  Environment environment = inputs.node;
  environment.set("PYTHONUNBUFFERED", "1");
  for (const auto& [name, value] : inputs.env_vars) environment.set(name, value);
  if (inputs.working_dir) environment.prepend("PYTHONPATH", inputs.working_dir->native());
  for (auto module = inputs.py_modules.rbegin(); module != inputs.py_modules.rend(); ++module)
    environment.prepend("PYTHONPATH", module->native());
  if (inputs.virtual_env) {
    environment.prepend("PATH", (*inputs.virtual_env / "bin").native());
    environment.set("VIRTUAL_ENV", inputs.virtual_env->native());
    environment.unset("PYTHONHOME");
  }
  if (inputs.programs) environment.prepend("PATH", inputs.programs->native());
  return environment;
}

Environment without_server_variables(Environment environment) {
  for (const char* name :
       {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE", "RTENV_STATE_DIR", "RTENV_JOB",
        "RTENV_RUN", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "INVOCATION_ID",
        "JOURNAL_STREAM", "WATCHDOG_PID", "WATCHDOG_USEC", "MAINPID"})
    environment.unset(name);
  return environment;
}

}  // namespace rtenv::job
