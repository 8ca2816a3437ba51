#include "cache/ledger.hpp"

#include <array>
#include <chrono>

namespace rtenv::cache {
namespace {

constexpr std::int64_t k_schema_version = 2;

// What each version added to the one before.
constexpr std::array<const char*, k_schema_version> k_schema{R"sql(
  CREATE TABLE entry (
    id           INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    key          TEXT NOT NULL,
    ready        INTEGER NOT NULL,      -- 0: being built under its final path, by whoever holds its build lock
    size_bytes   INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    last_used_ms INTEGER NOT NULL,
    UNIQUE (kind, key)
  );
  CREATE INDEX entry_by_use ON entry (last_used_ms);
  CREATE TABLE holder (
    id          INTEGER PRIMARY KEY,
    lock_name   TEXT NOT NULL UNIQUE,   -- the file whose lock the holder has for as long as it lives
    boot_id     TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL
  );
  CREATE TABLE lease (
    id     INTEGER PRIMARY KEY,
    entry  INTEGER NOT NULL REFERENCES entry (id) ON DELETE RESTRICT,   -- what is held can't be forgotten
    holder INTEGER NOT NULL REFERENCES holder (id) ON DELETE CASCADE    -- the dead hold nothing
  );
  CREATE INDEX lease_by_entry ON lease (entry);
  CREATE INDEX lease_by_holder ON lease (holder);
  PRAGMA user_version = 1;
)sql",
                                                             R"sql(
  CREATE TABLE source (
    digest  TEXT PRIMARY KEY,           -- of what names the object, and of the form in which it is kept
    version TEXT NOT NULL,
    sha256  TEXT NOT NULL,
    entry   INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE
  ) WITHOUT ROWID;
  CREATE INDEX source_by_entry ON source (entry);
  PRAGMA user_version = 2;
)sql"};

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Result<std::int64_t> schema_version(Database& database) {
  RTENV_TRY(Statement query, database.prepare("PRAGMA user_version"));
  RTENV_TRY([[maybe_unused]] const bool row, query.step());
  return query.number(0);
}

}  // namespace

Result<Ledger> Ledger::open(const Path& file) {
  RTENV_TRY(Database database, Database::open(file));
  RTENV_TRY(std::int64_t version, schema_version(database));
  if (version < k_schema_version) {
    RTENV_TRY(database.transaction([&]() -> Result<void> {
      RTENV_TRY(version, schema_version(database));  // another process may have been faster
      for (; version < k_schema_version; ++version) RTENV_TRY(database.execute(k_schema[static_cast<std::size_t>(version)]));
      return {};
    }));
  }
  if (version != k_schema_version)
    return fail(Errc::invalid_argument, "{} was made by a newer rtenv (schema {}, this one knows {})", file.native(),
                version, k_schema_version)
        .hint("use the newer rtenv, or another folder: RTENV_CACHE_DIR");
  return Ledger(std::move(database));
}

Result<HolderId> Ledger::add_holder(const HolderRow& holder) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(Statement insert,
            database_.prepare("INSERT INTO holder (lock_name, boot_id, pid, start_ticks) VALUES (?, ?, ?, ?)"));
  insert.bind(1, holder.lock_name).bind(2, holder.boot_id).bind(3, holder.pid).bind(4, holder.start_ticks);
  RTENV_TRY(insert.run());
  return database_.last_insert_rowid();
}

Result<std::vector<HolderRow>> Ledger::holders() {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(Statement query, database_.prepare("SELECT id, lock_name, boot_id, pid, start_ticks FROM holder"));
  std::vector<HolderRow> rows;
  for (;;) {
    RTENV_TRY(const bool row, query.step());
    if (!row) return rows;
    rows.push_back({query.number(0), query.text(1), query.text(2), query.number(3), query.number(4)});
  }
}

Result<void> Ledger::remove_holder(HolderId holder) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(Statement remove, database_.prepare("DELETE FROM holder WHERE id = ?"));
  remove.bind(1, holder);
  return remove.run();
}

Result<LeaseId> Ledger::insert_lease_locked(EntryId entry, HolderId holder) {
  RTENV_TRY(Statement insert, database_.prepare("INSERT INTO lease (entry, holder) VALUES (?, ?)"));
  insert.bind(1, entry).bind(2, holder);
  RTENV_TRY(insert.run());
  return database_.last_insert_rowid();
}

Result<std::optional<LeasedEntry>> Ledger::lease(Kind kind, std::string_view key, HolderId holder) {
  const std::lock_guard lock(*mutex_);
  return database_.transaction([&]() -> Result<std::optional<LeasedEntry>> {
    RTENV_TRY(Statement touch,
              database_.prepare("UPDATE entry SET last_used_ms = ? WHERE kind = ? AND key = ? AND ready = 1 RETURNING id"));
    touch.bind(1, now_ms()).bind(2, info(kind).name).bind(3, key);
    RTENV_TRY(const bool found, touch.step());
    if (!found) return std::optional<LeasedEntry>();
    const EntryId entry = touch.number(0);
    RTENV_TRY(touch.run());
    RTENV_TRY(const LeaseId id, insert_lease_locked(entry, holder));
    return std::optional(LeasedEntry{entry, id});
  });
}

