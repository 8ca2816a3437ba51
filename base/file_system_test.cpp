#include "base/file_system.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(FileSystem, RecognizesNetworkFileSystems) {
  EXPECT_EQ(network_file_system_name(0x6969), "NFS");
  EXPECT_EQ(network_file_system_name(0xEF53), std::nullopt) << "ext4";
  EXPECT_GT(must(free_space_bytes("/")), 0U);
  EXPECT_THAT(network_file_system("/no/such/path"), IsError(Errc::not_found));
}

TEST(FileSystem, ReportsAMissingPath) {
  EXPECT_THAT(is_read_only_file_system("/no/such/path"), IsError(Errc::not_found));
  EXPECT_THAT(free_space_bytes("/no/such/path"), IsError(Errc::not_found, "/no/such/path"));
}

}  // namespace
}  // namespace rtenv
