"""What operations declare fits together."""

import re
from typing import Final

from rowen.api.operations import OPERATIONS
from rowen.app.keys import PERMISSIONS
from rowen.app.scopes import SCOPES
from tests.support.operations import WITH_KEYS, WITH_TOKENS

_OF_FIELDS: Final = {"bookings:force"}
"""The permissions that a field of a body needs, rather than an operation."""


def test_names_and_addresses_are_unique() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


def test_every_permission_is_known_and_used() -> None:
    assert {operation.permission for operation in WITH_KEYS} | _OF_FIELDS == PERMISSIONS.keys()


def test_every_scope_is_known_and_used_and_belongs_to_a_permission() -> None:
    assert {operation.permission for operation in WITH_TOKENS} == SCOPES.keys()
    assert set(SCOPES.values()) <= PERMISSIONS.keys()


def test_generations_have_paths_of_their_own() -> None:
    assert all(operation.path.startswith("/v3/") for operation in WITH_TOKENS)
    assert not any(operation.path.startswith("/v3") for operation in WITH_KEYS)


def test_the_parameters_of_each_path_are_declared() -> None:
    for operation in OPERATIONS:
        declared = [parameter.name for parameter in operation.path_parameters]
        assert declared == re.findall(r"\{(\w+)\}", operation.path), operation.path
        assert all(parameter.required for parameter in operation.path_parameters)


def test_operations_lead_to_operations_that_take_an_id() -> None:
    by_name = {operation.name: operation for operation in OPERATIONS}
    linked = [by_name[name] for operation in OPERATIONS for name in operation.leads_to]
    assert linked
    assert all([each.name for each in operation.path_parameters][:1] == ["id"] for operation in linked)


def test_bodies_of_one_name_are_one_body() -> None:
    bodies = [operation.body for operation in OPERATIONS if operation.body is not None]
    assert len({body.name for body in bodies}) == len({id(body) for body in bodies})
    assert {operation.method for operation in OPERATIONS if operation.body is not None} == {"POST", "PATCH", "PUT"}
