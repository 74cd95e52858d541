"""Who, which post, which body, when and what is to be done, from Vietnamese administrative reports."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ner_danvan.document import Document
    from ner_danvan.errors import UserError
    from ner_danvan.labels import LabelScheme, Layer
    from ner_danvan.span import Span
    from ner_danvan.tagger import Tagger

__all__ = ["Document", "LabelScheme", "Layer", "Span", "Tagger", "UserError", "__version__"]
__version__ = "0.1.0"

# onnxruntime would keep a device id in the home folder and report events; it looks here when it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOME = {
    "Document": "document",
    "Span": "span",
    "UserError": "errors",
    "LabelScheme": "labels",
    "Layer": "labels",
    "Tagger": "tagger",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for: the package itself starts at once."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
