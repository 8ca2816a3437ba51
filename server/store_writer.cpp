#include "server/store_writer.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "base/exceptions.hpp"
#include "base/fault_point.hpp"
#include "base/log.hpp"
#include "server/own_thread.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

StoreWriter::StoreWriter(std::unique_ptr<JobStore> store)
    : store_(std::move(store)), thread_([this] { run(); }) {}

StoreWriter::~StoreWriter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void StoreWriter::write(Work work, Done done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(work), std::move(done)});
  }
  wake_.notify_one();
}

asio::awaitable<Result<void>> StoreWriter::commit(Work work) {
  const auto executor = co_await asio::this_coro::executor;
  // GCC 12 copies converted temporaries of a co_await expression bitwise: hence the named variable.
  auto start = [this, &work, executor](auto handler) {
    // By pointer: a std::function must be copyable.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    write(std::move(work), [shared, executor](Result<void> done) {
      asio::post(executor, [shared, done = std::move(done)]() mutable {
        std::move (*shared)(std::move(done));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
      start, asio::use_awaitable);
}

void StoreWriter::run() {
  const OwnThread own;
  for (;;) {
    std::vector<Item> items;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      items.swap(waiting_);
    }
    write_all(items);
  }
}

void StoreWriter::write_all(std::vector<Item>& items) {
  const auto transaction = [&](const std::function<Result<void>()>& body) {
    return without_exceptions([&] {
      return store_->transaction([&]() -> Result<void> {
        RTENV_TRY(fault_point("store.begun"));
        return without_exceptions(body);
      });
    });
  };
  const auto together = transaction([&]() -> Result<void> {
    for (const Item& item : items) RTENV_TRY(item.work(*store_));
    return fault_point("store.written");
  });
  pause_point("store.committed");
  // If one failed, each is tried alone, so that it doesn't affect the others.
  const auto alone = [&](const Item& item) {
    return transaction([&] { return item.work(*store_); });
  };
  for (const Item& item : items) {
    auto written = together ? Result<void>() : alone(item);
    const auto told = without_exceptions([&]() -> Result<void> {
      item.done(std::move(written));
      return {};
    });
    if (!told) log::warn("the job server goes on after an error: {}", told.error().message());
  }
}

}  // namespace rtenv::server
