#include "job/setup_thread.hpp"

#include "base/event.hpp"
#include "base/exceptions.hpp"
#include "base/thread.hpp"
#include "base/wait_scope.hpp"

namespace rtenv::job {
namespace {

constexpr auto k_installer_grace = std::chrono::seconds(1);

}  // namespace

struct SetupThread::Shared {
  Cancellation cancellation;
  Event done;
  std::optional<Result<PreparedJob>> result;
};

Result<SetupThread> SetupThread::start(Prepare prepare,
                                       std::optional<std::chrono::seconds> timeout) {
  RTENV_TRY(auto cancellation, Cancellation::create());
  RTENV_TRY(auto done, Event::create());
  auto shared = std::make_shared<Shared>(
      Shared{.cancellation = std::move(cancellation), .done = std::move(done), .result = {}});
  SetupThread setup(shared, timeout);
  auto work = [shared = std::move(shared), prepare = std::move(prepare)] {
    const WaitScope scope(&shared->cancellation);
    shared->result.emplace(without_exceptions([&] { return prepare(shared->cancellation); }));
    shared->done.raise();
  };
  RTENV_TRY(setup.thread_, start_thread(std::move(work)));
  return setup;
}

SetupThread::SetupThread(std::shared_ptr<Shared> shared,
                         std::optional<std::chrono::seconds> timeout)
    : shared_(std::move(shared)), timeout_(timeout) {
  if (timeout_) deadline_ = Clock::now() + *timeout_ + k_installer_grace;
}

SetupThread::~SetupThread() {
  if (!thread_.joinable()) return;
  cancel();
  thread_.detach();
}

int SetupThread::done_fd() const noexcept { return shared_->done.poll_fd(); }

void SetupThread::cancel() const noexcept { shared_->cancellation.request(); }

Result<PreparedJob> SetupThread::take() {
  thread_.join();
  Result<PreparedJob> result = std::move(*shared_->result);
  const bool timed_out = deadline_ && Clock::now() >= *deadline_;
  if (!result && timed_out && result.error().code() == Errc::cancelled)
    return fail(Errc::unavailable, "Timeout: it took longer than {} s", timeout_->count())
        .hint("raise config.setup_timeout_seconds in the runtime_env");
  return result;
}

}  // namespace rtenv::job
