"""Mention replacement (Dai and Adel, 2020): names, places, bodies, titles and dates give way to others of their kind.

What is replaced is replaced in the whole document alike, so that a name that comes back is still the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from ner_danvan.document import Document
from ner_danvan.span import Span
from ner_danvan.text.normalize import old_style_tones
from ner_danvan.training.augment.lexicon import COMMITTEES, FEMALE, LEVELS, MALE, Lexicon
from ner_danvan.training.augment.settings import Roles
from ner_danvan.training.augment.splice import Patch, is_cut, splice, without_overlap

# read as names of history, not of persons who act in a report
_KEPT = frozenset(["hồ chí minh", "bác hồ", "hồ chủ tịch", "lênin", "lê nin", "các mác", "mác"])
_SYLLABLE = re.compile(r"[^\W\d_]+")
_UNIT = r"(?<!\w)({})\s+(?=[^\W\d_])"
_NEXT_WORD = re.compile(r"[^\W\d_]+")
_LONGEST_PLACE = 4  # syllables
_LEVEL_WORDS = (
    ("xã", re.compile(r"(?<!\w)(?:(?<!hợp tác )(?<!thị )xã(?! hội)|phường|thị trấn)(?!\w)", re.IGNORECASE)),
    ("huyện", re.compile(r"(?<!\w)(?:huyện|quận|thị xã|thị (?:ủy|uỷ))(?!\w)", re.IGNORECASE)),
    ("tỉnh", re.compile(r"(?<!\w)(?:tỉnh|thành phố|thành (?:ủy|uỷ)|(?<!cơ )(?<!trụ )sở)(?!\w)", re.IGNORECASE)),
    (
        "trung ương",
        re.compile(r"trung ương|quốc gia|việt nam|chính phủ|quốc hội|^bộ (?!chq|chỉ huy|đội)", re.IGNORECASE),
    ),
)


def replace_persons(document: Document, lexicon: Lexicon, roles: Roles, random: Random, rate: float) -> Document:
    """Each person gets a new name at this rate; parts of a name (*đồng chí Hoạt*) follow the whole."""
    spans = [span for span in document.spans if span.label == roles.person]
    names: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name in sorted({_key(span.text) for span in spans}, key=lambda name: (-len(name), name)):
        longer = next((old for old in names if len(old) > len(name) and old[-len(name) :] == name), None)
        if longer:
            names[name] = names[longer][-len(name) :]
        elif " ".join(name).lower() in _KEPT or not all(_SYLLABLE.fullmatch(part) for part in name) or len(name) > 4:
            names[name] = name
        else:
            names[name] = _new_name(name, lexicon, random) if random.random() < rate else name
    patches = []
    for span in spans:
        new = " ".join(names[_key(span.text)])
        if new != " ".join(_key(span.text)) and not is_cut(document, span.start, span.end):
            patches.append(Patch(span.start, span.end, new.upper() if _is_capitals(span.text) else new))
    return splice(document, without_overlap(patches))


def _key(name: str) -> tuple[str, ...]:
    return tuple(part.capitalize() for part in name.split()) if _is_capitals(name) else tuple(name.split())


def _is_capitals(text: str) -> bool:
    return text.isupper() and len(text) > 3


def _new_name(old: tuple[str, ...], lexicon: Lexicon, random: Random) -> tuple[str, ...]:
    """A name of about as many syllables; one syllable is a given name, two may be a pen name."""
    sex = FEMALE if "Thị" in old or random.random() < 0.25 else MALE
    given, middle = lexicon.givens[sex], lexicon.middles[sex]
    if len(old) == 1:
        return (given.draw(random),)
    if len(old) == 2:
        return ((middle if random.random() < 0.3 else lexicon.surnames).draw(random), given.draw(random))
    middles = [middle.draw(random) for _ in range(len(old) - 2)]
    middles = [name for place, name in enumerate(middles) if name != "Thị" or place == 0]  # never twice, never second
    return (*lexicon.surnames.draw(random).split(), *middles, given.draw(random))


def replace_places(document: Document, lexicon: Lexicon, roles: Roles, random: Random, rate: float) -> Document:
    """Places named with their unit (*huyện Sóc Sơn*) become others of the same unit, wherever they are named."""
    text = document.text
    new_names: dict[str, str] = {}
    units = "|".join(sorted(map(re.escape, lexicon.places), key=len, reverse=True))
    known = frozenset(name.title() for names in lexicon.places.values() for name in names)
    for match in re.finditer(_UNIT.format(units), text, re.IGNORECASE):
        names = lexicon.places[match.group(1).lower()]
        # the gazetteers have the old style of tone marks
        old = next((name for name in _prefixes(text, match.end()) if old_style_tones(name).title() in known), None)
        if old and old.title() not in new_names and old.lower() not in _KEPT:  # a city, and a name in other names
            new_names[old.title()] = random.choice(names) if random.random() < rate else old.title()
    people = [span for span in document.spans if span.label == roles.person]
    patches = []
    for name, new in new_names.items():
        if name == new:
            continue
        for match in re.finditer(rf"(?<!\w)(?:{re.escape(name)}|{re.escape(name.upper())})(?!\w)", text):
            start, end = match.span()
            if is_cut(document, start, end) or any(span.start < end and start < span.end for span in people):
                continue
            patches.append(Patch(start, end, new.upper() if match.group().isupper() else new))
    return splice(document, without_overlap(patches))


def _prefixes(text: str, start: int) -> Iterator[str]:
    """The capitalised words from `start` on, the longest run first."""
    ends: list[int] = []
    position = start
    while len(ends) < _LONGEST_PLACE and (match := _NEXT_WORD.match(text, position)) and match.group()[0].isupper():
        ends.append(match.end())
        if text[match.end() : match.end() + 1] != " ":
            break
        position = match.end() + 1
    for end in reversed(ends):
        yield text[start:end]


def replace_bodies(document: Document, lexicon: Lexicon, roles: Roles, random: Random, rate: float) -> Document:
    """Bodies that are no part of a title become others of the same level, at this rate each."""
    titles = [span for span in document.spans if span.label == roles.position]
    new_names: dict[str, str] = {}
    patches = []
    for span in document.spans:
        if span.label != roles.body or any(t.start <= span.start and span.end <= t.end for t in titles):
            continue
        if span.text not in new_names:
            level = _level(span.text, lexicon)
            new = _new_body(level, lexicon, random) if level and random.random() < rate else span.text
            new_names[span.text] = new.upper() if _is_capitals(span.text) and " " in span.text else new
        new = new_names[span.text]
        if new != span.text:
            patches.append(Patch(span.start, span.end, new, (Span(0, len(new), span.label, new),)))
    return splice(document, without_overlap(patches))


def _level(body: str, lexicon: Lexicon) -> str | None:
    named = (level for level, words in _LEVEL_WORDS if words.search(body))
    return next((level for level in named if level in lexicon.bodies), None)


def _new_body(level: str, lexicon: Lexicon, random: Random) -> str:
    pattern = random.choice(lexicon.bodies[level])
    unit = random.choice([unit for unit in LEVELS.get(level, LEVELS["tỉnh"]) if unit in lexicon.places])
    name = random.choice(lexicon.places[unit])
    committee = random.choice(COMMITTEES.get(level, COMMITTEES["tỉnh"]))
    if random.random() < 0.5:
        committee, place = f"{committee} {name}", f"{unit} {name}"
    else:
        place = unit
    return pattern.replace("{place}", place).replace("{committee}", committee).replace("{name}", name)


def replace_titles(document: Document, lexicon: Lexicon, roles: Roles, random: Random, rate: float) -> Document:
    """The head of a title (*Phó Chủ tịch* before a body) becomes another that may stand there, at this rate each."""
    patches = []
    for span in document.spans:
        if span.label != roles.position or random.random() >= rate:
            continue
        inner = [s.start for s in document.spans if s is not span and span.start < s.start and s.end <= span.end]
        end = min(inner, default=span.end)
        head = document.text[span.start : end].rstrip()
        group = lexicon.title_group.get(head.lower())
        if group is None or (not inner and " " not in head):
            continue
        new = lexicon.titles[group].draw(random)
        if head[0].islower():
            new = new[0].lower() + new[1:]
        patches.append(Patch(span.start, span.start + len(head), new.upper() if _is_capitals(head) else new))
    kept = [patch for patch in patches if not is_cut(document, patch.start, patch.end)]
    return splice(document, without_overlap(kept))
