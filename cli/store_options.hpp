// What every command that reaches a store needs: the process's variables, and the job server's
// address where it is given.
#pragma once

#include <string>

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

inline void add_address_option(CLI::App& command, std::string& address) {
  command
      .add_option("--address", address,
                  "The job server of gcs:// URIs [RAY_API_SERVER_ADDRESS; RAY_ADDRESS]")
      ->type_name("URL");
}

}  // namespace rtenv::cli
