#include "cache/remote_tier.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cache/archive.hpp"
#include "cache/cache_fixture.hpp"
#include "cache/ledger.hpp"
#include "cache/tree_digest.hpp"
#include "support/loopback_listener.hpp"

namespace rtenv::cache {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Builds an environment with a program and a link to it.
Builder writes_tool(std::string content) {
  return [content = std::move(content)](const BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target / "bin"));
    std::ofstream(context.target / "bin/tool") << content;
    std::filesystem::permissions(context.target / "bin/tool", std::filesystem::perms::owner_all);
    std::filesystem::create_symlink("bin/tool", context.target / "link");
    return {};
  };
}

// Several machines, with a cache each, that share a bucket.
class RemoteTierTest : public testing::Test {
 protected:
  [[nodiscard]] Path bucket() const { return folder_.root() / "bucket"; }
  [[nodiscard]] RemoteTierOptions tier(TierMode mode) const {
    return tier_at("file://" + bucket().native(), mode);
  }
  static RemoteTierOptions tier_at(const std::string& uri, TierMode mode) {
    return {.prefix = must(remote::Uri::parse(uri)),
            .mode = mode,
            .timeout = milliseconds(300),
            .store = {}};
  }
  [[nodiscard]] Cache open(const char* machine, RemoteTierOptions options) const {
    return must(Cache::open(folder_.root() / machine, {.remote_tier = std::move(options)}));
  }
  static Result<Lease> get(Cache& cache, const Builder& builder, Relocate relocate = {},
                           KeyView key = "key") {
    return cache.get_or_build(Kind::env, key, builder,
                              {.use_remote_tier = true, .relocate = std::move(relocate)});
  }
  [[nodiscard]] Path archive(KeyView key = "key") const {
    return bucket() / "rtenv-1/envs" / (std::string(key) + ".tar.zst");
  }

  TreeBuilder folder_;
};

TEST_F(RemoteTierTest, PullsAnEntryBuiltOnAnotherMachine) {
  Cache first = open("first", tier(TierMode::write_through));
  const Lease built = must(get(first, writes_tool("x")));
  ASSERT_TRUE(std::filesystem::exists(archive()));

  Cache second = open("second", tier(TierMode::read));
  const Lease pulled = must(get(second, must_not_run()));
  EXPECT_EQ(must(read_file(pulled.path() / "link")), "x");
  EXPECT_EQ(must(tree_digest(pulled.path(), "", 1, nullptr)),
            must(tree_digest(built.path(), "", 1, nullptr)));
  EXPECT_EQ(must(second.usage()).at(Kind::env).pulls, 1U);
}

TEST_F(RemoteTierTest, PushesNothingInReadMode) {
  Cache cache = open("first", tier(TierMode::read));
  must(get(cache, writes_tool("x")));
  EXPECT_FALSE(std::filesystem::exists(bucket()));
}

