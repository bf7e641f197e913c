"""Errors, exit statuses and files that all commands share."""
import argparse
import importlib
import os
import sys
from typing import Any

USAGE, INPUT, NUMERICAL, OUTPUT = 2, 3, 5, 6  # exit statuses, the same as those of hesse


class Failure(Exception):
    """An error with its exit status; its text is one line for the user."""

    def __init__(self, status: int, text: object) -> None:
        super().__init__(" ".join(str(text).split()))
        self.status = status


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        raise Failure(USAGE, f"{message}; --help explains the options")


def run(prog, command, arguments=None):
    """Run a command that returns its summary, and return the exit status.

    arguments: the words of the command line; by default those of this process.
    """
    try:
        print(f"{prog}: {command(sys.argv[1:] if arguments is None else arguments)}", flush=True)
        return 0
    except Failure as failure:
        print(f"{prog}: {failure}", file=sys.stderr)
        return failure.status
    except OSError as error:
        print(f"{prog}: standard output: {error.strerror}", file=sys.stderr)
        return OUTPUT


def need(module: str, why: str) -> Any:
    """Import a library, or fail with one line that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = {"yaml": "pyyaml"}.get(module, module.split(".")[0])
        raise Failure(INPUT, f"{why}: found no Python library {package}, expected it "
                             f"to be installed (pip install {package})") from None


def reason(error: OSError) -> str:
    """Return the text of an operating system error without the path."""
    return error.strerror or str(error)


def read_bytes(path, size=-1):
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError as error:
        raise Failure(INPUT, f"{path}: {reason(error)}") from None


def identity(path):
    """Return the device and the number of a file, which all its names share."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Outputs:
    """Files that are written under temporary names and renamed all together.

    inputs: the files that the command reads; they are never replaced.
    """

    def __init__(self, force, inputs):
        self.force = force
        self.inputs = {identity(path): path for path in inputs}
        self.temporary = {}  # final path -> temporary path

    def check(self, path):
        """Fail if the path exists and may not be replaced."""
        found = identity(path)
        if found and found in self.inputs:
            raise Failure(USAGE, f"{path}: found the input file {self.inputs[found]}, "
                                 "expected another file for the output")
        if os.path.lexists(path) and not self.force:
            raise Failure(OUTPUT, f"{path}: found a file of this name, expected none "
                                  "(--force replaces it)")

    def write(self, path, writer):
        """Call writer(temporary path) now; commit() gives the file its name."""
        self.check(path)
        folder, name = os.path.split(os.path.abspath(path))
        temporary = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
        self.temporary[path] = temporary
        try:
            os.makedirs(folder, exist_ok=True)
            writer(temporary)
        except OSError as error:
            raise Failure(OUTPUT, f"{path}: found the error '{reason(error)}', "
                                  "expected to write the file") from None

    def commit(self):
        mask = os.umask(0)
        os.umask(mask)
        for path, temporary in list(self.temporary.items()):
            try:
                os.chmod(temporary, 0o666 & ~mask)  # safetensors makes files private
                os.replace(temporary, path)
            except OSError as error:
                raise Failure(OUTPUT, f"{path}: {reason(error)}") from None
            del self.temporary[path]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for temporary in self.temporary.values():
            if os.path.exists(temporary):
                os.remove(temporary)
