#include "server/listening_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

Result<ListeningSocket> open(const ListenOptions& options) {
  return open_listening_socket(options);
}

TEST(ListeningSocket, OfTcpSaysWhereItListens) {
  const auto loopback = must(open({.port = 0}));
  EXPECT_THAT(loopback.address, testing::MatchesRegex("127.0.0.1:[1-9][0-9]+"));
  EXPECT_TRUE(loopback.is_local);
  EXPECT_FALSE(must(open({.host = "0.0.0.0", .port = 0})).is_local);
  EXPECT_THAT(open({.host = "example.org"}),
              IsError(Errc::invalid_argument, "isn't an IP address"));
}

TEST(ListeningSocket, RefusesAPortInUse) {
  const auto first = must(open({.port = 0}));
  const auto port = std::stoi(first.address.substr(first.address.find(':') + 1));
  EXPECT_THAT(open({.port = static_cast<std::uint16_t>(port)}),
              IsError(Errc::unavailable, "in use"));
}

TEST(ListeningSocket, WaitsForAPortThatAKilledServersChildStillHolds) {
  auto first = must(open({.port = 0}));
  const auto port = std::stoi(first.address.substr(first.address.find(':') + 1));
  std::jthread child([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    first.fd = Fd();
  });
  EXPECT_THAT(open({.port = static_cast<std::uint16_t>(port)}), IsOk());
}

TEST(ListeningSocket, OfAPathIsItsOwnersAndReplacesAnAbandonedOne) {
  const TempDir folder = must(TempDir::create());
  const Path path = folder.path() / "socket";
  {
    const auto first = must(open({.unix_socket = path}));
    EXPECT_EQ(first.address, path.native());
    EXPECT_TRUE(first.is_local);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_THAT(open({.unix_socket = path}), IsError(Errc::unavailable, "exists"));
  }
  EXPECT_TRUE(open({.unix_socket = path})) << "nobody listens any more";
}

TEST(ListeningSocket, DoesNotReplaceAFile) {
  const TempDir folder = must(TempDir::create());
  std::filesystem::create_directory(folder.path() / "folder");
  std::ofstream(folder.path() / "file") << "precious";
  std::filesystem::create_symlink("file", folder.path() / "link");
  for (const char* name : {"folder", "file", "link"}) {
    EXPECT_THAT(open({.unix_socket = folder.path() / name}), IsError(Errc::unavailable)) << name;
    EXPECT_TRUE(std::filesystem::exists(folder.path() / name)) << name;
  }
  EXPECT_THAT(open({.unix_socket = folder.path() / std::string(200, 'x')}),
              IsError(Errc::invalid_argument, "at most 107 bytes"));
}

TEST(ListeningSocket, OneThatWasPassedMustListen) {
  auto own = must(open({.port = 0}));
  const std::string address = own.address;
  EXPECT_EQ(must(describe_listening_socket(std::move(own.fd))).address, address);
  EXPECT_THAT(describe_listening_socket(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))),
              IsError(Errc::invalid_argument, "doesn't listen"));
  EXPECT_THAT(describe_listening_socket(must(open_file("/dev/null", O_RDONLY))),
              IsError(Errc::invalid_argument));
}

}  // namespace
}  // namespace rtenv::server
