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

}  // namespace rtenv::job
