#include "envbuild/shebang.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace rtenv::envbuild {
namespace {

std::string plain(std::string text) {
  use_plain_shebang(text);
  return text;
}
std::string usable(std::string text) {
  use_shell_shebang_if_needed(text);
  return text;
}

TEST(Shebang, KeepsALineThatTheKernelAccepts) {
  for (const char* text : {"#!/env/bin/python\nimport x\n", "#!/env/bin/python3 -I\n",
                           "#!/bin/sh\necho\n", "import x\n", "", "#!/env/bin/python"})
    EXPECT_EQ(usable(text), text);
}

TEST(Shebang, UsesTheShellForAPathWithASpace) {
  EXPECT_EQ(usable("#!/my env/bin/python\nimport x\n"),
            "#!/bin/sh\n'''exec' \"/my env/bin/python\" \"$0\" \"$@\"\n' '''\nimport x\n");
}

TEST(Shebang, UsesTheShellForALongPath) {
  const auto script = [](std::size_t first_line_bytes) {
    const std::string folder(first_line_bytes - std::string("#!//bin/python").size(), 'x');
    return fmt::format("#!/{}/bin/python\n", folder);
  };
  EXPECT_EQ(usable(script(127)), script(127));
  EXPECT_TRUE(usable(script(128)).starts_with("#!/bin/sh\n'''exec' \"/xxx"));
}

TEST(Shebang, ConversionsAreInverse) {
  for (const char* text : {"#!/my env/bin/python\nimport x\n", "#!/my env/bin/python3.11 -E\n"}) {
    EXPECT_NE(usable(text), text);
    EXPECT_EQ(plain(usable(text)), text);
  }
}

TEST(Shebang, AcceptsTheQuotingOfPipAndUv) {
  for (const char* quoted : {"\"/my env/bin/python\"", "'/my env/bin/python'"})
    EXPECT_EQ(plain(fmt::format("#!/bin/sh\n'''exec' {} \"$0\" \"$@\"\n' '''\n", quoted)),
              "#!/my env/bin/python\n");
  EXPECT_EQ(plain("#!/bin/sh\n'''exec' /env/bin/python \"$0\" \"$@\"\n' '''\n"),
            "#!/env/bin/python\n");
}

TEST(Shebang, KeepsOtherShellScripts) {
  for (const char* text : {"#!/bin/sh\nexec python\n", "#!/bin/sh\n'''exec' \"/x\n", "#!/bin/sh"})
    EXPECT_EQ(plain(text), text);
}

}  // namespace
}  // namespace rtenv::envbuild
