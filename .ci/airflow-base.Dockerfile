# Stands in for apache/airflow, which cannot be pulled here: the same folders, user, entry point and command line, on
# Debian's Python, with the providers of the official image that this project needs.
FROM docker.io/library/debian:trixie-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates dumb-init git python3 python3-pip python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --gid 0 --create-home --home-dir /home/airflow airflow \
    && mkdir -p /opt/airflow/dags /opt/airflow/logs \
    && chown -R 50000:0 /opt/airflow /home/airflow && chmod -R g=u /opt/airflow /home/airflow \
    && printf '#!/bin/bash\nset -eu\ncase ${1:-} in bash | python) exec "$@" ;; airflow) shift ;; esac\nexec airflow "$@"\n' >/entrypoint \
    && chmod 0755 /entrypoint
ENV AIRFLOW_HOME=/opt/airflow AIRFLOW__CORE__LOAD_EXAMPLES=false VIRTUAL_ENV=/home/airflow/.local \
    PATH=/home/airflow/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 50000
WORKDIR /opt/airflow
COPY constraints.txt /tmp/constraints.txt
# One shell installs all: what pip needs from this machine is mounted for it alone.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf,mode=0444 --mount=type=secret,id=pip.ca,mode=0444 \
    python3 -m venv /home/airflow/.local \
    && sed -E '/^ *--hash/d; s/ *\\$//' /tmp/constraints.txt >/tmp/versions.txt \
    && pip install --no-cache-dir --constraint /tmp/versions.txt apache-airflow apache-airflow-providers-cncf-kubernetes \
        apache-airflow-providers-standard apache-airflow-providers-celery celery boto3 \
        psycopg2-binary asyncpg \
    && rm /tmp/versions.txt
ENTRYPOINT ["/usr/bin/dumb-init", "--", "/entrypoint"]
