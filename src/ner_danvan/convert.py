"""Documents between annotation tools: `python -m ner_danvan.convert gold/ gold.json --to label-studio`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from ner_danvan.atomic import is_stream
from ner_danvan.document import Document, read_text
from ner_danvan.errors import UserError
from ner_danvan.io.terminal import visible
from ner_danvan.io.tools import label_studio
from ner_danvan.io.tools.checks import check_spans
from ner_danvan.io.tools.files import whole
from ner_danvan.io.tools.formats import FORMATS, format_to_read, format_to_write, write_companion
from ner_danvan.labels import LabelScheme
from ner_danvan.launch import OneLineParser, end_on_sigterm, fail, fail_stopped, open_closed_streams
from ner_danvan.model_dir import CONFIG_FILE, SECTION, find_model
from ner_danvan.span import Kept, flat_spans
from ner_danvan.strict_json import parse_json

_DESCRIPTION = "Convert annotated documents from one annotation tool's format to another's; nested spans are kept."
_EPILOG = """\
exit codes: 0 all converted; 2 wrong usage, or something that cannot be converted (one line says what; no OUT then)

examples:
  python -m ner_danvan.convert tagged.jsonl tagged.json --to label-studio
  python -m ner_danvan.convert export.json gold.jsonl --from label-studio
  python -m ner_danvan.convert data/reports brat/ --from inline --to brat
  python -m ner_danvan.convert data/reports flat.jsonl --from inline --flat outermost
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, convert, tell how much; exits as `--help` says."""
    open_closed_streams()
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the locale
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    end_on_sigterm()
    try:
        documents, spans = convert(
            options.source,
            options.target,
            source_format=options.source_format,
            target_format=options.target_format,
            scheme=read_scheme(options.labels),
            take=options.take,
            flat=options.flat,
        )
    except UserError as error:
        fail(str(error))
    except KeyboardInterrupt as stop:
        fail_stopped(stop)
    told = sys.stderr if is_stream(options.target) else sys.stdout  # which may be the stream
    print(visible(f"{options.target}: {documents} documents, {spans} spans"), file=told)


def convert(
    source: Path,
    target: Path,
    *,
    scheme: LabelScheme,
    source_format: str | None = None,
    target_format: str | None = None,
    take: label_studio.Take = "any",
    flat: Kept | None = None,
) -> tuple[int, int]:
    """Read `source`, write `target`, whole or not at all; gives the number of documents and of spans.

    A target that is a pipe or a device is written as it goes, and nothing beside it. Formats are names in `FORMATS`,
    told from the paths where they are None. With `flat` no spans overlap in what is written, see `flat_spans`.
    Raises UserError.
    """
    _check_paths(source, target)
    reader = FORMATS[source_format or format_to_read(source)]
    target_format = target_format or format_to_write(target)
    writer = FORMATS[target_format]
    if take != "any" and reader is not FORMATS["label-studio"]:
        raise UserError(f"--take {take} is for Label Studio; leave it out, or say --from label-studio.")
    if source.is_dir() and not reader.is_folder:
        raise UserError(f"{source}: is a folder, and the format is a file; give a file in it, or another --from.")
    documents = label_studio.read(source, take) if take != "any" else reader.read(source, scheme)
    if flat:
        checked = map(check_spans, documents)  # before what is wrong can be among those left out
        documents = (replace(document, spans=flat_spans(document.spans, flat)) for document in checked)
    counts = {"documents": 0, "spans": 0}
    with whole(target, folder=writer.is_folder) as place:
        writer.write(_counted(documents, counts), place, scheme)
        if not counts["documents"]:
            raise UserError(f"{source}: no document in it; is it of the format that was given?")
    if not is_stream(target):
        write_companion(target_format, target, scheme)
    return counts["documents"], counts["spans"]


def _check_paths(source: Path, target: Path) -> None:
    path = source
    try:
        source.stat()
        path = target
        if target.exists() and source.samefile(target):
            raise UserError(f"{target}: is IN too; give another OUT.")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file or folder; check the path.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be looked at ({error.strerror}); check the path.") from None


def read_scheme(name: str | None) -> LabelScheme:
    """The label scheme of a YAML or JSON file, or of a model directory; of the embedded model for None."""
    path = find_model(None) if name is None else Path(name)
    try:
        path = path / CONFIG_FILE if path.is_dir() else path
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    text = read_text(path)
    if path.suffix.lower() == ".json":
        config = parse_json(text, str(path))
    else:
        import yaml  # late: most runs need none

        try:
            config = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UserError(f"{path}: no YAML ({error}).") from None
    return LabelScheme.from_config(_layers(config, path))


def _layers(config: Any, path: Path) -> Any:
    if isinstance(config, list):
        return config
    if isinstance(config, dict):
        section = config.get(SECTION)
        layers = config.get("layers") or (section.get("scheme") if isinstance(section, dict) else None)
        if isinstance(layers, list):
            return layers
    raise UserError(f'{path}: names no layers; write layers: [{{name: "mention", labels: ["ORG"]}}].')


def _counted(documents: Iterator[Document], counts: dict[str, int]) -> Iterator[Document]:
    for document in documents:
        counts["documents"] += 1
        counts["spans"] += len(document.spans)
        yield document


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    width = max(map(len, FORMATS))
    formats = "\n".join(f"  {name:{width}}  {form.what}" for name, form in FORMATS.items())
    parser = OneLineParser(
        prog="python -m ner_danvan.convert",
        description=_DESCRIPTION,
        epilog=f"formats:\n{formats}\n\n{_EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="IN", help="file or folder to read")
    parser.add_argument("target", type=Path, metavar="OUT", help="file, or new or empty folder, to write")
    parser.add_argument(
        "--from", dest="source_format", choices=tuple(FORMATS), metavar="FORMAT", help="of IN (told from its name)"
    )
    parser.add_argument(
        "--to", dest="target_format", choices=tuple(FORMATS), metavar="FORMAT", help="of OUT (told from its ending)"
    )
    parser.add_argument(
        "--labels", metavar="L", help="label scheme: YAML or JSON with layers, or a model directory (the embedded one)"
    )
    parser.add_argument(
        "--take",
        choices=label_studio.TAKES,
        default="any",
        help="whose spans to read from Label Studio (annotations, and predictions where a task has none)",
    )
    parser.add_argument(
        "--flat",
        choices=get_args(Kept),
        help="of spans that overlap, keep these alone, for a tool or a model that knows no nesting (all are kept)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
