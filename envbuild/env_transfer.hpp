// Environments as packs by command: written to a file, sent to a store, taken over from either.
// What the remote tier does by itself, for CI to do when it wants.
#pragma once

#include "cache/cache.hpp"
#include "envbuild/env_pack.hpp"
#include "envbuild/fetch.hpp"
#include "envbuild/virtual_env.hpp"

namespace rtenv::envbuild {

struct TransferOptions {
  remote::StoreOptions store;
  remote::OnProgress on_progress;
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

/// The name of an environment's pack where only a folder is given: "KEY.tar.zst".
std::string env_pack_name(std::string_view key);

struct WrittenPack {
  std::uint64_t size_bytes = 0;
  std::string sha256;  // for the pin of its URI
};

/// Whole or not there. Fails: as write_pack and AtomicFile.
Result<WrittenPack> pack_env(const cache::Lease& env, const Path& file,
                             const TransferOptions& options);

struct PushedEnv {
  remote::Uri uri;
  bool uploaded = false;               // false: it was there
  std::optional<WrittenPack> written;  // where it was sent under exactly this name
};

/// To exactly `uri` where that ends with ".tar.zst"; else to where a remote tier with this prefix
/// looks for it. Fails: as write_pack and the store.
Result<PushedEnv> push_env(const cache::Lease& env, const remote::Uri& uri,
                           const TransferOptions& options);

/// Into the cache, from a local file or what `uri` names. Fails: not_found, corrupt;
/// invalid_argument (no environment; made for another platform or interpreter).
Result<VirtualEnv> import_env(const Path& pack, cache::Cache& cache,
                              const runtime_env::Interpreter& interpreter,
                              const TransferOptions& options);
Result<VirtualEnv> pull_env(const remote::Uri& uri, cache::Cache& cache,
                            const runtime_env::Interpreter& interpreter,
                            const TransferOptions& options);

/// From where a remote tier with this prefix looks for it. Fails: also not_found (it isn't there,
/// or what is there was refused with a warning).
Result<VirtualEnv> pull_env_by_key(const remote::Uri& prefix, const runtime_env::EnvKey& key,
                                   cache::Cache& cache, const runtime_env::Interpreter& interpreter,
                                   const TransferOptions& options);

}  // namespace rtenv::envbuild
