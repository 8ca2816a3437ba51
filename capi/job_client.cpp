#include "rtenv/job_client.hpp"

#include "capi/call.hpp"

using namespace rtenv;
using capi::check_given;
using capi::run;

struct rtenv_job_client {
  JobClient client;
};

namespace {

// Runs a request about one job whose answer is a text.
template <class Work>
rtenv_status with_job(rtenv_job_client* client, const char* id, char** text, rtenv_error** error,
                      Work work) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"client", client}, {"id", id}}));
    RTENV_TRY(const std::string answer, work(client->client, id));
    capi::set_string(text, answer);
    return {};
  });
}

}  // namespace

rtenv_status rtenv_job_client_open(const char* address, const struct rtenv_options* options,
                                   rtenv_job_client** client, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"client", client}}));
    Options read;
    RTENV_TRY(capi::read_options(options, read));
    RTENV_TRY(JobClient opened, JobClient::open(capi::text_of(address), read));
    *client = new rtenv_job_client{std::move(opened)};
    return {};
  });
}

void rtenv_job_client_free(rtenv_job_client* client) { delete client; }

rtenv_status rtenv_job_client_upload(rtenv_job_client* client, const char* runtime_env, char** json,
                                     rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"client", client}, {"runtime_env", runtime_env}, {"json", json}}));
    RTENV_TRY(const std::string uploaded, client->client.upload(runtime_env));
    capi::set_string(json, uploaded);
    return {};
  });
}

rtenv_status rtenv_job_client_submit(rtenv_job_client* client, const char* json, char** id,
                                     rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"client", client}, {"json", json}}));
    RTENV_TRY(const std::string chosen, client->client.submit(json));
    capi::set_string(id, chosen);
    return {};
  });
}

rtenv_status rtenv_job_client_details(rtenv_job_client* client, const char* id, char** json,
                                      rtenv_error** error) {
  return with_job(client, id, json, error,
                  [](JobClient& to, const char* job) { return to.details(job); });
}

rtenv_status rtenv_job_client_list(rtenv_job_client* client,
                                   const struct rtenv_job_list_options* options, char** json,
                                   rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"client", client}, {"json", json}}));
    RTENV_TRY(const rtenv_job_list_options read, capi::read_struct(options, "options"));
    JobListOptions chosen{.status = std::string(capi::text_of(read.status)), .offset = read.offset};
    if (read.limit != 0) chosen.limit = read.limit;
    RTENV_TRY(const std::string jobs, client->client.list(chosen));
    capi::set_string(json, jobs);
    return {};
  });
}

rtenv_status rtenv_job_client_logs(rtenv_job_client* client, const char* id, char** text,
                                   rtenv_error** error) {
  return with_job(client, id, text, error,
                  [](JobClient& to, const char* job) { return to.logs(job); });
}

rtenv_status rtenv_job_client_follow(rtenv_job_client* client, const char* id, rtenv_text_fn output,
                                     void* user, char** json, rtenv_error** error) {
  return with_job(client, id, json, error,
                  [&](JobClient& to, const char* job) -> Result<std::string> {
                    RTENV_TRY(check_given({{"output", reinterpret_cast<const void*>(output)}}));
                    return to.follow(job, [&](std::string_view text) -> Result<void> {
                      output(text.data(), text.size(), user);
                      return {};
                    });
                  });
}

rtenv_status rtenv_job_client_stop(rtenv_job_client* client, const char* id, int32_t now,
                                   int32_t* was_running, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"client", client}, {"id", id}}));
    RTENV_TRY(const bool stopped, client->client.stop(id, now != 0));
    if (was_running != nullptr) *was_running = stopped ? 1 : 0;
    return {};
  });
}

rtenv_status rtenv_job_client_remove(rtenv_job_client* client, const char* id,
                                     rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"client", client}, {"id", id}}));
    return client->client.remove(id);
  });
}
