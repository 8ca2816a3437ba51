#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_text.hpp"
#include "base/output_file.hpp"
#include "base/text.hpp"
#include "cli/byte_size.hpp"
#include "cli/cache_row.hpp"
#include "cli/commands.hpp"
#include "cli/optional_json.hpp"
#include "cli/store_options.hpp"

namespace rtenv::cli {
namespace {

constexpr std::int64_t k_ms_per_s = 1000;

// An object's name may have any character.
std::string on_one_line(std::string_view name) {
  std::string shown;
  for (const char c : terminal_text(name)) {
    if (c == '\n' || c == '\t')
      shown += c == '\n' ? "\\x0a" : "\\x09";
    else
      shown += c;
  }
  return shown;
}

std::string line_of(const remote::ListedObject& object) {
  const std::string time = object.modified_s ? local_time(*object.modified_s * k_ms_per_s) : "-";
  return fmt::format("{:<19}  {:>10}  {}", time, format_byte_size(object.size_bytes),
                     on_one_line(object.uri.text()));
}

nlohmann::json to_json(const remote::ListedObject& object) {
  std::optional<std::int64_t> modified_ms;
  if (object.modified_s) modified_ms = *object.modified_s * k_ms_per_s;
  return {{"uri", object.uri.text()},
          {"size_bytes", object.size_bytes},
          {"modified_ms", json_or_null(modified_ms)}};
}

// Lines on standard output: waiting for its reader can be interrupted.
class LineOutput {
 public:
  static Result<LineOutput> open(const Cancellation* cancellation) {
    RTENV_TRY(OutputFile file, OutputFile::standard(cancellation));
    return LineOutput(std::move(file), ::isatty(STDOUT_FILENO) == 1 ? 0 : k_buffer_bytes);
  }

  Result<void> add(std::string_view line) {
    buffer_ += line;
    buffer_ += '\n';
    return buffer_.size() > max_buffered_ ? flush() : Result<void>();
  }

  Result<void> flush() {
    const std::string text = std::exchange(buffer_, std::string());
    return text.empty() ? Result<void>() : file_.write(text);
  }

 private:
  static constexpr std::size_t k_buffer_bytes = 32U << 10U;
  LineOutput(OutputFile file, std::size_t max_buffered)
      : file_(std::move(file)), max_buffered_(max_buffered) {}

  OutputFile file_;
  std::size_t max_buffered_;
  std::string buffer_;
};

struct LsCommand {
  std::string uri;
  StoreFlags store;

  [[nodiscard]] Result<int> run(const Tool& tool) const {
    RTENV_TRY(const auto prefix, remote::Uri::parse(uri));
    RTENV_TRY(const auto options, store.options(tool, prefix));
    RTENV_TRY(const auto opened, remote::open_store(prefix, options));
    RTENV_TRY(LineOutput output, LineOutput::open(tool.cancellation));
    bool is_empty = true;
    // Entries are printed as they arrive.
    const auto listed = opened->list(prefix, [&](const remote::ListedObject& object) {
      is_empty = false;
      return output.add(tool.output.json ? json_text(to_json(object)) : line_of(object));
    });
    RTENV_TRY(output.flush());  // what precedes an error, too
    RTENV_TRY(listed);
    // A bucket may be empty, but who names a prefix expects something.
    if (is_empty && !prefix.path.empty())
      return fail(Errc::not_found, "no object's name begins with {}", prefix.shown());
    return 0;
  }
};

}  // namespace

void register_ls(const Command& root, Tool& tool) {
  auto state = std::make_shared<LsCommand>();
  const Command command = add_command(
      root, tool, "ls", "List a store's objects whose names begin as the URI does",
      "  rtenv ls s3://bucket/jobs/\n"
      "  rtenv ls gs://bucket/jobs/my_job --json       one JSON object per line\n"
      "  rtenv ls s3://public-data/ --no-sign-request --region eu-central-1\n"
      "Each line has the time of the last change, the size and the URI. Objects in all folders "
      "below are listed, as they arrive: however many they are, they take no memory.");
  command
      .add_option("URI", state->uri,
                  "s3:// gs:// azure:// abfss:// file://; web servers and job servers have no list")
      .required();
  state->store.declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
