// Keeps credentials out of keys and messages.
#pragma once

#include <string>
#include <string_view>

namespace rtenv::runtime_env {

/// The text with the user info ("user:password@") taken out of every URL in it.
std::string without_credentials(std::string_view text);

}  // namespace rtenv::runtime_env
