"""Tests of hesse-convert: python3 -m unittest discover tests/python."""
import collections
import json
import os
import subprocess
import sys
import unittest

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import HESSE, HERE, Case, needs

try:
    import torch
    import train_nanogpt
except ImportError:
    torch = None

CONVERT = "hesse-convert"


def read(path):
    from safetensors.torch import load_file

    return load_file(path)


def mean_loss(model, rows):
    """Return the loss of a model of transformers in double precision."""
    logits = model.double().eval()(rows[:, :-1]).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1),
                                             rows[:, 1:].flatten()).item()


class Convert(Case):
    def setUp(self):
        super().setUp()
        self.out = self.path("out")

    def save(self, value, name="model.pt", **options):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        torch.save(value, self.path(name), **options)
        return self.path(name)

    def converts(self, *arguments):
        self.text = self.succeeds(CONVERT, *arguments, "-o", self.out)
        return read(os.path.join(self.out, "model.safetensors"))

    def refuses(self, *arguments, status=3):
        return self.fails(status, CONVERT, *arguments, "-o", self.out)

    def config(self):
        with open(os.path.join(self.out, "config.json")) as file:
            return json.load(file)


@needs("torch", "safetensors")
class StateDicts(Convert):
    def state(self):
        return {"a.weight": torch.randn(3, 2), "a.bias": torch.randn(3)}

    def test_bare(self):
        state = self.state()
        found = self.converts(self.save(state))
        self.assertEqual(found.keys(), state.keys())
        for name in state:
            self.assertTrue(torch.equal(found[name], state[name]))
        self.assertIn("2 tensors, 9 parameters, float32", self.text)
        self.assertIn("give --config", self.text)

    def test_old_format(self):
        path = self.save(self.state(), _use_new_zipfile_serialization=False)
        self.assertEqual(len(self.converts(path)), 2)

    def test_nested_under_every_usual_key(self):
        for key in ("model", "state_dict", "model_state_dict", "module", "params"):
            self.out = self.path(key)
            self.assertEqual(len(self.converts(self.save({key: self.state(), "n": 1}))),
                             2)

    def test_ambiguous_is_refused_and_chosen_by_key(self):
        path = self.save({"model": self.state(), "ema": {"w": torch.ones(1)}})
        message = self.refuses(path)
        self.assertIn("state dicts under model, ema", message)
        self.assertIn("--key", message)
        self.assertEqual(list(self.converts(path, "--key", "ema")), ["w"])

    def test_key_goes_into_nested_dicts(self):
        path = self.save({"run": {"net": self.state()}, "epoch": 3})
        self.assertEqual(len(self.converts(path, "--key", "run.net")), 2)

    def test_lightning_keeps_names(self):
        state = {"model." + name: value for name, value in self.state().items()}
        path = self.save({"pytorch-lightning_version": "2.5", "state_dict": state,
                          "hyper_parameters": {"lr": 1}, "optimizer_states": []},
                         "a.ckpt")
        self.assertEqual(self.converts(path).keys(), state.keys())
        self.assertIn("Lightning", self.text)

    def test_inputs_are_never_replaced(self):
        self.out = self.folder
        path = self.save(self.state(), "model.safetensors.pt")
        os.link(path, self.path("model.safetensors"))
        for force in ((), ("--force",)):
            self.assertIn("found the input file",
                          self.refuses(path, *force, status=2))
        self.save(self.state(), "hf/pytorch_model.bin")
        config = self.write("hf/config.json", '{"model_type": "gpt2"}')
        self.out = self.path("hf")
        for source in (self.out, self.path("hf/pytorch_model.bin")):
            self.assertIn("config.json: found the input file",
                          self.refuses(source, "--force", status=2))
        with open(config) as file:
            self.assertEqual(file.read(), '{"model_type": "gpt2"}')

    def test_types(self):
        state = {"w": torch.randn(4).bfloat16(), "n": torch.tensor(3)}
        path = self.save(state)
        for dtype, expected in (("keep", torch.bfloat16), ("f32", torch.float32),
                                ("f64", torch.float64)):
            self.out = self.path(dtype)
            found = self.converts(path, "--dtype", dtype)
            self.assertEqual(found["w"].dtype, expected)
            self.assertTrue(torch.equal(found["w"], state["w"].to(expected)))
            self.assertEqual(found["n"].dtype, torch.int64)

    def test_tied_is_written_once_and_slices_are_written_apart(self):
        weight = torch.randn(4, 3)
        found = self.converts(self.save({"wte": weight, "head": weight,
                                         "rows": weight[:2], "turned": weight.t()}))
        self.assertEqual(sorted(found), ["rows", "turned", "wte"])
        self.assertTrue(torch.equal(found["turned"], weight.t()))
        self.assertIn("head is tied to wte", self.text)

    def test_code_is_not_run(self):
        class Code:
            def __reduce__(self):
                return os.mkdir, (self.folder,)

        code = Code()
        code.folder = self.path("made")
        for new in (True, False):
            path = self.save({"model": self.state(), "x": code},
                             _use_new_zipfile_serialization=new)
            self.assertIn("posix.mkdir", self.refuses(path))
            self.assertFalse(os.path.exists(code.folder))

    def test_harmless_objects_are_read(self):
        import argparse
        path = self.save({"model": self.state(), "args": argparse.Namespace(lr=1),
                          "extra": collections.OrderedDict(a=1)})
        self.assertEqual(len(self.converts(path)), 2)

    def test_other_files(self):
        for content, word in ((b"", "an empty file"), (b"GGUF....", "GGUF"),
                              (b"version https://git-lfs.github.com", "Git LFS"),
                              (b"<html>", "a web page"), (b"PK\x03\x04..", "damaged"),
                              (b"\x80\x02.", "damaged")):
            with open(self.path("f.pt"), "wb") as file:
                file.write(content)
            self.assertIn(word, self.refuses(self.path("f.pt")))
        self.assertIn("no file", self.refuses(self.path("absent.pt")))
        self.assertIn("state dict", self.refuses(self.save([1, 2])))
        self.assertIn("the keys epoch", self.refuses(self.save({"epoch": 1})))

    def test_nothing_is_replaced(self):
        path = self.save(self.state())
        self.converts(path)
        self.assertIn("--force", self.refuses(path, status=6))
        self.converts(path, "--force")
        self.out = path
        self.assertIn("model.pt", self.refuses(path, status=6))

    def test_output_that_cannot_be_written(self):
        path = self.save(self.state())
        self.write("file", "")
        self.out = self.path("file", "below")
        self.assertIn("file", self.refuses(path, status=6))

    def test_command_line(self):
        self.assertIn("--dtype", self.refuses("x", "--dtype", "f8", status=2))

    def test_tensors_without_plain_numbers(self):
        for value, word in ((torch.eye(2).to_sparse(), "sparse"),
                            (torch.ones(2, device="meta"), "on no device"),
                            (torch.ones(2, dtype=torch.complex64), "complex")):
            self.assertIn(word, self.refuses(self.save({"w": value})))

    def test_config_is_copied(self):
        config = self.write("c.json", '{"model_type": "gpt2"}')
        self.converts(self.save(self.state()), "--config", config)
        self.assertEqual(self.config(), {"model_type": "gpt2"})
        self.assertNotIn("give --config", self.text)


