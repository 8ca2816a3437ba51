// Keeps the passwords of indexes out of pip's command lines: pip passes its indexes to a child
// process that installs what a build needs, and every user of the machine can read its command
// line. pip takes them from a netrc file instead.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/environment.hpp"
#include "base/fd.hpp"
#include "envbuild/url_login.hpp"

namespace rtenv::envbuild {

class NetrcCredentials {
 public:
  /// Notes the hosts of a text: a host with several ports or schemes can't have a login in a netrc
  /// file, which knows no ports.
  void note_hosts(std::string_view text);
  void note_hosts(const Environment& environment);
  /// Removes "USER:PASSWORD@" from each "http(s)://" URL in the text, and remembers it. Stays in
  /// the text: a second login for a host, one of a host with several ports, and one that can't be
  /// written in a netrc file. Requires: note_hosts was called for all texts.
  std::string take(std::string_view text);
  /// The same for a file. Fails: as reading and writing it.
  Result<void> take_from(const Path& file);
  /// The same for pip's variables that have URLs. A proxy's password goes into the variables that
  /// pip's children read themselves.
  void take_from(Environment& environment);

  /// Writes the file into `folder`, with the content of the user's, and sets NETRC. Nothing if
  /// there are none. Fails: as AtomicFile.
  Result<void> provide(const Path& folder, Environment& environment) const;

 private:
  std::map<std::string, std::set<std::string>> origins_;  // by host: "https://host:8443"
  std::map<std::string, UrlLogin> logins_;                // by host
};

}  // namespace rtenv::envbuild
