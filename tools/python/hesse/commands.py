"""The table of commands: `hesse NAME` runs the program hesse-NAME, which calls `main` of a module."""
import importlib
import sys

COMMANDS = {
    "convert": "hesse.checkpoints.convert",
    "export": "hesse.exporter.export",
    "image": "hesse.figures.image",
    "report": "hesse.report.command",
    "tokenize": "hesse.text.tokenize",
}


def run_command(program, words=None):
    """Run the command of a program such as hesse-convert; return its exit status."""
    name = program.removeprefix("hesse-")
    if name not in COMMANDS:
        print(f"hesse: found the command {program}, expected one of "
              f"{', '.join('hesse-' + known for known in COMMANDS)}", file=sys.stderr)
        return 2
    return importlib.import_module(COMMANDS[name]).main(words)
