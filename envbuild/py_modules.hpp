// A job's own modules: directories, single files, wheels and URIs of py_modules, made importable.
//
// As in Ray 2.60 (runtime_env/py_modules.py): a local directory is importable by its own name; of
// an archive that a URI names, a single top folder is dropped, so that what it holds is importable;
// a wheel is installed with what it requires.
#pragma once

#include <vector>

#include "envbuild/prepare_options.hpp"

namespace rtenv::envbuild {

struct PyModule {
  Path folder;                        // for PYTHONPATH
  std::optional<cache::Lease> lease;  // nothing for local://, a directory that is used in place
};

/// In the order of the list. Fails: not_found, invalid_argument (neither a directory, nor a .py
/// file, nor a wheel, nor such a URI), installer_failed, and as fetch_tree.
Result<std::vector<PyModule>> prepare_py_modules(const runtime_env::RuntimeEnv& runtime_env,
                                                 cache::Cache& cache,
                                                 const PrepareOptions& options);

}  // namespace rtenv::envbuild
