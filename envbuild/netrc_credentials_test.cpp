#include "envbuild/netrc_credentials.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::envbuild {
namespace {

std::string taken_by(NetrcCredentials& credentials, std::string_view text) {
  credentials.note_hosts(text);
  return credentials.take(text);
}

TEST(NetrcCredentials, AreTakenOutOfURLs) {
  NetrcCredentials credentials;
  EXPECT_EQ(taken_by(credentials,
                     "--index-url https://us%65r:p%40w@h:8443/simple\n"
                     "--extra-index-url=https://user:p%40w@h:8443/other\n"
                     "a @ https://u:p%23'@elsewhere/a.whl#sha256=0\nb @ https://none/b.whl\n"),
            "--index-url https://h:8443/simple\n--extra-index-url=https://h:8443/other\n"
            "a @ https://elsewhere/a.whl#sha256=0\nb @ https://none/b.whl\n");
  TreeBuilder folder;
  folder.file("home/.netrc", "machine own login me password mine");
  Environment environment;
  environment.set("HOME", (folder / "home").native());
  must(credentials.provide(folder.root(), environment));
  const Path file = std::string(*environment.find("NETRC"));
  EXPECT_EQ(content_of(file),
            "machine own login me password mine\n"
            "machine elsewhere login u password p#'\nmachine h login user password p@w\n");
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(NetrcCredentials, StayWhereANetrcFileCannotHaveThem) {
  NetrcCredentials credentials;
  EXPECT_EQ(taken_by(credentials, "https://one:1@h/ https://two:2@h/ https://one:1@h/x"),
            "https://h/ https://two:2@h/ https://h/x");
  NetrcCredentials ports;
  EXPECT_EQ(taken_by(ports, "https://one:1@h/ https://h:8443/ https://g:1/ http://u:p@g:1/"),
            "https://one:1@h/ https://h:8443/ https://g:1/ http://u:p@g:1/")
      << "pip would send the login to each of them";
  for (const char* text :
       {"git+https://u:p@h/", "ssh://u:p@h/", "https://token@h/", "https://u:a%20b@h/",
        "https://u:%22@h/", "https://u:%5C@h/", "https://u:@h/", "://"}) {
    NetrcCredentials none;
    EXPECT_EQ(taken_by(none, text), text);
  }
}

TEST(NetrcCredentials, AreTakenOutOfVariables) {
  const TreeBuilder folder;
  NetrcCredentials credentials;
  Environment environment;
  credentials.take_from(environment);
  must(credentials.provide(folder.root(), environment));
  EXPECT_TRUE(environment.values().empty()) << "nothing is set if there are none";
  environment.set("PIP_EXTRA_INDEX_URL", "http://a:b@h/ http://c:d@g/");
  environment.set("PIP_PROXY", "user:secret@proxy:3128");
  credentials.note_hosts(environment);
  credentials.take_from(environment);
  EXPECT_EQ(environment.find("PIP_EXTRA_INDEX_URL"), "http://h/ http://g/");
  EXPECT_EQ(environment.find("PIP_PROXY"), std::nullopt);
  EXPECT_EQ(environment.find("https_proxy"), "http://user:secret@proxy:3128");
}

}  // namespace
}  // namespace rtenv::envbuild
