#include "cache/remote_tier.hpp"

#include <sys/stat.h>

#include <ctime>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "cache/archive.hpp"
#include "cache/archive_manifest.hpp"
#include "cache/watchdog.hpp"
#include "remote/download.hpp"

namespace rtenv::cache {
namespace {

constexpr std::time_t k_pause_s = 30;
// The number changes with the layout or the archive format.
constexpr const char* k_layout = "rtenv-1/";

// Background uploads get a longer timeout: no job waits for them.
constexpr std::chrono::milliseconds k_background_timeout{60'000};

// A download must make this much progress within the timeout. A byte now and then isn't progress.
constexpr std::uint64_t k_progress_bytes = 1U << 20U;

}  // namespace

std::optional<TierMode> parse_tier_mode(std::string_view text) {
  if (text == "read") return TierMode::read;
  if (text == "write-through") return TierMode::write_through;
  if (text == "write-back") return TierMode::write_back;
  return std::nullopt;
}

Result<void> check_holds_archives(const remote::Uri& uri) {
  if (uri.scheme != remote::Scheme::local && uri.scheme != remote::Scheme::gcs && !uri.sha256)
    return {};
  return fail(Errc::invalid_argument, "{} can't hold archives", uri.shown())
      .hint("use a bucket and a prefix: s3://, gs://, azure://, abfss://, http(s):// or file://");
}

// One operation: a store whose requests are cancelled after a timeout without progress.
struct RemoteTier::Session {
  std::unique_ptr<Watchdog> watchdog;
  std::unique_ptr<remote::ObjectStore> store;
  bool waits_for_tier = true;  // false: local work, which has no timeout

  void begin_local_work() {
    waits_for_tier = false;
    watchdog->pause();
  }
  void begin_request() {
    waits_for_tier = true;
    watchdog->touch();
  }
  [[nodiscard]] bool is_tier_failure(const Error& error) const {
    return waits_for_tier &&
           (error.code() == Errc::unavailable || error.code() == Errc::permission_denied ||
            error.code() == Errc::invalid_argument);
  }

