"""What the tests of the Python tools share."""
import contextlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
from hesse.commands import COMMANDS  # noqa: E402

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
        """Run a command in this process, because importing torch takes seconds."""
        module = importlib.import_module(COMMANDS[name.removeprefix("hesse-")])
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = module.main(list(arguments))
            except SystemExit as end:  # --help
                status = end.code
        return subprocess.CompletedProcess(arguments, status, out.getvalue(),
                                           err.getvalue())

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
