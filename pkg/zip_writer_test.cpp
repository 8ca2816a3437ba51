#include "pkg/zip_writer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "pkg/package_fixture.hpp"

namespace rtenv::pkg {
namespace {

class ZipWriterTest : public testing::Test {
 protected:
  MixedTree tree_;
};

TEST_F(ZipWriterTest, BytesDoNotDependOnThreadsTimesOrUmask) {
  for (const Compression compression :
       {Compression::automatic, Compression::store, Compression::fast, Compression::best}) {
    const Packed serial = pack(tree_, {.compression = compression, .threads = 1});
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree_.root()))
      if (entry.is_regular_file())
        std::filesystem::last_write_time(entry.path(),
                                         std::filesystem::file_time_type::clock::now());
    const mode_t before = ::umask(0077);
    const Packed parallel = pack(tree_, {.compression = compression, .threads = 5});
    ::umask(before);
    EXPECT_EQ(serial.name, parallel.name);
    EXPECT_TRUE(serial.bytes == parallel.bytes) << name(compression);
  }
}

TEST_F(ZipWriterTest, CompressionChangesTheBytesButNotTheName) {
  const Packed stored = pack(tree_, {.compression = Compression::store});
  const Packed fast = pack(tree_, {.compression = Compression::fast});
  const Packed automatic = pack(tree_, {.compression = Compression::automatic});
  const Packed best = pack(tree_, {.compression = Compression::best});
  EXPECT_EQ(stored.name, best.name);
  EXPECT_LT(fast.bytes.size(), stored.bytes.size() * 6 / 10);
  EXPECT_LT(best.bytes.size(), fast.bytes.size());
  EXPECT_LT(automatic.bytes.size(), fast.bytes.size() + 1000)
      << "only what doesn't shrink is stored";
}

TEST_F(ZipWriterTest, PackageHasTheNameOfTheTree) {
  for (const Scheme scheme : {Scheme::xxh3, Scheme::ray, Scheme::sha256})
    EXPECT_EQ(pack(tree_, {.scheme = scheme, .threads = 3}).name, name_of(tree_, scheme));
}

}  // namespace
}  // namespace rtenv::pkg
