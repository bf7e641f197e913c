"""The command hesse-tokenize: text becomes token ids that hesse reads."""
import hashlib
import itertools
import json
import re
import sys

import numpy as np

from . import documents, tokenizer
from ..common import INPUT, USAGE, Failure, Outputs, Parser, read_bytes, run

PROG = "hesse tokenize"


def parse(arguments):
    parser = Parser(prog=PROG, description="Turn text into token ids.")
    parser.add_argument("inputs", metavar="INPUT", nargs="+", help="a text file, a "
                        "folder, JSON lines (.jsonl), LABEL tab TEXT (.tsv) or Parquet")
    parser.add_argument("--tokenizer", metavar="FILE", required=True, help="a "
                        "tokenizer.json, a model of SentencePiece, a file of tiktoken")
    parser.add_argument("--encoding", metavar="NAME", default="cl100k_base",
                        help="the encoding of a tiktoken file, which gives the pattern "
                        "and the special tokens (default: cl100k_base)")
    parser.add_argument("-o", "--output", metavar="OUT", required=True)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--pack", action="store_true", help="one stream of ids, as "
                      "OUT.bin or, if OUT ends in .npy, as .npy (default)")
    form.add_argument("--pad", choices=("left", "right"),
                      help="one row for each document, padded on this side")
    parser.add_argument("--context", type=positive, metavar="N",
                        help="with --pad: the length of a row; longer texts are cut")
    parser.add_argument("--field", default="text", metavar="NAME",
                        help="the field of the text in JSON or Parquet (default: text)")
    parser.add_argument("--label-field", metavar="NAME", help="the field of the label")
    parser.add_argument("--eos", metavar="ID|TOKEN",
                        help="the token that ends a document in a stream")
    parser.add_argument("--lines", action="store_true",
                        help="each line of a text file is a document")
    parser.add_argument("--limit", type=positive, metavar="N",
                        help="take the first N documents only")
    parser.add_argument("--force", action="store_true", help="replace files")
    return parser.parse_args(arguments)


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def main(arguments=None):
    return run(PROG, lambda given: tokenize(parse(given)), arguments)


def tokenize(options):
    """Write the token ids and return the summary."""
    if options.context and not options.pad:
        raise Failure(USAGE, "--context: found a stream, expected --pad as well; "
                             "data.context of a job cuts a stream")
    if options.eos and options.pad:
        raise Failure(USAGE, "--eos: found --pad, expected --pack")
    if options.label_field and not options.pad:
        raise Failure(USAGE, "--label-field: found a stream, expected --pad")
    model = tokenizer.read(options.tokenizer, options.encoding)
    found = itertools.islice(documents.read(options.inputs, options), options.limit)
    with Outputs(options.force, inputs(options)) as outputs:
        text = (pad if options.pad else pack)(options, outputs, model, found)
        outputs.commit()
    return text


def inputs(options):
    """Return the files that the command reads."""
    texts = [file for path in options.inputs for file in documents.files_of(path)]
    return texts + [options.tokenizer, tokenizer.settings_path(options.tokenizer)]


def output_name(options, default):
    """Return the path without its extension, and the extension."""
    for extension in (".bin", ".npy"):
        if options.output.endswith(extension):
            return options.output[:-len(extension)], extension
    return options.output, default


def pack(options, outputs, model, found):
    """Write one stream; every document ends with the end-of-text token."""
    stem, extension = output_name(options, ".bin")
    path = stem + extension
    outputs.check(path)
    end = end_of_text(options, model)
    first = list(itertools.islice(found, 2))
    border = end if len(first) > 1 or options.eos else None
    if len(first) > 1 and end is None:
        raise Failure(INPUT, f"{options.tokenizer}: found no end-of-text token to mark "
                             "the borders of the documents, expected one (--eos)")
    texts = without_labels(itertools.chain(first, found))
    counts = Counts()
    arrays = streams(model, texts, border, counts)
    if extension == ".npy":
        ids = np.concatenate(list(arrays) or [np.empty(0, "<u4")]).astype("<i4")
        outputs.write(path, lambda temporary: save_npy(temporary, ids))
        kind = "int32"
    else:
        kind = "uint16" if model.vocabulary <= 2 ** 16 else "uint32"
        outputs.write(path, lambda temporary: save_stream(temporary, arrays, kind))
    if not counts.tokens:
        raise Failure(INPUT, f"{options.inputs[0]}: found no tokens, expected some")
    files = [path]
    if extension == ".bin":
        about = {"dtype": kind, "vocabulary": model.vocabulary,
                 "tokenizer": options.tokenizer,
                 "sha256": hashlib.sha256(read_bytes(options.tokenizer)).hexdigest(),
                 "eos": border, "documents": counts.documents}
        files.append(path + ".json")
        outputs.write(files[1], lambda temporary: save_json(temporary, about))
    ends = f"each document ends with id {border} ({model.name_of(border)})" \
        if border is not None else "no border is marked"
    return (f"{counts.documents} documents, {counts.tokens} tokens, {kind}, "
            f"{model.kind}, vocabulary {model.vocabulary}, {ends}; wrote "
            f"{', '.join(files)}")


