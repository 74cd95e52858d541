"""What an evaluation found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ner_danvan.evaluation.breakdown import Breakdown
from ner_danvan.evaluation.calibration import Calibration
from ner_danvan.evaluation.errors import CutSpan
from ner_danvan.evaluation.schemes import SchemeScores, to_plain
from ner_danvan.evaluation.scores import StrictScores
from ner_danvan.labels import LabelScheme


@dataclass(frozen=True)
class Evaluation:
    """Scores on one set of documents, 95 % intervals of their F1, and what is known of the spans' scores.

    `scores` are seqeval's, strict; `schemes` count partial answers too, `breakdown` says where they come from. `cut`
    are the gold spans that the model's words cannot express; None where there is no model.
    """

    name: str
    documents: int
    scheme: LabelScheme
    scores: StrictScores
    cut: Sequence[CutSpan] | None
    intervals: dict[str, tuple[float, float]]
    calibration: Calibration | None
    schemes: SchemeScores
    breakdown: Breakdown

    @property
    def beyond_words(self) -> int | None:
        """How many gold spans the model's words cannot express."""
        return None if self.cut is None else len(self.cut)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `metrics.json`."""
        lost = {} if self.beyond_words is None else {"gold_beyond_words": self.beyond_words}
        return {
            "name": self.name,
            "documents": self.documents,
            **lost,
            "strict": self.scores.to_dict(),
            "f1_intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "schemes": to_plain(self.schemes),
            **self.breakdown.to_dict(),
            "calibration": self.calibration.to_dict() if self.calibration else None,
        }
