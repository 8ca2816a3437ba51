#!/usr/bin/env python3
"""Compiles each C++ snippet of a Markdown page, as the body of a function.

usage: tests/library/snippets.py SOURCE_ROOT PAGE…
"""

import pathlib
import re
import subprocess
import sys

FRAME = """#include <cstdio>
{includes}
rtenv::Result<void> snippet_{number}();
rtenv::Result<void> snippet_{number}() {{
#line {line} "{page}"
{body}
  return {{}};
}}
"""


def snippets(text):
    for match in re.finditer(r"^```cpp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start(1)) + 1, match[1]


def main():
    root, pages = pathlib.Path(sys.argv[1]), sys.argv[2:]
    found = failed = 0
    for page in pages:
        for line, code in snippets(pathlib.Path(page).read_text()):
            found += 1
            lines = code.split("\n")
            includes = [text for text in lines if text.startswith("#include")]
            body = "\n".join("" if text.startswith("#include") else text for text in lines)
            source = FRAME.format(includes="\n".join(includes), number=found, line=line, page=page, body=body)
            done = subprocess.run(["c++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable",
                                   "-Wno-unused-but-set-variable", "-I", str(root / "include"), "-x", "c++", "-"],
                                  input=source, text=True, capture_output=True)
            if done.returncode != 0:
                failed += 1
                print(done.stderr)
    print(f"{found} snippets, {failed} don't compile")
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
