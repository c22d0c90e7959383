"""Reading JSON bodies: what is refused of any, and each kind of value."""

from typing import Any

import pytest

from rowen.harvest import bodies
from rowen.harvest.bodies import DEEPEST, Problems, read_fields, read_object
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import ResponseStatus


def told(problems: Problems) -> dict[str, str]:
    """Return what is wrong, by field."""
    return {each.field: each.message for each in problems.found}


def read(reader: bodies.Reader[Any], value: Any) -> tuple[Any, list[str]]:
    """Return what a reader makes of a value, and the fields that it names."""
    problems = Problems()
    return reader(problems, "field", value), [each.field for each in problems.found]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.MALFORMED),
        (b"\xff", Code.MALFORMED),
        (b'{"a":NaN}', Code.MALFORMED),
        (b"[]", Code.INVALID),
        (b"[" * 500_000, Code.INVALID),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), Code.INVALID),
    ],
)
def test_what_is_no_object_is_refused(body: bytes, code: Code) -> None:
    with pytest.raises(Refusal) as refused:
        read_object(body, Problems())
    assert refused.value.code is code
    assert [each.field for each in refused.value.problems] == ["body"]


def test_depth_counts_objects_and_arrays_alike() -> None:
    inside = DEEPEST - 2
    assert read_object(b'{"a":[' + b'{"b":' * inside + b"1" + b"}" * inside + b"]}", Problems())
    with pytest.raises(Refusal):
        read_object(b'{"a":[' + b'{"b":' * inside + b"[]" + b"}" * inside + b"]}", Problems())


def test_every_duplicate_is_named_once_wherever_it_is() -> None:
    problems = Problems()
    found = read_object(b'{"a":1,"b":[[{"c":1,"c":2,"c":3}]],"a":2,"d":{"e":{"f":1,"f":1}}}', problems)
    assert told(problems) == dict.fromkeys(["a", "b[0][0].c", "d.e.f"], "Must be given once")
    assert found["a"] == 2


def test_numbers_of_any_length_are_read() -> None:
    small, large = b"9" * 100, b"9" * 5_000
    found = read_object(b'{"small":%b,"large":%b,"negative":-%b}' % (small, large, large), Problems())
    assert found["small"] == 10**100 - 1
    assert (found["large"], found["negative"]) == (float("inf"), float("-inf"))
    assert all(read(bodies.identifier, value) == (None, ["field"]) for value in found.values())


def test_names_that_could_deceive_are_cut_and_escaped() -> None:
    problems = Problems()
    names = ["\u0000", "\u202e", "\ud800", "x" * 1_000, "Größe 1"]
    assert read_fields(problems, "in", dict.fromkeys(names), {}) == {}
    named = [each.field for each in problems.found]
    assert named == [*["in.\ufffd"] * 3, "in." + "x" * 60, "in.Größe 1"]


def test_what_is_well_formed_is_read_beside_what_is_not() -> None:
    problems = Problems()
    readers: dict[str, bodies.Reader[Any]] = {
        "id": bodies.identifier,
        "texts": bodies.sequence(bodies.text, 3),
        "none": bodies.optional(bodies.text),
    }
    found = {"id": "x", "texts": ["a", 1, "c"], "none": None, "other": 1}
    assert read_fields(problems, "", found, readers) == {"texts": ("a", None, "c"), "none": None}
    assert list(told(problems)) == ["id", "texts[1]", "other"]


@pytest.mark.parametrize("value", [1, 2**53 - 1, "1", "0042", "9007199254740991"])
def test_ids_are_numbers_or_their_digits(value: Any) -> None:
    assert read(bodies.identifier, value) == (int(value), [])


@pytest.mark.parametrize("value", [0, -1, 2**53, 1.0, True, None, "", "0", " 1", "1e3", "\u0661", f"{2**53}", []])
def test_all_else_is_no_id(value: Any) -> None:
    assert read(bodies.identifier, value) == (None, ["field"])


@pytest.mark.parametrize(
    ("reader", "value", "good"),
    [
        (bodies.text, "x" * 2_000, True),
        (bodies.text, "x" * 2_001, False),
        (bodies.text, "", False),
        (bodies.text, "a\nb", False),
        (bodies.name, "🌲" * 255, True),
        (bodies.name, "🌲" * 256, False),
        (bodies.prose, "", True),
        (bodies.prose, "a\r\n\tb", True),
        (bodies.prose, "a\u000bb", False),
        (bodies.prose, "\udc00", False),
        (bodies.prose, "x" * 100_001, False),
        (bodies.email, "a@b", True),
        (bodies.email, "o'hara+x@münchen.example", True),
        (bodies.email, "a@b@c", False),
        (bodies.email, "@b", False),
        (bodies.email, "a@", False),
        (bodies.email, "a b@c", False),
        (bodies.web_address, "http://a", True),
        (bodies.web_address, "https://[::1]:1/", True),
        (bodies.web_address, "https://[::1", False),
        (bodies.web_address, "https://a:b/", False),
        (bodies.web_address, "https://:80/", False),
        (bodies.web_address, "ssh://a", False),
        (bodies.boolean, False, True),
        (bodies.boolean, 0, False),
        (bodies.choice(ResponseStatus), "accepted", True),
        (bodies.choice(ResponseStatus), "ACCEPTED", False),
        (bodies.choice(ResponseStatus), [], False),
        (bodies.sequence(bodies.text, 2, 1), ["a"], True),
        (bodies.sequence(bodies.text, 2, 1), [], False),
        (bodies.sequence(bodies.text, 2, 1), ["a"] * 3, False),
        (bodies.sequence(bodies.text, 2, 1), "ab", False),
    ],
)
def test_each_kind_of_value_has_its_limits(reader: bodies.Reader[Any], value: Any, *, good: bool) -> None:
    found, problems = read(reader, value)
    assert problems == ([] if good else ["field"])
    assert found == (None if not good else tuple(value) if isinstance(value, list) else value)


def test_an_object_is_made_only_of_what_is_whole() -> None:
    reader = bodies.structure(FieldProblem, {"field": bodies.text, "message": bodies.text}, "field", "message")
    assert read(reader, {"field": "a", "message": "b"}) == (FieldProblem("a", "b"), [])
    assert read(reader, {"field": 1, "more": 2}) == (None, ["field.message", "field.field", "field.more"])
    assert read(reader, []) == (None, ["field"])
