#include "base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace rtenv {
namespace {

struct Row {
  Errc code;
  std::string_view name;
  int exit_status;
  int http_status;
};

// Exit statuses are part of the tool's interface (docs/errors.md).
constexpr std::array<Row, k_errc_count> k_table{{
    {Errc::invalid_argument, "invalid_argument", 2, 400},
    {Errc::not_found, "not_found", 3, 404},
    {Errc::already_exists, "already_exists", 2, 409},
    {Errc::permission_denied, "permission_denied", 4, 403},
    {Errc::busy, "busy", 5, 409},
    {Errc::changed, "changed", 5, 409},
    {Errc::unavailable, "unavailable", 5, 503},
    {Errc::corrupt, "corrupt", 2, 400},
    {Errc::limit_reached, "limit_reached", 5, 429},
    {Errc::out_of_space, "out_of_space", 6, 507},
    {Errc::cancelled, "cancelled", 130, 503},
    {Errc::installer_failed, "installer_failed", 1, 500},
    {Errc::internal, "internal", 1, 500},
}};

constexpr bool rows_are_in_order() {
  for (int i = 0; i < k_errc_count; ++i)
    if (static_cast<int>(k_table[static_cast<std::size_t>(i)].code) != i) return false;
  return true;
}
static_assert(rows_are_in_order());

// A code of a later version, which a caller's function may return, is as one that nothing is known
// of.
const Row& row(Errc code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return k_table[index < k_table.size() ? index : static_cast<std::size_t>(Errc::internal)];
}

Errc code_of_errno(int error_number) noexcept {
  switch (error_number) {
    case ENOENT: return Errc::not_found;
    case EEXIST:
    case ENOTEMPTY: return Errc::already_exists;
    case EACCES:
    case EPERM:
    case EROFS: return Errc::permission_denied;
    case ENOSPC:
    case EFBIG:
    case EDQUOT: return Errc::out_of_space;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case E2BIG:
    case EINVAL: return Errc::invalid_argument;
    case EBUSY:
    case ETXTBSY: return Errc::busy;
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case ENOMEM:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH: return Errc::unavailable;
    default: return Errc::internal;
  }
}

}  // namespace

std::string_view name(Errc code) noexcept { return row(code).name; }
int exit_status(Errc code) noexcept { return row(code).exit_status; }
int http_status(Errc code) noexcept { return row(code).http_status; }

Error system_error(int error_number, std::string_view action, std::string_view object) {
  return {code_of_errno(error_number),
          fmt::format("cannot {} {}: {}", action, object, std::strerror(error_number))};
}

}  // namespace rtenv