@needs("torch", "safetensors")
class Folders(Convert):
    def test_one_file(self):
        self.write("hf/config.json", '{"model_type": "bert"}')
        self.save({"w": torch.ones(2)}, "hf/pytorch_model.bin")
        for path in ("hf", "hf/pytorch_model.bin"):
            self.out = self.path("out", str(len(path)))
            self.assertEqual(list(self.converts(self.path(path))), ["w"])
            self.assertEqual(self.config(), {"model_type": "bert"})

    def test_shards(self):
        index = {"weight_map": {"a": "m-1.bin", "b": "m-2.bin"}}
        self.write("hf/pytorch_model.bin.index.json", json.dumps(index))
        self.save({"a": torch.ones(2)}, "hf/m-1.bin")
        self.save({"c": torch.ones(2)}, "hf/m-2.bin")
        self.assertIn("without b", self.refuses(self.path("hf")))
        self.save({"b": torch.ones(3)}, "hf/m-2.bin")
        self.assertEqual(sorted(self.converts(self.path("hf"))), ["a", "b"])

    def test_safetensors_are_refused(self):
        self.write("hf/model.safetensors", "")
        self.assertIn("hesse reads this as it is", self.refuses(self.path("hf")))
        self.assertIn("hesse reads this as it is",
                      self.refuses(self.path("hf/model.safetensors")))

    def test_empty_folder(self):
        os.mkdir(self.path("empty"))
        self.assertIn("pytorch_model.bin", self.refuses(self.path("empty")))


