#!/usr/bin/env bash
# The installed library, as another project uses it: found by CMake and by pkg-config, as a shared library and as an archive.
# usage: RTENV=… BUILD=… SOURCE=… tests/library/installed.sh
set -euo pipefail

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
prefix=$work/prefix
export RTENV_CACHE_DIR=$work/cache
fail() { echo "FAILED: $*" >&2; exit 1; }

cmake --install "$BUILD" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log" >&2; fail "install"; }
for file in man/man1/rtenv.1 man/man1/rtenv-env-build.1 bash-completion/completions/rtenv zsh/site-functions/_rtenv fish/vendor_completions.d/rtenv.fish; do
  [[ -s $prefix/share/$file ]] || fail "share/$file isn't installed"
done
library=$(find "$prefix" -name 'librtenv.so')
libdir=$(dirname "$library")
export LD_LIBRARY_PATH=$libdir PKG_CONFIG_PATH=$libdir/pkgconfig

# CMake's package: the examples are built and run.
cmake -S "$SOURCE/examples/library" -B "$work/examples" -G Ninja -D CMAKE_BUILD_TYPE=Debug -D CMAKE_PREFIX_PATH="$prefix" \
  -D CMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Werror" -D CMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror" >"$work/configure.log"
cmake --build "$work/examples" >"$work/build.log" || { cat "$work/build.log" >&2; fail "the examples don't build"; }
mkdir -p "$work/job" "$work/bucket"
echo 'print(1)' >"$work/job/main.py"
touch "$work/job/x.tmp"
echo '{"env_vars": {"A": "a"}}' >"$work/runtime_env.json"
expected=$("$RTENV" hash "$work/job" --scheme ray --exclude '*.tmp')
"$work/examples/pack" "$work/job" "$work/job.zip" >"$work/pack.out"
[[ $(head -n 1 "$work/pack.out") == "$expected" ]] || fail "the C example names the directory $(cat "$work/pack.out")"
for program in prebuild prebuild_static; do
  "$work/examples/$program" "$work/runtime_env.json" "$work/job" "file://$work/bucket/" >"$work/prebuild.out" 2>"$work/prebuild.err" ||
    fail "$program: $(cat "$work/prebuild.err")"
  grep -q "^working_dir file://$work/bucket/_ray_pkg_.*\.zip$" "$work/prebuild.out" || fail "$program: $(cat "$work/prebuild.out")"
  [[ ! -s $work/prebuild.err ]] || fail "$program wrote: $(cat "$work/prebuild.err")"
done

# The job server, and the tool as its client.
"$work/examples/job_server" "$work/state" 0 secret >"$work/address" 2>"$work/server.err" &
server=$!
for _ in $(seq 200); do [[ -s $work/address ]] && break; sleep 0.05; done
export RAY_API_SERVER_ADDRESS=$(cat "$work/address")
RAY_AUTH_TOKEN=secret "$RTENV" job submit -- sh -c 'echo served' >"$work/job.out" 2>&1 || fail "job submit: $(cat "$work/job.out" "$work/server.err")"
grep -q '^served$' "$work/job.out" || fail "the job's log is $(cat "$work/job.out")"
RAY_AUTH_TOKEN=wrong "$RTENV" job list >"$work/job.out" 2>&1 && fail "a wrong secret is admitted"
kill "$server"
wait "$server" || fail "the job server ended with $?: $(cat "$work/server.err")"
unset RAY_API_SERVER_ADDRESS

# pkg-config.
for static in "" --static; do
  # shellcheck disable=SC2046
  cc "$SOURCE/examples/library/pack.c" -o "$work/by_pkg_config" $(pkg-config --cflags --libs $static rtenv) || fail "pkg-config $static"
  "$work/by_pkg_config" "$work/job" "$work/job.zip" | grep -q "^$expected$" || fail "built by pkg-config $static"
done

# What the shared library shows: its own functions, and which libraries it needs.
nm -D --defined-only --format=posix "$library" | cut -d' ' -f1 | c++filt |
  grep -v -E '^(rtenv::|rtenv_|(typeinfo|typeinfo name|vtable) for rtenv::|RTENV_0)' >"$work/foreign" || true
[[ ! -s $work/foreign ]] || fail "exported, but not of the API: $(head "$work/foreign")"
for internal in cache:: pkg:: remote:: envbuild:: job:: server:: api:: capi::; do
  nm -D --defined-only "$library" | c++filt | grep " rtenv::$internal" && fail "exported, but internal"
done
readelf -d "$library" >"$work/dynamic"
grep -q 'SONAME.*\[librtenv\.so\.0\]' "$work/dynamic" || fail "no SONAME"
for needed in libcurl libarchive libgit2 libcrypto libsqlite3; do
  grep -q "NEEDED.*\[$needed" "$work/dynamic" || fail "$needed isn't linked"
done

# Each header stands alone.
for header in "$prefix"/include/rtenv/*.hpp; do
  echo "#include <rtenv/$(basename "$header")>" |
    c++ -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" -x c++ - || fail "$header"
done
echo '#include <rtenv.h>' | cc -std=c99 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" -x c - || fail "rtenv.h in C"
echo '#include <rtenv.h>' | c++ -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" -x c++ - || fail "rtenv.h in C++"

# As a sub-project it has no tests and no options for the host's own programs.
mkdir "$work/host"
cat >"$work/host/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(host LANGUAGES CXX)
enable_testing()
add_subdirectory($SOURCE rtenv)
add_executable(host host.cpp)
target_link_libraries(host PRIVATE rtenv::rtenv_static)
END
echo '#include <rtenv/version.hpp>
int main() { return rtenv::version().empty() ? 1 : 0; }' >"$work/host/host.cpp"
cmake -S "$work/host" -B "$work/host/build" -G Ninja >"$work/host.log" 2>&1 || { cat "$work/host.log" >&2; fail "as a sub-project"; }
(cd "$work/host/build" && ctest -N) | grep -q 'Total Tests: 0' || fail "a sub-project brings tests"
command=$(ninja -C "$work/host/build" -t commands host | tail -n 1)
case $command in
  *-static-libstdc++* | *-Werror* | *-Wconversion*) fail "a sub-project brings options: $command" ;;
esac
echo "the installed library works"
