#include "runtime_env/expand.hpp"

#include <gtest/gtest.h>

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

TEST(Expand, ReplacesEverySpellingOfTheWorkingDirectory) {
  for (const char* text :
       {"${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/x.whl", "$RAY_RUNTIME_ENV_CREATE_WORKING_DIR/x.whl",
        "$<RAY_RUNTIME_ENV_CREATE_WORKING_DIR>/x.whl"})
    EXPECT_EQ(expand(text, variables()), "/cache/tree/x.whl");
}

TEST(Expand, TheJobsVariablesOverrideTheNodes) {
  EXPECT_EQ(expand("-r $OWN ${SHADOWED} ${HOME}", variables()), "-r value job /home/ray");
}

TEST(Expand, LeavesUnknownNamesAndIncompleteReferencesAsWritten) {
  for (const char* text : {"$UNKNOWN", "${UNKNOWN}/x", "$", "$$", "${", "${}", "${OPEN", "$<HOME>",
                           "a$", "$-x", "$<RAY_RUNTIME_ENV_CREATE_WORKING_DIR"})
    EXPECT_EQ(expand(text, variables()), text);
  EXPECT_EQ(expand("$$OWN", variables()), "$value") << "as with Ray's regular expression";
}

TEST(Variables, EnvVarsCanReferToTheNodesVariablesAndTheWorkingDirectory) {
  const auto env_vars = variables().env_vars();
  EXPECT_EQ(env_vars.at("BIN"), "/cache/tree/bin:/home/ray");
  EXPECT_EQ(env_vars.at("EMPTY"), "$NOTHING_AT_ALL");
  EXPECT_FALSE(env_vars.contains("GONE"));
}

TEST(Expand, FirstUnexpandedReturnsTheFirstReference) {
  EXPECT_EQ(first_unexpanded("/a/${B}/c"), "${B}");
  EXPECT_EQ(first_unexpanded("$$ ${} a"), std::nullopt);
}

}  // namespace
}  // namespace rtenv::runtime_env
