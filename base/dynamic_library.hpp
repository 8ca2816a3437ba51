// A shared library that is loaded when it is first needed, not when the program starts. libcurl,
// libarchive and libgit2 bring forty other libraries with them: 5 ms of loading that most commands
// have no use for. Thread-safe once open; never unloaded.
#pragma once

#include <string>

#include "base/result.hpp"

namespace rtenv {

class DynamicLibrary {
 public:
  /// `soname` as the loader knows it, "libcurl.so.4"; `package`: what to install (Debian) where it
  /// isn't there. Fails: not_found.
  static Result<DynamicLibrary> open(std::string soname, std::string package);

  /// Fills in a pointer to the function of this name. Fails: not_found.
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
