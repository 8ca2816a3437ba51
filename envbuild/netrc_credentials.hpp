// Keeps the passwords of indexes out of pip's command lines: pip passes its indexes to a child
// process that installs what a build needs, and every user of the machine can read its command
// line. pip takes them from a netrc file instead.
#pragma once

#include <map>
#include <string>

#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::envbuild {

class NetrcCredentials {
 public:
  /// Removes "USER:PASSWORD@" from each "http(s)://" URL in the text, and remembers it. Stays in
  /// the text: a second login for a host, and one that can't be written in a netrc file.
  std::string take(std::string_view text);
  /// The same for a file. Fails: as reading and writing it.
  Result<void> take_from(const Path& file);
  /// The same for pip's variables that have URLs.
  void take_from(Environment& environment);

  /// Writes the file into `folder`, with the content of the user's, and sets NETRC. Nothing if
  /// there are none. Fails: as AtomicFile.
  Result<void> provide(const Path& folder, Environment& environment) const;

 private:
  struct Login {
    std::string user;
    std::string password;
    friend bool operator==(const Login&, const Login&) = default;
  };
  std::map<std::string, Login> logins_;  // by host; a netrc file knows no ports
};

}  // namespace rtenv::envbuild
