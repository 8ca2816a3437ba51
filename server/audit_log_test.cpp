#include "server/audit_log.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

TEST(AuditLog, SaysWhoDidWhatFromWhere) {
  const TempDir folder = must(TempDir::create());
  const Path file = folder.path() / "audit.log";
  {
    AuditLog log(file);
    log.add({.caller = {.name = "ci"}, .from = "10.0.0.1"}, "submit", "a\"b");
  }
  auto line = json_from_text(must(read_file(file)));
  EXPECT_GT(line.at("time").get<std::int64_t>(), 1'700'000'000'000);
  line.erase("time");
  EXPECT_EQ(line,
            nlohmann::json(
                {{"who", "ci"}, {"from", "10.0.0.1"}, {"action", "submit"}, {"what", "a\"b"}}));
}

TEST(AuditLog, KeepsTwoFilesOfLimitedSize) {
  const TempDir folder = must(TempDir::create());
  const Path file = folder.path() / "audit.log";
  {
    AuditLog log(file, 1000);
    for (int i = 0; i < 100; ++i) log.add({}, "stop", std::to_string(i));
  }
  const std::string newest = must(read_file(file));
  const std::string older = must(read_file(file.native() + ".1"));
  EXPECT_LE(newest.size(), 1000U);
  EXPECT_LE(older.size(), 1000U);
  EXPECT_THAT(newest, testing::HasSubstr("\"what\":\"99\""));
}

}  // namespace
}  // namespace rtenv::server
