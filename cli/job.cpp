#include "cli/job.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/json_text.hpp"
#include "cli/commands.hpp"
#include "client/job_client.hpp"

namespace rtenv::cli {

using nlohmann::json;

namespace {

constexpr double k_default_grace_s = 30;
constexpr auto k_stop_poll = std::chrono::milliseconds(50);

Result<std::chrono::milliseconds> grace_period(const Environment& environment) {
  double seconds = k_default_grace_s;
  if (const auto text = environment.find_filled("RAY_CLIENT_RECONNECT_GRACE_PERIOD")) {
    const char* const end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, seconds);
    if (parsed.ec != std::errc() || parsed.ptr != end || !(seconds >= 0 && seconds < 1e9))
      return fail(Errc::invalid_argument, "invalid RAY_CLIENT_RECONNECT_GRACE_PERIOD '{}'", *text)
          .hint("use a number of seconds, such as 30");
  }
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

// A response of the server.
Result<json> json_of(const Result<std::string>& text) {
  if (!text) return Failure(text.error());
  return json_from_text(*text);
}

Result<void> write_out(std::string_view data) {
  if (std::fwrite(data.data(), 1, data.size(), stdout) != data.size() || std::fflush(stdout) != 0)
    return fail_errno("write", "standard output");
  return {};
}

struct StatusCommand {
  ServerFlags server;
  std::string id;
  Result<int> run(const Tool& tool) const {
    RTENV_TRY(auto client, server.connect(tool));
    RTENV_TRY(const json details, json_of(client.details(id)));
    tool.output.print(details, [&] { print_status(id, details); });
    return 0;
  }
};

struct LogsCommand {
  ServerFlags server;
  std::string id;
  bool follow = false;
  Result<int> run(const Tool& tool) const {
    RTENV_TRY(auto client, server.connect(tool));
    if (follow) return follow_to_the_end(tool, client, id);
    RTENV_TRY(const std::string logs, client.logs(id));
    Result<void> written;
    tool.output.print_either(
        [&] {
          return json{{"logs", logs}};
        },
        [&] { written = write_out(logs); });
    RTENV_TRY(written);
    return 0;
  }
};

struct StopCommand {
  ServerFlags server;
  std::string id;
  bool no_wait = false;
  bool now = false;
  Result<int> run(const Tool& tool) const {
    RTENV_TRY(auto client, server.connect(tool));
    tool.output.print_text(fmt::format("Attempting to stop job '{}'", id));
    RTENV_TRY(const bool stopped, client.stop(id, now));
    if (no_wait) {
      tool.output.print_json({{"stopped", stopped}, {"status", nullptr}});
      return 0;
    }
    tool.output.print_text("Waiting for job '" + id + "' to exit (disable with --no-wait):");
    RTENV_TRY(const json details, wait_for_end(client, *tool.cancellation));
    tool.output.print({{"stopped", stopped}, {"status", details.at("status")}},
                      [&] { print_status(id, details); });
    return 0;
  }

