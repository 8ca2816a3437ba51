#include "cache/cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "base/log.hpp"
#include "base/unique_name.hpp"
#include "cache/holder.hpp"

namespace rtenv::cache {

// What the cache and its leases share. The holder is made with the first lease and retired with the last user.
class CacheState {
 public:
  CacheState(Path root, Ledger ledger) : root_(std::move(root)), ledger_(std::move(ledger)) {}
  CacheState(const CacheState&) = delete;
  CacheState& operator=(const CacheState&) = delete;
  ~CacheState() {
    if (!holder_) return;
    [[maybe_unused]] const auto removed = remove_tree(tmp() / holder_->lock_name());
    holder_->retire(locks(), ledger_);
  }

  [[nodiscard]] const Path& root() const noexcept { return root_; }
  [[nodiscard]] Path locks() const { return root_ / "locks"; }
  [[nodiscard]] Path tmp() const { return root_ / "tmp"; }
  [[nodiscard]] Path build_lock(Kind kind, std::string_view key) const {
    return locks() / fmt::format("{}-{}", info(kind).name, key);
  }
  Ledger& ledger() noexcept { return ledger_; }

  Result<const Holder*> holder() {
    const std::lock_guard lock(mutex_);
    if (!holder_) {
      RTENV_TRY(auto created, Holder::create(locks(), ledger_));
      holder_.emplace(std::move(created));
    }
    return &*holder_;
  }
  /// Requires: a holder was made.
  [[nodiscard]] int lock_fd() const noexcept { return holder_->lock_fd(); }

 private:
  Path root_;
  Ledger ledger_;
  std::mutex mutex_;
  std::optional<Holder> holder_;
};

Lease::Lease(std::shared_ptr<CacheState> state, LeaseId id, Kind kind, std::string key, Path path)
    : state_(std::move(state)), id_(id), kind_(kind), key_(std::move(key)), path_(std::move(path)) {}

Lease::Lease(Lease&& other) noexcept = default;

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    state_ = std::move(other.state_);
    id_ = other.id_;
    kind_ = other.kind_;
    key_ = std::move(other.key_);
    path_ = std::move(other.path_);
  }
  return *this;
}

Lease::~Lease() { release(); }

void Lease::release() noexcept {
  if (!state_) return;
  // Not fatal: the row goes with its holder.
  if (const auto released = state_->ledger().release(id_); !released)
    log::debug("lease on {} not released: {}", key_, released.error().message());
  state_.reset();
}

int Lease::lock_fd() const noexcept { return state_->lock_fd(); }

Result<Cache> Cache::open(const Path& root) {
  const Path absolute = std::filesystem::absolute(root).lexically_normal();
  for (const char* folder : {"", "trees", "envs", "tools", "files", "tmp", "locks"})
    RTENV_TRY(make_directories(absolute / folder));
  RTENV_TRY(Ledger ledger, Ledger::open(absolute / "ledger.db"));
  Cache cache(std::make_shared<CacheState>(absolute, std::move(ledger)));
  RTENV_TRY(cache.sweep());
  return cache;
}

const Path& Cache::root() const { return state_->root(); }

Path Cache::path_of(Kind kind, std::string_view key) const { return state_->root() / info(kind).folder / key; }

Result<void> Cache::sweep() {
  // The folders first, then who lives: a folder made after the list was read isn't in it, and one in it was made by a
  // holder whose row was there before.
  std::vector<Path> temporary;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_->tmp(), error)) temporary.push_back(entry.path());
  RTENV_TRY(const auto alive, sweep_holders(state_->locks(), state_->ledger()));
  for (const Path& path : temporary)
    if (std::ranges::find(alive, path.filename().native()) == alive.end()) RTENV_TRY(remove_tree(path));
  RTENV_TRY(const auto rows, state_->ledger().entries());
  for (const EntryRow& row : rows)
    if (!row.ready) RTENV_TRY(sweep_half_built(row));
  return {};
}

Result<void> Cache::sweep_half_built(const EntryRow& row) {
  RTENV_TRY(const auto lock, LockFile::try_acquire(state_->build_lock(row.kind, row.key)));
  if (!lock) return {};  // still being built
  log::debug("removing the half-built {} {}", info(row.kind).name, row.key);
  RTENV_TRY(remove_tree(path_of(row.kind, row.key)));
  return state_->ledger().forget(row.kind, row.key);
}

Result<std::optional<Lease>> Cache::find(Kind kind, std::string_view key) {
  RTENV_TRY(const Holder* holder, state_->holder());
  RTENV_TRY(const auto leased, state_->ledger().lease(kind, key, holder->id()));
  if (!leased) return std::optional<Lease>();
  Lease lease(state_, leased->lease, kind, std::string(key), path_of(kind, key));
  struct stat status {};
  if (::stat(lease.path().c_str(), &status) != 0) return std::optional<Lease>();  // removed behind our back
  return std::optional(std::move(lease));
}

Result<Lease> Cache::get_or_make(Kind kind, std::string_view key, const Maker& make, const MakeOptions& options) {
  RTENV_TRY(auto found, find(kind, key));
  if (found) return std::move(*found);
  RTENV_TRY(const LockFile lock,
            LockFile::acquire(state_->build_lock(kind, key), options.cancellation, options.quiet_wait, options.on_wait));
  RTENV_TRY(auto made_meanwhile, find(kind, key));
  if (made_meanwhile) return std::move(*made_meanwhile);
  return info(kind).in_place ? make_in_place(kind, key, make, lock.fd().get())
                             : make_staged(kind, key, make, lock.fd().get());
}