@needs("torch", "safetensors")
class NanoGPT(Convert):
    def train(self, compiled=False, bias=False, steps=3):
        sizes = {**train_nanogpt.SIZES, "bias": bias}
        tokens = np.random.default_rng(0).integers(64, size=500)
        self.model, self.adam = train_nanogpt.train(sizes, tokens, steps)
        train_nanogpt.save(self.path("ckpt.pt"), self.model, self.adam, sizes, steps,
                           compiled)
        return self.path("ckpt.pt")

    def moments(self):
        return read(os.path.join(self.out, "optimiser.safetensors"))

    def check_moments(self, prefix="", adam=None):
        found = self.moments()
        names = {id(p): n for n, p in self.model.named_parameters()}
        states = (adam or self.adam).state
        self.assertEqual(len(found), 3 * len(names))
        for parameter, state in states.items():
            name = prefix + names[id(parameter)]
            for kind in ("exp_avg", "exp_avg_sq"):
                self.assertTrue(torch.equal(found[f"{name}.{kind}"], state[kind]))
            self.assertEqual(found[f"{name}.step"].item(), state["step"].item())

    def test_checkpoint(self):
        for compiled in (False, True):
            for bias in (False, True):
                self.out = self.path(f"out{compiled}{bias}")
                prefix = "_orig_mod." if compiled else ""
                found = self.converts(self.train(compiled, bias))
                names = [prefix + name for name, _ in self.model.named_parameters()]
                self.assertEqual(sorted(found), sorted(names))
                self.assertEqual(self.config(), {
                    "model_type": "gpt2", "block_size": 16, "vocab_size": 64,
                    "n_layer": 2, "n_head": 2, "n_embd": 16, "bias": bias})
                self.check_moments(prefix)

    def replace(self, change):
        """Save a checkpoint whose content is changed by a function."""
        content = torch.load(self.train(), weights_only=True)
        change(content)
        torch.save(content, self.path("ckpt.pt"))
        return self.path("ckpt.pt")

    def test_group_in_the_order_of_parameters(self):
        self.train()
        adam = torch.optim.AdamW(self.model.parameters())
        for parameter in self.model.parameters():
            parameter.grad = torch.randn_like(parameter)
        adam.step()
        self.converts(self.save({"model": self.model.state_dict(),
                                 "optimizer": adam.state_dict()}))
        self.check_moments(adam=adam)

    def test_states_that_do_not_fit_are_not_written(self):
        def swap(content):
            groups = content["optimizer"]["param_groups"]
            groups[0]["params"].reverse()

        def drop(content):
            content["optimizer"]["param_groups"].pop()
            content["optimizer"]["state"] = {
                i: s for i, s in content["optimizer"]["state"].items() if i < 10}

        for change in (swap, drop):
            self.out = self.path(change.__name__)
            self.converts(self.replace(change))
            self.assertIn("not written: found groups of", self.text)
            self.assertEqual(sorted(os.listdir(self.out)),
                             ["config.json", "model.safetensors"])

    def test_several_orders_are_refused(self):
        # All parameters have one shape, so both rules fit and give other names.
        state = {"a.bias": torch.zeros(2), "b.weight": torch.zeros(2)}
        one = {"exp_avg": torch.zeros(2), "exp_avg_sq": torch.zeros(2), "step": 1}
        groups = [{"params": [0]}, {"params": [1]}]
        path = self.save({"model": state, "optimizer": {"state": {0: one, 1: one},
                                                        "param_groups": groups}})
        self.converts(path)
        self.assertIn("fit several orders", self.text)

    def test_stored_names_win(self):
        self.train()
        named = list(self.model.named_parameters())[::-1]
        adam = torch.optim.SGD(named, momentum=0.9)
        for _, parameter in named:
            parameter.grad = torch.randn_like(parameter)
        adam.step()
        model = {"_orig_mod." + n: v for n, v in self.model.state_dict().items()}
        self.converts(self.save({"model": model, "optimizer": adam.state_dict()}))
        found = self.moments()
        for name, parameter in named:
            self.assertTrue(torch.equal(found[f"_orig_mod.{name}.momentum_buffer"],
                                        adam.state[parameter]["momentum_buffer"]))

    def test_optimiser_of_its_own(self):
        path = self.train()
        state = self.save(self.adam.state_dict(), "optimizer.pt")
        model = self.save(self.model.state_dict(), "bare.pt")
        self.converts(model, "--optimiser", state)
        self.check_moments()
        self.converts(model, "--force")
        self.assertNotIn("optimiser.safetensors", os.listdir(self.out))
        self.out = self.path("second")
        bad = self.save({"state": {}, "param_groups": []}, "bad.pt")
        self.assertIn("an empty state", self.refuses(path, "--optimiser", bad))
        self.assertFalse(os.path.exists(self.out))


