"""Read documents, with their labels if they have some, from files of several kinds."""
import json
import os
from dataclasses import dataclass
from typing import Optional, Union

from ..common import INPUT, USAGE, Failure, need, reason


@dataclass
class Document:
    text: str
    label: Optional[Union[int, str]] = None


def read(paths, options):
    """Yield the documents of all inputs in order."""
    for path in paths:
        for file in files_of(path):
            yield from read_file(file, options)


def files_of(path):
    """Return the file itself, or all files of a folder in the order of their names."""
    if not os.path.isdir(path):
        return [path]
    files = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [os.path.join(folder, name) for name in sorted(names)
                  if not name.startswith(".")]
    if not files:
        raise Failure(INPUT, f"{path}: found an empty folder, expected files of text")
    return files


def read_file(path, options):
    if path.endswith((".jsonl", ".json")):
        return read_json_lines(path, options)
    if path.endswith(".tsv"):
        return read_tsv(path)
    if path.endswith(".parquet"):
        return read_parquet(path, options)
    if options.label_field:
        raise Failure(USAGE, f"{path}: found --label-field and a text file, expected "
                             "JSON lines or Parquet")
    return read_text(path, options.lines)


def lines_of(path):
    """Yield number and line of a file in UTF-8, without the end of the line."""
    number = 0
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                yield number, line.rstrip("\r\n")
    except OSError as error:
        raise Failure(INPUT, f"{path}: {reason(error)}") from None
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02x}"
        raise Failure(INPUT, f"{path}: found the byte {byte} after line {number}, "
                             "expected UTF-8") from None


def read_text(path, by_lines):
    if by_lines:
        for _, line in lines_of(path):
            if line:
                yield Document(line)
        return
    try:
        with open(path, encoding="utf-8", newline="") as file:
            yield Document(file.read())
    except OSError as error:
        raise Failure(INPUT, f"{path}: {reason(error)}") from None
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02x}"
        raise Failure(INPUT, f"{path}: found the byte {byte} at {error.start}, "
                             "expected UTF-8") from None


def read_tsv(path):
    for number, line in lines_of(path):
        label, tab, text = line.partition("\t")
        if not tab:
            raise Failure(INPUT, f"{path}: line {number}: found no tab, expected "
                                 "LABEL, tab, TEXT")
        yield Document(text, label)


def read_json_lines(path, options):
    for number, line in lines_of(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        where = f"{path}: line {number}"
        if not isinstance(value, dict):
            raise Failure(INPUT, f"{where}: found '{line[:30]}', expected one JSON "
                                 "object on each line")
        yield from_fields(where, value, options)


def read_parquet(path, options):
    parquet = need("pyarrow.parquet", path)
    columns = [options.field] + ([options.label_field] if options.label_field else [])
    try:
        file = parquet.ParquetFile(path)
        for column in columns:
            if column not in file.schema_arrow.names:
                raise Failure(INPUT, f"{path}: found the columns "
                              f"{', '.join(file.schema_arrow.names)}, expected "
                              f"'{column}'")
        row = 0
        for batch in file.iter_batches(columns=columns):
            for value in batch.to_pylist():
                row += 1
                yield from_fields(f"{path}: row {row}", value, options)
    except (OSError, ValueError) as error:
        raise Failure(INPUT, f"{path}: found {error}, expected Parquet") from None


def from_fields(where, value, options):
    """Return the document of a JSON object or of a row."""
    text = value.get(options.field)
    if not isinstance(text, str):
        raise Failure(INPUT, f"{where}: found no text in '{options.field}', expected "
                             "one (--field names it)")
    if not options.label_field:
        return Document(text)
    label = value.get(options.label_field)
    if not isinstance(label, (int, str)):
        raise Failure(INPUT, f"{where}: found no label in '{options.label_field}', "
                             "expected a text or an integer")
    return Document(text, label)
