// For tests: a .tar.zst written by TarWriter.
#pragma once

#include <string>

#include "pkg/package_fixture.hpp"
#include "pkg/tar_writer.hpp"

namespace rtenv::pkg {

inline void add_text(TarWriter& tar, const std::string& path, std::string_view content,
                     bool executable = false) {
  must(tar.add_file(path, executable, std::as_bytes(std::span(content))));
}

/// Four files, one of them longer than two frames, a link and an empty folder.
struct TarSample {
  std::string large = std::string(9'000'001, 'x');
  std::string long_path = fmt::format("{:a>150}/{:b>150}", "", "");

  [[nodiscard]] std::string packed(unsigned threads) const {
    std::string bytes;
    TarWriter tar(append_to(bytes), threads);
    must(tar.add_directory("empty"));
    add_text(tar, "run.sh", "echo hi\n", true);
    add_text(tar, "nothing", "");
    add_text(tar, long_path, "deep");
    must(tar.add_link("link", "run.sh"));
    add_text(tar, "large", large);
    must(tar.finish());
    return bytes;
  }
};

}  // namespace rtenv::pkg
