// What a cache holds, and where under its root.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rtenv::cache {

enum class Kind : std::uint8_t {
  tree,  // an unpacked working directory, read-only, by its package's name
  env,   // a virtualenv, by its environment key; built in place, because its scripts hold their own
         // path
  tool,  // a program that rtenv fetched for itself: uv
  file,  // an object of a store as it is, in a folder with its name; by its content and name
};

struct KindInfo {
  Kind kind;
  std::string_view name;    // in the ledger and in --json
  std::string_view folder;  // under the cache's root
  bool in_place;            // built under its final path
  bool read_only;
  /// Its digest is computed when it is made; else by the first `verify`: an environment may be
  /// links to gigabytes that aren't in memory.
  bool digest_when_made;
  std::string_view user_writable_folder;  // folders of this name are its users' to add: Python
                                          // writes what it compiled beside the source
};

inline constexpr std::array<KindInfo, 4> k_kinds{{
    {Kind::tree, "tree", "trees", false, true, true, "__pycache__"},
    {Kind::env, "env", "envs", true, false, false, "__pycache__"},
    {Kind::tool, "tool", "tools", false, false, true, ""},
    {Kind::file, "file", "files", false, true, true, ""},
}};

constexpr const KindInfo& info(Kind kind) { return k_kinds[static_cast<std::size_t>(kind)]; }

inline std::optional<Kind> parse_kind(std::string_view name) {
  for (const KindInfo& row : k_kinds)
    if (row.name == name) return row.kind;
  return std::nullopt;
}

struct EntryName {
  Kind kind = Kind::tree;
  std::string key;
};

}  // namespace rtenv::cache
