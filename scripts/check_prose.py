"""Finds the patterns that the style guide in CONTRIBUTING.md asks to avoid.

Prose is Markdown outside of code, in Python the docstrings, comments, texts of several words and names of tests, and in
JavaScript the comments.
Prints `file:line: "words": advice` for each finding and exits with 1 if there is any. Arguments are files or folders to
check instead of the whole project.
"""

import io
import re
import sys
import textwrap
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parent.parent
_FOLDERS: Final = ("docs", "src", "tests", "benchmarks", "scripts")
_CHECKED: Final = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", *_FOLDERS)

_START: Final = r"(?:(?<=[.:;!?|] )|(?<=\n\n)|(?<=\n- )|(?<=\n\* )|\A)"
"""Where a sentence begins."""

_PROGRAMS: Final = "programs do not speak: return, report, notify, send, write, show"
_NOUN: Final = "begin with a noun: `A client that …`"
_PATTERNS: Final = {
    re.compile(pattern): advice
    for pattern, advice in {
        r"\b[Tt]ell whether\b": "Return whether",
        r"\b([Tt]ells?|[Tt]old|[Tt]elling)\b(?! (them |two |one |\w+ )?(apart|from)\b)": _PROGRAMS,
        r"\b([Hh]ears?|[Hh]eard|[Hh]earing)\b": "receive, observe",
        r"\b[Ss]aid\b": _PROGRAMS,
        r"\b[Ss]ays? so\b": _PROGRAMS,
        r"\b([Aa]new|[Aa]fresh)\b": "again",
        r"\b[Mm]end(s|ed|ing)?\b": "fix, repair, correct",
        r"\b[Bb]esides\b": "apart from, also",
        r"\bat the (most|least)\b": "at most, at least",
        r"(?<!have )\bso many\b": "give the number, or name the limit",
        r"\bby who(m|so)?ever\b|\bby whichever\b|\bwhichever way\b": "by any process, in either direction",
        r"\b[Ll]et(s|ting)? go of\b": "release, close, delete",
        r"\b(farewell|in peace|takes? leave)\b": "machines are not people: name what happens",
        r"\bbehind (a|an|the|that|this|which|its) (\w+ )?(id|revision|number|position|key|walk)\b": "after",
        r"\bbegins? behind\b|\bgoes on behind\b|\bgo on behind\b": "after",
        r"\b(is|are) what (is|stands?|there is)\b": "give the sentence a noun",
        r"\bwhat stands (around|beside|before|in|there)\b": "give the sentence a noun",
        _START + r"(Who|Whoever|Whom) (?=[a-z])(?![^.?!]*\?)": _NOUN,
        _START
        + r"What (is|was|has|begins|ends|stands|fails|comes|takes|needs|costs) [^.,:;|]* (is|are|has|goes)\b": _NOUN,
        _START + r"Of (two as|those that|all that|what|which|whatever)\b": "begin with the subject",
        _START + r"Say (whether|what|that|so)\b": "Return, print",
    }.items()
}


def main() -> int:
    """Check the files and folders given, or the whole project, and return the exit code."""
    paths = [Path(argument) for argument in sys.argv[1:]] or [_ROOT / name for name in _CHECKED]
    findings = [finding for path in paths for file in _files(path) for finding in _check(file)]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def _files(path: Path) -> list[Path]:
    """Return the files to check: the file itself, or those of a folder, except in hidden folders such as `.data`."""
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file for file in found if file.suffix in _READERS and file != Path(__file__) and not _is_hidden(file, path)]


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _check(file: Path) -> Iterator[str]:
    """Return a line for each finding in a file."""
    for line, prose in _READERS[file.suffix](file.read_text()):
        for pattern, advice in _PATTERNS.items():
            for found in pattern.finditer(prose):
                number = line + prose.count("\n", 0, found.start())
                yield f'{file}:{number}: "{" ".join(found[0].split())}": {advice}'


def _markdown(text: str) -> Iterator[tuple[int, str]]:
    """Return the prose of a document: fenced blocks, inline code and the targets of links are blanked out."""
    text = re.sub(r"^ *```.*?^ *```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`]*`", lambda code: "`" + "\n" * code[0].count("\n"), text)
    yield 1, re.sub(r"\]\([^)]*\)", "]", text)


def _python(text: str) -> Iterator[tuple[int, str]]:
    """Return the docstrings, comments, texts of several words and names of tests of a module, with their lines."""
    comment: list[str] = []
    begins, ended, in_statement = 0, 0, False
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if comment and token.start[0] != ended + 1:
                yield begins, "\n".join(comment)
                comment = []
            begins, ended = begins if comment else token.start[0], token.start[0]
            comment.append(token.string.lstrip("#: "))
        elif token.type in _TEXTS and not (in_statement and token.string.lstrip("fr").startswith('"""')):
            prose = token.string.lstrip("fr").strip("\"'")
            if " " in prose and not _SQL.search(prose):
                yield token.start[0], re.sub(r"`[^`]*`|\{[^}]*\}", "`", textwrap.dedent(prose))
        elif token.type == tokenize.NAME and token.string.startswith("test_"):
            yield token.start[0], token.string.replace("_", " ")
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            in_statement = token.type not in _BETWEEN_STATEMENTS
    if comment:
        yield begins, "\n".join(comment)


def _javascript(text: str) -> Iterator[tuple[int, str]]:
    """Return the comments of a module, with their lines."""
    for comment in re.finditer(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", text, re.DOTALL):
        yield text.count("\n", 0, comment.start()) + 1, re.sub(r"`[^`]*`|(?m:^ *\* ?)|/\*+|\*/|//", "", comment[0])


_READERS: Final = {".md": _markdown, ".py": _python, ".js": _javascript}
_TEXTS: Final = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
_BETWEEN_STATEMENTS: Final = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
_SQL: Final = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|WITH|WHERE|FROM|JOIN)\b")

if __name__ == "__main__":
    sys.exit(main())
