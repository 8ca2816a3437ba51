#include "base/stream_output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <vector>

#include "base/cancellation.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

constexpr std::size_t k_bytes = 3 << 20;  // more than a pipe or socket takes

std::vector<std::byte> pattern() {
  std::vector<std::byte> data(k_bytes);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7 + i / 4096);
  return data;
}

struct Ends {
  Fd reader;
  Fd writer;
};

Ends make_pipe() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}
Ends make_socket() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

class StreamOutputTest : public testing::TestWithParam<Ends (*)()> {
 protected:
  StreamOutput::Options options() {
    return {.name = "the stream", .cancellation = &cancellation_, .last_words_bytes = 10};
  }
  Ends ends_ = GetParam()();
  Cancellation cancellation_ = must(Cancellation::create());
};

TEST_P(StreamOutputTest, WritesAllToASlowReader) {
  const auto data = pattern();
  std::thread writer([&, stream = std::move(ends_.writer)]() mutable {
    StreamOutput output(std::move(stream), options());
    must(output.write(data));
  });
  EXPECT_EQ(must(read_to_end(ends_.reader, "the stream")),
            std::string(reinterpret_cast<const char*>(data.data()), data.size()));
  writer.join();
}

TEST_P(StreamOutputTest, ACancellationEndsWaitingForTheReader) {
  StreamOutput output(std::move(ends_.writer), options());
  std::thread canceller([&] { cancellation_.request(); });
  EXPECT_THAT(output.write(pattern()), IsError(Errc::cancelled, "the reader of the stream"));
  canceller.join();
}

TEST_P(StreamOutputTest, SaysItsLastWordsAfterACancellationIfThereIsRoom) {
  StreamOutput output(std::move(ends_.writer), options());
  cancellation_.request();
  const std::string words = "sorry: ";
  must(output.write(std::as_bytes(std::span(words))));
  EXPECT_THAT(output.write(std::as_bytes(std::span(words))), IsError(Errc::cancelled));
  std::string read(words.size(), ' ');
  EXPECT_EQ(must(read_full(ends_.reader, std::as_writable_bytes(std::span(read)), "")),
            read.size());
  EXPECT_EQ(read, words);
}

TEST_P(StreamOutputTest, LeavesASharedDescriptorBlocking) {
  const Fd shared(::fcntl(ends_.writer.get(), F_DUPFD_CLOEXEC, 3));
  const StreamOutput output(std::move(ends_.writer), options());
  EXPECT_EQ(::fcntl(shared.get(), F_GETFL) & O_NONBLOCK, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, StreamOutputTest, testing::Values(&make_pipe, &make_socket));

}  // namespace
}  // namespace rtenv
