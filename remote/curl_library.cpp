#include "remote/curl_library.hpp"

namespace rtenv::remote {
namespace {

Result<CurlLibrary> load() {
  RTENV_TRY(const DynamicLibrary library, DynamicLibrary::open(RTENV_CURL_SONAME));
  CurlLibrary curl{};
  RTENV_TRY(library.find("curl_global_init", curl.global_init));
  RTENV_TRY(library.find("curl_easy_init", curl.easy_init));
  RTENV_TRY(library.find("curl_easy_setopt", curl.easy_setopt));
  RTENV_TRY(library.find("curl_easy_getinfo", curl.easy_getinfo));
  RTENV_TRY(library.find("curl_easy_strerror", curl.easy_strerror));
  RTENV_TRY(library.find("curl_easy_cleanup", curl.easy_cleanup));
  RTENV_TRY(library.find("curl_easy_reset", curl.easy_reset));
  RTENV_TRY(library.find("curl_multi_init", curl.multi_init));
  RTENV_TRY(library.find("curl_multi_add_handle", curl.multi_add_handle));
  RTENV_TRY(library.find("curl_multi_perform", curl.multi_perform));
  RTENV_TRY(library.find("curl_multi_poll", curl.multi_poll));
  RTENV_TRY(library.find("curl_multi_info_read", curl.multi_info_read));
  RTENV_TRY(library.find("curl_multi_remove_handle", curl.multi_remove_handle));
  RTENV_TRY(library.find("curl_multi_cleanup", curl.multi_cleanup));
  RTENV_TRY(library.find("curl_slist_append", curl.slist_append));
  RTENV_TRY(library.find("curl_slist_free_all", curl.slist_free_all));
  RTENV_TRY(library.find("curl_url", curl.url));
  RTENV_TRY(library.find("curl_url_set", curl.url_set));
  RTENV_TRY(library.find("curl_url_get", curl.url_get));
  RTENV_TRY(library.find("curl_url_cleanup", curl.url_cleanup));
  RTENV_TRY(library.find("curl_free", curl.free));
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return fail(Errc::internal, "libcurl can't be initialized");
  return curl;
}

}  // namespace

Result<const CurlLibrary*> curl_library() {
  static const Result<CurlLibrary> loaded = load();
  if (!loaded) return Failure(loaded.error());
  return &*loaded;
}

}  // namespace rtenv::remote
