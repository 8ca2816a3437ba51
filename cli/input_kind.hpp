// What a command is given to work on, and the options that have an effect on some kinds of it only.
// A command declares for each such option what it is for, and checks once what it was given:
// an option that could do nothing is an error.
#pragma once

#include <string_view>
#include <vector>

#include "cli/command_line.hpp"
#include "remote/uri.hpp"

namespace rtenv::cli {

enum class InputKind : std::uint8_t {
  directory,
  commit,  // of a directory's repository: --git
  file,
  standard_input,
  env_archive,  // an environment in one file, here or in a store
  env_prefix,   // where environments are looked up by their keys
  s3_uri,
  gs_uri,
  azure_uri,
  abfss_uri,
  http_uri,
  https_uri,
  file_uri,
  local_uri,
  gcs_uri,
};

InputKind kind_of(const remote::Uri& uri);

class LimitedOptions {
 public:
  /// `option` has an effect on these kinds.
  void add(const Option& option, std::vector<InputKind> kinds);

  /// `input`: as the user wrote it, without secrets. Fails: invalid_argument (an option was given
  /// that has no effect on this kind).
  [[nodiscard]] Result<void> check(InputKind kind, std::string_view input) const;

 private:
  struct Limited {
    Option option;
    std::vector<InputKind> kinds;
  };
  std::vector<Limited> options_;
};

}  // namespace rtenv::cli
