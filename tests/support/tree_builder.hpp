// A temporary directory tree for a test, removed by the destructor:
//   TreeBuilder tree;
//   tree.file("a/b.py", "x").directory("empty").link("l", "a/b.py");
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {

class TreeBuilder {
 public:
  TreeBuilder() : folder_(must(TempDir::create())) {}

  TreeBuilder& file(const std::string& path, std::string_view content, mode_t mode = 0644) {
    make_parent(path);
    std::ofstream(root() / path, std::ios::binary) << content;
    ::chmod((root() / path).c_str(), mode);
    return *this;
  }
  TreeBuilder& directory(const std::string& path) {
    std::filesystem::create_directories(root() / path);
    return *this;
  }
  TreeBuilder& link(const std::string& path, const std::string& target) {
    make_parent(path);
    std::filesystem::create_symlink(target, root() / path);
    return *this;
  }

  [[nodiscard]] const Path& root() const { return folder_.path(); }
  [[nodiscard]] Path operator/(const std::string& path) const { return root() / path; }

 private:
  void make_parent(const std::string& path) const {
    std::filesystem::create_directories((root() / path).parent_path());
  }
  TempDir folder_;
};

inline std::string content_of(const Path& path) { return must(read_file(path)); }

}  // namespace rtenv
