/* rtenv for C (C99) and for languages that call C: most of include/rtenv/, whose headers say more
 * about each function.
 *
 * Errors: functions return RTENV_OK or another status; with a status, and if `error` isn't NULL,
 *   they set *error to an object that the caller frees. On success they leave *error alone. Results
 *   are set on success only.
 * Handles: freed by their own function, which takes NULL, too. A handle is for one thread at a time
 *   unless its type says otherwise. NULL where a handle is needed is RTENV_INVALID_ARGUMENT.
 * Strings: end with a NUL byte; paths are bytes as the system has them, JSON is UTF-8. What a
 *   function returns as `const char*` lives as long as its handle; as `char**`, until the caller
 *   frees it with rtenv_string_free.
 * Options: NULL, or a struct whose other members are 0 for what isn't given and whose first member
 *   is its size: RTENV_INIT(struct rtenv_pack_options, options). A newer library takes older ones.
 * Callbacks: called with the pointer `user` beside them, on any thread; those of one call by one
 *   thread at a time, except for credentials and messages. They must return, and not call longjmp.
 *   What an object is opened with (a plan, a job, a client, a server) is called until it is freed.
 */
#ifndef RTENV_H
#define RTENV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RTENV_API __attribute__((visibility("default")))

/* Declares a variable with nothing given. */
#define RTENV_INIT(type, name) \
  type name;                   \
  memset(&(name), 0, sizeof(name)); \
  (name).struct_size = sizeof(name)

typedef int32_t rtenv_status;
enum {
  RTENV_OK = 0,
  RTENV_INVALID_ARGUMENT = 1,  /* invalid input: an option, a file's content, an unsafe archive */
  RTENV_NOT_FOUND = 2,         /* a file, package, entry or program doesn't exist */
  RTENV_ALREADY_EXISTS = 3,    /* the target exists and must not be replaced */
  RTENV_PERMISSION_DENIED = 4, /* refused by the operating system or a server */
  RTENV_BUSY = 5,              /* in use, pinned or being built */
  RTENV_CHANGED = 6,           /* changed by another program while it was read */
  RTENV_UNAVAILABLE = 7,       /* a network, server or resource is temporarily unavailable */
  RTENV_CORRUPT = 8,           /* data doesn't match its checksum, name or format */
  RTENV_LIMIT_REACHED = 9,     /* of what a server holds for all of its clients */
  RTENV_OUT_OF_SPACE = 10,     /* no space, quota or inode left */
  RTENV_CANCELLED = 11,        /* a stop was requested */
  RTENV_INSTALLER_FAILED = 12, /* uv, pip or another installer failed or timed out */
  RTENV_INTERNAL = 13          /* a bug in rtenv, or an error of the system without its own code */
};

typedef struct rtenv_error rtenv_error;
RTENV_API rtenv_status rtenv_error_status(const rtenv_error* error);
RTENV_API const char* rtenv_error_message(const rtenv_error* error);
/* What to do about it; "" if nothing is known. */
RTENV_API const char* rtenv_error_hint(const rtenv_error* error);
RTENV_API void rtenv_error_free(rtenv_error* error);

RTENV_API void rtenv_string_free(char* text);

/* Of the library that runs, such as "0.1.0". */
RTENV_API const char* rtenv_version(void);

enum { RTENV_LOG_DEBUG = 0, RTENV_LOG_INFO = 1, RTENV_LOG_WARNING = 2 };
typedef void (*rtenv_log_fn)(int32_t level, const char* message, void* user);
/* Messages from `least` on go to `log`, from several threads at once. NULL: to nobody. Without this
 * call, warnings go to standard error. */
RTENV_API void rtenv_set_log(int32_t least, rtenv_log_fn log, void* user);

/* A request to stop. Thread-safe. It may be freed when the calls that got it have begun. To free it
 * takes longer if a call that it stopped left a large temporary folder. */
typedef struct rtenv_stop rtenv_stop;
RTENV_API rtenv_status rtenv_stop_new(rtenv_stop** stop, rtenv_error** error);
/* The calls that got it fail with RTENV_CANCELLED soon. Can't be undone. A signal handler may call it. */
RTENV_API void rtenv_stop_request(rtenv_stop* stop);
RTENV_API void rtenv_stop_free(rtenv_stop* stop);

