#include "envbuild/env_transfer.hpp"

#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/output_file.hpp"
#include "cache/archive_manifest.hpp"
#include "cache/remote_tier.hpp"
#include "envbuild/env_archive.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::string_view k_extension = ".tar.zst";
// Longer than for a tier in the background: here, the user waits only for the transfer.
constexpr std::chrono::milliseconds k_tier_timeout{60'000};

// Digests the archive while writing it.
Result<WrittenArchive> write_env(
    const cache::Lease& env, const std::function<Result<void>(std::span<const std::byte>)>& write,
    const TransferOptions& options) {
  RTENV_TRY(const auto filter, make_env_filter(env.path()));
  WrittenArchive written;
  Sha256 sha;
  RTENV_TRY(
      cache::write_archive(env.path(), {env.kind(), portable_key(env)}, filter.get(),
                           {.write = [&](std::span<const std::byte> data) -> Result<void> {
                             sha.add(data);
                             written.size_bytes += data.size();
                             if (options.on_progress)
                               options.on_progress(written.size_bytes, std::nullopt);
                             return write(data);
                           }},
                           {.threads = options.threads, .cancellation = options.cancellation}));
  written.sha256 = to_hex(sha.finish());
  return written;
}

// A remote tier for one command. Its state is in a temporary folder, so that earlier failures don't
// disable it.
struct TemporaryTier {
  TempDir state;
  cache::RemoteTier tier;

  TemporaryTier(TempDir folder, const remote::Uri& prefix, const TransferOptions& options)
      : state(std::move(folder)),
        tier(tier_options(prefix, options), state.path(), options.threads) {}

  static cache::RemoteTierOptions tier_options(const remote::Uri& prefix,
                                               const TransferOptions& options) {
    return {.prefix = prefix,
            .mode = cache::TierMode::write_through,
            .timeout = k_tier_timeout,
            .store = options.store,
            .filters = archive_filters()};
  }
};

Result<PushedEnv> push_to_tier(const cache::Lease& env, const remote::Uri& prefix,
                               const TransferOptions& options) {
  RTENV_TRY(TempDir state, TempDir::create());
  TemporaryTier temporary(std::move(state), prefix, options);
  const cache::EntryName name{env.kind(), portable_key(env)};
  RTENV_TRY(const bool uploaded, temporary.tier.push(name, env.path(), options.cancellation));
  return PushedEnv{
      .uri = temporary.tier.uri_of(name), .uploaded = uploaded, .written = std::nullopt};
}

cache::Relocation relocation_to(const Path& final_path,
                                const runtime_env::Interpreter& interpreter) {
  return {.final_path = final_path, .relocate = relocate_env_to(interpreter)};
}

// Takes the environment from the cache, otherwise from `source` by calling `take`. Never builds it.
Result<VirtualEnv> cached_or_taken(
    cache::Cache& cache, const cache::Key& key, VirtualEnv::Origin source,
    const std::function<Result<void>(const Path& scratch, const Path& target)>& take,
    const TransferOptions& options) {
  VirtualEnv::Origin origin = VirtualEnv::Origin::cache;
  const cache::Builder builder = [&](const cache::BuildContext& context) -> Result<void> {
    origin = source;
    RTENV_TRY(const TempDir scratch, cache.make_temp_dir(options.cancellation));
    return take(scratch.path(), context.target);
  };
  const cache::BuildOptions build_options{
      .wait = {.cancellation = options.cancellation,
               .on_wait =
                   [] {
                     log::info("another process is creating this environment; waiting for it");
                   }},
      .relocate = {}};
  RTENV_TRY(auto lease, cache.get_or_build(cache::Kind::env, key, builder, build_options));
  return VirtualEnv{.lease = std::move(lease), .origin = origin};
}

}  // namespace

cache::Key portable_key(const cache::Lease& env) {
  const std::string& key = env.key().text();
  return *cache::Key::parse(key.substr(0, key.find('-')));
}

