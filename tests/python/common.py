"""What the tests of the Python tools share."""
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.path.join(ROOT, "tools", "python", "bin")
HESSE = os.environ.get("HESSE")


def needs(*modules):
    """Skip a test if a library is missing."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return unittest.skipIf(missing, f"skipped: no {', '.join(missing)}")


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return self.path(name)

    def command(self, name, *arguments):
        return subprocess.run([sys.executable, os.path.join(BIN, name), *arguments],
                              capture_output=True, text=True, timeout=300)

    def succeeds(self, name, *arguments):
        done = self.command(name, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1)
        return done.stdout

    def fails(self, status, *arguments):
        """Check the status, and return the one line of the error."""
        done = self.command(*arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        left = [name for _, _, names in os.walk(self.folder) for name in names
                if name.endswith(".tmp")]
        self.assertEqual(left, [])
        return done.stderr
