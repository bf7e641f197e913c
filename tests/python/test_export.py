"""Tests of hesse-export: graphs against PyTorch's Hessian, patterns, refusals, files."""
import collections
import json
import os
import unittest

from common import HESSE, Case, needs

try:
    import torch
    from torch import nn
    import torch.nn.functional as F

    import export_modules
    import export_sources
    from hesse.common import Failure
    from hesse.exporter.export import Export, export, settings
    from hesse.exporter.graph_torch import Network
except ImportError:
    torch = None


def hessian(module, example, loss, target):
    """Return loss and Hessian by PyTorch, in the order of the parameters. They are not
    by torch.func.hessian: with the vmap of PyTorch 2.13 it gives a matrix that is not
    symmetric for modules with nn.LayerNorm."""
    module = module.double()
    names = [name for name, _ in module.named_parameters()]
    shapes = [p.shape for p in module.parameters()]
    theta = torch.cat([p.detach().reshape(-1) for p in module.parameters()])
    function = {"cross_entropy": F.cross_entropy, "mse": F.mse_loss,
                "bce": F.binary_cross_entropy_with_logits}.get(loss, loss)

    def value(theta):
        parts = theta.split([s.numel() for s in shapes])
        own = {n: x.reshape(s) for n, x, s in zip(names, parts, shapes)}
        out = torch.func.functional_call(module, own, (example.double(),))
        return function(out, target)
    with settings(torch):
        return value(theta), torch.autograd.functional.hessian(value, theta), names, \
            shapes


def operators(made):
    return collections.Counter(node["operator"] for node in made.graph["nodes"])


@needs("torch", "safetensors", "h5py", "numpy")
class Random(Case):
    def test_twenty_random_modules_have_the_hessian_of_pytorch(self):
        for seed in range(20):
            with self.subTest(seed=seed):
                module, x, loss, target = export_modules.odd(seed)
                value, h, names, shapes = hessian(module, x, loss, target)
                made = export(module, x, loss=loss, target=target)
                network = Network(made.graph, made.tensors, made.data)

                def mine(theta):
                    parts = theta.split([s.numel() for s in shapes])
                    return network.loss({n: p.reshape(made.tensors[n].shape)
                                         for n, p in zip(names, parts)
                                         if n in made.tensors})
                theta = torch.cat([p.detach().reshape(-1) for p in module.parameters()])
                self.assertLess(float(abs(mine(theta) - value)), 1e-12)
                h2 = torch.autograd.functional.hessian(mine, theta)
                self.assertLess(float((h2 - h).norm()), 1e-9 * (1 + float(h.norm())))

    def test_every_piece_has_the_products_of_pytorch(self):
        for seed in range(export_modules.MIXED):
            module, x, loss, target = export_modules.mixed(seed)
            with self.subTest(seed=seed, names=module.names):
                export(module, x, loss=loss, target=target)

    @unittest.skipIf(HESSE is None, "skipped: no HESSE")
    def test_hesse_agrees(self):
        some = [export_modules.odd(seed) for seed in range(20, 26)] + \
            [export_modules.mixed(seed) for seed in range(0, 24, 6)]
        for seed, (module, x, loss, target) in enumerate(some):
            with self.subTest(seed=seed):
                said = export(module, x, loss=loss, target=target, hesse=HESSE,
                              folder=self.path(f"odd{seed}"))
                self.assertIn("hesse computes the same loss", said)


