#include "cache/ledger.hpp"

#include <unordered_map>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "cache/ledger_schema.hpp"

namespace rtenv::cache {
namespace {

// Columns: id, kind, key, ready, size_bytes, created_ms, last_used_ms, hits, digest, builder,
// builder_lock.
Result<std::vector<EntryRow>> collect_rows(Statement& query) {
  std::vector<EntryRow> rows;
  for (;;) {
    RTENV_TRY(const bool more, query.step());
    if (!more) return rows;
    auto name = parse_entry_name(query.text(1), query.text(2));
    if (!name) continue;
    rows.push_back({.id = query.number(0),
                    .kind = name->kind,
                    .key = std::move(name->key),
                    .ready = query.number(3) != 0,
                    .size_bytes = static_cast<std::uint64_t>(query.number(4)),
                    .created_ms = query.number(5),
                    .last_used_ms = query.number(6),
                    .hits = static_cast<std::uint64_t>(query.number(7)),
                    .digest = query.text(8),
                    .builder = query.text(9),
                    .builder_lock = static_cast<std::uint64_t>(query.number(10)),
                    .holder_pids = {},
                    .pins = {}});
  }
}

Pin pin_of(const Statement& query, int first_column) {
  const std::int64_t expires_ms = query.number(first_column + 1);
  return {.name = query.text(first_column),
          .expires_ms = expires_ms == 0 ? std::nullopt : std::optional(expires_ms)};
}

}  // namespace

Result<Ledger> Ledger::open(const Path& file, OpenDatabase open_database) {
  RTENV_TRY(Database database, open_database(file));
  RTENV_TRY(prepare_ledger(database, file));
  return Ledger(std::move(database));
}

Result<CallMutex::Lock> Ledger::enter() {
  RTENV_TRY(auto lock, mutex_->lock(k_name));
  const WaitScope scope(std::chrono::milliseconds(0));
  if (const auto written = write_ended_leases_locked(); !written)
    log::debug("a lease is not released yet: {}", written.error().message());
  return lock;
}

Result<void> Ledger::check_present() {
  RTENV_TRY(const auto lock, enter());
  return database_.check_present();
}

Result<void> Ledger::begin_build(Kind kind, KeyView key, std::uint64_t lock_inode) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(
      const auto insert,
      database_.prepare_cached(
          "INSERT INTO entry (kind, key, ready, size_bytes, created_ms, last_used_ms, builder, "
          "builder_lock) "
          "VALUES (?1, ?2, 0, 0, ?3, ?3, ?4, ?5) ON CONFLICT (kind, key) DO UPDATE SET ready = "
          "0, size_bytes = 0, builder = ?4, builder_lock = ?5"));
  insert->bind(1, info(kind).name).bind(2, key).bind(3, unix_ms()).bind(4, process_identity());
  insert->bind(5, static_cast<std::int64_t>(lock_inode));
  return insert->run();
}

Result<LeasedEntry> Ledger::publish(Kind kind, KeyView key, const BuiltEntry& built,
                                    HolderId holder) {
  RTENV_TRY(const auto lock, enter());
  return database_.transaction([&]() -> Result<LeasedEntry> {
    RTENV_TRY(const auto update,
              database_.prepare_cached(
                  "UPDATE entry SET ready = 1, size_bytes = ?3, digest = ?4, created_ms = ?5, "
                  "last_used_ms = ?5, hits = 0, builder = '' "
                  "WHERE kind = ?1 AND key = ?2 AND ready = 0 AND builder = ?6 RETURNING id"));
    update->bind(1, info(kind).name)
        .bind(2, key)
        .bind(3, static_cast<std::int64_t>(built.size_bytes))
        .bind(4, built.digest);
    update->bind(5, unix_ms()).bind(6, process_identity());
    RTENV_TRY(const bool row, update->step());
    if (!row)
      return fail(Errc::unavailable, "another process took over the build of {}", key)
          .hint("was the build's lock in locks/ removed? Retry");
    const EntryId entry = update->number(0);
    RTENV_TRY(update->run());
    RTENV_TRY(const auto count,
              database_.prepare_cached("UPDATE usage SET misses = misses + 1 WHERE kind = ?"));
    count->bind(1, info(kind).name);
    RTENV_TRY(count->run());
    RTENV_TRY(const LeaseId id, insert_lease_locked(entry, holder));
    return LeasedEntry{entry, id};
  });
}

Result<void> Ledger::forget_unready(Kind kind, KeyView key) {
  RTENV_TRY(const auto lock, enter());
  return database_.transaction([&]() -> Result<void> {
    // Leases on an entry whose files were lost protect nothing.
    RTENV_TRY(const auto leases,
              database_.prepare_cached(
                  "DELETE FROM lease WHERE entry = "
                  "(SELECT id FROM entry WHERE kind = ? AND key = ? AND ready = 0)"));
    leases->bind(1, info(kind).name).bind(2, key);
    RTENV_TRY(leases->run());
    RTENV_TRY(const auto remove, database_.prepare_cached(
                                     "DELETE FROM entry WHERE kind = ? AND key = ? AND ready = 0"));
    remove->bind(1, info(kind).name).bind(2, key);
    return remove->run();
  });
}

