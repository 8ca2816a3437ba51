// What the public classes hold, and the way to it.
#pragma once

#include <atomic>

#include "base/cancellation.hpp"
#include "cache/cache.hpp"
#include "envbuild/virtual_env.hpp"
#include "rtenv/environment.hpp"
#include "rtenv/job.hpp"
#include "rtenv/stop.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv {

struct StopSignal::State {
  Cancellation cancellation;
};

struct Cache::State {
  explicit State(cache::Cache opened) : cache(std::move(opened)) {}

  cache::Cache cache;
  /// A trial takes longer than the rest of the preparation of a job.
  std::atomic<bool> overlays_work = false;
};

struct Lease::State {
  cache::Lease lease;
  Path path;  // of the entry, or below it
};

struct RuntimeEnv::State {
  runtime_env::RuntimeEnv value;
};

/// A friend of the public classes.
struct Internals {
  /// Null: it was moved from.
  static const Cancellation* of(const StopSignal& signal) noexcept {
    return signal.state_ == nullptr ? nullptr : &signal.state_->cancellation;
  }
  static StopSignal stop_signal(Cancellation cancellation) {
    return StopSignal(std::make_shared<StopSignal::State>(std::move(cancellation)));
  }
  static cache::Cache& of(const Cache& cache) { return cache.state_->cache; }
  static std::atomic<bool>& overlays_work(const Cache& cache) {
    return cache.state_->overlays_work;
  }
  static Cache cache(cache::Cache cache) {
    return Cache(std::make_shared<Cache::State>(std::move(cache)));
  }
  static Lease lease(cache::Lease lease) {
    Path path = lease.path();
    return lease_of(std::move(lease), std::move(path));
  }
  static Lease lease_of(cache::Lease lease, Path path) {
    return make<Lease>(std::move(lease), std::move(path));
  }
  static runtime_env::RuntimeEnv& of(const RuntimeEnv& runtime_env) {
    return runtime_env.state_->value;
  }
  static RuntimeEnv runtime_env(runtime_env::RuntimeEnv value) {
    RuntimeEnv result;
    result.state_->value = std::move(value);
    return result;
  }
  /// `members`: of Public::State.
  template <class Public, class... Members>
  static auto make_state(Members&&... members) {
    using State = typename Public::State;
    return std::unique_ptr<State>(new State{std::forward<Members>(members)...});
  }
  template <class Public>
  static Public from_state(std::unique_ptr<typename Public::State> state) {
    return Public(std::move(state));
  }
  template <class Public, class... Members>
  static Public make(Members&&... members) {
    return from_state<Public>(make_state<Public>(std::forward<Members>(members)...));
  }
};

}  // namespace rtenv
