// Moves environments as archives on command: to a file, to a store, and from either into the cache.
// A remote tier does the same automatically; these commands let CI decide when.
#pragma once

#include <optional>
#include <string>

#include "envbuild/virtual_env.hpp"
#include "remote/download.hpp"
#include "remote/object_store.hpp"

namespace rtenv::envbuild {

struct TransferOptions {
  remote::StoreOptions store;
  remote::OnProgress on_progress;
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

/// The key of the environment's archives: that of its plan, without what tells it apart from
/// others with the same plan in this cache.
cache::Key portable_key(const cache::Lease& env);

/// "KEY.tar.zst": the default file name of an environment's archive.
std::string env_archive_name(const cache::Lease& env);

struct WrittenArchive {
  std::uint64_t size_bytes = 0;
  std::string sha256;  // to pin its URI
};

/// Writes the archive to `file`, atomically. Fails: as cache::write_archive, AtomicFile and
/// make_env_filter.
Result<WrittenArchive> write_env_archive(const cache::Lease& env, const Path& file,
                                         const TransferOptions& options);

struct PushedEnv {
  remote::Uri uri;
  bool uploaded = false;  // false: the store already had it
  /// Nullopt if `uri` was chosen by the remote tier's naming scheme.
  std::optional<WrittenArchive> written;
};

/// Uploads to exactly `uri` if it ends with ".tar.zst", otherwise to where a remote tier with this
/// prefix looks for the environment. Fails: invalid_argument (a URI that can't have archives), as
/// write_env_archive and the store.
Result<PushedEnv> push_env(const cache::Lease& env, const remote::Uri& uri,
                           const TransferOptions& options);

/// Takes an archive, from a local file, into the cache. Fails: not_found, corrupt,
/// invalid_argument (not an environment; built for another platform or interpreter), cancelled.
Result<VirtualEnv> import_env(const Path& archive, cache::Cache& cache,
                              const runtime_env::Interpreter& interpreter,
                              const TransferOptions& options);

/// The same, from the object that `uri` names. Fails: also as the store.
Result<VirtualEnv> pull_env(const remote::Uri& uri, cache::Cache& cache,
                            const runtime_env::Interpreter& interpreter,
                            const TransferOptions& options);

/// The same, from where a remote tier with this prefix looks for the key. Fails: also not_found (no
/// archive, or one that was refused with a warning).
Result<VirtualEnv> pull_env_by_key(const remote::Uri& prefix, const runtime_env::EnvKey& key,
                                   cache::Cache& cache, const runtime_env::Interpreter& interpreter,
                                   const TransferOptions& options);

}  // namespace rtenv::envbuild
