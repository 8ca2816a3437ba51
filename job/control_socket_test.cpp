#include "job/control_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// The other end of a connection.
class Peer {
 public:
  explicit Peer(Fd fd) : fd_(std::move(fd)) {}

  void send(std::string_view text) const { must(write_full(fd_, text, "a control socket")); }
  // The next message; null if none has arrived or the connection is closed.
  json receive() {
    std::array<char, 4096> buffer;
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) lines_.add({buffer.data(), static_cast<std::size_t>(count)});
    const auto line = lines_.next();
    return line ? json_from_text(*line) : json();
  }
  void close() { fd_.reset(); }

 private:
  Fd fd_;
  LineBuffer lines_;
};

class ControlSocketTest : public testing::Test {
 protected:
  [[nodiscard]] Path socket() const { return folder_.path() / "control"; }
  [[nodiscard]] ControlSocket listen(Fd first = Fd(), LineBuffer lines = {}) const {
    return must(ControlSocket::listen(socket(), std::move(first), std::move(lines)));
  }
  // Connects, and reads the greeting.
  Peer connect(ControlSocket& control) const {
    Peer peer(must(connect_to(socket())));
    control.accept({{"greeting", 1}});
    EXPECT_EQ(peer.receive(), json({{"greeting", 1}}));
    return peer;
  }

  TempDir folder_ = must(TempDir::create());
};

TEST(LineBuffer, ReturnsOnlyCompleteLines) {
  LineBuffer lines;
  lines.add("one\ntw");
  EXPECT_EQ(lines.next(), "one");
  EXPECT_EQ(lines.next(), std::nullopt);
  lines.add("o\n\n");
  EXPECT_EQ(lines.next(), "two");
  EXPECT_EQ(lines.next(), "");
  EXPECT_EQ(lines.next(), std::nullopt);
}

TEST_F(ControlSocketTest, GreetsNewConnections) {
  ControlSocket control = listen();
  EXPECT_THAT(control.connection_fds(), IsEmpty());
  const Peer first = connect(control);
  const Peer second = connect(control);
  EXPECT_THAT(control.connection_fds(), SizeIs(2));
}

TEST_F(ControlSocketTest, ReceivesCommandsLineByLine) {
  ControlSocket control = listen();
  const Peer peer = connect(control);
  const int fd = control.connection_fds().front();
  peer.send(R"({"start": {"gpus": [1]}})"
            "\n"
            R"({"st)");
  EXPECT_THAT(control.receive(fd), ElementsAre(json({{"start", {{"gpus", {1}}}}})));
  EXPECT_THAT(control.receive(fd), IsEmpty()) << "the second line isn't complete";
  peer.send("op\": true}\n");
  EXPECT_THAT(control.receive(fd), ElementsAre(json({{"stop", true}})));
}

TEST_F(ControlSocketTest, DiscardsALineThatIsNotJson) {
  ControlSocket control = listen();
  const Peer peer = connect(control);
  peer.send("nonsense\n");
  const auto messages = control.receive(control.connection_fds().front());
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_TRUE(messages.front().is_discarded());
}

TEST_F(ControlSocketTest, DropsAClosedConnection) {
  ControlSocket control = listen();
  Peer closed = connect(control);
  Peer open = connect(control);
  closed.close();
  EXPECT_THAT(control.receive(control.connection_fds().front()), IsEmpty());
  EXPECT_THAT(control.connection_fds(), SizeIs(1));
  control.broadcast({{"phase", "ready"}});
  EXPECT_EQ(open.receive(), json({{"phase", "ready"}}));
}

TEST_F(ControlSocketTest, IgnoresAnUnknownConnection) {
  ControlSocket control = listen();
  EXPECT_THAT(control.receive(12345), IsEmpty());
}

TEST_F(ControlSocketTest, DisconnectsAPeerThatDoesNotRead) {
  ControlSocket control = listen();
  Peer slow = connect(control);
  const json message = {{"text", std::string(1 << 16, 'x')}};
  for (int i = 0; i < 1000 && !control.connection_fds().empty(); ++i) control.broadcast(message);
  EXPECT_THAT(control.connection_fds(), IsEmpty());
}

TEST_F(ControlSocketTest, KeepsTheFirstConnectionAndItsUnreadLines) {
  auto pair = must(make_socket_pair());
  Peer server(std::move(pair.ours));
  LineBuffer lines;
  lines.add("{\"stop\": true}\n{\"st");
  ControlSocket control = listen(std::move(pair.theirs), std::move(lines));
  EXPECT_THAT(control.initial_messages(), ElementsAre(json({{"stop", true}})));
  server.send("art\": {}}\n");
  EXPECT_THAT(control.receive(control.connection_fds().front()),
              ElementsAre(json({{"start", json::object()}})));
  control.broadcast({{"phase", "ended"}});
  EXPECT_EQ(server.receive(), json({{"phase", "ended"}}));
}

TEST_F(ControlSocketTest, ReplacesTheSocketOfAnEarlierSupervisor) {
  { const ControlSocket earlier = listen(); }
  EXPECT_THAT(connect_to(socket()), IsError(Errc::unavailable));
  ControlSocket control = listen();
  const Peer peer = connect(control);
}

TEST_F(ControlSocketTest, WorksInAFolderWithALongPath) {
  const Path folder = folder_.path() / std::string(200, 'x');
  ASSERT_TRUE(std::filesystem::create_directory(folder));
  const auto control = must(ControlSocket::listen(folder / "control", Fd(), {}));
  EXPECT_THAT(connect_to(folder / "control"), IsOk());
  EXPECT_THAT(ControlSocket::listen(folder / std::string(100, 'y'), Fd(), {}),
              IsError(Errc::invalid_argument, "too long"));
}

TEST_F(ControlSocketTest, ConnectingFailsWithoutASocket) {
  EXPECT_THAT(connect_to(socket()), IsError(Errc::not_found));
}

}  // namespace
}  // namespace rtenv::job
