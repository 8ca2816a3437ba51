#include "base/dynamic_library.hpp"

#include <dlfcn.h>

namespace rtenv {

Result<DynamicLibrary> DynamicLibrary::open(std::string soname, std::string package) {
  void* handle = ::dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return fail(Errc::not_found, "cannot load {}: {}", soname, ::dlerror())
        .hint("install it (Debian: apt-get install {})", package);
  return DynamicLibrary(std::move(soname), handle);
}

Result<void*> DynamicLibrary::find_address(const char* name) const {
  void* address = ::dlsym(handle_, name);
  if (address == nullptr) return fail(Errc::not_found, "{} has no function {}", soname_, name);
  return address;
}

}  // namespace rtenv
