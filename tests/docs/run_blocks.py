#!/usr/bin/env python3
"""Run the code blocks of a page of the documentation, in their order.

    tests/docs/run_blocks.py HESSE MPIEXEC [PAGE...]      (all pages without PAGE; -v prints every block)

Every page has a folder of its own with copies of docs/ and jobs/ and with links to the rest of the
project; `hesse` and `mpirun` are on the PATH. All blocks of `sh` run in one shell, and all blocks of
`python` in one Python, which is the one that runs this program. tests/docs/before/PAGE.sh makes the
files that a reader of the page has. A comment before a block says more:

    <!-- not run: REASON -->     the block is counted, and not run
    <!-- needs: NAME ... -->     it is skipped where there is no program and no module of Python with the
                                 name; so is a block of Python that imports a missing module
    <!-- file: NAME -->          it is the content of a file, and is written

A block of YAML may only have known keys of a job. A command in an indented block is an error, because
it would not be run. The exit status is 1 after a failure, and 77 if everything was skipped.
"""
import ast
import glob
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

root = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(root, "tools", "site.d"))
import pages  # noqa: E402

LIMIT = 120  # seconds that a block may take
NEVER = {"text", "json", "c", "bibtex"}  # languages that are samples, and are not run
OTHER = {"julia", "matlab", "octave", "cmake", "r"}  # languages that need a reason
COMMAND = re.compile(r"^(\$ )?(hesse|mpirun|srun|sbatch|apt-get |apt |sudo |rattler-build |eb |spack |apptainer |build/|tools/|tests/|python3? |pip |cmake |ctest |"
                     r"export |import \w+$|from \w[\w.]* import )", re.MULTILINE)

PYTHON = r"""
import contextlib, sys, traceback
space = {"__name__": "__main__"}
for line in sys.stdin:
    script, output = line.rstrip("\n").split("\t")
    ok = True
    with open(output, "w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        try:
            exec(compile(open(script).read(), script, "exec"), space)
        except BaseException:
            traceback.print_exc()
            ok = False
    print("ok" if ok else "failed", flush=True)
"""


def all_pages():
    """Return the pages whose blocks are run."""
    names = ["jobs/README.md", "tools/python/README.md", "tests/README.md"]
    for pattern in ("*.md", "docs/**/*.md"):
        names += [os.path.relpath(path, root)
                  for path in glob.glob(os.path.join(root, pattern), recursive=True)]
    return sorted(names)


class Session:
    """A shell or a Python that runs one block after the other in a folder."""

    def __init__(self, words, folder, environment):
        self.process = subprocess.Popen(words, cwd=folder, env=environment, text=True, start_new_session=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, line):
        """Send a line; return whether `ok` came back within the limit."""
        timer = threading.Timer(LIMIT, os.killpg, [self.process.pid, signal.SIGKILL])
        timer.start()
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return self.process.stdout.readline().strip() == "ok"
        except BrokenPipeError:
            return False
        finally:
            timer.cancel()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def missing(block):
    """Return the programs and the modules of Python that a block needs and that are not there."""
    names = []
    found = re.match(r"needs: (.*)", block.comment)
    if found:
        names = found.group(1).replace(",", " ").split()
    if block.language == "python":
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.Import):
                names += [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module.split(".")[0])
    return [name for name in names if name != "hesse" and importlib.util.find_spec(name) is None
            and shutil.which(name) is None]


def unknown_keys(value, schema, path=""):
    """Return the keys of a job that the schema of jobs does not have."""
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    bad = []
    for key, inner in value.items():
        known = schema["properties"].get(key)
        bad += [path + str(key)] if known is None else unknown_keys(inner, known, f"{path}{key}.")
    return bad


def check_yaml(block, schema):
    """Return what is wrong with a block of YAML, which may hold several documents."""
    try:
        import yaml
    except ImportError:
        return ""
    try:
        value = yaml.safe_load(block.text)
    except yaml.YAMLError as error:
        return f"found no YAML: {error}"
    bad = unknown_keys(value, schema)
    return f"found the keys {', '.join(bad)}, expected keys of a job" if bad else ""


