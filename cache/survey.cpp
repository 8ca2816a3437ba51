#include "cache/survey.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <unordered_map>

#include "base/folder_entries.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/processors.hpp"
#include "base/tree_usage.hpp"

namespace rtenv::cache {
namespace {

// Of the other kinds, the size was measured when the entry was built, and stays.
bool may_have_grown(const EntryRow& row) {
  return row.ready &&
         (row.kind == Kind::env || row.kind == Kind::copy || row.kind == Kind::read_only_tree);
}

bool is_kind_folder(std::string_view name) {
  return std::ranges::find(k_kinds, name, &KindInfo::folder) != k_kinds.end();
}

// Nullopt where measuring failed.
using Usages = std::vector<std::optional<TreeUsage>>;

Result<Usages> measure(const std::vector<Path>& paths, const Cancellation* cancellation) {
  Usages usages(paths.size());
  RTENV_TRY(parallel_for(
      paths.size(), default_threads(), [] { return 0; },
      [&](int /*state*/, std::size_t i) -> Result<void> {
        if (paths[i].empty()) return {};
        auto usage = tree_usage(paths[i], cancellation);
        if (usage)
          usages[i] = std::move(*usage);
        else if (usage.error().code() == Errc::cancelled)
          return Failure(std::move(usage).error());
        else
          log::debug("{}", usage.error().message());
        return {};
      }));
  return usages;
}

// Finds the owners of shared files, and puts files with the same owners together.
std::vector<SharedFiles> group(const Usages& usages) {
  struct Found {
    SharedFile file;
    std::vector<ItemIndex> owners;
  };
  std::unordered_map<ino_t, Found> files;  // all are on the cache's file system
  for (ItemIndex item = 0; item < usages.size(); ++item) {
    if (!usages[item]) continue;
    for (const SharedFile& file : usages[item]->shared) {
      Found& found = files[file.inode];
      const nlink_t links_before = found.file.links_here;
      found.file = file;
      found.file.links_here += links_before;
      found.owners.push_back(item);
    }
  }
  std::map<std::pair<std::vector<ItemIndex>, SharedFiles::Names>, std::uint64_t> groups;
  for (auto& [inode, found] : files) {
    const auto names = found.file.links_here < found.file.links ? SharedFiles::Names::some_elsewhere
                                                                : SharedFiles::Names::all_in_cache;
    groups[{std::move(found.owners), names}] += found.file.bytes;
  }
  std::vector<SharedFiles> result;
  for (const auto& [key, bytes] : groups)
    result.push_back({.owners = key.first, .names = key.second, .bytes = bytes});
  return result;
}

// Everything but the entries and the parts.
Result<void> measure_rest(const Path& root, Inventory& inventory,
                          const Cancellation* cancellation) {
  inventory.other_bytes += own_disk_bytes(root);
  for (const FolderEntry& child : readable_entries(root)) {
    const std::string name = child.name();
    if (child.path == Cache::uv_folder(root)) continue;
    // They vanish when the last process closes the ledger.
    if (name == "ledger.db-wal" || name == "ledger.db-shm") continue;
    if (name == "quarantine" || is_kind_folder(name)) {
      inventory.other_bytes += own_disk_bytes(child.path);
      continue;
    }
    const auto usage = tree_usage(child.path, cancellation);
    if (!usage && usage.error().code() == Errc::cancelled) return Failure(usage.error());
    if (usage) inventory.other_bytes += usage->all_bytes();
  }
  return {};
}

// Their usages follow those of the entries.
Result<void> add_parts(std::vector<Part> found, Inventory& inventory, Usages& usages,
                       const Cancellation* cancellation) {
  std::vector<Path> paths;
  for (const Part& part : found) paths.push_back(part.path);
  RTENV_TRY(Usages measured, measure(paths, cancellation));
  std::vector<std::pair<Part, TreeUsage>> parts;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!measured[i]) continue;
    found[i].own_bytes = measured[i]->own_bytes;
    found[i].last_used_ms = measured[i]->changed_ms;
    parts.emplace_back(std::move(found[i]), std::move(*measured[i]));
  }
  std::ranges::sort(parts, {}, [](const auto& part) { return part.first.last_used_ms; });
  for (auto& [part, usage] : parts) {
    inventory.parts.push_back(std::move(part));
    usages.emplace_back(std::move(usage));
  }
  return {};
}

