#include "cache/ledger.hpp"

#include <sys/random.h>

#include <chrono>
#include <limits>
#include <unordered_map>

#include "base/clock.hpp"
#include "cache/ledger_schema.hpp"

namespace rtenv::cache {

namespace {

// Never one that was given before, as SQLite's own are once the newest row is gone: who still
// remembers a holder or a lease that was removed must not meet another one under its number.
std::int64_t new_id() {
  std::int64_t id = 0;
  while (::getrandom(&id, sizeof id, 0) != static_cast<ssize_t>(sizeof id)) {
  }
  return (id & std::numeric_limits<std::int64_t>::max()) | 1;
}

}  // namespace

Result<Ledger> Ledger::open(const Path& file) {
  RTENV_TRY(Database database, Database::open(file));
  RTENV_TRY(migrate_ledger(database, file));
  return Ledger(std::move(database));
}

Result<HolderId> Ledger::add_holder(const HolderRow& holder) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(
      const auto insert,
      database_.prepare_cached(
          "INSERT INTO holder (lock_name, boot_id, pid, start_ticks, id) VALUES (?, ?, ?, ?, ?)"));
  const HolderId id = new_id();
  insert->bind(1, holder.lock_name)
      .bind(2, holder.boot_id)
      .bind(3, holder.pid)
      .bind(4, holder.start_ticks)
      .bind(5, id);
  RTENV_TRY(insert->run());
  return id;
}

Result<std::vector<HolderRow>> Ledger::holders() {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto query, database_.prepare_cached(
                                  "SELECT id, lock_name, boot_id, pid, start_ticks FROM holder"));
  std::vector<HolderRow> rows;
  for (;;) {
    RTENV_TRY(const bool row, query->step());
    if (!row) return rows;
    rows.push_back(
        {query->number(0), query->text(1), query->text(2), query->number(3), query->number(4)});
  }
}

Result<void> Ledger::remove_holder(HolderId holder) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto remove, database_.prepare_cached("DELETE FROM holder WHERE id = ?"));
  remove->bind(1, holder);
  return remove->run();
}

Result<LeaseId> Ledger::insert_lease_locked(EntryId entry, HolderId holder) {
  RTENV_TRY(const auto insert,
            database_.prepare_cached("INSERT INTO lease (id, entry, holder) VALUES (?, ?, ?)"));
  const LeaseId id = new_id();
  insert->bind(1, id).bind(2, entry).bind(3, holder);
  RTENV_TRY(insert->run());
  return id;
}

Result<std::optional<LeasedEntry>> Ledger::lease(Kind kind, std::string_view key, HolderId holder) {
  const std::lock_guard lock(*mutex_);
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

Result<void> Ledger::release(const LeasedEntry& leased) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto remove,
            database_.prepare_cached("DELETE FROM lease WHERE entry = ? AND id = ?"));
  remove->bind(1, leased.entry).bind(2, leased.lease);
  return remove->run();
}

Result<void> Ledger::begin_making(Kind kind, std::string_view key) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto insert,
            database_.prepare_cached(
                "INSERT INTO entry (kind, key, ready, size_bytes, created_ms, last_used_ms) "
                "VALUES (?1, ?2, 0, 0, ?3, ?3) ON CONFLICT (kind, key) DO UPDATE SET ready = "
                "0, size_bytes = 0"));
  insert->bind(1, info(kind).name).bind(2, key).bind(3, unix_ms());
  return insert->run();
}

Result<void> Ledger::insert_contents_locked(EntryId entry,
                                            const std::vector<ContentRow>& contents) {
  // Of one that was there before its files were lost.
  RTENV_TRY(const auto remove, database_.prepare_cached("DELETE FROM content WHERE entry = ?"));
  remove->bind(1, entry);
  RTENV_TRY(remove->run());
  RTENV_TRY(const auto insert,
            database_.prepare_cached(
                "INSERT INTO content (digest, entry, path, executable, inode, size_bytes) "
                "VALUES (?, ?, ?, ?, ?, ?)"));
  for (const ContentRow& row : contents) {
    insert->bind(1, row.digest).bind(2, entry).bind(3, row.path).bind(4, row.executable ? 1 : 0);
    insert->bind(5, static_cast<std::int64_t>(row.inode))
        .bind(6, static_cast<std::int64_t>(row.size_bytes));
    RTENV_TRY(insert->run());
  }
  return {};
}

