#include "server/scheduler.hpp"

#include <gmock/gmock.h>

namespace rtenv::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

NodeResources node() {
  return {.cpus = 4,
          .gpus = {0, 1},
          .gpu_variable = "CUDA_VISIBLE_DEVICES",
          .memory_bytes = 1000,
          .custom = {{"tpu", 1}}};
}
Demand cpus(double amount) { return {.cpus = amount}; }
Demand gpus(double amount) { return {.gpus = amount, .names_gpus = true}; }

std::vector<std::int64_t> numbers(const std::vector<Scheduler::Start>& starts) {
  std::vector<std::int64_t> result;
  for (const auto& start : starts) result.push_back(start.number);
  return result;
}

TEST(Scheduler, FirstComeFirstServed) {
  Scheduler scheduler(node(), 0);
  for (int i = 1; i <= 3; ++i) scheduler.enqueue(i, cpus(2));
  const auto begun = scheduler.starts();
  EXPECT_THAT(numbers(begun), ElementsAre(1, 2));
  EXPECT_THAT(scheduler.starts(), IsEmpty());
  scheduler.release(begun[0].allocation);
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(3));
}

TEST(Scheduler, ALargeJobIsNotOvertakenByThoseThatWantTheSame) {
  Scheduler scheduler(node(), 0);
  const auto running = scheduler.try_start(cpus(1));
  ASSERT_TRUE(running);
  scheduler.enqueue(1, cpus(4));
  scheduler.enqueue(2, cpus(1));
  scheduler.enqueue(3, gpus(1));
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(3)) << "who wants something else goes on";
  EXPECT_FALSE(scheduler.try_start(cpus(1))) << "nor by a new one";
  EXPECT_TRUE(scheduler.try_start({}));
  scheduler.release(*running);
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(1));
}

TEST(Scheduler, GpusAreDistinctAndFractionsShareOne) {
  Scheduler scheduler(node(), 0);
  const auto half = scheduler.try_start(gpus(0.5));
  const auto other_half = scheduler.try_start(gpus(0.5));
  const auto whole = scheduler.try_start(gpus(1));
  ASSERT_TRUE(half && other_half && whole);
  EXPECT_EQ(half->gpus, other_half->gpus);
  EXPECT_NE(half->gpus, whole->gpus);
  EXPECT_FALSE(scheduler.try_start(gpus(0.1)));
  scheduler.release(*half);
  EXPECT_FALSE(scheduler.try_start(gpus(1))) << "half a GPU is left";
  scheduler.release(*other_half);
  scheduler.release(*whole);
  EXPECT_THAT(scheduler.try_start(gpus(2))->gpus, ElementsAre(0, 1));
}

TEST(Scheduler, TenTenthsAreAWhole) {
  Scheduler scheduler(node(), 0);
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(scheduler.try_start(cpus(0.1))) << i;
  EXPECT_FALSE(scheduler.try_start(cpus(0.1)));
}

TEST(Scheduler, TellsWhatCanNeverBe) {
  const Scheduler scheduler(node(), 0);
  EXPECT_EQ(scheduler.why_unsatisfiable(cpus(5)), "it asks for 5 CPU, this machine has 4");
  EXPECT_EQ(scheduler.why_unsatisfiable(gpus(3)), "it asks for 3 GPU, this machine has 2");
  EXPECT_EQ(scheduler.why_unsatisfiable({.custom = {{"tpu", 2}}}),
            "it asks for 2 of the resource 'tpu', this machine has 1");
  EXPECT_EQ(scheduler.why_unsatisfiable({.memory_bytes = 1001}),
            "it asks for 1001 bytes of memory, this machine has 1000");
  EXPECT_TRUE(scheduler.why_unsatisfiable({.labels = {{"zone", "a"}}}));
  EXPECT_FALSE(scheduler.why_unsatisfiable({.labels = {{"zone", "!a"}}}));
  EXPECT_FALSE(scheduler.why_unsatisfiable(cpus(4)));
}

TEST(Scheduler, NoMoreThanSoManyAtATime) {
  Scheduler scheduler(node(), 2);
  for (int i = 1; i <= 3; ++i) scheduler.enqueue(i, {});
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(1, 2));
  EXPECT_FALSE(scheduler.try_start({}));
}

}  // namespace
}  // namespace rtenv::server
