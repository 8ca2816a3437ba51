// The lower limit of the time for naming a directory: walks it and reads every byte with some
// threads, without processing them. usage: plain_read DIR THREADS
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/directory_reader.hpp"
#include "base/parallel.hpp"
#include "base/parallel_tree.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto threads = static_cast<unsigned>(std::max(1, std::atoi(argv[2])));
  std::vector<std::vector<std::string>> files(threads);
  std::atomic<std::size_t> next_worker{0};
  struct Walker {
    std::vector<std::string>* files;
    rtenv::DirectoryReader reader;
  };
  const auto walked = rtenv::parallel_tree(
      std::string(argv[1]), threads,
      [&] {
        return Walker{&files[next_worker++], {}};
      },
      [](Walker& walker, const std::string& path,
         std::vector<std::string>& found) -> rtenv::Result<void> {
        RTENV_TRY(const rtenv::Fd folder, rtenv::open_file(path, O_RDONLY | O_DIRECTORY));
        RTENV_TRY(const auto items, walker.reader.list(folder, path));
        for (const auto& item : items) {
          std::string child = path + '/' + std::string(item.name);
          if (item.type == DT_DIR)
            found.push_back(std::move(child));
          else if (item.type == DT_REG)
            walker.files->push_back(std::move(child));
        }
        return {};
      });
  if (!walked) return 1;
  std::vector<std::string> all;
  for (auto& some : files) all.insert(all.end(), some.begin(), some.end());
  constexpr std::size_t k_buffer_bytes = 1 << 20;
  const auto read = rtenv::parallel_for(
      all.size(), threads, [] { return std::make_unique_for_overwrite<char[]>(k_buffer_bytes); },
      [&](const std::unique_ptr<char[]>& buffer, std::size_t i) -> rtenv::Result<void> {
        RTENV_TRY(const rtenv::Fd file, rtenv::open_file(all[i], O_RDONLY));
        while (::read(file.get(), buffer.get(), k_buffer_bytes) ==
               static_cast<ssize_t>(k_buffer_bytes))
          continue;
        return {};
      });
  return read ? 0 : 1;
}
