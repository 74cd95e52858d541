"""Small things that tests build: a vocabulary in PhoBERT's file format, a random encoder, and mock backends."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, trainers
from tokenizers.pre_tokenizers import WhitespaceSplit

from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import ModelFiles, ModelSettings
from ner_danvan.tagger import Tagger
from ner_danvan.text.inputs import InputSettings
from ner_danvan.text.segment import SplitWords, segment
from ner_danvan.text.subwords import Subwords
from ner_danvan.text.windows import WindowSize
from ner_danvan.training.augment.settings import AugmentConfig, Rates, Roles

DANVAN = LabelScheme.from_config(
    [
        {"name": "mention", "labels": ["PERSON", "ORG", "DATE"]},
        {"name": "title", "labels": ["POSITION"]},
        {"name": "task", "labels": ["TASK"]},
    ]
)

SMALL = InputSettings(WindowSize(64, 8))

# every key of the section `training` that says how a model is fitted
FITTING: dict[str, Any] = {
    "epochs": 1,
    "patience": 1,
    "batch_size": 4,
    "accumulation": 1,
    "learning_rate": 1e-3,
    "head_factor": 3.0,
    "layer_decay": 1.0,
    "transitions": True,
    "transition_factor": 12.0,
    "warmup": 0.1,
    "schedule": "linear",
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "layer_weights": {},
    "label_smoothing": 0.0,
    "boundary_weight": 0.0,
    "adversarial": 0.0,
    "consistency": 0.0,
    "average": 0,
    "min_score": None,
    "precision": "fp32",
    "compile": "no",
    "workers": 0,
    "line_marks": False,
}

ROLES = Roles(person="PERSON", position="POSITION", body="ORG", date="DATE")
LEXICON = Path(__file__).parents[1] / "data" / "lexicon"

# the command in a process of its own, with a model that tags at random; first its vocabulary's folder
PREDICT = (
    "import sys, tiny; from pathlib import Path\n"
    "from ner_danvan import predict; from ner_danvan.tagger import Tagger\n"
    "folder = Path(sys.argv.pop(1))\n"
    "Tagger.from_pretrained = lambda name, **_: tiny.make_tagger(folder)\n"
    "predict.main()"
)

SENTENCES = [
    "Sáng ngày 5/3/2024, Ban Dân vận Huyện ủy Thanh Sơn tổ chức hội nghị giao ban quý I năm 2024.",
    "Đồng chí Lò Văn Pản, Phó Trưởng ban Thường trực Ban Dân vận Tỉnh ủy, dự và chỉ đạo hội nghị.",
    "Bà Nguyễn Thị Hoà - Chủ tịch UBMTTQ Việt Nam phường yêu cầu các khu phố rà soát hộ nghèo trước ngày 15/7.",
    "Ông Huỳnh Văn Tư đề nghị UBND xã sớm sửa chữa tuyến đường liên ấp; bố trí cán bộ trực tiếp công dân.",
    "Thời gian qua, các đoàn thể đã vận động nhân dân đóng góp 2.350 ngày công, hiến 1.200 m2 đất làm đường.",
    "Hội nghị quán triệt Nghị quyết số 25-NQ/TW của Ban Chấp hành Trung ương Đảng khóa XI.",
]

# annotated, with a place for a number; a random encoder can learn them
REPORTS = [
    "Sáng <DATE>ngày {n}/3</DATE>, <ORG>Ban Dân vận Huyện ủy</ORG> họp. Ông <PERSON>Lò Văn Pản</PERSON> dự.",
    "Bà <PERSON>Nguyễn Thị Hoà</PERSON>, <POSITION>Chủ tịch <ORG>UBND xã</ORG></POSITION> "
    "yêu cầu <TASK>rà soát {n} hộ nghèo</TASK>.",
    "<POSITION>trưởng <ORG>ban Dân vận</ORG></POSITION> đề nghị <TASK>sửa đường trước <DATE>ngày {n}/7</DATE></TASK>.",
]


def augmentation(**rates: float) -> dict[str, Any]:
    """The section `augment` of a configuration, every kind off but those given."""
    kinds = {field.name: 0.0 for field in fields(Rates)}
    return {
        "lexicon": str(LEXICON),
        "versions": 2,
        "share": 1.0,
        "roles": {"person": "PERSON", "position": "POSITION", "body": "ORG", "date": "DATE"},
        "rates": kinds | rates,
    }


def rates(**given: float) -> Rates:
    """Every kind of augmentation off but those given."""
    return Rates(**augmentation(**given)["rates"])


def no_augmentation() -> AugmentConfig:
    """Nothing is changed."""
    return AugmentConfig(LEXICON, 1, 0.0, ROLES, rates())


def write_lexicon(folder: Path) -> Path:
    """A folder of gazetteers, a few rows each."""
    files = {
        "surnames": ["name weight", "Giàng 3", "Ksor 1"],
        "middle_names": ["name gender weight", "Đình m 2", "Thị f 2", "Minh any 1"],
        "given_names": ["name gender weight", "Quyết m 2", "Thắm f 2"],
        "provinces": ["name kind before after", "Điện_Biên tỉnh 1 1", "Lào_Cai tỉnh 1 1"],
        "districts": ["name kind province", "Mường_La huyện Sơn_La", "Thanh_Sơn huyện Phú_Thọ", "1 quận TP"],
        "communes": ["name kind province era", "Phú_Yên xã Sơn_La after", "Tân_Lập phường Sơn_La after"],
        "bodies": ["pattern level", "Công_an_{place} huyện", "Văn_phòng_{committee} huyện", "Báo_{name} tỉnh"],
        "titles": ["head group weight", "Chủ_tịch chair 1", "Phó_Chủ_tịch_Thường_trực chair 1", "Trưởng head 1"],
        "acronyms": ["short full kind", "UBND Ủy_ban_nhân_dân body", "ANTT an_ninh_trật_tự other"],
        "date_formats": [
            "kind format",
            "day ngày_{d}/{m}/{y}",
            "day {dd}/{mm}/{y}",
            "day {d}/{m}/{y}",
            "day ngày_{d}_tháng_{m}_năm_{y}",
            "day {d}/{m}",
            "month tháng_{m}/{y}",
            "quarter quý_{roman}/{y}",
            "period nhiệm_kỳ_{y}-{y5}",
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        text = "\n".join(row.replace(" ", "\t").replace("_", " ") for row in rows) + "\n"
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8")
    return folder


def write_vocabulary(folder: Path, *, size: int = 400) -> None:
    """`vocab.txt` and `bpe.codes`, learned from SENTENCES; as in PhoBERT, some symbols of merges have no entry."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [" ".join(word.form for word in segment(sentence)) for sentence in SENTENCES]
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.train_from_iterator(
        words, trainers.BpeTrainer(vocab_size=size, end_of_word_suffix="</w>", show_progress=False)
    )
    model = json.loads(tokenizer.to_str())["model"]
    entries = [
        f"{symbol.removesuffix('</w>') if symbol.endswith('</w>') else symbol + '@@'} {1000 - number}"
        for symbol, number in sorted(model["vocab"].items(), key=lambda item: item[1])
        if len(symbol) == 1 or number % 7  # every seventh longer symbol is only a step on the way
    ]
    (folder / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    merges = [f"{left} {right} {1000 - rank}" for rank, (left, right) in enumerate(model["merges"])]
    (folder / "bpe.codes").write_text("\n".join(merges) + "\n", encoding="utf-8")


def write_encoder(folder: Path, *, positions: int = 258) -> Path:
    """A random encoder in PhoBERT's layout: 2 layers, hidden 32."""
    import torch
    from transformers import RobertaConfig, RobertaForMaskedLM

    write_vocabulary(folder)
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=Subwords.from_files(folder).vocabulary_size + 1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        type_vocab_size=1,
    )
    RobertaForMaskedLM(config).save_pretrained(folder)
    return folder