Result<void> Ledger::forget_locked(Kind kind, KeyView key) {
  RTENV_TRY(const auto remove,
            database_.prepare_cached("DELETE FROM entry WHERE kind = ? AND key = ?"));
  remove->bind(1, info(kind).name).bind(2, key);
  return remove->run();
}

Result<void> Ledger::count_eviction_locked(Kind kind) {
  RTENV_TRY(const auto count,
            database_.prepare_cached("UPDATE usage SET evictions = evictions + 1 WHERE kind = ?"));
  count->bind(1, info(kind).name);
  return count->run();
}

Result<void> Ledger::set_digest(Kind kind, KeyView key, std::string_view digest) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto update,
            database_.prepare_cached(
                "UPDATE entry SET digest = ?3 WHERE kind = ?1 AND key = ?2 AND ready = 1"));
  update->bind(1, info(kind).name).bind(2, key).bind(3, digest);
  return update->run();
}

Result<void> Ledger::check_unheld(const EntryRow& row) {
  if (!row.ready)
    return fail(Errc::busy, "{} is being built", row.key).hint("retry when the build has finished");
  if (!row.holder_pids.empty())
    return fail(Errc::busy, "{} is in use by process {}", row.key, row.holder_pids.front())
        .hint("retry when that process has ended, or, if it is this one, release the lease");
  if (!row.pins.empty())
    return fail(Errc::busy, "{} is pinned by '{}'", row.key, row.pins.front().name)
        .hint("unpin it first: the pin's name is {}", row.pins.front().name);
  return {};
}

Result<std::optional<EntryRow>> Ledger::find(Kind kind, KeyView key) {
  RTENV_TRY(const auto lock, enter());
  return find_locked(kind, key);
}

Result<std::optional<EntryRow>> Ledger::find_locked(Kind kind, KeyView key) {
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT id, kind, key, ready, size_bytes, created_ms, last_used_ms, hits, "
                "digest, builder, builder_lock FROM entry WHERE kind = ? AND key = ?"));
  query->bind(1, info(kind).name).bind(2, key);
  RTENV_TRY(auto rows, collect_rows(*query));
  if (rows.empty()) return std::optional<EntryRow>();
  EntryRow& row = rows.front();
  RTENV_TRY(
      const auto holder,
      database_.prepare_cached(
          "SELECT pid FROM lease JOIN holder ON holder.id = lease.holder WHERE entry = ? LIMIT 1"));
  holder->bind(1, row.id);
  RTENV_TRY(const bool held, holder->step());
  if (held) row.holder_pids.push_back(holder->number(0));
  RTENV_TRY(const auto pin,
            database_.prepare_cached("SELECT name, expires_ms FROM pin WHERE entry = ? AND "
                                     "ifnull(expires_ms > ?, 1) LIMIT 1"));
  pin->bind(1, row.id).bind(2, unix_ms());
  RTENV_TRY(const bool pinned, pin->step());
  if (pinned) row.pins.push_back(pin_of(*pin, 0));
  return std::optional(std::move(row));
}

Result<std::vector<EntryRow>> Ledger::entries() {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT id, kind, key, ready, size_bytes, created_ms, last_used_ms, hits, "
                "digest, builder, builder_lock FROM entry ORDER BY last_used_ms, id"));
  RTENV_TRY(auto rows, collect_rows(*query));
  std::unordered_map<EntryId, EntryRow*> by_id;
  const auto row_of = [&](EntryId id) {
    if (by_id.empty())
      for (EntryRow& row : rows) by_id.emplace(row.id, &row);
    const auto found = by_id.find(id);
    return found == by_id.end() ? nullptr : found->second;
  };
  RTENV_TRY(const auto held,
            database_.prepare_cached(
                "SELECT DISTINCT entry, pid FROM lease JOIN holder ON holder.id = lease.holder"));
  for (;;) {
    RTENV_TRY(const bool more, held->step());
    if (!more) break;
    if (EntryRow* row = row_of(held->number(0))) row->holder_pids.push_back(held->number(1));
  }
  RTENV_TRY(const auto pins,
            database_.prepare_cached(
                "SELECT entry, name, expires_ms FROM pin WHERE ifnull(expires_ms > ?, 1)"));
  pins->bind(1, unix_ms());
  for (;;) {
    RTENV_TRY(const bool more, pins->step());
    if (!more) break;
    if (EntryRow* row = row_of(pins->number(0))) row->pins.push_back(pin_of(*pins, 1));
  }
  return rows;
}

// Ids grow: unlike times, they can't be set back. No key contains the byte 127.
Result<std::vector<EntryRow>> Ledger::ready_entries(Kind kind, std::string_view key_prefix) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(
      const auto query,
      database_.prepare_cached("SELECT id, kind, key, ready, size_bytes, created_ms, last_used_ms, "
                               "hits, digest, builder, builder_lock FROM entry WHERE kind = ?1 AND "
                               "key >= ?2 AND key < ?2 || char(127) AND ready = 1 "
                               "ORDER BY id DESC"));
  query->bind(1, info(kind).name).bind(2, key_prefix);
  return collect_rows(*query);
}

Result<std::vector<EntryRow>> Ledger::unready_entries() {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(
      const auto query,
      database_.prepare_cached("SELECT id, kind, key, ready, size_bytes, created_ms, last_used_ms, "
                               "hits, digest, builder, builder_lock FROM entry WHERE ready = 0"));
  return collect_rows(*query);
}

}  // namespace rtenv::cache
