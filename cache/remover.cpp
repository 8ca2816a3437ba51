#include "cache/remover.hpp"

#include "base/log.hpp"
#include "cache/survey.hpp"

namespace rtenv::cache {

Remover::Remover(CacheState& state, const Inventory& inventory, Trash& trash, Mode mode)
    : state_(state), inventory_(inventory), trash_(trash), mode_(mode), space_(inventory) {}

Result<CollectReport> Remover::run(const std::vector<Removal>& removals,
                                   const Cancellation* cancellation) {
  CollectReport report;
  std::optional<Error> full;
  for (const auto& [item, reason] : removals) {
    RTENV_TRY(check_not_cancelled(cancellation, "evicting", "entries"));
    if (mode_ == Mode::remove) {
      const auto removed = remove(item);
      if (!removed) log::warn("{}", removed.error().message());
      if (!removed && removed.error().code() == Errc::out_of_space) full = removed.error();
      if (!removed || !*removed) continue;
    }
    const std::uint64_t freed_bytes = space_.remove(item).cache_bytes;
    report.freed_bytes += freed_bytes;
    if (inventory_.is_part(item)) {
      ++report.removed_parts;
      report.freed_parts_bytes += freed_bytes;
    } else {
      report.removed.push_back({inventory_.entries[item], reason});
      report.removed.back().entry.size_bytes = freed_bytes;
    }
  }
  if (full && report.removed.empty() && report.removed_parts == 0) return Failure(std::move(*full));
  if (mode_ == Mode::remove) record_sizes(state_, inventory_, space_);
  report.kept_bytes = space_.cache_bytes();
  report.held_bytes = held_bytes();
  return report;
}

Result<bool> Remover::remove(ItemIndex item) {
  if (!inventory_.is_part(item)) return evict(inventory_.entries[item]);
  // The environment that has its files is still there.
  if (inventory_.part(item).place == Part::Place::uv_folder && space_.is_needed(item)) return false;
  return remove_part(inventory_.part(item));
}

Result<bool> Remover::evict(const EntryRow& entry) {
  RTENV_TRY(const Path away, trash_.new_path());
  auto removed = state_.remove_entry(entry.kind, entry.key, Ledger::Removal::eviction, away);
  // Leased or pinned since the rows were read.
  if (!removed && removed.error().code() == Errc::busy) return false;
  return removed;
}

Result<bool> Remover::remove_part(const Part& part) {
  if (part.place == Part::Place::quarantine) {
    RTENV_TRY(trash_.move_in(part.path));
    return true;
  }
  if (!pruner_) {
    RTENV_TRY(pruner_, state_.uv_folder().try_prune());
    // Its user enforces the limits when it has finished.
    if (!pruner_) return false;
  }
  return pruner_->remove(part, trash_);
}

std::uint64_t Remover::held_bytes() const {
  SpaceLeft least = space_;
  for (ItemIndex item = 0; item < inventory_.items(); ++item)
    if (least.is_left(item) && (inventory_.is_part(item) || inventory_.entries[item].evictable()))
      least.remove(item);
  return least.cache_bytes();
}

}  // namespace rtenv::cache
