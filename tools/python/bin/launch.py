#!/usr/bin/env python3
"""Run the command by whose name this file was called, without an installation of the package."""
import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
from hesse.commands import run_command

sys.exit(run_command(os.path.basename(sys.argv[0])))
