#include "envbuild/installed_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "cache/known_contents.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::envbuild {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* k_site_packages = "lib/python3.11/site-packages/";

template <class Hash = Sha256>
std::string row(const std::string& path, std::string_view content,
                const std::string& algorithm = "sha256") {
  return fmt::format("{},{}={},{}\n", path, algorithm,
                     base64_url(Hash::of(std::as_bytes(std::span(content)))), content.size());
}

// A folder in which the distribution "pkg" is installed.
class InstalledFiles : public testing::Test {
 public:
  InstalledFiles& file(const std::string& path, std::string_view content) {
    tree_.file(site_packages_ + path, content);
    return *this;
  }
  // Adds a file and its row of the RECORD.
  InstalledFiles& listed(const std::string& path, std::string_view content) {
    record_ += row(path, content);
    return file(path, content);
  }
  // "path: problem" of each unconfirmed file; "?" before those without a hash.
  std::vector<std::string> check() {
    file("pkg-1.0.dist-info/RECORD", record_ + "pkg-1.0.dist-info/RECORD,,\n");
    auto items = must(cache::list_tree(tree_.root(), "__pycache__"));
    const auto known = cache::KnownContents::open(tree_ / "none");
    must(cache::digest_files(tree_.root(), items, 1, nullptr, &known));
    std::vector<std::string> found;
    for (const UnconfirmedFile& unconfirmed :
         must(check_installed_files(tree_.root(), form_, items, virtualenv_))) {
      EXPECT_EQ(unconfirmed.distribution, "pkg");
      std::string path = unconfirmed.path;
      if (path.starts_with(site_packages_)) path.erase(0, site_packages_.size());
      found.push_back(fmt::format(
          "{}{}: {}", unconfirmed.reason == UnconfirmedFile::Reason::unhashed ? "?" : "", path,
          unconfirmed.problem));
    }
    return found;
  }

  TreeBuilder tree_;
  std::string site_packages_ = k_site_packages;
  InstallForm form_ = InstallForm::virtual_env;
  std::string record_;
  std::vector<cache::TreeItem> virtualenv_;
};

TEST_F(InstalledFiles, AreConfirmedByTheirRecord) {
  listed("pkg/__init__.py", "").listed("pkg/a, b.py", "x = 1\n");
  record_ = row("pkg/__init__.py", "") + "\"pkg/a, b.py\"" + row("", "x = 1\n");
  listed("pkg-1.0.dist-info/METADATA", "Name: pkg\n");
  tree_.file("bin/tool", "#!/bin/sh\n").file("bin/activate", "").file("pyvenv.cfg", "");
  record_ += row("../../../bin/tool", "#!/bin/sh\n");
  EXPECT_THAT(check(), IsEmpty());
  file("_virtualenv.pth", "import _virtualenv");
  virtualenv_ = must(cache::list_tree(tree_.root(), "__pycache__"));
  must(cache::digest_files(tree_.root(), virtualenv_, 1));
  EXPECT_THAT(check(), IsEmpty());
  file("_virtualenv.pth", "import another_one");
  EXPECT_THAT(check(), ElementsAre("?_virtualenv.pth: isn't listed in a RECORD"));
}

TEST_F(InstalledFiles, AreListed) {
  listed("pkg/__init__.py", "").file("pkg/data/added.so", "").file("pkg/_virtualenv.py", "");
  listed("other/__init__.py", "").file("other.pth", "import os\n");
  tree_.link(site_packages_ + "pkg/link", "/");
  EXPECT_THAT(check(), ElementsAre("?other.pth: isn't listed in a RECORD",
                                   "?pkg/_virtualenv.py: isn't listed in a RECORD",
                                   "?pkg/data/added.so: isn't listed in a RECORD",
                                   "?pkg/link: isn't listed in a RECORD"));
}

TEST_F(InstalledFiles, ThatAreUnlistedBelongToTheDistributionThatIsNear) {
  file("far-1.0.dist-info/RECORD", row("far/__init__.py", "") + "far-1.0.dist-info/RECORD,,\n");
  listed("pkg/__init__.py", "").file("far/__init__.py", "").file("far/new/added.py", "");
  file("added.pth", "");
  file("pkg-1.0.dist-info/RECORD", record_);
  auto items = must(cache::list_tree(tree_.root(), "__pycache__"));
  const auto known = cache::KnownContents::open(tree_ / "none");
  must(cache::digest_files(tree_.root(), items, 1, nullptr, &known));
  std::vector<std::string> found;
  for (const auto& unlisted : must(check_installed_files(tree_.root(), form_, items)))
    found.push_back(unlisted.path.substr(site_packages_.size()) + " of " + unlisted.distribution);
  EXPECT_THAT(found,
              ElementsAre("added.pth of far", "added.pth of pkg", "far/new/added.py of far"));
}

TEST_F(InstalledFiles, AreDamagedIfTheirContentDiffers) {
  listed("same_size.py", "x = 1\n").file("same_size.py", "x = 2\n");
  listed("longer.py", "x = 1\n").file("longer.py", "x = 1\ny = 2\n");
  listed("missing.py", "x = 1\n");
  must(remove_tree(tree_ / (site_packages_ + "missing.py")));
  record_ += row("pkg", "");
  tree_.directory(site_packages_ + "pkg");
  tree_.link(site_packages_ + "link.py", "same_size.py");
  record_ += row("link.py", "x = 1\n");
  EXPECT_THAT(check(),
              ElementsAre("link.py: is a symbolic link", "longer.py: has 12 bytes instead of 6",
                          "missing.py: is missing", "pkg: isn't a file",
                          "same_size.py: doesn't have the hash that is in the RECORD"));
}

