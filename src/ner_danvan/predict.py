"""The analysts' command: `python -m ner_danvan.predict report.txt`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from ner_danvan.atomic import is_stream, partial_path
from ner_danvan.backends.choice import BACKENDS, fingerprint, precision, wanted_files
from ner_danvan.document import Document
from ner_danvan.errors import UserError, one_line
from ner_danvan.io.order import uncertain_first
from ner_danvan.io.output import (
    Progress,
    add_untagged,
    errors_path,
    output_path,
    own_paths,
    progress_of,
    skip_finished,
    whole_file,
    write_errors,
)
from ner_danvan.io.readers import Failure, cannot_be_tagged, parse_limits, read_inputs
from ner_danvan.io.terminal import visible
from ner_danvan.io.writers import BINARY, COMPANIED, ENDINGS, FORMATS, NEEDS, RESUMABLE
from ner_danvan.launch import OneLineParser, end_on_sigterm, fail, fail_stopped, file_fault, open_closed_streams
from ner_danvan.model_dir import EMBEDDED, find_model

if TYPE_CHECKING:
    from ner_danvan.tagger import Tagger

_DESCRIPTION = "Find persons, posts, bodies, dates and tasks in Vietnamese administrative reports."
_EPILOG = """\
exit codes: 0 all inputs read; 1 some failed (each named on stderr, and kept in OUT.errors.jsonl, under
--engine ray in OUT/_errors.jsonl); 2 wrong usage

examples:
  python -m ner_danvan.predict report.txt
  python -m ner_danvan.predict --text "Đồng chí Trần Văn Minh, Bí thư Huyện ủy, yêu cầu rà soát hộ nghèo."
  python -m ner_danvan.predict nghi_quyet.docx bao_cao.pdf
  python -m ner_danvan.predict danh_sach.xlsx --column "Nội dung" --id-column "Số hiệu" --format jsonl
  python -m ner_danvan.predict reports/ --format jsonl -o tagged.jsonl --on-error skip
  python -m ner_danvan.predict reports/ --format html -o report.html
  python -m ner_danvan.predict corpus/ --engine ray --workers 4 --format jsonl -o tagged/
