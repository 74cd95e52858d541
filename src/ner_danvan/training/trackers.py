"""Where a run's curves go beside the log: TensorBoard, MLflow, Weights & Biases. None of them speaks to a network.

The Trainer's own integrations are not used: they take their settings from the environment, and begin anew after a kill.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ner_danvan.errors import UserError
from ner_danvan.sections import fill, flat

IDS_FILE = "tracking.json"  # the ids by which a run that goes on finds itself again

_SPEED = ("_runtime", "_per_second", "_flos")  # what the Trainer says of itself at the end of a run or an evaluation


@dataclass(frozen=True)
class TrackingConfig:
    """How trackers write; `configs/train.yaml` says what each key means."""

    project: str
    mlflow: str
    wandb: str


@dataclass(frozen=True)
class TrackedRun:
    """What a tracker is told of a run; `step` is that of the checkpoint from which it goes on, None for a new one."""

    name: str
    output: Path
    settings: Mapping[str, Any]
    config: TrackingConfig
    step: int | None

    def remembered(self, tracker: str) -> str | None:
        """The id that this run had before a kill."""
        path = self.output / IDS_FILE
        if self.step is None or not path.is_file():
            return None
        found: str | None = json.loads(path.read_text(encoding="utf-8")).get(tracker)
        return found

    def remember(self, tracker: str, name: str) -> None:
        """Keep an id for `remembered`."""
        path = self.output / IDS_FILE
        ids = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        path.write_text(json.dumps({**ids, tracker: name}) + "\n", encoding="utf-8")


class Tracker(Protocol):
    """Takes figures by step, and at the end either the results or None for a run that was broken off."""

    def log(self, figures: Mapping[str, float], step: int) -> None: ...

    def close(self, results: Mapping[str, float] | None) -> None: ...


class TensorBoard:
    """Event files in `tensorboard/` of the run; `tensorboard --logdir runs` shows those of all runs."""

    def __init__(self, run: TrackedRun) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder = run.output / "tensorboard"
        if run.step is None:
            shutil.rmtree(folder, ignore_errors=True)
        # points behind the checkpoint were written by the part of the run that a kill undid
        self._writer: Any = SummaryWriter(str(folder), purge_step=None if run.step is None else run.step + 1)
        if run.step is None:
            lines = "\n".join(f"    {key}: {value}" for key, value in flat(run.settings))
            self._writer.add_text("config", lines, 0)

    def log(self, figures: Mapping[str, float], step: int) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self, results: Mapping[str, float] | None) -> None:
        for name, value in (results or {}).items():
            self._writer.add_scalar(f"result/{name}", value, 0)
        self._writer.close()


class MLflow:
    """A run in MLflow's file store."""

    def __init__(self, run: TrackedRun) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # MLflow 3.17 refuses it otherwise, for databases can do more
        from mlflow.tracking import MlflowClient

        uri = Path(run.config.mlflow).absolute().as_uri()
        self._client = MlflowClient(tracking_uri=uri)
        if known := run.remembered("mlflow"):
            self._id = known
            self._client.update_run(known, status="RUNNING")
            return
        experiment = self._client.get_experiment_by_name(run.config.project)
        experiment_id = experiment.experiment_id if experiment else self._client.create_experiment(run.config.project)
        self._id = self._client.create_run(
            experiment_id, run_name=run.name, tags={"output": str(run.output)}
        ).info.run_id
        run.remember("mlflow", self._id)
        for key, value in flat(run.settings):
            self._client.log_param(self._id, key, value)

    def log(self, figures: Mapping[str, float], step: int) -> None:
        for name, value in figures.items():
            self._client.log_metric(self._id, name, value, step=step)

    def close(self, results: Mapping[str, float] | None) -> None:
        for name, value in (results or {}).items():
            self._client.log_metric(self._id, name, value)
        self._client.set_terminated(self._id, status="FAILED" if results is None else "FINISHED")


class WandB:
    """A run in `wandb/` of the run's folder; `wandb sync` takes it to a server where there is one."""

    def __init__(self, run: TrackedRun) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        name = run.remembered("wandb") or uuid4().hex[:12]
        run.remember("wandb", name)
        mode: Any = run.config.wandb
        self._run = wandb.init(
            project=run.config.project,
            name=run.name,
            id=name,
            resume="allow" if run.step is not None and mode == "online" else None,
            dir=str(run.output),
            mode=mode,
            config=dict(run.settings),
            reinit="create_new",  # a sweep trains several times in one process
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True
            ),
        )

    def log(self, figures: Mapping[str, float], step: int) -> None:
        self._run.log({**figures, "step": step}, step=step)

    def close(self, results: Mapping[str, float] | None) -> None:
        for name, value in (results or {}).items():
            self._run.summary[name] = value
        self._run.finish(exit_code=1 if results is None else 0)


# package that is imported, what pip calls it, and the extra that brings it
_PACKAGES = {
    "tensorboard": ("tensorboard", "train"),
    "mlflow": ("mlflow", "trackers"),
    "wandb": ("wandb", "trackers"),
}
_KINDS: dict[str, type[TensorBoard] | type[MLflow] | type[WandB]] = {
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
    "wandb": WandB,
}


def tracker_names(values: Mapping[str, Any]) -> list[str]:
    """The trackers that a configuration names; raises UserError for one that is not known or not installed."""
    given = values.get("tracker")
    names = [str(name) for name in (given if isinstance(given, list) else [given] if given else [])]
    for name in names:
        if name not in _KINDS:
            raise UserError(f"tracker={name} is not known; take one or several of {', '.join(_KINDS)}, or null.")
        package, extra = _PACKAGES[name]
        if find_spec(package) is None:
            raise UserError(
                f"tracker={name} needs {package}, which is not installed:  pip install 'ner-danvan[{extra}]'"
            )
    if names and fill(TrackingConfig, "tracking", values.get("tracking")).wandb not in ("offline", "online"):
        raise UserError(f"tracking.wandb={values['tracking']['wandb']} must be offline or online.")
    return list(dict.fromkeys(names))


class Tracked(TrainerCallback):
    """Gives the trackers what the Trainer logs: `train/…` each epoch, and `dev/…` for every score on dev."""

    def __init__(self, values: Mapping[str, Any], output: Path, step: int | None) -> None:
        """`step` is that of the checkpoint from which a run goes on; None for a new one, whose old ids are dropped."""
        self._trackers: list[Tracker] = []
        if not (names := tracker_names(values)):
            return
        if step is None:
            (output / IDS_FILE).unlink(missing_ok=True)
        settings = {key: value for key, value in values.items() if key not in ("tracker", "tracking", "resume")}
        config = fill(TrackingConfig, "tracking", values["tracking"])
        run = TrackedRun(str(values.get("run", output.name)), output, settings, config, step)
        self._trackers = [_KINDS[name](run) for name in names]

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Losses, rate and scores, under the step at which they were taken."""
        figures = {
            f"dev/{name.removeprefix('eval_')}" if name.startswith("eval_") else f"train/{name}": float(value)
            for name, value in (logs or {}).items()
            if isinstance(value, int | float) and not name.endswith(_SPEED) and not name.startswith("train_")
        }
        for tracker in self._trackers:
            tracker.log(figures, state.global_step)

    def close(self, results: Mapping[str, float] | None) -> None:
        """What the run came to; None where it was broken off."""
        for tracker in self._trackers:
            tracker.close(results)
