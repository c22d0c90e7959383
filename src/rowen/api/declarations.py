"""What an operation declares: where it is, what it needs, what it takes and what it returns.

Owns the types of a declaration. Routing, the OpenAPI document, the reference and the tests of isolation are made from
what operations declare. Must not know a single operation, or how a document describes one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rowen.api.generations import Generation
from rowen.api.parameters import Parameter
from rowen.api.reading.body import Body
from rowen.api.reading.query import QueryParameter
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app.services import Services

Handler = Callable[[Services, ApiRequest], Awaitable[Response]]
"""Executes one operation."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation returns when it succeeds: its type or `list` of a type, an example, and what it is.

    `paged` adds the `Link` header, `warns` the `Warning` header, `archived` the
    `X-Rowen-Empty` header; `events` is an example of it as Server-Sent Events.
    `media_type` is that of its body, without parameters; text has the type `str`. `status` is that of success.
    """

    kind: Any
    example: Any
    description: str
    paged: bool = False
    warns: bool = False
    archived: bool = False
    events: str | None = None
    media_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `permission` is what its callers need: a permission of API keys, or of `generation` v3 a scope of tokens.
    `path_parameters` declare what is in braces in `path`, `query` and `headers` what a client may add. `leads_to` names
    operations (by `name`) that take the `id` of its reply. `can_conflict` adds 409 to its statuses. `alias` is its name
    where the handler's own would not be one. With `secret_path` the access log shows the template of the path only.
    """

    method: str
    path: str
    permission: str
    handler: Handler
    summary: str
    tag: str
    reply: Reply
    path_parameters: tuple[Parameter, ...] = ()
    query: Mapping[str, QueryParameter] = field(default_factory=dict)
    headers: tuple[Parameter, ...] = ()
    body: Body | None = None
    leads_to: tuple[str, ...] = ()
    can_conflict: bool = False
    alias: str | None = None
    secret_path: bool = False
    generation: Generation = Generation.V1

    @property
    def name(self) -> str:
        """What it is called in the description, such as `list_users`."""
        return self.alias or self.handler.__name__
