#include "base/sandbox_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::ElementsAre;

class SandboxViewTest : public testing::Test {
 protected:
  [[nodiscard]] std::string at(const std::string& name) const {
    return (std::filesystem::canonical(tree_.root()) / name).native();
  }

  TreeBuilder tree_;
  std::vector<std::string> arguments_;
  SandboxView view_{[this](std::initializer_list<std::string_view> words) {
    arguments_.push_back(fmt::format("{}", fmt::join(words, " ")));
  }};
};

TEST_F(SandboxViewTest, ShowsWhatIsInAHiddenFolder) {
  tree_.file("home/data/x", "").file("home/other", "").file("elsewhere", "");
  view_.hide(at("home"));
  view_.show(at("home/data"));
  view_.show(at("home/data/x"));  // is shown already
  view_.show(at("elsewhere"));
  view_.show(at("home/none"));
  view_.show_writable(at("home/data"));
  view_.create(at("home/new"));
  EXPECT_THAT(
      arguments_,
      ElementsAre("--tmpfs " + at("home"), fmt::format("--ro-bind {0} {0}", at("home/data")),
                  fmt::format("--bind {0} {0}", at("home/data")), "--dir " + at("home/new")));
}

TEST_F(SandboxViewTest, TheLastWordCounts) {
  tree_.file("home/state/own/x", "").file("home/key", "");
  view_.hide(at("home"));
  view_.show(at("home"));
  view_.hide(at("home/state"));
  view_.hide(at("home/key"));
  view_.show(at("home/state/own"));
  view_.show(at("home/state/own/x"));
  view_.create(at("home/new"));  // it isn't hidden
  EXPECT_THAT(arguments_,
              ElementsAre("--tmpfs " + at("home"), fmt::format("--ro-bind {0} {0}", at("home")),
                          "--tmpfs " + at("home/state"), "--ro-bind /dev/null " + at("home/key"),
                          fmt::format("--ro-bind {0} {0}", at("home/state/own"))));
}

TEST_F(SandboxViewTest, MakesTheLinksThatLeadToWhatIsShown) {
  tree_.file("home/python-3.12.1/bin/python", "").link("home/python-3.12", "python-3.12.1");
  std::filesystem::create_directory(tree_ / "home/bin");
  tree_.link("home/bin/python", "../python-3.12/bin/python").link("user", "home");
  view_.hide(at("user"));
  view_.show(at("user/bin/python"));
  view_.show(at("home/python-3.12.1"));
  EXPECT_THAT(
      arguments_,
      ElementsAre("--tmpfs " + at("home"),
                  fmt::format("--symlink ../python-3.12/bin/python {}", at("home/bin/python")),
                  fmt::format("--symlink python-3.12.1 {}", at("home/python-3.12")),
                  fmt::format("--ro-bind {0} {0}", at("home/python-3.12.1/bin/python")),
                  fmt::format("--ro-bind {0} {0}", at("home/python-3.12.1"))));
}

TEST_F(SandboxViewTest, EndlessLinksAreNotFollowed) {
  tree_.link("a", "b").link("b", "a").file("home/x", "");
  view_.hide(at("home"));
  view_.show(at("a/x"));
  EXPECT_THAT(arguments_, ElementsAre("--tmpfs " + at("home")));
}

TEST_F(SandboxViewTest, AFolderBehindALinkIsCreatedAndShownOnce) {
  tree_.file("real/x", "").directory("home").link("home/user", "../real");
  view_.hide(at("home"));
  view_.hide(at("home/user"));
  view_.create(at("home/user"));
  view_.show(at("home/user/x"));
  view_.show(at("home/user/x"));
  EXPECT_THAT(arguments_, ElementsAre("--tmpfs " + at("home"), "--tmpfs " + at("real"),
                                      "--symlink ../real " + at("home/user"), "--dir " + at("real"),
                                      fmt::format("--ro-bind {0} {0}", at("real/x"))));
}

TEST_F(SandboxViewTest, TheParentOfALinkIsThatOfItsTarget) {
  tree_.file("home/real/y", "").directory("home/real/x").link("l", "home/real/x");
  view_.hide(at("home"));
  view_.show(at("l/../y"));
  EXPECT_THAT(arguments_, ElementsAre("--tmpfs " + at("home"),
                                      fmt::format("--ro-bind {0} {0}", at("home/real/y"))));
}

TEST_F(SandboxViewTest, ADeviceFolderIsBwrapsOwn) {
  tree_.file("shm/cache/x", "");
  view_.assume_hidden(at("shm"));
  view_.show(at("shm/cache"));
  EXPECT_THAT(arguments_, ElementsAre(fmt::format("--ro-bind {0} {0}", at("shm/cache"))));
}

}  // namespace
}  // namespace rtenv
