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

envbuild::FetchOptions fetch_options(const FetchOptions& options, Call& call) {
  return {.store = call.store_options(),
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

Result<Downloaded> download(std::string_view uri, const Path& target, const FetchOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Downloaded> {
    if (options.offline)
      return fail(Errc::invalid_argument, "download can't work offline: it uses no cache");
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    RTENV_TRY(auto output, OutputFile::create(call.resolve(target), call.cancellation(),
                                              OutputFile::Streams::by_commit));
    RTENV_TRY(const auto downloaded,
              envbuild::fetch_to(parsed, output, nullptr, fetch_options(options, call)));
    struct stat status {};
    if (::fstat(output.fd().get(), &status) != 0) return fail_errno("measure", output.fd_name());
    RTENV_TRY(output.commit());
    return Downloaded{.size_bytes = static_cast<std::uint64_t>(status.st_size),
                      .sha256 = downloaded.sha256};
  });
}

Result<Pushed> push(const Path& source, std::string_view uri, const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Pushed> {
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    const Path path = call.resolve(source);
    RTENV_TRY(const PathKind kind, path_kind(path));
    const envbuild::PushOptions push_options{.store = call.store_options(),
                                             .on_progress = call.on_progress()};
    if (kind != PathKind::folder) {
      if (options.git_revision)
        return fail(Errc::invalid_argument, "git_revision: {} isn't a directory", path.native());
      RTENV_TRY(const auto pushed, envbuild::push_file(path, parsed, push_options));
      return Pushed{
          .uri = pushed.uri.shown(), .size_bytes = pushed.size_bytes, .uploaded = pushed.uploaded};
    }
    RTENV_TRY(const auto package, api::package_options(options, call));
    RTENV_TRY(const auto pushed, envbuild::push_directory(path, package, parsed, push_options));
    Pushed result{.uri = pushed.uri.shown(),
                  .size_bytes = pushed.size_bytes,
                  .uploaded = pushed.uploaded,
                  .package = api::package_of(*pushed.package, pushed.tree)};
    result.package.packed_bytes = pushed.size_bytes;
    return result;
  });
}

}  // namespace rtenv
