#include "cache/remote_tier.hpp"

#include <sys/stat.h>

#include <ctime>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "cache/watchdog.hpp"
#include "remote/download.hpp"

namespace rtenv::cache {
namespace {

constexpr std::time_t k_pause_s = 30;
constexpr const char* k_layout =
    "rtenv-1/";  // raised when other versions couldn't read what this one writes

// In the background nobody waits: a slow line is no broken one.
constexpr std::chrono::milliseconds k_background_patience{60'000};

// So much must come within the time-out: a server that sends a byte now and then is no better than
// one that is silent.
constexpr std::uint64_t k_progress_bytes = 1U << 20U;

}  // namespace

std::optional<TierMode> parse_tier_mode(std::string_view text) {
  if (text == "read") return TierMode::read;
  if (text == "write-through") return TierMode::write_through;
  if (text == "write-back") return TierMode::write_back;
  return std::nullopt;
}

Result<void> check_holds_packs(const remote::Uri& uri) {
  if (uri.scheme != remote::Scheme::local && uri.scheme != remote::Scheme::gcs && !uri.sha256)
    return {};
  return fail(Errc::invalid_argument, "{} can't hold packs", uri.shown())
      .hint("s3://, gs://, azure://, abfss://, http(s):// or file://, a bucket and a prefix");
}

// One use of the tier: a store whose requests end when nothing is heard for too long.
struct RemoteTier::Session {
  std::unique_ptr<Watchdog> watchdog;
  std::unique_ptr<remote::ObjectStore> store;
  bool waits_for_tier = true;  // else it is this machine that works

  void begin_own_work() {
    waits_for_tier = false;
    watchdog->pause();
  }
  void begin_tiers_work() {
    waits_for_tier = true;
    watchdog->touch();
  }
  [[nodiscard]] bool is_tiers_fault(const Error& error) const {
    return waits_for_tier &&
           (error.code() == Errc::unavailable || error.code() == Errc::permission_denied ||
            error.code() == Errc::invalid_argument);
  }

