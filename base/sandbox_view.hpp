// Which files a sandboxed command sees, as arguments of bwrap: everything, read-only, but for
// hidden folders, in which some paths are shown all the same.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {

class SandboxView {
 public:
  /// Receives the words of one argument.
  using Add = std::function<void(std::initializer_list<std::string_view>)>;
  explicit SandboxView(Add add) : add_(std::move(add)) {}

  /// Replaces a folder by an empty one, which can be written to. Nothing if there is none, or if it
  /// has what programs need, such as "/" and "/usr".
  void hide(const Path& folder);
  /// Shows a file or folder that is in a hidden one, with the symbolic links that lead to it.
  /// Nothing if it isn't hidden, doesn't exist, or is a hidden folder itself.
  void show(const Path& path);
  /// The same, and allows writing to it. Requires: it exists.
  void show_writable(const Path& path);
  /// Creates a folder in a hidden one. Nothing if it isn't hidden.
  void create(const Path& folder);

 private:
  [[nodiscard]] bool is_hidden(const Path& path) const;
  Path follow(const Path& path);

  Add add_;
  std::vector<std::string> hidden_;  // real paths, with a '/' at the end
  std::vector<std::string> shown_;   // the same, in hidden ones
};

}  // namespace rtenv