  // Turns the watchdog's cancellation into a timeout error.
  template <class T>
  [[nodiscard]] Result<T> explained(Result<T> result, const remote::Uri& prefix) const {
    if (result || !watchdog->timed_out()) return result;
    return fail(Errc::unavailable, "{} timed out: {}", prefix.shown(), result.error().message());
  }
};

RemoteTier::RemoteTier(RemoteTierOptions options, const Path& state_folder, unsigned threads)
    : options_(std::move(options)), threads_(threads) {
  if (!options_.prefix.path.empty() && !options_.prefix.path.ends_with('/'))
    options_.prefix.path += '/';
  options_.prefix.path += k_layout;
  pause_file_ = state_folder / ("paused-" + sha256_hex(options_.prefix.text()).substr(0, 16));
}

Result<RemoteTier::Session> RemoteTier::open_session(std::chrono::milliseconds timeout,
                                                     const Cancellation* cancellation) const {
  Session session;
  RTENV_TRY(session.watchdog, Watchdog::start(timeout, cancellation));
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

bool RemoteTier::is_disabled() const {
  struct stat status {};
  return ::stat(pause_file_.c_str(), &status) == 0 &&
         std::time(nullptr) - status.st_mtim.tv_sec < k_pause_s;
}

void RemoteTier::disable_for_a_while(const Error& error, const Session& session) {
  log::warn("the remote tier is disabled for {} s: {}", k_pause_s, error.message());
  if (!error.hint().empty() && !session.watchdog->timed_out()) log::warn("hint: {}", error.hint());
  std::error_code ignored;
  std::filesystem::remove(pause_file_, ignored);  // the new file's time counts
  const auto written = [&]() -> Result<void> {
    RTENV_TRY(make_directory(pause_file_.parent_path()));
    RTENV_TRY(AtomicFile file, AtomicFile::create(pause_file_));
    return file.commit(Durability::process);
  }();
  if (!written) log::debug("{}", written.error().message());
}

Result<bool> RemoteTier::pull(const EntryName& entry, const Path& scratch, const Path& target,
                              const Relocation& relocation, const Cancellation* cancellation) {
  if (is_disabled()) return false;
  RTENV_TRY(Session session, open_session(options_.timeout, cancellation));
  auto pulled =
      session.explained(try_pull(session, entry, scratch, target, relocation), options_.prefix);
  if (pulled) return pulled;
  const Error& error = pulled.error();
  if (error.code() == Errc::cancelled) return pulled;
  if (error.code() == Errc::not_found && session.waits_for_tier) return false;
  if (session.is_tier_failure(error)) {
    disable_for_a_while(error, session);
    return false;
  }
  if (error.code() == Errc::corrupt) {
    const std::lock_guard lock(mutex_);
    damaged_.insert(uri_of(entry).path);
  }
  log::warn("{} {} isn't pulled from the remote tier: {}", info(entry.kind).name, entry.key,
            error.message());
  return false;
}

Result<bool> RemoteTier::try_pull(Session& session, const EntryName& entry, const Path& scratch,
                                  const Path& target, const Relocation& relocation) {
  const remote::Uri uri = uri_of(entry);
  RTENV_TRY(const auto object, session.store->stat(uri));
  if (expired(object.modified_s)) return false;
  session.begin_request();
  log::info("pulling {} {} from the remote tier", info(entry.kind).name, entry.key);
  const Path archive = scratch / "archive";
  std::uint64_t last_touch_bytes = 0;
  const auto on_progress = [&](std::uint64_t done_bytes, std::optional<std::uint64_t>) {
    if (done_bytes < last_touch_bytes + k_progress_bytes) return;
    last_touch_bytes = done_bytes;
    session.watchdog->touch();
  };
  RTENV_TRY(remote::download(
      *session.store, uri, object, archive,
      {.on_progress = on_progress, .cancellation = session.watchdog->cancellation()}));

  session.begin_local_work();
  RTENV_TRY(const auto manifest, read_archive_manifest(archive));
  if (manifest.entry.kind != entry.kind || manifest.entry.key != entry.key)
    return fail(Errc::corrupt, "{} holds {} {}", uri.shown(), info(manifest.entry.kind).name,
                manifest.entry.key);
  RTENV_TRY(
      import_archive(archive, manifest, scratch, target, relocation,
                     {.threads = threads_, .cancellation = session.watchdog->cancellation()}));
  return true;
}

Result<bool> RemoteTier::push(const EntryName& entry, const Path& folder,
                              const Cancellation* cancellation) {
  if (is_disabled()) return fail(Errc::unavailable, "the remote tier is disabled after an error");
  const auto timeout = options_.mode == TierMode::write_back
                           ? std::max(options_.timeout, k_background_timeout)
                           : options_.timeout;
  RTENV_TRY(Session session, open_session(timeout, cancellation));
  auto pushed = session.explained(try_push(session, entry, folder), options_.prefix);
  if (!pushed && session.is_tier_failure(pushed.error()))
    disable_for_a_while(pushed.error(), session);
  return pushed;
}

Result<bool> RemoteTier::try_push(Session& session, const EntryName& entry, const Path& folder) {
  const remote::Uri uri = uri_of(entry);
  const bool damaged = [&] {
    const std::lock_guard lock(mutex_);
    return damaged_.erase(uri.path) > 0;
  }();
  const auto existing = session.store->stat(uri);
  if (existing && !damaged && !expired(existing->modified_s)) return false;
  if (!existing && existing.error().code() != Errc::not_found) return Failure(existing.error());
  session.begin_request();
  RTENV_TRY(const auto upload, session.store->upload(uri, std::nullopt));
  session.begin_local_work();
  std::unique_ptr<ArchiveFilter> filter;
  if (const auto make_filter = options_.filters.find(entry.kind);
      make_filter != options_.filters.end()) {
    RTENV_TRY(filter, make_filter->second(folder));
  }
  std::uint64_t size_bytes = 0;
  RTENV_TRY(write_archive(folder, entry, filter.get(),
                          {.write = [&](std::span<const std::byte> data) -> Result<void> {
                            session.begin_request();
                            RTENV_TRY(upload->write(data));
                            session.begin_local_work();
                            size_bytes += data.size();
                            return {};
                          }},
                          {.threads = threads_, .cancellation = session.watchdog->cancellation()}));
  session.begin_request();
  RTENV_TRY(upload->finish());
  log::debug("{} {} is pushed to the remote tier, {} bytes", info(entry.kind).name, entry.key,
             size_bytes);
  return true;
}

Result<ExpiredArchives> RemoteTier::remove_expired(bool dry_run, const Cancellation* cancellation) {
  if (!options_.max_age)
    return fail(Errc::invalid_argument, "the archives of the remote tier don't expire")
        .hint("set an age: RTENV_REMOTE_CACHE_MAX_AGE=30d");
  RTENV_TRY(Session session, open_session(k_background_timeout, cancellation));
  const auto run = [&]() -> Result<ExpiredArchives> {
    ExpiredArchives result;
    RTENV_TRY(session.store->list(
        options_.prefix, [&](const remote::ListedObject& object) -> Result<void> {
          session.begin_request();
          const bool old = expired(object.modified_s);
          if (old && !dry_run) RTENV_TRY(session.store->remove(object.uri));
          ++(old ? result.removed : result.kept);
          (old ? result.removed_bytes : result.kept_bytes) += object.size_bytes;
          return {};
        }));
    return result;
  };
  return session.explained(run(), options_.prefix);
}

}  // namespace rtenv::cache
