#include "cli/roff.hpp"

#include "base/text.hpp"

namespace rtenv::cli::roff {
namespace {

// Without these, typographers make hyphens, quotation marks and accents of them.
std::string_view escaped(char c) {
  switch (c) {
    case '\\': return "\\e";
    case '-': return "\\-";
    case '`': return "\\(ga";
    case '^': return "\\(ha";
    case '~': return "\\(ti";
    default: return {};
  }
}

std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (const auto replacement = escaped(c); replacement.empty())
      result += c;
    else
      result += replacement;
  return result;
}

// At the beginning of a line, a dot and an apostrophe would be requests.
std::string protect_lines(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n')) result += "\\&";
    result += c;
  }
  return result;
}

}  // namespace

std::string literal(std::string_view text) {
  std::string result;
  for (const char c : escape(text))
    if (c == '\'')
      result += "\\(aq";
    else
      result += c;
  return protect_lines(result);
}

std::string prose(std::string_view text) {
  const auto parts = split(text, '`');
  if (parts.size() % 2 == 0) return protect_lines(escape(text));  // one isn't closed
  std::string result;
  for (std::size_t i = 0; i < parts.size(); ++i)
    result += i % 2 == 1 ? bold(parts[i]) : escape(parts[i]);
  return protect_lines(result);
}

std::string bold(std::string_view literal_text) { return "\\fB" + literal(literal_text) + "\\fR"; }

std::string italic(std::string_view literal_text) {
  return "\\fI" + literal(literal_text) + "\\fR";
}

}  // namespace rtenv::cli::roff
