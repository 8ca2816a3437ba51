/* Packs a directory and lists what is in the package.
 *
 *   pack DIRECTORY TARGET.zip
 */
#include <rtenv.h>
#include <stdio.h>

static void show_progress(int32_t level, const char* message, void* user) {
  (void)level;
  (void)user;
  fprintf(stderr, "%s\n", message);
}

int main(int argc, char** argv) {
  if (argc != 3) return fputs("usage: pack DIRECTORY TARGET\n", stderr), 2;
  rtenv_set_log(RTENV_LOG_INFO, show_progress, NULL);

  RTENV_INIT(struct rtenv_pack_options, options);
  options.scheme = RTENV_SCHEME_RAY;
  const char* const excludes[] = {"*.tmp", NULL};
  options.excludes = excludes;

  rtenv_package* package = NULL;
  char* entries = NULL;
  rtenv_error* error = NULL;
  rtenv_status status = rtenv_pack(argv[1], argv[2], &options, &package, &error);
  if (status == RTENV_OK) status = rtenv_package_entries(package, &entries, &error);
  if (status == RTENV_OK) {
    printf("%s\n%s\n", rtenv_package_uri(package), entries);
  } else {
    fprintf(stderr, "%s\n%s\n", rtenv_error_message(error), rtenv_error_hint(error));
  }
  rtenv_error_free(error);
  rtenv_string_free(entries);
  rtenv_package_free(package);
  return status;
}
