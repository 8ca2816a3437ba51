#!/usr/bin/env python3
"""The bytes of a package depend neither on the processor nor on the version of ISA-L.

usage: package_bytes.py RTENV ISAL_FOLDER
Packs part of Python's own library natively, under models of other processors (qemu-user), and with the ISA-L that
tests/isal/install built. A processor without SSE4.2 may compress to other bytes, but gives the same name.
Prints "N passed, M failed".
"""
import hashlib, os, pathlib, platform, shutil, subprocess, sys, sysconfig, tempfile

MODELS = ["Nehalem", "IvyBridge", "Haswell"]  # SSE4.2, AVX, AVX2
WITHOUT_SSE42 = "Conroe"


def main():
    rtenv, isal = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    if platform.machine() != "x86_64":
        print("the models are those of x86-64 processors")
        return 77
    passed = failed = 0

    def expect(what, seen, expected):
        nonlocal passed, failed
        if seen == expected:
            passed += 1
        else:
            failed += 1
            print(f"FAILED {what}: {seen} instead of {expected}")

    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        library, tree = pathlib.Path(sysconfig.get_path("stdlib")), work / "tree"
        shutil.copytree(library / "asyncio", tree / "asyncio", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(library / "lib-dynload", tree / "lib-dynload")
        for source in sorted(library.glob("*.py")):
            shutil.copy(source, tree)
        tree.joinpath("numbers").write_text("".join(f"{i}\n" for i in range(600_000)))  # several pieces

        def pack(compression, *before, **variables):
            done = subprocess.run([*before, rtenv, "pack", tree, "--compress", compression, "-o", work / "p.zip"],
                                  env=dict(os.environ, RTENV_CACHE_DIR=str(work / "cache"), **variables),
                                  capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return done.stdout.strip(), hashlib.sha256(work.joinpath("p.zip").read_bytes()).hexdigest()

        def libraries(**variables):
            return subprocess.run(["ldd", rtenv], env=dict(os.environ, **variables), capture_output=True, text=True).stdout

        other = {"LD_LIBRARY_PATH": f"{isal}/lib"}
        assert f"{isal}/lib/libisal" in libraries(**other), "the second ISA-L isn't loaded"
        for compression in ["auto", "fast", "best", "store"]:
            native = pack(compression)
            expect(f"{compression}, the other ISA-L", pack(compression, **other), native)
            for model in MODELS if compression != "best" else MODELS[:1]:
                expect(f"{compression}, {model}", pack(compression, "qemu-x86_64", "-cpu", model), native)
            name, content = pack(compression, "qemu-x86_64", "-cpu", WITHOUT_SSE42)
            expect(f"name with {compression}, {WITHOUT_SSE42}", name, native[0])
            if compression == "store":
                expect(f"store, {WITHOUT_SSE42}", content, native[1])
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
