#include "cache/ledger.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <limits>

#include "base/clock.hpp"
#include "base/process_identity.hpp"

namespace rtenv::cache {
namespace {

// A random id. SQLite's own ids are used again after the newest row is deleted: a process that
// still remembers a deleted holder or lease would then mistake another one for it.
std::int64_t new_id() {
  std::int64_t id = 0;
  while (::getrandom(&id, sizeof id, 0) != static_cast<ssize_t>(sizeof id)) {
  }
  return (id & std::numeric_limits<std::int64_t>::max()) | 1;
}

constexpr const char* k_find_unused =
    "SELECT id, key FROM entry WHERE kind = ?1 AND key >= ?2 AND key < ?3 AND ready = 1 AND "
    "NOT EXISTS (SELECT 1 FROM lease WHERE lease.entry = entry.id) "
    "ORDER BY last_used_ms DESC, id LIMIT 1";

// Keys are compared bytewise, and no key contains this byte.
std::string end_of_prefix(std::string_view prefix) { return std::string(prefix) + '\x7f'; }

}  // namespace

Result<HolderId> Ledger::add_holder(std::string_view lock_name) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto insert,
            database_.prepare_cached(
                "INSERT INTO holder (id, lock_name, pid, identity) VALUES (?, ?, ?, ?)"));
  const HolderId id = new_id();
  insert->bind(1, id).bind(2, lock_name).bind(3, ::getpid()).bind(4, process_identity());
  RTENV_TRY(insert->run());
  return id;
}

Result<std::vector<HolderRow>> Ledger::holders() {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto query,
            database_.prepare_cached("SELECT id, lock_name, identity FROM holder"));
  std::vector<HolderRow> rows;
  for (;;) {
    RTENV_TRY(const bool row, query->step());
    if (!row) return rows;
    rows.push_back({query->number(0), query->text(1), query->text(2)});
  }
}

Result<void> Ledger::remove_holder(HolderId holder) {
  RTENV_TRY(const auto lock, enter());
  return database_.transaction([&]() -> Result<void> {
    RTENV_TRY(const auto touch,
              database_.prepare_cached("UPDATE entry SET last_used_ms = ?2 WHERE id IN "
                                       "(SELECT entry FROM lease WHERE holder = ?1)"));
    touch->bind(1, holder).bind(2, unix_ms());
    RTENV_TRY(touch->run());
    RTENV_TRY(const auto remove, database_.prepare_cached("DELETE FROM holder WHERE id = ?"));
    remove->bind(1, holder);
    return remove->run();
  });
}

Result<LeaseId> Ledger::insert_lease_locked(EntryId entry, HolderId holder) {
  ended_leases_->make_room();
  RTENV_TRY(const auto insert,
            database_.prepare_cached("INSERT INTO lease (id, entry, holder) VALUES (?, ?, ?)"));
  const LeaseId id = new_id();
  insert->bind(1, id).bind(2, entry).bind(3, holder);
  RTENV_TRY(insert->run());
  return id;
}

Result<std::optional<LeasedEntry>> Ledger::lease(Kind kind, KeyView key, HolderId holder) {
  RTENV_TRY(const auto lock, enter());
  return database_.transaction([&]() -> Result<std::optional<LeasedEntry>> {
    RTENV_TRY(const auto touch,
              database_.prepare_cached("UPDATE entry SET last_used_ms = ?, hits = hits + 1 "
                                       "WHERE kind = ? AND key = ? AND ready = 1 RETURNING id"));
    touch->bind(1, unix_ms()).bind(2, info(kind).name).bind(3, key);
    RTENV_TRY(const bool found, touch->step());
    if (!found) return std::optional<LeasedEntry>();
    const EntryId entry = touch->number(0);
    RTENV_TRY(touch->run());
    RTENV_TRY(const LeaseId id, insert_lease_locked(entry, holder));
    return std::optional(LeasedEntry{entry, id});
  });
}

Result<std::optional<LeasedKey>> Ledger::lease_unused(Kind kind, std::string_view key_prefix,
                                                      HolderId holder) {
  RTENV_TRY(const auto lock, enter());
  return database_.transaction([&]() -> Result<std::optional<LeasedKey>> {
    RTENV_TRY(const auto query, database_.prepare_cached(k_find_unused));
    query->bind(1, info(kind).name).bind(2, key_prefix).bind(3, end_of_prefix(key_prefix));
    RTENV_TRY(const bool found, query->step());
    if (!found) return std::optional<LeasedKey>();
    const EntryId entry = query->number(0);
    RTENV_TRY(Key key, Key::parse(query->text(1)));
    RTENV_TRY(const auto touch,
              database_.prepare_cached(
                  "UPDATE entry SET hits = hits + 1, last_used_ms = ?2 WHERE id = ?1"));
    touch->bind(1, entry).bind(2, unix_ms());
    RTENV_TRY(touch->run());
    RTENV_TRY(const LeaseId id, insert_lease_locked(entry, holder));
    return std::optional(LeasedKey{{entry, id}, std::move(key)});
  });
}

