"""Fuzzing that is led by coverage (atheris, libFuzzer), over the properties that the tests beside this file check.

pip install atheris==3.0.0, then, with tests/ and src/ on the path:

    python -m fuzz.guided                                # lists the targets
    python -m fuzz.guided TARGET CORPUS -runs=100000     # CORPUS is a folder that it fills; options are libFuzzer's
    python -m fuzz.guided TARGET INPUT                   # one input that failed, again

Not part of the test suite: atheris has no wheel for every interpreter, and a run that finds anything takes minutes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ner_danvan"], enable_loader_override=False):  # where it is to be led
    from fuzz import samples
    from hostile import SCHEME

    from ner_danvan.document import parse_inline, parse_json_line, render_inline
    from ner_danvan.io.tools.formats import FORMATS
    from ner_danvan.text.segment import segment
    from ner_danvan.text.windows import WindowSize, cut_windows, stitch

import numpy as np
from fuzz.test_bulk import BULK_KINDS, check_bulk
from fuzz.test_converters import TEXT, WHOLE
from fuzz.test_readers import KINDS, check
from fuzz.test_texts import check_decoded
from fuzz.torture import check_line, tried


def _reader(kind: str, data: bytes) -> None:
    check(data, samples.name_of(kind), budget=False)


def _bulk(kind: str, data: bytes) -> None:
    check_bulk(data, kind, size=100)


def _inline(data: bytes) -> None:
    markup = data.decode("utf-8", "replace")
    document = tried(lambda: parse_inline(markup, "a", SCHEME.labels), "a:")
    if document is None:
        return
    again = parse_inline(render_inline(document), "a", SCHEME.labels)
    assert (again.text, again.spans) == (document.text, document.spans)


def _row(data: bytes) -> None:
    document = tried(lambda: parse_json_line(data, "f:1"), "f:1: ")
    if document is None:
        return
    check_line(document)


def _words(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    position = 0
    for word in segment(text):
        assert position <= word.start < word.end <= len(text), word
        position = word.end


def _windows(data: bytes) -> None:
    if len(data) < 2:
        return
    size = WindowSize(3 + data[0], data[1])
    counts = np.frombuffer(data[2:], np.uint8).astype(np.int64) // 2 + 1
    windows = cut_windows(counts, [bool(byte & 1) for byte in data[2:]], size)
    rows = [np.arange(first, last, dtype=np.float32)[:, None] for first, last in windows]
    assert stitch(windows, rows, len(counts)).ravel().tolist() == list(range(len(counts)))


def _decoding(data: bytes) -> None:
    width = len(SCHEME.tags)
    values = np.frombuffer(data[: len(data) // (2 * width) * 2 * width], np.float16).astype(np.float32)
    values = np.nan_to_num(values, posinf=2.0**100, neginf=-(2.0**100))
    check_decoded(values.reshape(-1, width))


def _converter(name: str, data: bytes) -> None:
    form = FORMATS[name]
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / f"a{form.endings[0] if form.endings else '.jsonl'}"
        path.write_bytes(data)
        if name == "brat":
            path.with_suffix(".txt").write_text(TEXT)
        for document in tried(lambda: list(form.read(path, SCHEME))) or []:
            if name != "jsonl":  # it takes offsets as they are; who needs them right checks the document
                assert all(document.text[s.start : s.end] == s.text for s in document.spans), document


def _whole(name: str) -> bytes:
    """A file of a tool's format, to begin with."""
    form = FORMATS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        if form.is_folder:
            path.mkdir()
        form.write([WHOLE], path, SCHEME)
        if form.is_folder:
            path = next(path.glob(f"*{form.endings[0]}"))
        return path.read_bytes()


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    **{f"read-{kind}": (partial(_reader, kind), partial(samples.of, kind)) for kind in KINDS},
    **{f"bulk-{kind}": (partial(_bulk, kind), partial(samples.of, kind)) for kind in BULK_KINDS},
    "inline": (_inline, lambda: [b"a <POSITION>b <ORG>c</ORG></POSITION> &lt;ORG> &amp;lt;ORG>"]),
    "json": (_row, lambda: samples.JSON_LINES.encode().split(b"\n")),
    "words": (_words, lambda: [samples.LINE.encode(), samples.MORE.encode()]),
    "windows": (_windows, lambda: [bytes(range(200))]),
    "decoding": (_decoding, lambda: [np.linspace(-9, 9, 130).astype(np.float16).tobytes()]),
    **{f"convert-{name}": (partial(_converter, name), partial(lambda name: [_whole(name)], name)) for name in FORMATS},
}


def main(arguments: list[str]) -> None:
    """Run the target that the first argument names."""
    if len(arguments) < 2 or arguments[1] not in TARGETS:
        print("\n".join(TARGETS))
        return
    target, seeds = TARGETS[arguments[1]]
    rest = arguments[2:]
    if rest and not Path(rest[0]).is_file():
        corpus = Path(rest[0])
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds()):
            (corpus / f"seed{number}").write_bytes(seed)
    atheris.Setup([arguments[0], "-rss_limit_mb=4096", "-timeout=60", *rest], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
