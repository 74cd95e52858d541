"""All augmentations of a document, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ner_danvan.document import Document
from ner_danvan.training.augment.dates import replace_dates
from ner_danvan.training.augment.forms import change_case, exchange_forms, exchange_order, exchange_tones
from ner_danvan.training.augment.lexicon import Lexicon
from ner_danvan.training.augment.mentions import replace_bodies, replace_persons, replace_places, replace_titles
from ner_danvan.training.augment.noise import lose_diacritics, make_typos
from ner_danvan.training.augment.sentences import drop_sentences, shuffle_lines
from ner_danvan.training.augment.settings import Rates, Roles


def augment(document: Document, lexicon: Lexicon, roles: Roles, rates: Rates, seed: str) -> Document:
    """The document with every kind of change made at its rate; the same for the same seed, whatever else is on.

    Spans stay exact: each is the text that it was, or what that has become. Gold of a valid document stays valid.
    """
    changes: dict[str, Callable[[Document, Random], Document]] = {
        "drop": lambda d, r: drop_sentences(d, r, rates.drop),
        "shuffle": lambda d, r: shuffle_lines(d, r, rates.shuffle),
        "title_order": lambda d, r: exchange_order(d, roles, r, rates.title_order),
        "title": lambda d, r: replace_titles(d, lexicon, roles, r, rates.title),
        "body": lambda d, r: replace_bodies(d, lexicon, roles, r, rates.body),
        "place": lambda d, r: replace_places(d, lexicon, roles, r, rates.place),
        "person": lambda d, r: replace_persons(d, lexicon, roles, r, rates.person),
        "date": lambda d, r: replace_dates(d, lexicon, roles, r, rates.date),
        "acronym": lambda d, r: exchange_forms(d, lexicon, roles, r, rates.acronym),
        "case": lambda d, r: change_case(d, roles, r, rates.case),
        "diacritics": lambda d, r: lose_diacritics(d, r, rates.diacritics),
        "typos": lambda d, r: make_typos(d, r, rates.typos),
        "tone": lambda d, r: exchange_tones(d, r, rates.tone),
    }
    for kind, change in changes.items():
        if getattr(rates, kind) > 0:
            # a generator of its own for each kind: switching one off leaves the draws of the others as they were
            document = change(document, Random(f"{seed}/{kind}/{document.id}"))
    return document
