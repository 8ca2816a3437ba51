#include "base/sandbox_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

TEST_F(SandboxViewTest, AFolderThatIsHiddenIsntShownAsAWhole) {
  tree_.file("home/x", "");
  view_.hide(at("home"));
  view_.show(at("home"));
  view_.show(at("."));
  EXPECT_THAT(arguments_, ElementsAre("--tmpfs " + at("home")));
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

TEST_F(SandboxViewTest, WhatProgramsNeedIsNeverHidden) {
  for (const char* folder : {"/", "/usr/sbin", "/bin", "/dev", "/nonexistent", "/usr/../usr"})
    view_.hide(folder);
  EXPECT_THAT(arguments_, IsEmpty());
}

}  // namespace
}  // namespace rtenv
