// The kinds of cache entries and their folders.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cache/key.hpp"

namespace rtenv::cache {

enum class Kind : std::uint8_t {
  /// An unpacked working directory or module. Jobs see it through a copy, in a mount, or as a
  /// read_only_tree. Key: its package name or content digest.
  tree,
  /// A virtualenv. Key: the environment key. Built in place: its scripts contain its path.
  env,
  /// A program that rtenv downloaded for its own use: uv.
  tool,
  /// A fetched object, unmodified, in a folder of its own. Key: its content and file name.
  file,
  /// A writable copy of a tree, for one job at a time. Key: the tree's key and more, see
  /// job/job_copy.hpp.
  copy,
  /// A write-protected copy of a tree, in its folder "tree": for jobs that use it in place where
  /// nothing can be mounted. Key: the tree's.
  read_only_tree,
};

/// When the digest of an entry is computed.
enum class DigestTime : std::uint8_t {
  when_built,
  /// The content is meant to change: `verify` skips the entry, and it isn't pushed.
  never,
};

/// The permissions of an entry's files and folders.
enum class Permissions : std::uint8_t {
  as_built,
  write_protected,  // nobody has write permission
  owner_writable,   // the owner has: a job sees these permissions in a copy or an overlay
};

struct KindInfo {
  Kind kind;
  std::string_view name;    // in the ledger and in --json
  std::string_view folder;  // below the cache's root
  bool in_place;            // built under its final path
  bool durable;             // synced to disk before it is ready
  Permissions permissions;
  DigestTime digest;
  /// Name of the folders inside an entry that its users may write to: Python stores compiled code
  /// beside the source. Empty: none.
  std::string_view user_writable_folder;
};

inline constexpr std::array<KindInfo, 6> k_kinds{{
    {Kind::tree, "tree", "trees", false, true, Permissions::owner_writable, DigestTime::when_built,
     "__pycache__"},
    {Kind::env, "env", "envs", true, true, Permissions::as_built, DigestTime::when_built,
     "__pycache__"},
    {Kind::tool, "tool", "tools", false, true, Permissions::as_built, DigestTime::when_built, ""},
    {Kind::file, "file", "files", false, true, Permissions::write_protected, DigestTime::when_built,
     ""},
    {Kind::copy, "copy", "copies", false, false, Permissions::as_built, DigestTime::never, ""},
    {Kind::read_only_tree, "read-only-tree", "read-only-trees", false, true,
     Permissions::write_protected, DigestTime::when_built, "__pycache__"},
}};

constexpr const KindInfo& info(Kind kind) { return k_kinds[static_cast<std::size_t>(kind)]; }

inline std::optional<Kind> parse_kind(std::string_view name) {
  for (const KindInfo& row : k_kinds)
    if (row.name == name) return row.kind;
  return std::nullopt;
}

struct EntryName {
  Kind kind;
  Key key;
};

/// As the ledger and archives store it. Nullopt: of another version of rtenv, or no key.
inline std::optional<EntryName> parse_entry_name(std::string_view kind, std::string key) {
  const auto known = parse_kind(kind);
  if (!known || !is_key(key)) return std::nullopt;
  return EntryName{*known, *Key::parse(std::move(key))};
}

}  // namespace rtenv::cache