Result<LeasedEntry> Ledger::publish(Kind kind, std::string_view key, const MadeEntry& made,
                                    HolderId holder) {
  const std::lock_guard lock(*mutex_);
  return database_.transaction([&]() -> Result<LeasedEntry> {
    RTENV_TRY(const auto update,
              database_.prepare_cached(
                  "UPDATE entry SET ready = 1, size_bytes = ?3, digest = ?4, created_ms = ?5, "
                  "last_used_ms = ?5, hits = 0 WHERE kind = ?1 AND key = ?2 RETURNING id"));
    update->bind(1, info(kind).name)
        .bind(2, key)
        .bind(3, static_cast<std::int64_t>(made.size_bytes))
        .bind(4, made.digest);
    update->bind(5, unix_ms());
    RTENV_TRY(const bool row, update->step());
    if (!row) return fail(Errc::internal, "{} wasn't begun", key);
    const EntryId entry = update->number(0);
    RTENV_TRY(update->run());
    RTENV_TRY(const auto count,
              database_.prepare_cached("UPDATE usage SET misses = misses + 1 WHERE kind = ?"));
    count->bind(1, info(kind).name);
    RTENV_TRY(count->run());
    RTENV_TRY(insert_contents_locked(entry, made.contents));
    RTENV_TRY(const LeaseId id, insert_lease_locked(entry, holder));
    return LeasedEntry{entry, id};
  });
}

Result<void> Ledger::forget_unready(Kind kind, std::string_view key) {
  const std::lock_guard lock(*mutex_);
  return database_.transaction([&]() -> Result<void> {
    // Of one that was there before its files were lost: they hold nothing.
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

Result<void> Ledger::forget_locked(Kind kind, std::string_view key) {
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

Result<void> Ledger::set_digest(Kind kind, std::string_view key, std::string_view digest) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto update,
            database_.prepare_cached(
                "UPDATE entry SET digest = ?3 WHERE kind = ?1 AND key = ?2 AND ready = 1"));
  update->bind(1, info(kind).name).bind(2, key).bind(3, digest);
  return update->run();
}

Result<bool> Ledger::pin(Kind kind, std::string_view key, const Pin& pin) {
  const std::lock_guard lock(*mutex_);
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

Result<bool> Ledger::unpin(Kind kind, std::string_view key, std::string_view name) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto remove,
            database_.prepare_cached(
                "DELETE FROM pin WHERE name = ?3 AND entry = "
                "(SELECT id FROM entry WHERE kind = ?1 AND key = ?2) RETURNING entry"));
  remove->bind(1, info(kind).name).bind(2, key).bind(3, name);
  RTENV_TRY(const bool removed, remove->step());
  RTENV_TRY(remove->run());
  return removed;
}

namespace {

// Of id, kind, key, ready, size_bytes, created_ms, last_used_ms, hits, digest.
Result<std::vector<EntryRow>> collect_rows(Statement& query) {
  std::vector<EntryRow> rows;
  for (;;) {
    RTENV_TRY(const bool more, query.step());
    if (!more) return rows;
    const auto kind = parse_kind(query.text(1));
    if (!kind) continue;  // of a kind that only another version knows
    rows.push_back({.id = query.number(0),
                    .kind = *kind,
                    .key = query.text(2),
                    .ready = query.number(3) != 0,
                    .size_bytes = static_cast<std::uint64_t>(query.number(4)),
                    .created_ms = query.number(5),
                    .last_used_ms = query.number(6),
                    .hits = static_cast<std::uint64_t>(query.number(7)),
                    .digest = query.text(8),
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

Result<void> Ledger::check_unheld(const EntryRow& row) {
  if (!row.ready)
    return fail(Errc::permission_denied, "{} is being built", row.key)
        .hint("try again when it is done");
  if (!row.holder_pids.empty())
    return fail(Errc::permission_denied, "{} is in use by process {}", row.key,
                row.holder_pids.front())
        .hint("try again when it has ended");
  if (!row.pins.empty())
    return fail(Errc::permission_denied, "{} is pinned by '{}'", row.key, row.pins.front().name)
        .hint("rtenv cache unpin {}", row.key);
  return {};
}

Result<std::optional<EntryRow>> Ledger::find(Kind kind, std::string_view key) {
  const std::lock_guard lock(*mutex_);
  return find_locked(kind, key);
}

Result<std::optional<EntryRow>> Ledger::find_locked(Kind kind, std::string_view key) {
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT id, kind, key, ready, size_bytes, created_ms, last_used_ms, hits, "
                "digest FROM entry WHERE kind = ? AND key = ?"));
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
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT id, kind, key, ready, size_bytes, created_ms, last_used_ms, hits, "
                "digest FROM entry ORDER BY last_used_ms, id"));
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

Result<std::vector<EntryRow>> Ledger::unready_entries() {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(
      const auto query,
      database_.prepare_cached("SELECT id, kind, key, ready, size_bytes, created_ms, last_used_ms, "
                               "hits, digest FROM entry WHERE ready = 0"));
  return collect_rows(*query);
}

Result<void> Ledger::count_pull(Kind kind) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto count,
            database_.prepare_cached("UPDATE usage SET pulls = pulls + 1 WHERE kind = ?"));
  count->bind(1, info(kind).name);
  return count->run();
}

Result<void> Ledger::note_unsent(const EntryName& entry) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(
      const auto insert,
      database_.prepare_cached("INSERT OR IGNORE INTO unsent (entry) "
                               "SELECT id FROM entry WHERE kind = ? AND key = ? AND ready = 1"));
  insert->bind(1, info(entry.kind).name).bind(2, entry.key);
  return insert->run();
}

