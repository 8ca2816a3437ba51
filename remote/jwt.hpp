// JSON Web Tokens signed by RSA with SHA-256 (RFC 7515, "RS256").
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::remote {

/// Fails: invalid_argument (the key isn't an RSA key in PEM).
Result<std::string> sign_jwt(const nlohmann::json& header, const nlohmann::json& claims,
                             std::string_view private_key_pem);

}  // namespace rtenv::remote
