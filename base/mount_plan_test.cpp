#include "base/mount_plan.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/file.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

class MountPlanTest : public testing::Test {
 protected:
  MountPlanTest() {
    files_.file("cache/tree,a:b\\c/file", "from the tree").directory("cache/own");
    must(make_overlay_folders(overlay_));
    own_user_namespace_ = ::geteuid() != 0;
  }

  [[nodiscard]] MountPlan plan(std::vector<Path> writable = {}) const {
    return MountPlan({.overlay = overlay_,
                      .read_only = files_ / "cache",
                      .writable = std::move(writable),
                      .own_user_namespace = own_user_namespace_});
  }

  // A trial with folders of its own: a volatile overlay can be mounted once.
  [[nodiscard]] bool are_mounts_allowed() const {
    const Overlay trial{.lower = overlay_.lower, .folder = files_ / "trial"};
    must(make_overlay_folders(trial));
    return MountPlan({.overlay = trial,
                      .read_only = files_ / "cache",
                      .writable = {},
                      .own_user_namespace = own_user_namespace_})
        .try_out()
        .has_value();
  }

  // Enters the plan in a child process, and returns whether `check` succeeds there.
  template <class Check>
  static bool holds_inside(const MountPlan& plan, Check check) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(plan.enter() == nullptr && check() ? 0 : 1);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  TreeBuilder files_;
  Overlay overlay_{.lower = files_ / "cache/tree,a:b\\c", .folder = files_ / "cache/own"};
  bool own_user_namespace_ = false;
};

bool can_write(const Path& path) { return std::ofstream(path).put('x').flush().good(); }

TEST_F(MountPlanTest, ShowsTheTreeAndKeepsChangesToItApart) {
  if (!are_mounts_allowed()) GTEST_SKIP();
  EXPECT_TRUE(holds_inside(plan(), [&] {
    return content_of(overlay_.target() / "file") == "from the tree" &&
           can_write(overlay_.target() / "file") && can_write(overlay_.target() / "new");
  }));
  EXPECT_EQ(content_of(overlay_.lower / "file"), "from the tree");
  EXPECT_FALSE(std::filesystem::exists(overlay_.target() / "file")) << "only mounted in the child";
  EXPECT_FALSE(is_unchanged_overlay(overlay_.folder));
}

TEST_F(MountPlanTest, MakesAllButTheWritableFoldersReadOnly) {
  files_.directory("cache/env");
  if (!are_mounts_allowed()) GTEST_SKIP();
  EXPECT_TRUE(holds_inside(plan({files_ / "cache/env"}), [&] {
    return can_write(files_ / "cache/env/file") && !can_write(files_ / "cache/file") &&
           !can_write(overlay_.folder / "upper/file") && can_write(files_ / "outside");
  }));
}

TEST_F(MountPlanTest, ReportsWhatCannotBeMounted) {
  overlay_.lower = files_ / "missing";
  EXPECT_THAT(plan().try_out(), testing::Not(IsOk()));
}

TEST_F(MountPlanTest, AnOverlayCanBeRenewed) {
  if (!are_mounts_allowed()) GTEST_SKIP();
  EXPECT_TRUE(holds_inside(plan(), [&] { return can_write(overlay_.target() / "new"); }));
  must(renew_overlay(overlay_));
  EXPECT_TRUE(holds_inside(plan(), [&] { return content_of(overlay_.target() / "new") == "x"; }));
}

TEST_F(MountPlanTest, AnOverlayIsUnchangedUntilSomethingIsWritten) {
  EXPECT_TRUE(is_unchanged_overlay(overlay_.folder));
  files_.file("cache/own/upper/file", "x");
  EXPECT_FALSE(is_unchanged_overlay(overlay_.folder));
}

}  // namespace
}  // namespace rtenv
