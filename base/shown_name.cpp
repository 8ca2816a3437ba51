#include "base/shown_name.hpp"

#include <unistd.h>

#include "base/text.hpp"

namespace rtenv {

std::string shown_name(std::string_view name) {
  std::string shown;
  for (const char c : terminal_text(name)) {
    if (c == '\n')
      shown += "\\x0a";
    else if (c == '\t')
      shown += "\\x09";
    else
      shown += c;
  }
  return shown;
}

Error with_shown_path(const Error& error, const Path& path, std::string_view shown) {
  std::string message = error.message();
  const std::string& name = path.native();
  for (auto at = message.find(name); at != std::string::npos;
       at = message.find(name, at + shown.size()))
    message.replace(at, name.size(), shown);
  return Error(error.code(), std::move(message), error.hint());
}

std::string shown_descriptor(int number) {
  if (number == STDIN_FILENO) return "standard input";
  if (number == STDOUT_FILENO) return "standard output";
  return fmt::format("the descriptor {}", number);
}

}  // namespace rtenv
