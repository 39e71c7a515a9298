#!/usr/bin/env bash
# A Docker engine for the sandbox. `start`: where none answers, install one (Debian, as root) and run it without networks,
# which the sandbox does not use. `stop`: end the engine that `start` ran; another one is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."
state=.restem/dockerd
pid_file=$state/pid

answers() { docker info >/dev/null 2>&1; }

# A pid file of an engine that was killed: a new one would take whatever has that number now for the old one.
drop_stale() {
  [ -f "$1" ] && [ "$(cat "/proc/$(cat "$1")/comm" 2>/dev/null)" != "$2" ] && rm -f "$1"
  return 0
}

install() {
  command -v dockerd >/dev/null 2>&1 && command -v debootstrap >/dev/null 2>&1 && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "no Docker engine answers: install Docker Engine 20.10 or newer and start it" >&2
    exit 2
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends docker.io debootstrap >/dev/null
}

start() {
  if answers; then
    echo "Docker engine $(docker info --format '{{.ServerVersion}}') answers"
    command -v debootstrap >/dev/null 2>&1 || [ "$(id -u)" != 0 ] || install
    return
  fi
  install
  drop_stale /var/run/docker.pid dockerd
  drop_stale /var/run/docker/containerd/containerd.pid containerd
  mkdir -p "$state"
  setsid nohup dockerd --bridge=none --iptables=false --ip-masq=false --shutdown-timeout=5 \
    >"$state/log" 2>&1 </dev/null &
  echo $! >"$pid_file"
  for _ in $(seq 120); do
    answers && echo "Docker engine started" && return
    kill -0 "$(cat "$pid_file")" 2>/dev/null || break
    sleep 0.5
  done
  echo "dockerd did not start; the end of its log ($state/log):" >&2
  tail -n 5 "$state/log" >&2
  rm -f "$pid_file"
  exit 1
}

stop() {
  [ -f "$pid_file" ] || return 0
  pid=$(cat "$pid_file")
  rm -f "$pid_file"
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 0
  kill "$pid"
  for _ in $(seq 60); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.5
  done
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  *) echo "usage: $0 start|stop" >&2; exit 2 ;;
esac
