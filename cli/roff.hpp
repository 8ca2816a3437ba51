// Text of man(7) pages, as mandoc and groff read it. Thread-safe: no state.
#pragma once

#include <string>
#include <string_view>

namespace rtenv::cli::roff {

/// One or more lines that appear exactly as they are, such as a command.
std::string literal(std::string_view text);
/// A sentence; what is in `backquotes` becomes bold.
std::string prose(std::string_view text);

std::string bold(std::string_view literal_text);
std::string italic(std::string_view literal_text);

}  // namespace rtenv::cli::roff
