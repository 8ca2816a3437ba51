#include "remote/netrc.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

TEST(Netrc, IsNamedByAVariableOrBelowHome) {
  Environment environment;
  EXPECT_EQ(netrc_file(environment), std::nullopt);
  environment.set("HOME", "/home/me");
  EXPECT_EQ(netrc_file(environment), "/home/me/.netrc");
  environment.set("NETRC", "/other");
  EXPECT_EQ(netrc_file(environment), "/other");
}

TEST(Netrc, AnEntryNamesItsHost) {
  TreeBuilder tree;
  tree.file("netrc", "machine Host login machine password other\ndefault login me password p\n");
  const Path file = tree.root() / "netrc";
  EXPECT_TRUE(netrc_names(file, "host"));
  EXPECT_FALSE(netrc_names(file, "me"));
  EXPECT_FALSE(netrc_names(file, "host.example"));
  EXPECT_FALSE(netrc_names(tree.root() / "none", "host"));
}

TEST(Netrc, WhatIsNoEntryNamesNoHost) {
  for (const char* const text : {"# machine host\ndefault login me password p\n",
                                 "macdef init\nmachine host\n\ndefault login me\n",
                                 "machine other login me password machine\nhost\n",
                                 "default login me password p\nmachine host login you\n"}) {
    TreeBuilder tree;
    tree.file("netrc", text);
    EXPECT_FALSE(netrc_names(tree.root() / "netrc", "host")) << text;
  }
}

}  // namespace
}  // namespace rtenv::remote
