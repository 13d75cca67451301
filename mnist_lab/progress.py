"""A progress line for long work, shown where somebody is likely to watch."""

import os
import sys
import time

SECONDS_BETWEEN = 0.25


class MovingLine:
    """A line of text that is overwritten again and again; its last text stays.

    Parameters
    ----------
    wanted
        Whether to write it. The default is to write it where somebody is likely to watch: in a
        terminal, or in a notebook in JupyterLab, Colab or VS Code.
    """

    def __init__(self, wanted: bool | None = None):
        self._wanted = is_watched() if wanted is None else wanted
        self._text, self._written, self._when = "", "", 0.0

    def __enter__(self) -> "MovingLine":
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
        if self._written:
            print()

    def show(self, text: str) -> None:
        """Set the text. It is written at most four times a second, and once more at the end.

        An empty text removes the line at once.
        """
        self._text = text
        if not text or time.perf_counter() - self._when > SECONDS_BETWEEN:
            self._when = time.perf_counter()
            self._write()

    def print_above(self, text: str) -> None:
        """Print a text that stays above the line; do nothing if it is empty."""
        if text:
            self.show("")
            print(text)

    def _write(self) -> None:
        if self._wanted:
            back = "" if self._text else "\r"
            print("\r" + self._text.ljust(len(self._written)) + back, end="", flush=True)
            self._written = self._text


def duration(seconds: float) -> str:
    """Put seconds into words that are easy to read: "0.9 s", "42 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def time_left(seconds: float, done: int, total: int) -> str:
    """Say how long the rest will take at the same speed; at the end, how long it all took.

    Parameters
    ----------
    seconds
        Time spent so far.
    done, total
        Number of finished steps, at least 1, and of all steps.
    """
    if done < total:
        return f"{duration(seconds / done * (total - done))} left"
    return duration(seconds)


def is_watched() -> bool:
    """Whether somebody is likely to watch the output while it is printed."""
    if sys.stdout.isatty():
        return True
    if "ipykernel" not in sys.modules:
        return False
    # JupyterLab, Colab and VS Code leave these traces in the kernels that they start for a person;
    # nbclient, and so nbval and nbconvert, leaves none.
    from IPython import get_ipython

    return (
        "JPY_SESSION_NAME" in os.environ
        or "google.colab" in sys.modules
        or "__vsc_ipynb_file__" in getattr(get_ipython(), "user_ns", {})
    )
