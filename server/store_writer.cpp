#include "server/store_writer.hpp"

namespace rtenv::server {

StoreWriter::StoreWriter(JobStore store) : store_(std::move(store)), thread_([this] { run(); }) {}

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

void StoreWriter::run() {
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
  const auto together = store_.transaction([&]() -> Result<void> {
    for (const Item& item : items) RTENV_TRY(item.work(store_));
    return {};
  });
  // If one failed, each is tried alone, so that it doesn't affect the others.
  for (Item& item : items)
    item.done(together ? Result<void>() : store_.transaction([&] { return item.work(store_); }));
}

}  // namespace rtenv::server
