#include "pkg/content_source.hpp"

namespace rtenv::pkg {

Failure changed_while(const std::string& path, std::string_view operation) {
  return fail(Errc::changed, "{} changed while it was {}", path, operation)
      .hint("retry when no process is changing it");
}

}  // namespace rtenv::pkg
