#include "rtenv/transfer.hpp"

#include <sys/stat.h>

#include "api/call.hpp"
#include "api/internals.hpp"
#include "api/package.hpp"
#include "base/output_file.hpp"
#include "base/path_kind.hpp"
#include "envbuild/fetch_to.hpp"
#include "envbuild/push.hpp"

namespace rtenv {
namespace {

using api::Call;
using api::in_call;

remote::StoreOptions store_options(bool anonymous, Call& call) {
  remote::StoreOptions store = call.store_options();
  if (anonymous) store.access = remote::Access::anonymous;
  return store;
}

envbuild::FetchOptions fetch_options(const FetchOptions& options, Call& call) {
  return {.store = store_options(options.anonymous, call),
          .on_progress = call.on_progress(),
          .threads = call.threads(),
          .offline = options.offline,
          .check_path = {}};
}

Fetched fetched_of(envbuild::Fetched fetched) {
  Fetched result{.path = std::move(fetched.object.path), .from_cache = fetched.from_cache};
  if (fetched.object.lease)
    result.lease = Internals::lease_of(std::move(*fetched.object.lease), result.path);
  return result;
}

}  // namespace

Result<Fetched> fetch_file(std::string_view uri, Cache& cache, const FetchOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Fetched> {
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    RTENV_TRY(auto fetched,
              envbuild::fetch_file(parsed, Internals::of(cache), fetch_options(options, call)));
    return fetched_of(std::move(fetched));
  });
}

Result<Fetched> fetch_tree(std::string_view uri, Cache& cache, const FetchOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Fetched> {
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    RTENV_TRY(auto fetched,
              envbuild::fetch_tree(parsed, Internals::of(cache), fetch_options(options, call)));
    return fetched_of(std::move(fetched));
  });
}

namespace {

Result<Downloaded> download_to(OutputFile output, std::string_view uri,
                               const DownloadOptions& options, Call& call) {
  if (options.offline)
    return fail(Errc::invalid_argument, "download can't work offline: it puts nothing in a cache");
  RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
  cache::Cache* const cache = options.cache ? &Internals::of(*options.cache) : nullptr;
  RTENV_TRY(const auto downloaded,
            envbuild::fetch_to(parsed, output, cache, fetch_options(options, call)));
  struct stat status {};
  if (::fstat(output.fd().get(), &status) != 0) return fail_errno("measure", output.fd_name());
  RTENV_TRY(output.commit());
  return Downloaded{.size_bytes = static_cast<std::uint64_t>(status.st_size),
                    .sha256 = downloaded.sha256};
}

envbuild::PushOptions push_options(const PushOptions& options, Call& call) {
  return {.store = store_options(options.anonymous, call), .on_progress = call.on_progress()};
}

Pushed pushed_of(envbuild::Pushed pushed, const PackOptions& options) {
  Pushed result{
      .uri = pushed.uri.shown(), .size_bytes = pushed.size_bytes, .uploaded = pushed.uploaded};
  if (!pushed.package) return result;
  result.package = api::package_of(*pushed.package, std::move(pushed.tree), options);
  result.package.packed_bytes = pushed.size_bytes;
  return result;
}

}  // namespace

Result<Downloaded> download(std::string_view uri, const Path& target,
                            const DownloadOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Downloaded> {
    RTENV_TRY(auto output, OutputFile::create(call.resolve(target), call.cancellation(),
                                              OutputFile::Streams::by_commit));
    return download_to(std::move(output), uri, options, call);
  });
}

Result<Downloaded> download_to_descriptor(std::string_view uri, int descriptor,
                                          const DownloadOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Downloaded> {
    RTENV_TRY(api::check_open("descriptor", descriptor, api::Access::write));
    RTENV_TRY(auto output, OutputFile::at_descriptor(descriptor, call.cancellation(),
                                                     OutputFile::Streams::by_commit));
    return download_to(std::move(output), uri, options, call);
  });
}

Result<void> list_objects(std::string_view prefix, const OnStoredObject& on_object,
                          const FetchOptions& options) {
  return in_call(options, [&](Call& call) -> Result<void> {
    constexpr std::int64_t k_ms_per_s = 1000;
    RTENV_TRY(const auto parsed, remote::Uri::parse(prefix));
    if (parsed.sha256)
      return fail(Errc::invalid_argument, "{}: only an object that is fetched can have a pin",
                  parsed.shown())
          .hint("leave out #sha256=…");
    if (!on_object) return fail(Errc::invalid_argument, "on_object is empty");
    RTENV_TRY(const auto store, remote::open_store(parsed, store_options(options.anonymous, call)));
    return store->list(parsed, [&](const remote::ListedObject& listed) -> Result<void> {
      StoredObject object{.uri = listed.uri.text(), .size_bytes = listed.size_bytes};
      if (listed.modified_s) object.modified_ms = *listed.modified_s * k_ms_per_s;
      try {
        return on_object(object);
      } catch (...) {
        return api::error_of_callers_exception("on_object");
      }
    });
  });
}

Result<Pushed> push(const Path& source, std::string_view uri, const PushOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Pushed> {
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    const Path path = call.resolve(source);
    RTENV_TRY(const PathKind kind, path_kind(path));
    if (kind == PathKind::folder) {
      RTENV_TRY(const auto package, api::package_options(options, call));
      RTENV_TRY(auto pushed,
                envbuild::push_directory(path, package, parsed, push_options(options, call)));
      return pushed_of(std::move(pushed), options);
    }
    if (options.git_revision)
      return fail(Errc::invalid_argument, "git_revision: {} isn't a directory", path.native());
    RTENV_TRY(auto pushed, envbuild::push_file(path, parsed, push_options(options, call)));
    return pushed_of(std::move(pushed), options);
  });
}

Result<Pushed> push_from_descriptor(int descriptor, std::string_view uri,
                                    const PushOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Pushed> {
    RTENV_TRY(api::check_open("descriptor", descriptor, api::Access::read));
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    RTENV_TRY(auto pushed, envbuild::push_input(descriptor, parsed, push_options(options, call)));
    return pushed_of(std::move(pushed), options);
  });
}

}  // namespace rtenv
