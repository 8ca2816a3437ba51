#include "base/dynamic_library.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(DynamicLibrary, FindsFunctions) {
  const auto library = must(DynamicLibrary::open("libc.so.6", "libc6"));
  std::size_t (*length)(const char*) = nullptr;
  must(library.find("strlen", length));
  EXPECT_EQ(length("four"), 4U);
  EXPECT_THAT(library.find("no_such_function", length),
              IsError(Errc::not_found, "libc.so.6 has no function no_such_function"));
}

TEST(DynamicLibrary, SuggestsThePackageOfAMissingLibrary) {
  const auto library = DynamicLibrary::open("libnone.so.1", "libnone1");
  ASSERT_THAT(library, IsError(Errc::not_found, "libnone.so.1"));
  EXPECT_EQ(library.error().hint(), "install it (Debian: apt-get install libnone1)");
}

}  // namespace
}  // namespace rtenv
