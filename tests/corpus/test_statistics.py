from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tiny import DANVAN

from ner_danvan.corpus.plots import draw_plots
from ner_danvan.corpus.reports import Report
from ner_danvan.corpus.statistics import Reading, Statistics, corpus_statistics
from ner_danvan.corpus.tables import markdown_table, render_statistics, replace_block, statistics_tables
from ner_danvan.document import parse_inline
from ner_danvan.errors import UserError
from ner_danvan.text.inputs import InputSettings
from ner_danvan.text.subwords import Subwords
from ner_danvan.text.windows import WindowSize

TRAIN = [
    "<POSITION>trưởng <ORG>ban Dân vận</ORG></POSITION> họp; nghỉ.\n- 1.\nNgày <DATE>15/7</DATE>",
    "Bà <PERSON>Lò Thị Pản</PERSON> nói <ORG>UBND xã</ORG> bận. <ORG>UBND xã</ORG> họp",
]
DEV = ["<ORG>ubnd  xã</ORG> gặp <ORG>UBND xã</ORG>, <ORG>Huyện ủy</ORG>, <POSITION>trưởng ban</POSITION>"]


def figures(vocabulary: Path, *, window: int = 256, **splits: list[str]) -> Statistics:
    reports = [
        Report(Path(f"{split}/{i}.txt"), split, parse_inline(text, f"{split}{i}", DANVAN.labels))
        for split, texts in splits.items()
        for i, text in enumerate(texts)
    ]
    reading = Reading(Subwords.from_files(vocabulary), InputSettings(WindowSize(window, 2)), min_cuts=1, min_share=0.02)
    return corpus_statistics(reports, list(splits), DANVAN, reading)


def test_sizes_count_words_sentences_and_nested_spans(vocabulary: Path) -> None:
    train = figures(vocabulary, train=TRAIN).splits["train"]
    assert (train.documents, train.words, train.spans, train.nested) == (2, 21, 6, 1)
    assert train.sentences == 5  # "họp;", "nghỉ.", the date's line; "bận.", "họp"; a number alone is none
    assert train.lengths == [10, 11]
    assert train.words_per_report == {"min": 10, "median": 10.5, "max": 11}


def test_labels_count_strings_whatever_their_case_and_spaces(vocabulary: Path) -> None:
    org = figures(vocabulary, train=TRAIN, dev=DEV).splits["dev"].labels["ORG"]
    assert (org.spans, org.distinct, org.mean_words) == (3, 2, 2.0)


def test_cut_spans_fall_as_words_are_split(vocabulary: Path) -> None:
    cut = figures(vocabulary, train=["<ORG>Ban ATGT</ORG>. Đây là <ORG>ban Dân</ORG> vận"]).splits["train"].cut
    assert cut == {"underthesea": 2, "irregular_split": 1, "lexicon": 0}


def test_the_lexicon_is_learned_from_the_first_split_alone(vocabulary: Path) -> None:
    hidden = "Đây là <ORG>ban Dân</ORG> vận"
    statistics = figures(vocabulary, train=["<ORG>UBND xã</ORG> họp"], dev=[hidden])
    assert statistics.split_words == 0
    assert statistics.splits["dev"].cut["lexicon"] == 1


def test_windows_are_of_the_size_that_is_asked(vocabulary: Path) -> None:
    assert figures(vocabulary, train=TRAIN).splits["train"].windows == 2
    assert figures(vocabulary, train=TRAIN, window=12).splits["train"].windows > 2


def test_seen_strings_are_counted_once_and_by_span(vocabulary: Path) -> None:
    seen = figures(vocabulary, train=TRAIN, dev=DEV).seen
    assert list(seen) == ["dev"]
    assert (seen["dev"]["ORG"].distinct, seen["dev"]["ORG"].spans) == (0.5, 0.6667)
    assert seen["dev"]["POSITION"].distinct == 0.0
    assert "PERSON" not in seen["dev"]  # none there


