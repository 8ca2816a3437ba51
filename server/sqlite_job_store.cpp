#include "server/sqlite_job_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/json_text.hpp"

namespace rtenv::server {
namespace {

using nlohmann::json;

constexpr std::int64_t k_version = 2;
constexpr const char* k_schema = R"(
CREATE TABLE IF NOT EXISTS jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  entrypoint TEXT NOT NULL,
  runtime_env TEXT NOT NULL,
  metadata TEXT NOT NULL,
  demand TEXT NOT NULL,
  message TEXT NOT NULL,
  error_type TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  exit_code TEXT NOT NULL,  -- JSON: a number or null
  usage TEXT NOT NULL,
  launched INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  gpus TEXT NOT NULL,
  submitter TEXT NOT NULL,
  stop INTEGER NOT NULL  -- 0: not requested, 1: in order, 2: at once
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (number) WHERE status IN ('PENDING', 'RUNNING');
CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (end_ms) WHERE end_ms > 0;
PRAGMA user_version = 2;
)";

// The folder of a job had its id as its name.
constexpr const char* k_from_version_1 = R"(
ALTER TABLE jobs ADD COLUMN run_id TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN gpus TEXT NOT NULL DEFAULT '[]';
ALTER TABLE jobs ADD COLUMN submitter TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN stop INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET run_id = id;
)";

#define RTENV_JOB_COLUMNS                                                                \
  "number, id, status, entrypoint, runtime_env, metadata, demand, message, error_type, " \
  "start_ms, end_ms, exit_code, usage, launched, boot_id, run_id, gpus, submitter, stop"

// The folder's name.
bool is_run_id(std::string_view text) {
  return !text.empty() && text.find('/') == std::string_view::npos && text != "." && text != "..";
}

bool is_intact_stop(std::int64_t number) { return number >= 0 && number <= 2; }

// Throws json::exception.
Result<JobRecord> parse_row(const Statement& row) {
  JobRecord job;
  bool is_damaged = false;
  int column = 0;
  job.number = row.number(column++);
  job.submission.id = row.text(column++);
  const auto status = job::parse_job_status(row.text(column++));
  job.status = status.value_or(JobStatus::failed);
  job.submission.entrypoint = row.text(column++);
  const auto parsed = [&] {
    const std::string text = row.text(column++);
    job.submission.memory_bytes += text.size();
    json value = json_from_text(text);
    is_damaged = is_damaged || value.is_discarded();
    return value;
  };
  job.submission.runtime_env = parsed();
  job.submission.metadata = parsed();
  job.submission.demand = demand_from_json(parsed());
  job.message = row.text(column++);
  job.error_type = row.text(column++);
  job.start_ms = row.number(column++);
  job.end_ms = row.number(column++);
  if (const json code = parsed(); code.is_number_integer()) job.exit_code = code.get<int>();
  job.usage = parsed();
  job.launched = row.number(column++) != 0;
  job.boot_id = row.text(column++);
  job.run_id = row.text(column++);
  job.gpus = parsed().get<std::vector<int>>();
  job.submitter = row.text(column++);
  const std::int64_t stop = row.number(column++);
  if (is_damaged || !status || !is_run_id(job.run_id) || !is_intact_stop(stop))
    return fail(Errc::corrupt, "a job's record is damaged");
  if (stop > 0) job.stop = static_cast<Stop>(stop - 1);
  return job;
}

Result<JobRecord> read_row(const Statement& row) {
  try {
    return parse_row(row);
  } catch (const json::exception&) {
    return fail(Errc::corrupt, "a job's record is damaged");
  }
}

// Binds what `update` writes, from parameter `first` on.
void bind_state(Statement& statement, int first, const JobRecord& job) {
  statement.bind(first, name(job.status))
      .bind(first + 1, job.message)
      .bind(first + 2, job.error_type)
      .bind(first + 3, job.start_ms)
      .bind(first + 4, job.end_ms)
      .bind(first + 5, job.exit_code ? std::to_string(*job.exit_code) : std::string("null"))
      .bind(first + 6, json_text(job.usage))
      .bind(first + 7, static_cast<std::int64_t>(job.launched))
      .bind(first + 8, job.boot_id)
      .bind(first + 9, json_text(job.gpus))
      .bind(first + 10, job.stop ? static_cast<std::int64_t>(*job.stop) + 1 : std::int64_t{0});
}

}  // namespace

Result<std::unique_ptr<JobStore>> SqliteJobStore::open(const Path& file) {
  {  // SQLite creates its other files with the same mode
    RTENV_TRY(const Fd created, open_file(file, O_RDWR | O_CREAT, 0600));
    if (::fchmod(created.get(), 0600) != 0) return fail_errno("protect", file.native());
  }
  // Its log stays when it is closed, so that it can be opened on a full disk.
  RTENV_TRY(auto database, Database::open_keeping_log(file));
  RTENV_TRY(database.execute("PRAGMA synchronous=FULL"));
  RTENV_TRY(auto version, database.prepare("PRAGMA user_version"));
  RTENV_TRY(version.step());
  if (version.number(0) > k_version)
    return fail(Errc::invalid_argument, "{} was created by a newer rtenv", file.native())
        .hint("use that version, or another state folder");
  const std::int64_t found = version.number(0);
  version.reset();
  if (found == k_version)
    return std::unique_ptr<JobStore>(
        new SqliteJobStore(std::move(database)));  // also on a full disk
  RTENV_TRY(database.transaction([&]() -> Result<void> {
    if (found == 1) RTENV_TRY(database.execute(k_from_version_1));
    return database.execute(k_schema);
  }));
  return std::unique_ptr<JobStore>(new SqliteJobStore(std::move(database)));
}

