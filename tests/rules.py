#!/usr/bin/env python3
"""Checks rules of the source code that the compiler doesn't: links of layers, public headers, `Fails:` lines, heavy headers,
iterators of folders, options of the tool in messages.

usage: tests/rules.py SOURCE_ROOT BUILD_ROOT [COMPILER]
BUILD_ROOT contains compile_commands.json. Prints each violation as FILE: MESSAGE; exit status 1 if there is one.
tests/rules_test.py shows for each check that it fails on a violation.
"""

import difflib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

# From the bottom up, as in CMakeLists.txt.
LAYERS = ["base", "pkg", "remote", "cache", "runtime_env", "envbuild", "job", "supervisor", "server", "client", "api", "capi", "cli"]

HEAVY = re.compile(r"(boost|CLI)/|sqlite3\.h$|nlohmann/json\.hpp$")
HEAVY_ALLOWED_IN = ["server", "client", "cli"]
# Headers of other layers that include a heavy one: the reason. Members of type nlohmann::json need no entry here.
HEAVY_EXCEPTIONS = {}


# Headers of tests.
FIXTURE = re.compile(r"_(fixture|model_users)\.hpp$")


def is_test(path):
    return path.name.endswith("_test.cpp")


def code_only(text, keep_strings=False):
    """`text` with the same length, but with spaces for comments and the content of string and character literals."""
    pattern = re.compile(
        r"//[^\n]*|/\*.*?\*/"
        r'|R"(?P<tag>[^()\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'", re.DOTALL)  # not a digit separator

    def blank(match):
        token = match[0]
        if keep_strings and not token.startswith("/"):
            return token
        return re.sub(r"[^\n]", " ", token)

    return pattern.sub(blank, text)


def includes(text, quote):
    """The headers that a file includes: quote '"' or '<'."""
    name = r'"([^"]+)"' if quote == '"' else r"<([^>]+)>"
    return re.findall(r"^\s*#\s*include\s*" + name, code_only(text, keep_strings=True), re.MULTILINE)


# Links


def linked_layers(cmake):
    """The rtenv::LAYER names that the targets of a layer's CMakeLists.txt link; its own, if a program links its library."""
    cmake = re.sub(r"#[^\n]*", "", cmake)
    calls = re.findall(r"\b(?:rtenv_layer|target_link_libraries)\s*\(([^()]*)\)", cmake)
    return {name for call in calls for name in re.findall(r"\brtenv::(\w+)", call)}


def check_links(layer, cmake, sources):
    """sources: file name -> text. A layer links exactly the layers whose headers it includes."""
    linked = linked_layers(cmake)
    included = {}
    for file, text in sorted(sources.items()):
        for header in includes(text, '"'):
            if header.startswith("rtenv/") and header not in PUBLIC_OF_BASE:
                header = "api/"  # which implements it
            included.setdefault(header.split("/")[0], file)
    problems = [f"{layer}/CMakeLists.txt: rtenv::{name} isn't linked, but {included[name]} includes its headers"
                for name in LAYERS if name in included and name != layer and name not in linked]
    problems += [f"{layer}/CMakeLists.txt: rtenv::{name} is linked, but no file includes its headers"
                 for name in LAYERS if name in linked and name != layer and name not in included]
    return problems


def reachable(layer, links):
    """The layers whose headers `layer` can include: its own, and those that it links directly or indirectly."""
    found, waiting = set(), [layer]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += links.get(name, ())
    return found


def check_order(links):
    """links: layer -> the layers that it links. A layer links only layers below it."""
    return [f"{layer}/CMakeLists.txt: links rtenv::{name}, which isn't below it"
            for layer in LAYERS for name in sorted(set(links.get(layer, ())) - {layer})
            if name not in LAYERS or LAYERS.index(name) > LAYERS.index(layer)]


def check_include_roots(layer, allowed, headers, compiler, flags):
    """headers: layer -> the names of its headers. With the include flags of `layer`, exactly the headers of the allowed
    layers can be included."""
    lines = []
    for name, files in headers.items():
        condition, problem = ("!", "can't include") if name in allowed else ("", "can include")
        lines.append("#if 0")
        for header in files:  # one report for each layer is enough
            lines += [f'#elif {condition}__has_include("{header}")', f'#error "{layer} {problem} {header}"']
        lines.append("#endif")
    # In an empty folder: a quoted include also finds files next to the including file.
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "check.cpp"
        source.write_text("\n".join(lines) + "\n")
        done = subprocess.run([compiler, "-std=c++20", "-E", "-o", "/dev/null", *flags, str(source)], cwd=folder, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode == 0:
        return []
    return re.findall(r'error: (?:#error )?"(.*)"', done.stderr) or [f"{layer}: the preprocessor fails: {done.stderr}"]


def include_flags(command, folder):
    """The -I and -isystem options of a compile command."""
    words, flags = shlex.split(command), []
    for i, word in enumerate(words):
        for option in ("-I", "-isystem"):
            if word == option:
                flags += [option, str(pathlib.Path(folder, words[i + 1]))]
            elif word.startswith(option) and len(word) > len(option):
                flags += [option, str(pathlib.Path(folder, word[len(option):]))]
    return flags


def check_header_filter(clang_tidy):
    """clang-tidy checks the headers of every layer."""
    match = re.search(r"^HeaderFilterRegex:\s*'([^']*)'", clang_tidy, re.MULTILINE)
    if not match:
        return [".clang-tidy: no HeaderFilterRegex"]
    return [f".clang-tidy: HeaderFilterRegex leaves out {layer}/" for layer in LAYERS
            if not re.search(match[1], f"/x/{layer}/name.hpp")]


# Public headers

# What every layer returns and logs is public, too.
PUBLIC_OF_BASE = ["rtenv/error.hpp", "rtenv/export.hpp", "rtenv/log.hpp", "rtenv/result.hpp"]
IMPLEMENTS_PUBLIC = ["api", "capi", "cli"]


def check_public_headers(headers):
    """headers: file name -> text. A program that includes one gets the standard library and other public headers only."""
    return [f"{file}: includes {name}" for file, text in sorted(headers.items())
            for name in includes(text, '"') + [n for n in includes(text, "<") if "." in n or "/" in n]
            if not name.startswith("rtenv/") and name != "sys/types.h"]


def check_use_of_public_headers(layer, sources):
    """sources: file name -> text. The layers don't depend on the interface that stands on them."""
    if layer in IMPLEMENTS_PUBLIC:
        return []
    return [f"{file}: includes {name}, which is above it" for file, text in sorted(sources.items())
            for name in includes(text, '"') if name.startswith("rtenv/") and (layer != "base" or name not in PUBLIC_OF_BASE)]


# Heavy headers


def check_heavy_headers(header, text, exceptions=HEAVY_EXCEPTIONS):
    """header: its path. A header doesn't include a heavy one, which every file that includes it would have to parse."""
    if header.split("/")[0] in HEAVY_ALLOWED_IN:
        return []
    heavy = [name for name in includes(text, "<") + includes(text, '"') if HEAVY.match(name)]
    # A member needs the complete type.
    if re.search(r"^\s+nlohmann::json \w+( =.*|\{.*)?;", code_only(text), re.MULTILINE):
        heavy = [name for name in heavy if name != "nlohmann/json.hpp"]
    if header in exceptions:
        return [] if heavy else [f"{header}: doesn't need its entry in HEAVY_EXCEPTIONS"]
    return [f"{header}: includes {name}" + ("; use nlohmann/json_fwd.hpp" if "json" in name else "") for name in heavy]


# Iterators of folders

FOLDER_ITERATORS = re.compile(r"\b(?:recursive_)?directory_iterator\b|\b(?:std::filesystem|fs)::(?:is_empty|remove_all|copy)\b")


def check_folder_iterators(sources):
    """sources: file name -> text. No use of std::filesystem's iterators, which end the process if memory runs out."""
    return [f"{file}: uses {name}; see base/folder_entries.hpp" for file, text in sorted(sources.items())
            for name in sorted(set(FOLDER_ITERATORS.findall(code_only(text))))]


# Options of the tool in messages

STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')
# Of other programs, which a message may tell to run.
OTHER_PROGRAMS = re.compile(r"\b(git|aws|uv|pip|compileall) ")
# Options of requirements files, and one of the tool in what only the tool's users read: a comment in a lock file.
OTHER_OPTIONS = ["--find-links", "--locked"]
TEXT_WITH_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def check_options_in_messages(sources):
    """sources: file name -> text. Errors of the library don't name options of the tool, which its callers don't have: a text with
    an option and a blank is a message, unless it names the program that has it."""
    problems = []
    for file, text in sorted(sources.items()):
        for match in STRINGS.finditer(code_only(text, keep_strings=True)):
            message = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', match[0]))
            option = TEXT_WITH_OPTION.search(message)
            if option and option[0] not in OTHER_OPTIONS and re.search(r"[a-z] [a-z]", message) and not OTHER_PROGRAMS.search(message):
                problems.append(f"{file}: the text '{message}' names the option {option[0]} of the tool")
    return problems


# `Fails:` lines


def error_codes(error_hpp):
    """The enumerators of Errc."""
    return re.findall(r"(\w+) =", re.search(r"enum class Errc[^{]*\{(.*?)\}", code_only(error_hpp), re.DOTALL)[1])


def fails_clause(comment):
    """What a doc comment says after "Fails:", up to the end of the sentence; None if it doesn't."""
    match = re.search(r"\bFails:\s*(.*?)(?:\.(?=\s+[A-Z`(])|\.?$)", " ".join(comment.split()))
    return match[1] if match else None


def named_codes(clause, codes):
    return {word for word in re.findall(r"\w+", clause) if word in codes}


def doubtful_words(clause, codes):
    """Words that look like a code but aren't one: misspelled codes, and words with '_' outside of "as NAME" references.
    Explanations in parentheses and names in backticks don't count."""
    plain = re.sub(r"`[^`]*`|\"[^\"]*\"|\([^()]*\)", " ", clause)
    outside = re.sub(r"\b(as|see|what|by|of)\b[^;]*", " ", plain)
    doubtful = []
    for word in re.findall(r"[A-Za-z_]\w*", plain):
        if word in codes:
            continue
        close = word.islower() and difflib.get_close_matches(word, codes, 1, 0.85)
        if close or ("_" in word and re.search(rf"\b{word}\b", outside)):
            doubtful.append(word)
    return doubtful


def literal_codes(body):
    """The codes of the errors that a function's body creates."""
    return set(re.findall(r"\b(?:fail\(|Error[({])\s*Errc::(\w+)", body))


def closing(code, at):
    """The index behind the bracket that closes the one at `at`."""
    pairs, depth = {"(": ")", "{": "}"}, 0
    for i in range(at, len(code)):
        if code[i] == code[at]:
            depth += 1
        elif code[i] == pairs[code[at]]:
            depth -= 1
            if depth == 0:
                return i + 1
    return len(code)


def parameters(text):
    """A parameter list without default arguments, namespaces and spaces, to compare a declaration with a definition."""
    text = re.sub(r"\s*=\s*(\{[^{}]*\}|\([^()]*\)|[^,(){}]+)+", "", text)
    return re.sub(r"\s+|\w+::", "", text)


def documented_functions(header):
    """Yields (qualified name, parameters, Fails clause, body in the header or "") of each function with a `Fails:` line.

    A comment documents the declarations that follow it up to an empty line or the next comment.
    """
    code = code_only(header)
    scopes, depth, position = [], 0, 0  # scopes: (brace depth inside, class name)
    comment, clause = [], None
    lines = header.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    number = 0
    while number < len(lines):
        start, line = starts[number], lines[number].strip()
        if line.startswith("//"):
            if not comment:
                clause = None
            comment.append(line.lstrip("/").strip())
            number += 1
            continue
        if comment:
            clause, comment = fails_clause("\n".join(comment)), []
        if not line or line in ("public:", "private:", "protected:"):
            clause = None
            number += 1
            continue
        # One declaration, or the head of a scope: up to ';' or '{' outside of parentheses.
        end, brackets = start, 0
        while end < len(code) and not (brackets == 0 and code[end] in ";{}"):
            brackets += {"(": 1, ")": -1}.get(code[end], 0)
            end += 1
        declaration = code[start:end]
        opens = end < len(code) and code[end] == "{"
        head = re.match(r"\s*(?:template\s*<.*>\s*)?(?:class|struct|namespace|enum|union)\b"
                        r"(?:\s+class)?(?:\s*\[\[\w+\]\])?\s*([\w:]*)", declaration, re.DOTALL)
        if line.startswith("#"):
            end = starts[number + 1] - 1
        elif head and opens and ("enum" in declaration.split() or "\n" not in code[end:closing(code, end)]):
            end = closing(code, end) - 1
        elif head and opens:
            depth += 1
            kind = re.search(r"\b(class|struct)\b", declaration) and "namespace" not in declaration.split()
            scopes.append((depth, head[1] if kind else ""))
            clause = None
        elif end < len(code) and code[end] == "}":
            if scopes and scopes[-1][0] == depth:
                scopes.pop()
            depth = max(0, depth - 1)
        else:
            flat = declaration
            while re.search(r"<[^<>()]*(\([^()]*\))?[^<>()]*>", flat):
                flat = re.sub(r"<[^<>()]*(\([^()]*\))?[^<>()]*>", lambda m: " " * len(m[0]), flat)
            name = re.search(r"\b(\w+)\s*\(", flat)
            body = ""
            if opens:
                body_end = closing(code, end)
                body = code[end:body_end]
                end = body_end - 1
            if clause is not None and name and re.search(r"\b(Result|Failure|auto)\b", declaration[:name.start()]):
                opening = flat.index("(", name.start())
                owner = "::".join(scope for _, scope in scopes if scope)
                yield (f"{owner}::{name[1]}" if owner else name[1],
                       parameters(declaration[opening + 1:closing(flat, opening) - 1]), clause, body)
        # Continue on the line behind the end.
        while number < len(lines) and starts[number] <= end:
            number += 1


def definitions(source):
    """Yields (name as written, parameters, body) of each function that a .cpp file defines at namespace level."""
    code = code_only(source)
    for match in re.finditer(r"^(?![\s#}])[^\n;{}]*?\b((?:\w+::)*\w+)\s*\(", code, re.MULTILINE):
        opening = match.end() - 1
        after = closing(code, opening)
        tail = re.compile(r"[^;{}]*").match(code, after)
        if tail.end() < len(code) and code[tail.end()] == "{":
            yield match[1], parameters(code[opening + 1:after - 1]), code[tail.end():closing(code, tail.end())]


def check_fails(headers, sources, codes):
    """headers, sources: file name -> text, of one layer. Each code that a function's own body literally returns is in its
    `Fails:` line, and every code there exists."""
    defined = [definition for text in sources.values() for definition in definitions(text)]
    problems = []
    for file, text in sorted(headers.items()):
        for name, declared, clause, body in documented_functions(text):
            problems += [f"{file}: {name}: '{word}' in \"Fails: {clause}\" isn't an error code"
                         for word in doubtful_words(clause, codes)]
            last = "::".join(name.split("::")[-2:])
            found = [d for d in defined if d[0] == name or d[0] == last or d[0].endswith("::" + last)]
            same = [d for d in found if d[1] == declared]
            bodies = [body] + [d[2] for d in (same or found)]
            returned = set().union(*(literal_codes(b) for b in bodies))
            problems += [f"{file}: {name}: returns {code}, which \"Fails: {clause}\" doesn't name"
                         for code in codes if code in returned - named_codes(clause, codes)]
    return problems


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    compiler = sys.argv[3] if len(sys.argv) == 4 else "c++"
    texts = {layer: {f"{layer}/{path.name}": path.read_text()
                     for path in sorted((root / layer).glob("*.[ch]pp")) if not is_test(path)} for layer in LAYERS}
    headers = {layer: {file: text for file, text in texts[layer].items() if file.endswith(".hpp")} for layer in LAYERS}
    cmake = {layer: (root / layer / "CMakeLists.txt").read_text() for layer in LAYERS}
    links = {layer: linked_layers(cmake[layer]) for layer in LAYERS}
    public = {f"include/rtenv/{path.name}": path.read_text() for path in sorted((root / "include/rtenv").glob("*.hpp"))}
    codes = error_codes(public["include/rtenv/error.hpp"])
    flags = {}
    for unit in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(unit["directory"], unit["file"])
        layer = file.parent.name
        if layer in LAYERS and f"{layer}/{file.name}" in texts[layer] and re.search(f"rtenv[_-]{layer}\\.dir", unit["command"]):
            flags.setdefault(layer, include_flags(unit["command"], unit["directory"]))

    problems = check_header_filter((root / ".clang-tidy").read_text()) + check_order(links) + check_public_headers(public)
    problems += check_fails(public, {file: text for file, text in texts["api"].items() if file.endswith(".cpp")}, codes)
    for layer in LAYERS:
        problems += check_links(layer, cmake[layer], texts[layer]) + check_use_of_public_headers(layer, texts[layer])
        if layer in flags:
            problems += check_include_roots(layer, reachable(layer, links), headers, compiler, flags[layer])
        else:
            problems.append(f"{layer}: not in {build}/compile_commands.json")
        if layer != "cli":
            problems += check_options_in_messages({file: text for file, text in texts[layer].items() if not FIXTURE.search(file)})
        problems += check_folder_iterators({file: text for file, text in texts[layer].items() if not FIXTURE.search(file)})
        sources = {file: text for file, text in texts[layer].items() if file.endswith(".cpp")}
        problems += check_fails(headers[layer], sources, codes)
        for file, text in headers[layer].items():
            problems += check_heavy_headers(file, text)
    for file in HEAVY_EXCEPTIONS:
        if not (root / file).exists():
            problems.append(f"{file}: in HEAVY_EXCEPTIONS, but doesn't exist")
    print("\n".join(problems) or "all rules are kept")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
