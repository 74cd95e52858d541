"""What the code must never reach: pickle loaders, code from a model's files, shells, clocks that may jump."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLAIN_PICKLE = "src/ner_danvan/text/plain_pickle.py"  # the one exception: it refuses whatever a pickle names
LOADERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "pandas"}
CALLS = {
    *("eval", "exec", "compile", "__import__"),
    *("os.system", "os.popen", "torch.load", "torch.jit.load", "torch.hub.load", "torch.package.PackageImporter"),
    *("np.load", "numpy.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "runpy.run_path"),
}
# durations are taken from monotonic clocks; nothing is told from the time of day, or from a file's
CLOCKS = {
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime", "time.ctime"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now"),
    *("os.path.getmtime", "os.path.getctime", "os.utime"),
}
TIMES = {"st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns", "st_atime", "st_atime_ns", "getmtime", "getctime"}


def sources() -> list[Path]:
    return sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "scripts").glob("*.py")])


def faults(tree: ast.AST) -> Iterator[str]:
    """What must not be there, a line each."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"imports {alias.name}" for alias in node.names if alias.name.partition(".")[0] in LOADERS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in LOADERS:
            yield f"imports {node.module}"
        elif isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Attribute) and node.attr in TIMES:
            yield f"reads {node.attr}"


def _of_call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name in CALLS | CLOCKS:
        yield f"calls {name}"
    for keyword in node.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else ...
        if keyword.arg == "trust_remote_code" and value is not False:
            yield "trust_remote_code is not plainly False"
        if keyword.arg == "allow_pickle" and value is not False:
            yield "allow_pickle is not plainly False"
        if keyword.arg == "weights_only" and value is not True:
            yield "weights_only is not plainly True"
        if keyword.arg == "shell" and value is not False:
            yield "a shell"
    if name.endswith(".from_pretrained") and name.startswith(("Auto", "Roberta", "transformers.")):
        given = {keyword.arg for keyword in node.keywords}
        if "trust_remote_code" not in given and name.startswith("Auto"):
            yield f"{name} without trust_remote_code=False, and transformers would ask"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_could_run_what_a_file_says_is_reachable(path: Path) -> None:
    found = list(faults(ast.parse(path.read_text(encoding="utf-8"))))
    if path == ROOT / PLAIN_PICKLE:
        assert found.pop(0) == "imports pickle"
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from joblib import load", "torch.load(path)", "np.load(path)", "yaml.load(text)"),
        *("f(trust_remote_code=True)", "f(trust_remote_code=flag)", "AutoConfig.from_pretrained(folder)"),
        *("np.load(path, allow_pickle=True)", "run(command, shell=True)", "eval(text)"),
        *("time.time()", "datetime.now()", "path.stat().st_mtime", "os.path.getmtime(path)"),
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert list(faults(ast.parse(code)))