/* What a callback adds variables to, while it is called. */
typedef struct rtenv_variables rtenv_variables;
RTENV_API void rtenv_variables_set(rtenv_variables* variables, const char* name, const char* value);

/* total_bytes: UINT64_MAX if it is unknown. */
typedef void (*rtenv_progress_fn)(uint64_t done_bytes, uint64_t total_bytes, void* user);
typedef void (*rtenv_text_fn)(const char* text, size_t size, void* user);
/* Adds the variables with the credentials for a URI. Another value than 0 is a failure. */
typedef int32_t (*rtenv_credentials_fn)(const char* uri, rtenv_variables* variables, void* user);

struct rtenv_options {
  uint32_t struct_size;
  uint32_t threads;               /* at most so many; 0: one for each processor */
  const char* const* environment; /* "NAME=value", then NULL; NULL: that of the process */
  const char* base;               /* relative paths are relative to it; NULL: the current folder */
  rtenv_stop* stop;
  rtenv_progress_fn on_progress;
  void* on_progress_user;
  rtenv_credentials_fn credentials;
  void* credentials_user;
};

/* Packages: rtenv/package.hpp. */

/* The numbers differ from those of the C++ enums: 0 is the default. */
enum { RTENV_SCHEME_DEFAULT = 0, RTENV_SCHEME_RAY = 1, RTENV_SCHEME_XXH3 = 2, RTENV_SCHEME_SHA256 = 3 };
enum {
  RTENV_COMPRESSION_AUTOMATIC = 0,
  RTENV_COMPRESSION_STORE = 1,
  RTENV_COMPRESSION_FAST = 2,
  RTENV_COMPRESSION_BEST = 3
};
enum { RTENV_IGNORE_RAY = 0, RTENV_IGNORE_GIT = 1 };

struct rtenv_pack_options {
  uint32_t struct_size;
  int32_t scheme;
  int32_t compression;
  int32_t ignore_rules;
  int32_t no_gitignore; /* 1: what .gitignore excludes is packed */
  const struct rtenv_options* options;
  const char* const* excludes; /* then NULL */
  const char* const* includes; /* then NULL */
  const char* git_revision;
  const char* digest_cache;
  const char* top_folder; /* everything is in this folder of the package; not part of the name */
  int32_t list_excluded;  /* 1: rtenv_package_excluded has all that rules left out */
};

typedef struct rtenv_package rtenv_package;
RTENV_API const char* rtenv_package_name(const rtenv_package* package);
RTENV_API const char* rtenv_package_uri(const rtenv_package* package);
RTENV_API uint64_t rtenv_package_content_bytes(const rtenv_package* package);
RTENV_API uint64_t rtenv_package_packed_bytes(const rtenv_package* package);
/* [{"path": …, "type": "file", "executable": false, "size_bytes": …, "link_target": …}, …]; bytes of
 * paths that aren't UTF-8 are replaced. */
RTENV_API rtenv_status rtenv_package_entries(const rtenv_package* package, char** json,
                                             rtenv_error** error);
/* [{"path": …, "is_directory": …, "reason": …, "rules": …}, …]; what can't be packed, and what rules
 * left out if that was asked for. */
RTENV_API rtenv_status rtenv_package_excluded(const rtenv_package* package, char** json,
                                              rtenv_error** error);
RTENV_API void rtenv_package_free(rtenv_package* package);

RTENV_API rtenv_status rtenv_name_directory(const char* directory,
                                            const struct rtenv_pack_options* options,
                                            rtenv_package** package, rtenv_error** error);
/* `package` may be NULL. */
RTENV_API rtenv_status rtenv_pack(const char* directory, const char* target,
                                  const struct rtenv_pack_options* options, rtenv_package** package,
                                  rtenv_error** error);
/* Under its own name, which `package` has, in a folder that exists. */
RTENV_API rtenv_status rtenv_pack_into(const char* directory, const char* folder,
                                       const struct rtenv_pack_options* options,
                                       rtenv_package** package, rtenv_error** error);
