#include "job/job_folder.hpp"

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/json_text.hpp"

namespace rtenv::job {

std::string JobFolder::run() const {
  struct stat status {};
  ::stat(path.c_str(), &status);
  return fmt::format("{}-{:x}-{:x}", path.filename().native(), status.st_dev, status.st_ino);
}

Result<void> JobFolder::write_state(const RunState& state) const {
  RTENV_TRY(fault_point("state.begun"));
  RTENV_TRY(auto file, AtomicFile::create(this->state(), 0600));
  RTENV_TRY(file.write(json_text(to_json(state))));
  RTENV_TRY(file.commit(Durability::process));
  return fault_point("state.written");
}

Result<std::optional<RunState>> JobFolder::read_state() const {
  RTENV_TRY(fault_point("state.read"));
  const auto text = read_file(state());
  if (!text && text.error().code() == Errc::not_found) return std::optional<RunState>();
  if (!text) return Failure(text.error());
  auto read = run_state_from_json(json_from_text(*text));
  if (!read) return fail(Errc::corrupt, "{} isn't the state of a job", state().native());
  return read;
}

}  // namespace rtenv::job
