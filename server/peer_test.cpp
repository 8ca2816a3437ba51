#include "server/peer.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "support/result_matchers.hpp"
#include "support/used_descriptors.hpp"

namespace rtenv::server {
namespace {

// A listening socket on loopback.
class Listener {
 public:
  explicit Listener(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (family == AF_INET) {
      auto& in = reinterpret_cast<sockaddr_in&>(address_);
      in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      auto& in = reinterpret_cast<sockaddr_in6&>(address_);
      in.sin6_addr = in6addr_loopback;
    }
    address_.ss_family = static_cast<sa_family_t>(family);
    works_ = ::bind(fd_.get(), address(), size_) == 0 && ::listen(fd_.get(), 8) == 0 &&
             ::getsockname(fd_.get(), address(), &size_) == 0;
  }
  [[nodiscard]] bool works() const { return works_; }
  Fd connect() {
    Fd client(::socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), address(), size_), 0);
    return client;
  }
  [[nodiscard]] Fd accept() const {
    return Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&address_); }
  sockaddr_storage address_{};
  socklen_t size_ = sizeof address_;
  Fd fd_;
  bool works_ = false;
};

class PeerTest : public testing::TestWithParam<bool> {};

TEST_P(PeerTest, IsTheOwnerOfTheSocketAtTheOtherEnd) {
  for (const int family : {AF_INET, AF_INET6}) {
    Listener listener(family);
    if (!listener.works()) continue;  // a machine without IPv6
    const Fd client = listener.connect();
    const Fd accepted = listener.accept();
    const Peer peer = must(identify_peer(accepted.get(), GetParam()));
    EXPECT_EQ(peer.uid, ::geteuid());
    EXPECT_EQ(peer.address, family == AF_INET ? "127.0.0.1" : "::1");
  }
}

TEST_P(PeerTest, AnotherUserIsTold) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  Listener listener(AF_INET);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setuid(65534) != 0) ::_exit(1);
    const Fd client = listener.connect();
    ::pause();
  }
  const Fd accepted = listener.accept();
  EXPECT_EQ(must(identify_peer(accepted.get(), GetParam())).uid, 65534U);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_P(PeerTest, ASocketThatIsClosedBelongsToNobody) {
  Listener listener(AF_INET);
  listener.connect().reset();
  const Fd accepted = listener.accept();
  EXPECT_EQ(must(identify_peer(accepted.get(), GetParam())).uid, std::nullopt);
}

TEST_P(PeerTest, WithoutADescriptorItIsNotSaidToBeNobody) {
  Listener listener(AF_INET);
  const Fd client = listener.connect();
  const Fd accepted = listener.accept();
  const UsedDescriptors used(0);
  EXPECT_THAT(identify_peer(accepted.get(), GetParam()), IsError(Errc::unavailable));
}

INSTANTIATE_TEST_SUITE_P(Both, PeerTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "SockDiag" : "Tables"; });

TEST(PeerTest, OfAUnixSocketIsItsProcess) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Fd one(ends[0]);
  const Fd other(ends[1]);
  const Peer peer = must(identify_peer(one.get()));
  EXPECT_EQ(peer.uid, ::geteuid());
  EXPECT_EQ(peer.address, "unix");
}

}  // namespace
}  // namespace rtenv::server
