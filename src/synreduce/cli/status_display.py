"""Showing the state of a run: once, or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from synreduce.pipeline.status import StatusReader


def show(reader: StatusReader, every_s: float | None) -> None:
    """Write the state of a run to the terminal, or as plain text to a pipe or file.

    Parameters
    ----------
    reader : StatusReader
        Reads the state.
    every_s : float or None
        Show it again after so many seconds, until the run is complete or Ctrl-C is pressed; None:
        once.
    """
    from synreduce.pipeline.status_text import status_lines

    if every_s is None:
        sys.stdout.write("\n".join(status_lines(reader.read())) + "\n")
        return
    try:
        with _screen() as write:
            while True:
                status = reader.read()
                clock = time.strftime("%H:%M:%S")
                foot = (
                    [] if status.complete else [f"{clock}, every {every_s:g} s; Ctrl-C ends this"]
                )
                write("\n".join([*status_lines(status), *foot]))
                if status.complete:
                    return
                time.sleep(every_s)
    except KeyboardInterrupt:
        return


@contextmanager
def _screen() -> Iterator[Callable[[str], None]]:
    """Write in place on a terminal, one text after the other elsewhere."""
    if not sys.stdout.isatty():

        def write(text: str) -> None:
            sys.stdout.write(text + "\n\n")
            sys.stdout.flush()

        yield write
        return
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda text: live.update(Text(text), refresh=True)
