#include "envbuild/netrc_credentials.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::envbuild {
namespace {

Result<std::string> take_noted(NetrcCredentials& credentials, std::string_view text) {
  credentials.note_hosts(text);
  return credentials.take(text);
}

std::string taken_by(NetrcCredentials& credentials, std::string_view text) {
  return must(take_noted(credentials, text));
}

Environment with_home(const Path& folder) {
  Environment environment;
  environment.set("HOME", folder.native());
  return environment;
}

TEST(NetrcCredentials, AreTakenOutOfURLs) {
  TreeBuilder folder;
  folder.file("home/.netrc", "machine own login me password mine");
  Environment environment = with_home(folder / "home");
  NetrcCredentials credentials(environment);
  EXPECT_EQ(taken_by(credentials,
                     "--index-url https://us%65r:p%40w@h:8443/simple\n"
                     "--extra-index-url=https://user:p%40w@h:8443/other\n"
                     "a @ https://u:p%23'@elsewhere/a.whl#sha256=0\nb @ https://none/b.whl\n"),
            "--index-url https://h:8443/simple\n--extra-index-url=https://h:8443/other\n"
            "a @ https://elsewhere/a.whl#sha256=0\nb @ https://none/b.whl\n");
  must(credentials.provide(folder.root(), environment));
  const Path file = std::string(*environment.find("NETRC"));
  EXPECT_EQ(content_of(file),
            "machine own login me password mine\n"
            "machine elsewhere login u password p#'\nmachine h login user password p@w\n");
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

// pip shows them to nobody.
TEST(NetrcCredentials, StayInARequirementIfANetrcFileCannotHaveThem) {
  NetrcCredentials credentials{Environment()};
  EXPECT_EQ(
      taken_by(credentials, "a @ https://one:1@h/a\nb @ https://two:2@h/b\nc @ https://one:1@h/c"),
      "a @ https://h/a\nb @ https://two:2@h/b\nc @ https://h/c");
  NetrcCredentials ports{Environment()};
  EXPECT_EQ(taken_by(ports, "https://one:1@h/ https://h:8443/ https://g:1/ http://u:p@g:1/"),
            "https://one:1@h/ https://h:8443/ https://g:1/ http://u:p@g:1/")
      << "pip would send the login to each of them";
  NetrcCredentials same{Environment()};
  EXPECT_EQ(taken_by(same, "https://u:p@h/ HTTP://u:p@h:8443/"), "https://h/ HTTP://h:8443/")
      << "each of them gets it anyway";
  for (const char* text :
       {"git+https://u:p@h/", "ssh://u:p@h/", "https://token@h/", "https://u:a%20b@h/",
        "https://u:%22@h/", "https://u:%5C@h/", "https://u:@h/", "https://h/?sig=1", "://"}) {
    NetrcCredentials none{Environment()};
    EXPECT_EQ(taken_by(none, text), text);
  }
}

TEST(NetrcCredentials, AreRefusedInAnOptionIfANetrcFileCannotHaveThem) {
  for (const char* text :
       {"-i https://one:1@h/\n--extra-index-url https://two:2@h/",
        "-f https://one:secret@h:1/ https://h:2/", "-i https://secret@h/", "-i HTTPS://:secret@h/",
        "-i https://u:a%20secret@h/", "-i https://u:%22secret@h/", "-i https://u:secret%5C@h/",
        "-f https://h/index.html?sig=secret&a=b"}) {
    NetrcCredentials list{Environment()};
    const auto taken = take_noted(list, text);
    ASSERT_THAT(taken, IsError(Errc::invalid_argument, "in a command line")) << text;
    EXPECT_EQ(taken.error().message().find("secret@"), std::string::npos) << text;
    NetrcCredentials credentials{Environment()};
    Environment environment;
    environment.set("PIP_INDEX_URL", std::string(text).substr(3));
    credentials.note_hosts(text);
    if (text[1] != '-') continue;
    EXPECT_THAT(credentials.take_from(environment), IsError(Errc::invalid_argument, "for h "))
        << text;
  }
}

TEST(NetrcCredentials, AProjectsRequirementsAreShown) {
  TreeBuilder folder;
  NetrcCredentials credentials{Environment()};
  const std::string pages = "Repository = \"https://me@h/a/b\"\nImage = \"https://h/x?sig=1\"\n";
  folder.file("pyproject.toml", pages + "requires = [\"a @ https://u:p@h/a.whl\"]\n");
  credentials.note_hosts(content_of(folder / "pyproject.toml"));
  must(credentials.take_from_project(folder / "pyproject.toml"));
  EXPECT_EQ(content_of(folder / "pyproject.toml"),
            pages + "requires = [\"a @ https://h/a.whl\"]\n");
  folder.file("pyproject.toml", "requires = [\"a @ https://u:secret%20x@h/a.whl\"]\n");
  EXPECT_THAT(credentials.take_from_project(folder / "pyproject.toml"),
              IsError(Errc::invalid_argument, "in a command line"));
}

TEST(NetrcCredentials, ANameWhoseLoginIsInTheUsersNetrcFileIsNoSecret) {
  TreeBuilder folder;
  folder.file(".netrc", "machine own\n login me\n password mine");
  const Environment environment = with_home(folder.root());
  NetrcCredentials credentials(environment);
  EXPECT_EQ(taken_by(credentials, "-i https://me@own/"), "-i https://me@own/");
  NetrcCredentials other(environment);
  EXPECT_THAT(take_noted(other, "-i https://me@other/"),
              IsError(Errc::invalid_argument, "without a password"));
}

TEST(NetrcCredentials, AreTakenOutOfVariables) {
  const TreeBuilder folder;
  Environment environment;
  NetrcCredentials credentials(environment);
  must(credentials.take_from(environment));
  must(credentials.provide(folder.root(), environment));
  EXPECT_TRUE(environment.values().empty()) << "nothing is set if there are none";
  environment.set("PIP_extra_index_url", "http://a:b@h/ http://c:d@g/");
  environment.set("PIP_PROXY", "user:secret@proxy:3128");
  credentials.note_hosts(environment);
  must(credentials.take_from(environment));
  EXPECT_EQ(environment.find("PIP_extra_index_url"), "http://h/ http://g/");
  EXPECT_EQ(environment.find("PIP_PROXY"), std::nullopt);
  EXPECT_EQ(environment.find("https_proxy"), "http://user:secret@proxy:3128");
}

}  // namespace
}  // namespace rtenv::envbuild
