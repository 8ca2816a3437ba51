#include "base/shown_name.hpp"

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

}  // namespace rtenv
