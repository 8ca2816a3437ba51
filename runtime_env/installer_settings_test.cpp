#include "runtime_env/installer_settings.hpp"

#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

class InstallerSettingsTest : public testing::Test {
 protected:
  InstallerSettingsTest() { node_.set("HOME", home_.root().native()); }

  [[nodiscard]] InstallerSettings settings(InstallerKind installer = InstallerKind::uv) const {
    const Variables variables(working_dir_, env_vars_, node_);
    const FetchObject fetch;
    LocalInputs inputs;
    return must(installer_settings({variables, fetch, inputs}, installer, names_));
  }
  [[nodiscard]] std::string key() const { return settings().key_part; }

  TreeBuilder home_;
  Environment node_;
  std::map<std::string, std::string> env_vars_;
  std::vector<std::string> names_;
  std::optional<Path> working_dir_;
};

TEST_F(InstallerSettingsTest, TheInstallerSeesNoVariableThatIsNeitherKnownNorNamed) {
  node_.set("PYTHONPATH", "/x");
  node_.set("UV_PYTHON", "3.9");
  node_.set("PIP_ROOT", "/x");
  node_.set("ANYTHING", "x");
  env_vars_ = {{"MODEL", "x"}, {"OWN_FLAG", "x"}};
  EXPECT_EQ(settings().environment.values().size(), 1U) << "HOME";
  EXPECT_EQ(key(), "{}");
  names_ = {"OWN_FLAG"};
  EXPECT_EQ(settings().environment.find("OWN_FLAG"), "x");
  EXPECT_EQ(key(), R"({"OWN_FLAG":"x"})");
}

TEST_F(InstallerSettingsTest, WhatDecidesAboutTheResultCounts) {
  for (const char* name : {"CFLAGS", "CMAKE_ARGS", "TORCH_CUDA_ARCH_LIST", "UV_REQUIRE_HASHES",
                           "UV_SOMETHING_NEW", "UV_EXCLUDE_NEWER"}) {
    env_vars_ = {{name, "one"}};
    const std::string one = key();
    env_vars_ = {{name, "two"}};
    EXPECT_NE(key(), one) << name;
    EXPECT_EQ(settings().environment.find(name), "two") << name;
  }
}

TEST_F(InstallerSettingsTest, SecretsAndWhatOnlyProgramsReadAreHidden) {
  for (const char* name : {"TF_VAR_password", "TF_TOKEN_host", "POETRY_HTTP_BASIC_X_PASSWORD",
                           "POETRY_PYPI_TOKEN_X", "VLLM_API_KEY", "CUDA_VISIBLE_DEVICES",
                           "TORCH_HOME", "NCCL_DEBUG", "OPENBLAS_NUM_THREADS", "BUILD_NUMBER"})
    env_vars_[name] = "x";
  EXPECT_EQ(key(), "{}");
  EXPECT_EQ(settings().environment.values().size(), 1U) << "HOME";
  env_vars_ = {{"UV_SOMETHING_TOKEN", "x"}};
  EXPECT_EQ(key(), "{}");
  EXPECT_EQ(settings().environment.find("UV_SOMETHING_TOKEN"), "x");
}

TEST_F(InstallerSettingsTest, WhichProgramsAndServersAJobBringsCounts) {
  for (const char* name : {"PATH", "LD_LIBRARY_PATH", "GIT_SSH_COMMAND", "SSL_CERT_FILE", "HOME"}) {
    env_vars_ = {{name, "/mine"}};
    EXPECT_NE(key(), "{}") << name;
  }
  env_vars_ = {{"HTTPS_PROXY", "http://user:one@host"}};
  const std::string proxy = key();
  env_vars_ = {{"HTTPS_PROXY", "http://user:two@host"}};
  EXPECT_EQ(key(), proxy) << "credentials don't count";
  for (const auto& [name, installer] :
       {std::pair{"PIP_PROXY", InstallerKind::pip}, std::pair{"PIP_CERT", InstallerKind::pip},
        std::pair{"PIP_TRUSTED_HOST", InstallerKind::pip},
        std::pair{"UV_INSECURE_HOST", InstallerKind::uv}}) {
    env_vars_ = {{name, "x"}};
    EXPECT_NE(settings(installer).key_part, "{}") << name;
  }
}

