// Shared code of the `rtenv job` commands: the options for reaching the job server, and printing of
// jobs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/command_line.hpp"
#include "cli/tool.hpp"
#include "rtenv/job_client.hpp"

namespace rtenv::cli {

struct ServerFlags {
  std::string address;
  std::string headers;
  std::string verify;
  std::string log_style;  // an option of `ray job`, accepted without effect
  std::string log_color;

  void declare(const Command& command);
  /// Fails: not_found (--verify), invalid_argument (--headers), as JobClient::open.
  [[nodiscard]] Result<JobClient> connect(const Tool& tool, OnProgress on_progress = {}) const;

 private:
  // Sets the variables that the options override.
  [[nodiscard]] Result<void> set(Variables& variables) const;
};

/// Between two lines of dashes of the same width.
void print_boxed(const std::string& text);
/// A job's status, in the words of `ray job status`.
void print_status(const std::string& id, const nlohmann::json& details);
/// Prints the log until the job ends, then its status. Returns the exit status: 0 if the job
/// succeeded; else its own exit code, or 1 if the server doesn't report one.
Result<int> follow_to_the_end(const Tool& tool, JobClient& client, const std::string& id);

}  // namespace rtenv::cli