std::vector<Part> quarantined(const Path& folder) {
  std::vector<Part> parts;
  for (const FolderEntry& entry : readable_entries(folder))
    parts.push_back({.path = entry.path, .place = Part::Place::quarantine});
  return parts;
}

Result<void> try_record_sizes(Ledger& ledger, const Inventory& inventory, const SpaceLeft& space) {
  for (ItemIndex item = 0; item < inventory.entries.size(); ++item)
    if (space.is_left(item) && may_have_grown(inventory.entries[item]))
      RTENV_TRY(ledger.set_size(inventory.entries[item].id, space.gain(item).cache_bytes));
  const DiskUsage usage = disk_usage(inventory, space);
  RTENV_TRY(ledger.set_folder_size(k_uv_size, usage.uv_bytes));
  return ledger.set_folder_size(k_quarantine_size, usage.quarantine_bytes);
}

}  // namespace

DiskUsage disk_usage(const Inventory& inventory, const SpaceLeft& space) {
  DiskUsage usage{.other_bytes = inventory.other_bytes};
  for (ItemIndex item = 0; item < inventory.items(); ++item) {
    if (!space.is_left(item)) continue;
    if (!inventory.is_part(item))
      usage.entry_bytes += space.gain(item).cache_bytes;
    else if (inventory.part(item).place == Part::Place::quarantine)
      usage.quarantine_bytes += inventory.part(item).own_bytes;
  }
  // With the files that several entries share, which none of their sizes contains.
  usage.uv_bytes = space.cache_bytes() - usage.entry_bytes - usage.quarantine_bytes;
  return usage;
}

void record_sizes(CacheState& state, const Inventory& inventory, const SpaceLeft& space) {
  if (const auto recorded = try_record_sizes(state.ledger(), inventory, space); !recorded)
    log::debug("sizes aren't recorded: {}", recorded.error().message());
}

Result<Inventory> survey(CacheState& state, const Cancellation* cancellation) {
  Inventory inventory;
  if (const auto corrected = state.ledger().forget_future_uses(); !corrected)
    log::debug("{}", corrected.error().message());
  RTENV_TRY(inventory.entries, state.ledger().entries());
  std::vector<Path> paths;
  for (const EntryRow& row : inventory.entries)
    paths.push_back(may_have_grown(row) ? state.path_of(row.kind, row.key) : Path());
  RTENV_TRY(Usages usages, measure(paths, cancellation));
  for (ItemIndex item = 0; item < inventory.entries.size(); ++item)
    if (usages[item]) inventory.entries[item].size_bytes = usages[item]->own_bytes;
  UvFolder::Content uv = state.uv_folder().content();
  inventory.other_bytes += uv.other_bytes;
  std::vector<Part> parts = quarantined(state.quarantine());
  std::ranges::move(uv.parts, std::back_inserter(parts));
  RTENV_TRY(add_parts(std::move(parts), inventory, usages, cancellation));
  inventory.shared = group(usages);
  RTENV_TRY(measure_rest(state.root(), inventory, cancellation));
  record_sizes(state, inventory, SpaceLeft(inventory));
  return inventory;
}

Result<void> survey_uv_folder(CacheState& state, const Cancellation* cancellation) {
  std::vector<Path> paths;
  for (const Part& part : state.uv_folder().content().parts) paths.push_back(part.path);
  RTENV_TRY(const Usages usages, measure(paths, cancellation));
  std::uint64_t bytes = 0;
  for (const auto& usage : usages)
    if (usage) bytes += usage->all_bytes();
  return state.ledger().set_folder_size(k_uv_size, bytes);
}

}  // namespace rtenv::cache
