"""Requests that no well-behaved client would send, byte by byte."""

import socket
from dataclasses import dataclass

import httpx

from tests.support.server import Server

SECONDS = 20


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """The response: the status, the headers and the body; status 0 if there was none."""

    status: int
    headers: httpx.Headers
    body: bytes


def send_raw(server: Server, request: bytes) -> RawAnswer:
    """Send bytes and read until the server closes; the request should ask it to."""
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65_536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    headers = httpx.Headers([(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)])
    return RawAnswer(int(status_line.split()[1]) if status_line else 0, headers, body)


def written_request(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a request that closes its connection, with its target exactly as given."""
    lines = [f"{method} {target} HTTP/1.1", "Host: rowen.example", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
