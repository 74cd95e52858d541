"""Which augmentations are made and how often, and which labels they speak of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Roles:
    """The labels that stand for people, posts, bodies and dates; an empty one where a scheme has none."""

    person: str
    position: str
    body: str
    date: str


@dataclass(frozen=True)
class Rates:
    """How often each kind of augmentation is made, 0 to 1; 0 switches it off. `configs/augment/` says what each is."""

    person: float
    place: float
    body: float
    title: float
    date: float
    acronym: float
    title_order: float
    tone: float
    case: float
    diacritics: float
    typos: float
    shuffle: float
    drop: float


@dataclass(frozen=True)
class AugmentConfig:
    """Augmentation of the training split: epoch `e` reads version `e % versions` of each document.

    In each version a document is changed with probability `share`, and is itself otherwise.
    """

    lexicon: Path
    versions: int
    share: float
    roles: Roles
    rates: Rates

    @property
    def is_on(self) -> bool:
        """Whether anything is ever changed."""
        return self.share > 0 and any(value > 0 for value in vars(self.rates).values())
