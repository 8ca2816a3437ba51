#include "remote/curl_library.hpp"

namespace rtenv::remote {

Result<const CurlLibrary*> curl_library() {
  return load_once<CurlLibrary>(RTENV_CURL_SONAME, [](const CurlLibrary& curl) -> Result<void> {
    if (const CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK)
      return fail(code == CURLE_OUT_OF_MEMORY ? Errc::unavailable : Errc::internal,
                  "libcurl can't be initialized: {}", curl.easy_strerror(code));
    return {};
  });
}

}  // namespace rtenv::remote
