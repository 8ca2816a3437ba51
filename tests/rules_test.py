#!/usr/bin/env python3
"""Tests of tests/rules.py: each check, on made-up sources with and without a violation.

usage: tests/rules_test.py [COMPILER]
"""

import pathlib
import sys
import tempfile
import unittest

import rules

COMPILER = "c++"
CODES = ["invalid_argument", "not_found", "corrupt", "cancelled"]


class Layers(unittest.TestCase):
    CMAKE = """
# rtenv::cache in a comment
rtenv_layer(pkg
  SOURCES
    scan.cpp
  LINKS
    rtenv::base
  PRIVATE_LINKS
    rtenv::remote
    ZLIB::ZLIB
)
"""

    def test_reads_both_kinds_of_links(self):
        self.assertEqual(rules.linked_layers(self.CMAKE), {"base", "remote"})
        self.assertEqual(rules.linked_layers("target_link_libraries(rtenv PRIVATE rtenv_settings rtenv::base CLI11::CLI11)"), {"base"})

    def test_links_match_the_includes(self):
        sources = {"pkg/scan.cpp": '#include "pkg/scan.hpp"\n#include <string>\n', "pkg/scan.hpp": '#include "base/file.hpp"\n#include "remote/uri.hpp"\n'}
        self.assertEqual(rules.check_links("pkg", self.CMAKE, sources), [])

    def test_a_missing_link_is_found(self):
        sources = {"pkg/a.cpp": '#include "base/file.hpp"\n#include "remote/uri.hpp"\n', "pkg/b.cpp": '#include "cache/cache.hpp"\n'}
        self.assertEqual(rules.check_links("pkg", self.CMAKE, sources),
                         ["pkg/CMakeLists.txt: rtenv::cache isn't linked, but pkg/b.cpp includes its headers"])

    def test_a_superfluous_link_is_found(self):
        sources = {"pkg/a.cpp": '#include "base/file.hpp"\n// #include "remote/uri.hpp"\n'}
        self.assertEqual(rules.check_links("pkg", self.CMAKE, sources),
                         ["pkg/CMakeLists.txt: rtenv::remote is linked, but no file includes its headers"])

    def test_a_link_upwards_is_found(self):
        self.assertEqual(rules.check_order({"pkg": {"base"}, "cache": {"pkg", "base"}}), [])
        self.assertEqual(rules.check_order({"cli": {"cli", "base"}}), [])  # a program of the layer's own library
        self.assertEqual(rules.check_order({"pkg": {"cache"}}), ["pkg/CMakeLists.txt: links rtenv::cache, which isn't below it"])

    def test_indirect_links_are_reachable(self):
        links = {"cache": {"pkg"}, "pkg": {"base"}, "base": set(), "job": {"cache"}}
        self.assertEqual(rules.reachable("cache", links), {"cache", "pkg", "base"})

    def test_include_roots(self):
        with tempfile.TemporaryDirectory() as folder:
            for layer in ("base", "pkg"):
                path = pathlib.Path(folder, layer, layer)
                path.mkdir(parents=True)
                (path / "x.hpp").write_text("")
            headers = {"base": ["base/x.hpp"], "pkg": ["pkg/x.hpp"]}
            base, both = [f"-I{folder}/base"], [f"-I{folder}/base", f"-I{folder}/pkg"]
            self.assertEqual(rules.check_include_roots("base", {"base"}, headers, COMPILER, base), [])
            self.assertEqual(rules.check_include_roots("base", {"base"}, headers, COMPILER, both), ["base can include pkg/x.hpp"])
            self.assertEqual(rules.check_include_roots("pkg", {"base", "pkg"}, headers, COMPILER, base), ["pkg can't include pkg/x.hpp"])

    def test_include_flags_of_a_compile_command(self):
        self.assertEqual(rules.include_flags("c++ -DX -I/a/base -isystem /usr/x -Irel -o x.o -c x.cpp", "/build"),
                         ["-I", "/a/base", "-isystem", "/usr/x", "-I", "/build/rel"])

    def test_header_filter_names_every_layer(self):
        every = "HeaderFilterRegex: '(" + "|".join(rules.LAYERS) + r")/[a-z_0-9]+\.hpp$'"
        self.assertEqual(rules.check_header_filter(every), [])
        self.assertEqual(rules.check_header_filter(every.replace("|server", "")), [".clang-tidy: HeaderFilterRegex leaves out server/"])
        self.assertEqual(rules.check_header_filter("Checks: '*'"), [".clang-tidy: no HeaderFilterRegex"])


