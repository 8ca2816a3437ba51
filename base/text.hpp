// Small operations on text that several layers need. Thread-safe: no state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rtenv {

/// Without the characters of `removed` at both ends. A view into `text`.
std::string_view trim(std::string_view text, std::string_view removed = " \t\r\n");
/// Without the characters of `removed` at the end. A view into `text`.
std::string_view trim_end(std::string_view text, std::string_view removed = " \t\r\n");

/// One word of a command line for a POSIX shell: quoted where it must be, as Python's shlex.quote.
std::string shell_quote(std::string_view word);
/// Words that a POSIX shell splits into the same words again, as Python's shlex.join.
std::string shell_join(const std::vector<std::string>& words);

}  // namespace rtenv