/* Takes the next bytes of a package. Another value than 0 ends the call (RTENV_CANCELLED). */
typedef int32_t (*rtenv_write_fn)(const void* data, size_t size, void* user);
RTENV_API rtenv_status rtenv_pack_to(const char* directory, rtenv_write_fn write, void* user,
                                     const struct rtenv_pack_options* options,
                                     rtenv_package** package, rtenv_error** error);
/* Writes to an open file, a pipe or a socket, which stays open. */
RTENV_API rtenv_status rtenv_pack_to_descriptor(const char* directory, int32_t descriptor,
                                                const struct rtenv_pack_options* options,
                                                rtenv_package** package, rtenv_error** error);

struct rtenv_unpack_options {
  uint32_t struct_size;
  int32_t strip_top;
  const struct rtenv_options* options;
  uint64_t max_total_bytes; /* 0: 64 GiB */
  uint64_t max_entries;     /* 0: 4 million */
  uint64_t max_ratio;       /* of both sizes; 0: 1100 */
};
RTENV_API rtenv_status rtenv_unpack(const char* archive, const char* target,
                                    const struct rtenv_unpack_options* options, rtenv_error** error);
/* *matches_name: 1 if its file name is that of its content, 0 if it should be another one, -1 if it
 * isn't the name of a package. */
RTENV_API rtenv_status rtenv_inspect(const char* archive, const struct rtenv_unpack_options* options,
                                     int32_t* matches_name, rtenv_package** content,
                                     rtenv_error** error);

/* The cache: rtenv/cache.hpp. */

typedef struct rtenv_cache rtenv_cache; /* thread-safe */
typedef struct rtenv_lease rtenv_lease;

struct rtenv_cache_options {
  uint32_t struct_size;
  int32_t remote_mode; /* RTENV_REMOTE_… */
  const char* const* environment;
  const char* remote_uri;
  uint64_t max_bytes; /* 0 for both: RTENV_CACHE_MAX_SIZE and RTENV_CACHE_MIN_FREE */
  uint64_t min_free_bytes;
  rtenv_stop* stop; /* of rtenv_cache_open alone */
};
enum { RTENV_REMOTE_READ = 0, RTENV_REMOTE_WRITE_THROUGH = 1, RTENV_REMOTE_WRITE_BACK = 2 };

/* root: NULL for that of the tool. */
RTENV_API rtenv_status rtenv_cache_open(const char* root, const struct rtenv_cache_options* options,
                                        rtenv_cache** cache, rtenv_error** error);
RTENV_API void rtenv_cache_free(rtenv_cache* cache);
RTENV_API const char* rtenv_cache_root(const rtenv_cache* cache);
/* For rtenv_pack_options.digest_cache. */
RTENV_API const char* rtenv_cache_digest_folder(const rtenv_cache* cache);
/* [{"kind": "env", "key": …, "path": …, "is_ready": …, "size_bytes": …, "created_ms": …,
 * "last_used_ms": …, "hits": …, "holder_pids": […], "pins": [{"name": …, "expires_ms": …}, …]}, …] */
RTENV_API rtenv_status rtenv_cache_entries(rtenv_cache* cache, char** json, rtenv_error** error);
/* kind: "tree", "env", "tool", "file", "copy", "read-only-tree". *lease: NULL if there is none. */
RTENV_API rtenv_status rtenv_cache_find(rtenv_cache* cache, const char* kind, const char* key,
                                        rtenv_lease** lease, rtenv_error** error);
struct rtenv_cache_limits {
  uint32_t struct_size;
  int32_t dry_run;
  uint64_t max_bytes;      /* 0: no limit */
  uint64_t min_free_bytes; /* 0: no limit */
  uint64_t max_age_s;      /* 0: no limit */
};
RTENV_API rtenv_status rtenv_cache_gc(rtenv_cache* cache, const struct rtenv_cache_limits* limits,
                                      rtenv_stop* stop, uint64_t* freed_bytes, rtenv_error** error);
RTENV_API rtenv_status rtenv_cache_enforce_limits(rtenv_cache* cache, rtenv_stop* stop,
                                                  rtenv_error** error);
