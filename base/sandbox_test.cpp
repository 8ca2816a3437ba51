#include "base/sandbox.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

// The test's folder is in /tmp, which is hidden.
TEST(Sandbox, HidesWhatIsNotShown) {
  TreeBuilder tree;
  tree.file("data/x", "")
      .file("secret", "")
      .file("data/state/jobs.db", "")
      .link("data/link", "../secret");
  const SandboxFolders folders{.readable = {tree / "data"},
                               .hidden = {tree / "data/state", "/usr/share"},
                               .own = {tree / "data/state/own"},
                               .writable = {}};
  for (const char* hidden : {"secret", "data/link", "data/../secret", "data/state/jobs.db", "."})
    EXPECT_TRUE(is_hidden_in_sandbox(tree / hidden, folders)) << hidden;
  for (const char* shown : {"data", "data/x", "data/none", "data/state/own", "data/state/own/x"})
    EXPECT_FALSE(is_hidden_in_sandbox(tree / shown, folders)) << shown;
  EXPECT_TRUE(is_hidden_in_sandbox("/root/.ssh/id_ed25519", folders));
  EXPECT_TRUE(is_hidden_in_sandbox("/usr/share/doc", folders));
  EXPECT_TRUE(is_hidden_in_sandbox("/proc/1/environ", folders));
  EXPECT_FALSE(is_hidden_in_sandbox("/dev/null", folders));
  EXPECT_FALSE(is_hidden_in_sandbox("/usr/bin/env", folders));
  EXPECT_FALSE(is_hidden_in_sandbox("/etc/hosts", folders));
}

}  // namespace
}  // namespace rtenv
