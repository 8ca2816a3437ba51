// Turns exceptions into errors. rtenv itself throws nothing but
// server::WrongTransition; what libraries throw, above all because memory or threads have run out,
// ends at main and at the function of a thread.
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
