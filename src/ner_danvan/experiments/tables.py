"""What experiments found, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from ner_danvan.evaluation.intervals import MICRO
from ner_danvan.experiments.cross_validation import CrossValidation, Pooled
from ner_danvan.experiments.results import Run, evaluations
from ner_danvan.experiments.sweep import Sweep
from ner_danvan.io.terminal import visible


def folds_table(result: CrossValidation) -> Table:
    """Pooled strict F1 of each label and micro, a column a seed, then mean and interval, in percent."""
    seeds = list(result.pooled[MICRO].f1)
    folds = len(result.folds) // len(seeds)
    table = Table(
        title=f"Strict F1 on {result.documents} documents, {folds} folds left out in turn", title_justify="left"
    )
    table.add_column("")
    for seed in seeds:
        table.add_column(f"seed {seed}", justify="right")
    for name in (*(["mean"] if len(seeds) > 1 else []), "95 % interval"):
        table.add_column(name, justify="right")
    for label in [*(name for name in result.pooled if name != MICRO), MICRO]:
        found = result.pooled[label]
        means = [_percent(found.mean)] if len(seeds) > 1 else []
        table.add_row(label, *map(_percent, found.f1.values()), *means, _interval(found))
    return table


def folds_summary(result: CrossValidation) -> Iterator[str]:
    """Lines that tell how far folds and seeds differ."""
    for seed in result.pooled[MICRO].f1:
        mean, spread = result.spread(seed)
        each = " ".join(_percent(score.f1) for score in result.folds if score.seed == seed)
        yield f"seed {seed}, micro F1 of the folds: {each}   mean {_percent(mean)}, sd {_percent(spread)}"
    if (deviation := result.seed_deviation()) is not None:
        yield f"sd of the seeds' pooled micro F1: {_percent(deviation)}"


def trials_table(result: Sweep, most: int = 15) -> Table:
    """The best trials, as many as are said, with dev F1 in percent and the values that they had."""
    keys = list(result.best.values)
    cut = sum(trial.pruned for trial in result.trials)
    table = Table(title=f"{len(result.trials)} trials, {cut} of them cut short", title_justify="left")
    table.add_column("trial")
    for name in ("dev F1", *_short_names(keys)):
        table.add_column(name, justify="right", overflow="fold")
    for trial in result.ranked[:most]:
        values = (_value(trial.values.get(key)) for key in keys)
        table.add_row(trial.folder, f"{_percent(trial.dev_f1)}{' (cut)' if trial.pruned else ''}", *values)
    return table


def best_command(result: Sweep) -> str:
    """The overrides that train as the best trial did."""
    return " ".join(f"{key}={'null' if value is None else value}" for key, value in result.best.values.items())


def results_table(runs: Sequence[Run], columns: Sequence[str]) -> Table:
    """A row a run: the columns, then dev F1 and F1 of each evaluation, in percent, and the training's minutes."""
    names = evaluations(runs)
    table = Table()
    table.add_column("run", overflow="fold")
    for name in (*_short_names(columns), "dev F1", *names, "minutes"):
        table.add_column(name, justify="right", overflow="fold")
    for run in runs:
        figures = [run.dev_f1, *(run.scores[name].f1 if name in run.scores else None for name in names)]
        table.add_row(
            escape(visible(str(run.folder))),
            *("" if run.value(key) is None else escape(visible(_value(run.value(key)))) for key in columns),
            *("" if figure is None else _percent(figure) for figure in figures),
            "" if run.minutes is None else f"{run.minutes:.1f}",
        )
    return table


def _short_names(keys: Sequence[str]) -> list[str]:
    """The last part of each key, the whole where two have the same."""
    last = [key.rpartition(".")[2] for key in keys]
    return [short if last.count(short) == 1 else key for short, key in zip(last, keys, strict=True)]


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _interval(found: Pooled) -> str:
    return f"{_percent(found.interval[0])} to {_percent(found.interval[1])}" if found.interval else "–"