TEST_F(RemoteTierTest, ReplacesADamagedArchive) {
  {
    Cache first = open("first", tier(TierMode::write_through));
    must(get(first, writes_tool(std::string(100'000, 'x'))));
  }
  const std::string whole = must(read_file(archive()));
  for (const std::string& damaged :
       {whole.substr(0, whole.size() / 2), std::string("no archive"), std::string()}) {
    std::ofstream(archive(), std::ios::binary | std::ios::trunc) << damaged;
    Cache second = open("second", tier(TierMode::read));
    {
      const Lease built = must(get(second, writes_tool("built here")));
      EXPECT_EQ(must(read_file(built.path() / "link")), "built here");
    }
    EXPECT_TRUE(must(second.remove(Kind::env, "key")));
  }
  Cache third = open("third", tier(TierMode::write_through));
  must(get(third, writes_tool(std::string(100'000, 'x'))));
  EXPECT_EQ(must(read_file(archive())), whole) << "replaced by a machine that pushes";
}

TEST_F(RemoteTierTest, IgnoresAnArchiveOfAnotherKey) {
  Cache first = open("first", tier(TierMode::write_through));
  must(get(first, writes_tool("x")));
  std::filesystem::copy_file(archive(), archive("other"));
  Cache second = open("second", tier(TierMode::read));
  EXPECT_THAT(get(second, must_not_run(), {}, "other"), IsError(Errc::internal));
}

TEST_F(RemoteTierTest, IgnoresAnArchiveThatRelocationRejects) {
  Cache first = open("first", tier(TierMode::write_through));
  must(get(first, writes_tool("x")));
  Cache second = open("second", tier(TierMode::read));
  const Lease built = must(get(second, writes_tool("built here"),
                               [](const Path&, const Path&, const nlohmann::json&) -> Result<void> {
                                 return fail(Errc::invalid_argument, "for another platform");
                               }));
  EXPECT_EQ(must(read_file(built.path() / "link")), "built here");
}

TEST_F(RemoteTierTest, IgnoresAndRemovesExpiredArchives) {
  RemoteTierOptions options = tier(TierMode::write_through);
  options.max_age = std::chrono::seconds(3600);
  Cache first = open("first", options);
  must(get(first, writes_tool("x"), {}, "old"));
  must(get(first, writes_tool("x"), {}, "new"));
  std::filesystem::last_write_time(
      archive("old"), std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));

  Cache second = open("second", options);
  EXPECT_THAT(get(second, must_not_run(), {}, "old"), IsError(Errc::internal));
  EXPECT_EQ(must(second.remove_expired(true, nullptr)).removed, 1U);
  EXPECT_TRUE(std::filesystem::exists(archive("old")));
  EXPECT_EQ(must(second.remove_expired(false, nullptr)).kept, 1U);
  EXPECT_FALSE(std::filesystem::exists(archive("old")));
  EXPECT_TRUE(std::filesystem::exists(archive("new")));
}

TEST_F(RemoteTierTest, WriteBackPushesInTheBackgroundOrFromTheNextProcess) {
  {
    Cache first = open("first", tier(TierMode::write_back));
    const Lease built = must(get(first, writes_tool("x")));
    must(first.flush(nullptr));
    EXPECT_TRUE(std::filesystem::exists(archive()));
  }
  std::filesystem::remove_all(bucket());
  {
    // The state after a process that ended before the upload.
    Ledger ledger = must(Ledger::open(folder_.root() / "first/ledger.db"));
    must(ledger.note_unsent({Kind::env, KeyView("key").owned()}));
  }
  Cache later = open("first", tier(TierMode::write_back));
  const auto end = Clock::now() + std::chrono::seconds(10);
  while (!std::filesystem::exists(archive()) && Clock::now() < end)
    std::this_thread::sleep_for(milliseconds(5));
  EXPECT_TRUE(std::filesystem::exists(archive()));
  must(later.flush(nullptr));
  EXPECT_TRUE(must(later.remove(Kind::env, "key"))) << "the upload has released it";
}

std::string uri_of_tier_at(const LoopbackListener& silent_server) {
  return fmt::format("http://127.0.0.1:{}/tier/", silent_server.port());
}

TEST_F(RemoteTierTest, OneTimeoutDisablesTheTier) {
  const LoopbackListener silent_server;
  {
    Cache cache = open("first", tier_at(uri_of_tier_at(silent_server), TierMode::write_through));
    const auto begin = Clock::now();
    must(get(cache, writes_tool("x"), {}, "one"));
    EXPECT_GE(Clock::now() - begin, milliseconds(300));
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(20));
  }
  // Now it is disabled for all processes of this cache: this timeout isn't reached.
  RemoteTierOptions patient = tier_at(uri_of_tier_at(silent_server), TierMode::write_through);
  patient.timeout = std::chrono::minutes(10);
  Cache cache = open("first", std::move(patient));
  must(get(cache, writes_tool("x"), {}, "two"));
}

TEST_F(RemoteTierTest, OperationsCanBeCancelled) {
  const LoopbackListener silent_server;
  RemoteTierOptions patient = tier_at(uri_of_tier_at(silent_server), TierMode::read);
  patient.timeout = std::chrono::minutes(10);
  Cache cache = open("first", std::move(patient));
  const Cancellation cancellation = must(Cancellation::create());
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(50));
    cancellation.request();
  });
  EXPECT_THAT(
      cache.get_or_build(Kind::env, "key", must_not_run(),
                         {.wait = {.cancellation = &cancellation}, .use_remote_tier = true}),
      IsError(Errc::cancelled));
}

// Replaces the entry's path in files, as the filter of environments does.
class OwnPathFilter final : public ArchiveFilter {
 public:
  explicit OwnPathFilter(const Path& entry) : entry_(entry) {}
  Result<std::optional<std::string>> replace_content(const TreeItem&, const Path& file) override {
    RTENV_TRY(std::string text, read_file(file));
    const auto at = text.find(entry_.native());
    if (at == std::string::npos) return std::optional<std::string>();
    return std::optional(text.replace(at, entry_.native().size(), "@"));
  }
  Result<std::optional<std::string>> replace_link(const TreeItem& item) override {
    return item.content.starts_with('/') ? std::nullopt : std::optional(item.content);
  }
  Result<nlohmann::json> properties() override { return nlohmann::json{{"made_for", "tests"}}; }

 private:
  Path entry_;
};

TEST_F(RemoteTierTest, ArchiveBytesDoNotDependOnTheEntrysPath) {
  const auto options = [&] {
    RemoteTierOptions result = tier(TierMode::write_through);
    result.filters[Kind::env] = [](const Path& entry) -> Result<std::unique_ptr<ArchiveFilter>> {
      return std::make_unique<OwnPathFilter>(entry);
    };
    return result;
  };
  const Builder writes_its_path = [](const BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target));
    std::ofstream(context.target / "script") << "#!" << context.target.native() << "/bin/python\n";
    std::filesystem::create_symlink("/usr/bin/python3", context.target / "python");
    return {};
  };
  Cache first = open("first", options());
  must(get(first, writes_its_path));
  const std::string bytes = must(read_file(archive()));
  std::filesystem::remove(archive());
  Cache second = open("another/place", options());
  must(get(second, writes_its_path));
  EXPECT_EQ(must(read_file(archive())), bytes);

  Cache third = open("third", options());
  const Lease pulled = must(get(third, must_not_run(),
                                [](const Path& folder, const Path& final_path,
                                   const nlohmann::json& properties) -> Result<void> {
                                  EXPECT_EQ(properties.at("made_for"), "tests");
                                  EXPECT_FALSE(std::filesystem::exists(folder / "python"));
                                  std::ofstream(folder / "script") << final_path.native();
                                  return {};
                                }));
  EXPECT_EQ(must(read_file(pulled.path() / "script")), pulled.path().native());
  EXPECT_EQ(must(third.verify(1)).checked, 1U) << "the digest is that of the relocated entry";
}

}  // namespace
}  // namespace rtenv::cache
