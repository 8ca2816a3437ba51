#include "job/activation.hpp"

#include <gtest/gtest.h>

namespace rtenv::job {
namespace {

TEST(Activation, PrependsTheWorkingDirAndTheVirtualenv) {
  Environment node;
  node.set("PATH", "/usr/bin");
  node.set("PYTHONPATH", "/node");
  node.set("PYTHONHOME", "/broken");
  const Environment job = activate({.node = node,
                                    .env_vars = {{"PYTHONPATH", "/own"}, {"A", "b"}},
                                    .working_dir = "/w",
                                    .py_modules = {"/m1", "/m2"},
                                    .virtual_env = "/v",
                                    .programs = "/p"});
  EXPECT_EQ(job.find("PYTHONPATH"), "/m1:/m2:/w:/own");
  EXPECT_EQ(job.find("PATH"), "/p:/v/bin:/usr/bin");
  EXPECT_EQ(job.find("VIRTUAL_ENV"), "/v");
  EXPECT_EQ(job.find("PYTHONHOME"), std::nullopt);
  EXPECT_EQ(job.find("PYTHONUNBUFFERED"), "1");
  EXPECT_EQ(job.find("A"), "b");
}

TEST(Activation, WithoutDirectoryAndVirtualenvKeepsTheNodesPath) {
  Environment node;
  node.set("PATH", "/usr/bin");
  const Environment job = activate({.node = node});
  EXPECT_EQ(job.find("PATH"), "/usr/bin");
  EXPECT_EQ(job.find("PYTHONPATH"), std::nullopt);
  EXPECT_EQ(job.find("VIRTUAL_ENV"), std::nullopt);
}

TEST(Activation, RemovesServerVariables) {
  Environment server;
  server.set("RAY_AUTH_TOKEN", "secret");
  server.set("NOTIFY_SOCKET", "/run/notify");
  server.set("PATH", "/usr/bin");
  const Environment job = without_server_variables(server);
  EXPECT_EQ(job.find("RAY_AUTH_TOKEN"), std::nullopt);
  EXPECT_EQ(job.find("NOTIFY_SOCKET"), std::nullopt);
  EXPECT_EQ(job.find("PATH"), "/usr/bin");
}

}  // namespace
}  // namespace rtenv::job
