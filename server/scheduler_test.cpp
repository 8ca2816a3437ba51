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

TEST(SchedulerTest, StartsJobsInTheOrderOfSubmission) {
  Scheduler scheduler(node(), 0);
  for (int i = 1; i <= 3; ++i) scheduler.enqueue(i, cpus(2));
  const auto begun = scheduler.starts();
  EXPECT_THAT(numbers(begun), ElementsAre(1, 2));
  EXPECT_THAT(scheduler.starts(), IsEmpty());
  scheduler.release(begun[0].allocation);
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(3));
}

TEST(SchedulerTest, OnlyJobsForOtherResourcesOvertakeAWaitingJob) {
  Scheduler scheduler(node(), 0);
  const auto running = scheduler.try_start(cpus(1));
  ASSERT_TRUE(running);
  scheduler.enqueue(1, cpus(4));
  scheduler.enqueue(2, cpus(1));
  scheduler.enqueue(3, gpus(1));
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(3)) << "it requests another resource";
  EXPECT_FALSE(scheduler.try_start(cpus(1))) << "a new job must not overtake either";
  EXPECT_TRUE(scheduler.try_start({}));
  scheduler.release(*running);
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(1));
}

TEST(SchedulerTest, FractionsShareAGpuAndWholeGpusAreExclusive) {
  Scheduler scheduler(node(), 0);
  const auto half = scheduler.try_start(gpus(0.5));
  const auto other_half = scheduler.try_start(gpus(0.5));
  const auto whole = scheduler.try_start(gpus(1));
  ASSERT_TRUE(half && other_half && whole);
  EXPECT_EQ(half->gpus, other_half->gpus);
  EXPECT_NE(half->gpus, whole->gpus);
  EXPECT_FALSE(scheduler.try_start(gpus(0.1)));
  scheduler.release(*half);
  EXPECT_FALSE(scheduler.try_start(gpus(1))) << "only half of a GPU is free";
  scheduler.release(*other_half);
  scheduler.release(*whole);
  EXPECT_THAT(scheduler.try_start(gpus(2))->gpus, ElementsAre(0, 1));
}

TEST(SchedulerTest, FractionsAddUpExactly) {
  Scheduler scheduler(node(), 0);
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(scheduler.try_start(cpus(0.1))) << i;
  EXPECT_FALSE(scheduler.try_start(cpus(0.1)));
}

TEST(SchedulerTest, ExplainsDemandsThatCannotBeSatisfied) {
  const Scheduler scheduler(node(), 0);
  EXPECT_EQ(scheduler.why_unsatisfiable(cpus(5)), "it requests 5 CPU, this machine has 4");
  EXPECT_EQ(scheduler.why_unsatisfiable(gpus(3)), "it requests 3 GPU, this machine has 2");
  EXPECT_EQ(scheduler.why_unsatisfiable({.custom = {{"tpu", 2}}}),
            "it requests 2 of the resource 'tpu', this machine has 1");
  EXPECT_EQ(scheduler.why_unsatisfiable({.memory_bytes = 1001}),
            "it requests 1001 bytes of memory, this machine has 1000");
  EXPECT_TRUE(scheduler.why_unsatisfiable({.labels = {{"zone", "a"}}}));
  EXPECT_FALSE(scheduler.why_unsatisfiable({.labels = {{"zone", "!a"}}}));
  EXPECT_FALSE(scheduler.why_unsatisfiable(cpus(4)));
}

TEST(SchedulerTest, LimitsTheNumberOfRunningJobs) {
  Scheduler scheduler(node(), 2);
  for (int i = 1; i <= 3; ++i) scheduler.enqueue(i, {});
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(1, 2));
  EXPECT_FALSE(scheduler.try_start({}));
}

TEST(SchedulerTest, WithdrawnJobDoesNotBlockOthers) {
  Scheduler scheduler(node(), 0);
  const auto running = scheduler.try_start(cpus(2));
  scheduler.enqueue(1, cpus(4));
  scheduler.enqueue(2, cpus(2));
  EXPECT_THAT(scheduler.starts(), IsEmpty());
  EXPECT_EQ(scheduler.waiting(), 2U);
  scheduler.withdraw(1);
  scheduler.withdraw(7);
  EXPECT_THAT(numbers(scheduler.starts()), ElementsAre(2));
  EXPECT_EQ(scheduler.waiting(), 0U);
}

TEST(SchedulerTest, MemoryAndCustomResourcesAreReleased) {
  Scheduler scheduler(node(), 0);
  const Demand all{.memory_bytes = 1000, .custom = {{"tpu", 1}}};
  const auto first = scheduler.try_start(all);
  ASSERT_TRUE(first);
  EXPECT_FALSE(scheduler.try_start({.memory_bytes = 1}));
  EXPECT_FALSE(scheduler.try_start({.custom = {{"tpu", 0.5}}}));
  scheduler.release(*first);
  EXPECT_TRUE(scheduler.try_start(all));
}

TEST(SchedulerTest, OccupyReservesTheResourcesOfRunningJobs) {
  Scheduler scheduler(node(), 1);
  const Allocation earlier{.demand = gpus(2), .gpus = {0, 1}};
  scheduler.occupy(earlier);
  EXPECT_FALSE(scheduler.try_start(cpus(1))) << "one job at a time";
  scheduler.release(earlier);
  EXPECT_THAT(scheduler.try_start(gpus(1))->gpus, ElementsAre(0));
}

TEST(SchedulerTest, MachineWithoutResourcesStartsJobsThatRequestNone) {
  Scheduler scheduler({}, 0);
  EXPECT_TRUE(scheduler.try_start({}));
  EXPECT_TRUE(scheduler.why_unsatisfiable(cpus(0.1)));
  EXPECT_FALSE(scheduler.why_unsatisfiable({}));
}

}  // namespace
}  // namespace rtenv::server
