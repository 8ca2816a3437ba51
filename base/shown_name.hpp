// Names of files in messages and lists. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace rtenv {

/// A name that somebody else chose: on one line, control characters as "\x1b", so that it can
/// neither control the terminal nor look like another line.
std::string shown_name(std::string_view name);

}  // namespace rtenv