class PublicHeaders(unittest.TestCase):
    def test_they_include_the_standard_library_and_each_other_only(self):
        allowed = '#include <string>\n#include <sys/types.h>\n#include "rtenv/error.hpp"\n'
        self.assertEqual(rules.check_public_headers({"include/rtenv/x.hpp": allowed}), [])
        for line in ('#include "base/error.hpp"', "#include <fmt/format.h>", "#include <nlohmann/json.hpp>"):
            self.assertEqual(len(rules.check_public_headers({"include/rtenv/x.hpp": allowed + line + "\n"})), 1, line)

    def test_layers_below_do_not_include_them(self):
        use = lambda layer, header: rules.check_use_of_public_headers(layer, {f"{layer}/x.cpp": f'#include "{header}"\n'})
        self.assertEqual(use("base", "rtenv/error.hpp") + use("api", "rtenv/cache.hpp") + use("cli", "rtenv/cache.hpp"), [])
        self.assertEqual(len(use("base", "rtenv/cache.hpp") + use("pkg", "rtenv/error.hpp")), 2)


class HeavyHeaders(unittest.TestCase):
    def test_heavy_headers_are_found(self):
        for name in ("boost/asio.hpp", "sqlite3.h", "CLI/CLI.hpp", "nlohmann/json.hpp"):
            self.assertEqual(len(rules.check_heavy_headers("base/x.hpp", f"#include <{name}>\n")), 1, name)

    def test_light_headers_and_upper_layers_are_allowed(self):
        self.assertEqual(rules.check_heavy_headers("base/x.hpp", "#include <nlohmann/json_fwd.hpp>\n// #include <sqlite3.h>\n"), [])
        self.assertEqual(rules.check_heavy_headers("server/x.hpp", "#include <boost/asio.hpp>\n"), [])

    def test_a_json_member_needs_the_full_header(self):
        text = "#include <nlohmann/json.hpp>\nstruct X {\n  nlohmann::json value;\n};\n"
        self.assertEqual(rules.check_heavy_headers("base/x.hpp", text), [])
        self.assertEqual(len(rules.check_heavy_headers("base/x.hpp", text.replace("json value", "json& value"))), 1)
        self.assertEqual(len(rules.check_heavy_headers("base/x.hpp", text + "#include <sqlite3.h>\n")), 1)

    def test_an_exception_that_is_not_needed_is_found(self):
        exceptions = {"base/x.hpp": "a reason"}
        self.assertEqual(rules.check_heavy_headers("base/x.hpp", "#include <nlohmann/json.hpp>\n", exceptions), [])
        self.assertEqual(len(rules.check_heavy_headers("base/x.hpp", "#include <string>\n", exceptions)), 1)


