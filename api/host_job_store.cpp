#include "api/host_job_store.hpp"

#include <algorithm>

#include "api/call.hpp"
#include "cache/key.hpp"
#include "server/record_text.hpp"

namespace rtenv::api {
namespace {

using server::JobRecord;

StoredJob stored(const JobRecord& job) {
  return {.number = job.number,
          .id = job.id(),
          .run_id = job.run_id,
          .status = std::string(name(job.status)),
          .end_ms = job.end_ms,
          .record = server::record_text(job)};
}

// What the caller's function throws is an error of the server's, not of a client's request.
template <class Work>
auto named(std::string_view function, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return fail(Errc::unavailable, "{}", error_of_callers_exception(function).message());
  }
}

// The caller's store, whose exceptions are errors.
class ThrowingStore final : public rtenv::JobStore {
 public:
  explicit ThrowingStore(std::unique_ptr<rtenv::JobStore> store) : store_(std::move(store)) {}

  Result<std::int64_t> add(const StoredJob& job) override {
    return named("JobStore::add", [&] { return store_->add(job); });
  }
  Result<void> update(const StoredJob& job) override {
    return named("JobStore::update", [&] { return store_->update(job); });
  }
  Result<void> remove(std::int64_t number) override {
    return named("JobStore::remove", [&] { return store_->remove(number); });
  }
  Result<std::optional<StoredJob>> find(std::string_view id) override {
    return named("JobStore::find", [&] { return store_->find(id); });
  }
  Result<std::vector<StoredJob>> list(const Query& query) override {
    return named("JobStore::list", [&] { return store_->list(query); });
  }
  Result<std::vector<StoredJob>> ended_before(std::int64_t end_ms, std::int64_t limit) override {
    return named("JobStore::ended_before", [&] { return store_->ended_before(end_ms, limit); });
  }
  Result<std::int64_t> ended_count() override {
    return named("JobStore::ended_count", [&] { return store_->ended_count(); });
  }
  Result<void> transaction(const std::function<Result<void>()>& body) override {
    return named("JobStore::transaction",
                 [&] { return store_->transaction([&] { return without_exceptions(body); }); });
  }

 private:
  std::unique_ptr<rtenv::JobStore> store_;
};

// It is the name of a folder.
Result<void> check_run_id(const StoredJob& job) {
  if (cache::is_key(job.run_id)) return {};
  return fail(Errc::corrupt, "the store's job {} has a run_id that no server has made", job.id);
}

// The number is the store's: it isn't known when a job is added.
Result<JobRecord> record_of(const StoredJob& job) {
  RTENV_TRY(check_run_id(job));
  auto record = server::record_from_text(job.record);
  if (!record) return record;
  if (record->id() != job.id || record->run_id != job.run_id)
    return fail(Errc::corrupt, "the store's job {} has the record of another one", job.id);
  record->number = job.number;
  return record;
}

}  // namespace

server::OpenJobStore HostJobStore::factory(OpenJobStore open) {
  return [open = std::move(open)](const Path&) -> Result<std::unique_ptr<server::JobStore>> {
    RTENV_TRY(auto store, named("open_store", open));
    if (!store) return fail(Errc::invalid_argument, "open_store returned no store");
    return std::unique_ptr<server::JobStore>(
        std::make_unique<HostJobStore>(std::make_unique<ThrowingStore>(std::move(store))));
  };
}

Result<void> HostJobStore::add(JobRecord& job) {
  RTENV_TRY(const std::int64_t number, store_->add(stored(job)));
  if (number <= last_number_)
    return fail(Errc::corrupt, "the job store gave a job the number {}: it isn't above {}", number,
                last_number_);
  last_number_ = job.number = number;
  return {};
}

Result<void> HostJobStore::transaction(const std::function<Result<void>()>& body) {
  bool was_called = false;
  RTENV_TRY(store_->transaction([&] {
    was_called = true;
    return body();
  }));
  if (was_called) return {};
  return fail(Errc::internal, "the job store's transaction wrote nothing");
}

Result<void> HostJobStore::update(const JobRecord& job) { return store_->update(stored(job)); }

Result<std::optional<JobRecord>> HostJobStore::find(const std::string& id) {
  RTENV_TRY(const auto found, store_->find(id));
  if (!found) return std::optional<JobRecord>();
  return record_of(*found);
}

Result<void> HostJobStore::add_intact(const std::vector<StoredJob>& jobs,
                                      std::vector<JobRecord>& records) {
  for (const StoredJob& job : jobs) {
    RTENV_TRY(auto record, damaged_.leave_out(job.id, record_of(job)));
    if (record) records.push_back(std::move(*record));
  }
  return {};
}

// As many as the limit allows: a shorter list would be taken for the last one.
Result<std::vector<JobRecord>> HostJobStore::list(const server::JobFilter& filter) {
  rtenv::JobStore::Query query{.status = filter.status ? std::string(name(*filter.status)) : "",
                               .after = filter.after,
                               .offset = filter.offset,
                               .limit = filter.limit};
  std::vector<JobRecord> records;
  for (;;) {
    RTENV_TRY(const auto found, store_->list(query));
    for (std::int64_t last = query.after; const StoredJob& job : found)
      if (job.number <= std::exchange(last, job.number))
        return fail(Errc::corrupt, "the store's list has job {} where it doesn't belong", job.id);
    RTENV_TRY(add_intact(found, records));
    const bool is_last = query.limit < 0 || static_cast<std::int64_t>(found.size()) < query.limit;
    query.limit = filter.limit - static_cast<std::int64_t>(records.size());
    if (is_last || query.limit <= 0) return records;
    query.after = found.back().number;
    query.offset = 0;
  }
}

Result<std::vector<JobRecord>> HostJobStore::unfinished() {
  RTENV_TRY(auto found, list({.status = server::JobStatus::pending}));
  RTENV_TRY(auto running, list({.status = server::JobStatus::running}));
  std::ranges::move(running, std::back_inserter(found));
  std::ranges::sort(found, {}, &JobRecord::number);
  return found;
}

Result<std::vector<server::JobKey>> HostJobStore::ended_before(std::int64_t end_ms,
                                                               std::int64_t limit) {
  for (std::int64_t asked = limit;;) {
    RTENV_TRY(const auto found, store_->ended_before(end_ms, asked));
    std::vector<JobRecord> records;
    RTENV_TRY(add_intact(found, records));
    const auto intact = static_cast<std::int64_t>(records.size());
    const auto count = static_cast<std::int64_t>(found.size());
    if (intact >= limit || count < asked) {
      std::vector<server::JobKey> keys;
      for (const JobRecord& job : records) keys.push_back(job.key());
      keys.resize(static_cast<std::size_t>(std::min(intact, limit)));
      return keys;
    }
    asked = limit + count - intact;
  }
}

Result<std::unordered_set<std::string>> HostJobStore::run_ids() {
  RTENV_TRY(const auto found, store_->list({}));
  std::unordered_set<std::string> ids;
  for (const StoredJob& job : found) ids.insert(job.run_id);
  return ids;
}

}  // namespace rtenv::api
