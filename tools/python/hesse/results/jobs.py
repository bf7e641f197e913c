"""Jobs from Python: `hesse.run` starts the program and opens what it wrote."""
from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import weakref
from pathlib import Path
from typing import Any, Literal, Mapping, Sequence, Union, overload

import numpy as np

from ..common import INPUT, USAGE, Failure, need, reason
from ..program import find_program
from .view import File, open

AnyPath = Union[str, "os.PathLike[str]"]
Job = Union[Mapping[str, Any], AnyPath]
COMMANDS = ("run", "train", "landscape", "theory")


class Scratch:
    """A temporary folder. It is removed with the last file that keeps it."""

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix="hesse-")
        self.remove = weakref.finalize(self, shutil.rmtree, self.name, ignore_errors=True)


class ProgramError(Failure):
    """The program ended with an error. Its text is the program's line, `status` its status.

    `command` has the words of the command, and `output` all that was printed to standard
    error.
    """

    def __init__(self, status: int, text: str, command: Sequence[str], output: str) -> None:
        super().__init__(status, text)
        self.command = list(command)
        self.output = output


def _program(given: AnyPath | None) -> str:
    """Return the path of the program, or fail with one line."""
    found = find_program(given)
    if found is None:
        raise Failure(USAGE, "found no program hesse, expected it on the PATH or in the variable "
                             "HESSE")
    return found


def _plain(value: Any) -> Any:
    """Return a value of a job that JSON does not know as one that it knows."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise Failure(USAGE, f"a job: found a value of the type {type(value).__name__}, expected "
                         "numbers, texts, lists and dictionaries")


def _own_output(job: Job, key: str, settings: Mapping[str, Any]) -> str | None:
    """Return the path of the output that a job names, from the caller's folder, or None."""
    if isinstance(job, Mapping):
        folder, content = "", job
    else:
        yaml = need("yaml", f"{os.fspath(job)}: reading output.{key}, which `output` replaces")
        folder = os.path.dirname(os.fspath(job))
        try:
            with _open_text(job) as file:
                content = yaml.safe_load(file)
        except yaml.YAMLError:
            return None  # the program says what is wrong
    section = content.get("output") if isinstance(content, Mapping) else None
    own = section.get(key) if isinstance(section, Mapping) else None
    own = settings.get(f"output.{key}", own)
    return os.path.join(folder, os.fspath(own)) if own is not None else None


def _open_text(path: AnyPath) -> Any:
    try:
        return Path(path).open(encoding="utf-8")
    except OSError as error:
        raise Failure(INPUT, f"{os.fspath(path)}: {reason(error)}") from None


def _error_line(lines: Sequence[str], status: int) -> str:
    """Return the program's line without its name; if there is none, the first line with words."""
    own = [line[len("hesse: "):] for line in lines if line.startswith("hesse: ")]
    if own:
        return own[-1]
    words = [line.strip() for line in lines if line.strip("- \t")]
    return words[0] if words else f"hesse ended with the status {status}"


def _execute(words: Sequence[str], text: str | None) -> None:
    """Run the program. An interrupt lets it save its work before it ends."""
    try:
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
            errors="replace", start_new_session=True)
    except OSError as error:
        raise Failure(USAGE, f"{words[0]}: {reason(error)}, expected a program") from None
    try:
        _, errors = process.communicate(text)
    except BaseException:
        process.send_signal(signal.SIGUSR1)
        process.communicate()
        raise
    if process.returncode:
        status = process.returncode
        raise ProgramError(status, _error_line(errors.splitlines(), status), words, errors)


@overload
def run(job: Job, ranks: int = ..., output: AnyPath | None = ...,
        set: Mapping[str, Any] = ..., program: AnyPath | None = ...,
        mpirun: str | Sequence[str] = ..., *,
        command: Literal["run", "landscape", "theory"] = ..., force: bool = ...,
        resume: bool = ...) -> File: ...


@overload
def run(job: Job, ranks: int = ..., output: AnyPath | None = ...,
        set: Mapping[str, Any] = ..., program: AnyPath | None = ...,
        mpirun: str | Sequence[str] = ..., *, command: Literal["train"], force: bool = ...,
        resume: bool = ...) -> File | dict[str, File]: ...


def run(job: Job, ranks: int = 1, output: AnyPath | None = None,
        set: Mapping[str, Any] = {}, program: AnyPath | None = None,
        mpirun: str | Sequence[str] = "mpirun", *,
        command: Literal["run", "train", "landscape", "theory"] = "run", force: bool = False,
        resume: bool = False) -> File | dict[str, File]:
    """Run a job and open what it wrote.

    Parameters
    ----------
    job
        Path of a job file, or a job as a dictionary of sections. Paths in a dictionary are
        relative to the current folder, those in a file to the folder of the file.
    ranks
        Number of MPI ranks. With one rank the program starts without `mpirun`.
    output
        File of the result, or folder of a training run. Without it, `output.file` or
        `output.folder` of the job counts; without this, too, the output is temporary and
        is removed when the returned file is closed.
    set
        Overrides such as {"model.seed": 2}, as `--set` of the command line.
    program
        Path of the program; `hesse.program.find_program` says where it is looked for
        without it.
    mpirun
        Command that starts ranks, as a text or as a list of words, such as
        "mpirun --oversubscribe". The words `-n RANKS` are added.
    command
        "run", "train", "landscape" or "theory".
    force
        Replace an older output.
    resume
        Go on with the finished work of a run that was stopped.

    Returns
    -------
    File
        The result, the landscape, the theory, or the log of the training run. A training
        job with several runs (lists of rates or seeds) returns a dictionary: the log of each
        run by the name of its folder.

    Raises
    ------
    ProgramError
        The program ended with an error: its one line and its exit status.
    hesse.common.Failure
        The program or the job file was not found.
    """
    if command not in COMMANDS:
        raise Failure(USAGE, f"found the command {command}, expected one of {', '.join(COMMANDS)}")
    if ranks < 1:
        raise Failure(USAGE, f"found {ranks} ranks, expected at least 1")
    key = "folder" if command == "train" else "file"
    place = os.fspath(output) if output is not None else _own_output(job, key, set)
    folder = None
    if place is None:
        folder = Scratch()
        place = os.path.join(folder.name, "run" if command == "train" else "result.h5")
    words = [_program(program), command]
    text = None
    if isinstance(job, Mapping):
        text = json.dumps(job, default=_plain, ensure_ascii=False, indent=1) + "\n"
        words.append("-")
    else:
        words.append(os.fspath(job))
    words += ["--output", place]
    for name, value in set.items():
        value = value if isinstance(value, str) else json.dumps(value, default=_plain)
        words += ["--set", f"{name}={value}"]
    words += ["--force"] * force + ["--resume"] * resume
    if ranks > 1:
        start = shlex.split(mpirun) if isinstance(mpirun, str) else list(mpirun)
        words = [*start, "-n", str(ranks), *words]
    try:
        _execute(words, text)
        return _opened(place, command, folder)
    except BaseException:
        if folder is not None:
            folder.remove()
        raise


def _opened(place: str, command: str,
            folder: Scratch | None) -> File | dict[str, File]:
    if command != "train":
        return open(place)._keep(folder)
    log = os.path.join(place, "log.h5")
    if os.path.exists(log):
        return open(log)._keep(folder)
    return {run.parent.name: open(run)._keep(folder) for run in sorted(Path(place).glob("*/log.h5"))}
