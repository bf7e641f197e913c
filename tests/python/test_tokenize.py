"""Tests of hesse-tokenize: python3 -m unittest discover tests/python."""
import base64
import json
import os
import sys
import unittest

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import Case, needs

TOKENIZE = "hesse-tokenize"
TEXTS = ["the cat sat on the mat", "the dog sat", "a bird sang on the mat in the sun"]


def train_tokenizer(texts, path, size, special=(), template=None):
    """Save a byte-level BPE of the library tokenizers."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers

    model = tokenizers.Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = decoders.ByteLevel()
    model.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), show_progress=False))
    if template:
        model.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=[(token, model.token_to_id(token))
                                             for token in ("[CLS]", "[SEP]")])
    model.save(path)
    return model


class Tokens(Case):
    def setUp(self):
        super().setUp()
        self.tokenizer = self.path("tokenizer.json")
        self.out = self.path("out")

    def decoder(self):
        self.model = train_tokenizer(TEXTS, self.tokenizer, 60, ["<|endoftext|>"])
        self.end = self.model.token_to_id("<|endoftext|>")

    def encoder(self):
        self.model = train_tokenizer(TEXTS, self.tokenizer, 60,
                                     ["[PAD]", "[CLS]", "[SEP]"], "[CLS] $A [SEP]")

    def plain(self, text):
        return self.model.encode(text, add_special_tokens=False).ids

    def runs(self, *arguments):
        self.text = self.succeeds(TOKENIZE, *arguments, "--tokenizer", self.tokenizer,
                                  "-o", self.out)

    def refuses(self, *arguments, status=3):
        return self.fails(status, TOKENIZE, *arguments, "--tokenizer", self.tokenizer,
                          "-o", self.out)

    def array(self, extension=".npy"):
        return np.load(self.out + extension)

    def jsonl(self, *objects):
        return self.write("a.jsonl", "".join(json.dumps(o) + "\n" for o in objects))


@needs("tokenizers")
class Packed(Tokens):
    def test_one_text(self):
        self.decoder()
        self.runs(self.write("a.txt", TEXTS[0] + "\r\n\u00e4"))
        found = np.fromfile(self.out + ".bin", "<u2")
        self.assertEqual(found.tolist(), self.plain(TEXTS[0] + "\r\n\u00e4"))
        with open(self.out + ".bin.json") as file:
            about = json.load(file)
        self.assertEqual((about["dtype"], about["eos"], about["documents"]),
                         ("uint16", None, 1))
        self.assertEqual(len(about["sha256"]), 64)
        self.assertIn("1 documents", self.text)

    def test_borders(self):
        self.decoder()
        expected = [i for text in TEXTS for i in self.plain(text) + [self.end]]
        for name, text in zip("abc", TEXTS):
            self.write(f"folder/{name}.txt", text)
        lines = self.write("lines.txt", "\n".join(TEXTS) + "\n")
        objects = self.jsonl(*({"text": text} for text in TEXTS))
        self.out = self.path("out.npy")
        for inputs in ([self.path("folder")], [lines, "--lines"], [objects]):
            self.runs(*inputs, "--pack", "--force")
            self.assertEqual(self.array("").tolist(), expected)
            self.assertEqual(self.array("").dtype, np.int32)

    def test_end_by_name_and_number(self):
        self.encoder()
        path = self.jsonl(*({"text": text} for text in TEXTS))
        self.assertIn("--eos", self.refuses(path))
        for end in ("[SEP]", "2"):
            self.runs(path, "--eos", end, "--force")
            found = np.fromfile(self.out + ".bin", "<u2")
            self.assertEqual((found == 2).sum(), 3)
            self.assertEqual(found[-1], 2)
        self.assertIn("'[END]'", self.refuses(path, "--eos", "[END]", "--force",
                                               status=2))

    def test_large_vocabulary(self):
        self.decoder()
        with open(self.tokenizer) as file:
            content = json.load(file)
        content["model"]["vocab"]["far"] = 70000
        with open(self.tokenizer, "w") as file:
            json.dump(content, file)
        self.runs(self.write("a.txt", TEXTS[0]))
        found = np.fromfile(self.out + ".bin", "<u4")
        self.assertEqual(found.tolist(), self.plain(TEXTS[0]))
        with open(self.out + ".bin.json") as file:
            self.assertEqual(json.load(file)["dtype"], "uint32")

    def test_limit_and_force(self):
        self.decoder()
        path = self.write("a.txt", "\n".join(TEXTS))
        self.runs(path, "--lines", "--limit", "2")
        self.assertIn("2 documents", self.text)
        self.assertIn("--force", self.refuses(path, status=6))

    def test_inputs_are_never_replaced(self):
        self.decoder()
        path = self.write("corpus.bin", TEXTS[0])
        os.symlink(path, self.path("link.bin"))
        for out in ("corpus.bin", "link.bin"):
            self.out = self.path(out)
            for force in ((), ("--force",)):
                self.assertIn("found the input file",
                              self.refuses(path, *force, status=2))
        self.out = self.path("tokenizer")
        os.rename(self.tokenizer, self.path("tokenizer.npy"))
        self.tokenizer = self.path("tokenizer.npy")
        self.assertIn("found the input file", self.refuses(
            path, "--pad", "right", "--force", status=2))
        with open(path) as file:
            self.assertEqual(file.read(), TEXTS[0])

    def test_settings_beside_name_the_end(self):
        self.encoder()
        self.write("tokenizer_config.json", '{"eos_token": {"content": "[SEP]"}}')
        self.runs(self.jsonl({"text": "the"}, {"text": "cat"}))
        self.assertIn("id 2 ([SEP])", self.text)

    def test_errors(self):
        self.decoder()
        text = self.write("a.txt", "the")
        self.assertIn("--context", self.refuses(text, "--context", "4", status=2))
        self.assertIn("--pad", self.refuses(text, "--pad", "up", status=2))
        self.assertIn("absent", self.refuses(self.path("absent")))
        self.assertIn("line 1", self.refuses(self.write("b.jsonl", "[1]\n")))
        self.assertIn("'text'", self.refuses(self.jsonl({"body": "x"})))
        bare = self.write("c.tsv", "x\n")
        self.assertIn("no tab", self.refuses(bare, "--pad", "left"))
        self.assertIn("labels", self.refuses(self.write("c.tsv", "a\tx\n"), status=2))
        self.assertIn("no tokens", self.refuses(self.write("d.txt", "")))
        with open(self.path("e.txt"), "wb") as file:
            file.write(b"ab\xff")
        self.assertIn("0xff at 2", self.refuses(self.path("e.txt")))
        self.tokenizer = self.write("bad.json", "{}")
        self.assertIn("tokenizer.json", self.refuses(text))


@needs("tokenizers")
class Padded(Tokens):
    def test_encoder_with_labels(self):
        self.encoder()
        path = self.write("a.tsv", "pos\tthe cat\nneg\t" + TEXTS[2] + "\n")
        self.runs(path, "--pad", "right")
        whole = [self.model.encode(text).ids for text in ("the cat", TEXTS[2])]
        ids, mask = self.array(), self.array(".mask.npy")
        self.assertEqual((ids.dtype, mask.dtype), (np.int32, np.uint8))
        self.assertEqual(ids.shape, (2, len(whole[1])))
        self.assertEqual(ids[0, :len(whole[0])].tolist(), whole[0])
        self.assertEqual(ids[0][mask[0] == 0].tolist(), [0] * (ids.shape[1]
                                                               - len(whole[0])))
        self.assertEqual((ids[:, 0].tolist(), ids[1, -1]), ([1, 1], 2))
        self.assertEqual(self.array(".labels.npy").tolist(), [1, 0])
        with open(self.out + ".labels.json") as file:
            self.assertEqual(json.load(file), {"classes": ["neg", "pos"]})
        self.assertIn("id 0 ([PAD])", self.text)

    def test_left_and_cut(self):
        self.encoder()
        path = self.jsonl(*({"body": text, "y": label}
                            for text, label in zip(TEXTS, (2, 0, -1))))
        self.runs(path, "--pad", "left", "--context", "5", "--field", "body",
                  "--label-field", "y")
        ids, mask = self.array(), self.array(".mask.npy")
        self.assertEqual(ids.shape, (3, 5))
        self.assertEqual(ids[:, -1].tolist(), [2, 2, 2])  # cut texts keep [SEP]
        long = sum(len(self.model.encode(text).ids) > 5 for text in TEXTS)
        self.assertIn(f"{long} documents cut", self.text)
        self.assertEqual((np.diff(mask.astype(int)) < 0).sum(), 0)
        self.assertEqual(self.array(".labels.npy").tolist(), [2, 0, -1])
        self.assertIn("--context", self.refuses(path, "--pad", "left", "--context", "1",
                                             "--field", "body", "--force"))

    def test_no_pad_token(self):
        self.decoder()
        self.runs(self.jsonl({"text": "the"}, {"text": TEXTS[0]}), "--pad", "left")
        self.assertIn("no pad token", self.text)
        self.assertEqual(self.array()[0, 0], 0)
        self.assertEqual(self.array(".mask.npy")[0, 0], 0)

    @needs("pyarrow")
    def test_parquet(self):
        import pyarrow
        from pyarrow import parquet

        self.decoder()
        table = pyarrow.table({"text": TEXTS, "label": [1, 0, 1]})
        parquet.write_table(table, self.path("a.parquet"))
        self.runs(self.path("a.parquet"), "--pad", "right", "--label-field", "label")
        self.assertEqual(self.array(".labels.npy").tolist(), [1, 0, 1])
        self.assertIn("the columns text, label", self.refuses(
            self.path("a.parquet"), "--pad", "right", "--field", "body", "--force"))


@needs("sentencepiece")
class WithSentencePiece(Tokens):
    def test_model(self):
        import sentencepiece

        corpus = self.write("corpus.txt", "\n".join(TEXTS * 20))
        sentencepiece.SentencePieceTrainer.Train(
            input=corpus, model_prefix=self.path("sp"), vocab_size=40, minloglevel=2,
            hard_vocab_limit=False)
        self.tokenizer = self.path("sp.model")
        self.out = self.path("out.npy")
        self.runs(corpus, "--lines", "--limit", "3")
        model = sentencepiece.SentencePieceProcessor(model_file=self.tokenizer)
        expected = [i for text in TEXTS for i in model.encode(text) + [model.eos_id()]]
        self.assertEqual(self.array("").tolist(), expected)
        self.assertIn("(</s>)", self.text)

    def test_not_a_model(self):
        self.tokenizer = self.write("sp.model", "hello\n")
        self.assertIn("SentencePiece", self.refuses(self.write("a.txt", "x")))


@needs("tiktoken")
class WithTiktoken(Tokens):
    def write_ranks(self, count):
        ranks = [bytes([i]) for i in range(256)] + [b"th", b"the", b" c", b" ca"]
        ranks += [b"\xff\xfe" + str(i).encode() for i in range(count - len(ranks))]
        self.tokenizer = self.write("a.tiktoken", "".join(
            f"{base64.b64encode(token).decode()} {rank}\n"
            for rank, token in enumerate(ranks)))

    def test_file(self):
        self.write_ranks(260)
        self.out = self.path("out.npy")
        self.runs(self.write("a.txt", "the cat"))
        self.assertEqual(self.array("").tolist(), [257, 259, ord("t")])
        self.assertIn("tiktoken (cl100k_base), vocabulary 260", self.text)
        lines = self.write("b.txt", "the\ncat\n")
        self.assertIn("--eos", self.refuses(lines, "--lines", "--force"))
        self.assertIn("r50k_base", self.refuses(lines, "--encoding", "none", "--force"))

    def test_special_tokens_of_the_encoding(self):
        self.write_ranks(50256)
        self.out = self.path("out.npy")
        lines = self.write("b.txt", "the\ncat\n")
        self.runs(lines, "--lines", "--encoding", "r50k_base")
        self.assertEqual(self.array("")[-1], 50256)
        self.assertIn("vocabulary 50257", self.text)


if __name__ == "__main__":
    unittest.main()
