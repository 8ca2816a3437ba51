// For tests that need a git repository.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "pkg/package_fixture.hpp"

namespace rtenv::pkg {

/// A repository made by the git command, without the user's configuration.
class GitRepositoryTest : public testing::Test {
 protected:
  GitRepositoryTest() { git("init -q"); }

  void git(const std::string& arguments) {
    const std::string command =
        "cd '" + tree_.root().native() +
        "' && HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 git -c user.name=n -c user.email=e "
        "-c protocol.file.allow=always " +
        arguments + " >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
  }

  TreeBuilder tree_;
};

}  // namespace rtenv::pkg
