#include "runtime_env/expand.hpp"

#include <gtest/gtest.h>

#include "runtime_env/redact.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::runtime_env {
namespace {

Variables variables() {
  Environment node;
  node.set("HOME", "/home/ray");
  node.set("SHADOWED", "node");
  return {Path("/cache/tree"),
          {{"OWN", "value"},
           {"SHADOWED", "job"},
           {"BIN", "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/bin:$HOME"},
           {"EMPTY", "$NOTHING_AT_ALL"},
           {"GONE", ""}},
          node};
}

TEST(Expand, AllSpellingsOfTheWorkingDirectory) {
  for (const char* text :
       {"${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/x.whl", "$RAY_RUNTIME_ENV_CREATE_WORKING_DIR/x.whl",
        "$<RAY_RUNTIME_ENV_CREATE_WORKING_DIR>/x.whl"})
    EXPECT_EQ(expand(text, variables()), "/cache/tree/x.whl");
}

TEST(Expand, TheJobsVariablesStandBeforeTheNodes) {
  EXPECT_EQ(expand("-r $OWN ${SHADOWED} ${HOME}", variables()), "-r value job /home/ray");
}

TEST(Expand, WhatIsNotKnownOrNotWholeStaysAsWritten) {
  for (const char* text : {"$UNKNOWN", "${UNKNOWN}/x", "$", "$$", "${", "${}", "${OPEN", "$<HOME>",
                           "a$", "$-x", "$<RAY_RUNTIME_ENV_CREATE_WORKING_DIR"})
    EXPECT_EQ(expand(text, variables()), text);
  EXPECT_EQ(expand("$$OWN", variables()), "$value") << "as Ray's regular expression has it";
}

TEST(Variables, EnvVarsAreExpandedByTheNodeAndTheWorkingDirectoryOnce) {
  const auto env_vars = variables().env_vars();
  EXPECT_EQ(env_vars.at("BIN"), "/cache/tree/bin:/home/ray");
  EXPECT_EQ(env_vars.at("EMPTY"), "$NOTHING_AT_ALL");
  EXPECT_FALSE(env_vars.contains("GONE"));
}

TEST(Expand, FirstUnexpandedNamesWhatIsLeft) {
  EXPECT_EQ(first_unexpanded("/a/${B}/c"), "${B}");
  EXPECT_EQ(first_unexpanded("$$ ${} a"), std::nullopt);
}

TEST(Redact, TakesUserInfoOutOfEveryUrl) {
  EXPECT_EQ(without_credentials("-i https://user:pass@host/simple --extra-index-url http://t@h/"),
            "-i https://host/simple --extra-index-url http://h/");
  EXPECT_EQ(without_credentials("six @ https://host/x@1.whl"), "six @ https://host/x@1.whl");
}

}  // namespace
}  // namespace rtenv::runtime_env
