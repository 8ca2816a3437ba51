#include "server/log_tail.hpp"

#include <fstream>

#include "server/log_json.hpp"
#include "server/manager_fixture.hpp"

namespace rtenv::server {
namespace {

// The log of a job that has ended, up to the end.
class LogTailTest : public ManagerFixture {
 protected:
  void write_log(std::string_view bytes) {
    std::filesystem::create_directories(jobs_->log_file(job_).parent_path());
    std::ofstream(jobs_->log_file(job_)) << bytes;
  }
  const JobKey job_{.number = 1, .id = "a", .run_id = "1f"};
  std::string read(LogTail::Form form, std::uint64_t offset = 0) {
    LogTail tail(*jobs_, job_, offset, form);
    std::string all;
    while (const auto message = run(tail.next())) {
      EXPECT_EQ(message->is_text, form == LogTail::Form::text);
      all += message->data;
    }
    return all;
  }
};

TEST_F(LogTailTest, EndsAtOnceIfThereIsNoLog) { EXPECT_EQ(read(LogTail::Form::text), ""); }

TEST_F(LogTailTest, SendsEverythingFromTheOffset) {
  const std::string large(200'000, 'x');
  write_log("first\n" + large);
  EXPECT_EQ(read(LogTail::Form::raw), "first\n" + large);
  EXPECT_EQ(read(LogTail::Form::text, 3), "st\n" + large);
  EXPECT_EQ(read(LogTail::Form::raw, 1'000'000), "");
}

TEST_F(LogTailTest, TextIsValidUtf8AndRawIsUnchanged) {
  write_log("a\xff ü \xe2\x82");
  EXPECT_EQ(read(LogTail::Form::text), "a\ufffd ü \ufffd");
  EXPECT_EQ(read(LogTail::Form::raw), "a\xff ü \xe2\x82");
}

TEST_F(LogTailTest, LogJsonSplitsOneObjectIntoPieces) {
  write_log("\"quoted\"\n\xff" + std::string(600'000, 'x'));
  auto reader = must(job::JobLogReader::open(jobs_->log_file(job_)));
  const auto size = must(reader.size_bytes());
  LogJson pieces(std::move(reader), 0, size);
  std::string all;
  int count = 0;
  for (std::string piece = must(pieces.next()); !piece.empty(); piece = must(pieces.next())) {
    all += piece;
    ++count;
  }
  EXPECT_EQ(all, "{\"logs\": \"\\\"quoted\\\"\\n\ufffd" + std::string(600'000, 'x') + "\"}");
  EXPECT_GT(count, 2);
  EXPECT_EQ(must(pieces.next()), "");
}

TEST_F(LogTailTest, LogJsonIsEmptyWithoutALog) {
  LogJson pieces(std::nullopt, 5, 0);
  EXPECT_EQ(must(pieces.next()), R"({"logs": ""})");
  EXPECT_EQ(must(pieces.next()), "");
}

}  // namespace
}  // namespace rtenv::server
