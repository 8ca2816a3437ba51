#include "server/job_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/json_text.hpp"

namespace rtenv::server {
namespace {

using nlohmann::json;

constexpr std::int64_t k_version = 1;
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
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (number) WHERE status IN ('PENDING', 'RUNNING');
CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (end_ms) WHERE end_ms > 0;
PRAGMA user_version = 1;
)";

#define RTENV_JOB_COLUMNS                                                                \
  "number, id, status, entrypoint, runtime_env, metadata, demand, message, error_type, " \
  "start_ms, end_ms, exit_code, usage, launched, boot_id"

JobRecord read_row(const Statement& row) {
  JobRecord job;
  int column = 0;
  job.number = row.number(column++);
  job.submission.id = row.text(column++);
  job.status = job::parse_job_status(row.text(column++)).value_or(JobStatus::failed);
  job.submission.entrypoint = row.text(column++);
  const auto parsed = [&] { return json_from_text(row.text(column++)); };
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
  return job;
}

Result<std::vector<JobRecord>> read_all(Statement& rows) {
  std::vector<JobRecord> jobs;
  for (;;) {
    RTENV_TRY(const bool more, rows.step());
    if (!more) return jobs;
    jobs.push_back(read_row(rows));
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
      .bind(first + 8, job.boot_id);
}

}  // namespace

Result<JobStore> JobStore::open(const Path& file) {
  {  // SQLite creates its other files with the same mode
    RTENV_TRY(const Fd created, open_file(file, O_RDWR | O_CREAT, 0600));
    if (::fchmod(created.get(), 0600) != 0) return fail_errno("protect", file.native());
  }
  RTENV_TRY(auto database, Database::open(file));
  RTENV_TRY(database.execute("PRAGMA synchronous=FULL"));
  RTENV_TRY(auto version, database.prepare("PRAGMA user_version"));
  RTENV_TRY(version.step());
  if (version.number(0) > k_version)
    return fail(Errc::invalid_argument, "{} was created by a newer rtenv", file.native())
        .hint("use that version, or another --state-dir");
  version.reset();
  RTENV_TRY(database.transaction([&] { return database.execute(k_schema); }));
  return JobStore(std::move(database));
}

Result<void> JobStore::add(JobRecord& job) {
  RTENV_TRY(const auto statement,
            database_.prepare_cached(
                "INSERT INTO jobs (id, entrypoint, runtime_env, metadata, demand, status, message, "
                "error_type, start_ms, end_ms, exit_code, usage, launched, boot_id) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) "
                "ON CONFLICT (id) DO NOTHING RETURNING number"));
  statement->bind(1, job.id())
      .bind(2, job.submission.entrypoint)
      .bind(3, json_text(job.submission.runtime_env))
      .bind(4, json_text(job.submission.metadata))
      .bind(5, json_text(to_json(job.submission.demand)));
  bind_state(*statement, 6, job);
  RTENV_TRY(const bool added, statement->step());
  if (!added)
    return fail(Errc::already_exists,
                "Job with submission_id {} already exists. Please use a different submission_id.",
                job.id());
  job.number = statement->number(0);
  return statement->run();
}

Result<void> JobStore::update(const JobRecord& job) {
  RTENV_TRY(
      const auto statement,
      database_.prepare_cached(
          "UPDATE jobs SET status = ?2, message = ?3, error_type = ?4, start_ms = ?5, end_ms = ?6, "
          "exit_code = ?7, usage = ?8, launched = ?9, boot_id = ?10 WHERE id = ?1"));
  statement->bind(1, job.id());
  bind_state(*statement, 2, job);
  return statement->run();
}

Result<void> JobStore::remove(const std::string& id) {
  RTENV_TRY(const auto statement, database_.prepare_cached("DELETE FROM jobs WHERE id = ?1"));
  statement->bind(1, id);
  return statement->run();
}

Result<std::optional<JobRecord>> JobStore::find(const std::string& id) {
  RTENV_TRY(const auto statement,
            database_.prepare_cached("SELECT " RTENV_JOB_COLUMNS " FROM jobs WHERE id = ?1"));
  statement->bind(1, id);
  RTENV_TRY(const bool found, statement->step());
  if (!found) return std::optional<JobRecord>();
  return std::optional(read_row(*statement));
}

Result<std::vector<JobRecord>> JobStore::list(const JobFilter& filter) {
  RTENV_TRY(const auto statement,
            database_.prepare_cached(
                "SELECT " RTENV_JOB_COLUMNS
                " FROM jobs WHERE (?1 = '' OR status = ?1) ORDER BY number LIMIT ?2 OFFSET ?3"));
  statement->bind(1, filter.status ? name(*filter.status) : std::string_view(""))
      .bind(2, filter.limit)
      .bind(3, filter.offset);
  return read_all(*statement);
}

Result<std::vector<JobRecord>> JobStore::unfinished() {
  RTENV_TRY(const auto statement,
            database_.prepare_cached(
                "SELECT " RTENV_JOB_COLUMNS
                " FROM jobs WHERE status IN ('PENDING', 'RUNNING') ORDER BY number"));
  return read_all(*statement);
}

Result<std::vector<std::string>> JobStore::ended_before(std::int64_t end_ms, std::int64_t limit) {
  RTENV_TRY(const auto statement,
            database_.prepare_cached(
                "SELECT id FROM jobs WHERE end_ms > 0 AND end_ms < ?1 ORDER BY end_ms LIMIT ?2"));
  statement->bind(1, end_ms).bind(2, limit);
  std::vector<std::string> ids;
  for (;;) {
    RTENV_TRY(const bool more, statement->step());
    if (!more) return ids;
    ids.push_back(statement->text(0));
  }
}

}  // namespace rtenv::server