 private:
  Result<json> wait_for_end(JobClient& client, const Cancellation& cancellation) const {
    for (;;) {
      RTENV_TRY(json details, json_of(client.details(id)));
      if (client::is_terminal(details)) return details;
      if (cancellation.requested())
        return fail(Errc::cancelled, "interrupted; the job will still be stopped");
      std::this_thread::sleep_for(k_stop_poll);
    }
  }
};

// The submission id; the job id of a job that has none.
std::string id_of(const json& details) {
  for (const char* field : {"submission_id", "job_id"})
    if (details.contains(field) && details.at(field).is_string())
      return details.at(field).get<std::string>();
  return "-";
}

struct ListCommand {
  ServerFlags server;
  JobListOptions filter;
  Result<int> run(const Tool& tool) const {
    RTENV_TRY(auto client, server.connect(tool));
    RTENV_TRY(const json jobs, json_of(client.list(filter)));
    for (const json& details : jobs) {
      std::string entrypoint = details.value("entrypoint", "");
      std::ranges::replace(entrypoint, '\n', ' ');
      tool.output.print(details, fmt::format("{:<28} {:<10} {}", id_of(details),
                                             details.value("status", "?"), entrypoint));
    }
    return 0;
  }
};

struct DeleteCommand {
  ServerFlags server;
  std::string id;
  Result<int> run(const Tool& tool) const {
    RTENV_TRY(auto client, server.connect(tool));
    RTENV_TRY(client.remove(id));
    tool.output.print({{"deleted", true}}, fmt::format("Job '{}' deleted successfully", id));
    return 0;
  }
};

template <class Subcommand>
Command add_job_command(const Command& group, Tool& tool, const char* name, const char* description,
                        const char* example) {
  auto state = std::make_shared<Subcommand>();
  const Command command = add_command(group, tool, name, description, example);
  state->server.declare(command);
  if constexpr (requires { state->id; })
    command.add_option("JOB_ID", state->id, "The job's submission id").required();
  if constexpr (requires { state->follow; })
    command.add_flag("-f,--follow", state->follow, "Print new output until the job ends");
  if constexpr (requires { state->no_wait; })
    command.add_flag("--no-wait", state->no_wait, "Don't wait for the job to end");
  if constexpr (requires { state->now; })
    command.add_flag("--now", state->now,
                     "Don't give its processes time to end; also for a job that is being stopped");
  if constexpr (requires { state->filter; }) {
    command.add_option("--status", state->filter.status, "Only jobs with this status")
        .one_of({"PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"});
    command.add_option("--limit", state->filter.limit, "At most so many jobs").value_name("N");
    command.add_option("--offset", state->filter.offset, "Without the first so many [0]")
        .value_name("N");
  }
  command.set_action([state, &tool] { return state->run(tool); });
  return command;
}

}  // namespace

void ServerFlags::declare(const Command& command) {
  command
      .add_option("--address", address,
                  "The job server, rtenv's or Ray's [RAY_API_SERVER_ADDRESS; RAY_ADDRESS; "
                  "http://127.0.0.1:8265]; unix:PATH for a Unix socket")
      .value_name("URL");
  command.add_option("--headers", headers, "HTTP headers to send: a JSON object [RAY_JOB_HEADERS]")
      .value_name("JSON");
  command
      .add_option("--verify", verify,
                  "Check TLS certificates: true, false, or a file of trusted CAs [true]")
      .value_name("BOOL|FILE");
  // Accepted because scripts written for `ray job` pass them.
  command.add_option("--log-style", log_style, "").one_of({"auto", "record", "pretty"}).hidden();
  command.add_option("--log-color", log_color, "").one_of({"auto", "false", "true"}).hidden();
}

Result<void> ServerFlags::set(Variables& variables) const {
  if (!headers.empty()) {
    if (!json_from_text(headers).is_object())
      return fail(Errc::invalid_argument, "--headers isn't a JSON object")
          .hint("for example --headers '{{\"Authorization\": \"Bearer …\"}}'");
    variables["RAY_JOB_HEADERS"] = headers;
  }
  const auto is = [&](std::string_view word) {
    return std::ranges::equal(verify, word, [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == b;
    });
  };
  if (is("false") || verify == "0") {
    variables["RTENV_TLS_VERIFY"] = "false";
  } else if (!verify.empty() && !is("true") && verify != "1") {
    if (std::error_code error; !std::filesystem::is_regular_file(verify, error))
      return fail(Errc::not_found, "--verify: {} doesn't exist", verify)
          .hint("give true, false, or a file of certificates (PEM)");
    variables["CURL_CA_BUNDLE"] = verify;
  }
  return {};
}

Result<JobClient> ServerFlags::connect(const Tool& tool, OnProgress on_progress) const {
  auto options = tool.options(std::move(on_progress));
  RTENV_TRY(set(*options.environment));
  return JobClient::open(address, options);
}

void print_boxed(const std::string& text) {
  const std::string dashes(text.size(), '-');
  print_line(fmt::format("\n{}\n{}\n{}\n", dashes, text, dashes));
}

void print_status(const std::string& id, const json& details) {
  const std::string status = details.value("status", "?");
  const std::string message = details.contains("message") && details.at("message").is_string()
                                  ? details.at("message").get<std::string>()
                                  : "";
  if (status == "SUCCEEDED") return print_boxed(fmt::format("Job '{}' succeeded", id));
  if (status == "STOPPED") return print_line(fmt::format("Job '{}' was stopped", id));
  if (status == "FAILED")
    print_boxed(fmt::format("Job '{}' failed", id));
  else
    print_line(fmt::format("Status for job '{}': {}", id, status));
  if (!message.empty()) print_line("Status message: " + message);
}

Result<int> follow_to_the_end(const Tool& tool, JobClient& client, const std::string& id) {
  RTENV_TRY(const auto grace, grace_period(tool.environment));
  const auto details = json_of(client.follow(
      id,
      [&](std::string_view data) { return tool.output.json ? Result<void>() : write_out(data); },
      {.grace = grace}));
  if (!details && details.error().code() == Errc::cancelled)
    return fail(Errc::cancelled, "interrupted; job '{}' continues", id)
        .hint("rtenv job logs --follow {0}; rtenv job stop {0}", id);
  if (!details) return Failure(details.error());
  tool.output.print(*details, [&] { print_status(id, *details); });
  if (details->value("status", "") == "SUCCEEDED") return 0;
  // As a shell: the entrypoint's own status, 128 + N after signal N; 1 if there is none.
  const json code = details->value("driver_exit_code", json());
  const int exit_code = code.is_number_integer() ? code.get<int>() : 1;
  if (exit_code < 0) return 128 - exit_code;
  return exit_code == 0 ? 1 : exit_code;
}

void register_job(const Command& root, Tool& tool) {
  const Command group =
      root.add_group("job", "Submit, watch and stop jobs on a job server: rtenv's or Ray's");
  register_job_submit(group, tool);
  add_job_command<StatusCommand>(group, tool, "status", "Show a job's status",
                                 "  rtenv job status raysubmit_VTRVfy8VEFY8vCdn");
  add_job_command<LogsCommand>(group, tool, "logs", "Print a job's output",
                               "  rtenv job logs --follow raysubmit_VTRVfy8VEFY8vCdn");
  add_job_command<StopCommand>(group, tool, "stop", "Stop a job",
                               "  rtenv job stop raysubmit_VTRVfy8VEFY8vCdn");
  add_job_command<ListCommand>(group, tool, "list", "List all jobs, the newest last",
                               "  rtenv job list --status RUNNING --limit 20")
      .alias("ls");
  add_job_command<DeleteCommand>(group, tool, "delete", "Delete a job that has ended, and its log",
                                 "  rtenv job delete raysubmit_VTRVfy8VEFY8vCdn")
      .alias("rm");
}

}  // namespace rtenv::cli