@needs("torch", "safetensors", "transformers")
class Trainer(Convert):
    def test_optimiser_of_trainer(self):
        """Both kinds of model file, with the groups that Trainer makes."""
        import transformers
        from transformers.trainer_pt_utils import get_parameter_names

        config = transformers.GPT2Config(n_layer=11, n_head=2, n_embd=8, vocab_size=11,
                                         n_positions=6)
        model = transformers.GPT2LMHeadModel(config)
        decay = get_parameter_names(model, [torch.nn.LayerNorm], ["bias"])
        adam = torch.optim.AdamW([
            {"params": [p for n, p in model.named_parameters() if n in decay]},
            {"params": [p for n, p in model.named_parameters() if n not in decay]}])
        for parameter in model.parameters():
            parameter.grad = torch.randn_like(parameter)
        adam.step()
        state = self.save(adam.state_dict(), "optimizer.pt")
        model.save_pretrained(self.path("new"))
        model.config.save_pretrained(self.path("old"))
        self.save(model.state_dict(), "old/pytorch_model.bin")
        for folder in ("new", "old"):
            self.out = self.path("out-" + folder)
            self.succeeds(CONVERT, self.path(folder), "--optimiser", state, "-o",
                          self.out)
            found = read(os.path.join(self.out, "optimiser.safetensors"))
            for name, parameter in model.named_parameters():
                self.assertTrue(torch.equal(found[name + ".exp_avg"],
                                            adam.state[parameter]["exp_avg"]), name)
        self.assertFalse(os.path.exists(self.path("out-new", "model.safetensors")))


@needs("torch", "safetensors")
class LlmC(Convert):
    SIZES = (8, 5, 2, 2, 4, 8)  # maxT, V, L, NH, C, padded V

    def write_model(self, version):
        context, vocabulary, layers, _, c, padded = self.SIZES
        shapes = [(padded, c), (context, c), (layers, c), (layers, c),
                  (layers, 3 * c, c), (layers, 3 * c), (layers, c, c), (layers, c),
                  (layers, c), (layers, c), (layers, 4 * c, c), (layers, 4 * c),
                  (layers, c, 4 * c), (layers, c), (c,), (c,)]
        header = np.zeros(256, "<i4")
        header[:8] = (20240326, version) + self.SIZES
        self.arrays = [torch.randn(shape) * 0.3 for shape in shapes]
        dtype = torch.bfloat16 if version == 5 else torch.float32
        self.arrays = [array.to(dtype) for array in self.arrays]
        with open(self.path("model.bin"), "wb") as file:
            file.write(header.tobytes())
            for array in self.arrays:
                file.write(array.contiguous().view(torch.uint8).numpy().tobytes())
        return self.path("model.bin")

    def test_model(self):
        for version in (3, 5):
            self.out = self.path(f"v{version}")
            found = self.converts(self.write_model(version))
            self.assertEqual(len(found), 2 + 12 * 2 + 2)
            a = self.arrays
            expected = {"wte.weight": a[0][:5], "wpe.weight": a[1],
                        "h.1.ln_1.bias": a[3][1], "h.0.attn.c_attn.weight": a[4][0],
                        "h.1.attn.c_proj.weight": a[6][1],
                        "h.0.mlp.c_fc.bias": a[11][0],
                        "h.1.mlp.c_proj.weight": a[12][1], "ln_f.bias": a[15]}
            for name, value in expected.items():
                self.assertTrue(torch.equal(found["transformer." + name], value), name)
            self.assertEqual(self.config()["vocab_size"], 5)
            self.assertEqual(self.config()["activation_function"], "gelu_new")

    def test_damaged(self):
        path = self.write_model(3)
        with open(path, "rb") as file:
            content = file.read()
        for damaged, word in ((content[:-4], "bytes"), (content[:100], "header"),
                              (content[:4] + b"\x01" + content[5:], "version 1")):
            with open(path, "wb") as file:
                file.write(damaged)
            self.assertIn(word, self.refuses(path))

    @unittest.skipUnless(HESSE, "skipped: HESSE names no program")
    @needs("h5py", "transformers")
    def test_loss_of_hesse(self):
        """hesse and Hugging Face's GPT-2, an independent model, have the same loss."""
        import transformers

        found = self.converts(self.write_model(3))
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**self.config()))
        state = {name: value.t() if ".c_" in name and value.dim() == 2 else value
                 for name, value in found.items()}
        model.load_state_dict(state, strict=False)
        tokens = np.random.default_rng(1).integers(5, size=33)
        np.save(self.path("t.npy"), tokens)
        rows = torch.stack([torch.tensor(tokens[i:i + 9]) for i in (0, 8, 16, 24)])
        loss = mean_loss(model, rows)
        self.assertAlmostEqual(run_hesse(self, self.out, "t.npy", 4) / loss, 1,
                               delta=1e-9)


