#include "runtime_env/env_key.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "runtime_env/interpreter.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::runtime_env {
namespace {

class EnvKeyTest : public testing::Test {
 protected:
  EnvKeyTest() { environment_.set("HOME", "/one"); }

  [[nodiscard]] EnvKey key() const {
    const Variables variables(std::nullopt, {}, environment_);
    const FetchObject fetch;
    LocalInputs inputs;
    const ResolveContext context{variables, fetch, inputs};
    const auto phases = must(resolve_requirements(packages_, context));
    const auto settings = must(installer_settings(context, packages_.installer, {}));
    return make_env_key(packages_, phases, python_, settings, inherit_site_packages_);
  }
  // For one change of the inputs.
  template <class Change>
  std::string digits_after(Change change) {
    change();
    return key().digits;
  }

  PackageList packages_{.requirements = {"six"}};
  Interpreter python_{.executable = "/usr/bin/python3",
                      .site_packages = "/usr/lib/python3",
                      .implementation = "cpython",
                      .version = "3.11.2",
                      .abi = "a",
                      .platform = "p",
                      .libc = "l"};
  Environment environment_;
  bool inherit_site_packages_ = false;
};

TEST_F(EnvKeyTest, IsTheFirstHalfOfTheSha256OfItsParts) {
  const EnvKey made = key();
  EXPECT_EQ(made.digits, sha256_hex(made.parts).substr(0, 32));
}

// A changed digest would make every cached environment useless.
TEST_F(EnvKeyTest, PartsHaveAStableFormat) {
  EXPECT_EQ(key().parts,
            R"({"check":false,"constraints":[],"installer":"uv","interpreter":{"abi":"a",)"
            R"("implementation":"cpython","libc":"l","platform":"p","version":"3.11.2"},)"
            R"("key_version":4,"options":[],"requirements":["six"],"settings":{}})");
}

TEST_F(EnvKeyTest, IgnoresPathsAndUnrelatedVariables) {
  const std::string before = key().digits;
  EXPECT_EQ(digits_after([&] { python_.executable = "/opt/python3"; }), before);
  EXPECT_EQ(digits_after([&] { python_.site_packages = "/opt/lib"; }), before);
  EXPECT_EQ(digits_after([&] { environment_.set("HOME", "/two"); }), before);
  EXPECT_EQ(digits_after([&] { environment_.set("PIP_INDEX_URL", "https://index"); }), before)
      << "pip's setting, but uv installs";
}

TEST_F(EnvKeyTest, EveryInputThatChangesTheEnvironmentChangesTheKey) {
  std::string before = key().digits;
  const auto changes = [&](auto change) {
    const std::string after = digits_after(change);
    return std::exchange(before, after) != after;
  };
  EXPECT_TRUE(changes([&] { python_.version = "3.11.3"; }));
  EXPECT_TRUE(changes([&] { packages_.check = true; }));
  EXPECT_TRUE(changes([&] { packages_.version = "==0.13.8"; }));
  EXPECT_TRUE(changes([&] { packages_.requirements = {"six==1.14.0"}; }));
  EXPECT_TRUE(changes([&] { packages_.later_phases = {{"requests"}}; }));
  EXPECT_TRUE(changes([&] { environment_.set("UV_INDEX_URL", "https://index/simple"); }));
  EXPECT_TRUE(changes([&] { environment_.set("CMAKE_ARGS", "-DX=1"); }));
  EXPECT_TRUE(changes([&] { packages_.installer = InstallerKind::pip; }));
  EXPECT_TRUE(changes([&] { inherit_site_packages_ = true; }));
  EXPECT_TRUE(changes([&] { python_.site_packages = "/opt/lib"; })) << "inherited";
}

TEST_F(EnvKeyTest, OmitsCredentials) {
  const std::string url = "https://user:secret@index/simple";
  packages_.requirements.push_back("--extra-index-url " + url);
  environment_.set("UV_INDEX_URL", url);
  EXPECT_EQ(key().parts.find("secret"), std::string::npos);
  EXPECT_NE(key().parts.find("https://index/simple"), std::string::npos);
}

}  // namespace
}  // namespace rtenv::runtime_env
