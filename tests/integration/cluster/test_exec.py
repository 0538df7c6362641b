"""`pods/exec` over WebSocket, frame by frame as recorded."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

from engines.podman import Podman
from integration.cluster.support import RECORDED, Api, Cluster, is_running, pod, recording

SESSIONS = (
    *("v5_ok", "v5_exit7", "v5_signal", "v4_ok", "v4_exit7", "v4_signal", "v5_tty", "v4_tty"),
    *("v5_stdin_close", "v4_stdin_head", "tty_resize", "offer_v5_v4", "offer_v4_v5"),
    *("no_subprotocol", "xcom_cat", "stdout_only", "v5_no_such_command", "v4_no_such_command"),
    "no_command",
)
REFUSALS = (
    *("unknown_subprotocol", "no_streams", "container_default_two", "container_unknown"),
    *("pod_404", "completed_pod"),
)


@pytest.fixture(scope="module")
def namespace(cluster: Cluster):
    """A namespace with the recorded pods: two containers that sleep, and one that has ended."""
    api = cluster.api()
    api.namespace = "recexec"
    api.make_namespace()
    both = pod("ex", "sleep 600")
    side = {**both["spec"]["containers"][0], "name": "side"}
    both["spec"]["containers"].append(side)
    api.create("pods", both)
    api.run("done", "true")
    api.wait("ex", is_running)
    yield api
    api.http.delete("/api/v1/namespaces/recexec")
    api.close()


@RECORDED
@pytest.mark.parametrize("name", SESSIONS)
def test_session_has_the_recorded_frames(namespace: Api, name: str, engine: Podman | None):
    """Channels, payloads, the final Status and the close code are the recorded ones."""
    if engine and "no_such_command" in name:
        pytest.skip("an engine ends such a command with exit code 127, and its own words")
    case = recording("exec_websocket.json")[name]

    protocol, frames = asyncio.run(_talk(namespace, case))

    assert protocol == case["handshake"]["subprotocol"]
    assert _output(frames) == _output(_received(case))
    assert _status(frames) == _status(_received(case))
    assert frames[-1] == ("close", 1000)


def _received(case: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Turn the recorded frames into ours."""
    frames = []
    for frame in case["frames"]:
        if frame.get("dir") != "recv":
            continue
        if frame["opcode"] == "close":
            frames.append(("close", frame["close_code"]))
        else:
            text = frame["data"]
            frames.append((frame["channel"], frame.get("status") or text))
    return frames


def _output(frames: list[tuple[Any, Any]]) -> dict[int, str]:
    """Join what came on each of the two output channels; frames may be cut anywhere."""
    joined: dict[int, str] = {}
    for channel, data in frames:
        if channel in {1, 2}:
            joined[channel] = joined.get(channel, "") + data
    return joined


def _status(frames: list[tuple[Any, Any]]) -> Any:
    status = next(data for channel, data in frames if channel == 3)
    if not isinstance(status, dict):
        return status
    text = json.dumps(status)
    for word in text.split('\\"'):
        if len(word) == 64:
            text = text.replace(word, "ID")
    return json.loads(text)


async def _talk(
    api: Api, case: dict[str, Any], begun: asyncio.Event | None = None
) -> tuple[Any, list[tuple[Any, Any]]]:
    """Have a session; `begun` is set when the first frame of it arrives."""
    import aiohttp

    url = f"{api.server}{case['request']['path']}"
    headers = {"Authorization": f"Bearer {api.token}"}
    protocols = case["request"]["subprotocols"]
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(url, protocols=protocols, ssl=api.tls) as socket,
    ):
        first = await socket.receive()
        assert first.data == b"\x01"
        for frame in case["frames"]:
            if frame.get("dir") == "send":
                await socket.send_bytes(bytes([frame["channel"]]) + frame["text"].encode())
        frames = [(1, "")]
        async for frame in _frames(socket):
            frames.append(frame)
            if begun:
                begun.set()
        return socket.protocol, frames


async def _frames(socket: Any):
    import aiohttp

    async for message in socket:
        assert message.type is aiohttp.WSMsgType.BINARY
        channel, text = message.data[0], message.data[1:].decode()
        yield channel, json.loads(text) if channel == 3 and text.startswith("{") else text
    yield "close", socket.close_code


@RECORDED
@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_are_the_recorded_ones(namespace: Api, name: str):
    """A handshake that cannot be is refused with the recorded code and body."""
    case = recording("exec_websocket.json")[name]
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": ", ".join(case["request"]["subprotocols"]),
    }

    answer = namespace.http.get(case["request"]["path"], headers=headers)

    assert answer.status_code == case["handshake"]["status"]
    assert answer.text == case["handshake"]["body"]


@RECORDED
def test_plain_get_is_told_to_upgrade(namespace: Api):
    """Without a WebSocket there is no exec."""
    case = recording("exec_websocket.json")["plain_get_no_upgrade"]

    answer = namespace.http.get(case["request"]["path"])

    assert answer.json() == case["body"]


def test_large_output_arrives_whole(namespace: Api):
    """Ten megabytes come in frames of at most 32 KiB and the channel byte."""
    command = "command=head&command=-c&command=10000000&command=/dev/zero"
    path = f"{namespace.path('pods', 'ex', 'exec')}?container=main&{command}&stdout=true"
    case = {"request": {"path": path, "subprotocols": ["v4.channel.k8s.io"]}, "frames": []}

    _, frames = asyncio.run(_talk(namespace, case))

    assert sum(len(data) for channel, data in frames if channel == 1) == 10_000_000
    assert max(len(data) for channel, data in frames if channel == 1) <= 32 * 1024


def test_deleting_the_pod_ends_its_sessions(namespace: Api):
    """A process that was added to a container dies with it: exit code 137."""
    namespace.create("pods", pod("short", "sleep 600"))
    namespace.wait("short", is_running)
    command = f"command=sh&command=-c&command={quote('echo begun; sleep 600')}"
    path = f"{namespace.path('pods', 'short', 'exec')}?{command}&stdout=true"
    case = {"request": {"path": path, "subprotocols": ["v4.channel.k8s.io"]}, "frames": []}

    async def talk_and_delete() -> tuple[Any, list[tuple[Any, Any]]]:
        begun = asyncio.Event()
        talk = asyncio.create_task(_talk(namespace, case, begun))
        await asyncio.wait(
            {talk, asyncio.create_task(begun.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        await asyncio.to_thread(namespace.delete, "pods", "short", gracePeriodSeconds=0)
        return await talk

    _, frames = asyncio.run(talk_and_delete())

    assert _status(frames)["details"]["causes"] == [{"reason": "ExitCode", "message": "137"}]
