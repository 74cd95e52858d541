"""The one error type that people see: a fault of their input, told in one line."""

from __future__ import annotations


class UserError(ValueError):
    """What is wrong, where, and how to mend it, in one line.

    Command-line programs print the message and exit; anything else that is raised is a bug.
    """


def one_line(text: str) -> str:
    """A text with a space where white space was, line ends too."""
    return " ".join(text.split())


def reason_of(error: Exception) -> str:
    """What a library's error says, in one line, or what it is called where it says nothing."""
    return one_line(str(error))[:200] or type(error).__name__
