#include "cli/output.hpp"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "base/output_file.hpp"
#include "base/text.hpp"

namespace rtenv::cli {

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

void print_to_stderr(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void Output::print(const nlohmann::json& value, std::string_view line) const {
  if (json)
    print_line(json_text(value));
  else
    print_line(line);
}

void Output::print(const nlohmann::json& value, const std::function<void()>& print_text) const {
  if (json)
    print_line(json_text(value));
  else
    print_text();
}

void Output::print_either(const std::function<nlohmann::json()>& make_value,
                          const std::function<void()>& print_text) const {
  if (json)
    print_line(json_text(make_value()));
  else
    print_text();
}

void Output::print_json(const nlohmann::json& value) const {
  if (json) print_line(json_text(value));
}

void Output::print_text(std::string_view line) const {
  if (json) return;
  print_line(line);
  std::fflush(stdout);
}

Result<bool> Output::is_standard_output(const std::string& file, std::string_view content) const {
  if (file != "-" && !OutputFile::is_standard(file)) return false;
  if (json)
    return fail(Errc::invalid_argument,
                "-o {} and --json exclude each other: both write to standard output", file);
  if (::isatty(STDOUT_FILENO) == 1)
    return fail(Errc::invalid_argument, "{} can't be written to a terminal", content)
        .hint("redirect standard output, or give a file to -o");
  return true;
}

void Output::print_error(const Error& error) const {
  if (json) {
    nlohmann::json object{{"code", name(error.code())}, {"message", error.message()}};
    if (!error.hint().empty()) object["hint"] = error.hint();
    print_to_stderr(fmt::format("{}\n", json_text({{"error", object}})));
    return;
  }
  print_to_stderr(fmt::format("rtenv: error: {}\n", terminal_text(error.message())));
  if (!error.hint().empty())
    print_to_stderr(fmt::format("rtenv: hint: {}\n", terminal_text(error.hint())));
}

}  // namespace rtenv::cli
