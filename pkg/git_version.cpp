#include "pkg/git_version.hpp"

#include <algorithm>
#include <vector>

#include "base/hash.hpp"
#include "pkg/git_repository.hpp"

namespace rtenv::pkg {
namespace {

std::string hex(const git_oid& id) {
  return to_hex(std::as_bytes(std::span(id.id, GIT_OID_RAWSZ)));
}

int add_tag(const char* name, git_oid* id, void* tags) {
  static_cast<std::vector<std::string>*>(tags)->push_back(fmt::format("{} {}", name, hex(*id)));
  return 0;
}

}  // namespace

Result<std::string> git_version(const Path& directory) {
  RTENV_TRY(const GitRepository repository,
            GitRepository::open(directory, GitProgram(Environment::of_process())));
  const GitLibrary& git = repository.git();
  git_oid head;
  if (git.reference_name_to_id(&head, repository.get(), "HEAD") != 0) return "no commit";
  std::vector<std::string> tags;
  if (git.tag_foreach(repository.get(), add_tag, &tags) != 0)
    return repository.failed(Errc::corrupt,
                             fmt::format("cannot read the tags of {}", directory.native()));
  std::string version = "commit " + hex(head);
  if (tags.empty()) return version;
  std::ranges::sort(tags);
  return fmt::format("{} tags {}", version, sha256_hex(fmt::format("{}", fmt::join(tags, "\n"))));
}

}  // namespace rtenv::pkg
