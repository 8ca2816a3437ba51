#include "base/steady_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

class SteadyFileTest : public testing::Test {
 protected:
  void write(std::string_view text) const {
    AtomicFile file = must(AtomicFile::create(path_));
    must(file.write(text));
    must(file.commit(Durability::process));
  }
  // Into the file itself.
  void overwrite(std::string_view text) const {
    const Fd file = must(open_file(path_, O_WRONLY));
    must(write_full(file, text, path_.native()));
  }

  TempDir folder_ = must(TempDir::create());
  Path path_ = folder_.path() / "file";
  std::string read_;
  SteadyFile::Sink sink_ = [this](std::span<const std::byte> data) -> Result<void> {
    read_.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  };
};

constexpr std::chrono::seconds k_always_settled{-1};

TEST_F(SteadyFileTest, ReadsTheFileThatWasOpenedWhateverThePathLeadsToLater) {
  for (const auto settle_time : {k_always_settled, SteadyFile::k_settle_time}) {
    write("first");
    const SteadyFile file = must(SteadyFile::open(path_, settle_time));
    write("other");
    EXPECT_THAT(file.read(sink_), IsOk()) << "a file that is replaced keeps its content";
    EXPECT_EQ(std::exchange(read_, {}), "first");
    EXPECT_NE(must(SteadyFile::open(path_)).version(), file.version());
  }
}

TEST_F(SteadyFileTest, NoticesAWriteIntoTheFile) {
  for (const auto settle_time : {k_always_settled, SteadyFile::k_settle_time}) {
    write(std::string(1U << 20U, 'a'));
    const SteadyFile file = must(SteadyFile::open(path_, settle_time));
    EXPECT_EQ(file.is_settled(), settle_time == k_always_settled);
    bool begun = false;
    const auto sink = [&](std::span<const std::byte>) -> Result<void> {
      if (!std::exchange(begun, true)) overwrite("b");
      return {};
    };
    EXPECT_THAT(file.read(sink), IsError(Errc::changed, "changed while it was read"));
  }
}

TEST_F(SteadyFileTest, NoticesAFileThatGrowsOrShrinks) {
  for (const off_t size : {off_t{3}, off_t{5}, off_t{2} << 20}) {
    write("1234");
    const SteadyFile file = must(SteadyFile::open(path_));
    ASSERT_EQ(::truncate(path_.c_str(), size), 0);
    EXPECT_THAT(file.read(sink_), IsError(Errc::changed, "changed")) << size;
  }
}

TEST_F(SteadyFileTest, RefusesWhatTheKernelMakesWhenItIsRead) {
  EXPECT_THAT(SteadyFile::open("/proc/version"),
              IsError(Errc::invalid_argument, "/proc/version can't be taken"));
}

TEST_F(SteadyFileTest, PassesOnWhatTheSinkFailsWith) {
  write("1234");
  const SteadyFile file = must(SteadyFile::open(path_));
  EXPECT_THAT(file.read([](auto) { return fail(Errc::out_of_space, "full"); }),
              IsError(Errc::out_of_space, "full"));
}

TEST_F(SteadyFileTest, RefusesWhatIsNoFile) {
  EXPECT_THAT(SteadyFile::open(folder_.path()), IsError(Errc::invalid_argument, ""));
  EXPECT_THAT(SteadyFile::open("/dev/null"), IsError(Errc::invalid_argument, "isn't a file"));
  EXPECT_THAT(SteadyFile::open(folder_.path() / "none"), IsError(Errc::not_found, ""));
}

}  // namespace
}  // namespace rtenv
