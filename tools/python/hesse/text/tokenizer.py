"""Tokenizers of three libraries behind one interface."""
import base64
import binascii
import json
import os
from unittest import mock

from ..common import INPUT, Failure, need, read_bytes

# Names of the end-of-text token in common tokenizers.
END_OF_TEXT = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[EOS]", "<|eos|>")
PADDING = ("[PAD]", "<pad>", "<|pad|>", "<|padding|>")
MOST_GAP = 3  # unused ids between the ranks of tiktoken and its special tokens
BATCH = 256  # texts that are encoded together


def read(path, encoding):
    """Return the tokenizer in a file; its content tells the kind."""
    data = read_bytes(path)
    if not data:
        raise Failure(INPUT, f"{path}: found an empty file, expected a tokenizer")
    if data.lstrip()[:1] == b"{":
        return HuggingFace(path)
    ranks = tiktoken_ranks(data)
    return Tiktoken(path, ranks, encoding) if ranks else SentencePiece(path)


class Tokenizer:
    """A tokenizer: kind, vocabulary (largest id + 1), end and padding (ids or None)."""

    end = padding = None

    def encode(self, texts, special, length=None):
        """Yield (ids, cut) for each text.

        special: add [CLS], [SEP] and the like, where the tokenizer defines them.
        length: the most tokens of one text; cut is true if the text had more.
        """
        texts = iter(texts)
        batch = take(texts)
        while batch:
            yield from self.encode_batch(batch, special, length)
            batch = take(texts)

    def encode_batch(self, texts, special, length):
        del special  # SentencePiece and tiktoken define no template of special tokens
        for ids in self.plain(texts):
            yield ids[:length], length is not None and len(ids) > length


def take(texts):
    return [text for text, _ in zip(texts, range(BATCH))]


class HuggingFace(Tokenizer):
    """A tokenizer.json of the library tokenizers."""

    def __init__(self, path):
        tokenizers = need("tokenizers", path)
        try:
            self.model = tokenizers.Tokenizer.from_file(path)
        except Exception as error:
            raise Failure(INPUT, f"{path}: found {error}, expected a tokenizer.json of "
                                 "the library tokenizers") from None
        self.kind = f"tokenizers ({type(self.model.model).__name__})"
        ids = self.model.get_vocab(with_added_tokens=True)
        self.vocabulary = max(ids.values()) + 1
        padding = self.model.padding
        self.model.no_padding()
        self.model.no_truncation()
        settings = read_settings(path)
        self.end = find(ids, settings.get("eos_token"), END_OF_TEXT)
        self.padding = padding["pad_id"] if padding else \
            find(ids, settings.get("pad_token"), PADDING)

    def encode_batch(self, texts, special, length):
        if length is None:
            self.model.no_truncation()
        else:
            self.model.enable_truncation(max_length=length)
        try:
            encoded = self.model.encode_batch(texts, add_special_tokens=special)
        except Exception as error:
            raise Failure(INPUT, f"tokenizer: found the error '{error}', expected to "
                                 "encode the text") from None
        for found in encoded:
            if length and len(found.ids) > length:
                raise Failure(INPUT, f"--context: found {length}, expected room for "
                                     "the special tokens and the text")
            yield found.ids, bool(found.overflowing)

    def id_of(self, token):
        return self.model.token_to_id(token)

    def name_of(self, index):
        return self.model.id_to_token(index)


def settings_path(path):
    """Return the path of tokenizer_config.json, which stands beside tokenizer.json."""
    return os.path.join(os.path.dirname(path), "tokenizer_config.json")


def read_settings(path):
    beside = settings_path(path)
    if not os.path.exists(beside):
        return {}
    try:
        found = json.loads(read_bytes(beside))
    except ValueError as error:
        raise Failure(INPUT, f"{beside}: found {error}, expected JSON") from None
    return found if isinstance(found, dict) else {}


def find(ids, named, usual):
    """Return the id of the token that the settings name, or of the one usual token."""
    if isinstance(named, dict):
        named = named.get("content")
    if named in ids:
        return ids[named]
    present = [token for token in usual if token in ids]
    return ids[present[0]] if len(present) == 1 else None


class SentencePiece(Tokenizer):
    """A .model file of SentencePiece."""

    kind = "SentencePiece"

    def __init__(self, path):
        library = need("sentencepiece", path)
        self.model = library.SentencePieceProcessor()
        try:
            self.model.Load(path)
        except (OSError, RuntimeError):
            raise Failure(INPUT, f"{path}: found an unknown format, expected a "
                                 "tokenizer.json, a model of SentencePiece or a file "
                                 "of tiktoken") from None
        self.vocabulary = self.model.GetPieceSize()
        self.end = known(self.model.eos_id())
        self.padding = known(self.model.pad_id())

    def plain(self, texts):
        return self.model.EncodeAsIds(texts)

    def id_of(self, token):
        index = self.model.PieceToId(token)
        return index if self.model.IdToPiece(index) == token else None

    def name_of(self, index):
        return self.model.IdToPiece(index)


def known(index):
    return index if index >= 0 else None


class Tiktoken(Tokenizer):
    """A file of tiktoken. It holds the ranks only; the encoding gives the pattern."""

    def __init__(self, path, ranks, encoding):
        library = need("tiktoken", path)
        self.kind = f"tiktoken ({encoding})"
        settings = encoding_settings(path, encoding, ranks)
        self.special = settings["special_tokens"]
        self.model = library.Encoding(**settings)
        self.vocabulary = self.model.n_vocab
        self.end = self.special.get("<|endoftext|>")

    def plain(self, texts):
        return self.model.encode_ordinary_batch(texts)

    def id_of(self, token):
        return self.special.get(token)

    def name_of(self, index):
        return self.model.decode_single_token_bytes(index).decode("utf-8", "replace")


def tiktoken_ranks(data):
    """Return {bytes: rank}, or None if the lines are not base64, space, rank."""
    ranks = {}
    try:
        for line in data.splitlines():
            if line:
                token, rank = line.split()
                ranks[base64.b64decode(token, validate=True)] = int(rank)
    except (ValueError, binascii.Error):
        return None
    return ranks


def encoding_settings(path, encoding, ranks):
    """Return the arguments of tiktoken.Encoding with the ranks of the file.

    tiktoken would download the ranks; they are given to it instead. The special tokens
    follow the encoding's own ranks, so they are left out if the file ends elsewhere.
    """
    public = need("tiktoken_ext.openai_public", path)
    if encoding not in public.ENCODING_CONSTRUCTORS:
        raise Failure(INPUT, f"--encoding: found '{encoding}', expected one of "
                             f"{', '.join(public.ENCODING_CONSTRUCTORS)}")
    given = {"return_value": ranks}
    with mock.patch.object(public, "load_tiktoken_bpe", **given), \
            mock.patch.object(public, "data_gym_to_mergeable_bpe_ranks", **given):
        settings = dict(public.ENCODING_CONSTRUCTORS[encoding]())
    settings.pop("explicit_n_vocab", None)
    special = set(settings["special_tokens"].values())
    if not special.isdisjoint(ranks.values()) or \
            max(ranks.values()) < min(special) - MOST_GAP:
        settings["special_tokens"] = {}
    return settings
