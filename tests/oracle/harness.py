"""Common parts of the generated comparisons: arguments, a scratch folder, a case for each seed, and the closing line."""
import argparse, sys, tempfile
from pathlib import Path


def main(doc, check, cases, more=()):
    """check(tool, scratch, seed) and every work(tool, scratch) of `more`, (title, work) pairs, return a list of problems.

    `cases` is the number of seeds unless --cases says otherwise. Ends the program: 1 where there was a problem.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", metavar="RTENV")
    parser.add_argument("--cases", type=int, default=cases)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        work = [(f"seed {seed}", lambda tool, scratch, seed=seed: check(tool, scratch, seed))
                for seed in range(options.seed, options.seed + options.cases)]
        for title, one in [*work, *more]:
            problems = one(options.tool, Path(folder))
            passed, failed = (passed, failed + 1) if problems else (passed + 1, failed)
            for problem in problems[:5]:
                print(f"{title}: {problem}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)
