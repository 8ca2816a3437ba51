// Turns exceptions into errors. rtenv reports failures as results: what is thrown, above all by
// libraries because memory or threads have run out, ends at main, at the function of a thread and
// at a public function.
#pragma once

#include "base/result.hpp"

namespace rtenv {

/// The error of the exception that is being handled. Call it in a catch block.
Error error_of_current_exception();

/// Calls `work`, which returns a Result. Fails: as `work`; unavailable (out of memory or threads);
/// internal (another exception).
template <class Work>
auto without_exceptions(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return Failure(error_of_current_exception());
  }
}

}  // namespace rtenv
