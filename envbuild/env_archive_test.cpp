#include "envbuild/env_archive.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "envbuild/env_description.hpp"
#include "runtime_env/env_key.hpp"
#include "runtime_env/interpreter.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

class EnvArchiveTest : public testing::Test {
 protected:
  EnvArchiveTest() {
    tree_
        .file("env/pyvenv.cfg",
              "home = /usr/bin\ncommand = /usr/bin/python3 -m venv x\nversion = 3\n")
        .file("env/bin/tool", "#!" + env().native() + "/bin/python\n", 0755)
        .file("env/lib/module.py", "import x\n")
        .link("env/bin/python", "/usr/bin/python3")
        .link("env/bin/inside", (env() / "bin/tool").native());
    const json parts{{"interpreter", python_.key_part()}};
    digits_ = runtime_env::env_key_digits(parts.dump());
    must(write_env_description({.digits = digits_, .parts = parts.dump()}, env()));
    filter_ = must(make_env_filter(env()));
  }

  [[nodiscard]] Path env() const { return tree_ / "env"; }
  std::optional<std::string> archived(const std::string& path) {
    return must(filter_->replace_content(
        {.path = path, .size_bytes = std::filesystem::file_size(env() / path)}, env() / path));
  }
  std::optional<std::string> archived_link(const std::string& path) {
    return must(filter_->replace_link(
        {.path = path, .content = std::filesystem::read_symlink(env() / path).native()}));
  }

  runtime_env::Interpreter python_{.base_executable = "/opt/python/bin/python3",
                                   .implementation = "cpython",
                                   .version = "3.11.2"};
  std::string digits_;  // of the environment's key
  TreeBuilder tree_;
  std::unique_ptr<cache::ArchiveFilter> filter_;
};

TEST_F(EnvArchiveTest, ReplacesPathsWithPlaceholders) {
  EXPECT_EQ(archived("bin/tool"), "#!/@RTENV_ENV@/bin/python\n");
  EXPECT_EQ(archived("pyvenv.cfg"), "home = @RTENV_PYTHON_HOME@\nversion = 3\n");
  EXPECT_EQ(archived("lib/module.py"), std::nullopt);
}

TEST_F(EnvArchiveTest, MakesInternalLinksRelativeAndOmitsLinksToTheInterpreter) {
  EXPECT_EQ(archived_link("bin/inside"), "tool");
  EXPECT_EQ(archived_link("bin/python"), std::nullopt);
}

TEST_F(EnvArchiveTest, RelocationReplacesPlaceholdersWithLocalPaths) {
  tree_.file("new/bin/tool", *archived("bin/tool"), 0755)
      .file("new/pyvenv.cfg", *archived("pyvenv.cfg"))
      .file("new/rtenv-env.json", content_of(env() / "rtenv-env.json"));
  archived_link("bin/python");
  const json properties = must(filter_->properties());
  must(relocate_env_to(python_)(tree_ / "new", "/final/" + digits_, properties));
  EXPECT_EQ(content_of(tree_ / "new/bin/tool"), "#!/final/" + digits_ + "/bin/python\n");
  EXPECT_EQ(content_of(tree_ / "new/pyvenv.cfg"), "home = /opt/python/bin\nversion = 3\n");
  EXPECT_EQ(std::filesystem::read_symlink(tree_ / "new/bin/python"), python_.base_executable);
}

TEST_F(EnvArchiveTest, RefusesAnotherInterpreter) {
  const json properties = must(filter_->properties());
  python_.version = "3.12.0";
  EXPECT_THAT(relocate_env_to(python_)(tree_ / "env", "/final/" + digits_, properties),
              IsError(Errc::invalid_argument, "was built for cpython 3.11.2"));
}

TEST_F(EnvArchiveTest, RefusesTheKeyOfAnotherEnvironment) {
  const json properties = must(filter_->properties());
  EXPECT_THAT(relocate_env_to(python_)(env(), "/final/" + std::string(32, '0'), properties),
              IsError(Errc::corrupt, "the archive's key is 000"));
  tree_.file("env/rtenv-env.json", "{}");
  EXPECT_THAT(relocate_env_to(python_)(env(), "/final/" + digits_, properties),
              IsError(Errc::corrupt, "isn't the description"));
}

TEST_F(EnvArchiveTest, RefusesADamagedManifest) {
  json properties = must(filter_->properties());
  properties["relocated"] = json::array({"../outside"});
  EXPECT_THAT(relocate_env_to(python_)(tree_ / "env", "/final/" + digits_, properties),
              IsError(Errc::corrupt, "'../outside', which isn't in the environment"));
  EXPECT_THAT(relocate_env_to(python_)(tree_ / "env", "/final/" + digits_, json::object()),
              IsError(Errc::corrupt, "manifest is damaged"));
}

TEST_F(EnvArchiveTest, RefusesAnEnvironmentWithoutADescription) {
  tree_.file("other/pyvenv.cfg", "").file("broken/rtenv-env.json", "{}");
  EXPECT_THAT(make_env_filter(tree_ / "other"), IsError(Errc::not_found));
  EXPECT_THAT(make_env_filter(tree_ / "broken"), IsError(Errc::corrupt, "rtenv-env.json"));
}

}  // namespace
}  // namespace rtenv::envbuild
