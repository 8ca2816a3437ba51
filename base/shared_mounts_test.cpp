#include "base/shared_mounts.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

class SharedMountsTest : public testing::Test {
 protected:
  SharedMountsTest() {
    files_.file("cache/tree/file", "from the tree").directory("cache/own");
    must(make_overlay_folders(overlay_));
  }
  void SetUp() override {
    const Overlay trial{.lower = overlay_.lower, .folder = files_ / "trial"};
    must(make_overlay_folders(trial));
    if (!plan(trial).try_out()) GTEST_SKIP() << "mounts aren't allowed here";
  }
  [[nodiscard]] MountPlan plan(const Overlay& overlay) const {
    return MountPlan({.overlay = overlay,
                      .read_only = files_ / "cache",
                      .writable = {files_ / "cache/own"},
                      .own_user_namespace = ::geteuid() != 0});
  }
  // The exit code of a shell script in the overlay.
  int run(SharedMounts& mounts, const std::string& script) const {
    auto child = must(mounts.spawn({.argv = {"/bin/sh", "-c", script},
                                    .environment = Environment::of_process(),
                                    .working_dir = overlay_.target()}));
    return must(child.wait()).exit_code;
  }

  TreeBuilder files_;
  Overlay overlay_{.lower = files_ / "cache/tree", .folder = files_ / "cache/own"};
};

TEST_F(SharedMountsTest, ProcessesSeeWhatEarlierOnesWrote) {
  SharedMounts mounts(plan(overlay_));
  EXPECT_EQ(run(mounts, "echo new > new && test -e file"), 0);
  EXPECT_EQ(run(mounts, "test \"$(cat new)\" = new && ! touch " + (files_ / "cache/x").native()),
            0);
  EXPECT_FALSE(std::filesystem::exists(files_ / "cache/tree/new"));
}

TEST_F(SharedMountsTest, SeveralProcessesBeginAtOnce) {
  SharedMounts mounts(plan(overlay_));
  std::vector<std::thread> threads;
  std::atomic<int> succeeded = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      if (run(mounts, fmt::format("echo {0} > {0} && test -e file", i)) == 0) ++succeeded;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 8);
  EXPECT_EQ(run(mounts, "test $(ls | wc -l) = 9"), 0);
}

TEST_F(SharedMountsTest, AProgramThatIsNotThereDoesNotHinderTheNext) {
  SharedMounts mounts(plan(overlay_));
  EXPECT_THAT(mounts.spawn({.argv = {"/no/such/program"}, .working_dir = overlay_.target()}),
              IsError(Errc::not_found));
  EXPECT_EQ(run(mounts, "test -e file"), 0);
}

TEST_F(SharedMountsTest, CanBeStartedAgainAfterAMountBesideTheOverlayFailed) {
  const Path writable = files_ / "cache/later";
  SharedMounts mounts(MountPlan({.overlay = overlay_,
                                 .read_only = files_ / "cache",
                                 .writable = {files_ / "cache/own", writable},
                                 .own_user_namespace = ::geteuid() != 0}));
  EXPECT_THAT(mounts.spawn({.argv = {"/bin/true"}, .working_dir = overlay_.target()}),
              IsError(Errc::not_found, "keep a folder writable"));
  must(make_directory(writable));
  EXPECT_EQ(run(mounts, "echo new > new && test -e file"), 0);
  EXPECT_EQ(run(mounts, "test -e new"), 0);
}

TEST_F(SharedMountsTest, TheProcessesHaveNoDescriptorOfTheMounts) {
  SharedMounts mounts(plan(overlay_));
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(run(mounts, "! ls -l /proc/$$/fd | grep 'mnt:\\|user:'"), 0);
}

}  // namespace
}  // namespace rtenv