  // What the watchdog ended wasn't cancelled by the user.
  template <class T>
  [[nodiscard]] Result<T> explained(Result<T> result, const remote::Uri& prefix) const {
    if (result || !watchdog->timed_out()) return result;
    return fail(Errc::unavailable, "nothing is heard of {}", prefix.shown());
  }
};

RemoteTier::RemoteTier(RemoteTierOptions options, const Path& state_folder, unsigned threads)
    : options_(std::move(options)), threads_(threads) {
  if (!options_.prefix.path.empty() && !options_.prefix.path.ends_with('/'))
    options_.prefix.path += '/';
  options_.prefix.path += k_layout;
  pause_file_ = state_folder / ("paused-" + sha256_hex(options_.prefix.text()).substr(0, 16));
}

Result<RemoteTier::Session> RemoteTier::open_session(std::chrono::milliseconds patience,
                                                     const Cancellation* cancellation) const {
  Session session;
  RTENV_TRY(session.watchdog, Watchdog::start(patience, cancellation));
  remote::StoreOptions store = options_.store;
  store.cancellation = session.watchdog->cancellation();
  RTENV_TRY(session.store, remote::open_store(options_.prefix, store));
  return session;
}

remote::Uri RemoteTier::uri_of(const EntryName& entry) const {
  remote::Uri uri = options_.prefix;
  uri.path += fmt::format("{}/{}.tar.zst", info(entry.kind).folder, entry.key);
  return uri;
}

bool RemoteTier::expired(const std::optional<std::int64_t>& modified_s) const {
  return options_.max_age && modified_s &&
         std::time(nullptr) - *modified_s > options_.max_age->count();
}

bool RemoteTier::left_alone() const {
  struct stat status {};
  return ::stat(pause_file_.c_str(), &status) == 0 &&
         std::time(nullptr) - status.st_mtim.tv_sec < k_pause_s;
}

void RemoteTier::disable_for_a_while(const Error& error, const Session& session) {
  log::warn("the remote tier is left alone for {} s: {}", k_pause_s, error.message());
  if (!error.hint().empty() && !session.watchdog->timed_out()) log::warn("hint: {}", error.hint());
  std::error_code ignored;
  std::filesystem::remove(pause_file_, ignored);  // for its time
  const auto written = [&]() -> Result<void> {
    RTENV_TRY(make_directories(pause_file_.parent_path()));
    RTENV_TRY(AtomicFile file, AtomicFile::create(pause_file_));
    return file.commit(Durability::process);
  }();
  if (!written) log::debug("{}", written.error().message());
}

Result<bool> RemoteTier::pull(const EntryName& entry, const Path& scratch, const Path& target,
                              const Relocation& relocation, const Cancellation* cancellation) {
  if (left_alone()) return false;
  RTENV_TRY(Session session, open_session(options_.timeout, cancellation));
  auto pulled =
      session.explained(try_pull(session, entry, scratch, target, relocation), options_.prefix);
  if (pulled) return pulled;
  const Error& error = pulled.error();
  if (error.code() == Errc::cancelled) return pulled;
  if (error.code() == Errc::not_found && session.waits_for_tier) return false;
  if (session.is_tiers_fault(error)) {
    disable_for_a_while(error, session);
    return false;
  }
  if (error.code() == Errc::corrupt) {
    const std::lock_guard lock(mutex_);
    damaged_.insert(uri_of(entry).path);
  }
  log::warn("{} {} isn't taken from the remote tier: {}", info(entry.kind).name, entry.key,
            error.message());
  return false;
}

Result<bool> RemoteTier::try_pull(Session& session, const EntryName& entry, const Path& scratch,
                                  const Path& target, const Relocation& relocation) {
  const remote::Uri uri = uri_of(entry);
  RTENV_TRY(const auto object, session.store->stat(uri));
  if (expired(object.modified_s)) return false;
  session.begin_tiers_work();
  log::info("taking {} {} from the remote tier", info(entry.kind).name, entry.key);
  const Path pack = scratch / "pack";
  std::uint64_t last_touch_bytes = 0;
  const auto on_progress = [&](std::uint64_t done_bytes, std::optional<std::uint64_t>) {
    if (done_bytes < last_touch_bytes + k_progress_bytes) return;
    last_touch_bytes = done_bytes;
    session.watchdog->touch();
  };
  RTENV_TRY(remote::download(
      *session.store, uri, object, pack,
      {.on_progress = on_progress, .cancellation = session.watchdog->cancellation()}));

  session.begin_own_work();
  RTENV_TRY(const auto manifest, read_pack_manifest(pack));
  if (manifest.entry.kind != entry.kind || manifest.entry.key != entry.key)
    return fail(Errc::corrupt, "{} holds {} {}", uri.shown(), info(manifest.entry.kind).name,
                manifest.entry.key);
  RTENV_TRY(
      take_over_pack(pack, manifest, scratch, target, relocation,
                     {.threads = threads_, .cancellation = session.watchdog->cancellation()}));
  return true;
}

Result<bool> RemoteTier::push(const EntryName& entry, const Path& folder,
                              const Cancellation* cancellation) {
  if (left_alone()) return fail(Errc::unavailable, "the remote tier is left alone for now");
  const auto patience = options_.mode == TierMode::write_back
                            ? std::max(options_.timeout, k_background_patience)
                            : options_.timeout;
  RTENV_TRY(Session session, open_session(patience, cancellation));
  auto pushed = session.explained(try_push(session, entry, folder), options_.prefix);
  if (!pushed && session.is_tiers_fault(pushed.error()))
    disable_for_a_while(pushed.error(), session);
  return pushed;
}

Result<bool> RemoteTier::try_push(Session& session, const EntryName& entry, const Path& folder) {
  const remote::Uri uri = uri_of(entry);
  const bool damaged = [&] {
    const std::lock_guard lock(mutex_);
    return damaged_.erase(uri.path) > 0;
  }();
  const auto there = session.store->stat(uri);
  if (there && !damaged && !expired(there->modified_s)) return false;
  if (!there && there.error().code() != Errc::not_found) return Failure(there.error());
  session.begin_tiers_work();
  RTENV_TRY(const auto upload, session.store->upload(uri, std::nullopt));
  session.begin_own_work();
  std::unique_ptr<PackFilter> filter;
  if (const auto make_filter = options_.filters.find(entry.kind);
      make_filter != options_.filters.end()) {
    RTENV_TRY(filter, make_filter->second(folder));
  }
  std::uint64_t size_bytes = 0;
  RTENV_TRY(write_pack(folder, entry, filter.get(),
                       {.write = [&](std::span<const std::byte> data) -> Result<void> {
                         session.begin_tiers_work();
                         RTENV_TRY(upload->write(data));
                         session.begin_own_work();
                         size_bytes += data.size();
                         return {};
                       }},
                       {.threads = threads_, .cancellation = session.watchdog->cancellation()}));
  session.begin_tiers_work();
  RTENV_TRY(upload->finish());
  log::debug("{} {} is in the remote tier, {} bytes", info(entry.kind).name, entry.key, size_bytes);
  return true;
}

Result<RemoteTier::Expired> RemoteTier::remove_expired(bool dry_run,
                                                       const Cancellation* cancellation) {
  if (!options_.max_age)
    return fail(Errc::invalid_argument, "packs of the remote tier don't expire")
        .hint("--max-age 30d, or RTENV_REMOTE_CACHE_MAX_AGE");
  RTENV_TRY(Session session, open_session(k_background_patience, cancellation));
  const auto run = [&]() -> Result<Expired> {
    Expired result;
    RTENV_TRY(const auto objects, session.store->list(options_.prefix));
    for (const auto& object : objects) {
      session.begin_tiers_work();
      const bool old = expired(object.modified_s);
      if (old && !dry_run) RTENV_TRY(session.store->remove(object.uri));
      ++(old ? result.packs : result.kept_packs);
      (old ? result.size_bytes : result.kept_bytes) += object.size_bytes;
    }
    return result;
  };
  return session.explained(run(), options_.prefix);
}

}  // namespace rtenv::cache
