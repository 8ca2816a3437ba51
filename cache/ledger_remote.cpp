#include "cache/ledger.hpp"

namespace rtenv::cache {

Result<std::optional<FetchRecord>> Ledger::find_fetch_record(std::string_view digest) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto query, database_.prepare_cached(
                                  "SELECT version, sha256, kind, key FROM source "
                                  "JOIN entry ON entry.id = source.entry WHERE source.digest = ?"));
  query->bind(1, digest);
  RTENV_TRY(const bool row, query->step());
  auto name = row ? parse_entry_name(query->text(2), query->text(3)) : std::nullopt;
  if (!name) return std::optional<FetchRecord>();
  return std::optional(FetchRecord{query->text(0), query->text(1), std::move(*name)});
}

Result<void> Ledger::remember_fetch(std::string_view digest, const FetchRecord& record) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(
      const auto insert,
      database_.prepare_cached("INSERT OR REPLACE INTO source (digest, version, sha256, entry) "
                               "SELECT ?1, ?2, ?3, id FROM entry WHERE kind = ?4 AND key = ?5"));
  insert->bind(1, digest)
      .bind(2, record.version)
      .bind(3, record.sha256)
      .bind(4, info(record.entry.kind).name)
      .bind(5, record.entry.key);
  return insert->run();
}

Result<void> Ledger::count_pull(Kind kind) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto count,
            database_.prepare_cached("UPDATE usage SET pulls = pulls + 1 WHERE kind = ?"));
  count->bind(1, info(kind).name);
  return count->run();
}

Result<void> Ledger::note_unsent(const EntryName& entry) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(
      const auto insert,
      database_.prepare_cached("INSERT OR IGNORE INTO unsent (entry) "
                               "SELECT id FROM entry WHERE kind = ? AND key = ? AND ready = 1"));
  insert->bind(1, info(entry.kind).name).bind(2, entry.key);
  return insert->run();
}

Result<std::vector<EntryName>> Ledger::unsent() {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto query,
            database_.prepare_cached(
                "SELECT kind, key FROM unsent JOIN entry ON id = entry WHERE ready = 1"));
  std::vector<EntryName> names;
  for (;;) {
    RTENV_TRY(const bool more, query->step());
    if (!more) return names;
    if (auto name = parse_entry_name(query->text(0), query->text(1)))
      names.push_back(std::move(*name));
  }
}

Result<void> Ledger::forget_unsent(const EntryName& entry) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(
      const auto remove,
      database_.prepare_cached(
          "DELETE FROM unsent WHERE entry = (SELECT id FROM entry WHERE kind = ? AND key = ?)"));
  remove->bind(1, info(entry.kind).name).bind(2, entry.key);
  return remove->run();
}

}  // namespace rtenv::cache
