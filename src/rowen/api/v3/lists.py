"""The lists of Harvest v3, as one typed table: their parameters and fields.

Owns the type of each parameter. The names are facts of the public reference and stand in `lists.tsv`; the fields of
rows that are held, in their order, are those of the codec. Must not know how rows are found.
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final

from rowen.api.codec.v3 import KINDS
from rowen.api.reading.query import QueryParameter
from rowen.api.reading.v3_query import V3Parameters, v3_parameters
from rowen.api.reading.v3_values import (
    boolean_parameter,
    choice_parameter,
    date_range_parameter,
    ids_parameter,
    one_id_parameter,
    text_of_v3_parameter,
    texts_parameter,
    time_range_parameter,
)

_BOOLEANS: Final = frozenset(
    {
        *("active", "confidential", "current", "current_only", "deactivated", "enabled", "featured"),
        *("include_defaults", "internal", "is_draft", "latest", "live", "open", "private", "prospect", "required"),
        *("show_service_accounts", "verified"),
    }
)
_IDS: Final = frozenset({"custom_field_option_id", "department_id", "office_id", "parent_id"})
_TEXT_LISTS: Final = frozenset({"employee_ids"})
_CHOICES: Final = {
    ("applications", "status"): ("active", "rejected", "hired", "converted"),
    ("interviewers", "response_status"): ("needs_action", "declined", "tentative", "accepted"),
    ("interviews", "status"): (
        *("to_be_scheduled", "scheduled", "awaiting_feedback", "complete", "skipped"),
        *("collect_feedback", "to_be_sent", "sent", "received"),
    ),
    ("scorecards", "status"): ("draft", "complete"),
}


def _parameter(list_name: str, name: str) -> QueryParameter:
    """Return a list's own parameter; its type follows from its name."""
    words = name.replace("_", " ")
    if (list_name, name) in _CHOICES:
        return choice_parameter(name, f"Only those with this {words}", _CHOICES[list_name, name])
    if name in _TEXT_LISTS:
        return texts_parameter(name, f"Only those with one of these {words}, separated by commas; at most 50")
    if name.endswith("_ids"):
        return ids_parameter(name, f"Only those of these {words}, separated by commas; at most 50")
    if name.endswith("_at"):
        return time_range_parameter(name, f"Only those whose `{name}` is in this range")
    if name.endswith("_on"):
        return date_range_parameter(name, f"Only those whose `{name}` is in this range")
    if name in _BOOLEANS:
        return boolean_parameter(name, f"Only those that are, or are not: {words}")
    if name in _IDS:
        return one_id_parameter(name, f"Only those of this {words}")
    return text_of_v3_parameter(name, f"Only those with this {words}")


def _lists() -> Iterator[V3Parameters]:
    text = files("rowen.api.v3").joinpath("lists.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            list_name, parameters, fields = line.split("\t")
            own = [_parameter(list_name, name) for name in parameters.split(",") if name]
            yield v3_parameters(list_name, own, _fields(list_name, fields.split(",")))


def _fields(list_name: str, named: Sequence[str]) -> tuple[str, ...]:
    """Return the fields of rows in their order."""
    if list_name in KINDS:
        return KINDS[list_name].__struct_fields__
    # The ids and times that every row has come first.
    first = ("id", "created_at", "updated_at")
    return (*first, *(field for field in named if field not in first))


LISTS: Final = {each.list_name: each for each in _lists()}
"""Every list of v3, by name: `/v3/<name>`."""