class Counts:
    documents = tokens = 0


def streams(model, texts, border, counts):
    """Yield the ids of each document with its border, and count them."""
    tail = [] if border is None else [border]
    for ids, _ in model.encode(texts, special=False):
        counts.documents += 1
        counts.tokens += len(ids) + len(tail)
        yield np.array(list(ids) + tail, dtype="<u4")


def without_labels(found):
    for document in found:
        if document.label is not None:
            raise Failure(USAGE, "--pack: found documents with labels, expected --pad")
        yield document.text


def end_of_text(options, model):
    """Return the id of --eos, or that of the tokenizer's end-of-text token."""
    if options.eos is None:
        return model.end
    index = int(options.eos) if options.eos.isdecimal() else model.id_of(options.eos)
    if index is None or index >= model.vocabulary:
        raise Failure(USAGE, f"--eos: found '{options.eos}', expected a token of the "
                             f"tokenizer or an id below {model.vocabulary}")
    return index


def pad(options, outputs, model, found):
    """Write one row for each document, the mask, and the labels if there are some."""
    stem, _ = output_name(options, ".npy")
    outputs.check(stem + ".npy")
    found = list(found)
    if not found:
        raise Failure(INPUT, f"{options.inputs[0]}: found no documents, expected some")
    encoded = list(model.encode((document.text for document in found), special=True,
                                length=options.context))
    cut = sum(was_cut for _, was_cut in encoded)
    filler = 0 if model.padding is None else model.padding
    ids, mask = rows([ids for ids, _ in encoded], options, filler)
    if ids.shape[1] == 0:
        raise Failure(INPUT, f"{options.inputs[0]}: found no tokens, expected some")
    arrays = {".npy": ids, ".mask.npy": mask}
    labels = labels_of(options, found)
    if labels:
        numbers, names = labels
        arrays[".labels.npy"] = numbers
        outputs.write(stem + ".labels.json",
                      lambda temporary: save_json(temporary, {"classes": names}))
    for extension, array in arrays.items():
        outputs.write(stem + extension, lambda temporary: save_npy(temporary, array))
    pad_name = model.name_of(filler) if model.padding is not None else \
        "the tokenizer has no pad token; the mask marks the padding"
    return (f"{len(ids)} documents, {int(mask.sum())} tokens in rows of "
            f"{ids.shape[1]}, {cut} documents cut, int32, {model.kind}, "
            f"vocabulary {model.vocabulary}, padding on the {options.pad} with "
            f"id {filler} ({pad_name})"
            + (f", {len(labels[1])} classes" if labels else "")
            + f"; wrote {', '.join(stem + e for e in sorted(arrays))}"
            + (f", {stem}.labels.json" if labels else ""))


def rows(encoded, options, filler):
    """Return the padded ids and the mask: 1 for a token, 0 for padding."""
    width = options.context or max(map(len, encoded))
    ids = np.full((len(encoded), width), filler, dtype="<i4")
    mask = np.zeros((len(encoded), width), dtype=np.uint8)
    for row, found in enumerate(encoded):
        at = width - len(found) if options.pad == "left" else 0
        ids[row, at:at + len(found)] = found
        mask[row, at:at + len(found)] = 1
    return ids, mask


def labels_of(options, found):
    """Return the numbers of the labels and the names of the classes, or None.

    Integers stay as they are (hesse ignores those below 0). Other labels are numbered
    in the order of their names.
    """
    labels = [document.label for document in found]
    if all(label is None for label in labels):
        return None
    if any(label is None for label in labels):
        raise Failure(INPUT, f"{options.inputs[0]}: found documents with and without "
                             "labels, expected labels for all or for none")
    texts = [str(label) for label in labels]
    if all(re.fullmatch(r"-?\d{1,6}", text) for text in texts):
        numbers = [int(text) for text in texts]
        names = [str(number) for number in range(max(numbers) + 1)]
    else:
        names = sorted(set(texts))
        place = {name: number for number, name in enumerate(names)}
        numbers = [place[text] for text in texts]
    return np.array(numbers, dtype="<i4"), names


def save_npy(path, array):
    with open(path, "wb") as file:
        np.save(file, array)


def save_stream(path, arrays, kind):
    with open(path, "wb") as file:
        for array in arrays:
            file.write(array.astype("<u2" if kind == "uint16" else "<u4").tobytes())


def save_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
