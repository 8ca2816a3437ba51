#include "cache/ledger_schema.hpp"

#include <array>
#include <cstdint>

namespace rtenv::cache {
namespace {

// Raised with every change of the tables, with a step in k_migrations.
constexpr std::int64_t k_schema_version = 6;

constexpr const char* k_schema = R"sql(
  CREATE TABLE entry (
    id           INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    key          TEXT NOT NULL,
    ready        INTEGER NOT NULL,          -- 0: being built; its builder holds the build lock
    size_bytes   INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    last_used_ms INTEGER NOT NULL,
    hits         INTEGER NOT NULL DEFAULT 0,
    digest       TEXT NOT NULL DEFAULT '',  -- of the content; '': none
    builder      TEXT NOT NULL DEFAULT '',  -- while not ready: the identity of its process
    builder_lock INTEGER NOT NULL DEFAULT 0, -- … and the inode of the lock file that it holds
    UNIQUE (kind, key)
  );
  CREATE INDEX entry_by_use ON entry (last_used_ms);
  CREATE INDEX entry_unready ON entry (id) WHERE ready = 0;
  CREATE TABLE holder (
    id        INTEGER PRIMARY KEY,
    lock_name TEXT NOT NULL UNIQUE,         -- file in locks/, locked while the holder is alive
    pid       INTEGER NOT NULL,             -- for messages
    identity  TEXT NOT NULL DEFAULT ''      -- of the process, see process_identity; '': unknown
  );
  CREATE TABLE lease (                      -- no further indexes: a lease writes one page
    -- A leased entry can't be deleted.
    entry  INTEGER NOT NULL REFERENCES entry (id) ON DELETE RESTRICT,
    id     INTEGER NOT NULL,
    -- A dead holder's leases are deleted.
    holder INTEGER NOT NULL REFERENCES holder (id) ON DELETE CASCADE,
    PRIMARY KEY (entry, id)
  ) WITHOUT ROWID;
  CREATE TABLE pin (
    entry      INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    expires_ms INTEGER,                     -- NULL: never
    PRIMARY KEY (entry, name)
  ) WITHOUT ROWID;
  CREATE TABLE source (                     -- fetched objects
    digest  TEXT PRIMARY KEY,               -- of the object's names and its stored form
    version TEXT NOT NULL,
    sha256  TEXT NOT NULL,
    entry   INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE
  ) WITHOUT ROWID;
  CREATE INDEX source_by_entry ON source (entry);
  CREATE TABLE unsent (                     -- entries to push to the remote tier
    entry INTEGER PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE
  );
  CREATE TABLE usage (                      -- totals, maintained by the triggers below
    kind        TEXT PRIMARY KEY,           -- or a folder that has no entries: only its bytes
    entries     INTEGER NOT NULL DEFAULT 0,
    bytes       INTEGER NOT NULL DEFAULT 0,
    hits        INTEGER NOT NULL DEFAULT 0, -- of deleted entries; others count their own
    saved_bytes INTEGER NOT NULL DEFAULT 0, -- of deleted entries
    misses      INTEGER NOT NULL DEFAULT 0,
    evictions   INTEGER NOT NULL DEFAULT 0,
    pulls       INTEGER NOT NULL DEFAULT 0  -- misses that the remote tier served
  ) WITHOUT ROWID;
  CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
    INSERT INTO usage (kind) VALUES (new.kind) ON CONFLICT DO NOTHING;
    UPDATE usage SET entries = entries + 1, bytes = bytes + new.size_bytes WHERE kind = new.kind;
  END;
  CREATE TRIGGER entry_resized AFTER UPDATE OF size_bytes ON entry BEGIN
    UPDATE usage SET bytes = bytes + new.size_bytes - old.size_bytes WHERE kind = new.kind;
  END;
  CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
    UPDATE usage SET entries = entries - 1, bytes = bytes - old.size_bytes, hits = hits + old.hits,
                     saved_bytes = saved_bytes + old.hits * old.size_bytes WHERE kind = old.kind;
  END;
  PRAGMA user_version = 6;
)sql";

// From an older version's tables to the next version's.
struct Migration {
  std::int64_t from;
  const char* sql;
};
constexpr std::array<Migration, 1> k_migrations{
    {{5,
      "ALTER TABLE holder ADD COLUMN identity TEXT NOT NULL DEFAULT ''; "
      "ALTER TABLE entry ADD COLUMN builder TEXT NOT NULL DEFAULT ''; "
      "ALTER TABLE entry ADD COLUMN builder_lock INTEGER NOT NULL DEFAULT 0; "
      // Trees of that version may share files, and be write-protected.
      "DELETE FROM entry WHERE kind = 'tree' AND id NOT IN (SELECT entry FROM lease) "
      "AND id NOT IN (SELECT entry FROM pin); "
      "DROP TABLE content; "
      "PRAGMA user_version = 6"}}};

Result<bool> has_tables(Database& database) {
  RTENV_TRY(Statement query, database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1"));
  return query.step();
}

// 0 in a new file.
Result<std::int64_t> schema_version(Database& database) {
  RTENV_TRY(Statement query, database.prepare("PRAGMA user_version"));
  RTENV_TRY([[maybe_unused]] const bool row, query.step());
  return query.number(0);
}

}  // namespace

Result<void> prepare_ledger(Database& database, const Path& file) {
  RTENV_TRY(std::int64_t version, schema_version(database));
  if (version < k_schema_version)
    RTENV_TRY(database.transaction([&]() -> Result<void> {
      RTENV_TRY(version, schema_version(database));  // another process may have done it
      if (version == 0) {
        RTENV_TRY(const bool is_foreign, has_tables(database));
        if (is_foreign) return fail(Errc::corrupt, "{} isn't the ledger of a cache", file.native());
        RTENV_TRY(database.execute(k_schema));
        version = k_schema_version;
      }
      for (const Migration& migration : k_migrations) {
        if (version != migration.from) continue;
        RTENV_TRY(database.execute(migration.sql));
        ++version;
      }
      return {};
    }));
  if (version == k_schema_version) return {};
  return fail(Errc::invalid_argument,
              "{} was written by another version of rtenv (schema {}, this version uses {})",
              file.native(), version, k_schema_version)
      .hint(
          "use that version of rtenv, set RTENV_CACHE_DIR to another folder, or remove the folder "
          "{}: its content is fetched and built again",
          file.parent_path().native());
}

}  // namespace rtenv::cache
