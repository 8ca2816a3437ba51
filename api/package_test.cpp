#include "rtenv/package.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <array>
#include <stdexcept>

#include "base/fd.hpp"
#include "rtenv/cache.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

class PackageApi : public testing::Test {
 protected:
  PackageApi() {
    tree_.file("job/main.py", "print(1)\n");
    tree_.file("job/data/a.csv", "1,2\n");
    tree_.file("job/.gitignore", "*.log\n");
    tree_.file("job/x.log", "noise\n");
  }
  [[nodiscard]] Path job() const { return tree_ / "job"; }

  TreeBuilder tree_;
};

TEST_F(PackageApi, NamesPacksInspectsAndUnpacksADirectory) {
  const Package named = must(name_directory(job()));
  const Package packed = must(pack(job(), tree_ / named.name));
  EXPECT_EQ(packed.name, named.name);
  EXPECT_EQ(packed.uri(), "gcs://" + named.name);
  EXPECT_EQ(packed.content_bytes, named.content_bytes);
  EXPECT_EQ(packed.packed_bytes, std::filesystem::file_size(tree_ / named.name));
  const auto has_path = [](const char* path) { return Field(&Entry::path, path); };
  EXPECT_THAT(packed.entries, ElementsAre(has_path(".gitignore"), has_path("data"),
                                          has_path("data/a.csv"), has_path("main.py")));

  const Inspection found = must(inspect(tree_ / named.name));
  EXPECT_EQ(found.matches_name, true);
  EXPECT_EQ(found.content.name, named.name);
  EXPECT_EQ(must(unpack(tree_ / named.name, tree_ / "copy")).files, 3U);
  EXPECT_EQ(must(name_directory(tree_ / "copy")).name, named.name);
}

TEST_F(PackageApi, WritesAPackageUnderItsOwnNameIntoAFolder) {
  tree_.directory("out");
  const Package packed = must(pack_into(job(), tree_ / "out"));
  (void)must(pack(job(), tree_ / "other.zip"));
  EXPECT_EQ(content_of(tree_ / "out" / packed.name), content_of(tree_ / "other.zip"));
  EXPECT_EQ(must(inspect(tree_ / "out" / packed.name)).matches_name, true);
  EXPECT_EQ(must(inspect(tree_ / "other.zip")).matches_name, std::nullopt);
  std::filesystem::rename(tree_ / "other.zip", tree_ / "_ray_pkg_0123456789abcdef.zip");
  EXPECT_EQ(must(inspect(tree_ / "_ray_pkg_0123456789abcdef.zip")).matches_name, false);
  EXPECT_THAT(pack_into(job(), tree_ / "missing"), IsError(Errc::not_found));
}

