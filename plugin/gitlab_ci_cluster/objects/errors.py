"""Errors as the API server words them: `Status` objects, checked against recordings."""

from __future__ import annotations

from collections.abc import Sequence

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.objects.meta import Obj

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    504: "Timeout",
}


class ApiError(ClusterError):
    """A request fails with a `Status`.

    Args:
        details: the `details` of the Status, or None for a Status without them.
        reason: when it is not the usual one for the code; empty leaves it out.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        details: Obj | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self._details = details
        self._reason = _REASONS.get(code, "") if reason is None else reason

    @property
    def status(self) -> Obj:
        """The body of the answer."""
        body: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body["message"] = str(self)
        if self._reason:
            body["reason"] = self._reason
        if self._details is not None:
            body["details"] = self._details
        return body | {"code": self.code}


def not_found(plural: str, name: str) -> ApiError:
    """Make the error for an object that does not exist."""
    return ApiError(404, f'{plural} "{name}" not found', details={"name": name, "kind": plural})


def no_such_resource() -> ApiError:
    """Make the error for a kind that does not exist."""
    return ApiError(404, "the server could not find the requested resource", details={})


def already_exists(plural: str, name: str, *, deleting: bool) -> ApiError:
    """Make the error for a name that is taken."""
    prefix = "object is being deleted: " if deleting else ""
    details = {"name": name, "kind": plural}
    message = f'{prefix}{plural} "{name}" already exists'
    return ApiError(409, message, details=details, reason="AlreadyExists")


def conflict(kind: str, name: str, why: str) -> ApiError:
    """Make the error for an object that has changed since the caller read it."""
    message = f'Operation cannot be fulfilled on {kind} "{name}": {why}'
    return ApiError(409, message, details={"name": name, "kind": kind})


def modified(plural: str, name: str) -> ApiError:
    """Make the error for an update of an old version."""
    why = "the object has been modified; please apply your changes to the latest version"
    return conflict(plural, name, f"{why} and try again")


def forbidden(plural: str, name: str, why: str, causes: Sequence[Obj] = ()) -> ApiError:
    """Make the error for an object that admission refuses."""
    details: Obj = {"name": name, "kind": plural}
    if causes:
        details["causes"] = list(causes)
    return ApiError(403, f'{plural} "{name}" is forbidden: {why}', details=details)


def cause(reason: str, message: str, field: str) -> Obj:
    """Describe one wrong field; `reason` without its `FieldValue`."""
    return {"reason": f"FieldValue{reason}", "message": message, "field": field}


def invalid(kind: str, name: str, causes: Sequence[Obj], *, group: str = "") -> ApiError:
    """List the wrong fields of an object."""
    texts = [f"{wrong['field']}: {wrong['message']}" for wrong in causes]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details: Obj = {"name": name} if name else {}
    details |= {"group": group} if group else {}
    details |= {"kind": kind, "causes": list(causes)}
    shown = f"{kind}.{group}" if group else kind
    return ApiError(422, f'{shown} "{name}" is invalid: {text}', details=details)


def expired(version: int, oldest: int) -> ApiError:
    """Make the error for a watch that cannot start so far back."""
    return ApiError(410, f"too old resource version: {version} ({oldest})")


def undecodable(kind: str, why: str) -> ApiError:
    """Make the error for a body that cannot be decoded."""
    return ApiError(400, f'{kind} in version "v1" cannot be handled as a {kind}: {why}')