std::string env_archive_name(const cache::Lease& env) {
  return fmt::format("{}{}", portable_key(env), k_extension);
}

Result<WrittenArchive> write_env_archive(const cache::Lease& env, const Path& file,
                                         const TransferOptions& options) {
  RTENV_TRY(OutputFile output, OutputFile::create(file, options.cancellation));
  RTENV_TRY(auto written, write_env(
                              env, [&](auto data) { return output.write(data); }, options));
  RTENV_TRY(output.commit());
  return written;
}

Result<PushedEnv> push_env(const cache::Lease& env, const remote::Uri& uri,
                           const TransferOptions& options) {
  RTENV_TRY(cache::check_holds_archives(uri));
  if (!uri.path.ends_with(k_extension)) return push_to_tier(env, uri, options);
  RTENV_TRY(const auto store, remote::open_store(uri, options.store));
  RTENV_TRY(const auto upload, store->upload(uri, std::nullopt));
  RTENV_TRY(auto written, write_env(
                              env, [&](auto data) { return upload->write(data); }, options));
  RTENV_TRY(upload->finish());
  return PushedEnv{.uri = uri, .uploaded = true, .written = std::move(written)};
}

Result<VirtualEnv> import_env(const Path& archive, cache::Cache& cache,
                              const runtime_env::Interpreter& interpreter,
                              const TransferOptions& options) {
  RTENV_TRY(const auto manifest, cache::read_archive_manifest(archive));
  if (manifest.entry.kind != cache::Kind::env)
    return fail(Errc::invalid_argument, "{} contains a {}, not an environment", archive.native(),
                cache::info(manifest.entry.kind).name);
  return cached_or_taken(
      cache, manifest.entry.key, VirtualEnv::Origin::archive,
      [&](const Path& scratch, const Path& target) {
        return cache::import_archive(
            archive, manifest, scratch, target, relocation_to(target, interpreter),
            {.threads = options.threads, .cancellation = options.cancellation});
      },
      options);
}

Result<VirtualEnv> pull_env(const remote::Uri& uri, cache::Cache& cache,
                            const runtime_env::Interpreter& interpreter,
                            const TransferOptions& options) {
  RTENV_TRY(const auto store, remote::open_store(uri, options.store));
  RTENV_TRY(const auto info, store->stat(uri));
  RTENV_TRY(const TempDir folder, cache.make_temp_dir(options.cancellation));
  const Path archive = folder.path() / "archive";
  RTENV_TRY(
      remote::download(*store, uri, info, archive,
                       {.on_progress = options.on_progress, .cancellation = options.cancellation}));
  auto imported = import_env(archive, cache, interpreter, options);
  if (!imported) return Failure(std::move(imported).error().within(uri.shown()));
  return imported;
}

Result<VirtualEnv> pull_env_by_key(const remote::Uri& prefix, const runtime_env::EnvKey& key,
                                   cache::Cache& cache, const runtime_env::Interpreter& interpreter,
                                   const TransferOptions& options) {
  RTENV_TRY(TempDir state, TempDir::create());
  TemporaryTier temporary(std::move(state), prefix, options);
  RTENV_TRY(const cache::Key env_key, cache::Key::parse(key.digits));
  const cache::EntryName name{cache::Kind::env, env_key};
  return cached_or_taken(
      cache, env_key, VirtualEnv::Origin::remote_tier,
      [&](const Path& scratch, const Path& target) -> Result<void> {
        RTENV_TRY(const bool pulled,
                  temporary.tier.pull(name, scratch, target, relocation_to(target, interpreter),
                                      options.cancellation));
        if (pulled) return {};
        return fail(Errc::not_found, "{} doesn't exist", temporary.tier.uri_of(name).shown())
            .hint("run `rtenv env push` where the environment was built");
      },
      options);
}

}  // namespace rtenv::envbuild
