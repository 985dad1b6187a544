"""The playground without a browser: the same runs, evaluations and models from a terminal.

Importing this package and printing help imports neither torch nor transformers; the verbs do when they run.
"""

import argparse
import sys
from collections.abc import Sequence

from playground.cli.arguments import parser
from playground.cli.exits import Exit
from playground.errors import Cancelled, PlaygroundError
from playground.runs import strict


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and gives the exit code; `arguments` default to the command line's."""
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.verb(chosen))
    except (Cancelled, KeyboardInterrupt) as stopped:
        return _report(chosen, str(stopped) or "Stopped.", Exit.STOPPED)
    except PlaygroundError as error:
        return _report(chosen, str(error), Exit.BAD_INPUT)


def _report(chosen: argparse.Namespace, message: str, code: Exit) -> int:
    print(message, file=sys.stderr)
    if chosen.json:
        print(strict.dumps({"error": message}))
    return int(code)
