"""The one error type that people see: a fault of their input, told in one line."""

from __future__ import annotations


class UserError(ValueError):
    """What is wrong, where, and how to mend it, in one line.

    Command-line programs print the message and exit; anything else that is raised is a bug.
    """


def one_line(text: str) -> str:
    """A text with a space where white space was, line ends too."""
    return " ".join(text.split())
