"""Hydra's multirun, kept from writing several runs into one folder."""

from __future__ import annotations

import re
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from ner_danvan.launch import fail

_REFERENCE = re.compile(r"\$\{([^{}]+)\}")


class OwnFolders(Callback):
    """Refuses `-m a=1,2` where `output` says nothing of `a`: the second run would clear the first."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Ends the program with one line; Hydra makes a warning of any exception."""
        plain: Any = OmegaConf.to_container(config, resolve=False)
        output = plain.get("output")
        if output is None:
            return
        told = referenced(plain, str(output))
        overrides = OverridesParser.create().parse_overrides(list(plain["hydra"]["overrides"]["task"]))
        for override in overrides:
            key = override.key_or_group
            if override.is_sweep_override() and key != "output" and not is_told(key, told):
                name = "run" if "run" in plain else "output"
                folder = plain.get(name)
                choice = f"${{hydra:runtime.choices.{key}}}" if key in _groups(plain) else f"${{{key}}}"
                fail(
                    f"{key} is varied but output={output} is the same for every value; add it to the name: "
                    f"'{name}={folder}-{choice}'"
                )


def referenced(config: dict[str, Any], value: str) -> set[str]:
    """The keys that a value with ${references} depends on, those behind other keys too."""
    found: set[str] = set()
    waiting = _REFERENCE.findall(value)
    while waiting:
        key = waiting.pop()
        if key in found:
            continue
        found.add(key)
        below: Any = config
        for name in key.split("."):
            below = below.get(name) if isinstance(below, dict) else None
        waiting += _REFERENCE.findall(str(below))
    return found


def is_told(key: str, told: set[str]) -> bool:
    """Whether one of the keys is this one, stands in the section of this name, or is the choice of this group."""
    return any(each in (key, f"hydra:runtime.choices.{key}") or each.startswith(f"{key}.") for each in told)


def _groups(config: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = config["hydra"]["runtime"]["choices"]
    return found
