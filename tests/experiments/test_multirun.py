from __future__ import annotations

from typing import Any

import pytest
from conftest import ROOT
from hydra import compose, initialize_config_dir

from ner_danvan.experiments.multirun import OwnFolders


def start(*overrides: str, name: str = "train") -> None:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config: Any = compose(
            name, [each for each in overrides if "=" in each and "," not in each], return_hydra_config=True
        )
    config.hydra.overrides.task = list(overrides)
    OwnFolders().on_multirun_start(config)


@pytest.mark.parametrize(
    "overrides",
    [
        ("seed=1,2",),
        ("seed=1,2", "training.epochs=3"),
        ("model=phobert_base,phobert_large", "seed=1,2"),
        ("training.window=128,256", "run='w-${training.window}'"),
        ("augment=none,all", "run='w-${hydra:runtime.choices.augment}'"),
        ("output=runs/a,runs/b",),
    ],
)
def test_runs_with_folders_of_their_own_may_start(overrides: tuple[str, ...]) -> None:
    start(*overrides)


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (("training.window=128,256",), "'run=${model.name}-${seed}-${training.window}'"),
        (("augment=none,all", "seed=1,2"), "'run=${model.name}-${seed}-${hydra:runtime.choices.augment}'"),
        (("seed=1,2", "output=runs/x"), "seed is varied"),
        (("training.epochs=range(1,4)",), "training.epochs is varied"),
    ],
)
def test_runs_that_would_clear_each_other_are_refused_with_the_mend(
    overrides: tuple[str, ...], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        start(*overrides)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert wanted in line