Result<void> SqliteJobStore::add(JobRecord& job) {
  RTENV_TRY(
      const auto statement,
      database_.prepare_cached(
          "INSERT INTO jobs (id, entrypoint, runtime_env, metadata, demand, status, message, "
          "error_type, start_ms, end_ms, exit_code, usage, launched, boot_id, gpus, stop, "
          "run_id, submitter) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
          "?14, ?15, ?16, ?17, ?18) "
          "ON CONFLICT (id) DO NOTHING RETURNING number"));
  statement->bind(1, job.id())
      .bind(2, job.submission.entrypoint)
      .bind(3, json_text(job.submission.runtime_env))
      .bind(4, json_text(job.submission.metadata))
      .bind(5, json_text(to_json(job.submission.demand)));
  bind_state(*statement, 6, job);
  statement->bind(17, job.run_id).bind(18, job.submitter);
  RTENV_TRY(const bool added, statement->step());
  if (!added)
    return fail(Errc::already_exists,
                "Job with submission_id {} already exists. Please use a different submission_id.",
                job.id());
  job.number = statement->number(0);
  return statement->run();
}

Result<void> SqliteJobStore::update(const JobRecord& job) {
  RTENV_TRY(
      const auto statement,
      database_.prepare_cached(
          "UPDATE jobs SET status = ?2, message = ?3, error_type = ?4, start_ms = ?5, end_ms = ?6, "
          "exit_code = ?7, usage = ?8, launched = ?9, boot_id = ?10, gpus = ?11, stop = ?12 "
          "WHERE number = ?1"));
  statement->bind(1, job.number);
  bind_state(*statement, 2, job);
  return statement->run();
}

Result<void> SqliteJobStore::remove(std::int64_t number) {
  RTENV_TRY(const auto statement, database_.prepare_cached("DELETE FROM jobs WHERE number = ?1"));
  statement->bind(1, number);
  return statement->run();
}

Result<std::optional<JobRecord>> SqliteJobStore::find(const std::string& id) {
  RTENV_TRY(const auto statement,
            database_.prepare_cached("SELECT " RTENV_JOB_COLUMNS " FROM jobs WHERE id = ?1"));
  statement->bind(1, id);
  RTENV_TRY(const bool found, statement->step());
  if (!found) return std::optional<JobRecord>();
  RTENV_TRY(auto record, read_row(*statement));
  return std::optional(std::move(record));
}

// At most `limit`; -1: all.
Result<std::vector<JobRecord>> SqliteJobStore::read_intact(Statement& rows, std::int64_t limit) {
  constexpr int k_id_column = 1;
  std::vector<JobRecord> jobs;
  while (static_cast<std::int64_t>(jobs.size()) != limit) {
    RTENV_TRY(const bool more, rows.step());
    if (!more) break;
    RTENV_TRY(auto record, damaged_.leave_out(rows.text(k_id_column), read_row(rows)));
    if (record) jobs.push_back(std::move(*record));
  }
  return jobs;
}

Result<std::vector<JobRecord>> SqliteJobStore::list(const JobFilter& filter) {
  RTENV_TRY(const auto statement,
            database_.prepare_cached(
                "SELECT " RTENV_JOB_COLUMNS
                " FROM jobs WHERE number > ?3 AND (?1 = '' OR status = ?1) ORDER BY number "
                "LIMIT -1 OFFSET ?2"));
  statement->bind(1, filter.status ? name(*filter.status) : std::string_view(""))
      .bind(2, filter.offset)
      .bind(3, filter.after);
  return read_intact(*statement, filter.limit);
}

Result<std::vector<JobRecord>> SqliteJobStore::unfinished() {
  RTENV_TRY(const auto statement,
            database_.prepare_cached(
                "SELECT " RTENV_JOB_COLUMNS
                " FROM jobs WHERE status IN ('PENDING', 'RUNNING') ORDER BY number"));
  return read_intact(*statement, -1);
}

Result<std::int64_t> SqliteJobStore::ended_count() {
  RTENV_TRY(const auto statement,
            database_.prepare_cached("SELECT count(*) FROM jobs WHERE end_ms > 0"));
  RTENV_TRY([[maybe_unused]] const bool is_there, statement->step());
  return statement->number(0);
}

Result<std::vector<JobKey>> SqliteJobStore::ended_before(std::int64_t end_ms, std::int64_t limit) {
  RTENV_TRY(const auto statement,
            database_.prepare_cached("SELECT " RTENV_JOB_COLUMNS
                                     " FROM jobs WHERE end_ms > 0 AND end_ms < ?1 "
                                     "ORDER BY end_ms"));
  statement->bind(1, end_ms);
  RTENV_TRY(const auto ended, read_intact(*statement, limit));
  std::vector<JobKey> jobs;
  jobs.reserve(ended.size());
  for (const JobRecord& job : ended) jobs.push_back(job.key());
  return jobs;
}

Result<std::unordered_set<std::string>> SqliteJobStore::run_ids() {
  RTENV_TRY(const auto statement, database_.prepare_cached("SELECT run_id FROM jobs"));
  std::unordered_set<std::string> ids;
  for (;;) {
    RTENV_TRY(const bool more, statement->step());
    if (!more) return ids;
    ids.insert(statement->text(0));
  }
}

}  // namespace rtenv::server
