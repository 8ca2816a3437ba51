#include "envbuild/package_check.hpp"

#include <fstream>

#include "base/hash.hpp"
#include "base/temp_dir.hpp"
#include "pkg/package_fixture.hpp"
#include "pkg/package_name.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::envbuild {
namespace {

class PackageCheckTest : public testing::Test {
 protected:
  void SetUp() override { tree_.file("folder/file", std::string(100'000, 'x')); }
  // Packs the tree, and returns its name.
  std::string pack(pkg::Scheme scheme) {
    const pkg::Packed packed = pkg::pack(tree_, {.scheme = scheme});
    std::ofstream(file_) << packed.bytes;
    return packed.name.file_name();
  }
  Result<NameCheck> check(const std::string& name, const pkg::UnpackLimits& limits = {}) {
    return check_package(file_, name, must(sha1_hex_of_file(file_)), limits);
  }
  void damage() {
    std::fstream file(file_, std::ios::in | std::ios::out);
    file.seekp(60);
    file << "damaged";
  }

  TempDir folder_ = must(TempDir::create());
  TreeBuilder tree_;
  Path file_ = folder_.path() / "package";
};

TEST_F(PackageCheckTest, AcceptsEachNameOfItsContent) {
  for (const pkg::Scheme scheme : {pkg::Scheme::ray, pkg::Scheme::xxh3, pkg::Scheme::sha256}) {
    const std::string name = pack(scheme);
    EXPECT_EQ(must(check(name)), NameCheck::matches) << name;
  }
  EXPECT_EQ(must(check("_ray_pkg_" + must(sha1_hex_of_file(file_)) + ".zip")), NameCheck::matches);
}

TEST_F(PackageCheckTest, RefusesTheNameOfOtherContent) {
  pack(pkg::Scheme::xxh3);
  for (const std::size_t digits : {32U, 40U, 64U})
    EXPECT_THAT(check("_ray_pkg_" + std::string(digits, '0') + ".zip"),
                IsError(Errc::corrupt, "doesn't match its name: it is _ray_pkg_"))
        << digits;
}

TEST_F(PackageCheckTest, ANameThatSaysNothingIsUnknown) {
  pack(pkg::Scheme::xxh3);
  EXPECT_EQ(must(check("wheel-1.0-py3-none-any.whl")), NameCheck::unknown);
  EXPECT_EQ(must(check("_ray_pkg_0123456789abcdef.zip")), NameCheck::unknown);
}

TEST_F(PackageCheckTest, RefusesWhatIsNoArchiveOrADamagedOne) {
  const std::string name = pack(pkg::Scheme::xxh3);
  damage();
  for (const std::string& any : {name, std::string("a.zip"), std::string("a.whl")})
    EXPECT_THAT(check(any), IsError(Errc::corrupt)) << any;
  std::ofstream(file_) << "garbage";
  for (const char* any : {"a.zip", "a.whl", "_ray_pkg_0123456789abcdef.zip", "a.tar.gz"})
    EXPECT_THAT(check(any), IsError(Errc::corrupt)) << any;
}

TEST_F(PackageCheckTest, RefusesWhatUnpacksToMoreThanTheLimit) {
  const std::string name = pack(pkg::Scheme::xxh3);
  EXPECT_THAT(check(name, {.max_total_bytes = 99'999, .reason = "the cache's limit"}),
              IsError(Errc::invalid_argument, "more than 99999 bytes, the cache's limit"));
  EXPECT_EQ(must(check(name, {.max_total_bytes = 100'000})), NameCheck::matches);
}

}  // namespace
}  // namespace rtenv::envbuild
