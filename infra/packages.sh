#!/bin/sh
# `uv pip install` as this project wants it, for .venv and for the images: packages.sh cpu|gpu UV_ARGUMENT...
# The first word says which build of torch it is, and whose constraints hold. UV names uv; pip's PIP_INDEX_URL and PIP_FIND_LINKS hold.
set -eu
engine=${1:?cpu or gpu}
shift
set -- --override infra/overrides.txt "$@"
[ ! -f "infra/constraints-$engine.txt" ] || set -- --constraint "infra/constraints-$engine.txt" "$@"
# uv does not read pip's variables; where no wheels are named, the CPU build of torch has an index of its own
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="$PIP_INDEX_URL"
if [ -n "${PIP_FIND_LINKS:-}" ]; then
  export UV_FIND_LINKS="$PIP_FIND_LINKS"
elif [ "$engine" = cpu ]; then
  set -- --torch-backend cpu "$@"
fi
exec "${UV:-uv}" pip install "$@"
