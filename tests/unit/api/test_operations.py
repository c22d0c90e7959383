"""What operations declare fits together."""

import re

from rowen.api.operations import OPERATIONS
from rowen.app.keys import PERMISSIONS


def test_names_and_addresses_are_unique() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


def test_every_permission_is_known_and_used() -> None:
    assert {operation.permission for operation in OPERATIONS} == PERMISSIONS.keys()


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
    assert {operation.method for operation in OPERATIONS if operation.body is not None} == {"POST", "PATCH"}
