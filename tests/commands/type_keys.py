"""Type into an interactive shell, and print what the terminal shows.

    type_keys.py SHELL [ARGUMENT...] < LINES

Each line of standard input is typed without its end; the two characters \\t become the key
Tab, and \\n the key Enter.
"""
import os
import pty
import select
import sys
import time


def read(terminal, quiet):
    """Everything that is shown until the shell is quiet for some seconds."""
    shown = b""
    while select.select([terminal], [], [], quiet)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
    return shown


lines = [line.rstrip("\n").replace("\\t", "\t").replace("\\n", "\n") for line in sys.stdin]
process, terminal = pty.fork()
if process == 0:
    os.environ.update(TERM="dumb", PS1="$ ", COLUMNS="200")
    os.execvp(sys.argv[1], sys.argv[1:])
shown = read(terminal, 2)
for line in lines:
    os.write(terminal, line.encode())
    shown += read(terminal, 2)
    time.sleep(0.1)
os.close(terminal)
sys.stdout.write(shown.decode(errors="replace").replace("\r", "").replace("\a", ""))
