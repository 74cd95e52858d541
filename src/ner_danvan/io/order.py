"""Which documents a person should correct first."""

from __future__ import annotations

from collections.abc import Iterable

from ner_danvan.document import Document


def uncertain_first(documents: Iterable[Document]) -> list[Document]:
    """Documents by the errors that a reader may expect in so many characters, the most first; equals keep their order.

    A span with score p is expected to be wrong 1 - p times. By character, since reading is what correcting costs
    (Settles, Craven and Friedland 2008); else long documents would always come first.
    """
    return sorted(documents, key=lambda document: -expected_errors(document) / max(1, len(document.text)))


def expected_errors(document: Document) -> float:
    """How many of the found spans are wrong, if their scores are probabilities."""
    return sum(1 - span.score for span in document.spans if span.score is not None)
