// Compiled Python code of environments that jobs can't write to. Python stores it beside the source
// when a module is imported first; with a read-only cache each job would compile again.
#pragma once

#include "base/cancellation.hpp"

namespace rtenv::job {

/// Whether compile_env has succeeded for the environment in this folder.
bool is_compiled(const Path& env);

/// Compiles all sources of an environment that have no compiled code yet, at low priority, with
/// `python`, its interpreter: the one in the environment may be anything that an installation put
/// there. Several processes may do so at once. `lease_lock` is inherited by the compiler, so that
/// the environment isn't removed meanwhile. Fails: unavailable (the compiler failed), corrupt (the
/// compiled code would be written elsewhere), cancelled, and as run_captured.
Result<void> compile_env(const Path& python, const Path& env, int lease_lock,
                         const Cancellation* cancellation);

}  // namespace rtenv::job