# of a trained model; enough to change what is found
TRANSITIONS = {
    layer.name: [[0.5 * (i - j) for j in range(len(layer.tags))] for i in range(len(layer.tags))]
    for layer in DANVAN.layers
}
RECORD = {
    "config": {"model": {"name": "tiny", "path": "owner/encoder", "license": "agpl-3.0"}},
    "data": {"train": {"documents": 8}, "dev": {"documents": 2}},
    "dev_f1": 0.5,
    "best_epoch": 3.0,
}


def write_run(encoder: Path, output: Path, scheme: LabelScheme = DANVAN) -> Path:
    """A training run's output folder, with a head that is not quite random."""
    import torch

    from ner_danvan.training.config import EncoderConfig
    from ner_danvan.training.encoder import load_encoder
    from ner_danvan.training.run import save_model

    torch.manual_seed(3)
    model = load_encoder(encoder, EncoderConfig("tiny", str(encoder), "mit", False, 0.1, 0.1), scheme)
    torch.nn.init.normal_(model.classifier.weight, std=1.0)
    folder = output / "model"
    output.mkdir()
    temperatures = dict(zip((layer.name for layer in scheme.layers), (1.5, 1.0, 2.0), strict=False))
    settings = ModelSettings(scheme, SMALL, TRANSITIONS if scheme == DANVAN else {}, temperatures)
    save_model(model, folder, settings, encoder, Subwords.from_files(encoder), {"trưởng_ban": (1,)})
    (folder / "run.json").write_text(json.dumps(RECORD))
    return output


