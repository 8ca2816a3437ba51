// Standard input, or another stream, as a file, for what isn't read from its beginning to its end.
// Move-only.
#pragma once

#include "base/temp_dir.hpp"

namespace rtenv {

class Cancellation;

class SpooledInput {
 public:
  /// Copies what `descriptor` reads to a private file in $TMPDIR or /tmp. `cancellation` may be
  /// null. Fails: invalid_argument (it is a terminal), out_of_space, cancelled, and by errno.
  static Result<SpooledInput> read(int descriptor, const Cancellation* cancellation);

  /// What it was read from, in errors: "standard input".
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Exists as long as this object.
  [[nodiscard]] Path path() const { return folder_.path() / "input"; }
  /// The same file under another name.
  [[nodiscard]] Result<Path> named(const std::string& name) const;
  /// The error of a command that was given this path, for a user who gave the stream.
  [[nodiscard]] Error shown(const Error& error) const;

 private:
  SpooledInput(std::string name, TempDir folder)
      : name_(std::move(name)), folder_(std::move(folder)) {}
  std::string name_;  // in errors
  TempDir folder_;
};

}  // namespace rtenv