/* *removed, *changed: 0 if there is no such entry or pin. lifetime_s: 0 for ever. */
RTENV_API rtenv_status rtenv_cache_remove(rtenv_cache* cache, const char* kind, const char* key,
                                          int32_t* removed, rtenv_error** error);
RTENV_API rtenv_status rtenv_cache_pin(rtenv_cache* cache, const char* kind, const char* key,
                                       const char* name, uint64_t lifetime_s, int32_t* changed,
                                       rtenv_error** error);
RTENV_API rtenv_status rtenv_cache_unpin(rtenv_cache* cache, const char* kind, const char* key,
                                         const char* name, int32_t* changed, rtenv_error** error);
RTENV_API rtenv_status rtenv_cache_flush(rtenv_cache* cache, rtenv_stop* stop, rtenv_error** error);
RTENV_API rtenv_status rtenv_cache_verify(rtenv_cache* cache, rtenv_stop* stop, uint64_t* damaged,
                                          rtenv_error** error);

RTENV_API const char* rtenv_lease_path(const rtenv_lease* lease);
/* Of the entry, for rtenv_cache_pin; "" if what was fetched isn't in the cache. */
RTENV_API const char* rtenv_lease_key(const rtenv_lease* lease);
/* Ends the lease. */
RTENV_API void rtenv_lease_free(rtenv_lease* lease);

/* Objects in stores: rtenv/transfer.hpp. */

struct rtenv_fetch_options {
  uint32_t struct_size;
  int32_t offline;
  const struct rtenv_options* options;
  int32_t anonymous; /* 1: no credentials are sent */
};
RTENV_API rtenv_status rtenv_fetch_file(rtenv_cache* cache, const char* uri,
                                        const struct rtenv_fetch_options* options,
                                        rtenv_lease** lease, rtenv_error** error);
RTENV_API rtenv_status rtenv_fetch_tree(rtenv_cache* cache, const char* uri,
                                        const struct rtenv_fetch_options* options,
                                        rtenv_lease** lease, rtenv_error** error);
/* sha256: 64 digits and a NUL byte; may be NULL. */
RTENV_API rtenv_status rtenv_download(const char* uri, const char* target,
                                      const struct rtenv_fetch_options* options, char sha256[65],
                                      rtenv_error** error);
/* *pushed_uri: may be NULL. */
RTENV_API rtenv_status rtenv_push(const char* source, const char* uri,
                                  const struct rtenv_pack_options* options, char** pushed_uri,
                                  rtenv_error** error);

/* Environments: rtenv/environment.hpp. */

typedef struct rtenv_runtime_env rtenv_runtime_env;
RTENV_API rtenv_status rtenv_runtime_env_parse(const char* json, const char* base,
                                               rtenv_runtime_env** runtime_env,
                                               rtenv_error** error);
RTENV_API rtenv_status rtenv_runtime_env_load(const char* file, const char* base,
                                              rtenv_runtime_env** runtime_env, rtenv_error** error);
RTENV_API rtenv_status rtenv_runtime_env_set_working_dir(rtenv_runtime_env* runtime_env,
                                                         const char* working_dir,
                                                         rtenv_error** error);
RTENV_API rtenv_status rtenv_runtime_env_set_env_var(rtenv_runtime_env* runtime_env,
                                                     const char* name, const char* value,
                                                     rtenv_error** error);
RTENV_API void rtenv_runtime_env_free(rtenv_runtime_env* runtime_env);

enum { RTENV_RENEW_NONE = 0, RTENV_RENEW_UNPINNED = 1, RTENV_RENEW_AGED = 2, RTENV_RENEW_ALL = 3 };
struct rtenv_env_options {
  uint32_t struct_size;
  int32_t offline;
  const struct rtenv_options* options;
  const char* python;
  const char* lock;
  int32_t renew;
  uint32_t max_age_s; /* of RTENV_RENEW_AGED */
  rtenv_text_fn on_output;
  void* on_output_user;
};

typedef struct rtenv_env_plan rtenv_env_plan;
/* *plan: NULL if the runtime_env names no packages. */
RTENV_API rtenv_status rtenv_plan_env(const rtenv_runtime_env* runtime_env, rtenv_cache* cache,
                                      const struct rtenv_env_options* options,
                                      rtenv_env_plan** plan, rtenv_error** error);
