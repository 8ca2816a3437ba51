// JSON Web Tokens signed with RSA and SHA-256 (RFC 7515, "RS256"). Thread-safe: no state.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::remote {

/// Fails: invalid_argument (the key isn't an RSA key in PEM), internal.
Result<std::string> sign_jwt(const nlohmann::json& header, const nlohmann::json& claims,
                             std::string_view private_key_pem);

}  // namespace rtenv::remote
