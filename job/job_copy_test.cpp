#include "job/job_copy.hpp"

#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <atomic>
#include <cstdlib>
#include <set>

#include "base/fault_point.hpp"
#include "job/job_copy_fixture.hpp"
#include "job/tree_repair.hpp"

namespace rtenv::job {
namespace {

using cache::Cache;
using cache::Kind;
using cache::Lease;
using testing::IsEmpty;
using testing::SizeIs;

constexpr JobCopyOptions k_options{.threads = 2};

using JobCopyTest = CopyFolder;

// A job that has a copy until its scope ends, and then gives it back.
class Job {
 public:
  explicit Job(JobCopy copy) : copy_(std::move(copy)) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job() { [[maybe_unused]] const auto given_back = copy_.give_back(k_options); }

  [[nodiscard]] const Path& path() const { return copy_.path(); }
  [[nodiscard]] bool is_last() const { return copy_.is_last(); }
  Result<void> repair() { return copy_.repair(k_options); }

 private:
  JobCopy copy_;
};

Job take(Cache& cache, const Lease& tree) {
  return Job(must(JobCopy::take(cache, tree, tree.path() / "top", k_options)));
}

std::size_t copies(Cache& cache) { return must(cache.usage())[Kind::copy].entries; }

TEST_F(JobCopyTest, IsUsedAgainAndLooksNew) {
  const auto fresh = expected();
  Cache cache = open();
  const Lease tree = tree_of(cache);
  Path first;
  {
    const Job copy = take(cache, tree);
    first = copy.path();
    EXPECT_EQ(first.filename(), "working_dir");
    EXPECT_EQ(describe(first), fresh);
    EXPECT_TRUE(copy.is_last());
  }
  const Job again = take(cache, tree);
  EXPECT_EQ(again.path(), first);
  EXPECT_EQ(describe(again.path()), fresh);
  const Job other = take(cache, tree);
  EXPECT_NE(other.path(), first) << "the first one is in use";
  EXPECT_EQ(describe(other.path()), fresh);
  EXPECT_EQ(copies(cache), 2U);
}

TEST_F(JobCopyTest, LooksNewWhateverTheLastJobDid) {
  const auto fresh = expected();
  const char* rounds_text = std::getenv("RTENV_COPY_ROUNDS");
  const int rounds = rounds_text != nullptr ? std::atoi(rounds_text) : 60;
  Cache cache = open();
  const Lease tree = tree_of(cache);
  std::set<Path> used;
  for (int round = 0; round < rounds; ++round) {
    Job copy = take(cache, tree);
    used.insert(copy.path());
    ASSERT_EQ(describe(copy.path()), fresh) << "after round " << round;
    const auto seed = static_cast<unsigned>(round);
    // A child, because it changes what the parent's libraries must not see.
    ASSERT_EQ(in_child([&] { Mutator(copy.path(), outside(), seed).run(1 + round % 12); }), 0);
    if (round % 3 != 0) continue;
    if (const auto repaired = copy.repair()) {
      ASSERT_EQ(describe(copy.path()), fresh) << "repaired after round " << round;
    }
  }
  EXPECT_LE(copies(cache), 1U) << "those that can't be repaired are removed";
  EXPECT_LT(used.size(), static_cast<std::size_t>(rounds) / 2 + 1) << "most can be repaired";
  EXPECT_EQ(describe(take(cache, tree).path()), fresh);
}

TEST_F(JobCopyTest, NoticesAChangeRightAfterItWasTaken) {
  Cache cache = open();
  const Lease tree = tree_of(cache);
  for (int round = 0; round < 100; ++round) {
    const Job copy = take(cache, tree);
    const Path file = copy.path() / "d2/f1";
    ASSERT_EQ(content_of(file)[0], 'c') << round;
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    const Fd fd = must(open_file(file, O_WRONLY));
    ASSERT_EQ(::pwrite(fd.get(), "#", 1, 0), 1);
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    ASSERT_EQ(::futimens(fd.get(), times.data()), 0);
  }
}

TEST_F(JobCopyTest, ComparesContentsIfChangeTimesDoNotTellOfEveryChange) {
  Cache cache = open();
  const Lease tree = tree_of(cache);
  const Path from = tree.path() / "top";
  const Path folder = folder_ / "copy";
  must(make_directories(folder));
  must(clone_tree(from, folder / "top"));
  // As if the kernel hadn't noticed the write.
  Mutator::write_by_mapping(folder / "top/d2/sub/f2");
  std::filesystem::last_write_time(folder / "top/d2/sub/f2",
                                   std::filesystem::last_write_time(from / "d2/sub/f2"));
  auto stamps = must(record_stamps(folder, "top", must(identity_of(from)), 2));
  EXPECT_EQ(
      must(repair_tree(folder, from, "", stamps, {.change_times = ChangeTimes::every_change})), 0U);
  EXPECT_EQ(must(repair_tree(folder, from, "", stamps,
                             {.change_times = ChangeTimes::not_mapped_writes, .threads = 2})),
            1U);
  EXPECT_EQ(content_of(folder / "top/d2/sub/f2")[0], 'c');
}

TEST_F(JobCopyTest, NoticesAWriteToMappedMemory) {
  const auto fresh = expected();
  Cache cache = open();
  const Lease tree = tree_of(cache);
  Path first;
  {
    const Job copy = take(cache, tree);
    first = copy.path();
    Mutator::write_by_mapping(first / "d2/sub/f2");
  }
  const Job next = take(cache, tree);
  EXPECT_EQ(next.path(), first) << "it is used again";
  EXPECT_EQ(describe(next.path()), fresh);
}

TEST_F(JobCopyTest, CannotBeReachedThroughALinkOfAnEarlierJob) {
  const auto fresh = expected();
  Cache cache = open();
  const Lease tree = tree_of(cache);
  const Path link = outside() / "link";
  {
    const Job copy = take(cache, tree);
    ASSERT_EQ(::link((copy.path() / "d1/f1").c_str(), link.c_str()), 0);
  }
  const Job copy = take(cache, tree);
  std::ofstream(link) << "written by the earlier job";
  EXPECT_EQ(describe(copy.path()), fresh);
}

TEST_F(JobCopyTest, ChangesNothingBehindALinkThatAJobPutInItsPlace) {
  Cache cache = open();
  const Lease tree = tree_of(cache);
  const Path victim = outside() / "victim";
  must(make_directories(victim / "working_dir"));
  std::ofstream(victim / "working_dir/precious") << "gold";
  std::ofstream(victim / "stamps") << "theirs";
  for (const bool repairs : {true, false}) {
    JobCopy copy = must(JobCopy::take(cache, tree, tree.path() / "top", k_options));
    const Path entry = copy.path().parent_path();
    must(rename_path(entry, entry.native() + ".moved"));
    std::filesystem::create_directory_symlink(victim, entry);
    EXPECT_THAT(repairs ? copy.repair(k_options) : copy.give_back(k_options),
                IsError(Errc::corrupt, "moved its directory"));
  }
  EXPECT_EQ(content_of(victim / "working_dir/precious"), "gold");
  EXPECT_EQ(content_of(victim / "stamps"), "theirs");
}

TEST_F(JobCopyTest, IsNotUsedAgainIfItsJobWasKilled) {
  Cache cache = open();
  const Lease tree = tree_of(cache);
  Path first;
  {
    const JobCopy copy = must(JobCopy::take(cache, tree, tree.path() / "top", k_options));
    first = copy.path();  // not given back
  }
  const Job next = take(cache, tree);
  EXPECT_NE(next.path(), first) << "processes of the killed job may still write to it";
  EXPECT_EQ(copies(cache), 1U);
}

TEST_F(JobCopyTest, GivesTheSpaceBackWhenItIsRepaired) {
  Cache cache = open();
  const Lease tree = tree_of(cache);
  Job copy = take(cache, tree);
  std::ofstream(copy.path() / "result") << std::string(1 << 20, 'r');
  must(copy.repair());
  EXPECT_FALSE(std::filesystem::exists(copy.path() / "result"));
}

TEST_F(JobCopyTest, IsReplacedIfItCannotBeRepaired) {
  const auto fresh = expected();
  Cache cache = open();
  const Lease tree = tree_of(cache);
  int flags = FS_IMMUTABLE_FL;
  Fd file;
  Path first;
  {
    const Job copy = take(cache, tree);
    first = copy.path();
    file = must(open_file(first / "d1/f1", O_RDONLY));
    if (::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) != 0)
      GTEST_SKIP() << "files can't be made immutable here";
  }
  {
    const Job copy = take(cache, tree);
    EXPECT_NE(copy.path(), first);
    EXPECT_EQ(describe(copy.path()), fresh);
    EXPECT_EQ(copies(cache), 1U);
    EXPECT_THAT(Cache::open(folder_.root()), IsOk()) << "files that can't be removed are left";
  }
  flags = 0;
  EXPECT_EQ(::ioctl(file.get(), FS_IOC_SETFLAGS, &flags), 0);
}

TEST_F(JobCopyTest, IsNotUsedForATreeThatWasBuiltAgain) {
  Cache cache = open();
  Path first;
  {
    const Lease tree = tree_of(cache);
    first = take(cache, tree).path();
  }
  EXPECT_TRUE(must(cache.remove(Kind::tree, "tree")));
  const Lease tree = tree_of(cache);
  const Job copy = take(cache, tree);
  EXPECT_NE(copy.path(), first);
  EXPECT_EQ(describe(copy.path()), expected());
}

TEST_F(JobCopyTest, IsEvictedWhileUnusedAndNeverWhileUsed) {
  Cache cache = open();
  const Lease tree = tree_of(cache);
  const cache::Limits none{.max_bytes = 0};
  {
    const Job copy = take(cache, tree);
    EXPECT_THAT(must(cache.collect(none, false)).removed, IsEmpty());
    EXPECT_TRUE(std::filesystem::exists(copy.path()));
  }
  EXPECT_THAT(must(cache.collect(none, false)).removed, SizeIs(1));
  EXPECT_EQ(copies(cache), 0U);
}

TEST_F(JobCopyTest, IsTakenByOneProcessAtATime) {
  const auto fresh = expected();
  const auto work = [&] {
    Cache cache = open();
    const Lease tree = tree_of(cache);
    for (int round = 0; round < 15; ++round) {
      const Job copy = take(cache, tree);
      EXPECT_EQ(describe(copy.path()), fresh);
      const std::string mine = std::to_string(::getpid());
      EXPECT_THAT(open_file(copy.path() / "mine", O_WRONLY | O_CREAT | O_EXCL), IsOk());
      std::ofstream(copy.path() / "d1/f1") << mine;
      ::usleep(1000);
      EXPECT_EQ(content_of(copy.path() / "d1/f1"), mine);
    }
  };
  EXPECT_EQ(in_child([&] {
              EXPECT_EQ(in_child([&] {
                          const pid_t pid = ::fork();
                          work();
                          if (pid == 0) ::_exit(HasFailure() ? 1 : 0);
                          int status = 0;
                          ::waitpid(pid, &status, 0);
                          EXPECT_EQ(status, 0);
                        }),
                        0);
            }),
            0);
  Cache cache = open();
  EXPECT_LE(copies(cache), 2U);
}

// The fault hook: kills the process at the point with this number.
std::atomic<int> g_points_left{0};
int kill_later(const char*) {
  if (--g_points_left == 0) ::kill(::getpid(), SIGKILL);
  return 0;
}

TEST_F(JobCopyTest, IsWholeAfterAKillAtAnyPoint) {
  const auto fresh = expected();
  int killed = 0;
  for (int point = 1; point <= 40; ++point) {
    const int status = in_child([&] {
      Cache cache = open();
      const Lease tree = tree_of(cache);
      if (point > 15) {
        const Job copy = take(cache, tree);
        Mutator(copy.path(), outside(), static_cast<unsigned>(point)).run(12);
      }
      g_points_left = point > 15 ? point - 15 : point;
      fault_hook = kill_later;
      const Job copy = take(cache, tree);
      EXPECT_EQ(describe(copy.path()), fresh);
    });
    ASSERT_TRUE(status <= 0) << status;
    if (status < 0) ++killed;
    Cache cache = open();
    const Lease tree = tree_of(cache);
    ASSERT_EQ(describe(take(cache, tree).path()), fresh) << point;
    EXPECT_LE(copies(cache), 1U) << "the copy of a killed job is removed";
    if (point <= 8) must(cache.collect({.max_bytes_of_kind = {{Kind::copy, 0}}}, false));
  }
  EXPECT_GT(killed, 20);
}

TEST_F(JobCopyTest, HasOneSpareMadeByTwoProcesses) {
  expected();
  EXPECT_EQ(in_child([&] {
              const pid_t pid = ::fork();
              Cache cache = open();
              const Lease tree = tree_of(cache);
              must(make_spare_copy(cache, tree, tree.path() / "top", k_options));
              if (pid == 0) ::_exit(0);
              int status = 0;
              ::waitpid(pid, &status, 0);
              EXPECT_EQ(status, 0);
            }),
            0);
  Cache cache = open({.limits = {.max_bytes_of_kind = {{Kind::copy, 1}}}});
  const Lease tree = tree_of(cache);
  EXPECT_EQ(copies(cache), 1U);
  const Job copy = take(cache, tree);
  EXPECT_TRUE(copy.is_last());
  must(make_spare_copy(cache, tree, tree.path() / "top", k_options));
  EXPECT_EQ(copies(cache), 1U) << "it would exceed the limit";
}

}  // namespace
}  // namespace rtenv::job