RTENV_API const char* rtenv_env_plan_key(const rtenv_env_plan* plan);
RTENV_API const char* rtenv_env_plan_key_parts(const rtenv_env_plan* plan);
RTENV_API rtenv_status rtenv_env_plan_lock(rtenv_env_plan* plan, char** text, rtenv_error** error);
/* *was_built: 0 if it came from a cache; may be NULL. */
RTENV_API rtenv_status rtenv_env_plan_build(rtenv_env_plan* plan, rtenv_lease** env,
                                            int32_t* was_built, rtenv_error** error);
RTENV_API void rtenv_env_plan_free(rtenv_env_plan* plan);

/* Jobs: rtenv/job.hpp. */

typedef struct rtenv_job rtenv_job;
typedef struct rtenv_process rtenv_process;
RTENV_API rtenv_status rtenv_prepare(const rtenv_runtime_env* runtime_env, rtenv_cache* cache,
                                     const struct rtenv_env_options* options, rtenv_job** job,
                                     rtenv_error** error);
RTENV_API const char* rtenv_job_working_dir(const rtenv_job* job);
RTENV_API const char* rtenv_job_env(const rtenv_job* job);
/* Call it when all of the job's processes have ended. */
RTENV_API void rtenv_job_free(rtenv_job* job);

struct rtenv_command {
  uint32_t struct_size;
  int32_t redirects; /* 1: the descriptors below count, and all are given; else as -1 */
  const char* const* argv; /* then NULL */
  const char* const* env_vars; /* "NAME=value", then NULL; in addition to the job's */
  int32_t input_fd; /* -1: /dev/null; of the others, those of this process */
  int32_t output_fd;
  int32_t error_fd;
};
RTENV_API rtenv_status rtenv_job_start(rtenv_job* job, const struct rtenv_command* command,
                                       rtenv_process** process, rtenv_error** error);
RTENV_API int32_t rtenv_process_pid(const rtenv_process* process);
RTENV_API int32_t rtenv_process_poll_fd(const rtenv_process* process);
RTENV_API void rtenv_process_signal(rtenv_process* process, int32_t number);
/* *exit_code: negative if a signal killed it: minus its number. */
RTENV_API rtenv_status rtenv_process_wait(rtenv_process* process, rtenv_stop* stop,
                                          int32_t* exit_code, rtenv_error** error);
RTENV_API void rtenv_process_detach(rtenv_process* process);
/* Kills it unless it has ended or was detached. */
RTENV_API void rtenv_process_free(rtenv_process* process);

/* A client of Ray's Jobs API: rtenv/job_client.hpp. */

typedef struct rtenv_job_client rtenv_job_client; /* thread-safe */
/* address: NULL for that of the environment. */
RTENV_API rtenv_status rtenv_job_client_open(const char* address,
                                             const struct rtenv_options* options,
                                             rtenv_job_client** client, rtenv_error** error);
RTENV_API void rtenv_job_client_free(rtenv_job_client* client);
/* Uploads the local directories and files of a runtime_env. *json: that runtime_env for submit. */
RTENV_API rtenv_status rtenv_job_client_upload(rtenv_job_client* client, const char* runtime_env,
                                               char** json, rtenv_error** error);
RTENV_API rtenv_status rtenv_job_client_submit(rtenv_job_client* client, const char* json,
                                               char** id, rtenv_error** error);
RTENV_API rtenv_status rtenv_job_client_details(rtenv_job_client* client, const char* id,
                                                char** json, rtenv_error** error);
struct rtenv_job_list_options {
  uint32_t struct_size;
  const char* status; /* "RUNNING", …; NULL: any */
  uint64_t limit;     /* 0: all */
  uint64_t offset;
};
RTENV_API rtenv_status rtenv_job_client_list(rtenv_job_client* client,
                                             const struct rtenv_job_list_options* options,
                                             char** json, rtenv_error** error);
RTENV_API rtenv_status rtenv_job_client_logs(rtenv_job_client* client, const char* id, char** text,
                                             rtenv_error** error);