TEST_F(InstallerSettingsTest, ProgramsOfRtenvAndTrustedCachesAreNotAJobsChoice) {
  for (const auto& [name, installer] :
       {std::pair{"RTENV_UV", InstallerKind::uv}, std::pair{"UV_CACHE_DIR", InstallerKind::uv},
        std::pair{"PIP_CACHE_DIR", InstallerKind::pip}}) {
    env_vars_ = {{name, "/mine"}};
    EXPECT_EQ(settings(installer).key_part, "{}") << name;
    EXPECT_EQ(settings(installer).environment.find(name), std::nullopt) << name;
    node_.set(name, "/of-the-node");
    EXPECT_EQ(settings(installer).environment.find(name), "/of-the-node") << name;
  }
}

TEST_F(InstallerSettingsTest, WhatRunsOutsideOfASandboxGetsNoCopiesOfOneEnvironment) {
  Environment all;
  for (const auto& [name, value] :
       {std::pair{"UV_CONSTRAINT", "inputs/0/list.txt"}, std::pair{"UV_FIND_LINKS", "inputs/1/dir"},
        std::pair{"UV_INDEX_URL", "https://host/simple"}, std::pair{"UV_OVERRIDE", "inputs/2/x"}})
    all.set(name, value);
  const Environment outside = with_machine_variables(all, {});
  EXPECT_EQ(outside.values().size(), 1U);
  EXPECT_EQ(outside.find("UV_INDEX_URL"), "https://host/simple");
}

TEST_F(InstallerSettingsTest, CredentialsAndWhatTheMachineSaysDoNotCount) {
  env_vars_ = {{"UV_INDEX_OWN_PASSWORD", "x"}, {"NETRC", "/mine"}, {"SSH_AUTH_SOCK", "/mine"}};
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "PATH", "UV_HTTP_TIMEOUT",
                           "MAKEFLAGS", "LC_ALL"})
    node_.set(name, "x");
  env_vars_["SSL_CERT_FILE"] = "x";  // as it is anyway
  EXPECT_EQ(key(), "{}");
  for (const auto& [name, value] : env_vars_)
    EXPECT_EQ(settings().environment.find(name), value) << name;
}

TEST_F(InstallerSettingsTest, WhateverElseAJobSaysCountsOrIsIgnored) {
  for (const char* name : {"UV_HTTP_TIMEOUT", "UV_PREVIEW_FEATURES", "MAKEFLAGS", "SSH_ASKPASS",
                           "AWS_ENDPOINT_URL", "UV_KEYRING_PROVIDER"}) {
    env_vars_ = {{name, "x"}};
    EXPECT_NE(key(), "{}") << name;
  }
  for (const char* name : {"TZ", "LC_ALL", "TMPDIR", "UV_CREDENTIALS_DIR"}) {
    env_vars_ = {{name, "x"}};
    EXPECT_EQ(key(), "{}") << name;
    EXPECT_EQ(settings().environment.find(name), std::nullopt) << name;
  }
  env_vars_ = {{"PIP_target", "/mine"}, {"PIP_log", "/mine"}};
  EXPECT_TRUE(settings(InstallerKind::pip).environment.values().size() <= 1U) << "HOME";
}

TEST_F(InstallerSettingsTest, AFileWithABlankInItsPathCountsByContent) {
  home_.file("c d/uv.toml", "");
  env_vars_ = {{"UV_CONFIG_FILE", (home_ / "c d/uv.toml").native()}};
  const std::string empty = key();
  home_.file("c d/uv.toml", "resolution = 'lowest'");
  EXPECT_NE(key(), empty);
}

TEST_F(InstallerSettingsTest, VariablesOfTheOtherInstallerAreNotPassed) {
  node_.set("PIP_INDEX_URL", "https://a");
  node_.set("UV_INDEX_URL", "https://b");
  EXPECT_FALSE(settings().environment.find("PIP_INDEX_URL"));
  EXPECT_FALSE(settings(InstallerKind::pip).environment.find("UV_INDEX_URL"));
}