class Page:
    """A page, its folder and its sessions."""

    def __init__(self, name, hesse, mpiexec, folder):
        self.name, self.folder = name, folder
        for entry in os.listdir(root):
            path = os.path.join(root, entry)
            if entry in ("docs", "jobs"):
                shutil.copytree(path, os.path.join(folder, entry))
            elif not entry.startswith((".", "build")) and not entry.endswith(".h5"):
                os.symlink(path, os.path.join(folder, entry))
        build = os.path.dirname(hesse)
        os.mkdir(os.path.join(folder, "build"))  # so that no block changes the build itself
        for entry in os.listdir(build):
            if os.path.isfile(os.path.join(build, entry)) and os.access(os.path.join(build, entry), os.X_OK):
                os.symlink(os.path.join(build, entry), os.path.join(folder, "build", entry))
        tools = os.path.join(folder, ".bin")
        os.mkdir(tools)
        os.symlink(hesse, os.path.join(tools, "hesse"))
        os.symlink(mpiexec, os.path.join(tools, "mpirun"))
        self.environment = dict(
            os.environ, OMP_NUM_THREADS="1", OMPI_MCA_mpi_yield_when_idle="1", PROJECT=root, MPLBACKEND="Agg",
            PYTHONPATH=os.path.join(root, "tools", "python"), PYTHONDONTWRITEBYTECODE="1",
            PATH=os.pathsep.join([tools, os.path.dirname(sys.executable), os.environ["PATH"]]))
        self.shell = Session(["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"], folder,
                             self.environment)
        self.python = None
        self.count = 0

    def write(self, block):
        """Write a block that is the content of a file."""
        target = os.path.join(self.folder, block.comment[6:])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as file:
            file.write(block.text)

    def run(self, language, text):
        """Run a text; return what it printed if it failed, and otherwise nothing."""
        self.count += 1
        script, output = (os.path.join(self.folder, f".{self.count}.{end}") for end in ("script", "output"))
        with open(script, "w", encoding="utf-8") as file:
            file.write(text)
        if language == "python":
            if not self.python:
                self.python = Session([sys.executable, "-c", PYTHON], self.folder, self.environment)
            ok = self.python.run(f"{script}\t{output}")
        else:
            ok = self.shell.run(f". '{script}' > '{output}' 2>&1 < /dev/null; echo ok")
        if ok:
            return ""
        with open(output, "a+", encoding="utf-8", errors="replace") as file:
            file.seek(0)
            return file.read().strip() or "it printed nothing"

    def end(self):
        for session in (self.shell, self.python):
            if session:
                session.end()


def run_page(name, hesse, mpiexec, schema, verbose):
    """Run a page; return the numbers of blocks that were run, not run and skipped, and that failed."""
    path = os.path.join(root, name)
    _, blocks = pages.read(path)
    counts = {"run": 0, "not run": 0, "skipped": 0, "failed": 0}

    def tell(block, outcome, text=""):
        counts[outcome] += 1
        if verbose or outcome == "failed":
            print(f"{name}:{block.number}: {outcome}" + (f": {text}" if text else ""))

    with tempfile.TemporaryDirectory(prefix="hesse-docs-") as folder:
        page = Page(name, hesse, mpiexec, folder)
        before = os.path.join(root, "tests", "docs", "before",
                              re.sub(r"^docs_|\.md$", "", name.replace("/", "_")) + ".sh")
        for block in reversed(blocks):  # a command may come before the file that it reads
            if block.comment.startswith("file: "):
                page.write(block)
        if os.path.exists(before):
            with open(before, encoding="utf-8") as file:
                text = file.read()
            wrong = page.run("sh", text)
            if wrong:
                print(f"{os.path.relpath(before, root)}: {wrong}")
                counts["failed"] += 1
                blocks = []
        for block in blocks:
            lacking = missing(block) if block.language in ("sh", "python") else []
            wrong = check_yaml(block, schema) if block.language == "yaml" else ""
            if block.comment.startswith("not run:"):
                tell(block, "not run", block.comment[9:])
            elif wrong:
                tell(block, "failed", wrong)
            elif block.comment.startswith("file: "):
                page.write(block)
            elif block.language == "indented":
                if COMMAND.search(block.text):
                    tell(block, "failed", "found a command in an indented block, expected a fence that names "
                         "its language")
            elif lacking:
                tell(block, "skipped", f"found no {', '.join(lacking)}")
            elif block.language in ("sh", "python"):
                wrong = page.run(block.language, block.text)
                tell(block, "failed" if wrong else "run", wrong)
            elif block.language in OTHER:
                tell(block, "failed", f"found {block.language}, which is not run, without a reason")
            elif block.language not in NEVER | {"yaml"}:
                tell(block, "failed", f"found the language '{block.language}', expected one of sh, python, yaml, "
                     + ", ".join(sorted(NEVER | OTHER)))
            if counts["failed"] and block.language == "sh":
                break  # the shell has ended
        page.end()
    return counts


def main(words):
    verbose = "-v" in words
    words = [word for word in words if word != "-v"]
    if len(words) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    hesse, mpiexec = (os.path.realpath(word) for word in words[:2])
    asked = subprocess.run([hesse, "keys", "--json"], capture_output=True, text=True, check=True)
    schema = json.loads(asked.stdout)
    total = {}
    for name in words[2:] or all_pages():
        counts = run_page(name, hesse, mpiexec, schema, verbose)
        print(f"{name}: " + ", ".join(f"{number} {what}" for what, number in counts.items() if number))
        for what, number in counts.items():
            total[what] = total.get(what, 0) + number
    print("all: " + ", ".join(f"{number} {what}" for what, number in total.items()))
    if total["failed"]:
        return 1
    return 77 if total["skipped"] and not total["run"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
