// Keeps credentials out of keys, logs and messages.
#pragma once

#include <string>
#include <string_view>

namespace rtenv::runtime_env {

/// Removes the user info ("user:password@") from every URL in the text.
std::string without_credentials(std::string_view text);

}  // namespace rtenv::runtime_env
