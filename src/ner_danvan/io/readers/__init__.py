from ner_danvan.io.readers.formats import read_one
from ner_danvan.io.readers.inputs import STDIN, find_files, is_jsonl, read_inputs
from ner_danvan.io.readers.limits import SAFE, Limits, parse_limits, told_limits
from ner_danvan.io.readers.sniff import BULK_ENDINGS, ENDINGS
from ner_danvan.io.readers.source import Failure, InputFile, attempt, cannot_be_tagged
from ner_danvan.io.readers.text import parse_row, with_origin

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
    "parse_row",
    "read_inputs",
    "read_one",
    "told_limits",
    "with_origin",
]
