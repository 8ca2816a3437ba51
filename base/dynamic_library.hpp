// A shared library that is loaded when it is first needed, not when the program starts: libcurl,
// libarchive and libgit2 pull in forty other libraries, 5 ms of loading that most commands don't
// need. Thread-safe once open; never unloaded.
//
// The functions that the program uses of a library are listed in a table, one line each:
//
//   struct CurlFunctions : LibraryFunctions {
//     using LibraryFunctions::LibraryFunctions;
//     RTENV_LIBRARY_FUNCTION(curl_, easy_init);  // functions->easy_init() is curl_easy_init()
//   };
//   RTENV_TRY(const auto* functions, load_once<CurlFunctions>("libcurl.so.4"));
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace rtenv {

class DynamicLibrary {
 public:
  /// `soname` is the name for dlopen(3), such as "libcurl.so.4": that of the library whose headers
  /// were used (cmake/Dependencies.cmake). Fails: not_found; unavailable (out of memory or
  /// descriptors).
  static Result<DynamicLibrary> open(std::string soname);

  /// Sets `function` to the function of this name. Fails: not_found.
  template <class Function>
  Result<void> find(const char* name, Function*& function) const {
    RTENV_TRY(void* address, find_address(name));
    function = reinterpret_cast<Function*>(address);
    return {};
  }

 private:
  DynamicLibrary(std::string soname, void* handle) : soname_(std::move(soname)), handle_(handle) {}
  Result<void*> find_address(const char* name) const;
  std::string soname_;
  void* handle_;
};

/// Base of a table of functions; see the example above. Its members are null if the library lacks
/// them, which `complete` reports.
class LibraryFunctions {
 public:
  explicit LibraryFunctions(const DynamicLibrary& library) : library_(&library) {}
  /// Called once, after construction. Fails: not_found, with the name of a missing function.
  Result<void> complete() {
    library_ = nullptr;
    return std::exchange(found_, {});
  }

 protected:
  template <class Function>
  Function find(const char* name) {
    Function function = nullptr;
    if (found_) found_ = library_->find(name, function);
    return function;
  }

 private:
  const DynamicLibrary* library_;
  Result<void> found_;
};

// Declares the member `name` and sets it to the library's function `prefix##name`.
#define RTENV_LIBRARY_FUNCTION(prefix, name)                                            \
  decltype(&prefix##name) name = /* NOLINT(bugprone-macro-parentheses): a declarator */ \
      find<decltype(&prefix##name)>(#prefix #name)

/// The functions of a library, which the first successful call for this table loads and passes to
/// `initialize`; later calls return the same. Thread-safe. Fails: not_found, unavailable; as
/// `initialize`.
template <class Functions>
Result<const Functions*> load_once(const char* soname,
                                   Result<void> (*initialize)(const Functions&) = nullptr) {
  static std::mutex mutex;
  static std::optional<Functions> loaded;
  const std::lock_guard lock(mutex);
  if (loaded) return &*loaded;
  RTENV_TRY(const DynamicLibrary library, DynamicLibrary::open(soname));
  Functions functions(library);
  RTENV_TRY(functions.complete());
  if (initialize != nullptr) RTENV_TRY(initialize(functions));
  loaded = std::move(functions);
  return &*loaded;
}

}  // namespace rtenv