@needs("torch", "safetensors", "transformers", "yaml")
class NeoX(Convert):
    def model(self, parallel, tied=False):
        import transformers

        model = transformers.GPTNeoXForCausalLM(transformers.GPTNeoXConfig(
            vocab_size=12, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=10, rotary_pct=0.5,
            use_parallel_residual=parallel, tie_word_embeddings=tied))
        for value in model.parameters():
            torch.nn.init.normal_(value, std=0.1)
        return model

    def write_folder(self, model, ranks, names=("dense_h_to_4h", "dense_4h_to_h")):
        """Cut a model of transformers as GPT-NeoX does."""
        config, state = model.config, model.state_dict()
        os.makedirs(self.path("neox", "configs"))
        for rank in range(ranks):
            layers = {0: {"word_embeddings.weight": state["gpt_neox.embed_in.weight"]
                          .chunk(ranks)[rank]}}
            for n in range(config.num_hidden_layers):
                layers[n + 2] = self.cut(state, n, rank, ranks, config, names)
            layers[n + 4] = {"norm." + w: state["gpt_neox.final_layer_norm." + w]
                             for w in ("weight", "bias")}
            if not config.tie_word_embeddings:
                layers[n + 5] = {"final_linear.weight": model.lm_head.weight
                                 .chunk(ranks)[rank]}
            for layer, content in layers.items():
                self.save({k: v.clone() for k, v in content.items()},
                          f"neox/layer_{layer:02}-model_{rank:02}-model_states.pt")
        self.write("neox/configs/a.yml", json.dumps({
            "num-layers": 2, "hidden-size": 8, "num-attention-heads": 2,
            "max-position-embeddings": 10, "rotary-pct": 0.5, "pos-emb": "rotary",
            "gpt-j-residual": config.use_parallel_residual,
            "no-weight-tying": not config.tie_word_embeddings}))
        return self.path("neox")

    def cut(self, state, n, rank, ranks, config, names):
        prefix, layer = f"gpt_neox.layers.{n}.", {}
        for full, value in state.items():
            if not full.startswith(prefix):
                continue
            name = full[len(prefix):]
            if "query_key_value" in name or "dense_h_to_4h" in name:
                value = value.chunk(ranks)[rank]
            elif name in ("attention.dense.weight", "mlp.dense_4h_to_h.weight"):
                value = value.chunk(ranks, dim=1)[rank]
            elif name.endswith("dense.bias") or name.endswith("4h_to_h.bias"):
                if config.use_parallel_residual:
                    value = value * (0.25, 0.75)[rank] if ranks == 2 else value
            name = name.replace("dense_h_to_4h", names[0])
            layer[name.replace("dense_4h_to_h", names[1])] = value
        layer["attention.rotary_emb.inv_freq"] = torch.ones(1)
        return layer

    def check(self, model, found):
        """Hugging Face reads the folder and gets the model that was cut."""
        import transformers

        names = {name.replace("lm_head", "embed_out")
                 for name, _ in model.named_parameters()}
        self.assertEqual(set(found), names)
        again = transformers.GPTNeoXForCausalLM.from_pretrained(self.out).double()
        ids = torch.arange(10)[None]
        for key in ("use_parallel_residual", "hidden_act", "layer_norm_eps"):
            self.assertEqual(getattr(again.config, key), getattr(model.config, key))
        difference = again(ids).logits - model.double()(ids).logits
        self.assertLess(difference.abs().max().item(), 1e-6)
        self.assertGreater(model(ids).logits.abs().max().item(), 1e-2)

    def test_shards(self):
        import shutil
        for parallel in (True, False):
            for ranks in (1, 2):
                for tied in (True, False):
                    self.out = self.path(f"out{parallel}{ranks}{tied}")
                    model = self.model(parallel, tied)
                    self.check(model, self.converts(self.write_folder(model, ranks)))
                    shutil.rmtree(self.path("neox"))

    def test_new_names(self):
        model = self.model(True)
        self.check(model, self.converts(
            self.write_folder(model, 2, ("linear1", "linear2"))))

    def test_missing(self):
        folder = self.write_folder(self.model(True), 2)
        os.remove(self.path("neox/layer_02-model_01-model_states.pt"))
        self.assertIn("of layer 2, expected 0 to 1", self.refuses(folder))
        os.remove(self.path("neox/layer_02-model_00-model_states.pt"))
        self.assertIn("found 1 for num_layers", self.refuses(folder))

    def test_settings(self):
        folder = self.write_folder(self.model(True), 2)
        settings = self.path("a.yml")
        os.rename(self.path("neox/configs/a.yml"), settings)
        self.assertIn("--config", self.refuses(folder))
        self.converts(folder, "--config", settings)
        self.assertEqual(self.config()["num_hidden_layers"], 2)
        with open(settings) as file:
            wrong = file.read().replace('"num-layers": 2', '"num-layers": 3')
        self.write("b.yml", wrong)
        self.assertIn("found 2 for num_layers", self.refuses(
            folder, "--config", self.path("b.yml"), "--force"))

    def change(self, **new):
        path = self.path("neox/configs/a.yml")
        with open(path) as file:
            settings = {**json.load(file), **new}
        self.write(path, json.dumps(settings))

    def test_settings_that_change_the_model(self):
        folder = self.write_folder(self.model(True), 1)
        for name, value in (("norm", "rmsnorm"), ("activation", "geglu"),
                            ("use-mup", True), ("gpt-j-tied", True),
                            ("pos-emb", "alibi"), ("no-weight-tying", False),
                            ("attention-config", [[["global", "local"], 1]])):
            with open(self.path("neox/configs/a.yml")) as file:
                before = file.read()
            self.change(**{name: value})
            self.refuses(folder)
            self.write("neox/configs/a.yml", before)
        self.change(**{"attention-config": [[["flash"], 2]], "bias-gelu-fusion": True})
        self.converts(folder)
        self.assertEqual(self.config()["hidden_act"], "gelu_new")
        self.write("neox/configs/b.yml", '{"num_layers": 3}')
        self.assertIn("another value of 'num_layers'", self.refuses(folder, "--force"))

    def test_shapes(self):
        """Heads in groups and unknown tensors are refused."""
        folder = self.write_folder(self.model(True), 1)
        path = self.path("neox/layer_02-model_00-model_states.pt")
        layer = torch.load(path)
        name = "attention.query_key_value.weight"
        torch.save({**layer, name: layer[name][:16]}, path)
        self.assertIn("shape [16, 8]", self.refuses(folder))
        torch.save({**layer, "attention.gate.weight": torch.ones(8)}, path)
        self.assertIn("attention.gate.weight", self.refuses(folder))
        del layer["mlp.dense_4h_to_h.bias"]
        torch.save(layer, path)
        self.assertIn("no tensor", self.refuses(folder))

    def test_biases_of_ranks(self):
        """Without a parallel residual the biases of all ranks must be copies."""
        folder = self.write_folder(self.model(False), 2)
        path = self.path("neox/layer_02-model_01-model_states.pt")
        layer = torch.load(path)
        layer["attention.dense.bias"] *= 1.001
        torch.save(layer, path)
        self.converts(folder)
        layer["attention.dense.bias"] *= 1.1
        torch.save(layer, path)
        self.assertIn("copies of one bias", self.refuses(folder, "--force"))

    @unittest.skipUnless(HESSE, "skipped: HESSE names no program")
    @needs("h5py")
    def test_loss_of_hesse(self):
        model = self.model(True)
        self.converts(self.write_folder(model, 2))
        tokens = np.random.default_rng(1).integers(12, size=41)
        np.save(self.path("t.npy"), tokens)
        rows = torch.stack([torch.tensor(tokens[i:i + 11]) for i in (0, 10, 20, 30)])
        loss = mean_loss(model, rows)
        found = run_hesse(self, self.out, "t.npy", 4, "gpt_neox", "*final_layer_norm*")
        self.assertAlmostEqual(found / loss, 1, delta=1e-9)

    def test_one_rank_needs_no_settings(self):
        folder = self.write_folder(self.model(True), 1)
        os.remove(self.path("neox/configs/a.yml"))
        self.converts(folder)
        self.assertIn("give --config", self.text)


