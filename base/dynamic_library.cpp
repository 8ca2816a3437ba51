#include "base/dynamic_library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>

namespace rtenv {
namespace {

// libcurl.so.4 is in libcurl4, libgit2.so.1.5 in libgit2-1.5 (Debian Policy, 8.1).
std::string debian_package(std::string_view soname) {
  const auto end_of_name = soname.find(".so.");
  if (end_of_name == std::string_view::npos) return std::string(soname);
  const std::string_view library = soname.substr(0, end_of_name);
  const bool ends_in_digit = library.back() >= '0' && library.back() <= '9';
  return fmt::format("{}{}{}", library, ends_in_digit ? "-" : "", soname.substr(end_of_name + 4));
}

// dlopen(3) tells the reason in its text only: of memory that can't be mapped, protected or
// allocated, and of descriptors.
bool is_lack_of_resources(std::string_view reason) {
  constexpr std::array<std::string_view, 4> k_texts{"failed to map segment", "allocate memory",
                                                    "memory protections", "Too many open files"};
  return std::ranges::any_of(
      k_texts, [&](std::string_view text) { return reason.find(text) != reason.npos; });
}

}  // namespace

Result<DynamicLibrary> DynamicLibrary::open(std::string soname) {
  void* handle = ::dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const std::string reason = ::dlerror();
    if (is_lack_of_resources(reason))
      return fail(Errc::unavailable, "cannot load {}: {}", soname, reason);
    return fail(Errc::not_found, "cannot load {}: {}", soname, reason)
        .hint("install it (Debian: apt-get install {})", debian_package(soname));
  }
  return DynamicLibrary(std::move(soname), handle);
}

Result<void*> DynamicLibrary::find_address(const char* name) const {
  void* address = ::dlsym(handle_, name);
  if (address == nullptr) return fail(Errc::not_found, "{} has no function {}", soname_, name);
  return address;
}

}  // namespace rtenv
