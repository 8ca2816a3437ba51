// The options of commands that access a store.
#pragma once

#include <string>

#include "cli/command_line.hpp"
#include "cli/input_kind.hpp"
#include "cli/tool.hpp"
#include "remote/object_store.hpp"

namespace rtenv::cli {

/// The environment variables alone.
remote::StoreOptions store_options(const Tool& tool);

/// The options that the aws tool has, for the stores that have a counterpart, and --address.
struct StoreFlags {
  std::string address;
  std::string endpoint_url;
  std::string profile;
  std::string region;
  bool no_sign_request = false;

  LimitedOptions limited;

  void declare(const Command& command);
  void declare_address(const Command& command);
  /// Sets `anonymous`, and the variables that the options override. Requires: `options` has
  /// variables. Fails: invalid_argument (an option that the URI's store doesn't have).
  template <class PublicOptions>
  [[nodiscard]] Result<void> set(PublicOptions& options, const remote::Uri& uri) const {
    options.anonymous = no_sign_request;
    return set_variables(*options.environment, uri);
  }

 private:
  [[nodiscard]] Result<void> set_variables(Variables& variables, const remote::Uri& uri) const;
};

}  // namespace rtenv::cli
