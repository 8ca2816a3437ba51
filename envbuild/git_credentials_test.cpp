#include "envbuild/git_credentials.hpp"

#include <gtest/gtest.h>

#include "base/process.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::envbuild {
namespace {

TEST(GitCredentials, AreTakenOutOfAListAndToldToGit) {
  GitCredentials credentials;
  EXPECT_EQ(must(credentials.take("a @ git+https://us%65r:p'w@h:8443/a.git@main\n"
                                  "b @ git+http://token@other/b\nc @ https://u:p@h/c.whl\n"
                                  "d @ git+https://h/d\n")),
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

TEST(GitCredentials, OfSeveralRepositoriesOfAHostAreToldByTheirPath) {
  GitCredentials credentials;
  must(credentials.take(
      "a @ git+https://u:one@h/a.git@main\nb @ git+https://u:two@h/x/b.git#egg=b"));
  const TreeBuilder folder;
  Environment environment = Environment::of_process();
  must(credentials.provide(folder.root(), environment));
  EXPECT_EQ(environment.find("GIT_CONFIG_KEY_0"), "credential.useHttpPath");
  for (const auto& [repository, password] : {std::pair("a.git", "one"), {"x/b.git", "two"}})
    EXPECT_EQ(
        must(run_captured({.argv = {std::string(*environment.find("GIT_ASKPASS")),
                                    fmt::format("Password for 'https://u@h/{}': ", repository)},
                           .environment = environment}))
            .output,
        fmt::format("{}\n", password));
}

TEST(GitCredentials, AreTakenOutOfAPyproject) {
  GitCredentials credentials;
  EXPECT_EQ(must(credentials.take("dependencies = ['a @ git+HTTPS://u:p@h/a']\n"
                                  "[tool.uv.sources]\nb = { git = \"https://u:p@h/b\" }\n"
                                  "c = { url = \"https://u:p@h/c.whl\" }\n")),
            "dependencies = ['a @ git+HTTPS://h/a']\n"
            "[tool.uv.sources]\nb = { git = \"https://h/b\" }\n"
            "c = { url = \"https://u:p@h/c.whl\" }\n");
}

TEST(GitCredentials, APasswordThatWouldBeInACommandLineIsRefused) {
  for (const char* text : {"a @ git+ssh://git:secret@h/a.git", "a @ svn+https://u:secret@h/a",
                           "hg+http://u:secret@h/a", "b = { git = \"ssh://git:secret@h/b\" }"}) {
    GitCredentials credentials;
    const auto taken = credentials.take(text);
    ASSERT_THAT(taken, IsError(Errc::invalid_argument, "the password for h ")) << text;
    EXPECT_EQ(taken.error().message().find("secret"), std::string::npos);
  }
  GitCredentials credentials;
  EXPECT_EQ(must(credentials.take("a @ git+ssh://git@h/a.git")), "a @ git+ssh://git@h/a.git");
}

TEST(GitCredentials, NothingIsSetIfThereAreNone) {
  const TreeBuilder folder;
  Environment environment;
  GitCredentials credentials;
  EXPECT_EQ(must(credentials.take("six\ngit+https")), "six\ngit+https");
  must(credentials.provide(folder.root(), environment));
  EXPECT_TRUE(environment.values().empty());
}

}  // namespace
}  // namespace rtenv::envbuild
