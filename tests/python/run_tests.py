"""Run the tests of one module for ctest: run_tests.py test_convert.

The exit status is 77 if all tests are skipped, because libraries are missing.
"""
import sys
import unittest


def main():
    tests = unittest.defaultTestLoader.loadTestsFromName(sys.argv[1])
    result = unittest.TextTestRunner().run(tests)
    for reason in sorted({reason for _, reason in result.skipped}):
        print(reason)
    if not result.wasSuccessful():
        return 1
    return 77 if len(result.skipped) == result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
