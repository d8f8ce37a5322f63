"""Runs modules of Python's own test package, and prints what came of them without times. Status 77: not installed."""

import importlib.util
import io
import sys
import unittest


def names(pairs):
    return sorted(str(test) for test, _ in pairs)


for module in sys.argv[1:]:
    try:
        present = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        present = False
    if not present:
        print(f"no {module}: Python's test package is not installed (apt-get install libpython3-testsuite)")
        sys.exit(77)
    out, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
    try:
        suite = unittest.defaultTestLoader.loadTestsFromName(module)
        result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    finally:
        sys.stdout, sys.stderr = out, sys.__stderr__
    print(module, "run", result.testsRun, "skipped", len(result.skipped))
    print("  failures", names(result.failures))
    print("  errors", names(result.errors))
