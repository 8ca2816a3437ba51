// libcurl, loaded at the first request. Each member is libcurl's function of the same name, without
// the prefix "curl_".
#pragma once

#include <curl/curl.h>

#include "base/dynamic_library.hpp"

namespace rtenv::remote {

struct CurlLibrary : LibraryFunctions {
  using LibraryFunctions::LibraryFunctions;
  RTENV_LIBRARY_FUNCTION(curl_, global_init);
  RTENV_LIBRARY_FUNCTION(curl_, easy_init);
  RTENV_LIBRARY_FUNCTION(curl_, easy_setopt);
  RTENV_LIBRARY_FUNCTION(curl_, easy_getinfo);
  RTENV_LIBRARY_FUNCTION(curl_, easy_strerror);
  RTENV_LIBRARY_FUNCTION(curl_, easy_cleanup);
  RTENV_LIBRARY_FUNCTION(curl_, easy_reset);
  RTENV_LIBRARY_FUNCTION(curl_, multi_init);
  RTENV_LIBRARY_FUNCTION(curl_, multi_add_handle);
  RTENV_LIBRARY_FUNCTION(curl_, multi_perform);
  RTENV_LIBRARY_FUNCTION(curl_, multi_poll);
  RTENV_LIBRARY_FUNCTION(curl_, multi_info_read);
  RTENV_LIBRARY_FUNCTION(curl_, multi_remove_handle);
  RTENV_LIBRARY_FUNCTION(curl_, multi_cleanup);
  RTENV_LIBRARY_FUNCTION(curl_, slist_append);
  RTENV_LIBRARY_FUNCTION(curl_, slist_free_all);
  RTENV_LIBRARY_FUNCTION(curl_, url);
  RTENV_LIBRARY_FUNCTION(curl_, url_set);
  RTENV_LIBRARY_FUNCTION(curl_, url_get);
  RTENV_LIBRARY_FUNCTION(curl_, url_cleanup);
  RTENV_LIBRARY_FUNCTION(curl_, free);
};

/// Loads and initializes libcurl at the first call. Thread-safe. Fails: not_found (the library or a
/// function of it), unavailable (out of memory or descriptors), internal.
Result<const CurlLibrary*> curl_library();

}  // namespace rtenv::remote
