#!/bin/sh
# A Docker engine that answers with TLS on port 2376, with its certificates below DOCKER_TLS_CERTDIR as in the public dind image:
# workers get the folder `client`. Containers get no network, because the sandbox wants none.
set -eu
certs=${DOCKER_TLS_CERTDIR:?}
days=825

signed() { # NAME USE EXTENSION...
  mkdir -p "$certs/$1"
  openssl req -newkey rsa:3072 -nodes -keyout "$certs/$1/key.pem" -out "$certs/$1/request.pem" -subj "/CN=sandbox $1"
  printf 'extendedKeyUsage = %s\n%s\n' "$2" "${3:-}" >"$certs/$1/extensions"
  openssl x509 -req -in "$certs/$1/request.pem" -CA "$certs/ca/cert.pem" -CAkey "$certs/ca/key.pem" -CAcreateserial \
    -days "$days" -extfile "$certs/$1/extensions" -out "$certs/$1/cert.pem"
  cp "$certs/ca/cert.pem" "$certs/$1/ca.pem"
}

if [ ! -s "$certs/client/ca.pem" ]; then
  mkdir -p "$certs/ca"
  openssl req -x509 -newkey rsa:3072 -nodes -keyout "$certs/ca/key.pem" -out "$certs/ca/cert.pem" -days "$days" -subj "/CN=sandbox CA"
  signed server serverAuth "subjectAltName = DNS:$(hostname),DNS:localhost"
  signed client clientAuth
  chmod 644 "$certs/client/key.pem" # the workers' user reads it
fi
rm -f /run/docker.pid /run/docker/containerd/containerd.pid # of an engine that was killed
exec dockerd --host unix:///var/run/docker.sock --host tcp://0.0.0.0:2376 --bridge none --iptables=false --ip-masq=false \
  --tlsverify --tlscacert "$certs/server/ca.pem" --tlscert "$certs/server/cert.pem" --tlskey "$certs/server/key.pem"