TEST_F(PackageApi, WritesAPackageToADescriptorThatStaysOpenAndIsNotPacked) {
  const Path target = job() / "self.zip";
  const Fd file(::open(target.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  const Package packed = must(pack_to_descriptor(job(), file.get()));
  EXPECT_EQ(static_cast<std::uint64_t>(::lseek(file.get(), 0, SEEK_CUR)), packed.packed_bytes);
  std::filesystem::rename(target, tree_ / "moved.zip");
  EXPECT_EQ(must(name_directory(job())).name, packed.name);
  EXPECT_EQ(must(inspect(tree_ / "moved.zip")).content.name, packed.name);
  EXPECT_THAT(pack_to_descriptor(job(), -1), IsError(Errc::invalid_argument));
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const Fd read_end(pipe[0]);
  const Fd write_end(pipe[1]);
  const Fd folder(::open(tree_.root().c_str(), O_RDONLY | O_CLOEXEC));
  for (const Fd* const wrong : {&read_end, &folder})
    EXPECT_THAT(pack_to_descriptor(job(), wrong->get()),
                IsError(Errc::invalid_argument, "isn't open for writing"));
}

TEST_F(PackageApi, ATopFolderStaysInThePackage) {
  PackOptions options;
  for (const char* top : {"..", "a/../..", "/a", "a/", "a//b", "."}) {
    options.top_folder = top;
    EXPECT_THAT(pack(job(), tree_ / "job.zip", options), IsError(Errc::invalid_argument)) << top;
  }
  options.top_folder = std::string("a\0b", 3);
  EXPECT_THAT(name_directory(job(), options), IsError(Errc::invalid_argument));
}

TEST_F(PackageApi, ErrorsAboutLimitsHaveTheCallersHint) {
  (void)must(pack(job(), tree_ / "job.zip"));
  UnpackOptions options;
  options.max_total_bytes = 3;
  const auto refused = unpack(tree_ / "job.zip", tree_ / "copy", options);
  ASSERT_THAT(refused, IsError(Errc::invalid_argument));
  EXPECT_EQ(refused.error().hint(),
            "if you trust the archive, raise max_total_bytes, max_entries or max_ratio");
  options.limit_hint = "ask the administrator of this service for a larger limit";
  EXPECT_EQ(inspect(tree_ / "job.zip", options).error().hint(), options.limit_hint);
}

TEST_F(PackageApi, ListsDirectoriesAndArchivesWithoutWriting) {
  PackOptions options;
  options.top_folder = "module";
  options.list_excluded = true;
  const Package listed = must(list_directory(job(), options));
  EXPECT_EQ(listed.name, "");
  EXPECT_EQ(listed.files, 3U);
  ASSERT_EQ(listed.excluded.size(), 1U);
  EXPECT_EQ(listed.excluded[0].path, "x.log");
  EXPECT_EQ(listed.excluded[0].rules, ".gitignore");
  const Package packed = must(pack(job(), tree_ / "module.zip", options));
  EXPECT_EQ(packed.name, must(name_directory(job())).name);
  EXPECT_EQ(packed.stats.read_files, 3U);
  const ArchiveList in_zip = must(list_archive(tree_ / "module.zip"));
  EXPECT_EQ(in_zip.summary.files, 3U);
  EXPECT_THAT(in_zip.entries, Contains(Field(&Entry::path, "module/main.py")));
  UnpackOptions stripped;
  stripped.strip_top = true;
  EXPECT_THAT(must(list_archive(tree_ / "module.zip", stripped)).entries,
              Contains(Field(&Entry::path, "main.py")));
}

TEST_F(PackageApi, RelativePathsAreRelativeToTheBase) {
  PackOptions options;
  options.base = tree_.root();
  const Package packed = must(pack("job", "job.zip", options));
  EXPECT_EQ(packed.name, must(name_directory(job())).name);
  EXPECT_TRUE(std::filesystem::exists(tree_ / "job.zip"));
}

TEST_F(PackageApi, AStreamGetsTheBytesOfTheFile) {
  (void)must(pack(job(), tree_ / "job.zip"));
  std::string bytes;
  const PackageSink sink = [&](std::span<const std::byte> data) -> Result<void> {
    bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  };
  EXPECT_THAT(pack(job(), sink), IsOk());
  EXPECT_EQ(bytes, content_of(tree_ / "job.zip"));
}

TEST_F(PackageApi, ReportsHowMuchOfTheDirectoryIsPacked) {
  tree_.file("job/large.bin", std::string(9 << 20, 'x'));
  std::filesystem::create_symlink("large.bin", tree_ / "job/link");
  std::vector<Progress> reports;
  PackOptions options;
  options.on_progress = [&](const Progress& progress) { reports.push_back(progress); };
  const Package package = must(pack(job(), tree_ / "job.zip", options));
  ASSERT_GT(reports.size(), 1U);
  EXPECT_EQ(reports.back().done_bytes, package.content_bytes);
  for (const Progress& report : reports) EXPECT_EQ(report.total_bytes, package.content_bytes);

  reports.clear();
  EXPECT_THAT(name_directory(job(), options), IsOk());
  EXPECT_EQ(reports.back().done_bytes, package.content_bytes);
  reports.clear();
  UnpackOptions unpacking;
  unpacking.on_progress = options.on_progress;
  EXPECT_THAT(inspect(tree_ / "job.zip", unpacking), IsOk());
  EXPECT_EQ(reports.back().done_bytes, package.content_bytes);
  reports.clear();
  EXPECT_THAT(unpack(tree_ / "job.zip", tree_ / "copy", unpacking), IsOk());
  EXPECT_EQ(reports.back().done_bytes, package.content_bytes);
  EXPECT_EQ(reports.back().total_bytes, package.content_bytes);
  unpacking.on_progress = [](const Progress&) { throw std::runtime_error("no window"); };
  EXPECT_THAT(unpack(tree_ / "job.zip", tree_ / "other", unpacking),
              IsError(Errc::invalid_argument, "no window"));
  EXPECT_FALSE(std::filesystem::exists(tree_ / "other"));

  options.on_progress = [](const Progress&) { throw std::runtime_error("no window"); };
  EXPECT_THAT(pack(job(), tree_ / "other.zip", options),
              IsError(Errc::invalid_argument, "no window"));
  EXPECT_FALSE(std::filesystem::exists(tree_ / "other.zip"));
}

TEST_F(PackageApi, TellsWhatWasLeftOutIfItIsAsked) {
  EXPECT_THAT(must(name_directory(job())).excluded, ElementsAre());
  PackOptions options;
  options.list_excluded = true;
  EXPECT_THAT(must(name_directory(job(), options)).excluded,
              ElementsAre(Field(&Excluded::path, "x.log")));
}

TEST_F(PackageApi, EntriesNeedNotBeListed) {
  tree_.link("job/nowhere", "missing");
  PackOptions options;
  options.scheme = Scheme::ray;
  const Package all = must(name_directory(job(), options));
  options.list_entries = false;
  const Package package = must(name_directory(job(), options));
  EXPECT_EQ(package.name, all.name);
  EXPECT_EQ(package.files, 3U);
  EXPECT_EQ(package.content_bytes, all.content_bytes);
  EXPECT_THAT(package.entries, ElementsAre(Field(&Entry::path, "nowhere")));
}

TEST_F(PackageApi, AnExceptionOfTheSinkIsAnError) {
  const PackageSink sink = [](std::span<const std::byte>) -> Result<void> {
    throw std::runtime_error("no more room");
  };
  const auto packed = pack(job(), sink);
  EXPECT_THAT(packed, IsError(Errc::invalid_argument));
  EXPECT_THAT(packed.error().message(), HasSubstr("no more room"));
  EXPECT_THAT(pack(job(), PackageSink()), IsError(Errc::invalid_argument));
}

TEST_F(PackageApi, AStopThatWasRequestedEndsEveryCall) {
  std::stop_source stop;
  stop.request_stop();
  PackOptions options;
  options.stop = stop.get_token();
  EXPECT_THAT(name_directory(job(), options), IsError(Errc::cancelled));
  EXPECT_THAT(pack(job(), tree_ / "job.zip", options), IsError(Errc::cancelled));
  EXPECT_FALSE(std::filesystem::exists(tree_ / "job.zip"));
}

TEST_F(PackageApi, RefusesValuesThatItDoesNotKnow) {
  PackOptions options;
  options.scheme = Scheme::archive;
  EXPECT_THAT(name_directory(job(), options), IsError(Errc::invalid_argument));
  options.scheme = static_cast<Scheme>(9);
  EXPECT_THAT(name_directory(job(), options), IsError(Errc::invalid_argument));
  options.scheme = Scheme::ray;
  options.compression = static_cast<Compression>(9);
  EXPECT_THAT(name_directory(job(), options), IsError(Errc::invalid_argument));
}

TEST_F(PackageApi, ANameThatIsKnownIsTheSame) {
  Cache cache = must(Cache::open(tree_ / "cache"));
  PackOptions options;
  options.digest_cache = cache.digest_folder();
  const auto first = must(name_directory(job(), options));
  EXPECT_EQ(must(name_directory(job(), options)).name, first.name);
  EXPECT_EQ(must(name_directory(job())).name, first.name);
}

}  // namespace
}  // namespace rtenv