"""
_STDOUT = ("-", "/dev/stdout", "/dev/fd/1")  # opened anew they would begin at the start of a file that >> adds to
_BULK_FORMATS = ("jsonl", "parquet")  # of --engine ray


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, tag, write; exits as `--help` says."""
    options = None
    try:
        end_on_sigterm()
        has_stdout = open_closed_streams()
        options = _parse(sys.argv[1:] if arguments is None else arguments)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # whatever the locale; a lone surrogate has no UTF-8 form
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        if options.output is None and not has_stdout:
            raise UserError("stdout: is closed; give a file with -o OUT.")
        code = _run_bulk(options) if options.engine == "ray" else _run(options)
    except UserError as error:
        fail(str(error))
    except OSError as error:
        _leave_stdout()
        fail(file_fault(error))
    except KeyboardInterrupt as stop:
        fail_stopped(stop, _how_to_go_on(options) if options else "")
    sys.exit(code)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = OneLineParser(
        prog="python -m ner_danvan.predict",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="text, DOCX, PDF, HTML, EML, CSV, XLSX, Parquet, document JSONL, a ZIP or folder of them, or - for stdin",
    )
    parser.add_argument("--text", metavar="S", help="tag this text instead of files")
    parser.add_argument(
        "--column", metavar="NAME", help="column of a table that holds the text (text, noi_dung … if any)"
    )
    parser.add_argument("--id-column", metavar="NAME", help="column of a table that names the rows (id if any)")
    parser.add_argument("--model", metavar="M", help="model directory or hub id (the embedded default)")
    parser.add_argument("--revision", metavar="R", help="branch, tag or commit of a model from the hub (main)")
    parser.add_argument(
        "--format",
        choices=tuple(dict.fromkeys((*FORMATS, *_BULK_FORMATS))),
        help="pretty for the terminal, jsonl for programs, csv or xlsx for spreadsheets, html for a browser, "
        "label-studio to correct, conll; parquet with --engine ray (what the ending of OUT says, else pretty)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="write to this file instead of stdout")
    parser.add_argument(
        "--min-score", type=_probability, metavar="P", help="leave out spans less sure than P (the model's own limit)"
    )
    parser.add_argument(
        "--on-error", choices=("fail", "skip"), default="fail", help="at an input that fails: stop (default), or go on"
    )
    parser.add_argument(
        "--uncertain-first", action="store_true", help="write what needs correcting most first, once all is tagged"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the partial output of an interrupted run")
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default="auto",
        help="what runs the model (auto: onnx if it is there, else torch; bf16 is fastest where the processor has it, "
        "and needs openvino)",
    )
    parser.add_argument("--device", metavar="D", help="cpu, cuda, cuda:1 … (backend torch runs on cuda where it is)")
    parser.add_argument(
        "--workers",
        type=_count,
        default=0,
        metavar="N",
        help="processes that segment texts beside this one (none); with --engine ray actors (one a core)",
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=N",
        help="allow a file you trust more: file=4G, members=50000, unpacked, part, ratio, cell, rows, pages, "
        "characters (docs/threats.md)",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: a pool of actors reads files, JSONL, Parquet, writes a folder of parts; RAY_ADDRESS names a cluster",
    )
    options = parser.parse_args(arguments)
    options.limits = parse_limits(options.limit)
    is_named = str(options.output) in _STDOUT
    if is_named:
        options.output = None
    if "" in options.paths:
        parser.error("a PATH is empty; an unset variable, perhaps? Give a file, a folder or -.")
    if options.text is not None and options.paths:
        parser.error("--text and PATH exclude each other; give one of the two.")
    if options.text is None and not options.paths:
        parser.error("nothing to read; give a PATH, - for stdin, or --text.")
    if options.format is None:
        options.format = ENDINGS.get(options.output.suffix.lower() if options.output else "", "pretty")
    if options.engine == "ray":
        if options.uncertain_first:
            parser.error("--uncertain-first goes with --engine local, which holds all documents.")
        if not options.paths or options.output is None or options.format not in _BULK_FORMATS:
            parser.error(f"--engine ray goes with PATH, -o FOLDER and --format {' or '.join(_BULK_FORMATS)}.")
        if options.column or options.id_column:
            parser.error('--engine ray reads the columns "text" and "id"; leave out --column and --id-column.')
        return options
    if options.format not in FORMATS:
        parser.error(f"--format {options.format} goes with --engine ray; take {' or '.join(FORMATS)}.")
    if options.format in BINARY and options.output is None and (not is_named or sys.stdout.isatty()):
        parser.error(f"--format {options.format} is no text for a terminal; give a file with -o OUT.")
    if (package := NEEDS.get(options.format)) and find_spec(package) is None:
        parser.error(f"--format {options.format} needs {package}: pip install 'ner-danvan[{options.format}]'.")
    if options.resume and options.uncertain_first:
        parser.error("--resume and --uncertain-first exclude each other: nothing is written before all is tagged.")
    if options.resume and (options.output is None or options.format not in RESUMABLE):
        parser.error(f"--resume goes with -o OUT and --format {' or '.join(sorted(RESUMABLE))}.")
    return options


def _probability(value: str) -> float:
    with suppress(ValueError):
        if 0 <= float(value) <= 1:
            return float(value)
    raise argparse.ArgumentTypeError(f"{value} is no probability; give a number from 0 to 1")


def _count(value: str) -> int:
    with suppress(ValueError):
        if int(value) >= 0:
            return int(value)
    raise argparse.ArgumentTypeError(f"{value} is no number of processes; give 0 or more")


@dataclass
class _Inputs:
    """Readable documents; what fails is told, kept, and under "fail" ends the reading."""

    items: Iterable[Document | Failure]
    stop: bool
    output: Path | None
    failures: list[Failure] = field(default_factory=list)

    def __iter__(self) -> Iterator[Document]:
        for item in self.items:
            if isinstance(item, Document):
                yield item
            else:
                self.add(item)
            if self.failures and self.stop:
                return

    def add(self, failure: Failure) -> None:
        """Tell and keep a failure."""
        self.failures.append(failure)
        _tell(f"error: {failure.message}")

    def add_untagged(self, document: Document, error: Exception) -> None:
        """Tell and keep a document that was read and cannot be tagged."""
        failure = cannot_be_tagged(document, error)
        if self.output:
            add_untagged(self.output, document, failure)
        self.add(failure)


class _StoppedError(Exception):
    """An input failed under --on-error fail: the output must not appear."""


def _run(options: argparse.Namespace) -> int:
    output = options.output = output_path(options.output) if options.output else None
    own = _own_paths(output, options)
    settings = _settings(options) if output and options.format in RESUMABLE else {}
    progress = progress_of(output, settings) if output and options.resume else Progress()
    inputs = _Inputs(_items(options, output, own, progress), options.on_error == "fail", output)
    tagger = _load(options)
    try:
        with whole_file(output, settings, progress) if output else nullcontext(sys.stdout) as stream:
            _write(tagger, inputs, stream, options, len(progress.finished))
            if inputs.failures and inputs.stop:
                raise _StoppedError
            if output:  # what belongs to it is there before it appears
                _write_beside(output, inputs.failures, options.format, tagger)
            stream.flush()  # the one at exit could tell of no fault
    except _StoppedError:
        if output:
            write_errors(output, inputs.failures)
        if hint := _how_to_go_on(options):
            _tell(f"stopped{hint}")
    except BrokenPipeError:  # the reader of our output, say `head`, has seen enough
        _leave_stdout()
    if output is not None and inputs.failures:
        _tell(f"failed: {len(inputs.failures)}" + ("" if is_stream(output) else f", see {errors_path(output)}"))
    return 1 if inputs.failures else 0


def _leave_stdout() -> None:
    """Nothing more goes there, and the flush at exit must not fail."""
    with suppress(OSError, ValueError):  # it may be no file at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _settings(options: argparse.Namespace) -> dict[str, object]:
    """That on which the output depends, and by which a run that goes on knows it."""
    folder = find_model(options.model, revision=options.revision, wanted=wanted_files(options.backend, options.device))
    return {
        "model": f"{options.model or EMBEDDED} ({fingerprint(folder, options.backend)[:16]})",
        "format": options.format,
        "min-score": options.min_score,
        "precision": precision(options.backend),
    }


def _own_paths(output: Path | None, options: argparse.Namespace) -> list[Path]:
    """The files that the output takes; raises UserError where one of them is an input, which would be lost."""
    if output is None or is_stream(output):
        return []
    own = own_paths(output)
    if options.format in COMPANIED:
        from ner_danvan.io.tools.formats import companion_path

        own += [path for path in [companion_path(options.format, output)] if path]
    real = {os.path.realpath(path) for path in own}
    for name in options.paths:
        if os.path.realpath(name) in real:
            raise UserError(f"{name}: is an input, and -o {output} would write there; give another -o.")
    return own


def _write_beside(output: Path, failures: list[Failure], form: str, tagger: Tagger) -> None:
    write_errors(output, failures)
    if form in COMPANIED and not is_stream(output):
        from ner_danvan.io.tools.formats import write_companion  # late: it brings every tool's format

        write_companion(form, output, tagger.scheme)


def _run_bulk(options: argparse.Namespace) -> int:
    from ner_danvan.bulk.engine import RayEngine  # late: most runs are local
    from ner_danvan.bulk.run import Request, run_bulk

    request = Request(
        options.paths,
        options.output,
        options.format,
        model=options.model,
        revision=options.revision,
        backend=options.backend,
        device=options.device,
        min_score=options.min_score,
        stop=options.on_error == "fail",
        resume=options.resume,
        limits=options.limits,
    )
    return run_bulk(request, RayEngine(options.workers), _tell)


def _items(
    options: argparse.Namespace, output: Path | None, own: Sequence[Path], progress: Progress
) -> Iterator[Document | Failure]:
    if options.text is not None:
        return iter([Document("text", options.text)])
    items = read_inputs(
        options.paths,
        _stdin,
        own=own,
        note=_tell,
        column=options.column,
        id_column=options.id_column,
        limits=options.limits,
    )
    return skip_finished(items, progress, output) if output else items


def _stdin() -> BinaryIO | None:
    return sys.stdin.buffer if sys.stdin is not None else None


def _tell(message: str) -> None:
    """One line on stderr."""
    print(visible(one_line(message)), file=sys.stderr)


def _how_to_go_on(options: argparse.Namespace) -> str:
    if options.engine == "ray":
        return f"; what is done lies in {options.output}, go on with the same command and --resume"
    if not options.output or options.format not in RESUMABLE or not partial_path(options.output).is_file():
        return ""
    return f"; what is done lies in {partial_path(options.output)}, go on with the same command and --resume"


def _load(options: argparse.Namespace) -> Tagger:
    from ner_danvan.tagger import Tagger  # late: wrong usage is told at once

    return Tagger.from_pretrained(
        options.model,
        revision=options.revision,
        backend=options.backend,
        device=options.device,
        min_score=options.min_score,
    )


def _write(tagger: Tagger, inputs: _Inputs, stream: TextIO, options: argparse.Namespace, finished: int) -> None:
    tagged = tagger.stream(inputs, workers=options.workers, on_failure=inputs.add_untagged)
    documents: Iterable[Document] = _progress(tagged, options, finished)
    with FORMATS[options.format](stream, tagger.scheme) as write:
        for number, document in enumerate(uncertain_first(documents) if options.uncertain_first else documents, 1):
            write(document)
            if number % 64 == 0:
                stream.flush()


def _progress(documents: Iterator[Document], options: argparse.Namespace, finished: int) -> Iterator[Document]:
    """Count documents on stderr where it is a terminal, and the output does not go to one too."""
    if not sys.stderr.isatty() or (options.output is None and sys.stdout.isatty()):
        yield from documents
        return
    from tqdm import tqdm  # late: only where somebody looks on

    yield from tqdm(documents, "documents", initial=finished, unit="", file=sys.stderr)


if __name__ == "__main__":
    main()