Result<void> Ledger::release(LeaseId lease) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(Statement remove, database_.prepare("DELETE FROM lease WHERE id = ?"));
  remove.bind(1, lease);
  return remove.run();
}

Result<void> Ledger::begin_building(Kind kind, std::string_view key) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(Statement insert,
            database_.prepare("INSERT OR REPLACE INTO entry (kind, key, ready, size_bytes, created_ms, last_used_ms) "
                              "VALUES (?1, ?2, 0, 0, ?3, ?3)"));
  insert.bind(1, info(kind).name).bind(2, key).bind(3, now_ms());
  return insert.run();
}

Result<LeasedEntry> Ledger::publish(Kind kind, std::string_view key, std::uint64_t size_bytes, HolderId holder) {
  const std::lock_guard lock(*mutex_);
  return database_.transaction([&]() -> Result<LeasedEntry> {
    RTENV_TRY(Statement insert,
              database_.prepare("INSERT INTO entry (kind, key, ready, size_bytes, created_ms, last_used_ms) "
                                "VALUES (?1, ?2, 1, ?3, ?4, ?4) ON CONFLICT (kind, key) DO UPDATE SET ready = 1, "
                                "size_bytes = excluded.size_bytes, created_ms = excluded.created_ms, "
                                "last_used_ms = excluded.last_used_ms RETURNING id"));
    insert.bind(1, info(kind).name).bind(2, key).bind(3, static_cast<std::int64_t>(size_bytes)).bind(4, now_ms());
    RTENV_TRY([[maybe_unused]] const bool row, insert.step());
    const EntryId entry = insert.number(0);
    RTENV_TRY(insert.run());
    RTENV_TRY(const LeaseId id, insert_lease_locked(entry, holder));
    return LeasedEntry{entry, id};
  });
}

Result<void> Ledger::forget(Kind kind, std::string_view key) {
  const std::lock_guard lock(*mutex_);
  return forget_locked(kind, key);
}

Result<void> Ledger::forget_locked(Kind kind, std::string_view key) {
  RTENV_TRY(Statement remove, database_.prepare("DELETE FROM entry WHERE kind = ? AND key = ?"));
  remove.bind(1, info(kind).name).bind(2, key);
  return remove.run();
}

namespace {

constexpr std::string_view k_select_entries =
    "SELECT entry.id, kind, key, ready, size_bytes, created_ms, last_used_ms, holder.pid FROM entry "
    "LEFT JOIN lease ON lease.entry = entry.id LEFT JOIN holder ON holder.id = lease.holder ";

// One row a lease; rows of one entry are neighbours.
Result<std::vector<EntryRow>> collect_entries(Statement& query) {
  std::vector<EntryRow> rows;
  for (;;) {
    RTENV_TRY(const bool more, query.step());
    if (!more) return rows;
    if (rows.empty() || rows.back().id != query.number(0)) {
      const auto kind = parse_kind(query.text(1));
      if (!kind) continue;  // of a kind that only another version knows
      rows.push_back({.id = query.number(0),
                      .kind = *kind,
                      .key = query.text(2),
                      .ready = query.number(3) != 0,
                      .size_bytes = static_cast<std::uint64_t>(query.number(4)),
                      .created_ms = query.number(5),
                      .last_used_ms = query.number(6),
                      .holder_pids = {}});
    }
    if (query.number(7) != 0) rows.back().holder_pids.push_back(query.number(7));
  }
}

}  // namespace

Result<std::optional<EntryRow>> Ledger::find_locked(Kind kind, std::string_view key) {
  RTENV_TRY(Statement query, database_.prepare(fmt::format("{} WHERE kind = ? AND key = ?", k_select_entries)));
  query.bind(1, info(kind).name).bind(2, key);
  RTENV_TRY(auto rows, collect_entries(query));
  return rows.empty() ? std::optional<EntryRow>() : std::optional(std::move(rows.front()));
}

Result<std::vector<EntryRow>> Ledger::entries() {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(Statement query, database_.prepare(fmt::format("{} ORDER BY last_used_ms, entry.id", k_select_entries)));
  return collect_entries(query);
}

Result<std::optional<SourceRow>> Ledger::find_source(std::string_view digest) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(Statement query, database_.prepare("SELECT version, sha256, kind, key FROM source "
                                               "JOIN entry ON entry.id = source.entry WHERE digest = ?"));
  query.bind(1, digest);
  RTENV_TRY(const bool row, query.step());
  const auto kind = row ? parse_kind(query.text(2)) : std::nullopt;
  if (!kind) return std::optional<SourceRow>();
  return std::optional(SourceRow{query.text(0), query.text(1), *kind, query.text(3)});
}

Result<void> Ledger::remember_source(std::string_view digest, const SourceRow& source) {
  const std::lock_guard lock(*mutex_);
  RTENV_TRY(Statement insert, database_.prepare("INSERT OR REPLACE INTO source (digest, version, sha256, entry) "
                                                "SELECT ?1, ?2, ?3, id FROM entry WHERE kind = ?4 AND key = ?5"));
  insert.bind(1, digest).bind(2, source.version).bind(3, source.sha256).bind(4, info(source.kind).name).bind(5, source.key);
  return insert.run();
}

}  // namespace rtenv::cache
