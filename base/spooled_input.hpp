// Standard input as a file, for what isn't read from its beginning to its end. Move-only.
#pragma once

#include "base/temp_dir.hpp"

namespace rtenv {

class Cancellation;

class SpooledInput {
 public:
  /// Copies standard input to a private file in $TMPDIR or /tmp. `cancellation` may be null. Fails:
  /// invalid_argument (it is a terminal), out_of_space, cancelled.
  static Result<SpooledInput> read(const Cancellation* cancellation);

  /// Exists as long as this object.
  [[nodiscard]] Path path() const { return folder_.path() / "input"; }
  /// The same file under another name.
  [[nodiscard]] Result<Path> named(const std::string& name) const;
  /// The error of a command that was given this path, for a user who gave standard input.
  [[nodiscard]] Error shown(const Error& error) const;

 private:
  explicit SpooledInput(TempDir folder) : folder_(std::move(folder)) {}
  TempDir folder_;
};

}  // namespace rtenv
