#!/usr/bin/env bash
# Install the wheel into an empty environment, without extras, and tag a report there: what analysts have.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
most=250 # MB that may be installed
"${PYTHON:-python3}" -m venv "$work/env"
python=$work/env/bin/python
bytes() { "$python" -c 'import pathlib, sys; print(sum(p.stat().st_size for p in pathlib.Path(sys.argv[1]).rglob("*") if p.is_file()))' "$1"; }
before=$(bytes "$work/env")
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$work" .
"$python" -m pip install --quiet --constraint constraints.txt "$work"/*.whl
installed=$(( ($(bytes "$work/env") - before) / 1000000 ))
report=$PWD/data/examples/bao_cao.txt
cd "$work"  # away from the sources
for package in torch transformers datasets; do
    if "$python" -c "import $package" 2>/dev/null; then
        echo "error: $package is installed without an extra; see dependencies in pyproject.toml" >&2
        exit 1
    fi
done
for backend in onnx int8; do
    "$python" -m ner_danvan.predict "$report" --format jsonl --backend $backend -o $backend.jsonl
    grep -q '"label": "PERSON"' $backend.jsonl || { echo "error: backend $backend found no person" >&2; exit 1; }
done
"$python" -m ner_danvan.predict "$report"
echo "installed: $installed MB"
if (( installed > most )); then
    echo "error: more than $most MB are installed without an extra; see dependencies in pyproject.toml" >&2
    exit 1
fi
