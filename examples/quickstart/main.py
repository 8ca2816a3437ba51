"""What a job looks like: a package from PyPI, a wheel that came with the directory, variables of its own."""
import datetime
import os
import sys

import greeting
import humanize

started = datetime.datetime.now() - datetime.timedelta(minutes=3)
print(greeting.hello(os.environ["GREETING_NAME"]))
print(f"humanize {humanize.__version__} says: that was {humanize.naturaltime(started)}")
print(f"python {sys.version.split()[0]}, isolated: {sys.prefix != sys.base_prefix}")
