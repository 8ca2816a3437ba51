#include "base/processors.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

class Processors : public testing::Test {
 protected:
  unsigned of_cgroup() {
    return processors_of_cgroup(tree_.root() / "cgroup", tree_.root() / "fs");
  }
  TreeBuilder tree_;
};

TEST_F(Processors, TheSmallestShareOfACgroupAndThoseThatItIsInCounts) {
  tree_.file("cgroup", "1:name=systemd:/x\n0::/pod/container\n");
  EXPECT_EQ(of_cgroup(), 0U) << "no limit is known";
  tree_.file("fs/pod/container/cpu.max", "max 100000\n");
  EXPECT_EQ(of_cgroup(), 0U);
  tree_.file("fs/pod/cpu.max", "250000 100000\n");
  EXPECT_EQ(of_cgroup(), 3U);
  tree_.file("fs/cpu.max", "50000 100000\n");
  EXPECT_EQ(of_cgroup(), 1U);
}

TEST_F(Processors, InAContainerTheRootIsItsOwn) {
  tree_.file("cgroup", "0::/\n");
  tree_.file("fs/cpu.max", "200000 100000\n");
  EXPECT_EQ(of_cgroup(), 2U);
}

TEST_F(Processors, WhatCantBeReadIsNoLimit) {
  EXPECT_EQ(of_cgroup(), 0U) << "no file";
  tree_.file("cgroup", "4:cpu:/x\n");
  EXPECT_EQ(of_cgroup(), 0U) << "cgroup v1";
  tree_.file("cgroup", "0::/\n");
  for (const char* text : {"", "max", "0 100000", "100000 0", "-1 100000", "99999999999 100000"}) {
    tree_.file("fs/cpu.max", text);
    EXPECT_EQ(of_cgroup(), 0U) << text;
  }
  EXPECT_GE(default_threads(), 1U);
}

}  // namespace
}  // namespace rtenv
