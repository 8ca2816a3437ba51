"""Measures Ray's packaging inside its process; bench/peers.py starts this with a Python that has Ray.

usage: ray_peer.py DIR SCRATCH
Reads commands from standard input, "name", "zip" or "unzip TARGET", and prints the seconds that each took.
"""
import logging, sys, time
from pathlib import Path

from ray._private.ray_constants import get_runtime_env_default_excludes
from ray._private.runtime_env import packaging

logging.disable(logging.CRITICAL)
tree, package = sys.argv[1], Path(sys.argv[2]) / "ray.zip"
excludes = get_runtime_env_default_excludes()
print("ready", flush=True)
for line in sys.stdin:
    operation, _, target = line.strip().partition(" ")
    if operation == "zip":
        package.unlink(missing_ok=True)
    begin = time.perf_counter()
    if operation == "name":
        packaging.get_uri_for_directory(tree, include_gitignore=True, excludes=excludes)
    elif operation == "zip":
        packaging.create_package(tree, package, include_gitignore=True, excludes=excludes)
    else:
        packaging.unzip_package(str(package), target, remove_top_level_directory=False, unlink_zip=False)
    print(time.perf_counter() - begin, flush=True)
