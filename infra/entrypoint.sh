#!/bin/sh
# worker POOL: serve a work pool.  server: the Prefect server.  deploy: register pools, deployments, automations.
set -eu
case "${1:?worker POOL, server or deploy}" in
  worker)
    [ "${2:?POOL}" = gpu ] && python -m flows.operation.server.registration device # runs on this machine take turns at its device
    exec prefect worker start --pool "$2" --type process ${3:+--name "$3"}
    ;;
  server) exec prefect server start --host "${PREFECT_SERVER_API_HOST:-0.0.0.0}" --port "${PREFECT_SERVER_API_PORT:-4200}" ;;
  deploy) exec python -m flows.operation.server.registration ;;
  *) exec "$@" ;;
esac
