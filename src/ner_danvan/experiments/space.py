"""What a sweep varies: ranges and lists in the place of the configuration's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ner_danvan.errors import UserError

if TYPE_CHECKING:
    from optuna.trial import Trial

_CHOICES, _RANGE = {"choices"}, {"low", "high", "log", "step"}


@dataclass(frozen=True)
class Choices:
    """One of some values."""

    values: tuple[Any, ...]

    def draw(self, key: str, trial: Trial) -> Any:
        return trial.suggest_categorical(key, self.values)


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both among them."""

    low: int
    high: int
    log: bool
    step: int

    def draw(self, key: str, trial: Trial) -> int:
        return trial.suggest_int(key, self.low, self.high, log=self.log, step=self.step)


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`."""

    low: float
    high: float
    log: bool
    step: float | None

    def draw(self, key: str, trial: Trial) -> float:
        return trial.suggest_float(key, self.low, self.high, log=self.log, step=self.step)


Space = dict[str, Choices | Whole | Real]  # by the key's whole name, training.learning_rate


def read_space(section: Any, config: Mapping[str, Any]) -> Space:
    """From a section that mirrors the configuration; raises UserError that names a key which cannot be."""
    space = dict(_leaves(section, "sweep.space", ""))
    if not space:
        raise UserError("sweep.space is empty; say what is to be varied.")
    for key in space:
        value_at(config, key)
    return space


def value_at(config: Mapping[str, Any], key: str) -> Any:
    """The value of a key such as training.learning_rate; raises UserError if there is none."""
    found: Any = config
    for name in key.split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise UserError(f"sweep.space.{key}: the configuration has no key {key}; see configs/ for those it has.")
        found = found[name]
    return found


def with_values(config: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the configuration with these values in their places."""
    changed: dict[str, Any] = deepcopy(dict(config))
    for key, value in chosen.items():
        *path, last = key.split(".")
        section = changed
        for name in path:
            section = section[name]
        section[last] = value
    return changed


def _leaves(section: Any, place: str, key: str) -> Iterator[tuple[str, Choices | Whole | Real]]:
    if not isinstance(section, Mapping):
        raise UserError(f"{place}={section} must be a range with low and high, or choices.")
    if section.keys() & (_CHOICES | _RANGE):
        yield key, _range(section, place)
        return
    for name, inner in section.items():
        yield from _leaves(inner, f"{place}.{name}", f"{key}.{name}" if key else str(name))


def _range(section: Mapping[str, Any], place: str) -> Choices | Whole | Real:
    if "choices" in section:
        values = section["choices"]
        if section.keys() != _CHOICES or not isinstance(values, list) or not values:
            raise UserError(f"{place}: wants a list of choices and nothing beside it.")
        if not all(value is None or isinstance(value, bool | int | float | str) for value in values):
            raise UserError(f"{place}.choices={values} must be numbers, texts, true, false or null.")
        return Choices(tuple(values))
    low, high, step = section.get("low"), section.get("high"), section.get("step")
    log = section.get("log", False)
    if unknown := section.keys() - _RANGE:
        raise UserError(f"{place}.{min(unknown)} is not known; known are low, high, log, step, or choices.")
    numbers = [each for each in (low, high) if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) < 2 or not numbers[0] <= numbers[1]:
        raise UserError(f"{place}: low={low} and high={high} must be numbers, the first not above the second.")
    if not isinstance(log, bool) or (log and (numbers[0] <= 0 or step is not None)):
        raise UserError(f"{place}.log={log} must be true or false; true wants low above 0, and no step.")
    if step is not None and not (isinstance(step, int | float) and step > 0):
        raise UserError(f"{place}.step={step} must be a number above 0.")
    if all(isinstance(each, int) for each in (*numbers, *([] if step is None else [step]))):
        return Whole(int(numbers[0]), int(numbers[1]), log, int(step or 1))
    return Real(float(numbers[0]), float(numbers[1]), log, step)
