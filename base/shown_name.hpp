// Names of files in messages and lists. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv {

/// A name that somebody else chose: on one line, control characters as "\x1b", so that it can
/// neither control the terminal nor look like another line.
std::string shown_name(std::string_view name);

/// An open file of this process: "standard input", "standard output", "the descriptor 7".
std::string shown_descriptor(int number);

/// The error of a function that was given `path`, for a user who knows the file as `shown`.
Error with_shown_path(const Error& error, const Path& path, std::string_view shown);

}  // namespace rtenv