class RandomBackend:
    """Logits that depend on nothing but the ids of the row, and make every kind of span."""

    parallel = 2
    batch_tokens = 1_024
    length_multiple = 1

    def __init__(self, outputs: int) -> None:
        self._outputs = outputs

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        logits = np.zeros((*ids.shape, self._outputs), dtype=np.float32)
        for row, length in enumerate(mask.sum(axis=1)):
            seed = int.from_bytes(hashlib.sha256(ids[row, :length].tobytes()).digest()[:8])
            logits[row, :length] = 3 * np.random.default_rng(seed).standard_normal((length, self._outputs))
        return logits


class KeywordBackend:
    """Tags the words whose first subword is one of the given ids, but sees nothing near the edges of a window."""

    parallel = 1
    batch_tokens = 1_024
    length_multiple = 1

    def __init__(self, tag_of: dict[int, int], outputs: int, *, blind: int = 0) -> None:
        self._tag_of = tag_of
        self._outputs = outputs
        self._blind = blind

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        logits = np.zeros((*ids.shape, self._outputs), dtype=np.float32)
        logits[..., 0] = 1.0
        for row, length in enumerate(mask.sum(axis=1).tolist()):
            for place in range(1 + self._blind, length - 1 - self._blind):
                if tag := self._tag_of.get(int(ids[row, place])):
                    logits[row, place, tag] = 9.0
        return logits


def make_tagger(
    folder: Path,
    backend: object | None = None,
    *,
    scheme: LabelScheme = DANVAN,
    window: WindowSize | None = None,
    line_marks: bool = False,
    split_words: SplitWords | None = None,
    min_score: float | None = None,
    own_min_score: float = 0.0,
    batch_tokens: int | None = None,
) -> Tagger:
    """A Tagger over a folder with a vocabulary, on a backend that is no model."""
    inputs = InputSettings(window or WindowSize(256, 48), line_marks=line_marks)
    settings = ModelSettings(scheme, inputs, min_score=own_min_score)
    files = ModelFiles(folder, settings, Subwords.from_files(folder), split_words or {})
    chosen: Any = backend or RandomBackend(len(scheme.tags))
    return Tagger(files, chosen, min_score=min_score, batch_tokens=batch_tokens)
