"""The object store of the embedded stack, whether it runs or not."""

from __future__ import annotations

from gitlab_ci_provider.local.home import BUCKET, Home
from gitlab_ci_provider.local.secrets import load_secrets
from gitlab_ci_provider.local.stack.state import is_running, read_state
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.folder_shelf import FolderShelf
from gitlab_ci_provider.storage.shelf import ObjectShelf


def embedded_shelf(home: Home) -> ObjectShelf:
    """Open the stack's object store: by its server, which must know what is deleted, or its folder.

    While the stack starts or stops, only the folder can be asked.
    """
    state = read_state(home)
    if state is None or not is_running(home):
        return FolderShelf(home.bucket)
    from gitlab_ci_provider.storage.s3 import S3Store  # importing boto3 is slow

    keys = load_secrets(home)
    target = StoreTarget(
        bucket=BUCKET,
        endpoint_url=state.object_store,
        access_key=keys.s3_access_key,
        secret_key=keys.s3_secret_key,
    )
    return S3Store(target)