class Fails(unittest.TestCase):
    def problems(self, header, source, codes=CODES):
        return rules.check_fails({"pkg/x.hpp": header}, {"pkg/x.cpp": source}, codes)

    def test_codes_are_the_enumerators(self):
        self.assertEqual(rules.error_codes("enum class Errc : std::uint8_t {\n  invalid_argument = 0,  // input, wrong = 7\n  corrupt = 1,\n};\nint x;"),
                         ["invalid_argument", "corrupt"])

    def test_the_clause_is_one_sentence(self):
        self.assertEqual(rules.fails_clause("Opens it. Fails: not_found (e.g. no\nfile), corrupt. `x` stays."), "not_found (e.g. no file), corrupt")
        self.assertIsNone(rules.fails_clause("Fails never."))

    def test_words_that_are_not_codes(self):
        self.assertEqual(rules.doubtful_words("not_found, no_such_code", CODES), ["no_such_code"])
        self.assertEqual(rules.doubtful_words("canceled, corupt", CODES), ["canceled", "corupt"])
        self.assertEqual(rules.doubtful_words("not_found (max_bytes), `max_age`; as fetch_file and find_uv; see Cache::get_or_build; cancelled", CODES), [])

    HEADER = """
#pragma once
namespace rtenv::pkg {
enum class Kind : int { a, b };
class Reader {
 public:
  /// Reads it. Fails: not_found,
  /// corrupt.
  static Result<Reader> open(const Path& path, int count = 3);
  /// Something else.
  Result<void> close();
  struct Part {
    /// Fails: corrupt.
    Result<std::optional<int>> check() const { return fail(Errc::corrupt, "x"); }
  };
};
/// Fails: cancelled.
Result<void> wait(const std::function<void(int)>& report);
Result<void> wait_twice();

Result<void> undocumented();
}
"""
    SOURCE = """
namespace rtenv::pkg {
namespace {
Result<void> helper() { return fail(Errc::invalid_argument, "helper's own"); }
}
Result<Reader> Reader::open(const rtenv::Path& path, int count) {
  // return fail(Errc::cancelled, "a comment");
  if (count == '}') return fail(Errc::not_found, "Errc::cancelled } in a string {}", path);
  return fail(Errc::corrupt, "x");
}
Result<void> Reader::close() { return fail(Errc::invalid_argument, "x"); }
Result<void> wait(const std::function<void(int)>& report) {
  return Failure(Error(Errc::cancelled, "x"));
}
Result<void> wait_twice() { return wait({}); }
Result<void> undocumented() { return fail(Errc::invalid_argument, "x"); }
}
"""

    def test_documented_functions(self):
        self.assertEqual([f[0] for f in rules.documented_functions(self.HEADER)], ["Reader::open", "Reader::Part::check", "wait", "wait_twice"])

    def test_definitions(self):
        self.assertEqual([d[0] for d in rules.definitions(self.SOURCE)],
                         ["helper", "Reader::open", "Reader::close", "wait", "wait_twice", "undocumented"])

    def test_an_accurate_header_has_no_problems(self):
        self.assertEqual(self.problems(self.HEADER, self.SOURCE), [])

    def test_a_code_that_is_not_named_is_found(self):
        for name, old, new in (
                ("Reader::open", '"x");\n}\nResult<void> Reader::close', '"x");\n  return fail(\n      Errc::cancelled, "x");\n}\nResult<void> Reader::close'),
                ("wait", "return Failure(Error(Errc::cancelled", "return Failure(Error{Errc::invalid_argument"),
                ("wait_twice", "return wait({})", 'return fail(Errc::not_found, "x")')):
            self.assertIn(old, self.SOURCE)
            problems = self.problems(self.HEADER, self.SOURCE.replace(old, new))
            self.assertEqual(len(problems), 1, problems)
            self.assertTrue(problems[0].startswith(f"pkg/x.hpp: {name}: returns "), problems)

    def test_a_body_in_the_header_counts(self):
        problems = self.problems(self.HEADER.replace("return fail(Errc::corrupt", "return fail(Errc::not_found"), self.SOURCE)
        self.assertEqual(problems, ['pkg/x.hpp: Reader::Part::check: returns not_found, which "Fails: corrupt" doesn\'t name'])

    def test_overloads_are_distinguished(self):
        header = "/// Fails: corrupt.\nResult<void> f(int x);\n\n/// Fails: cancelled.\nResult<void> f(const std::string& x);\n"
        source = 'Result<void> f(int x) { return fail(Errc::corrupt, "x"); }\nResult<void> f(const string& x) { return fail(Errc::cancelled, "x"); }\n'
        self.assertEqual(self.problems(header, source), [])
        self.assertEqual(len(self.problems(header, source.replace("Errc::corrupt", "Errc::cancelled"))), 1)

    def test_a_code_that_does_not_exist_is_found(self):
        problems = self.problems(self.HEADER.replace("Fails: cancelled", "Fails: cancelled, not_there"), self.SOURCE)
        self.assertEqual(len(problems), 2)  # of both functions
        self.assertIn("'not_there'", problems[0])


class FolderIterators(unittest.TestCase):
    def test_uses_are_found(self):
        for use in ("for (const auto& e : std::filesystem::directory_iterator(folder)) {}", "fs::recursive_directory_iterator at;",
                    "return std::filesystem::is_empty(folder);", "fs::remove_all(folder);"):
            self.assertEqual(len(rules.check_folder_iterators({"cache/a.cpp": use})), 1, use)

    def test_others_are_allowed(self):
        for use in ("// as directory_iterator\n", "std::filesystem::remove(path, error);", "std::filesystem::create_directory(path);"):
            self.assertEqual(rules.check_folder_iterators({"cache/a.cpp": use}), [], use)


class OptionsInMessages(unittest.TestCase):
    def test_an_option_of_the_tool_is_found(self):
        for text in ('.hint("try again later; rtenv serve --max-queued");', '.hint("raise it, "\n    "by --max-queued");'):
            self.assertEqual(len(rules.check_options_in_messages({"server/a.cpp": text})), 1, text)

    def test_arguments_and_other_programs_are_allowed(self):
        for text in ('{"pip", "install", "--quiet", "--target"}', '.hint("aws configure --profile {} adds one");', "// see --max-queued of the tool"):
            self.assertEqual(rules.check_options_in_messages({"server/a.cpp": text}), [], text)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        COMPILER = sys.argv.pop(1)
    unittest.main()