/* *json: the job's details after its end. */
RTENV_API rtenv_status rtenv_job_client_follow(rtenv_job_client* client, const char* id,
                                               rtenv_text_fn output, void* user, char** json,
                                               rtenv_error** error);
/* now: 1 for SIGKILL, which Ray's server ignores. */
RTENV_API rtenv_status rtenv_job_client_stop(rtenv_job_client* client, const char* id, int32_t now,
                                             int32_t* was_running, rtenv_error** error);
RTENV_API rtenv_status rtenv_job_client_remove(rtenv_job_client* client, const char* id,
                                               rtenv_error** error);

/* A job server: rtenv/job_server.hpp. A job store of the caller's is for C++ only. */

struct rtenv_request {
  const char* method;
  const char* path;
  const char* address;
  const char* token;     /* NULL: none */
  int64_t uid;           /* of a process on this machine; -1: unknown */
  int32_t was_forwarded; /* 1: by a proxy */
};
enum {
  RTENV_ACCESS_UNKNOWN = -1, /* it should say who it is (status 401) */
  RTENV_ACCESS_REFUSED = 0,  /* status 403 */
  RTENV_ACCESS_READ = 1,
  RTENV_ACCESS_SUBMIT = 2
};
/* Returns RTENV_ACCESS_…; any other value refuses. Must not block. */
typedef int32_t (*rtenv_authenticate_fn)(const struct rtenv_request* request, void* user);

struct rtenv_job_server_options {
  uint32_t struct_size;
  int32_t insecure;
  const char* state_dir;  /* required */
  const char* cache_root; /* NULL: that of the tool */
  const char* const* environment;
  const char* host;        /* NULL: 127.0.0.1 */
  const char* unix_socket; /* instead of the host and port */
  const char* tls_certificate;
  const char* tls_key;
  const char* token;
  const char* token_file;
  rtenv_authenticate_fn authenticate;
  void* authenticate_user;
  const char* supervisor_program;
  const char* python;
  double cpus;                /* 0: what this machine has */
  uint64_t max_running;       /* 0: as many as the resources allow */
  uint64_t max_package_bytes; /* 0: 10 GiB */
  uint64_t max_log_bytes;     /* 0: 1 GiB */
  uint64_t job_ttl_s;         /* 0: 7 days; UINT64_MAX: for ever */
  int32_t port;               /* 0: any free one */
  int32_t sandbox;            /* 1: jobs run in bubblewrap */
  int32_t sandbox_no_network;
  const char* const* sandbox_readable; /* then NULL */
  uint64_t memory_bytes;               /* 0: what this machine has */
  uint64_t env_max_age_s;              /* 0: environments of any age are used */
  uint64_t max_processes;              /* of a job; 0: no limit */
  uint64_t max_open_files;             /* of each process of a job; 0: no limit */
  /* 0 for these: as rtenv::JobServerOptions says. */
  uint64_t max_queued;
  uint64_t max_setups;
  uint64_t max_uploads_bytes;
  uint64_t max_request_bytes;
  uint64_t max_request_memory_bytes;
  uint64_t max_submission_memory_bytes;
  uint64_t max_ended_jobs;
  uint64_t max_jobs_bytes;
};

typedef struct rtenv_job_server rtenv_job_server; /* thread-safe */
RTENV_API rtenv_status rtenv_job_server_start(const struct rtenv_job_server_options* options,
                                              rtenv_job_server** server, rtenv_error** error);
RTENV_API const char* rtenv_job_server_address(const rtenv_job_server* server);
RTENV_API int32_t rtenv_job_server_poll_fd(const rtenv_job_server* server);
RTENV_API void rtenv_job_server_reload(rtenv_job_server* server);
/* Returns at once. A signal handler may call it. */
RTENV_API void rtenv_job_server_request_stop(rtenv_job_server* server);
/* Returns when the server has ended; running jobs continue. */
RTENV_API rtenv_status rtenv_job_server_stop(rtenv_job_server* server, rtenv_error** error);
RTENV_API void rtenv_job_server_free(rtenv_job_server* server);

#ifdef __cplusplus
}
#endif

#endif
