// The commands of the tool, one file each. Each function declares a command, its options and its
// action. `tool` must outlive the command line.
#pragma once

#include "cli/command_line.hpp"
#include "cli/tool.hpp"

namespace rtenv::cli {

/// The global options, and all commands.
void declare_commands(CommandLine& command_line, Tool& tool);

void register_pack(const Command& root, Tool& tool);
void register_hash(const Command& root, Tool& tool);
void register_fetch(const Command& root, Tool& tool);
void register_push(const Command& root, Tool& tool);
void register_ls(const Command& root, Tool& tool);
void register_unpack(const Command& root, Tool& tool);
void register_inspect(const Command& root, Tool& tool);
void register_env(const Command& root, Tool& tool);
void register_env_list(const Command& env_group, Tool& tool);
void register_env_why(const Command& env_group, Tool& tool);
void register_env_pack(const Command& env_group, Tool& tool);
void register_run(const Command& root, Tool& tool);
void register_job(const Command& root, Tool& tool);
void register_job_submit(const Command& job_group, Tool& tool);
void register_serve(const Command& root, Tool& tool);
void register_cache(const Command& root, Tool& tool);
void register_cache_gc(const Command& cache_group, Tool& tool);
void register_doctor(const Command& root, Tool& tool);
void register_version(const Command& root, Tool& tool);

/// A command with an example in its help, and --json.
Command add_command(const Command& parent, Tool& tool, const char* name, const char* description,
                    const char* example);

}  // namespace rtenv::cli
