"""LibreOffice opens what `rowen export` writes: dates are dates, and nothing is a formula."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.command import rowen
from tests.support.records import record, write_json_lines

_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_UTF8: Final = "76"
_SEPARATORS: Final = {"commas": "44", "semicolons": "59", "tabs": "9"}

pytestmark = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")

_SEAT: Final[dict[str, Any]] = record(1)["interviewers"][0]
RECORDS: Final = [
    record(1, location="=1+1", external_event_id="=1+1;=2+2", interviewers=[_SEAT, {**_SEAT, "id": 1, "name": "=3+3"}]),
    record(2, location="\t=1+1", external_event_id="x;=2+2\n=3+3\t+4", video_conferencing_url=' ="a"'),
    record(3, location="Łódź, Café", start={"date": "2024-03-27"}, end={"date": "2024-03-28"}),
    record(4, location="-1", external_event_id="@SUM(A1)", organizer={**record(1)["organizer"], "name": '"=1+1'}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both tables of an organization in Tokyo."""
    folder = tmp_path_factory.mktemp("spreadsheets")
    database = f"sqlite:///{folder}/rowen.db"
    rowen("organizations", "create", "default", "--time-zone", "Asia/Tokyo", "--database", database)
    rowen("import", write_json_lines(folder / "records.jsonl", RECORDS), "--database", database)
    rowen("export", "--format", "csv", "--output", folder / "plain.csv", "--database", database)
    done = rowen("export", "--for", "spreadsheet", "--output", folder / "people.csv", "--database", database)
    assert done.stderr == "4 interviews, times in Asia/Tokyo\n"
    return folder


def opened(file: Path, options: str) -> list[list[ElementTree.Element]]:
    """Open a CSV file as LibreOffice does, with the given import options; return the cells of each row."""
    home = file.parent / "home"
    home.mkdir(exist_ok=True)
    subprocess.run(
        ["soffice", "--headless", f"--infilter=CSV:{options}", "--convert-to", "fods", "--outdir", home, file],
        check=True,
        capture_output=True,
        timeout=200,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"},
    )
    tree = ElementTree.parse(home / f"{file.stem}.fods")
    return [list(row.iter(f"{_TABLE}table-cell")) for row in tree.iter(f"{_TABLE}table-row")]


def test_dates_are_dates_without_any_option(folder: Path) -> None:
    _, first, _, third, _ = opened(folder / "people.csv", f"44,34,{_UTF8},1,,0,false,false")[:5]
    for row, day in ((first, "2024-03-27"), (third, "2024-03-27")):
        assert [row[3].get(f"{_OFFICE}value-type"), row[3].get(f"{_OFFICE}date-value")] == ["date", day]
    assert third[5].get(f"{_OFFICE}date-value") == "2024-03-28"
    assert "".join(third[7].itertext()).strip() == "Łódź, Café"
    assert "".join(first[12].itertext()).strip() == "Kate Austen, =3+3"


def test_times_are_times_where_special_numbers_are_detected(folder: Path) -> None:
    first = opened(folder / "people.csv", f"44,34,{_UTF8},1,,0,false,true")[1]
    assert [cell.get(f"{_OFFICE}value-type") for cell in first[3:7]] == ["date", "time", "date", "time"]
    assert first[4].get(f"{_OFFICE}time-value") == "PT07H15M00S"


@pytest.mark.parametrize("name", ["plain.csv", "people.csv"])
@pytest.mark.parametrize("separator", _SEPARATORS)
def test_nothing_is_a_formula_whatever_separates_cells(folder: Path, name: str, separator: str) -> None:
    rows = opened(folder / name, f"{_SEPARATORS[separator]},34,{_UTF8},1,,0,false,true")
    assert len(rows) > len(RECORDS)
    assert not [cell for row in rows for cell in row if cell.get(f"{_TABLE}formula")]
