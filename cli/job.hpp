// Shared code of the `rtenv job` commands: the options for reaching the job server, and printing of
// jobs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/command_line.hpp"
#include "cli/tool.hpp"
#include "client/job_client.hpp"

namespace rtenv::cli {

struct JobServerOptions {
  std::string address;
  std::string headers;
  std::string verify;
  std::string log_style;  // an option of `ray job`, accepted without effect
  std::string log_color;

  void declare(const Command& command);
  /// The tool's environment variables, overridden by the options. Fails: not_found (--verify).
  [[nodiscard]] Result<Environment> environment(const Tool& tool) const;
  [[nodiscard]] Result<client::JobClient> connect(const Tool& tool) const;
};

/// Between two lines of dashes of the same width.
void print_boxed(const std::string& text);
/// A job's status, in the words of `ray job status`.
void print_status(const std::string& id, const nlohmann::json& details);
/// Prints the log until the job ends, then its status. Returns the exit status: 0 if the job
/// succeeded; else its own exit code, or 1 if the server doesn't report one.
Result<int> follow_to_the_end(const Tool& tool, client::JobClient& client, bool is_rtenv,
                              const std::string& id);

}  // namespace rtenv::cli
