// Requests to stop a call before it has finished.
#pragma once

#include <memory>
#include <stop_token>
#include <variant>

#include "rtenv/export.hpp"
#include "rtenv/result.hpp"

namespace rtenv {

/// A request to stop that a signal handler may make, unlike that of a std::stop_source. Copies are
/// the same request; each call that gets one stops. Thread-safe.
///
/// A call that is stopped by it doesn't take the time to remove large temporary folders: the
/// destructor of the last copy removes them. A signal handler may run until the process ends: never
/// destroy the one that it uses, see docs/library.md.
class RTENV_API StopSignal {
 public:
  /// Fails: unavailable (no descriptor left).
  static Result<StopSignal> create();

  /// Async-signal-safe. Can't be undone. In a fork of the process that created it, does nothing.
  void request() const noexcept;
  /// Async-signal-safe.
  [[nodiscard]] bool requested() const noexcept;

 private:
  friend struct Internals;
  struct State;
  explicit StopSignal(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;  // null after a move
};

/// What may stop a call: a std::stop_token or a StopSignal. By default, nothing.
using Stop = std::variant<std::stop_token, StopSignal>;

}  // namespace rtenv
