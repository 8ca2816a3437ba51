#include "server/state_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <thread>

#include "base/temp_dir.hpp"
#include "base/unique_name.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

class StateFolderTest : public testing::Test {
 protected:
  TempDir place_ = must(TempDir::create());
  Path folder_ = place_.path() / "state";
};

TEST_F(StateFolderTest, IsItsOwnersAlone) {
  must(open_state_folder(folder_));
  for (const Path& path : {folder_, folder_ / "jobs"}) {
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0700U) << path;
  }
}

TEST_F(StateFolderTest, HasOneServerAtATime) {
  const auto state = must(open_state_folder(folder_));
  EXPECT_THAT(open_state_folder(folder_), IsError(Errc::unavailable));
}

TEST_F(StateFolderTest, WaitsForALockThatAKilledServersChildStillHolds) {
  std::optional state = must(open_state_folder(folder_));
  std::jthread child([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    state.reset();
  });
  EXPECT_THAT(open_state_folder(folder_), IsOk());
}

TEST_F(StateFolderTest, KeepsItsNodeId) {
  const std::string id = must(open_state_folder(folder_)).node_id;
  EXPECT_EQ(id.size(), 56U);
  EXPECT_EQ(must(open_state_folder(folder_)).node_id, id);
}

TEST_F(StateFolderTest, AFolderWithOtherFilesIsRefusedAndStaysAsItIs) {
  std::filesystem::create_directory(folder_);
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  std::ofstream(folder_ / "letter.txt") << "mine";
  EXPECT_THAT(open_state_folder(folder_), IsError(Errc::invalid_argument, "other files"));
  struct stat status {};
  ASSERT_EQ(::stat(folder_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0755U);
}

TEST_F(StateFolderTest, AFolderNamedAsOneOfAServersIsNoProof) {
  std::filesystem::create_directories(folder_ / "jobs/thesis");
  std::ofstream(folder_ / "lock") << "";
  EXPECT_THAT(open_state_folder(folder_), IsError(Errc::invalid_argument, "other files"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "jobs/thesis"));
  std::filesystem::remove(folder_ / "jobs/thesis");
  EXPECT_THAT(open_state_folder(folder_), IsOk()) << "of a server that was killed at its start";
}

TEST_F(StateFolderTest, ItIsKnownWithoutItsNodeId) {
  must(open_state_folder(folder_));
  std::filesystem::create_directory(folder_ / "jobs" / unique_name());
  std::ofstream(folder_ / "audit.log") << "x";
  for (const bool is_damaged : {true, false}) {
    std::filesystem::remove(folder_ / "node-id");
    if (is_damaged) std::ofstream(folder_ / "node-id") << "";
    EXPECT_THAT(open_state_folder(folder_), IsOk());
  }
}

TEST_F(StateFolderTest, APipeInPlaceOfAFileIsRefused) {
  std::filesystem::create_directory(folder_);
  ASSERT_EQ(::mkfifo((folder_ / "supervisors.log").c_str(), 0600), 0);
  EXPECT_THAT(open_state_folder(folder_), IsError(Errc::invalid_argument, "isn't a file"));
}

TEST_F(StateFolderTest, ALinkInItIsRefused) {
  std::filesystem::create_directories(folder_);
  std::filesystem::create_directories(place_.path() / "elsewhere");
  for (const char* name : {"jobs", "jobs.db", "lock", "node-id", "audit.log"}) {
    std::filesystem::create_symlink(place_.path() / "elsewhere", folder_ / name);
    EXPECT_THAT(open_state_folder(folder_), IsError(Errc::permission_denied)) << name;
    std::filesystem::remove(folder_ / name);
  }
  EXPECT_TRUE(std::filesystem::is_empty(place_.path() / "elsewhere"));
}

TEST_F(StateFolderTest, AFolderOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder to another user";
  std::filesystem::create_directories(folder_ / "jobs");
  ASSERT_EQ(::chown((folder_ / "jobs").c_str(), 65534, 65534), 0);
  EXPECT_THAT(open_state_folder(folder_), IsError(Errc::permission_denied));
  ASSERT_EQ(::chown((folder_ / "jobs").c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(folder_.c_str(), 65534, 65534), 0);
  EXPECT_THAT(open_state_folder(folder_), IsError(Errc::permission_denied));
}

TEST_F(StateFolderTest, ListsTheFoldersOfJobs) {
  must(open_state_folder(folder_));
  std::filesystem::create_directories(folder_ / "jobs" / "a");
  EXPECT_EQ(must(job_folders(folder_)), std::unordered_set<std::string>{"a"});
}

}  // namespace
}  // namespace rtenv::server