@needs("torch", "safetensors", "h5py", "numpy")
class Patterns(Case):
    def made(self, function, x, width=4, **parameters):
        class Module(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Linear(x.shape[-1], width)
                for name, p in parameters.items():
                    setattr(self, name, nn.Parameter(p))

            def forward(self, x):
                return function(self, self.first(x)).flatten(1).sum(1, keepdim=True)
        return export(Module(), x, loss="mse", target=torch.zeros(len(x), 1))

    def test_rms_norm(self):
        def norm(self, y):
            return self.w * (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-5))
        made = self.made(norm, torch.randn(2, 3, 2), w=torch.rand(4))
        self.assertEqual(operators(made)["rmsnorm"], 1)
        made = self.made(lambda self, y: norm(self, y.unflatten(-1, (2, 2))),
                         torch.randn(2, 3, 2), w=torch.rand(2))
        self.assertEqual(operators(made)["rmsnorm_heads"], 1)

        def gemma(self, y):
            return y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-5) * \
                (1.0 + self.w)
        made = self.made(gemma, torch.randn(2, 3, 2), w=torch.rand(4))
        self.assertEqual(operators(made)["rmsnorm_one_plus"], 1)

    def test_functions_by_hand(self):
        x = torch.randn(2, 3, 2)
        made = self.made(lambda self, y: 0.5 * y * (1 + torch.tanh(
            0.7978845608028654 * (y + 0.044715 * torch.pow(y, 3)))), x)
        self.assertEqual(operators(made)["gelu_tanh"], 1)
        made = self.made(lambda self, y: y * 0.5 * (1 + torch.erf(y / 2 ** 0.5)), x)
        self.assertEqual(operators(made)["gelu"], 1)
        made = self.made(lambda self, y: y * torch.sigmoid(y), x)
        self.assertEqual(operators(made)["silu"], 1)

    def test_rotary(self):
        def turn(self, y):
            t, e = y.shape[-2:]
            angle = torch.arange(t)[:, None] * torch.tensor([1.0, 0.01])
            cos, sin = (torch.cat([f(angle), f(angle)], -1)
                        for f in (torch.cos, torch.sin))
            half = torch.cat([-y[..., e // 2:], y[..., :e // 2]], -1)
            return (y * cos + half * sin).square()
        made = self.made(turn, torch.randn(2, 3, 2))
        self.assertEqual(operators(made)["rotary"], 1)

    def attention(self, mask, causal=False):
        def attend(self, y):
            q, k, v = (z.unflatten(-1, (2, 2)).transpose(1, 2)
                       for z in y.chunk(3, -1))
            return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal)
        return self.made(attend, torch.randn(2, 4, 3), width=12)

    def test_attention(self):
        made = self.attention(None)
        self.assertEqual(operators(made), {"linear": 3, "scores": 1, "softmax": 1,
                                           "mix": 1, **rest(made)})
        roles = {v["name"].split(".")[-1]: v["role"] for v in made.graph["values"]
                 if v["kind"] == "parameter"}
        self.assertEqual(roles, {"query": "query", "key": "key", "value": "value"})
        softmax = [n for n in made.graph["nodes"] if n["operator"] == "softmax"][0]
        self.assertTrue(softmax["sizes"]["full"])
        for made in (self.attention(None, True),
                     self.attention(torch.ones(4, 4, dtype=torch.bool).tril())):
            softmax = [n for n in made.graph["nodes"] if n["operator"] == "softmax"][0]
            self.assertNotIn("full", softmax["sizes"])
        near = torch.ones(4, 4, dtype=torch.bool).tril().triu(-1)
        made = self.attention(near)
        softmax = [n for n in made.graph["nodes"] if n["operator"] == "softmax"][0]
        self.assertEqual(softmax["sizes"]["window"], 2)
        made = self.attention(torch.randn(4, 4))
        self.assertEqual(operators(made)["softmax_fields"], 1)

    def test_fast_operators_are_not_taken_for_others(self):
        x = torch.randn(2, 3, 2)
        made = self.made(lambda self, y: 0.5 * y * (1 + torch.tanh(
            0.8 * (y + 0.044715 * y ** 3))), x)
        self.assertEqual(operators(made)["gelu_tanh"], 0)
        made = self.made(lambda self, y: self.w * (y * torch.rsqrt(
            y.pow(2).mean(1, keepdim=True) + 1e-5)), x, w=torch.rand(4))
        self.assertEqual(operators(made)["rmsnorm"], 0)


@needs("torch", "safetensors", "h5py", "numpy")
class Tables(Case):
    def test_tables_keep_their_numbers(self):
        import numpy as np
        from hesse.exporter.graph_finish import table
        from hesse.exporter.graph_torch import table as read
        i, j = np.indices((12, 24))
        key, draw = j % 12, np.random.default_rng(2)
        for numbers, most in (
                (np.where(key > i, -1e308, 0.), 24), (np.where(key > 8, -1e308, 0.), 2),
                (np.where(abs(key - i) > 2, -1e308, 0.), 36),
                (np.where(key < 9, i * 9. + key, -1.), 24), (24. * i + j, 1),
                (draw.normal(size=(12, 24)), None), (np.where(j % 5, 0., -0.), None),
                (np.full((12, 24), 0.1), 1), (0.1 * j, None), (2. ** 53 + 2 * j, None)):
            found = json.loads(json.dumps(table(numbers)))
            self.assertEqual(read(found).numpy().tobytes(), numbers.tobytes())
            self.assertTrue(most is None or len(found["runs"]) <= most)

    def test_a_mask_of_many_tokens_is_small(self):
        class Own(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.Linear(1, 6)
                i, j = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
                self.register_buffer("mask", (i // 32 == j // 32) | (j < 3))

            def forward(self, x):
                q, k, v = (z.unflatten(-1, (2, 1)).transpose(1, 2)
                           for z in self.inner(x).chunk(3, -1))
                return F.scaled_dot_product_attention(q, k, v, self.mask).mean((1, 2))
        export(Own(), torch.randn(2, 128, 1), loss="mse", target=torch.zeros(2, 1),
               folder=self.path("masked"), hesse=HESSE)
        self.assertLess(os.path.getsize(self.path("masked", "graph.json")), 20000)


def rest(made):
    """Operators that do not matter in a comparison."""
    return {name: count for name, count in operators(made).items()
            if name not in ("linear", "scores", "softmax", "mix")}


@needs("torch", "safetensors", "h5py", "numpy")
class Sources(Case):
    def test_gpt(self):
        for make in (export_sources.nanogpt, export_sources.mingpt):
            module, example, _, _ = make()
            found = operators(export(module, example))
            self.assertEqual(found["softmax"], 1)
            self.assertEqual(found["cross_entropy"], 1)
            self.assertEqual(found["gelu"] + found["gelu_tanh"], 1)
            self.assertEqual(sum(found.values()), 20)

    def test_diffusion_transformer(self):
        module, example, _, _ = export_sources.dit()
        found = operators(export(module, example))
        self.assertEqual(found["softmax"], 1)
        self.assertEqual(found["layernorm_plain"], 3)
        self.assertEqual(found["mean_loss"], 1)


@needs("torch", "safetensors", "h5py", "numpy")
class Choices(Case):
    """Conditions and choices that depend on parameters; every export compares loss,
    gradient and three products with PyTorch."""

    def made(self, function):
        class Own(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.Linear(3, 4)
                self.stack = nn.Parameter(torch.randn(4, 4, 4))

            def forward(self, x):
                return function(self, self.inner(x))
        torch.manual_seed(3)
        x = torch.randn(3, 2, 3)
        return export(Own(), x, loss="mse", target=torch.randn(3, 2, 4))

    def test_conditions(self):
        zero = torch.zeros(())
        for function in (
                lambda m, y: torch.where(y.abs() < 0.5, y * y, y.abs() - 0.25),
                lambda m, y: torch.where(y > 0, y, 0.1 * y),
                lambda m, y: y * (y > 0.1) * ((y < 2) | (y >= 3)) * ~(y <= -1),
                lambda m, y: torch.sign(y) * y.sin() + y.where(y > 0, zero),
                lambda m, y: (y == y.amax(-1, keepdim=True)) * y,
                lambda m, y: y * (y > 0).any(-1, keepdim=True) +
                y * y * (y > -1).all(-1, keepdim=True),
                lambda m, y: F.softmax(y.masked_fill(
                    y < y.topk(2, -1)[0][..., -1:], -float("inf")), -1)):
            self.assertGreater(operators(self.made(function))["positive"], 0)

    def test_ranks(self):
        for function in (
                lambda m, y: torch.sort(y, -1, descending=True)[0] * torch.arange(4.),
                lambda m, y: torch.sort(y, 1)[0] * torch.arange(4.),
                lambda m, y: y.gather(-1, torch.argsort(y.sin(), -1)),
                lambda m, y: F.one_hot(y.argmax(-1), 4) * y,
                lambda m, y: y.argmin(-1, keepdim=True) * y,
                lambda m, y: torch.zeros_like(y).scatter(
                    -1, y.topk(2, -1)[1], y.topk(2, -1)[0].exp()),
                lambda m, y: y.scatter_add(-1, y.topk(2, -1)[1], y[..., :2])):
            self.assertEqual(operators(self.made(function))["rank_fields"], 1)

    def test_experts(self):
        def looked_up(m, y):
            value, at = y.softmax(-1).max(-1)
            return value[..., None] * torch.einsum("ntc,ntco->nto", y, m.stack[at])

        def all_of_them(m, y):
            value, at = torch.topk(y.softmax(-1), 2, -1)
            hot = F.one_hot(at, 4)
            return sum((hot[..., e] * value).sum(-1, keepdim=True) *
                       F.linear(y, m.stack[e]).tanh() for e in range(4))
        self.assertEqual(operators(self.made(looked_up))["rank_fields"], 1)
        made = self.made(all_of_them)
        self.assertEqual(operators(made)["linear_unbiased"], 4)
        self.assertEqual(tuple(made.tensors["stack"].shape), (16, 4))


@needs("torch", "safetensors", "h5py", "numpy")
class Refusals(Case):
    def refused(self, function, text, x=None, **more):
        class Own(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.Linear(3, 3)
                self.register_buffer("state", torch.zeros(3))

            def forward(self, x):
                return function(self, x)
        x = torch.randn(4, 3) if x is None else x
        with self.assertRaisesRegex(Failure, text):
            export(Own(), x, loss="mse", target=torch.randn(4, 3),
                   folder=self.path("out"))
        self.assertFalse(os.path.exists(self.path("out", "graph.json")))

    def test_random_numbers(self):
        self.refused(lambda m, x: m.inner(x) + torch.randn(1, 3), "randn.*random")
        self.refused(lambda m, x: F.dropout(m.inner(x), 0.5, True), "dropout.*random")

    def test_control_flow(self):
        self.refused(lambda m, x: m.inner(x) if x.sum() > 0 else x, "control flow")
        self.refused(lambda m, x: m.inner(x) * float(m.inner(x).sum()), "control flow")

    def test_in_place(self):
        def state(m, x):
            m.state.add_(1)
            return m.inner(x) + m.state
        self.refused(state, "buffer .*state is changed in place")

        def escapes(m, x):
            x.add_(1)
            return m.inner(x)
        self.refused(escapes, "input is changed in place")

    def test_no_derivative(self):
        self.refused(lambda m, x: m.inner(x).int() + m.inner(x), "integers.*derivative")

    def test_no_second_derivative_in_pytorch(self):
        self.refused(lambda m, x: F.hardsigmoid(m.inner(x)), "hardsigmoid: .*write clamp")
        self.refused(lambda m, x: torch.heaviside(m.inner(x), torch.tensor(0.5).double()),
                     "PyTorch lacks derivatives.*heaviside")
        self.refused(lambda m, x: torch.cdist(m.inner(x)[:, None], x[:, None])[:, 0] +
                     m.inner(x), "_cdist_forward.*write the norms")

        class Bag(nn.Module):
            def __init__(self):
                super().__init__()
                self.bag = nn.EmbeddingBag(5, 3)

            def forward(self, ids):
                return self.bag(ids)
        with self.assertRaisesRegex(Failure, r"bag \(EmbeddingBag\): operator "
                                    "_embedding_bag: .*use nn.Embedding"):
            export(Bag(), torch.tensor([[1, 2], [0, 3]]), loss="mse",
                   target=torch.randn(2, 3))

    def test_linear_algebra(self):
        self.refused(lambda m, x: torch.linalg.inv(
            m.inner(x)[:, :, None] * x[:, None] + torch.eye(3)) @ x[..., None],
            "linalg_inv_ex: solves or decomposes")

    def test_stopped_gradients(self):
        self.refused(lambda m, x: m.inner(x) * m.inner(x).detach(), "detach")

        def without(m, x):
            with torch.no_grad():
                y = m.inner(x)
            return y * m.inner(x)
        self.refused(without, "no_grad")

    def test_coupled_examples(self):
        self.refused(lambda m, x: m.inner(x) - m.inner(x).mean(0), "not independent")

    def test_unknown_operator_is_named_with_its_module(self):
        class Inner(nn.Module):
            def forward(self, y):
                return torch.fft.rfft(y).abs()

        class Own(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Linear(3, 4), nn.Sequential(Inner())

            def forward(self, x):
                return self.b(self.a(x))
        with self.assertRaisesRegex(Failure, r"b\.0 \(Inner\): operator "):
            export(Own(), torch.randn(2, 3), loss="mse", target=torch.randn(2, 3))

    def test_no_parameter(self):
        self.refused(lambda m, x: x, "no parameter")

    def test_labels_below_0(self):
        class Own(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.Linear(3, 5)

            def forward(self, x):
                return self.inner(x)
        with self.assertRaisesRegex(Failure, "out of bounds|labels are from -1"):
            export(Own(), torch.randn(2, 3), loss="cross_entropy",
                   target=torch.tensor([-1, 2]))

    def test_a_graph_with_another_loss_is_not_written(self):
        from hesse.exporter.graph_builder import Refused
        with settings(torch):
            made = Export(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), torch.randn(2, 3),
                          "mse", torch.randn(2, 4))
            made.check()
            for node in made.graph["nodes"]:
                if node["operator"] == "tanh":
                    node["operator"] = "sigmoid"
            with self.assertRaisesRegex(Refused, "nothing was written"):
                made.check()


@needs("torch", "safetensors", "h5py", "numpy")
@unittest.skipIf(HESSE is None, "skipped: no HESSE")
class Products(Case):
    def test_whole_products_are_compared(self):
        for width in (4, 40):  # by the dense Hessian, and without it
            module = nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 4))
            with settings(torch):
                made = Export(module, torch.randn(5, 3), "mse", torch.randn(5, 4))
                made.check()
                made.write(self.path())
                said = made.check_program(HESSE, self.path())
                self.assertIn("gradient and Hessian-vector products", said)
                # A part that is orthogonal to v does not change v' H v.
                v, hv = made.directions[1], made.products[1]
                other = torch.randn(v.shape)
                other -= v * (v @ other) / (v @ v)
                made.products[1] = hv + 1e-5 * hv.norm() / other.norm() * other
                with self.assertRaisesRegex(Failure, "another Hessian-vector product"):
                    made.check_program(HESSE, self.path())


@needs("torch", "safetensors", "h5py", "numpy")
class Command(Case):
    SCRIPT = """
import torch
from torch import nn
torch.manual_seed(0)
module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
example = torch.randn(5, 3)
loss = "cross_entropy"
target = torch.tensor([0, 1, 1, 0, -100])
"""

    def test_script(self):
        script = self.write("model.py", self.SCRIPT)
        said = self.succeeds("hesse-export", script, "-o", self.path("out"))
        self.assertIn("26 parameters", said)
        self.assertEqual(sorted(os.listdir(self.path("out"))),
                         ["graph.json", "inputs.npy", "job.yaml", "labels.npy",
                          "model.safetensors"])
        with open(self.path("out", "graph.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["format"], "hesse-graph")
        self.assertIn("graph.json: found a file", self.fails(
            6, "hesse-export", script, "-o", self.path("out")))
        self.succeeds("hesse-export", script, "-o", self.path("out"), "--force")

    def test_wrong_arguments(self):
        self.assertIn("no file of this name", self.fails(
            3, "hesse-export", self.path("none.py"), "-o", self.path("out")))
        script = self.write("empty.py", "x = 1\n")
        self.assertIn("no variable module", self.fails(
            3, "hesse-export", script, "-o", self.path("out")))
        script = self.write("bad.py", "1 / 0\n")
        self.assertIn("ZeroDivisionError", self.fails(
            3, "hesse-export", script, "-o", self.path("out")))
        script = self.write("m.py", "import torch\nmodule = torch.nn.Linear(2, 2)\n")
        self.assertIn("found no example", self.fails(
            2, "hesse-export", script, "-o", self.path("out")))


if __name__ == "__main__":
    unittest.main()
