from ner_danvan.io.readers.formats import read_one
from ner_danvan.io.readers.inputs import STDIN, find_files, is_jsonl, read_inputs
from ner_danvan.io.readers.limits import SAFE, Limits, parse_limits, told_limits
from ner_danvan.io.readers.sniff import BULK_ENDINGS, ENDINGS
from ner_danvan.io.readers.source import Failure, InputFile, attempt, cannot_be_tagged
from ner_danvan.io.readers.text import read_line, read_row, with_origin

__all__ = [
    "BULK_ENDINGS",
    "ENDINGS",
    "SAFE",
    "STDIN",
    "Failure",
    "InputFile",
    "Limits",
    "attempt",
    "cannot_be_tagged",
    "find_files",
    "is_jsonl",
    "parse_limits",
    "read_inputs",
    "read_line",
    "read_one",
    "read_row",
    "told_limits",
    "with_origin",
]
