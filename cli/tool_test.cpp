#include "cli/tool.hpp"

#include <gtest/gtest.h>

#include "cache/cache.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::cli {
namespace {

TEST(Tool, EnforcesTheCacheLimitsAfterAnInterruptedCommand) {
  const TreeBuilder tree;
  const Cancellation cancellation = must(Cancellation::create());
  Tool tool{.environment = {}, .cancellation = &cancellation};
  tool.environment.set("RTENV_CACHE_DIR", (tree / "cache").native());
  tool.environment.set("RTENV_CACHE_MAX_SIZE", "1KiB");
  auto cache = must(tool.open_layer_cache());
  const auto builder = [](const cache::BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target));
    RTENV_TRY(AtomicFile file, AtomicFile::create(context.target / "file"));
    RTENV_TRY(file.write(std::string(10'000, 'x')));
    return file.commit();
  };
  {
    const auto lease = must(cache.get_or_build(cache::Kind::tree, "key", builder));
    tool.enforce_cache_limits();
    EXPECT_EQ(must(cache.entries()).size(), 1U) << "it is in use";
  }
  cancellation.request();
  tool.enforce_cache_limits();
  EXPECT_TRUE(must(cache.entries()).empty());
}

}  // namespace
}  // namespace rtenv::cli
