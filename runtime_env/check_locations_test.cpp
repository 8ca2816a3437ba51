#include <gtest/gtest.h>

#include "base/file.hpp"
#include "runtime_env/runtime_env.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

Result<void> check_working_dir(const std::string& text) {
  return check_locations({.working_dir = text});
}
Result<void> check_module(const std::string& text) {
  return check_locations({.py_modules = {"s3://bucket/first.zip", text}});
}

TEST(CheckLocations, LocalPathMustExist) {
  TreeBuilder tree;
  EXPECT_THAT(check_working_dir(tree.root().native()), IsOk());
  EXPECT_THAT(check_working_dir((tree / "none").native()),
              IsError(Errc::not_found, "working_dir: " + (tree / "none").native()));
  EXPECT_THAT(check_module((tree / "none").native()), IsError(Errc::not_found, "py_modules[1]: "));
}

TEST(CheckLocations, UriMustNameAnArchive) {
  EXPECT_THAT(check_working_dir("s3://bucket/a.tar.gz"), IsOk());
  EXPECT_THAT(check_working_dir("s3://bucket/a.txt"),
              IsError(Errc::invalid_argument, "isn't an archive: unknown extension"));
  EXPECT_THAT(check_working_dir("ftp://host/a.zip"), IsError(Errc::invalid_argument));
}

TEST(CheckLocations, ModuleCanBeAWheel) {
  EXPECT_THAT(check_module("s3://bucket/a-1-py3-none-any.whl"), IsOk());
  EXPECT_THAT(check_working_dir("s3://bucket/a-1-py3-none-any.whl"),
              IsError(Errc::invalid_argument));
}

TEST(CheckLocations, LocalUriMustNameADirectory) {
  EXPECT_THAT(check_working_dir("local:///data/job"), IsOk());
  EXPECT_THAT(check_working_dir("local:///data/job.zip"),
              IsError(Errc::invalid_argument, "local:// is for directories"));
}

}  // namespace
}  // namespace rtenv::runtime_env
