from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan import convert
from ner_danvan.corpus.reports import read_gold
from ner_danvan.corpus.tagged import is_tagged, labels_of, read_tagged
from ner_danvan.document import document_to_dict, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme, Layer, spans_to_tags
from ner_danvan.text.segment import segment_at_spaces

WORDS = ["Bệnh_nhân", "523", "là", "nữ", ",", "ở", "Đà_Nẵng"]
TAGS = ["O", "B-PATIENT_ID", "O", "B-GENDER", "O", "O", "B-LOCATION"]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_conll_and_json_lines_give_the_same_documents(tmp_path: Path) -> None:
    conll = "\n".join(f"{word} {tag}" for word, tag in zip(WORDS, TAGS, strict=True))
    first = read_tagged(write(tmp_path / "a.conll", f"-DOCSTART- O\n\n{conll}\n\n{conll}\n"))
    row = json.dumps({"words": WORDS, "tags": TAGS}, ensure_ascii=False)
    second = read_tagged(write(tmp_path / "a.json", f"{row}\n{row}\n"))
    assert first == second
    assert [document.id for document in first] == ["a:1", "a:2"]
    assert first[0].text == "Bệnh_nhân 523 là nữ , ở Đà_Nẵng"
    assert [(span.text, span.label) for span in first[0].spans] == [
        ("523", "PATIENT_ID"),
        ("nữ", "GENDER"),
        ("Đà_Nẵng", "LOCATION"),
    ]
    assert labels_of(first) == ["GENDER", "LOCATION", "PATIENT_ID"]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("B-X I-X O", ["a b"]),
        ("B-X B-X I-X", ["a", "b c"]),
        ("I-X I-X O", ["a b"]),
        ("B-X I-Y I-Y", ["a", "b c"]),
        ("B-X O I-X", ["a", "c"]),
    ],
)
def test_bio_tags_become_spans_as_conlleval_has_it(tmp_path: Path, tags: str, spans: list[str]) -> None:
    row = json.dumps({"words": ["a", "b", "c"], "tags": tags.split()})
    (document,) = read_tagged(write(tmp_path / "a.jsonl", row))
    assert [span.text for span in document.spans] == spans


@given(st.lists(st.tuples(st.text("aăủ_.,1", min_size=1, max_size=4), st.sampled_from(["O", "B", "I"])), min_size=1))
def test_words_and_tags_survive_the_way_through_text(rows: list[tuple[str, str]]) -> None:
    scheme = LabelScheme((Layer("entity", ("X",)),))
    words = [word for word, _ in rows]
    tags = [tag if tag == "O" else f"{tag}-X" for _, tag in rows]
    tags = [f"B{tag[1:]}" if tag[0] == "I" and (i == 0 or tags[i - 1] == "O") else tag for i, tag in enumerate(tags)]
    path = Path("memory.jsonl")
    from ner_danvan.corpus.tagged import _document

    document = _document("x", words, tags, str(path))
    found = segment_at_spaces(document.text)
    assert [document.text[word.start : word.end] for word in found] == words
    ids, lost = spans_to_tags(document.spans, [(word.start, word.end) for word in found], scheme)
    assert not lost
    assert [scheme.layers[0].tags[i] for i in ids[0]] == tags


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.conll", "a O\nb\n", r"a\.conll:2: a word without a tag"),
        ("a.conll", "\n\n", "no sentence in it"),
        ("a.conll", "a O\n\nb E-X\n", r'a\.conll:3: the tag "E-X" is none of'),
        ("a.jsonl", '{"words": ["a"], "tags": []}', r"a\.jsonl:1: 1 words and 0 tags"),
        ("a.jsonl", '{"words": ["a b"], "tags": ["O"]}', 'the word "a b" is empty or has white space'),
        ("a.jsonl", '{"words": [""], "tags": ["O"]}', 'the word "" is empty'),
        ("a.jsonl", '{"words": ["a"], "tags": ["O"]}\n{"words": "a"}', r"a\.jsonl:2: no such row"),
        ("a.jsonl", '{"words": ["a"], "tags": [1]}', "must be lists of strings"),
        ("a.jsonl", '{"words": ["a"], "tags": ["B-"]}', 'the tag "B-"'),
    ],
)
def test_a_fault_names_file_and_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_tagged(write(tmp_path / name, text))


@pytest.mark.parametrize("text", ["a O\r\nb B-X\r\n", "a O\rb B-X\r", "\ufeffa\tO\nb\tB-X", "a POS O\nb POS B-X\n\n\n"])
def test_line_ends_marks_and_columns_of_other_tools_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.conll"
    path.write_bytes(text.encode())
    (document,) = read_tagged(path)
    assert (document.text, [span.text for span in document.spans]) == ("a b", ["b"])


def test_a_space_inside_a_word_of_a_tabbed_file_is_not_cut_off(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='the word "Bệnh nhân" is empty or has white space'):
        read_tagged(write(tmp_path / "a.conll", "Bệnh nhân\tB-X\n"))


def test_a_file_of_another_kind_is_refused_and_not_read_as_a_report_without_spans(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no annotated data that is known"):
        read_gold(write(tmp_path / "a.csv", "a,b"), DANVAN.layer_of)
    with pytest.raises(UserError, match="is no annotated data that is known"):
        read_gold(write(tmp_path / "a.json", '{"tokens": ["a"], "ner_tags": ["O"]}'), DANVAN.layer_of)
    with pytest.raises(UserError, match="no such file"):
        read_gold(tmp_path / "none.conll", DANVAN.layer_of)


def test_comments_before_a_sentence_are_no_words(tmp_path: Path) -> None:
    text = "# sent_id = 1\n# text = a b\na O\nb B-X\n\n#newdoc = 2\n# O\n# = O\n"
    first, second = read_tagged(write(tmp_path / "a.conll", text))
    assert (first.text, second.text) == ("a b", "# #")  # a sign is a word where no name stands behind it


def test_a_column_a_layer_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    report = read_gold(write(tmp_path / "a.txt", "<ORG>UBND xã</ORG> họp."), DANVAN.layer_of)
    source = write(tmp_path / "in.jsonl", "".join(to_json_line(document) + "\n" for document in report))
    conll = tmp_path / "of layers.conll"
    convert.main([str(source), str(conll)])
    with pytest.raises(UserError, match=r"of layers\.conll:1: has a column a layer") as refused:
        read_tagged(conll)
    _, _, command = str(refused.value).partition("python -m ner_danvan.convert ")
    convert.main(shlex.split(command))
    assert read_gold(tmp_path / "of layers.jsonl", DANVAN.layer_of) == report


def test_document_jsonl_is_not_taken_for_tagged_words(tmp_path: Path) -> None:
    row = json.dumps(document_to_dict(read_tagged(write(tmp_path / "w.jsonl", '{"words":["a"],"tags":["O"]}'))[0]))
    assert not is_tagged(write(tmp_path / "d.jsonl", row))
    assert read_gold(tmp_path / "d.jsonl", DANVAN.layer_of)[0].text == "a"
    row = json.dumps({"id": "x", "meta": {"words": 2}, "text": "a"})
    assert not is_tagged(write(tmp_path / "m.jsonl", row))
    assert not is_tagged(tmp_path)
    assert not is_tagged(tmp_path / "none.conll")
