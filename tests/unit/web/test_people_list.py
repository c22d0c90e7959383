"""Lists of people, as spreadsheets and mail programs write them."""

import pytest

from rowen.app.roles import Role
from rowen.web.settings.people_list import PeopleLine, read_people


@pytest.mark.parametrize(
    "text",
    [
        "Ann Lee,ann@team.example",
        "name,email\nAnn Lee,ann@team.example",
        "Name;E-Mail\r\nAnn Lee;ann@team.example\r\n",
        "Ann\tLee\tann@team.example",
        "ann@team.example,Ann Lee",
        '"Ann Lee" , ann@team.example',
        "Ann Lee <ann@team.example>",
    ],
)
def test_a_line_has_a_name_and_an_address_in_any_order(text: str) -> None:
    (line,) = read_people(text)
    assert (line.name, line.email, line.problem) == ("Ann Lee", "ann@team.example", None)


def test_an_address_alone_is_enough() -> None:
    assert read_people("ann@team.example") == [PeopleLine(1, "ann", "ann@team.example")]


def test_problems_name_their_line() -> None:
    text = "name,mail\nAnn Lee,ann@team.example\n\nBen\nCy,cy@\nAnn,ANN@team.example\n" + "x" * 256 + ",d@team.example"
    found = read_people(text)
    assert [(line.number, line.problem, line.other) for line in found] == [
        (2, None, 0),
        (4, "people.line_no_email", 0),
        (5, "people.line_bad_email", 0),
        (6, "people.line_twice", 2),
        (7, "people.line_bad_name", 0),
    ]


@pytest.mark.parametrize("text", ["", " \n\n , \n", "name,email\n"])
def test_no_people_are_no_lines(text: str) -> None:
    assert read_people(text) == []


def test_a_field_without_end_and_zero_bytes_are_problems_not_faults() -> None:
    assert read_people('Ann,ann@team.example\n"Ben,ben@team.example' + "x" * 200_000)[-1].problem is not None
    assert read_people("A\0nn,ann@team.example")[0].problem is not None


@pytest.mark.parametrize(
    "text",
    [
        "Ann Lee,ann@team.example,coordinator",
        "ann@team.example;Ann Lee;Coordinator;",
        "name;mail;role;department\nAnn Lee;ann@team.example;Koordination;",
        "name;mail;role\nAnn Lee;ann@team.example;coordinator",
        "Rolle;Name;E-Mail\ncoordinator;Ann Lee;ann@team.example",
    ],
)
def test_a_column_may_hold_the_role(text: str) -> None:
    (line,) = read_people(text)
    assert (line.name, line.email, line.role, line.ignored) == ("Ann Lee", "ann@team.example", Role.COORDINATOR, "")


def test_any_other_column_is_no_part_of_the_name() -> None:
    (line,) = read_people("Ann Lee,ann@team.example,Berlin,admin")
    assert (line.name, line.role, line.ignored) == ("Ann Lee", Role.ADMIN, "Berlin")


def test_an_unknown_role_is_a_problem_and_an_empty_one_is_none() -> None:
    wrong, empty = read_people("name,mail,role\nAnn Lee,ann@team.example,boss\nBen,ben@team.example,")
    assert wrong.problem == "people.line_bad_role"
    assert (empty.name, empty.role, empty.problem) == ("Ben", None, None)


def test_a_person_named_like_a_role_keeps_the_name() -> None:
    (line,) = read_people("Admin,admin@team.example")
    assert (line.name, line.role) == ("Admin", None)


@pytest.mark.parametrize(
    ("text", "name", "ignored"),
    [
        ("Name;E-Mail;Abteilung\nAnn Lee;ann@team.example;Administration", "Ann Lee", "Administration"),
        ("Name;E-Mail;Department\nAnn Lee;ann@team.example;admin", "Ann Lee", "admin"),
        ("Ann Lee;ann@team.example;Administration", "Ann Lee", "Administration"),
        ("Ann Lee;ann@team.example;Koordination", "Ann Lee", "Koordination"),
        ("Ann Lee;ann@team.example;admin;Berlin", "Ann Lee", "admin, Berlin"),
        ("Ann;Admin;ann@team.example", "Ann Admin", ""),
    ],
)
def test_a_department_or_a_name_is_no_role(text: str, name: str, ignored: str) -> None:
    (line,) = read_people(text)
    assert (line.name, line.role, line.problem, line.ignored) == (name, None, None, ignored)
