// Keeps the credentials of git's URLs out of command lines: uv and pip pass such a URL to git, and
// every user of the machine can read git's command line. git asks a program for them instead
// (GIT_ASKPASS, see gitcredentials(7)).
#pragma once

#include <string>
#include <vector>

#include "base/environment.hpp"
#include "base/fd.hpp"
#include "envbuild/url_login.hpp"

namespace rtenv::envbuild {

class GitCredentials {
 public:
  /// Removes the user info of each "git+http(s)://" URL from a list of requirements, and of each
  /// `git = "http(s)://"` from a pyproject.toml, and remembers it. Fails: invalid_argument (a
  /// password for another version control system or protocol, which would be in a command line).
  Result<std::string> take(std::string_view text);
  /// The same for a file. Fails: as take, and as reading and writing it.
  Result<void> take_from(const Path& file);

  /// Writes the program that tells them into `folder`, which others can't read, and sets the
  /// variable. Nothing if there are none. Fails: as AtomicFile.
  Result<void> provide(const Path& folder, Environment& environment) const;

 private:
  struct RepositoryLogin {
    std::string host;  // with its port
    std::string path;
    UrlLogin login;
  };
  // A host with several logins: git has to name the repository, too.
  [[nodiscard]] bool needs_paths() const;
  std::vector<RepositoryLogin> logins_;
};

}  // namespace rtenv::envbuild
