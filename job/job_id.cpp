#include "job/job_id.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>

namespace rtenv::job {
namespace {

constexpr std::string_view k_letters =
    "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ123456789";  // no i, l, o, I, O, 0
constexpr std::size_t k_random_letters = 16;

bool may_be_in_id(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

}  // namespace

Result<void> check_job_id(std::string_view id) {
  if (!id.empty() && id.size() <= k_max_id_bytes && id.front() != '.' &&
      std::ranges::all_of(id, may_be_in_id))
    return {};
  return fail(Errc::invalid_argument,
              "submission_id must be 1 to {} characters of [A-Za-z0-9_.-] and must not begin with "
              "'.'; got {}",
              k_max_id_bytes,
              id.size() > k_max_id_bytes ? fmt::format("{} characters", id.size())
                                         : fmt::format("'{}'", id));
}

std::string make_job_id() {
  std::string id = "raysubmit_";
  while (id.size() < std::string_view("raysubmit_").size() + k_random_letters) {
    std::array<unsigned char, 32> random{};
    if (::getrandom(random.data(), random.size(), 0) < 0) continue;
    for (const unsigned char byte : random) {
      // A byte beyond the last whole multiple would make the first letters more likely.
      if (byte >= 256 / k_letters.size() * k_letters.size()) continue;
      if (id.size() == std::string_view("raysubmit_").size() + k_random_letters) break;
      id.push_back(k_letters[byte % k_letters.size()]);
    }
  }
  return id;
}

}  // namespace rtenv::job
