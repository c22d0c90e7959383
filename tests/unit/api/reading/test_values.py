"""Reading JSON values: each kind with its limits, as it is read and as its schema describes it."""

from typing import Any

import jsonschema_rs
import pytest

from rowen.api.reading import values
from rowen.api.reading.values import ValueReader, read_fields
from rowen.interviews.errors import FieldProblem, Problems
from rowen.interviews.interview import ResponseStatus


def messages(problems: Problems) -> dict[str, str]:
    """Return the problems, by field."""
    return {each.field: each.message for each in problems.found}


def read(reader: ValueReader[Any], value: Any) -> tuple[Any, list[str]]:
    """Return the result of a reader, and the fields that it names."""
    problems = Problems()
    return reader.read(problems, "field", value), [each.field for each in problems.found]


def test_names_that_could_deceive_are_cut_and_escaped() -> None:
    problems = Problems()
    names = ["\u0000", "\u202e", "\ud800", "x" * 1_000, "Größe 1"]
    assert read_fields(problems, "in", dict.fromkeys(names), {}) == {}
    named = [each.field for each in problems.found]
    assert named == [*["in.\ufffd"] * 3, "in." + "x" * 60, "in.Größe 1"]


def test_valid_fields_are_read_next_to_invalid_ones() -> None:
    problems = Problems()
    readers: dict[str, ValueReader[Any]] = {
        "id": values.identifier,
        "texts": values.sequence(values.text, 3),
        "none": values.nullable(values.text),
    }
    found = {"id": "x", "texts": ["a", 1, "c"], "none": None, "other": 1}
    assert read_fields(problems, "", found, readers) == {"texts": ("a", None, "c"), "none": None}
    assert list(messages(problems)) == ["id", "texts[1]", "other"]


@pytest.mark.parametrize("value", [1, 2**53 - 1, "1", "0042", "9007199254740991"])
def test_ids_are_numbers_or_their_digits(value: Any) -> None:
    assert read(values.identifier, value) == (int(value), [])


@pytest.mark.parametrize("value", [0, -1, 2**53, 1.0, True, None, "", "0", " 1", "1e3", "\u0661", f"{2**53}", []])
def test_everything_else_is_not_an_id(value: Any) -> None:
    assert read(values.identifier, value) == (None, ["field"])


@pytest.mark.parametrize(
    ("reader", "value", "good"),
    [
        (values.text, "x" * 2_000, True),
        (values.text, "x" * 2_001, False),
        (values.text, "", False),
        (values.text, "a\nb", False),
        (values.name, "🌲" * 255, True),
        (values.name, "🌲" * 256, False),
        (values.prose, "", True),
        (values.prose, "a\r\n\tb", True),
        (values.prose, "a\u000bb", False),
        (values.prose, "\udc00", False),
        (values.prose, "x" * 100_001, False),
        (values.email, "a@b", True),
        (values.email, "o'hara+x@münchen.example", True),
        (values.email, "a@b@c", False),
        (values.email, "@b", False),
        (values.email, "a@", False),
        (values.email, "a b@c", False),
        (values.web_address, "http://a", True),
        (values.web_address, "https://[::1]:1/", True),
        (values.web_address, "https://[::1", False),
        (values.web_address, "https://a:b/", False),
        (values.web_address, "https://:80/", False),
        (values.web_address, "ssh://a", False),
        (values.boolean, False, True),
        (values.boolean, 0, False),
        (values.choice(ResponseStatus), "accepted", True),
        (values.choice(ResponseStatus), "ACCEPTED", False),
        (values.choice(ResponseStatus), [], False),
        (values.sequence(values.text, 2, 1), ["a"], True),
        (values.sequence(values.text, 2, 1), [], False),
        (values.sequence(values.text, 2, 1), ["a"] * 3, False),
        (values.sequence(values.text, 2, 1), "ab", False),
    ],
)
def test_each_kind_of_value_has_its_limits(reader: ValueReader[Any], value: Any, *, good: bool) -> None:
    found, problems = read(reader, value)
    assert problems == ([] if good else ["field"])
    assert found == (None if not good else tuple(value) if isinstance(value, list) else value)
    if good:
        jsonschema_rs.Draft202012Validator(reader.schema).validate(value)


def test_an_object_is_made_only_from_complete_fields() -> None:
    reader = values.structure(FieldProblem, {"field": values.text, "message": values.text}, "field", "message")
    assert read(reader, {"field": "a", "message": "b"}) == (FieldProblem("a", "b"), [])
    assert read(reader, {"field": 1, "more": 2}) == (None, ["field.message", "field.field", "field.more"])
    assert read(reader, []) == (None, ["field"])
