// What the commands of `rtenv job` share: where the server is, and how it is spoken to and of.
#pragma once

#include <string>

#include "cli/tool.hpp"
#include "client/job_client.hpp"

namespace rtenv::cli {

struct JobServerOptions {
  std::string address;
  std::string headers;
  std::string verify;
  std::string log_style;  // of `ray job`: taken, and without effect
  std::string log_color;

  void declare(CLI::App& command);
  /// The tool's variables with what the options say over them.
  [[nodiscard]] Result<Environment> environment(const Tool& tool) const;
  [[nodiscard]] Result<client::JobClient> connect(const Tool& tool) const;
};

/// A line between two of dashes, as wide as it is.
void print_boxed(const std::string& text);
/// Of a job, as `ray job status` says it.
void print_status(const std::string& id, const nlohmann::json& details);
/// Shows the log until the job's end, and then its status. Returns the exit status: 0 where it
/// succeeded, else 1, or its own exit code where the server says it.
Result<int> follow_to_the_end(const Tool& tool, client::JobClient& client, bool is_rtenv,
                              const std::string& id);

void register_job_submit(CLI::App& job, Tool& tool);

}  // namespace rtenv::cli
