// Packages of the API and of the layer pkg. Internal to this folder.
#pragma once

#include "pkg/package.hpp"
#include "rtenv/package.hpp"

namespace rtenv::api {

class Call;

/// Fails: invalid_argument (a value that isn't one of its enum; Scheme::archive).
Result<pkg::PackageOptions> package_options(const PackOptions& options, const Call& call);

/// Without a name.
Package package_of(pkg::Tree tree, const PackOptions& options);
Package package_of(const pkg::PackageName& name, pkg::Tree tree, const PackOptions& options);

}  // namespace rtenv::api
