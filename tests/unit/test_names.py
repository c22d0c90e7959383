"""A name means one thing: no two packages have a public class of the same name."""

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

import rowen

SOURCE: Final = Path(rowen.__file__).parent

ROWS: Final = "mirror/rows.py"
"""The rows of Harvest v3 have the names of what they describe there: they are used as `rows.User`."""

SHARED: Final = {
    "InterviewRow": "an interview as a row: of the table of interviews, and of the list of v3",
    "Question": "what is asked: of a search for times, and in a scorecard",
}


def test_no_two_public_classes_have_one_name() -> None:
    modules: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted(SOURCE.rglob("*.py")):
        name = file.relative_to(SOURCE).as_posix()
        if name != ROWS:
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    modules[node.name].append(name)
    assert {name: found for name, found in modules.items() if len(found) > 1}.keys() == SHARED.keys()
