"""What the command lines of Kaniko and buildah have in common."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.model.image_build import BuildSecret, ImageBuild


def shared_flags(build: ImageBuild) -> Iterator[str]:
    """Write the flags that both spell alike: stage, arguments, secrets and labels."""
    if build.target:
        yield f"--target={build.target}"
    for name, value in build.build_args.items():
        yield f"--build-arg={name}={value}"
    for secret in build.secrets:
        yield f"--secret={_secret(secret)}"
    for name, value in build.labels.items():
        yield f"--label={name}={value}"


def _secret(secret: BuildSecret) -> str:
    if secret.variable:
        return f"id={secret.id},type=env,env={secret.variable}"
    return f"id={secret.id},type=file,src={secret.file}"
