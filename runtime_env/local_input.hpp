// Local files and folders that an installer reads: wheels, source archives, projects, folders of
// packages, lists of requirements. They are digested when an environment is planned. When it is
// built, they are copied, and a copy that doesn't have the planned digest is refused; the installer
// sees the copies only. So what counted in the key is what is installed, whoever changes the
// originals meanwhile.
//
// Where the copies will be isn't known to a plan. In the texts for the installer (lines, options,
// variables), marks stand for their paths. A mark contains a NUL, which no such text can have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {
class Cancellation;
}

namespace rtenv::runtime_env {

struct LocalInput {
  enum class Kind : std::uint8_t {
    file,            // an archive of source code
    wheel,           // a file that installers keep unpacked, by its path
    project,         // a folder with a project's source code
    package_folder,  // the wheels and archives in a folder, for --find-links
    list,            // a list of requirements, put together by rtenv
  };
  Kind kind = Kind::file;
  Path path;  // the original; of `list`, only a file name
  /// The content: lines that are part of the key. Without locations: the same content gives the
  /// same lines everywhere.
  std::vector<std::string> content;
  std::string text;  // of `list`: the text of the file, with marks of other inputs
};

class LocalInputs {
 public:
  using Index = std::size_t;

  /// Digests a file or folder. The same one has one index. Fails: as reading it.
  Result<Index> add(LocalInput::Kind kind, const Path& path);
  Index add_list(std::string text);

  [[nodiscard]] const LocalInput& operator[](Index index) const { return inputs_[index]; }
  [[nodiscard]] const std::vector<LocalInput>& all() const noexcept { return inputs_; }

 private:
  std::vector<LocalInput> inputs_;
};

/// What stands for the path of an input's copy, and for its "file://" URL.
std::string path_mark(LocalInputs::Index index);
std::string url_mark(LocalInputs::Index index);
/// "file:///a%20b": a URL without characters that have a meaning in lists of requirements.
std::string file_url(const Path& path);

/// The text with the paths of the copies for the marks; the n-th copy is that of the n-th input.
std::string with_copies(std::string_view text, const std::vector<Path>& copies);

/// Copies what counts of an input to `target`, which doesn't exist; its folder does. `copies` are
/// those of the inputs before it. Requires: a file's copy has the name of the original, which
/// counts. Fails: changed (the original, since it was planned), cancelled, and as
/// reading and writing.
Result<void> copy_input(const LocalInput& input, const std::vector<Path>& copies,
                        const Path& target, const Cancellation* cancellation = nullptr);

/// One line for the content of everything below a folder, or of a file. Fails: as reading it.
Result<std::string> content_line(const Path& path);

}  // namespace rtenv::runtime_env
