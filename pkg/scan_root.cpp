#include "pkg/scan_root.hpp"

#include <cerrno>

#include "base/changing.hpp"

namespace rtenv::pkg {

bool is_change(int error) noexcept {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO;  // a socket
}

std::string ScanRoot::shown(const std::string& relative) const {
  return relative.empty() ? path.native() : path.native() + '/' + relative;
}

Failure ScanRoot::failed(std::string_view action, const std::string& relative) const {
  if (is_change(errno)) return changed(relative);
  return fail_errno(action, shown(relative));
}

Failure ScanRoot::changed(const std::string& relative) const {
  return changed_while(shown(relative), "read");
}

}  // namespace rtenv::pkg
