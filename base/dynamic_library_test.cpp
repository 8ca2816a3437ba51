#include "base/dynamic_library.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(DynamicLibrary, FindsFunctions) {
  const auto library = must(DynamicLibrary::open("libc.so.6"));
  std::size_t (*length)(const char*) = nullptr;
  must(library.find("strlen", length));
  EXPECT_EQ(length("four"), 4U);
  EXPECT_THAT(library.find("no_such_function", length),
              IsError(Errc::not_found, "libc.so.6 has no function no_such_function"));
}

TEST(DynamicLibrary, SuggestsThePackageOfAMissingLibrary) {
  for (const auto& [soname, package] :
       {std::pair("libnone.so.1", "libnone1"), std::pair("libgone2.so.1.5", "libgone2-1.5")}) {
    const auto library = DynamicLibrary::open(soname);
    ASSERT_THAT(library, IsError(Errc::not_found, soname));
    EXPECT_EQ(library.error().hint(),
              fmt::format("install it (Debian: apt-get install {})", package));
  }
}

}  // namespace
}  // namespace rtenv
