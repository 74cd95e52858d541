"""What documents hold as rows: spans, people with their posts and bodies, tasks with their bodies and dates.

Plain data; how a row looks in CSV, a workbook or a page is the writer's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ner_danvan.document import Document
from ner_danvan.relations import KINDS, Kinds
from ner_danvan.span import Span

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Post:
    """A person, the post, and the bodies it is a post in, inner first; `times` the text says so in the same words.

    The spans are those of the first time. `person` is None where the text joins nobody to the post; `position` is None
    for somebody whose name never stands with a post.
    """

    person: Span | None
    position: Span | None
    bodies: tuple[Span, ...]
    times: int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, a document's at a time; each row begins with the document's id."""

    name: str
    headings: tuple[str, ...]
    rows: Callable[[Document], Iterator[tuple[Cell, ...]]]


def find_posts(document: Document, kinds: Kinds = KINDS) -> list[Post]:
    """Who holds which post in which body, and who else is named, in the order of the text, nothing said twice."""
    found: dict[tuple[str, ...], tuple[Span | None, Span | None, tuple[Span, ...]]] = {}
    times: dict[tuple[str, ...], int] = {}
    named = set()
    for role in document.roles(kinds):
        person = _words(role.person) if role.person else ""
        named.add(person)
        key = (person, _words(role.position), *(_words(body) for body in role.bodies))
        found.setdefault(key, (role.person, role.position, role.bodies))
        times[key] = times.get(key, 0) + 1
    for span in document.spans:
        if span.label == kinds.person and _words(span) not in named:
            key = (_words(span),)
            found.setdefault(key, (span, None, ()))
            times[key] = times.get(key, 0) + 1
    posts = [Post(person, position, bodies, times[key]) for key, (person, position, bodies) in found.items()]
    return sorted(posts, key=_place)


def _place(post: Post) -> int:
    return min(span.start for span in (post.person, post.position) if span)


def _words(span: Span) -> str:
    return " ".join(span.text.split())


def span_rows(document: Document) -> Iterator[tuple[Cell, ...]]:
    """One row a span."""
    for span in document.spans:
        score = None if span.score is None else round(span.score, 6)
        yield document.id, span.label, span.start, span.end, score, span.text


def people_rows(document: Document) -> Iterator[tuple[Cell, ...]]:
    """One row for each post of each person; see `find_posts`."""
    for post in find_posts(document):
        yield (
            document.id,
            post.person.text if post.person else None,
            post.position.text if post.position else None,
            _joined(post.bodies),
            post.times,
            *_offsets(post.person),
            *_offsets(post.position),
        )


def task_rows(document: Document) -> Iterator[tuple[Cell, ...]]:
    """One row a task."""
    for task in document.tasks():
        lists = (_joined(spans) for spans in (task.addressees, task.bodies, task.dates))
        yield (document.id, task.task.text, *lists, *_offsets(task.task))


def _joined(spans: Iterable[Span]) -> str | None:
    return "; ".join(_words(span) for span in spans) or None


def _offsets(span: Span | None) -> tuple[int | None, int | None]:
    return (span.start, span.end) if span else (None, None)


SPANS = Table("spans", ("document", "label", "start", "end", "score", "text"), span_rows)
PEOPLE = Table(
    "people",
    ("document", "person", "post", "bodies", "times", "person start", "person end", "post start", "post end"),
    people_rows,
)
TASKS = Table("tasks", ("document", "task", "addressed to", "bodies", "dates", "start", "end"), task_rows)
TABLES: Mapping[str, Table] = {table.name: table for table in (SPANS, PEOPLE, TASKS)}
