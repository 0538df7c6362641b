"""How long `gitlab-dags prune` looks at many artifacts, on a real S3 server.

PYTHONPATH=tests .venv/bin/python -m benchmarks.pruning 10000
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from factories import PROJECT
from gitlab_ci_provider.retention.inventory import artifacts
from gitlab_ci_provider.retention.policy import Policy
from gitlab_ci_provider.storage.index import ArtifactIndex, IndexedFile, encode_index
from gitlab_ci_provider.storage.keys import artifacts_key, index_key
from gitlab_ci_provider.storage.s3 import S3Store
from servers.s3 import BUCKET, s3_server

_JOBS, _FILES = 10, 50


def main() -> None:
    """Time a listing, and the survey, which also reads the beginning of each index."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, help="of archives")
    number = parser.parse_args().number
    with tempfile.TemporaryDirectory() as folder, s3_server(Path(folder)) as server:
        for count in range(number):
            _leave(Path(folder) / BUCKET, count)
        server.kill()  # it does not look for files that others put into its folder
        server.start()
        shelf = S3Store(server.target())
        begin = time.monotonic()
        listed = sum(1 for _ in shelf.objects("artifacts/"))
        print(f"list {listed} objects: {time.monotonic() - begin:.1f} s")
        begin = time.monotonic()
        found = list(artifacts(shelf, "artifacts/", lambda _: None, Policy(), lambda *_: None))
        print(f"survey {len(found)} archives: {time.monotonic() - begin:.1f} s")


def _leave(bucket: Path, count: int) -> None:
    key = artifacts_key(PROJECT, count // _JOBS + 1, f"job{count % _JOBS}", 1)
    files = tuple(
        IndexedFile(path=f"dist/file{file}", size=10, mode="100644", crc="00000000")
        for file in range(_FILES)
    )
    index = ArtifactIndex(
        job="job", name="a", object_key=key, size=2, created=1, expire_at=2 * 10**9, files=files
    )
    (bucket / key).parent.mkdir(parents=True, exist_ok=True)
    (bucket / key).write_bytes(b"PK")
    (bucket / index_key(key)).write_bytes(encode_index(index))


if __name__ == "__main__":
    main()
