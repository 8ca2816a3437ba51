#include "runtime_env/redact.hpp"

namespace rtenv::runtime_env {

std::string without_credentials(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return result += text;
    result += text.substr(0, scheme_end + 3);
    text.remove_prefix(scheme_end + 3);
    const std::string_view authority = text.substr(0, text.find_first_of("/?# \t\n'\""));
    if (const auto at = authority.rfind('@'); at != std::string_view::npos)
      text.remove_prefix(at + 1);
  }
  return result;
}

}  // namespace rtenv::runtime_env
