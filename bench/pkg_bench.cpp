// Benchmarks of the packaging layer's parts: walk, ignore rules, naming, deflate, zip and unzip, by
// number and size of files. usage: pkg_bench [--benchmark_filter=REGEX] [--benchmark_format=json]
#include <benchmark/benchmark.h>

#include <array>
#include <fstream>
#include <map>
#include <random>

#include "base/file.hpp"
#include "base/processors.hpp"
#include "base/temp_dir.hpp"
#include "pkg/compression.hpp"
#include "pkg/ignore.hpp"
#include "pkg/package.hpp"
#include "pkg/scan.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::pkg {
namespace {

// Text with a small vocabulary, like source code: compresses to about a quarter.
std::string text(std::size_t size_bytes, std::uint32_t seed) {
  constexpr std::array k_words{"import ", "return ", "self.",  "value", " = ",  "\n    ",
                               "for ",    " in ",    "range(", "):\n",  "def ", "model"};
  std::mt19937 random(seed);
  std::string result;
  while (result.size() < size_bytes) result += k_words[random() % k_words.size()];
  result.resize(size_bytes);
  return result;
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return *std::move(result);
}

// A directory tree of `count` files of `size_bytes` each, twenty per directory, created once per
// shape.
const Path& tree(std::int64_t count, std::int64_t size_bytes) {
  static std::map<std::pair<std::int64_t, std::int64_t>, TempDir> trees;
  const auto key = std::pair(count, size_bytes);
  if (const auto found = trees.find(key); found != trees.end()) return found->second.path();
  const TempDir& created = trees.emplace(key, must(TempDir::create())).first->second;
  for (std::int64_t i = 0; i < count; ++i) {
    const Path folder = created.path() / fmt::format("{:03}/{:03}", i / 400, i / 20 % 20);
    std::filesystem::create_directories(folder);
    std::ofstream(folder / fmt::format("{:02}.py", i % 20))
        << text(static_cast<std::size_t>(size_bytes), static_cast<std::uint32_t>(i));
  }
  return created.path();
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"files", "bytes"})->Unit(benchmark::kMillisecond)->UseRealTime();
  benchmark->Args({100, 1000})->Args({10'000, 1000})->Args({1000, 100'000})->Args({4, 20'000'000});
}

void count(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * state.range(0) * state.range(1));
}

PackageOptions package_options(Compression compression = Compression::automatic) {
  return {.scan = {}, .zip = {.compression = compression, .threads = default_threads()}};
}

void walk(benchmark::State& state) {
  const Path& root = tree(state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(must(scan(root, {.threads = default_threads()})));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(walk)->Apply(shapes);

void ignore(benchmark::State& state) {
  std::string rules;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    rules += fmt::format(fmt::runtime(i % 10 == 0  ? "src/**/gen{}/*.c\n"
                                      : i % 2 == 0 ? "*.ext{}\n"
                                                   : "name{}\n"),
                         i);
  const auto semantics = state.range(1) == 0 ? IgnoreSemantics::ray : IgnoreSemantics::git;
  const auto file = IgnoreFile::parse(rules, ".gitignore", semantics);
  for (auto _ : state)
    benchmark::DoNotOptimize(file.deciding_rule("src/package/module/file_name.py"));
}
BENCHMARK(ignore)
    ->ArgNames({"rules", "git"})
    ->Args({5, 0})
    ->Args({100, 0})
    ->Args({5000, 0})
    ->Args({5000, 1});

void name_by(benchmark::State& state, Scheme scheme, bool cached) {
  const Path& root = tree(state.range(0), state.range(1));
  const TempDir cache = must(TempDir::create());
  PackageOptions options = package_options();
  options.zip.scheme = scheme;
  options.settle_time = std::chrono::nanoseconds(0);
  if (cached) options.digest_cache = cache.path();
  for (auto _ : state) benchmark::DoNotOptimize(must(name_directory(root, options)));
  count(state);
}
BENCHMARK_CAPTURE(name_by, xxh3, Scheme::xxh3, false)->Apply(shapes);
BENCHMARK_CAPTURE(name_by, xxh3_unchanged, Scheme::xxh3, true)->Apply(shapes);
BENCHMARK_CAPTURE(name_by, ray, Scheme::ray, false)->Apply(shapes);
BENCHMARK_CAPTURE(name_by, sha256, Scheme::sha256, false)->Apply(shapes);

void deflate(benchmark::State& state, Compression compression) {
  const std::string data = text(static_cast<std::size_t>(state.range(0)), 1);
  Deflater deflater(compression);
  RawBytes out;
  for (auto _ : state) {
    out.clear();
    deflater.compress_whole(std::as_bytes(std::span(data)), out);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.counters["ratio"] = static_cast<double>(out.size()) / static_cast<double>(data.size());
}
BENCHMARK_CAPTURE(deflate, fast, Compression::fast)->Arg(1000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(deflate, best, Compression::best)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void zip(benchmark::State& state, Compression compression) {
  const Path& root = tree(state.range(0), state.range(1));
  for (auto _ : state)
    benchmark::DoNotOptimize(
        must(pack_directory(root, package_options(compression), []() -> Result<ByteSink> {
          return ByteSink{.write = [](std::span<const std::byte>) -> Result<void> { return {}; }};
        })));
  count(state);
}
BENCHMARK_CAPTURE(zip, automatic, Compression::automatic)->Apply(shapes);
BENCHMARK_CAPTURE(zip, store, Compression::store)->Apply(shapes);

void unzip(benchmark::State& state) {
  const TempDir scratch = must(TempDir::create("/dev/shm"));  // to leave out the cost of the disk
  const Path package = scratch.path() / "package.zip";
  std::ofstream file(package, std::ios::binary);
  must(pack_directory(
      tree(state.range(0), state.range(1)), package_options(), [&]() -> Result<ByteSink> {
        return ByteSink{.write = [&](std::span<const std::byte> data) -> Result<void> {
          file.write(reinterpret_cast<const char*>(data.data()),
                     static_cast<std::streamsize>(data.size()));
          return {};
        }};
      }));
  file.close();
  for (auto _ : state) {
    must(unpack(package, scratch.path() / "target", {.threads = default_threads()}));
    state.PauseTiming();
    if (!remove_tree(scratch.path() / "target"))
      throw std::runtime_error("cannot remove the target");
    state.ResumeTiming();
  }
  count(state);
}
BENCHMARK(unzip)->Apply(shapes);

}  // namespace
}  // namespace rtenv::pkg

BENCHMARK_MAIN();
