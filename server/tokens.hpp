// The tokens that clients present, and what they may do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace rtenv::server {

enum class Right : std::uint8_t {
  read,    // jobs and their logs, but not the values of env_vars
  submit,  // everything
};

/// Who sends a request.
struct Caller {
  std::string name;  // of the token; or "uid:1000"
  Right right = Right::submit;
};

struct Token {
  std::string secret;
  Caller caller;
};

/// Either one token alone, or lines of a name, a right ("read" or "submit") and a token, separated
/// by blanks; lines that begin with '#' are comments. Fails: invalid_argument (with the line; never
/// with a token).
Result<std::vector<Token>> parse_tokens(std::string_view text);

}  // namespace rtenv::server
