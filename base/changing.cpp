#include "base/changing.hpp"

namespace rtenv {

Failure changed_while(std::string_view path, std::string_view operation) {
  return fail(Errc::changed, "{} changed while it was {}", path, operation)
      .hint("retry when no process is changing it");
}

}  // namespace rtenv