TEST_F(InstallerSettingsTest, FilesCountByContentNotByPath) {
  home_.file("a/list", "six<2").file("b/list", "six<2").file("c/list", "six<1");
  const auto with = [&](const std::string& value) {
    env_vars_ = {{"UV_CONSTRAINT", value}};
    return key();
  };
  const std::string one = with((home_ / "a/list").native());
  EXPECT_EQ(with((home_ / "b/list").native()), one);
  EXPECT_NE(with((home_ / "c/list").native()), one);
  EXPECT_NE(with((home_ / "a/list").native() + " " + (home_ / "c/list").native()), one);
}

TEST_F(InstallerSettingsTest, ListsCountWithTheFilesThatTheyNameAndAreReadOnce) {
  home_.file("c.txt", "-r more.txt\n").file("more.txt", "six<2\n").file("flat.txt", "six<2\n");
  const auto with = [&](const std::string& name) {
    env_vars_ = {{"UV_CONSTRAINT", (home_ / name).native()}};
    return key();
  };
  const std::string one = with("c.txt");
  EXPECT_EQ(with("flat.txt"), one);
  home_.file("more.txt", "six<3\n");
  EXPECT_NE(with("c.txt"), one);
  const InstallerSettings seen = settings();
  const auto value = seen.environment.find("UV_CONSTRAINT");
  EXPECT_EQ(with_copies(value.value_or(""), {"inputs/0/list.txt"}), "inputs/0/list.txt");
}

TEST_F(InstallerSettingsTest, AFolderOfPackagesCountsByContent) {
  home_.file("a/x.whl", "one").file("b/x.whl", "one").file("c/x.whl", "two");
  const auto with = [&](const std::string& name) {
    env_vars_ = {{"PIP_FIND_LINKS", (home_ / name).native() + " https://host/"}};
    return settings(InstallerKind::pip).key_part;
  };
  EXPECT_EQ(with("a"), with("b"));
  EXPECT_NE(with("a"), with("c"));
}

TEST_F(InstallerSettingsTest, OnlyAnIndexInTheWorkingDirectoryCountsByContent) {
  home_.file("job/index/x/index.html", "one").file("other/index/x/index.html", "one");
  const auto with = [&](const std::string& working_dir) {
    working_dir_ = home_ / working_dir;
    env_vars_ = {{"UV_INDEX", "own=file://${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/index"}};
    return key();
  };
  const std::string one = with("job");
  EXPECT_EQ(with("other"), one);
  home_.file("job/index/x/index.html", "two");
  EXPECT_NE(with("job"), one);
  working_dir_.reset();
  env_vars_ = {{"UV_INDEX", "file://" + (home_ / "job/index").native()}};
  EXPECT_NE(key().find("job/index"), std::string::npos) << "a mirror isn't read";
}

TEST_F(InstallerSettingsTest, ConfigurationFilesOfTheUserCountByContent) {
  const std::string none = key();
  home_.file(".config/uv/uv.toml", "exclude-newer = '2020-01-01'");
  const std::string one = key();
  EXPECT_NE(one, none);
  home_.file(".config/uv/uv.toml", "index-url = 'https://user:one@host/'");
  const std::string url = key();
  EXPECT_NE(url, one);
  home_.file(".config/uv/uv.toml", "index-url = 'https://user:two@host/'");
  EXPECT_EQ(key(), url) << "credentials don't count";
  home_.file("moved/uv/uv.toml", "index-url = 'https://user:two@host/'");
  node_.set("XDG_CONFIG_HOME", (home_ / "moved").native());
  EXPECT_EQ(key(), url);
  const std::string pip = settings(InstallerKind::pip).key_part;
  home_.file(".pip/pip.conf", "# nothing\n[global]\ncert = /etc/cert.pem\ntimeout: 5\n");
  EXPECT_EQ(settings(InstallerKind::pip).key_part, pip) << "how pip runs doesn't count";
  home_.file(".pip/pip.conf", "[global]\nextra-index-url =\n  https://host/\n");
  const std::string indexes = settings(InstallerKind::pip).key_part;
  EXPECT_NE(indexes, pip);
  home_.file(".pip/pip.conf", "[global]\nextra-index-url =\n  https://other/\n");
  EXPECT_NE(settings(InstallerKind::pip).key_part, indexes);
  node_.set("PIP_CONFIG_FILE", "/dev/null");
  EXPECT_EQ(settings(InstallerKind::pip).key_part.find("files"), std::string::npos);
}

}  // namespace
}  // namespace rtenv::runtime_env
