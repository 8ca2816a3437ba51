#include "envbuild/git_credentials.hpp"

#include <gtest/gtest.h>

#include "base/process.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::envbuild {
namespace {

TEST(GitCredentials, AreTakenOutOfAListAndToldToGit) {
  GitCredentials credentials;
  EXPECT_EQ(credentials.take("a @ git+https://us%65r:p'w@h:8443/a.git@main\n"
                             "b @ git+http://token@other/b\nc @ https://u:p@h/c.whl\n"
                             "d @ git+https://h/d\n"),
            "a @ git+https://h:8443/a.git@main\n"
            "b @ git+http://other/b\nc @ https://u:p@h/c.whl\n"
            "d @ git+https://h/d\n");
  const TreeBuilder folder;
  Environment environment = Environment::of_process();
  must(credentials.provide(folder.root(), environment));
  const auto answer = [&](const std::string& question) {
    return must(run_captured({.argv = {std::string(*environment.find("GIT_ASKPASS")), question},
                              .environment = environment}))
        .output;
  };
  EXPECT_EQ(answer("Username for 'https://h:8443': "), "user\n");
  EXPECT_EQ(answer("Password for 'https://user@h:8443': "), "p'w\n");
  EXPECT_EQ(answer("Username for 'http://other': "), "token\n");
  EXPECT_EQ(answer("Password for 'http://token@other': "), "\n");
  EXPECT_EQ(answer("Password for 'https://user@elsewhere': "), "");
}

TEST(GitCredentials, NothingIsSetIfThereAreNone) {
  const TreeBuilder folder;
  Environment environment;
  GitCredentials credentials;
  EXPECT_EQ(credentials.take("six\ngit+https"), "six\ngit+https");
  must(credentials.provide(folder.root(), environment));
  EXPECT_TRUE(environment.values().empty());
}

}  // namespace
}  // namespace rtenv::envbuild
