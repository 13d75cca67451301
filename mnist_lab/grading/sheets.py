"""Reads and changes CSV files of others: what is not changed stays as it is, byte for byte."""

import codecs
import re
from collections.abc import Sequence
from pathlib import Path

from ..support import DataError, check_file

_LARGEST = 2**24  # bytes
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DELIMITERS = ",;\t"


class Sheet:
    """A CSV file, whatever its encoding, delimiter, quotes and line ends are.

    Python's csv module reads as much, but forgets how it was written.

    Attributes
    ----------
    rows : list of list of str
        What the cells say, row by row.
    delimiter : str
        What stands between two cells.

    Raises
    ------
    DataError
        If the file cannot be read. One sentence that begins with the path.
    """

    def __init__(self, path: Path) -> None:
        check_file(path, _LARGEST)
        try:
            self._mark, self._encoding, text = _decode(path.read_bytes())
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise DataError(f"{path} is not a CSV file: export the table as one")
        # The one that divides the first line into most cells.
        self.delimiter = max(_DELIMITERS, key=lambda each: len(_split(text, each)[0][0]))
        found = _split(text, self.delimiter)
        self._cells = [cells for cells, _ in found]
        self._ends = [end for _, end in found]
        self.rows = [[_unquoted(cell) for cell in cells] for cells in self._cells]

    def cell(self, row: int, column: int) -> str:
        """What a cell says; nothing where the row is too short."""
        return "".join(self.rows[row][column : column + 1])

    def column(self, column: int, rows: Sequence[int]) -> list[str]:
        """What the cells of a column say."""
        return [self.cell(row, column) for row in rows]

    def write(self, row: int, column: int, text: str) -> None:
        """Change a cell."""
        for cells in (self._cells[row], self.rows[row]):
            cells += [""] * (column + 1 - len(cells))
        quotes = self._cells[row][column].startswith('"') or re.search(r'["\r\n]', text)
        if quotes or self.delimiter in text:
            self._cells[row][column] = '"' + text.replace('"', '""') + '"'
        else:
            self._cells[row][column] = text
        self.rows[row][column] = text

    def to_bytes(self) -> bytes:
        """Return the file; letters that its encoding does not have are written as in HTML."""
        lines = zip(self._cells, self._ends, strict=True)
        text = "".join(self.delimiter.join(cells) + end for cells, end in lines)
        return self._mark + text.encode(self._encoding, "xmlcharrefreplace")


def _decode(content: bytes) -> tuple[bytes, str, str]:
    """Return the mark that a file begins with, its encoding, and the text behind the mark."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return mark, encoding, content[len(mark) :].decode(encoding)
    try:
        return b"", "utf-8", content.decode("utf-8")
    except UnicodeDecodeError:  # of Excel's many; in this one, every byte stays what it was
        return b"", "latin-1", content.decode("latin-1")


def _split(text: str, delimiter: str) -> list[tuple[list[str], str]]:
    """Return for each line its cells, as they are written, and how it ends."""
    cell = rf'((?:"(?:[^"]|"")*+")?[^{delimiter}\r\n]*)({delimiter}|\r\n|\n|\r|\Z)'
    lines, cells = [], []
    for found in re.finditer(cell, text):
        cells.append(found[1])
        if found[2] != delimiter:
            lines.append((cells, found[2]))
            cells = []
        if found.end() == len(text) and found[2] != delimiter:
            break  # or an empty line would follow the last
    return lines


def _unquoted(cell: str) -> str:
    quoted = re.match(r'"((?:[^"]|"")*)"', cell)
    return quoted[1].replace('""', '"') + cell[quoted.end() :] if quoted else cell
