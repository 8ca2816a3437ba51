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
  /// `environment`: has the user's own netrc file.
  explicit NetrcCredentials(const Environment& environment);

  /// Notes the hosts of a text: a netrc file, which knows no ports, can have the login of a host
  /// with several ports or schemes only if it is the same for all.
  void note_hosts(std::string_view text);
  void note_hosts(const Environment& environment);
  /// Removes "USER:PASSWORD@" from each "http(s)://" URL in a list of requirements, and remembers
  /// it. What can't be in a netrc file stays in the URL of a requirement, which pip keeps to
  /// itself: a second login for a host, one of a host with several ports, words with blanks.
  /// Requires: note_hosts was called for all texts. Fails: invalid_argument (an option has such a
  /// login).
  Result<std::string> take(std::string_view list);
  /// The same for a file. Fails: as take, and as reading and writing it.
  Result<void> take_from(const Path& file);
  /// The same for a pyproject.toml: what a build requires is shown as options are. Addresses of
  /// pages stay.
  Result<void> take_from_project(const Path& file);
  /// The same for pip's variables that have URLs. A proxy's password goes into the variables that
  /// pip's children read themselves. Fails: invalid_argument (a login can't be in a netrc file).
  Result<void> take_from(Environment& environment);

  /// Writes the file into `folder`, with the content of the user's, and sets NETRC. Nothing if
  /// there are none. Fails: as AtomicFile.
  Result<void> provide(const Path& folder, Environment& environment) const;

 private:
  enum class Place : std::uint8_t { list, variable, project };
  Result<std::string> take(std::string_view text, Place place);
  // Why a netrc file can't have it; null: it can. Remembers it then.
  const char* add(const std::string& host, const UrlLogin& login);

  std::string user_netrc_;
  struct Host {
    std::set<std::string> origins;  // "https://host:8443"
    std::set<UrlLogin> logins;      // an empty one for a URL without
  };
  std::map<std::string, Host> hosts_;
  std::map<std::string, UrlLogin> logins_;  // by host
};

}  // namespace rtenv::envbuild