Result<Lease> Cache::make_staged(Kind kind, std::string_view key, const Maker& make, int lock_fd) {
  RTENV_TRY(const TempDir staging, make_temp_dir());
  const MakeContext context{.target = staging.path() / "content", .lock_fd = lock_fd};
  RTENV_TRY(make(context));
  if (info(kind).read_only) RTENV_TRY(make_read_only(context.target));
  RTENV_TRY(sync_file_system(context.target));
  const Path final_path = path_of(kind, key);
  RTENV_TRY(take_away(final_path));  // renamed there by one who died before entering it
  RTENV_TRY(rename_path(context.target, final_path));
  return publish(kind, key);
}

Result<Lease> Cache::make_in_place(Kind kind, std::string_view key, const Maker& make, int lock_fd) {
  const MakeContext context{.target = path_of(kind, key), .lock_fd = lock_fd};
  RTENV_TRY(remove_tree(context.target));
  RTENV_TRY(state_->ledger().begin_building(kind, key));
  auto made = make(context);
  if (made) made = sync_file_system(context.target);
  if (!made) {
    // What can't be removed now is swept later: the row says that it isn't ready.
    if (const auto removed = remove_tree(context.target); !removed)
      log::warn("{}", removed.error().message());
    else if (const auto forgotten = state_->ledger().forget(kind, key); !forgotten)
      log::debug("{}", forgotten.error().message());
    return Failure(std::move(made).error());
  }
  return publish(kind, key);
}

Result<Lease> Cache::publish(Kind kind, std::string_view key) {
  RTENV_TRY(const auto size_bytes, disk_usage_bytes(path_of(kind, key)));
  RTENV_TRY(const Holder* holder, state_->holder());
  RTENV_TRY(const auto leased, state_->ledger().publish(kind, key, size_bytes, holder->id()));
  return Lease(state_, leased.lease, kind, std::string(key), path_of(kind, key));
}

Result<std::optional<SourceRow>> Cache::find_source(std::string_view digest) { return state_->ledger().find_source(digest); }

Result<void> Cache::remember_source(std::string_view digest, const SourceRow& source) {
  return state_->ledger().remember_source(digest, source);
}

Result<LockFile> Cache::lock(std::string_view name, const MakeOptions& options) {
  return LockFile::acquire(state_->locks() / name, options.cancellation, options.quiet_wait, options.on_wait);
}

Result<std::vector<EntryRow>> Cache::entries() { return state_->ledger().entries(); }

// Out of sight by a rename, so that nobody ever sees half an entry; removed by the caller's temporary folder.
Result<void> Cache::take_away(const Path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  RTENV_TRY(const TempDir trash, make_temp_dir());
  return rename_path(path, trash.path() / "content");
}

Result<bool> Cache::remove(Kind kind, std::string_view key) {
  const Path path = path_of(kind, key);
  RTENV_TRY(const TempDir trash, make_temp_dir());
  return state_->ledger().remove_unheld(kind, key, [&]() -> Result<void> {
    auto renamed = rename_path(path, trash.path() / "content");
    if (!renamed && renamed.error().code() == Errc::not_found) return {};
    return renamed;
  });
}

Result<CollectReport> Cache::collect(std::uint64_t max_bytes, bool dry_run) {
  RTENV_TRY(auto rows, entries());
  if (!dry_run) RTENV_TRY(sweep_unknown(rows));
  CollectReport report;
  for (const EntryRow& row : rows) report.kept_bytes += row.size_bytes;
  for (EntryRow& row : rows) {
    if (!row.ready) continue;
    if (!row.holder_pids.empty()) {
      report.held_bytes += row.size_bytes;
      continue;
    }
    if (report.kept_bytes <= max_bytes) continue;
    if (!dry_run) {
      const auto removed = remove(row.kind, row.key);
      if (!removed && removed.error().code() == Errc::permission_denied) continue;  // taken since we looked
      if (!removed) return Failure(removed.error());
    }
    report.kept_bytes -= row.size_bytes;
    report.freed_bytes += row.size_bytes;
    report.removed.push_back(std::move(row));
  }
  return report;
}

// A path without a row was left by one who died between the rename and the row, or by hands. Making an entry needs its
// build lock; so whoever has the lock and finds no row may remove the path.
Result<void> Cache::sweep_unknown(const std::vector<EntryRow>& known) {
  std::set<Path> known_paths;
  for (const EntryRow& row : known) known_paths.insert(path_of(row.kind, row.key));
  for (const KindInfo& kind : k_kinds) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(state_->root() / kind.folder, error)) {
      if (known_paths.contains(entry.path())) continue;
      const std::string key = entry.path().filename().native();
      RTENV_TRY(const auto lock, LockFile::try_acquire(state_->build_lock(kind.kind, key)));
      if (!lock) continue;
      RTENV_TRY(const auto found, find(kind.kind, key));  // entered since the rows were read
      if (!found) RTENV_TRY(take_away(entry.path()));
    }
  }
  return {};
}

Result<TempDir> Cache::make_temp_dir() {
  RTENV_TRY(const Holder* holder, state_->holder());
  const Path folder = state_->tmp() / holder->lock_name();
  RTENV_TRY(make_directories(folder));
  return TempDir::create(folder);
}

}  // namespace rtenv::cache
