"""Bad input by the thousand: inputs that are large, many or broken, and whether the command loses any of them.

Everything is made from a seed, so that what came out can be compared with what was put in.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError
from ner_danvan.io.output import errors_path
from ner_danvan.reliability.watch import Run, run_command
from ner_danvan.sections import number_of, whole_number

# what may be wrong with a line, and a piece of the reason that must be told
FAULTS: dict[str, tuple[bytes, str]] = {
    "cut off": (b'{"id": "@", "text": "H\xe1\xbb\x8dp \xe1\xbb\x9f x', "no JSON"),
    "no JSON": (b"H\xe1\xbb\x8dp giao ban @", "no JSON"),
    "two objects": (b'{"text": "@"} {"text": "@"}', "no JSON"),
    "not UTF-8": (b'{"text": "@ \xff"}', "is not UTF-8"),
    "half a letter": (b'{"text": "@ \xe1\xbb"}', "is not UTF-8"),
    "no text": (b'{"id": "@", "txt": "a"}', '"text" is missing'),
    "text is null": (b'{"id": "@", "text": null}', '"text" is missing'),
    "a list": (b'["@"]', "a JSON object"),
    "a number": (b"12", "a JSON object"),
    "spans is an object": (b'{"text": "@", "spans": {"a": 1}}', '"spans" is no list'),
    "a span without an end": (b'{"text": "@", "spans": [{"start": 0}]}', "a span lacks"),
    "a fraction as offset": (b'{"text": "@", "spans": [{"start": 0.5, "end": 1, "label": "ORG"}]}', "whole numbers"),
    "meta is a list": (b'{"text": "@", "meta": ["a"]}', '"meta" is no object'),
    "an id that is a list": (b'{"text": "@", "id": [1]}', '"id" is'),
    "NaN": (b'{"text": "@", "meta": {"a": NaN}}', "NaN"),
    "a number beyond all": (b'{"text": "@", "meta": {"a": 1e999}}', "1e999"),
    "too deep": (b'{"text": "@", "meta": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}", "deep"),
    "deeper than Python": (b"[" * 50_000, "deep"),
    "endless digits": (b'{"text": "@", "meta": {"a": ' + b"9" * 5_000 + b"}}", "digits"),
}
_COMMON = len(FAULTS) - 2  # the last two are long: a thousandth of the broken lines has them
_TEXTS = (
    "Họp ở xã, ngày 5/3.",
    "Bà Lò Thị Thu dự.",
    "UBND xã báo cáo.",
    "",
    " \t ",
    "Đ\u1ea3ng u\u0309y xa\u0303",
    "ủy \ud83d ban",
    "😀 \u202eng\u01b0\u1ee3c\u202c",
    "a\x00b",
    "Hội\ufeff nghị",
)
_SENTENCES = (
    "Sáng ngày {a}/{b}/2024, Ban Dân vận Huyện ủy Thanh Sơn tổ chức hội nghị giao ban quý I.",
    "Đồng chí Lò Văn Pản, Phó Trưởng ban Thường trực Ban Dân vận Tỉnh ủy, dự và chỉ đạo hội nghị.",
    "Bà Nguyễn Thị Hoà, Chủ tịch UBMTTQ Việt Nam phường, yêu cầu rà soát {a} hộ nghèo trước ngày {b}/7.",
    "Thời gian qua, các đoàn thể đã vận động nhân dân đóng góp {a}.350 ngày công, hiến {b} m2 đất.\n",
)


@dataclass(frozen=True)
class Result:
    """What was put in, what came out, and how the command went; `wrong` says what was lost or let in, if anything."""

    documents: int
    broken: int
    characters: int
    tagged: int
    refused: int
    wrong: list[str]
    run: Run

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def write_lines(path: Path, lines: int, broken: float, seed: int) -> dict[int, str]:
    """A JSONL file of short documents, a share of them broken; gives the fault of each broken line by its number."""
    chance = random.Random(seed)
    kinds = list(FAULTS)
    faults: dict[int, str] = {}
    with path.open("wb") as stream:
        for number in range(1, lines + 1):
            if chance.random() < broken:
                long = chance.random() < 0.001
                kind = chance.choice(kinds[_COMMON:] if long else kinds[:_COMMON])
                faults[number] = kind
                stream.write(FAULTS[kind][0].replace(b"@", str(number).encode()) + b"\n")
            else:
                stream.write(_line(number, chance))
    return faults


def _line(number: int, chance: random.Random) -> bytes:
    text = chance.choice(_TEXTS)
    row = {"id": f"d{number}", "text": f"{text} {number}" if text.strip() else text}
    plain = json.dumps(row, ensure_ascii="\ud83d" in text)
    return plain.encode() + b"\n"


def check_lines(source: Path, output: Path, faults: dict[int, str], run: Run) -> Result:
    """Every good line is in the output, in order, text untouched; every broken one in the errors, with its reason."""
    wrong: list[str] = []
    tagged = characters = documents = 0
    with source.open("rb") as given, output.open("rb") as found:
        for number, line in enumerate(given, 1):
            if number in faults:
                continue
            documents += 1
            wanted, row = json.loads(line), json.loads(found.readline() or "{}")
            characters += len(wanted["text"])
            if (row.get("id"), row.get("text")) != (wanted["id"], wanted["text"]):
                wrong.append(f"{source}:{number}: the output has {str(row)[:80]}")
                break
            tagged += 1
            text = row["text"]
            wrong += [
                f"{source}:{number}: {span}"
                for span in row["spans"]
                if text[span["start"] : span["end"]] != span["text"] or not 0 <= span["score"] <= 1
            ]
        if found.read(1):
            wrong.append(f"{output}: more documents than were put in")
    errors = list(_rows(errors_path(output))) if errors_path(output).exists() else []
    told = {row["id"]: row["error"] for row in errors}
    for number, kind in faults.items():
        place = f"{source}:{number}"
        reason = told.get(place, "nothing")
        if not reason.startswith(f"{place}: ") or FAULTS[kind][1] not in reason:
            wrong.append(f"{place}: {kind}, but the errors have {reason[:120]}")
    if len(errors) != len(faults):
        wrong.append(f"{len(faults)} broken lines, {len(errors)} errors")
    if run.code != (1 if faults else 0):
        wrong.append(f"exit code {run.code}")
    return Result(documents, len(faults), characters, tagged, len(errors), wrong, run)


def write_document(path: Path, characters: int, seed: int) -> str:
    """One text file of at least so many characters; gives its text."""
    chance = random.Random(seed)
    pieces: list[str] = []
    length = 0
    while length < characters:
        piece = chance.choice(_SENTENCES).format(a=chance.randint(1, 28), b=chance.randint(1, 12)) + " "
        pieces.append(piece)
        length += len(piece)
    text = "".join(pieces)
    path.write_bytes(text.encode())
    return text


def check_document(text: str, output: Path, run: Run) -> Result:
    """The text is untouched, every span says what stands there, and there are some in each tenth of it."""
    rows = list(_rows(output)) if output.exists() else []
    wrong = [] if run.code == 0 else [f"exit code {run.code}"]
    if [row["text"] for row in rows] != [text]:
        return Result(1, 0, len(text), len(rows), 0, [*wrong, "the text is another"], run)
    tenths: set[int] = set()
    for span in rows[0]["spans"]:
        tenths.add(10 * span["start"] // len(text))
        if text[span["start"] : span["end"]] != span["text"]:
            wrong.append(f"{span}")
    wrong += [f"no span in tenth {tenth} of the text" for tenth in sorted(set(range(10)) - tenths)]
    return Result(1, 0, len(text), 1, 0, wrong, run)


def write_files(folder: Path, files: int, broken: float, seed: int) -> dict[str, str | None]:
    """A tree of tiny text files, some of them not UTF-8; gives the text of each by its name, None for a broken one."""
    chance = random.Random(seed)
    texts: dict[str, str | None] = {}
    for number in range(files):
        name = f"{number // 1_000:04}/{number:07}.txt"
        path = folder / name
        if number % 1_000 == 0:
            path.parent.mkdir(parents=True)
        if chance.random() < broken:
            texts[name] = None
            path.write_bytes(b"abc\xff")
        else:
            text = f"{chance.choice([one for one in _TEXTS if one.isprintable()])} {number}"
            texts[name] = text
            path.write_bytes(text.encode())
    return texts


def check_files(texts: dict[str, str | None], output: Path, run: Run) -> Result:
    """Every file is a document with its text, in order, or an error with its name."""
    good = [(name, text) for name, text in texts.items() if text is not None]
    bad = [name for name, text in texts.items() if text is None]
    found = [(row["id"], row["text"]) for row in _rows(output)] if output.exists() else []
    errors = [row["id"] for row in _rows(errors_path(output))] if errors_path(output).exists() else []
    wrong = [] if run.code == (1 if bad else 0) else [f"exit code {run.code}"]
    wrong += [f"documents: {a} where {b} should be" for a, b in zip(found, good, strict=False) if a != b][:5]
    wrong += [f"errors: {a} where {b} should be" for a, b in zip(errors, bad, strict=False) if a != b][:5]
    if (len(found), len(errors)) != (len(good), len(bad)):
        wrong.append(f"{len(good)} good and {len(bad)} broken files, {len(found)} documents and {len(errors)} errors")
    return Result(len(good), len(bad), sum(len(text) for _, text in good), len(found), len(errors), wrong, run)


def stress(kind: str, size: int, broken: float, seed: int, folder: Path, options: Sequence[str]) -> Result:
    """Make the input under a new folder, run the command on it and compare: `kind` is lines, document or files.

    Raises UserError if the folder holds something, there is no such kind, or a number cannot be.
    """
    size, seed, broken = whole_number("size", size, 1), number_of("seed", seed, int), number_of("broken", broken, float)
    if not 0 <= broken <= 1:
        raise UserError(f"broken={broken} must be a share, from 0 to 1.")
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder}: this folder is not empty; take it away, or give another output=FOLDER.")
    folder.mkdir(parents=True, exist_ok=True)
    output, told = folder / "tagged.jsonl", folder / "stderr.txt"
    common = ["--format", "jsonl", "-o", str(output), "--on-error", "skip", *options]
    if kind == "lines":
        source = folder / "lines.jsonl"
        faults = write_lines(source, size, broken, seed)
        return check_lines(source, output, faults, run_command([str(source), *common], told))
    if kind == "document":
        source = folder / "document.txt"
        text = write_document(source, size, seed)
        return check_document(text, output, run_command([str(source), *common], told))
    if kind == "files":
        source = folder / "files"
        texts = write_files(source, size, broken, seed)
        return check_files(texts, output, run_command([str(source), *common], told))
    raise UserError(f"kind={kind} is not known; take lines, document or files.")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for line in lines:
            yield json.loads(line)
