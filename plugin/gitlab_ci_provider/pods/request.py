"""What a job asks of its pod, settled: nothing is decided after this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitlab_ci_provider.model.image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRequest:
    """The pod of one try of one job.

    Attributes:
        name: of the pod, and of the Secret that it owns.
        namespace: empty leaves it to the connection.
        image: of the build container, variables expanded.
        grace: seconds that it may take to end once it is deleted: `after_script` still runs.
        deadline: seconds after which Kubernetes ends the pod whatever happens.
        annotations: for people and dashboards; keys without the domain.
    """

    name: str
    image: Image
    helper_image: str
    deadline: int
    grace: int = 30
    namespace: str = ""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
