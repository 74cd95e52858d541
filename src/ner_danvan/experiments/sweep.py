"""A search for better settings: a sampler proposes trials, those that fall behind are cut short, a kill costs nothing.

hydra-optuna-sweeper 1.3.0 is not taken: it wants Optuna below 3, whose storage fails with today's SQLAlchemy, and knows
neither pruning nor going on. So Optuna is used directly.
"""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ner_danvan.atomic import remove_folder, write_whole
from ner_danvan.errors import UserError, one_line
from ner_danvan.evaluation.files import write_table
from ner_danvan.evaluation.scores import dev_scores
from ner_danvan.experiments.space import Space, read_space, with_values
from ner_danvan.labels import LabelScheme
from ner_danvan.sections import fill, whole_number
from ner_danvan.training import run as training
from ner_danvan.training.checkpoints import CHECKPOINTS
from ner_danvan.training.config import output_folder
from ner_danvan.training.record import difference

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

log = logging.getLogger(__name__)

SWEEP_FILE = "sweep.json"
TRIALS_TABLE = "trials.tsv"
STUDY_FILE = "study.db"

_NO_MATTER = {"resume", "keep_checkpoints", "tracker", "tracking"}  # of what a sweep finds
_SAMPLERS = ("tpe", "random")
_FOLDER, _CONFIG, _EPOCH = "folder", "config", "best_epoch"  # what the study keeps beside values


@dataclass(frozen=True)
class PruneConfig:
    """From which trial and epoch on a trial may be cut short."""

    trials: int
    epochs: int


@dataclass(frozen=True)
class SweepConfig:
    """How a space is searched; `configs/sweep/` says what each key means."""

    trials: int
    seed: int
    sampler: str
    startup: int
    prune: PruneConfig
    space: Space


@dataclass(frozen=True)
class TrialResult:
    """A trial that has ended: its place in the sweep, the values it had, its dev F1; `pruned` if it was cut short."""

    folder: str
    pruned: bool
    dev_f1: float
    values: dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """Every trial that has ended, in the order of the sweep."""

    trials: list[TrialResult]

    @property
    def ranked(self) -> list[TrialResult]:
        """The best first, those cut short behind the others."""
        return sorted(self.trials, key=lambda trial: (trial.pruned, -trial.dev_f1))

    @property
    def best(self) -> TrialResult:
        """The trial with the best dev F1."""
        return self.ranked[0]


def sweep_config(values: Mapping[str, Any]) -> SweepConfig:
    """From the resolved configuration; raises UserError that names the key whose value cannot be."""
    section = dict(values["sweep"])
    space = read_space(section.pop("space", None), {key: each for key, each in values.items() if key != "sweep"})
    prune = fill(PruneConfig, "sweep.prune", section.pop("prune", None))
    plain = fill(_Plain, "sweep", section)
    whole_number("sweep.trials", plain.trials, 1)
    if plain.sampler not in _SAMPLERS:
        raise UserError(f"sweep.sampler={plain.sampler} is not known; take one of {', '.join(_SAMPLERS)}.")
    for key, value in (("startup", plain.startup), ("prune.trials", prune.trials), ("prune.epochs", prune.epochs)):
        if value < 0:
            raise UserError(f"sweep.{key}={value} must not be below 0.")
    return SweepConfig(plain.trials, plain.seed, plain.sampler, plain.startup, prune, space)


def run(values: Mapping[str, Any]) -> Sweep:
    """Run trials until `sweep.trials` have ended; each is a training run in a folder below `output`.

    Writes `sweep.json`, `trials.tsv` and Optuna's `study.db`. What the n-th trial tries follows from the seed, n and
    the trials that have ended before, so a sweep that was killed and is gone on with (`resume=auto`) tries what an
    unbroken one would have; the trial that the kill hit goes on from its last checkpoint. Raises UserError for a fault
    of config or data, and where another process works on the same sweep.
    """
    config = sweep_config(values)
    output = output_folder(values["output"])
    output.mkdir(parents=True, exist_ok=True)
    with _alone(output):
        study = _study(values, config, output)
        _take_up(study)
        while (ended := len(_ended(study))) < config.trials:
            study.sampler = _sampler(config, ended)
            _run_trial(study, study.ask(), values, config, output / f"trial-{ended:03d}")
            _write(_result(study), output)
        result = _result(study)
        _write(result, output)
    return result


def _run_trial(study: Study, trial: Trial, values: Mapping[str, Any], config: SweepConfig, folder: Path) -> None:
    from optuna import TrialPruned
    from optuna.trial import TrialState

    goes_on = _FOLDER in trial.user_attrs
    trial.set_user_attr(_FOLDER, folder.name)
    chosen = {key: part.draw(key, trial) for key, part in config.space.items()}
    own = {key: each for key, each in with_values(values, chosen).items() if key not in ("sweep", "keep_checkpoints")}
    own |= {"output": str(folder), "resume": "auto" if goes_on else None}
    log.info("%s  %s", folder.name, "  ".join(f"{key}={_short(value)}" for key, value in chosen.items()))
    score = dev_scores(LabelScheme.from_config(values["labels"]["layers"]))
    try:
        f1 = training.run(own, score, [_Watch(trial)]).dev_f1
    except TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
        log.info("%s  cut short: below the median of the others", folder.name)
    else:
        study.tell(trial, f1)
    if not values["keep_checkpoints"]:
        remove_folder(folder / CHECKPOINTS)


