#include "rtenv/transfer.hpp"

#include "capi/cache.hpp"
#include "capi/package.hpp"

using namespace rtenv;
using capi::check_given;
using capi::run;

namespace {

template <class Chosen>
Result<Chosen> fetch_options(const rtenv_fetch_options* given) {
  RTENV_TRY(const rtenv_fetch_options options, capi::read_struct(given, "options"));
  Chosen result;
  RTENV_TRY(capi::read_options(options.options, result));
  result.offline = options.offline != 0;
  result.anonymous = options.anonymous != 0;
  return result;
}

using Fetch = Result<Fetched> (*)(std::string_view, Cache&, const FetchOptions&);

rtenv_status fetch(Fetch function, rtenv_cache* cache, const char* uri,
                   const rtenv_fetch_options* options, rtenv_lease** lease, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}, {"uri", uri}, {"lease", lease}}));
    RTENV_TRY(const auto read, fetch_options<FetchOptions>(options));
    RTENV_TRY(Fetched fetched, function(uri, cache->cache, read));
    *lease = new rtenv_lease{fetched.path.native(), std::move(fetched.lease)};
    return {};
  });
}

}  // namespace

rtenv_status rtenv_fetch_file(rtenv_cache* cache, const char* uri,
                              const struct rtenv_fetch_options* options, rtenv_lease** lease,
                              rtenv_error** error) {
  return fetch(fetch_file, cache, uri, options, lease, error);
}

rtenv_status rtenv_fetch_tree(rtenv_cache* cache, const char* uri,
                              const struct rtenv_fetch_options* options, rtenv_lease** lease,
                              rtenv_error** error) {
  return fetch(fetch_tree, cache, uri, options, lease, error);
}

rtenv_status rtenv_download(const char* uri, const char* target,
                            const struct rtenv_fetch_options* options, char sha256[65],
                            rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"uri", uri}, {"target", target}}));
    RTENV_TRY(const auto read, fetch_options<DownloadOptions>(options));
    RTENV_TRY(const Downloaded downloaded, download(uri, target, read));
    constexpr std::size_t k_digits = 64;
    if (sha256 != nullptr) sha256[downloaded.sha256.copy(sha256, k_digits)] = '\0';
    return {};
  });
}

rtenv_status rtenv_push(const char* source, const char* uri,
                        const struct rtenv_pack_options* options, char** pushed_uri,
                        rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"source", source}, {"uri", uri}}));
    RTENV_TRY(PackOptions read, capi::pack_options(options));
    RTENV_TRY(const Pushed pushed, push(source, uri, {std::move(read)}));
    capi::set_string(pushed_uri, pushed.uri);
    return {};
  });
}