def test_a_string_under_another_label_is_not_seen(vocabulary: Path) -> None:
    seen = figures(vocabulary, train=["<ORG>Kim Liên</ORG>"], dev=["<PERSON>Kim Liên</PERSON>"]).seen["dev"]
    assert seen["PERSON"].spans == 0.0


def test_the_tables_show_the_figures(vocabulary: Path) -> None:
    text = render_statistics(figures(vocabulary, train=TRAIN, dev=DEV))
    assert "| words | 21 | 9 |" in text
    assert "| nested spans (percent) | 16.7 | 0.0 |" in text
    assert "| ORG | 50.0 | 66.7 |" in text
    assert "| PERSON | – | – |" in text
    assert "Reports by" not in text  # nothing is known of them


def test_each_table_can_be_had_by_its_name(vocabulary: Path) -> None:
    statistics = figures(vocabulary, train=TRAIN, dev=DEV)
    tables = statistics_tables(statistics)
    assert list(tables) == ["sizes", "labels", "seen"]
    assert "| words | 21 | 9 |" in tables["sizes"]
    assert "| ORG | 50.0 | 66.7 |" in tables["seen"]
    assert all(table in render_statistics(statistics) for table in tables.values())


def test_any_text_stays_in_its_cell() -> None:
    table = markdown_table(["label", "text"], [("A", "một | <b>\nhai*"), ("B", None)])
    assert table.splitlines()[2:] == [r"| A | một \| \<b> hai\* |", "| B |  |"]


def test_only_columns_of_figures_go_to_the_right() -> None:
    marks = markdown_table(["", "figures", "words"], [("1", 1_000, "1 xã"), ("2", 0.5, "–")]).splitlines()
    assert marks[1:] == ["| --- | ---: | --- |", "| 1 | 1,000 | 1 xã |", "| 2 | 0.50 | – |"]


def test_one_split_alone_has_tables_and_plots_too(vocabulary: Path, tmp_path: Path) -> None:
    statistics = figures(vocabulary, train=TRAIN)
    assert "that train has" not in render_statistics(statistics)
    assert [path.name for path in draw_plots(statistics, tmp_path)] == ["sizes.png"]


def test_two_blocks_in_a_page_are_refused() -> None:
    block = "<!-- statistics --><!-- /statistics -->"
    with pytest.raises(UserError, match="once"):
        replace_block(block + block, "x", Path("page.md"))


def test_a_plot_is_drawn_anew_only_when_its_figures_change(vocabulary: Path, tmp_path: Path) -> None:
    first = draw_plots(figures(vocabulary, train=TRAIN, dev=DEV), tmp_path)
    assert [path.name for path in first] == ["sizes.png", "seen.png"]
    first[0].write_bytes(first[0].read_bytes() + b"kept")
    first[1].write_bytes(b"no plot")
    draw_plots(figures(vocabulary, train=TRAIN, dev=DEV), tmp_path)
    assert first[0].read_bytes().endswith(b"kept")
    assert first[1].read_bytes().startswith(b"\x89PNG")
    draw_plots(figures(vocabulary, train=DEV, dev=TRAIN), tmp_path)
    assert not first[0].read_bytes().endswith(b"kept")


def test_a_missing_matplotlib_is_one_line(vocabulary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match="pip install"):
        draw_plots(figures(vocabulary, train=TRAIN), tmp_path)


def test_what_the_index_says_is_counted_shown_and_drawn(vocabulary: Path, tmp_path: Path) -> None:
    statistics = figures(vocabulary, train=TRAIN, dev=DEV)
    groups = {"genre": {"plan": {"train": 2, "dev": 0}, "news": {"train": 0, "dev": 1}}}
    statistics = replace(statistics, groups=groups)
    assert (
        "Reports by genre.\n\n| genre | train | dev |\n| --- | ---: | ---: |\n| plan | 2 | 0 |\n"
        in render_statistics(statistics)
    )
    assert draw_plots(statistics, tmp_path)[-1].name == "groups.png"
