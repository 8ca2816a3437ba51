// The options of commands that access a store: the environment variables, and the job server's
// address if one is given.
#pragma once

#include <string>

#include "cli/command_line.hpp"
#include "cli/tool.hpp"
#include "remote/object_store.hpp"

namespace rtenv::cli {

inline remote::StoreOptions store_options(const Tool& tool,
                                          const std::string& job_server_address = {}) {
  remote::StoreOptions options{.environment = tool.environment, .cancellation = tool.cancellation};
  if (!job_server_address.empty())
    options.environment.set("RAY_API_SERVER_ADDRESS", job_server_address);
  return options;
}

inline void add_address_option(const Command& command, std::string& address) {
  command
      .add_option("--address", address,
                  "The job server of gcs:// URIs [RAY_API_SERVER_ADDRESS; RAY_ADDRESS]")
      .value_name("URL");
}

}  // namespace rtenv::cli
