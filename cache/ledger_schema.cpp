#include "cache/ledger_schema.hpp"

#include <array>

namespace rtenv::cache {
namespace {

constexpr std::int64_t k_schema_version = 4;

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
)sql",
                                                             R"sql(
  ALTER TABLE entry ADD COLUMN hits INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entry ADD COLUMN digest TEXT NOT NULL DEFAULT '';   -- of what is in it; '': not computed yet
  DROP INDEX lease_by_entry;
  DROP INDEX lease_by_holder;
  ALTER TABLE lease RENAME TO lease_of_version_2;
  CREATE TABLE lease (                  -- one tree: a lease writes one page of it
    entry  INTEGER NOT NULL REFERENCES entry (id) ON DELETE RESTRICT,
    id     INTEGER NOT NULL,
    holder INTEGER NOT NULL REFERENCES holder (id) ON DELETE CASCADE,
    PRIMARY KEY (entry, id)
  ) WITHOUT ROWID;
  INSERT INTO lease SELECT entry, id, holder FROM lease_of_version_2;
  DROP TABLE lease_of_version_2;
  CREATE INDEX entry_unready ON entry (id) WHERE ready = 0;
  CREATE TABLE pin (
    entry      INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    expires_ms INTEGER,                 -- NULL: never
    PRIMARY KEY (entry, name)
  ) WITHOUT ROWID;
  CREATE TABLE usage (                  -- kept by triggers: sums cost nothing to ask for
    kind        TEXT PRIMARY KEY,
    entries     INTEGER NOT NULL DEFAULT 0,
    bytes       INTEGER NOT NULL DEFAULT 0,
    hits        INTEGER NOT NULL DEFAULT 0,   -- of entries that are gone; so are saved_bytes
    saved_bytes INTEGER NOT NULL DEFAULT 0,
    misses      INTEGER NOT NULL DEFAULT 0,
    evictions   INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  INSERT INTO usage (kind, entries, bytes) SELECT kind, count(*), sum(size_bytes) FROM entry GROUP BY kind;
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
  PRAGMA user_version = 3;
)sql",
                                                             R"sql(
  CREATE TABLE content (                -- large files of read-only entries: an equal one is a link to the same inode
    digest     TEXT NOT NULL,           -- of the file's bytes
    entry      INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    path       TEXT NOT NULL,           -- within the entry
    executable INTEGER NOT NULL,
    inode      INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (digest, entry, path)
  ) WITHOUT ROWID;
  CREATE INDEX content_by_entry ON content (entry);
  CREATE TABLE unsent (                 -- what a remote tier is still to get
    entry INTEGER PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE
  );
  ALTER TABLE usage ADD COLUMN pulls INTEGER NOT NULL DEFAULT 0;   -- misses that a remote tier had
  PRAGMA user_version = 4;
)sql"};

Result<std::int64_t> schema_version(Database& database) {
  RTENV_TRY(Statement query, database.prepare("PRAGMA user_version"));
  RTENV_TRY([[maybe_unused]] const bool row, query.step());
  return query.number(0);
}

}  // namespace

Result<void> migrate_ledger(Database& database, const Path& file) {
  RTENV_TRY(std::int64_t version, schema_version(database));
  if (version < k_schema_version) {
    RTENV_TRY(database.transaction([&]() -> Result<void> {
      RTENV_TRY(version, schema_version(database));  // another process may have been faster
      for (; version < k_schema_version; ++version)
        RTENV_TRY(database.execute(k_schema[static_cast<std::size_t>(version)]));
      return {};
    }));
  }
  if (version != k_schema_version)
    return fail(Errc::invalid_argument,
                "{} was made by a newer rtenv (schema {}, this one knows {})", file.native(),
                version, k_schema_version)
        .hint("use the newer rtenv, or another folder: RTENV_CACHE_DIR");
  return {};
}

}  // namespace rtenv::cache
