#include "server/server.hpp"

#include <mutex>
#include <semaphore>
#include <thread>

#include "base/blocked_signals.hpp"
#include "base/exceptions.hpp"
#include "base/origin.hpp"
#include "base/thread.hpp"
#include "cache/cache.hpp"
#include "server/own_thread.hpp"
#include "server/service.hpp"

namespace rtenv::server {

// What the object and the server's thread share.
struct Server::State {
  State(Event stop_event, Event reload_event, Event end_event)
      : stop(std::move(stop_event)), reload(std::move(reload_event)), end(std::move(end_event)) {}

  void run(ServerOptions options) noexcept;

  Event stop;
  Event reload;
  Event end;
  Origin origin;
  std::binary_semaphore begun{0};  // when it is released, the next two stay as they are
  bool is_open = false;
  std::string address;
  std::mutex joining;
  std::thread thread;    // guarded by `joining`
  Result<void> outcome;  // valid once the thread was joined
};

void Server::State::run(ServerOptions options) noexcept {
  const OwnThread own;
  outcome = without_exceptions([&]() -> Result<void> {
    RTENV_TRY(const auto service, Service::open(std::move(options), stop, reload));
    address = service->address();
    is_open = true;
    begun.release();
    return service->run();
  });
  if (!is_open) begun.release();
  end.raise();
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<Server> Server::start(ServerOptions options) {
  return without_exceptions([&]() -> Result<Server> {
    RTENV_TRY(auto stop, Event::create());
    RTENV_TRY(auto reload, Event::create());
    RTENV_TRY(auto end, Event::create());
    auto state = std::make_shared<State>(std::move(stop), std::move(reload), std::move(end));
    {
      const BlockedSignals blocked;
      RTENV_TRY(state->thread,
                start_thread([state, options = std::move(options)]() mutable noexcept {
                  state->run(std::move(options));
                }));
    }
    state->begun.acquire();
    if (state->is_open) return Server(std::move(state));
    state->thread.join();
    return Failure(state->outcome.error());
  });
}

Server& Server::operator=(Server&& other) noexcept {
  if (this != &other) {
    release();
    state_ = std::move(other.state_);
  }
  return *this;
}

Server::~Server() { release(); }

void Server::release() noexcept {
  if (!state_) return;
  if (!state_->origin.is_this_process()) {
    // The thread isn't here: what it refers to is never destroyed.
    [[maybe_unused]] const auto* const leaked =
        new (std::nothrow) std::shared_ptr<State>(std::move(state_));
    return;
  }
  state_->stop.raise();
  if (state_->thread.joinable() && OwnThread::is_current())
    state_->thread.detach();
  else if (state_->thread.joinable())
    state_->thread.join();
  state_.reset();
}

const std::string& Server::address() const noexcept {
  static const std::string none;
  return state_ ? state_->address : none;
}

void Server::reload() noexcept {
  if (state_ && state_->origin.is_this_process()) state_->reload.raise();
}

void Server::request_stop() noexcept {
  if (state_ && state_->origin.is_this_process()) state_->stop.raise();
}

int Server::poll_fd() const noexcept { return state_ ? state_->end.poll_fd() : -1; }

Result<void> Server::wait() {
  if (!state_) return fail(Errc::invalid_argument, "this object has no server: it was moved from");
  if (!state_->origin.is_this_process())
    return fail(Errc::invalid_argument,
                "the server runs in the process that this one was forked from");
  std::unique_lock lock(state_->joining, std::defer_lock);
  if (!OwnThread::is_current())
    lock.lock();
  else if (!lock.try_lock() || state_->thread.joinable())
    return fail(Errc::invalid_argument, "code that a server calls can't wait for a server's end")
        .hint("call request_stop()");
  if (state_->thread.joinable()) state_->thread.join();
  return state_->outcome;
}

Result<void> Server::stop() {
  request_stop();
  return wait();
}

}  // namespace rtenv::server
