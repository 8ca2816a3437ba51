// Which files a sandboxed command sees, as arguments of bwrap: everything, read-only, but for
// hidden places, in which some paths are shown all the same. What is said later counts.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {

/// Without symbolic links, as far as it exists.
Path real_path(const Path& path);

/// Whether a path is the folder, or below it. Both are real paths.
bool contains(const Path& folder, const Path& path);

class SandboxView {
 public:
  /// Receives the words of one argument.
  using Add = std::function<void(std::initializer_list<std::string_view>)>;
  explicit SandboxView(Add add) : add_(std::move(add)) {}

  /// Replaces a folder by an empty one, which can be written to, and a file by one that can't be
  /// read. Nothing if there is none, or if it is hidden already.
  void hide(const Path& path);
  /// Of a folder that bwrap replaces anyway.
  void assume_hidden(const Path& folder) { places_.push_back({folder, false}); }
  /// Shows a file or folder that is in a hidden one, with the symbolic links that lead to it.
  /// Nothing if it isn't hidden or doesn't exist.
  void show(const Path& path);
  /// The same, and allows writing to it. Requires: it exists.
  void show_writable(const Path& path);
  /// Creates a folder in a hidden one. Nothing if it isn't hidden.
  void create(const Path& folder);

 private:
  struct Place {
    Path path;  // real
    bool is_shown = false;
  };
  [[nodiscard]] bool is_hidden(const Path& path) const;
  Path follow(const Path& path);

  Add add_;
  std::vector<Place> places_;  // the last one that has a path tells about it
};

}  // namespace rtenv
