#include "server/submission.hpp"

#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

using nlohmann::json;

Result<Submission> parse(const char* text) { return parse_submission(json::parse(text)); }

TEST(SubmissionTest, ParsesEveryField) {
  const auto submission =
      must(parse(R"({"entrypoint": "echo hi", "submission_id": "mine", "job_id": "older",
    "runtime_env": {"env_vars": {"A": "1"}}, "metadata": {"k": "v"},
    "entrypoint_num_cpus": 1.5, "entrypoint_num_gpus": 0.5, "entrypoint_memory": 1024,
    "entrypoint_resources": {"tpu": 2}, "entrypoint_label_selector": {"zone": "a"}})"));
  EXPECT_EQ(submission.id, "mine");
  EXPECT_EQ(submission.demand.cpus, 1.5);
  EXPECT_EQ(submission.demand.gpus, 0.5);
  EXPECT_EQ(submission.demand.memory_bytes, 1024);
  EXPECT_EQ(submission.demand.custom.at("tpu"), 2);
  const Demand again = demand_from_json(to_json(submission.demand));
  EXPECT_EQ(to_json(again), to_json(submission.demand));
}

TEST(SubmissionTest, NullMeansAbsent) {
  const auto submission =
      must(parse(R"({"entrypoint": "x", "submission_id": null, "job_id": null, "runtime_env": null,
    "metadata": null, "entrypoint_num_cpus": null, "entrypoint_num_gpus": null,
    "entrypoint_memory": null, "entrypoint_resources": null,
    "entrypoint_label_selector": null})"));
  EXPECT_TRUE(submission.demand.empty());
  EXPECT_TRUE(submission.id.empty());
  EXPECT_FALSE(submission.has_setup());
}

TEST(SubmissionTest, OnlyANonemptyRuntimeEnvNeedsSetup) {
  EXPECT_FALSE(must(parse(R"({"entrypoint": "x", "runtime_env": {}})")).has_setup());
  EXPECT_TRUE(
      must(parse(R"({"entrypoint": "x", "runtime_env": {"env_vars": {"A": "1"}}})")).has_setup());
}

TEST(SubmissionTest, ZeroGpusDiffersFromNoGpuRequest) {
  EXPECT_TRUE(must(parse(R"({"entrypoint": "x", "entrypoint_num_gpus": 0})")).demand.names_gpus);
  EXPECT_FALSE(must(parse(R"({"entrypoint": "x"})")).demand.names_gpus);
}

struct BadBody {
  const char* body;
  const char* message;
};
void PrintTo(const BadBody& bad, std::ostream* out) { *out << bad.body; }
class BadSubmissionTest : public testing::TestWithParam<BadBody> {};
TEST_P(BadSubmissionTest, ErrorNamesTheField) {
  EXPECT_THAT(parse(GetParam().body), IsError(Errc::invalid_argument, GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    All, BadSubmissionTest,
    testing::Values(
        BadBody{"[]", "must be a JSON object, got an array"},
        BadBody{"{}", "entrypoint is missing"},
        BadBody{R"({"entrypoint": 1})", "entrypoint must be a string, got a number"},
        BadBody{R"({"entrypoint": " "})", "entrypoint is empty"},
        BadBody{R"({"entrypoint": "x", "submision_id": "a"})", "did you mean 'submission_id'"},
        BadBody{R"({"entrypoint": "x", "submission_id": "a/b"})", "submission_id must be"},
        BadBody{R"({"entrypoint": "x", "submission_id": "a", "job_id": 5})",
                "job_id must be a string, got a number"},
        BadBody{R"({"entrypoint": "x", "submission_id": 5})",
                "submission_id must be a string, got a number"},
        BadBody{R"({"entrypoint": "x", "metadata": {"a": 1}})",
                "metadata['a'] must be a string, got a number"},
        BadBody{R"({"entrypoint": "x", "entrypoint_num_cpus": -1})",
                "entrypoint_num_cpus must be from 0"},
        BadBody{R"({"entrypoint": "x", "entrypoint_num_cpus": "1"})",
                "entrypoint_num_cpus must be a number, got a string"},
        BadBody{R"({"entrypoint": "x", "entrypoint_num_gpus": 1.5})", "must be a whole number"},
        BadBody{R"({"entrypoint": "x", "entrypoint_memory": 0.5})", "whole number of bytes"},
        BadBody{R"({"entrypoint": "x", "entrypoint_resources": {"a": "1"}})",
                "entrypoint_resources['a'] must be a number"},
        BadBody{R"({"entrypoint": "x", "entrypoint_resources": {"CPU": 1}})",
                "use entrypoint_num_cpus"},
        BadBody{R"({"entrypoint": "x", "runtime_env": []})", "runtime_env must be an object"},
        BadBody{R"({"entrypoint": "x", "runtime_env": {"env_vars": {"A": 1}}})",
                "runtime_env['env_vars']['A'] must be a string"},
        BadBody{R"({"entrypoint": "x", "runtime_env": {"working_dir": "/etc"}})",
                "a path on the submitter's machine"},
        BadBody{R"({"entrypoint": "x", "runtime_env": {"pip": "/etc/passwd"}})",
                "names a file on the submitter's machine"},
        BadBody{R"({"entrypoint": "x", "runtime_env": {"pip": ["a"], "conda": ["b"]}})", "conda"},
        BadBody{R"({"entrypoint": "x", "runtime_env": {"working_dir": "s3://b/a.rar"}})",
                "isn't an archive"}));

}  // namespace
}  // namespace rtenv::server
