// Trimming, splitting, and quoting for shells and terminals. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rtenv {

/// `text` without any of the characters in `removed` at both ends. A view into `text`.
std::string_view trim(std::string_view text, std::string_view removed = " \t\r\n");
/// The same, at the end only; `trim_end(url, "/")` removes trailing slashes.
std::string_view trim_end(std::string_view text, std::string_view removed = " \t\r\n");

/// The parts between the separators: one more than there are separators. Views into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Quotes a word for a POSIX shell if necessary, as Python's shlex.quote.
std::string shell_quote(std::string_view word);
/// A command line that a POSIX shell splits into these words, as Python's shlex.join.
std::string shell_join(const std::vector<std::string>& words);

/// For messages that quote a stranger's text, such as a file's name: control characters except new
/// lines and tabs as "\x1b", so that they can't control the terminal.
std::string terminal_text(std::string_view text);

}  // namespace rtenv
