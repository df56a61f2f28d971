"""The command line: `spanbridge demo | traces | show | tail | stats | doctor`. Each command is a call and a rendering.

Results go to standard output, everything else to standard error. Exit code 1: it failed, and one line says why and what to do;
2: the command line is wrong.
"""

from __future__ import annotations

from spanbridge.cli.application import main

__all__ = ["main"]
