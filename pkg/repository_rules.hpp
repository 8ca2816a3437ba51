// What a git repository says about the files of a folder in its work tree, besides the ignore files
// in that folder: which files are tracked, the .gitignore files of the folders above up to the top
// of the work tree, .git/info/exclude, and the user's own file (core.excludesFile).
//
// The index and the configuration are read through libgit2. Immutable, safe to share between
// threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "pkg/file_stamp.hpp"
#include "pkg/git_settings.hpp"
#include "pkg/ignore.hpp"

namespace rtenv::pkg {

class RepositoryRules {
 public:
  /// A file with rules that isn't in the folder.
  struct OuterFile {
    IgnoreFile rules;
    std::string text;
    std::string prefix;  // from the folder that the rules refer to down to the folder: "" or "a/b/"
  };

  struct Place {
    Path work_tree;     // its top
    Path folder;        // in the work tree; absolute, as the path above
    std::string shown;  // the folder's path in the tree that is scanned, for messages
    const GitProgram& git;
  };

  /// Fails: not_found (libgit2), corrupt (the repository can't be read), changed (meanwhile),
  /// invalid_argument (a file of rules is too large), permission_denied, unavailable (out of memory
  /// or descriptors); as GitSettings::read.
  static Result<std::shared_ptr<const RepositoryRules>> load(const Place& place,
                                                             const FileStamper& stamper);

  /// Strongest first.
  [[nodiscard]] const std::vector<OuterFile>& files() const noexcept { return files_; }
  /// Whether the file or link at `path`, relative to the folder, is tracked; of a directory,
  /// whether anything in it is, or it is a submodule.
  [[nodiscard]] bool tracks(std::string_view path, bool directory) const;
  /// core.ignoreCase: for paths and rules, upper and lower case of ASCII letters are the same.
  [[nodiscard]] bool ignores_case() const noexcept { return ignores_case_; }
  /// Whether the directory at `path` is a submodule.
  [[nodiscard]] bool is_submodule(std::string_view path) const;

  /// Whether the files on disk still are those that were read. A file that changed so recently that
  /// its stamp tells nothing counts as changed if `also_unsettled`.
  [[nodiscard]] bool is_unchanged(const FileStamper& stamper, bool also_unsettled) const;
  /// Whether both say the same.
  [[nodiscard]] bool says_the_same_as(const RepositoryRules& other) const;

 private:
  struct Watched {
    Path path;
    FileStamp stamp;  // none if there is no such file
  };
  class Loader;
  struct Tracked {
    std::string path;  // in the work tree; in lower case if that doesn't matter
    bool submodule;
    friend bool operator==(const Tracked&, const Tracked&) = default;
  };
  [[nodiscard]] const Tracked* first_from(const std::string& path) const;
  [[nodiscard]] std::string in_index(std::string path) const;

  std::vector<OuterFile> files_;
  std::vector<Tracked> tracked_;  // sorted by path
  bool ignores_case_ = false;
  std::string prefix_;  // of the folder in the work tree: "" or "a/b/"
  std::vector<Watched> watched_;
};

}  // namespace rtenv::pkg