TEST_F(InstalledFiles, AreDamagedIfTheirDistributionHasNoReadableRecord) {
  record_ = "\"";
  EXPECT_THAT(check(), ElementsAre("pkg-1.0.dist-info/RECORD: a quoted field has no end"));
  must(remove_tree(tree_ / (site_packages_ + "pkg-1.0.dist-info/RECORD")));
  tree_.directory(site_packages_ + "pkg-1.0.dist-info/RECORD");
  const auto items = must(cache::list_tree(tree_.root(), ""));
  const auto found = must(check_installed_files(tree_.root(), form_, items));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].problem, "is missing");
}

TEST_F(InstalledFiles, AreNotOutsideOfTheEnvironment) {
  record_ = "/etc/passwd,,\n../../../../outside,,\n../../../lib/../../inside,,\n";
  EXPECT_THAT(check(), ElementsAre("../../../../outside: is outside of the environment",
                                   "../../../lib/../../inside: is outside of the environment",
                                   "/etc/passwd: is outside of the environment"));
}

TEST_F(InstalledFiles, AreNotConfirmedWithoutAHash) {
  file("bare.py", "").file("weak.py", "").file("own.pyc", "");
  record_ = "bare.py,,\nown.pyc,,\n" + row<Md5>("weak.py", "", "md5");
  file("pkg-1.0.dist-info/METADATA", "");
  EXPECT_THAT(check(), ElementsAre("?bare.py: has no hash in the RECORD",
                                   "?own.pyc: has no hash in the RECORD",
                                   "?weak.py: has no hash in the RECORD",
                                   "?pkg-1.0.dist-info/METADATA: isn't listed in a RECORD"));
}

TEST_F(InstalledFiles, MayHaveNoHashIfTheyAreTheRecordOrItsSignature) {
  file("pkg-1.0.dist-info/RECORD.jws", "").file("pkg-1.0.dist-info/RECORD.p7s", "");
  EXPECT_THAT(check(), IsEmpty());
}

TEST_F(InstalledFiles, MayHaveStrongerHashes) {
  file("a.py", "a").file("b.py", "b").file("c.py", "c");
  record_ =
      row<Sha384>("a.py", "a", "sha384") + row<Sha512>("b.py", "b", "sha512") +
      row<Sha512>("c.py", "another", "sha512").substr(0, std::string("c.py,sha512=").size() + 86) +
      ",\n";
  EXPECT_THAT(check(), ElementsAre("c.py: doesn't have the hash that is in the RECORD"));
}

TEST_F(InstalledFiles, OfSeveralDistributionsAreThoseOfOneOfThem) {
  listed("shared/__init__.py", "one");
  file("other-1.0.dist-info/RECORD", row("shared/__init__.py", "two"));
  EXPECT_THAT(check(), IsEmpty());
  file("shared/__init__.py", "two");
  EXPECT_THAT(check(), IsEmpty());
}

TEST_F(InstalledFiles, MayContainOtherDistributions) {
  listed("pkg/_vendor/dep-1.0.dist-info/RECORD", "not_here.py,sha256=x,1\n");
  EXPECT_THAT(check(), IsEmpty());
}

TEST_F(InstalledFiles, ReachedThroughALinkOfAFolderAreConfirmed) {
  tree_.link("lib64", "lib");
  file("a.py", "a");
  record_ = row("../../../lib64/python3.11/site-packages/a.py", "a");
  EXPECT_THAT(check(), IsEmpty());
}

TEST_F(InstalledFiles, ThatAreCompiledCodeAreNeitherCheckedNorBroughtAlong) {
  file("__pycache__/brought.pyc", "x").file("__pycache__/compiled.pyc", "y");
  record_ = row("__pycache__/brought.pyc", "another") +
            "__pycache__/compiled.pyc,,\n__pycache__,,\npkg/a.cpython-311.pyc,,\n";
  EXPECT_THAT(check(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(tree_ / (site_packages_ + "__pycache__/brought.pyc")));
  EXPECT_TRUE(std::filesystem::exists(tree_ / (site_packages_ + "__pycache__/compiled.pyc")));
}

TEST_F(InstalledFiles, AreNeverRemovedBehindALink) {
  TreeBuilder elsewhere;
  elsewhere.file("mine", "x").file("folder/mine", "x");
  tree_.link(site_packages_ + "a/__pycache__", elsewhere.root().native());
  tree_.link(site_packages_ + "b", elsewhere.root().native());
  record_ += "a/__pycache__/mine,sha256=abc,1\n";
  record_ += "b/folder/__pycache__/../mine,sha256=abc,1\nb/__pycache__/x,sha256=abc,1\n";
  check();
  EXPECT_TRUE(std::filesystem::exists(elsewhere / "mine"));
  EXPECT_TRUE(std::filesystem::exists(elsewhere / "folder/mine"));
}

TEST_F(InstalledFiles, OfAFolderIncludeProgramsThatPipMoved) {
  form_ = InstallForm::folder;
  site_packages_ = "";
  listed("a.py", "a");
  tree_.file("bin/tool", "#!/bin/sh\n");
  record_ += row("../../bin/tool", "#!/bin/sh\n");
  EXPECT_THAT(check(), IsEmpty());
  tree_.file("bin/tool", "#!/bin/SH\n");
  EXPECT_THAT(check(), ElementsAre("bin/tool: doesn't have the hash that is in the RECORD"));
}

}  // namespace
}  // namespace rtenv::envbuild
