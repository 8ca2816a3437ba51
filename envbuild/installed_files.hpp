// Compares what an installer put into a folder with the RECORD of each distribution there. uv links
// files out of its cache, where a disk error or a job that wrote through a link may have changed
// them.
#pragma once

#include <string>
#include <vector>

#include "cache/tree_digest.hpp"
#include "envbuild/installer.hpp"

namespace rtenv::envbuild {

struct UnconfirmedFile {
  enum class Reason : std::uint8_t {
    damaged,   // it doesn't match its RECORD, or is missing
    unhashed,  // its RECORD has no hash for it, or no RECORD lists it
  };
  Reason reason;
  std::string path;          // relative to the folder
  std::string distribution;  // "scikit_learn"
  std::string problem;       // "is missing"
};

/// The files that aren't as the RECORDs say, or that none lists. `items`: the list of the folder,
/// with SHA-256. `virtualenv`: the items, with digests, that were there before any distribution and
/// needn't be listed if they are unchanged. A file that several distributions installed is that of
/// one of them; an unlisted one may be reported for several. Compiled code isn't checked: Python
/// makes it from the source. Removes the compiled code that a distribution brought along. Fails: as
/// reading the RECORDs.
Result<std::vector<UnconfirmedFile>> check_installed_files(
    const Path& folder, InstallForm form, const std::vector<cache::TreeItem>& items,
    const std::vector<cache::TreeItem>& virtualenv = {});

}  // namespace rtenv::envbuild
