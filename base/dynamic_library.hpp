// A shared library that is loaded when it is first needed instead of at program start: libcurl,
// libarchive and libgit2 depend on forty other libraries, and loading them takes 5 ms that most
// commands don't need. Thread-safe once open; never unloaded.
#pragma once

#include <string>

#include "base/result.hpp"

namespace rtenv {

class DynamicLibrary {
 public:
  /// `soname` is the name for dlopen(3), such as "libcurl.so.4"; `package` is the Debian package
  /// that the hint suggests if the library is missing. Fails: not_found.
  static Result<DynamicLibrary> open(std::string soname, std::string package);

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

}  // namespace rtenv
