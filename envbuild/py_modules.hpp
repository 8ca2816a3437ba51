// A job's own modules: the directories, single files, wheels and URIs of py_modules, ready to be
// imported.
//
// As in Ray 2.60 (runtime_env/py_modules.py): a local directory is importable by its own name; the
// only top folder of an archive that a URI names is dropped, so that its content is importable; a
// wheel is installed with its dependencies.
#pragma once

#include <vector>

#include "envbuild/leased_path.hpp"
#include "envbuild/prepare_options.hpp"

namespace rtenv::envbuild {

/// Returns one folder for PYTHONPATH per module, in the order of the list. Fails: not_found,
/// invalid_argument (neither a directory, nor a .py file, nor a wheel), installer_failed, as
/// fetch_tree.
Result<std::vector<LeasedPath>> prepare_py_modules(const runtime_env::RuntimeEnv& runtime_env,
                                                   cache::Cache& cache,
                                                   const PrepareOptions& options);

}  // namespace rtenv::envbuild
