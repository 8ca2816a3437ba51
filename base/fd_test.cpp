#include "base/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/pipe.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Fd, ClosesTheDescriptorUnlessItIsReleased) {
  int closed = -1;
  int released = -1;
  {
    const Fd first = must(open_file("/dev/null", O_RDONLY));
    closed = first.get();
    Fd second = must(open_file("/dev/null", O_RDONLY));
    released = second.release();
    EXPECT_FALSE(second);
  }
  EXPECT_EQ(::fcntl(closed, F_GETFD), -1);
  EXPECT_EQ(::fcntl(released, F_GETFD), FD_CLOEXEC);
  const Fd owner(released);
}

TEST(Fd, MovingTransfersTheDescriptor) {
  Fd from = must(open_file("/dev/null", O_RDONLY));
  const int number = from.get();
  Fd to;
  to = std::move(from);
  EXPECT_EQ(to.get(), number);
}

TEST(ReadFull, CombinesShortReads) {
  Pipe pipe = must(Pipe::create());
  const pid_t child = ::fork();
  if (child == 0) {
    for (const std::string_view part : {"ab", "cd", "e"}) {
      [[maybe_unused]] const auto written = ::write(pipe.write_end.get(), part.data(), part.size());
      ::usleep(2000);
    }
    ::_exit(0);
  }
  pipe.write_end.reset();
  std::array<std::byte, 4> buffer;
  EXPECT_EQ(must(read_full(pipe.read_end, buffer, "pipe")), 4U);
  EXPECT_EQ(text_of(buffer), "abcd");
  EXPECT_EQ(must(read_to_end(pipe.read_end, "pipe")), "e");
  ::waitpid(child, nullptr, 0);
}

TEST(ReadFull, ReadingAtAnOffsetKeepsTheFilePosition) {
  TreeBuilder tree;
  tree.file("f", "0123456789");
  const Fd file = must(open_file(tree / "f", O_RDONLY));
  std::array<std::byte, 4> buffer;
  EXPECT_EQ(must(read_full_at(file, buffer, 3, "f")), 4U);
  EXPECT_EQ(text_of(buffer), "3456");
  EXPECT_EQ(must(read_full_at(file, buffer, 8, "f")), 2U);
  EXPECT_EQ(must(read_to_end(file, "f")), "0123456789");
}

TEST(WriteFull, NamesTheFileInItsError) {
  const Fd file = must(open_file("/dev/null", O_RDONLY));
  EXPECT_THAT(write_full(file, "x", "the log"), IsError(Errc::internal, "the log"));
}

}  // namespace
}  // namespace rtenv
