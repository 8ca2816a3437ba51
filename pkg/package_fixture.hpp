// For tests: packages in memory, and a tree with every kind of entry.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "pkg/byte_text.hpp"
#include "pkg/package.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::pkg {

/// Appends everything to `bytes`, which must outlive the sink.
inline ByteSink append_to(std::string& bytes) {
  return {.write = [&bytes](std::span<const std::byte> data) -> Result<void> {
    bytes.append(as_text(data));
    return {};
  }};
}

struct Packed {
  std::string bytes;
  PackageName name;
};

inline Packed pack(const TreeBuilder& tree, ZipOptions options = {}) {
  std::string bytes;
  const MakeSink make_sink = [&]() -> Result<ByteSink> {
    bytes.clear();
    return append_to(bytes);
  };
  const auto packed = must(pack_directory(tree.root(), {.zip = options}, make_sink));
  return {std::move(bytes), packed.zip.name};
}

inline PackageName name_of(const Path& directory, Scheme scheme = Scheme::xxh3) {
  return must(name_directory(directory, {.zip = {.scheme = scheme}})).name();
}
inline PackageName name_of(const TreeBuilder& tree, Scheme scheme = Scheme::xxh3) {
  return name_of(tree.root(), scheme);
}

/// The paths of the entries, in their order; those of folders end with '/'.
inline std::vector<std::string> paths(const Tree& tree) {
  std::vector<std::string> result;
  for (const Entry& entry : tree.entries)
    result.push_back(entry.path + (entry.type == EntryType::directory ? "/" : ""));
  return result;
}

inline std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// Ten files, one link and one empty folder: compressible text, random bytes that can't be
/// compressed, and sizes around that of the writer's pieces.
class MixedTree : public TreeBuilder {
 public:
  MixedTree() {
    std::string text;
    for (int i = 0; text.size() < 3'000'000; ++i)
      text += "line " + std::to_string(i * 37 % 10007) + "\n";
    file("src/a.py", text.substr(0, 1000));
    file("src/run.sh", "#!/bin/sh\n", 0755);
    file("large.txt", text);
    file("large.bin", random_bytes(2'500'000, 1));
    file("piece", text.substr(0, 1 << 20));
    file("piece+1", text.substr(0, (1 << 20) + 1));
    file("small.bin", random_bytes(5000, 2));
    file("none", "");
    directory("empty/deep");
    link("src/link", "a.py");
    file("naïve name.txt", "é");
    file("latin\xe9.txt", "not UTF-8");
  }
};

}  // namespace rtenv::pkg