class _Watch(TrainerCallback):
    """Tells the study the dev F1 of each epoch, and ends the run where the study says so."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._told = 0

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        from optuna import TrialPruned

        rows = [row["eval_f1"] for row in state.log_history if "eval_f1" in row]  # those before a kill too
        for epoch in range(self._told, len(rows)):
            self._trial.report(rows[epoch], epoch + 1)
        self._told = len(rows)
        if self._trial.should_prune():
            raise TrialPruned


def _study(values: Mapping[str, Any], config: SweepConfig, output: Path) -> Study:
    """The study of this folder: the one that is there with `resume=auto`, else a new one."""
    try:
        import optuna
        from sqlalchemy import URL
        from sqlalchemy.exc import DatabaseError
    except ImportError:
        raise UserError("optuna is missing, which a sweep needs; pip install '.[sweep]'.") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if values["resume"] not in (None, "auto"):
        raise UserError(
            f"resume={values['resume']} is not known; leave it out to start anew, or say resume=auto to go on."
        )
    path = output / STUDY_FILE
    if values["resume"] is None:
        path.unlink(missing_ok=True)
        for old in output.glob("trial-*"):
            shutil.rmtree(old)
    try:
        study = optuna.create_study(
            # SQLite and not Optuna's journal: a kill in the middle of a line would spoil the latter; its address not by
            # hand, for a ? or % in the path would say other things
            storage=str(URL.create("sqlite", database=str(path))),
            study_name="sweep",
            direction="maximize",
            pruner=_pruner(config),
            load_if_exists=True,
        )
    except (DatabaseError, optuna.exceptions.StorageInternalError) as error:
        reason = one_line(str(error.__cause__ or error))[:200]
        raise UserError(f"{path}: is no study ({reason}); leave out resume=auto to start anew.") from None
    kept = {key: each for key, each in values.items() if key not in _NO_MATTER}
    now = json.loads(json.dumps(kept | {"sweep": {**values["sweep"], "trials": None}}))
    before = study.user_attrs.get(_CONFIG)
    if before is None:
        study.set_user_attr(_CONFIG, now)
    elif changed := difference(before, now):
        raise UserError(f"{output}: begun with {changed}; set it back, or leave out resume=auto to start anew.")
    return study


def _take_up(study: Study) -> None:
    """Make the trial that a kill hit the next one, with the values that it had and in its folder."""
    from optuna.trial import TrialState

    waiting = {trial.user_attrs.get(_FOLDER) for trial in study.get_trials(states=(TrialState.WAITING,))}
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        folder = trial.user_attrs.get(_FOLDER)
        if folder is not None and folder not in waiting:
            study.enqueue_trial(trial.params, user_attrs={_FOLDER: folder})
        study.tell(trial.number, state=TrialState.FAIL)


def _ended(study: Study) -> list[FrozenTrial]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _sampler(config: SweepConfig, ended: int) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    # of the place in the sweep: one that goes on must not draw again what it drew at its beginning
    seed = int.from_bytes(sha256(f"{config.seed}/{ended}".encode()).digest()[:4], "big")
    if config.sampler == "random":
        return RandomSampler(seed=seed)
    return TPESampler(seed=seed, n_startup_trials=config.startup)


def _pruner(config: SweepConfig) -> BasePruner:
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=config.prune.trials, n_warmup_steps=config.prune.epochs)


def _result(study: Study) -> Sweep:
    from optuna.trial import TrialState

    return Sweep(
        [
            TrialResult(
                trial.user_attrs[_FOLDER],
                trial.state == TrialState.PRUNED,
                # of one cut short the last epoch's
                float(trial.value if trial.value is not None else 0.0),
                dict(trial.params),
            )
            for trial in _ended(study)
        ]
    )


def _write(result: Sweep, output: Path) -> None:
    text = json.dumps({"trials": [asdict(trial) for trial in result.trials]}, ensure_ascii=False, indent=2)
    write_whole(output / SWEEP_FILE, text + "\n")
    keys = list(dict.fromkeys(key for trial in result.trials for key in trial.values))
    rows = (
        (trial.folder, "cut short" if trial.pruned else "whole", trial.dev_f1, *(trial.values.get(key) for key in keys))
        for trial in result.ranked
    )
    write_table(output / TRIALS_TABLE, ("trial", "state", "dev_f1", *keys), rows)


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Two processes in one sweep would take each other's trials for killed ones; a kill frees the lock."""
    with (output / "sweep.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{output}: another process works on this sweep; wait for it, or name another run."
            ) from None
        yield


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class _Plain:
    trials: int
    seed: int
    sampler: str
    startup: int
