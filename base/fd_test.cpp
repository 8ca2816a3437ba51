#include "base/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/pipe.hpp"
#include "support/result_matchers.hpp"
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

TEST(Fd, OfARegularFileIsNeverThatOfAPipe) {
  const TreeBuilder tree;
  ASSERT_EQ(::mkfifo((tree / "pipe").c_str(), 0600), 0);
  for (const int flags : {O_RDONLY, O_WRONLY, O_WRONLY | O_CREAT, O_RDWR})
    EXPECT_FALSE(open_regular_file(tree / "pipe", flags));
  EXPECT_THAT(open_regular_file("/dev/zero", O_RDONLY),
              IsError(Errc::invalid_argument, "/dev/zero is a pipe or device, not a file"));
  EXPECT_THAT(open_regular_file(tree.root(), O_RDONLY),
              IsError(Errc::invalid_argument, "a folder, not a file"));
  EXPECT_TRUE(open_regular_file(tree / "new", O_WRONLY | O_CREAT));
  EXPECT_TRUE(open_regular_file("/dev/null", O_RDONLY));
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