Result<bool> Ledger::has_unused(Kind kind, std::string_view key_prefix) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto query, database_.prepare_cached(k_find_unused));
  query->bind(1, info(kind).name).bind(2, key_prefix).bind(3, end_of_prefix(key_prefix));
  return query->step();
}

Result<void> Ledger::release(const LeasedEntry& leased) {
  // Only the first of several waits, unless its call was stopped.
  const bool waits = ended_leases_->add(leased) && !WaitScope::is_over();
  const WaitScope scope(waits ? WaitScope::k_clean_up : std::chrono::milliseconds(0));
  RTENV_TRY(const auto lock, mutex_->lock(k_name));
  return write_ended_leases_locked();
}

Result<void> Ledger::write_ended_leases_locked() {
  const std::vector<LeasedEntry> leases = ended_leases_->all();
  if (leases.empty()) return {};
  RTENV_TRY(database_.transaction([&]() -> Result<void> {
    for (const LeasedEntry& leased : leases) {
      RTENV_TRY(const auto touch,
                database_.prepare_cached("UPDATE entry SET last_used_ms = ?2 WHERE id = ?1"));
      touch->bind(1, leased.entry).bind(2, unix_ms());
      RTENV_TRY(touch->run());
      RTENV_TRY(const auto remove,
                database_.prepare_cached("DELETE FROM lease WHERE entry = ? AND id = ?"));
      remove->bind(1, leased.entry).bind(2, leased.lease);
      RTENV_TRY(remove->run());
    }
    return {};
  }));
  ended_leases_->remove_first(leases.size());
  return {};
}

Result<void> Ledger::forget_future_uses() {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto update,
            database_.prepare_cached("UPDATE entry SET last_used_ms = ?1 WHERE last_used_ms > ?1"));
  update->bind(1, unix_ms());
  return update->run();
}

Result<bool> Ledger::pin(Kind kind, KeyView key, const Pin& pin) {
  RTENV_TRY(const auto lock, enter());
  return database_.transaction([&]() -> Result<bool> {
    RTENV_TRY(const auto sweep, database_.prepare_cached("DELETE FROM pin WHERE expires_ms <= ?"));
    sweep->bind(1, unix_ms());
    RTENV_TRY(sweep->run());
    RTENV_TRY(
        const auto insert,
        database_.prepare_cached(
            "INSERT INTO pin (entry, name, expires_ms) "
            "SELECT id, ?3, nullif(?4, 0) FROM entry WHERE kind = ?1 AND key = ?2 AND ready = 1 "
            "ON CONFLICT DO UPDATE SET expires_ms = excluded.expires_ms RETURNING entry"));
    insert->bind(1, info(kind).name)
        .bind(2, key)
        .bind(3, pin.name)
        .bind(4, pin.expires_ms.value_or(0));
    RTENV_TRY(const bool pinned, insert->step());
    RTENV_TRY(insert->run());
    return pinned;
  });
}

Result<bool> Ledger::unpin(Kind kind, KeyView key, std::string_view name) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto remove,
            database_.prepare_cached(
                "DELETE FROM pin WHERE name = ?3 AND entry = "
                "(SELECT id FROM entry WHERE kind = ?1 AND key = ?2) RETURNING entry"));
  remove->bind(1, info(kind).name).bind(2, key).bind(3, name);
  RTENV_TRY(const bool removed, remove->step());
  RTENV_TRY(remove->run());
  return removed;
}

Result<bool> Ledger::unpin_all(std::string_view name) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto remove,
            database_.prepare_cached("DELETE FROM pin WHERE name = ?1 RETURNING entry"));
  remove->bind(1, name);
  RTENV_TRY(const bool removed, remove->step());
  RTENV_TRY(remove->run());
  return removed;
}

Result<std::vector<std::string>> Ledger::pin_names(std::string_view prefix) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT DISTINCT name FROM pin WHERE substr(name, 1, length(?1)) = ?1"));
  query->bind(1, prefix);
  std::vector<std::string> names;
  for (;;) {
    RTENV_TRY(const bool more, query->step());
    if (!more) return names;
    names.push_back(query->text(0));
  }
}

}  // namespace rtenv::cache
