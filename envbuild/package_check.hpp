// Checks an uploaded package before it is kept under its name.
#pragma once

#include <string>

#include "base/cancellation.hpp"
#include "base/fd.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::envbuild {

enum class NameCheck : std::uint8_t {
  matches,
  /// The name says nothing about the content, or may say more than the package has: Ray's name of a
  /// directory also covers directories of which everything is excluded, which its packages lack.
  unknown,
};

/// Reads the whole package. `sha1`: of its bytes. Fails: cancelled, corrupt (not an archive, a
/// damaged one, or one that has another name), invalid_argument (it unpacks to more than `limits`),
/// and as reading it.
Result<NameCheck> check_package(const Path& file, const std::string& name, const std::string& sha1,
                                const pkg::UnpackLimits& limits,
                                const Cancellation* cancellation = nullptr);

}  // namespace rtenv::envbuild
