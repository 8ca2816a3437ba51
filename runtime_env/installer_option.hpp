// The options of uv and pip as far as rtenv has to know them: which take a value, which values name
// files or folders, and which options don't change what is installed. The same names apply to the
// installers' variables: UV_CONSTRAINT and PIP_CONSTRAINT are "--constraint".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rtenv::runtime_env {

enum class OptionUse : std::uint8_t {
  line,         // may also be a line of a requirements list: -r, -c, -f, -e
  list,         // its value is a file in the format of a requirements list
  index,        // its value is the URL or the folder of a package index
  how_it_runs,  // doesn't change what is installed: verbosity, time-outs
  servers,      // which servers are trusted, through which proxy, which cache, where a log is
                // written: counts where a job says it
  as_written,   // its value counts as it is written, even if it is a path
  other,        // also unknown options: the content of a file or folder counts
};

struct InstallerOption {
  std::string name;  // the long form, singular: "--constraint"
  std::string flag;  // as written: "-c", "--constraints"
  std::optional<std::string> value;
  OptionUse use = OptionUse::other;
  std::size_t words = 1;  // of the command line that it consists of
};

/// The first option of a command line, in any form: "-cFILE", "-c FILE" as one word or as two,
/// "--constraint=FILE". A word that isn't an option is returned as a name. Requires: not empty.
InstallerOption read_option(std::span<const std::string> words);

/// Of the variable "UV_…" or "PIP_…" that stands for an option.
OptionUse option_use_of_variable(std::string_view name);

}  // namespace rtenv::runtime_env
