#include "cache/ledger.hpp"

namespace rtenv::cache {

Result<std::map<Kind, KindUsage>> Ledger::usage() {
  RTENV_TRY(const auto lock, enter());
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

Result<std::uint64_t> Ledger::size_bytes() {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto query, database_.prepare_cached("SELECT ifnull(sum(bytes), 0) FROM usage"));
  RTENV_TRY([[maybe_unused]] const bool row, query->step());
  return static_cast<std::uint64_t>(query->number(0));
}

Result<void> Ledger::set_size(EntryId entry, std::uint64_t size_bytes) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto update,
            database_.prepare_cached("UPDATE entry SET size_bytes = ?2 WHERE id = ?1 AND "
                                     "ready = 1 AND size_bytes <> ?2"));
  update->bind(1, entry).bind(2, static_cast<std::int64_t>(size_bytes));
  return update->run();
}

Result<void> Ledger::set_folder_size(std::string_view name, std::uint64_t size_bytes) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto set,
            database_.prepare_cached("INSERT INTO usage (kind, bytes) VALUES (?1, ?2) "
                                     "ON CONFLICT DO UPDATE SET bytes = excluded.bytes"));
  set->bind(1, name).bind(2, static_cast<std::int64_t>(size_bytes));
  return set->run();
}

Result<std::uint64_t> Ledger::folder_size(std::string_view name) {
  RTENV_TRY(const auto lock, enter());
  RTENV_TRY(const auto query, database_.prepare_cached("SELECT bytes FROM usage WHERE kind = ?"));
  query->bind(1, name);
  RTENV_TRY(const bool row, query->step());
  return row ? static_cast<std::uint64_t>(query->number(0)) : 0;
}

}  // namespace rtenv::cache
