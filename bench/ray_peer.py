"""Ray's own packaging, timed inside its process: bench/peers.py starts this with a Python that has Ray in it.

usage: ray_peer.py DIR SCRATCH RUNS         prints {"name": [seconds…], "zip": […], "unzip": […], "zip_bytes": n}
"""
import json, logging, sys, time
from pathlib import Path

from ray._private.ray_constants import get_runtime_env_default_excludes
from ray._private.runtime_env import packaging

logging.disable(logging.CRITICAL)
tree, scratch, runs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
excludes = get_runtime_env_default_excludes()
package = scratch / "ray.zip"


def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def zip_it():
    package.unlink(missing_ok=True)
    packaging.create_package(tree, package, include_gitignore=True, excludes=excludes)


result = {"name": [seconds(lambda: packaging.get_uri_for_directory(tree, include_gitignore=True, excludes=excludes)) for _ in range(runs + 1)][1:],
          "zip": [seconds(zip_it) for _ in range(runs + 1)][1:], "zip_bytes": package.stat().st_size,
          "unzip": [seconds(lambda: packaging.unzip_package(str(package), str(scratch / f"ray{i}"), remove_top_level_directory=False, unlink_zip=False))
                    for i in range(runs)]}
print(json.dumps(result))
