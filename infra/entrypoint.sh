#!/bin/sh
# worker POOL: serve a work pool.  server: the Prefect server.  deploy: register pools, deployments, automations.
# bucket: make the store's bucket.  Anything else is run as it is.
set -eu
case "${1:?worker POOL, server, deploy or bucket}" in
  worker)
    [ "${2:?POOL}" = gpu ] && python -m flows.operation.server.registration device # runs on this machine take turns at its device
    exec prefect worker start --pool "$2" --type process ${3:+--name "$3"}
    ;;
  server) # the server of `restem up`, with its mends; leases lie in PREFECT_HOME, which must outlive the process
    export PREFECT_HOME="${PREFECT_HOME:-${RESTEM_SCRATCH:-/scratch}/prefect}"
    export PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=flows.operation.server.leases
    export PREFECT_UI_STATIC_DIRECTORY="${PREFECT_UI_STATIC_DIRECTORY:-$PREFECT_HOME/interface}"
    mkdir -p "$PREFECT_HOME" "$HOME/.prefect" # Prefect remembers there which blocks it registered
    exec python -m uvicorn --factory flows.operation.server.sqlite_server:create_app --lifespan on --log-level error \
      --host "${PREFECT_SERVER_API_HOST:-0.0.0.0}" --port "${PREFECT_SERVER_API_PORT:-4200}"
    ;;
  deploy) exec python -m flows.operation.server.registration ;;
  bucket) exec python -m tasks.store.bucket "${RESTEM_STORE:?}" ;;
  *) exec "$@" ;;
esac
