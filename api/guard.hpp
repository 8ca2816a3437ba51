// What every public function runs in: no exception leaves it, and no signal that its work causes
// ends the caller's process.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/broken_pipes.hpp"
#include "base/exceptions.hpp"

namespace rtenv::api {

/// Fails: invalid_argument, if one of the standard streams is closed: a file of rtenv's would be
/// taken for it.
Result<void> check_standard_streams();

/// Fails: invalid_argument, if the caller's descriptor isn't open. `name`: of the argument.
Result<void> check_open(std::string_view name, int descriptor);
enum class Access : std::uint8_t { read, write };
/// The same, if it can't be read from or written to.
Result<void> check_open(std::string_view name, int descriptor, Access access);

/// Calls `work`, which returns a Result. Fails: as `work`, check_standard_streams and
/// without_exceptions.
template <class Work>
auto guarded(Work&& work) -> decltype(work()) {
  const BrokenPipesAreErrors broken_pipes;
  if (auto checked = check_standard_streams(); !checked) return Failure(checked.error());
  return without_exceptions(std::forward<Work>(work));
}

}  // namespace rtenv::api