def run_hesse(case, model, tokens, sequences, family="gpt2", block="*ln_f*"):
    """Run hesse on a converted model and return the loss in its result file."""
    import h5py

    job = case.write("job.yaml", f"""
model: {{family: {family}, config: {model}/config.json, checkpoint: {model}}}
data: {{tokens: {tokens}, sequences: {sequences}}}
hessian: {{scope: blocks, only: ["{block}"]}}
output: {{file: result.h5}}
""")
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1",
                   "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = subprocess.run([HESSE, "run", job], capture_output=True, text=True,
                          timeout=120, env=environment)
    case.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    with h5py.File(case.path("result.h5")) as file:
        return float(file.attrs["loss"])


@unittest.skipUnless(HESSE, "skipped: HESSE names no program")
@needs("torch", "safetensors", "tokenizers", "h5py")
class EndToEnd(Convert):
    def test_text_to_hessian(self):
        """Train, convert and tokenise; then hesse has the loss of torch."""
        from test_tokenize import train_tokenizer

        text = "the cat sat on the mat and the dog sat on the cat\n" * 60
        corpus = self.write("corpus.txt", text)
        train_tokenizer([text], self.path("tokenizer.json"), 100)
        self.succeeds("hesse-tokenize", corpus, "--tokenizer",
                      self.path("tokenizer.json"), "-o", self.path("corpus.bin"))
        with open(self.path("corpus.bin.json")) as file:
            vocabulary = json.load(file)["vocabulary"]
        for bias in (False, True):
            self.out = self.path(f"out{bias}")
            subprocess.run([sys.executable, os.path.join(HERE, "train_nanogpt.py"),
                            self.path("ckpt.pt"), "--tokens", self.path("corpus.bin"),
                            "--vocabulary", str(vocabulary), "--compiled"]
                           + ["--bias"] * bias, check=True, timeout=120)
            found = self.converts(self.path("ckpt.pt"))
            loss = self.loss(found, vocabulary, bias)
            if os.path.exists(self.path("result.h5")):
                os.remove(self.path("result.h5"))
            value = run_hesse(self, self.out, "corpus.bin", 4)
            self.assertLess(abs(value / loss - 1), 1e-9)

    def loss(self, tensors, vocabulary, bias):
        sizes = {**train_nanogpt.SIZES, "vocab_size": vocabulary, "bias": bias}
        model = train_nanogpt.GPT(**sizes).double()
        model.load_state_dict({name.replace("_orig_mod.", ""): value
                               for name, value in tensors.items()}, strict=False)
        tokens = np.fromfile(self.path("corpus.bin"), "<u2").astype(np.int64)
        with torch.no_grad():
            return model(*train_nanogpt.windows(tokens, range(0, 64, 16), 16)).item()


if __name__ == "__main__":
    unittest.main()
