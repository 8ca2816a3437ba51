// What a scan keeps of a folder: plain values, about 50 bytes an entry and few allocations, because
// most scans only find out that nothing has changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "pkg/file_stamp.hpp"
#include "pkg/folder_rules.hpp"
#include "pkg/tree.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {

/// Filled in by the thread that enters the folder.
struct ScannedFolder {
  struct Item {  // as Entry
    EntryType type = EntryType::file;
    bool executable = false;
    bool owner_only = false;
    std::uint32_t text_at = 0;  // of its name in `texts`; a link's target follows
    std::uint32_t name_bytes = 0;
    std::uint32_t target_bytes = 0;
    std::uint64_t size_bytes = 0;
    FileStamp stamp;
  };

  /// A file with rules, as it was read. `digest` is of its text.
  struct RuleFile {
    std::string_view name;  // one of k_ignore_files
    FileStamp stamp;        // none if there is no such file, or a dangling link
    Xxh3::Bytes digest{};
    friend bool operator==(const RuleFile&, const RuleFile&) = default;
  };

  ScannedFolder* parent = nullptr;
  std::string path;  // empty for the root
  FileStamp stamp;   // before it was listed
  FileIdentity identity;
  bool owner_only = false;
  bool through_link = false;  // it, or a folder above, was found as a link
  // So many times, ".." leads to the same in the package: up to the root, or to the nearest folder
  // that was found as a link.
  std::size_t depth = 0;
  std::shared_ptr<const FolderRules> outer_rules;  // without those in the folder itself
  std::shared_ptr<const FolderRules> rules;        // with them
  FolderRules::Repository repository;  // of the root, or of a folder with a repository of its own
  std::vector<RuleFile> rule_files;
  bool excludes_itself = false;  // by its own rules
  bool empty_on_disk = false;
  bool is_submodule = false;     // of git, in its semantics
  bool nothing_to_pack = false;  // git knows no folders: one without files isn't packed
  std::vector<Item> items;       // except folders
  std::string texts;
  std::vector<std::unique_ptr<ScannedFolder>> folders;
  std::vector<Excluded> excluded;

  [[nodiscard]] bool is_in_tree() const { return !excludes_itself && !nothing_to_pack; }
  [[nodiscard]] std::string_view name_of(const Item& item) const {
    return std::string_view(texts).substr(item.text_at, item.name_bytes);
  }
  /// Of its type, path and target.
  [[nodiscard]] FileStamp name_stamp(const Item& item) const {
    return FileStamp::of_name(static_cast<char>('0' + static_cast<int>(item.type)),
                              join_path(path, name_of(item)), target_of(item));
  }
  [[nodiscard]] std::string_view target_of(const Item& item) const {
    return std::string_view(texts).substr(item.text_at + item.name_bytes, item.target_bytes);
  }
};

}  // namespace rtenv::pkg
