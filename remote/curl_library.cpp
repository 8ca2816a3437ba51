#include "remote/curl_library.hpp"

namespace rtenv::remote {

Result<const CurlLibrary*> curl_library() {
  return load_once<CurlLibrary>(RTENV_CURL_SONAME, [](const CurlLibrary& curl) -> Result<void> {
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
      return fail(Errc::internal, "libcurl can't be initialized");
    return {};
  });
}

}  // namespace rtenv::remote
