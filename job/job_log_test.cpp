#include "job/job_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

class JobLogTest : public testing::Test {
 protected:
  TempDir folder_ = must(TempDir::create());
  Path file_ = folder_.path() / "log";

  struct Read {
    std::string text;
    std::uint64_t skipped_bytes = 0;
  };
  [[nodiscard]] Read read_all(std::uint64_t offset = 0) const {
    const auto reader = must(JobLogReader::open(file_));
    Read result;
    std::string buffer(1000, '\0');
    for (;;) {
      const auto chunk = must(reader.read(offset, buffer));
      result.skipped_bytes += chunk.skipped_bytes;
      if (chunk.size_bytes == 0) return result;
      result.text.append(buffer, 0, chunk.size_bytes);
      offset = chunk.offset + chunk.size_bytes;
    }
  }
};

TEST_F(JobLogTest, PreservesEveryByte) {
  auto log = must(JobLog::open(file_, {}));
  const std::string bytes("a\0b\xff\n", 5);
  log.write(bytes);
  log.write("no newline");
  log.write_line("line");
  EXPECT_EQ(read_all().text, bytes + "no newline\nline\n");
  EXPECT_EQ(read_all(3).text, "\xff\nno newline\nline\n");
}

TEST_F(JobLogTest, ExceedingTheLimitRemovesTheMiddle) {
  constexpr std::uint64_t limit = 1 << 20;
  auto log = must(JobLog::open(file_, {.max_bytes = limit}));
  std::string all;
  for (int i = 0; all.size() < 5 * limit; ++i) {
    const std::string line = fmt::format("line {}\n", i);
    all += line;
    log.write(line);
  }
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  if (static_cast<std::uint64_t>(status.st_blocks) * 512 > 4 * limit)
    GTEST_SKIP() << "this file system doesn't support holes";
  EXPECT_LT(static_cast<std::uint64_t>(status.st_blocks) * 512, limit + limit / 4);
  const Read read = read_all();
  EXPECT_EQ(read.text.size() + read.skipped_bytes, all.size());
  const std::size_t head = limit / 4;
  EXPECT_EQ(read.text.substr(0, head), all.substr(0, head));
  EXPECT_EQ(read.text.substr(head), all.substr(head + read.skipped_bytes)) << "the end is complete";
  EXPECT_EQ(must(must(JobLogReader::open(file_)).size_bytes()), all.size())
      << "offsets are unchanged";
}

TEST_F(JobLogTest, CountsBytesLostOnAFullDisk) {
  auto log = must(JobLog::open("/dev/full", {}));
  log.write("lost");
  log.write("too");
  log.finish();
  log.write_notice("a notice isn't output");
  EXPECT_EQ(log.lost_bytes(), 7U);
  EXPECT_THAT(log.error(), testing::HasSubstr("No space left"));
}

TEST_F(JobLogTest, WritesNoticesOnSeparateLines) {
  auto log = must(JobLog::open(file_, {}));
  log.write_notice("first");
  log.write("no newline");
  log.write_notice("second");
  EXPECT_EQ(read_all().text, "[rtenv: first]\nno newline\n[rtenv: second]\n");
}

TEST_F(JobLogTest, RedirectsStandardError) {
  const auto log = must(JobLog::open(file_, {}));
  const Fd saved(::dup(STDERR_FILENO));
  log.redirect_stderr();
  ::dprintf(STDERR_FILENO, "a warning\n");
  ::dup2(saved.get(), STDERR_FILENO);
  EXPECT_EQ(read_all().text, "a warning\n");
}

TEST_F(JobLogTest, FindsTheLastLines) {
  auto log = must(JobLog::open(file_, {}));
  log.write("one\ntwo\nthree\n");
  const auto reader = must(JobLogReader::open(file_));
  EXPECT_EQ(must(reader.offset_of_last_lines(0)), 14U);
  EXPECT_EQ(must(reader.offset_of_last_lines(1)), 8U);
  EXPECT_EQ(must(reader.offset_of_last_lines(2)), 4U);
  EXPECT_EQ(must(reader.offset_of_last_lines(3)), 0U);
  EXPECT_EQ(must(reader.offset_of_last_lines(9)), 0U);
  log.write("no newline");
  EXPECT_EQ(must(reader.offset_of_last_lines(1)), 14U);
}

TEST_F(JobLogTest, FindsTheLastLinesBehindAndBeforeAHole) {
  constexpr std::uint64_t hole_end = 1ULL << 40U;
  const Fd file = must(open_file(file_, O_RDWR | O_CREAT, 0600));
  ASSERT_EQ(::pwrite(file.get(), "one\ntwo", 7, 0), 7);
  ASSERT_EQ(::pwrite(file.get(), "\nthree\n", 7, static_cast<off_t>(hole_end)), 7);
  const auto reader = must(JobLogReader::open(file_));
  EXPECT_EQ(must(reader.offset_of_last_lines(1)), hole_end + 1);
  EXPECT_EQ(must(reader.offset_of_last_lines(2)), 4U);
  EXPECT_EQ(must(reader.offset_of_last_lines(3)), 0U);
}

}  // namespace
}  // namespace rtenv::job
