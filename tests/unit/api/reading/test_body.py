"""Reading JSON bodies: what is refused of any, and the fields of one."""

import pytest

from rowen.api.reading import values
from rowen.api.reading.body import DEEPEST, Body, read_object
from rowen.interviews.errors import Code, Problems, Refusal


def messages(problems: Problems) -> dict[str, str]:
    """Return the problems, by field."""
    return {each.field: each.message for each in problems.found}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", Code.MALFORMED),
        (b"\xff", Code.MALFORMED),
        (b'{"a":NaN}', Code.MALFORMED),
        (b"[]", Code.INVALID),
        (b"[" * 500_000, Code.INVALID),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), Code.INVALID),
    ],
)
def test_a_body_that_is_not_an_object_is_refused(content: bytes, code: Code) -> None:
    with pytest.raises(Refusal) as refused:
        read_object(content, Problems())
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
    assert messages(problems) == dict.fromkeys(["a", "b[0][0].c", "d.e.f"], "Must be given once")
    assert found["a"] == 2


def test_numbers_of_any_length_are_read() -> None:
    small, large = b"9" * 100, b"9" * 5_000
    found = read_object(b'{"small":%b,"large":%b,"negative":-%b}' % (small, large, large), Problems())
    assert found["small"] == 10**100 - 1
    assert (found["large"], found["negative"]) == (float("inf"), float("-inf"))
    problems = Problems()
    assert [values.identifier.read(problems, name, value) for name, value in found.items()] == [None] * 3
    assert list(messages(problems)) == list(found)


BODY = Body("Thing", {"name": values.name, "note": values.nullable(values.prose)}, {"name": "a"}, required=("name",))
CHOICE = Body("Choice", BODY.fields, {"name": "a"}, exactly_one=True)


def test_a_body_reads_its_fields_and_notes_what_is_missing_or_unknown() -> None:
    problems = Problems()
    assert BODY.read(b'{"note":null,"more":1}', problems) == {"note": None}
    assert messages(problems) == {"name": "Is required", "more": "Is not a field of this request"}


def test_the_schema_of_a_body_is_that_of_its_readers() -> None:
    assert BODY.schema == {
        "type": "object",
        "properties": {"name": values.name.schema, "note": values.nullable(values.prose).schema},
        "required": ["name"],
        "additionalProperties": False,
    }
    assert CHOICE.schema == {**BODY.schema, "required": [], "minProperties": 1, "maxProperties": 1}


@pytest.mark.parametrize("content", [b"{}", b'{"name":"a","note":"b"}'])
def test_exactly_one_field_may_be_asked_for(content: bytes) -> None:
    problems = Problems()
    CHOICE.read(content, problems)
    assert messages(problems) == {"body": "Must have exactly one of name, note"}
    assert CHOICE.read(b'{"note":"b"}', Problems()) == {"note": "b"}
