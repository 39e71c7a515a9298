#!/bin/sh
# Postgres from Debian, with the variables of the public image: POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD.
set -eu
data=/var/lib/postgresql/data
export PATH="$(echo /usr/lib/postgresql/*/bin):$PATH"
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }

if [ ! -s "$data/PG_VERSION" ]; then
  install -d -o postgres -g postgres -m 700 "$data"
  secret=$(mktemp)
  chown postgres "$secret"
  printf '%s\n' "${POSTGRES_PASSWORD:?}" >"$secret"
  as_postgres initdb -D "$data" -U "${POSTGRES_USER:?}" --pwfile "$secret" -A scram-sha-256 --auth-local peer -E UTF8 --no-locale
  rm "$secret"
  echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
  echo "create database \"${POSTGRES_DB:?}\"" | as_postgres postgres --single -D "$data" postgres
fi
exec setpriv --reuid postgres --regid postgres --init-groups postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
