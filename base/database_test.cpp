#include "base/database.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

TEST(Database, CanBeCreatedByManyThreadsAtOnce) {
  constexpr int k_rounds = 20;
  constexpr int k_threads = 8;
  TreeBuilder tree;
  for (int round = 0; round < k_rounds; ++round) {
    const Path path = tree / std::to_string(round);
    std::atomic<bool> go = false;
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < k_threads; ++i)
      threads.emplace_back([&] {
        go.wait(false);
        auto database = Database::open(path);
        if (!database ||
            !database->execute("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)"))
          ++failures;
      });
    go = true;
    go.notify_all();
    threads.clear();
    EXPECT_EQ(failures, 0);
  }
}

}  // namespace
}  // namespace rtenv