Result<std::vector<EntryName>> Ledger::unsent() {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT kind, key FROM unsent JOIN entry ON id = entry WHERE ready = 1"));
  std::vector<EntryName> names;
  for (;;) {
    RTENV_TRY(const bool more, query->step());
    if (!more) return names;
    if (const auto kind = parse_kind(query->text(0))) names.push_back({*kind, query->text(1)});
  }
}

Result<void> Ledger::forget_unsent(const EntryName& entry) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(
      const auto remove,
      database_.prepare_cached(
          "DELETE FROM unsent WHERE entry = (SELECT id FROM entry WHERE kind = ? AND key = ?)"));
  remove->bind(1, info(entry.kind).name).bind(2, entry.key);
  return remove->run();
}

Result<std::map<Kind, KindUsage>> Ledger::usage() {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT kind, entries, bytes, misses, evictions, "
                "hits + (SELECT ifnull(sum(hits), 0) FROM entry WHERE entry.kind = usage.kind), "
                "saved_bytes + (SELECT ifnull(sum(hits * size_bytes), 0) FROM entry WHERE "
                "entry.kind = usage.kind), "
                "pulls FROM usage"));
  std::map<Kind, KindUsage> result;
  const auto unsigned_at = [&](int column) {
    return static_cast<std::uint64_t>(query->number(column));
  };
  for (;;) {
    RTENV_TRY(const bool more, query->step());
    if (!more) return result;
    if (const auto kind = parse_kind(query->text(0)))
      result[*kind] = {.entries = unsigned_at(1),
                       .size_bytes = unsigned_at(2),
                       .hits = unsigned_at(5),
                       .misses = unsigned_at(3),
                       .pulls = unsigned_at(7),
                       .evictions = unsigned_at(4),
                       .saved_bytes = unsigned_at(6)};
  }
}

Result<std::vector<ContentRow>> Ledger::find_content(std::string_view digest, bool executable) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(
      const auto query,
      database_.prepare_cached(
          "SELECT kind, key, path, inode, content.size_bytes FROM content JOIN entry ON entry.id = "
          "content.entry WHERE content.digest = ? AND executable = ? AND ready = 1 LIMIT 4"));
  query->bind(1, digest).bind(2, executable ? 1 : 0);
  std::vector<ContentRow> rows;
  for (;;) {
    RTENV_TRY(const bool more, query->step());
    if (!more) return rows;
    const auto kind = parse_kind(query->text(0));
    if (!kind) continue;
    rows.push_back({.digest = std::string(digest),
                    .kind = *kind,
                    .key = query->text(1),
                    .path = query->text(2),
                    .executable = executable,
                    .inode = static_cast<std::uint64_t>(query->number(3)),
                    .size_bytes = static_cast<std::uint64_t>(query->number(4))});
  }
}

Result<std::uint64_t> Ledger::shared_bytes() {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT ifnull(sum(more), 0) FROM (SELECT (count(DISTINCT entry) - 1) * "
                "size_bytes AS more FROM content GROUP BY digest, inode)"));
  RTENV_TRY([[maybe_unused]] const bool row, query->step());
  return static_cast<std::uint64_t>(query->number(0));
}

Result<std::uint64_t> Ledger::size_bytes() {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto query, database_.prepare_cached("SELECT ifnull(sum(bytes), 0) FROM usage"));
  RTENV_TRY([[maybe_unused]] const bool row, query->step());
  return static_cast<std::uint64_t>(query->number(0));
}

Result<std::optional<FetchRecord>> Ledger::find_fetch_record(std::string_view digest) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(const auto query, database_.prepare_cached(
                                  "SELECT version, sha256, kind, key FROM source "
                                  "JOIN entry ON entry.id = source.entry WHERE source.digest = ?"));
  query->bind(1, digest);
  RTENV_TRY(const bool row, query->step());
  const auto kind = row ? parse_kind(query->text(2)) : std::nullopt;
  if (!kind) return std::optional<FetchRecord>();
  return std::optional(FetchRecord{query->text(0), query->text(1), *kind, query->text(3)});
}

Result<void> Ledger::remember_fetch(std::string_view digest, const FetchRecord& source) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(
      const auto insert,
      database_.prepare_cached("INSERT OR REPLACE INTO source (digest, version, sha256, entry) "
                               "SELECT ?1, ?2, ?3, id FROM entry WHERE kind = ?4 AND key = ?5"));
  insert->bind(1, digest)
      .bind(2, source.version)
      .bind(3, source.sha256)
      .bind(4, info(source.kind).name)
      .bind(5, source.key);
  return insert->run();
}

}  // namespace rtenv::cache
