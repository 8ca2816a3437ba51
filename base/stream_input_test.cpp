#include "base/stream_input.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "base/cancellation.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

class StreamInput : public testing::Test {
 protected:
  StreamInput() { EXPECT_EQ(::mkfifo(fifo_.c_str(), 0600), 0); }
  TreeBuilder tree_;
  Path fifo_ = tree_.root() / "fifo";
  Cancellation cancellation_ = must(Cancellation::create());
};

TEST_F(StreamInput, WaitsForTheWriterOfAPipe) {
  std::thread writer([&] {
    const Fd pipe = must(open_file(fifo_, O_WRONLY));
    must(write_full(pipe, "a rule\n", "the pipe"));
  });
  EXPECT_EQ(must(read_file_or_stream(fifo_, &cancellation_)), "a rule\n");
  writer.join();
}

TEST_F(StreamInput, ACancellationEndsWaitingForAWriter) {
  std::thread canceller([&] { cancellation_.request(); });
  EXPECT_THAT(read_file_or_stream(fifo_, &cancellation_), IsError(Errc::cancelled, "fifo"));
  canceller.join();
}

TEST_F(StreamInput, AnEndlessDeviceIsRefused) {
  EXPECT_THAT(read_file_or_stream("/dev/zero", &cancellation_, 100'000),
              IsError(Errc::invalid_argument, "more than 100000 bytes"));
}

TEST_F(StreamInput, ReadsFilesAlsoThoseWithoutASize) {
  tree_.file("a", "text");
  EXPECT_EQ(must(read_file_or_stream(tree_.root() / "a")), "text");
  EXPECT_NE(must(read_file_or_stream("/proc/self/status")), "");
  EXPECT_EQ(must(read_file_or_stream("/dev/null")), "");
  EXPECT_THAT(read_file_or_stream(tree_.root()), IsError(Errc::invalid_argument));
}

}  // namespace
}  // namespace rtenv
