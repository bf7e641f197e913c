"""The command hesse-export: a PyTorch module becomes a graph that hesse reads."""
import contextlib
import copy
import importlib
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile

from ..common import INPUT, OUTPUT, USAGE, Failure, Outputs, Parser, need, run
from ..program import find_program

PROG = "hesse export"
WORDS = {"cross_entropy": "cross_entropy", "mse": "mse_loss",
         "squared_error": "mse_loss", "bce": "binary_cross_entropy_with_logits",
         "binary_cross_entropy": "binary_cross_entropy_with_logits"}
SMALL = 300  # parameters of a network whose products are those of its dense Hessian
LOSS, GRADIENT, PRODUCT = 1e-10, 1e-8, 1e-7  # the largest relative errors


def parse(arguments):
    parser = Parser(prog=PROG, description="Write a PyTorch module, its loss and its "
                    "examples as a graph, a checkpoint and data that hesse reads.")
    parser.add_argument("module", metavar="MODULE_OR_SCRIPT", help="a Python file that "
                        "defines module and example (and loss, target), or "
                        "PACKAGE.FILE:NAME of a module or of a function that makes one")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True,
                        help="the folder that the files are written to")
    parser.add_argument("--example", metavar="FILE", help="the inputs of all examples: "
                        ".npy, .npz (names of arguments) or .pt")
    parser.add_argument("--target", metavar="FILE", help="what the loss compares the "
                        "outputs with: .npy or .pt")
    parser.add_argument("--loss", help="cross_entropy, mse, bce, or PACKAGE.FILE:NAME "
                        "of a function of output and target; without it, the module "
                        "returns its loss")
    parser.add_argument("--hesse", metavar="FILE", help="the program hesse, which "
                        "computes the same numbers before the files are written "
                        "(default: the one that the variable HESSE names, or beside "
                        "this package, or on the PATH, if any)")
    parser.add_argument("--force", action="store_true",
                        help="replace files in the folder")
    return parser.parse_args(arguments)


def main(arguments=None):
    return run(PROG, lambda given: command(parse(given)), arguments)


def command(options):
    need("torch", options.module), need("safetensors", options.module)
    found = from_script(options.module) if options.module.endswith(".py") else \
        {"module": named(options.module)}
    if options.example:
        found["example"] = from_file(options.example)
    if options.target:
        found["target"] = from_file(options.target)
    if options.loss:
        found["loss"] = named(options.loss) if ":" in options.loss else options.loss
    if "example" not in found:
        raise Failure(USAGE, f"{options.module}: found no example, expected --example "
                             "or a variable of this name in the script")
    return export(found["module"], found["example"], loss=found.get("loss"),
                  target=found.get("target"), folder=options.output,
                  hesse=options.hesse, force=options.force,
                  inputs=[f for f in (options.module, options.example, options.target)
                          if f and os.path.exists(f)])


def from_script(path):
    if not os.path.isfile(path):
        raise Failure(INPUT, f"{path}: found no file of this name")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        names = runpy.run_path(path)
    except Exception as error:
        raise Failure(INPUT, f"{path}: found the error '{type(error).__name__}: "
                             f"{error}', expected a script that runs") from None
    if "module" not in names:
        raise Failure(INPUT, f"{path}: found no variable module, expected the "
                             "torch.nn.Module that is exported")
    return {key: names[key] for key in ("module", "example", "loss", "target")
            if names.get(key) is not None}


def named(name):
    """Return what PACKAGE.FILE:NAME names; a function is called by the caller."""
    place, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        value = importlib.import_module(place)
        for part in attribute.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise Failure(INPUT, f"{name}: {error}, expected PACKAGE.FILE:NAME") from None
    return value


def from_file(path):
    import numpy
    import torch
    try:
        if path.endswith(".npz"):
            with numpy.load(path) as file:
                return {name: torch.from_numpy(file[name]) for name in file.files}
        if path.endswith(".npy"):
            return torch.from_numpy(numpy.load(path))
        return torch.load(path, weights_only=True)
    except Exception as error:
        raise Failure(INPUT, f"{path}: found '{error}', expected a file of arrays "
                             "(.npy, .npz or .pt)") from None


def export(module, example, loss=None, target=None, folder=None, hesse=None,
           force=False, inputs=()):
    """Write a module as graph.json, model.safetensors, data and job.yaml.

    module:  a torch.nn.Module.
    example: its inputs, for all examples: a tensor, a tuple of arguments or a dict of
             named arguments. The first dimension of every tensor counts the examples.
    loss:    None (the module returns its loss, or an object with .loss), a word of
             WORDS, or a function of the output and the target.
    target:  what the loss compares with; its first dimension counts the examples, too.
    folder:  the folder that is written.
    hesse:   the program that must compute the same numbers; None: the one that is found.

    Returns a summary of one line. Raises Failure if the module cannot be exported, and
    then writes nothing.
    """
    import torch
    from .graph_builder import Refused
    if isinstance(module, type) or not isinstance(module, torch.nn.Module):
        if not callable(module):
            raise Failure(INPUT, f"found a {type(module).__name__}, expected a "
                                 "torch.nn.Module")
        module = module()
    if not isinstance(module, torch.nn.Module):
        raise Failure(INPUT, f"found a {type(module).__name__}, expected a "
                             "torch.nn.Module")
    outputs = Outputs(force, list(inputs))
    if folder is not None:
        for name in FILES:
            outputs.check(os.path.join(folder, name))
    with settings(torch):
        try:
            made = Export(module, example, loss, target)
            made.check()
        except Refused as refused:
            raise Failure(INPUT, f"{type(module).__name__}: {refused}") from None
        if folder is None:
            return made
        program = find_program(hesse)
        with tempfile.TemporaryDirectory(prefix="hesse-export-") as place:
            made.write(place)
            compared = made.check_program(program, place) if program else \
                "the program hesse was not found, so only PyTorch compared the numbers"
            with outputs:
                for name in FILES:
                    source = os.path.join(place, name)
                    if os.path.exists(source):
                        outputs.write(os.path.join(folder, name),
                                      lambda path, s=source: shutil.copyfile(s, path))
                outputs.commit()
        for name in FILES:  # files of an earlier export that --force replaces
            if not os.path.exists(os.path.join(folder, name)):
                continue
            if name not in made.files:
                os.remove(os.path.join(folder, name))
    return made.summary(folder, compared)


FILES = ("graph.json", "model.safetensors", "inputs.npy", "types.npy", "labels.npy",
         "targets.npy", "job.yaml")


@contextlib.contextmanager
def settings(torch):
    """Compute in double precision, and without kernels that lack derivatives."""
    kind, fast = torch.get_default_dtype(), torch.backends.mha.get_fastpath_enabled()
    weight_norm = torch._weight_norm
    limit = sys.getrecursionlimit()
    torch.set_default_dtype(torch.float64)
    torch.backends.mha.set_fastpath_enabled(False)
    torch._weight_norm = normed_weight
    sys.setrecursionlimit(max(limit, 100000))
    from torch.nn.attention import SDPBackend, sdpa_kernel
    try:
        with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
            yield
    finally:
        torch.set_default_dtype(kind)
        torch.backends.mha.set_fastpath_enabled(fast)
        torch._weight_norm = weight_norm
        sys.setrecursionlimit(limit)


def normed_weight(v, g, dim=0):
    """Stand in for torch._weight_norm, whose second derivatives in v are wrong in PyTorch
    2.13: they differ from differences of the gradient by 70 % of their length."""
    axes = [i for i in range(v.ndim) if dim == -1 or i != dim % v.ndim]
    return v * (g / v.square().sum(axes, keepdim=True).sqrt())


def deep(function):
    """Call a function with a stack that is deep enough for long programs."""
    import threading
    raised = []

    def call():
        try:
            function()
        except BaseException as error:
            raised.append(error)
    size = threading.stack_size(512 << 20)
    thread = threading.Thread(target=call)
    thread.start()
    threading.stack_size(size)
    thread.join()
    if raised:
        raise raised[0]


class Export:
    """A module on its way to a folder."""

    def __init__(self, module, example, loss, target):
        import torch
        from torch.utils import _pytree
        self.module = prepared(module)
        self.names = names_of(self.module)
        args, kwargs = arranged(example)
        if hasattr(getattr(self.module, "config", None), "use_cache"):
            self.module.config.use_cache = False
        leaves, self.spec = _pytree.tree_flatten((args, kwargs, target))
        self.leaves = [as_double(leaf) for leaf in leaves]
        self.count = count_of(self.leaves)
        self.wrapped = wrapped(self.module, loss)
        self.widen()
        self.program = self.exported()
        deep(self.lower)

    def slice(self, first, count):
        """Return the arguments of the wrapped module for some examples."""
        import torch
        from torch.utils import _pytree
        return _pytree.tree_unflatten([
            leaf[first:first + count] if isinstance(leaf, torch.Tensor) and leaf.ndim
            else leaf for leaf in self.leaves], self.spec)

    def widen(self):
        """Let a module that asks for single precision, and cannot mix it with double
        precision, compute in double precision throughout."""
        import torch
        try:
            with torch.no_grad():
                self.wrapped(*self.slice(0, self.count))
        except RuntimeError as error:
            self.wrapped.wide = "dtype" in str(error) or "scalar type" in str(error)
        except Exception:
            pass  # torch.export says what is wrong

    def exported(self):
        import torch
        from .graph_builder import Refused
        aten = torch.ops.aten
        try:
            with one_value_is_enough(torch):
                found = torch.export.export(self.wrapped, self.slice(0, 1), strict=False)
            table = torch.export.default_decompositions()
            for name in KEEP:
                for overload in getattr(aten, name).overloads():
                    table.pop(getattr(getattr(aten, name), overload), None)
            found = found.run_decompositions(table)
        except Exception as error:
            text = str(error).strip().split("\n")[0][:300]
            kind = type(error).__name__
            if "data-dependent" in str(error) or "GuardOnDataDependent" in kind:
                raise Refused("control flow depends on data, so one graph cannot hold "
                              f"it; compute it without the condition ({text})") from None
            raise Refused(f"torch.export cannot trace it for one example: {kind}: "
                          f"{text}") from None
        for name in found.graph_signature.buffers_to_mutate.values():
            if name.split(".")[-1] not in ("running_mean", "running_var",
                                           "num_batches_tracked"):
                raise Refused(f"the buffer {name} is changed in place, and hesse has "
                              "no state between examples; return it, or do not keep it")
        changed = getattr(found.graph_signature, "user_inputs_to_mutate", {})
        if changed:
            raise Refused("an input is changed in place, which escapes the module; "
                          "clone it first")
        if getattr(found.graph_signature, "parameters_to_mutate", {}):
            raise Refused("a parameter is changed in place")
        return found

    def lower(self):
        import torch
        from . import graph_finish, lower, lower_images  # noqa: F401 (its handlers)
        from .graph_builder import Conflict
        graph, signature = self.program.graph, self.program.graph_signature
        params = {place: self.names[name.removeprefix("module.")]
                  for place, name in signature.inputs_to_parameters.items()}
        buffers = {place: (name.removeprefix("module."), self.buffer(name))
                   for place, name in signature.inputs_to_buffers.items()}
        constants = getattr(signature, "inputs_to_lifted_tensor_constants", {})
        buffers.update({place: (name, as_double(self.program.constants[name]))
                        for place, name in constants.items()})
        own = {name: dict(self.module.named_parameters())[name]
               for name in set(self.names.values())}
        shapes = {name: tuple(one.shape) for name, one in own.items()}
        kinds = torch.export.graph_signature.InputKind
        places = [spec.arg.name for spec in signature.input_specs
                  if spec.kind == kinds.USER_INPUT]
        inputs = {spec.arg.name: None for spec in signature.input_specs}
        self.places = places
        for name, leaf in zip(places, self.leaves):
            batched = isinstance(leaf, torch.Tensor) and leaf.ndim
            inputs[name] = lower.Data([leaf[i:i + 1] for i in range(self.count)]) \
                if batched else leaf
        output = next(node for node in graph.nodes if node.op == "output")
        self.place = [spec.kind for spec in signature.output_specs].index(
            torch.export.graph_signature.OutputKind.USER_OUTPUT)
        result = output.args[0][self.place]
        self.low_precision = any(
            value in lower.LOW for node in graph.nodes if node.op == "call_function"
            for value in list(node.args) + list(node.kwargs.values())
            if isinstance(value, torch.dtype))
        spread = set()
        while True:
            try:
                low = lower.Lowering(graph, inputs, params, buffers, shapes, spread,
                                     self.names)
                low.examples = self.count
                self.reduction = lower.loss_of(low, result)
                self.data = graph_finish.finish(low)
                break
            except Conflict as conflict:
                if conflict.name in spread:
                    raise
                spread.add(conflict.name)
        self.low, self.spread = low, spread
        used = {low.b.values[v].key[0] for node in low.b.nodes for v in node.inputs
                if low.b.values[v].kind == "parameter"}
        self.unused = sorted(set(own) - used)
        self.parameters = {name: own[name] for name in own if name in used}
        self.parameters = dict(sorted(self.parameters.items(), key=lambda pair: list(
            own).index(pair[0])))
        statistics = {name: (float(one.detach().mean()),
                             float(one.detach().std(unbiased=False)))
                      for name, one in self.parameters.items()}
        first = self.data["tokens"] if self.data["inputs"] is None \
            else self.data["inputs"]
        tokens = first.shape[1]
        roles = graph_finish.give_roles(low.b)
        self.graph = graph_finish.as_json(low.b, tokens, roles, statistics)
        sliced = {value["tensor"] for value in self.graph["values"] if "slice" in value}
        self.tensors = {name: one.detach().reshape(graph_finish.stored_shape(
            tuple(one.shape), name in sliced)).contiguous().clone()
            for name, one in self.parameters.items()}
        for value in self.graph["values"]:
            for one in value.get("vectors", ()):
                self.tensors[one["tensor"]] = self.buffer(one["tensor"]).clone()

    def buffer(self, name):
        found = dict(self.module.named_buffers(remove_duplicate=False))
        name = name.removeprefix("module.")
        return as_double(found[name]).detach()

    # Checks

    def check(self):
        """Compare with PyTorch: independence, loss, gradient, products."""
        from .graph_builder import Refused
        from .graph_torch import Network
        import torch
        network = Network(self.graph, self.tensors, self.data)
        own = {name: one.detach().reshape(self.tensors[name].shape).clone()
               .requires_grad_() for name, one in self.parameters.items()}
        value = self.wrapped(*self.slice(0, self.count)).double()
        if value.numel() != 1 or not torch.isfinite(value).all():
            raise Refused(f"the loss is {value.tolist()}, expected a finite number")
        if not self.low.coupled:
            self.check_independence()
        if self.low_precision:
            near(value.item(), network.loss(own, self.reduction).item(), 1e-4,
                 "the loss (of a module that computes in part in single precision)")
            value = self.program_loss()
        mine = network.loss(own, self.reduction)
        scalar = self.graph["nodes"][-1]["operator"] == "mean_loss"
        if scalar and error(mine.item(), value.item()) > LOSS:  # it may be a sum
            total = network.loss(own, "sum")
            if error(total.item(), value.item()) <= LOSS:
                self.reduction, mine = "sum", total
        near(mine.item(), value.item(), LOSS, "the loss")
        self.loss = value.item()
        theirs = list(self.parameters.values())
        with differentiable():
            g = torch.autograd.grad(value, theirs, create_graph=True, allow_unused=True)
        g = [torch.zeros_like(p) if one is None else one for one, p in zip(g, theirs)]
        g2 = torch.autograd.grad(mine, list(own.values()), create_graph=True)
        self.gradient = torch.cat([one.detach().reshape(-1) for one in g])
        near_vectors(join(g2), self.gradient, GRADIENT, "the gradient")
        draw = torch.Generator().manual_seed(1)
        self.directions, self.products = [], []
        for _ in range(3):
            v = [torch.randn(p.shape, generator=draw) for p in theirs]
            with differentiable():
                hv = product(g, v, theirs)
            hv2 = product(g2, [one.reshape(p.shape) for one, p in zip(
                v, own.values())], list(own.values()))
            near_vectors(hv2, hv, PRODUCT, "a Hessian-vector product")
            self.directions.append(join(v)), self.products.append(hv)

    def check_independence(self):
        import torch
        from torch.utils import _pytree
        from .graph_builder import Refused
        if self.count < 2:
            return
        call = getattr(self.wrapped, "outputs", None)
        with torch.no_grad():
            both = _pytree.tree_leaves(call(*self.slice(0, self.count)))
            for i in range(self.count):
                alone = _pytree.tree_leaves(call(*self.slice(i, 1)))
                for all_, one in zip(both, alone):
                    if not isinstance(all_, torch.Tensor) or all_.ndim == 0 or \
                            len(all_) != self.count or all_.shape[1:] != one.shape[1:]:
                        continue
                    gap = (all_[i].double() - one[0].double()).abs().max() \
                        if one.numel() else 0
                    size = 1e-8 if not self.low_precision else 1e-4
                    if not gap <= size * max(1.0, float(one.double().abs().max())):
                        raise Refused("the examples of a batch are not independent: the "
                                      f"output of example {i} is another one without "
                                      "the others; of all coupled networks only batch "
                                      "normalisation in training mode is supported")

    def program_loss(self):
        """Compute the loss by the exported program in double precision."""
        import torch
        from .lower import LOW
        from .graph_builder import Refused
        if self.low.coupled:
            raise Refused("batch normalisation in training mode and numbers in single "
                          "precision cannot be checked together")
        own = dict(self.module.named_parameters())
        signature = self.program.graph_signature
        total, weights = 0.0, 0.0

        def wide(x):
            return torch.float64 if isinstance(x, torch.dtype) and x in LOW else x
        for i in range(self.count):
            env, leaves = {}, iter(self.leaves)
            for node in self.program.graph.nodes:
                if node.op == "placeholder":
                    if node.name in signature.inputs_to_parameters:
                        name = signature.inputs_to_parameters[node.name]
                        env[node] = own[self.names[name.removeprefix("module.")]]
                    elif node.name in signature.inputs_to_buffers:
                        env[node] = self.buffer(signature.inputs_to_buffers[node.name])
                    elif node.name in signature.inputs_to_lifted_tensor_constants:
                        env[node] = as_double(self.program.constants[
                            signature.inputs_to_lifted_tensor_constants[node.name]])
                    elif node.name not in self.places:
                        env[node] = None
                    else:
                        leaf = next(leaves)
                        env[node] = leaf[i:i + 1] if isinstance(
                            leaf, torch.Tensor) and leaf.ndim else leaf
                elif node.op == "call_function":
                    if "_assert" in str(node.target):
                        continue
                    args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs),
                                                         lambda n: env.get(n))
                    if node.target == torch.ops.aten.copy.default:
                        env[node] = args[1].expand(args[0].shape)
                        continue
                    env[node] = node.target(*map(wide, args), **{
                        k: wide(v) for k, v in kwargs.items()
                        if k not in ("pin_memory",)})
                elif node.op == "output":
                    result = node.args[0][self.place]
            weight = 1.0
            if self.low.labels is not None and self.reduction == "mean":
                weight = float((self.low.labels[i] >= 0).sum())
                if not weight:
                    continue
            total, weights = total + weight * env[result].reshape(()), weights + weight
        return total / weights if self.reduction == "mean" else total

    # Files

    def write(self, folder):
        import numpy
        import torch
        from safetensors.torch import save_file
        with open(os.path.join(folder, "graph.json"), "w", encoding="utf-8") as file:
            json.dump(self.graph, file)
        save_file(self.tensors, os.path.join(folder, "model.safetensors"))
        data = self.data
        inputs = data["tokens"] if data["inputs"] is None else data["inputs"]
        arrays = {"inputs": flat(inputs), "types": data["types"]}
        if data["labels"] is not None:
            labels = data["labels"]
            arrays["labels"] = labels[:, 0] if labels.shape[1] == 1 else labels
        if data["targets"] is not None:
            arrays["targets"] = flat(data["targets"])
        lines = [f"  {name}: {name}.npy" for name, one in arrays.items()
                 if one is not None]
        for name, one in arrays.items():
            if one is not None:
                numpy.save(os.path.join(folder, f"{name}.npy"), one)
        text = ("model:\n  family: graph\n  graph: graph.json\n"
                "  checkpoint: model.safetensors\ndata:\n" + "\n".join(lines) +
                f"\n  sequences: {self.count}\nhessian:\n"
                f"  reduction: {self.reduction}\n")
        with open(os.path.join(folder, "job.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        self.files = [name for name in FILES
                      if os.path.exists(os.path.join(folder, name))]

    def check_program(self, program, folder):
        """Let hesse compute loss, gradient and products, and compare them."""
        import numpy
        import torch
        from safetensors.torch import save_file
        job = os.path.join(folder, "job.yaml")
        size = int(self.gradient.numel())
        result = os.path.join(folder, "check.h5")
        extra = ["--set", "hessian.scope=full", "--output", result, "--force"]
        small = size <= SMALL
        if small:
            extra += ["--set", "output.matrices=true", "--set", "hessian.method=exact"]
        else:
            for i, v in enumerate(self.directions):
                parts = v.split([p.numel() for p in self.parameters.values()])
                save_file({name: one.reshape(self.tensors[name].shape).contiguous()
                           for (name, _), one in zip(self.parameters.items(), parts)},
                          os.path.join(folder, f"direction{i}.safetensors"))
            files = ", ".join(f'"direction{i}.safetensors"' for i in range(3))
            extra += ["--set", f"measures.directions=[{files}]",
                      "--set", "measures.parts=[hessian]", "--set", "output.products=true",
                      "--set", "hessian.partition=whole", "--set", "hessian.method=lanczos",
                      "--set", "spectrum.lanczos={steps: 1, probes: 1}"]
        done = subprocess.run([program, "run", job] + extra, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode:
            said = [line for line in done.stderr.splitlines()
                    if line.startswith("hesse")]
            raise Failure(INPUT, f"{program} cannot run the exported graph: "
                                 f"{(said or ['no message'])[-1]}")
        h5py = need("h5py", "the comparison with hesse")
        with h5py.File(result) as file:
            gap = abs(float(file.attrs["loss"]) - self.loss)
            agree(gap, max(1.0, abs(self.loss)), LOSS, "loss")
            order = self.order([name.decode() for name in file["parameters/name"][:]])
            gap = numpy.linalg.norm(file["gradient"][:] - self.gradient.numpy()[order])
            agree(gap, float(self.gradient.norm()), GRADIENT, "gradient")
            matrix = file["hessian/full"][:] if small else None
            found = None if small else file["measures/directions/hessian/product"][:]
        for i, (v, hv) in enumerate(zip(self.directions, self.products)):
            own = matrix @ v.numpy()[order] if small else found[i]
            agree(numpy.linalg.norm(own - hv.numpy()[order]), float(hv.norm()), PRODUCT,
                  "Hessian-vector product")
        return "hesse computes the same loss, gradient and Hessian-vector products"

    def order(self, names):
        """Return the places of hesse's parameters in the joined parameters."""
        import numpy
        from .graph_finish import places
        first, at = {}, 0
        for name, p in self.parameters.items():
            first[name], at = at, at + p.numel()
        values = {value["name"]: value for value in self.graph["values"]
                  if value["kind"] == "parameter"}
        found = []
        for name in names:
            value = values[name]
            shape = tuple(self.tensors[value["tensor"]].shape)
            index = first[value["tensor"]] + numpy.arange(int(numpy.prod(shape)))
            if "slice" in value:
                rows = value.get("out_rows", False)
                index = index.reshape(shape)
                own = places(value["slice"], value["rows"] if rows else value["cols"])
                index = index[own] if rows or index.ndim == 1 else index[:, own]
            found.append(index.reshape(-1))
        return numpy.concatenate(found)

    def summary(self, folder, compared):
        size = int(self.gradient.numel())
        kinds = len(self.graph["nodes"])
        text = (f"wrote {', '.join(self.files)} to {folder}: {kinds} operators, {size} "
                f"parameters, {self.count} examples, loss {self.loss:.10g}; {compared}")
        frozen = [name for name, p in self.parameters.items() if name in self.frozen()]
        if self.unused:
            text += f"; the loss does not depend on {', '.join(self.unused[:5])}" + \
                (f" and {len(self.unused) - 5} more" if len(self.unused) > 5 else "") + \
                ", which are left out"
        if frozen:
            text += (f"; {len(frozen)} parameters without requires_grad are parameters "
                     "here, too")
        if self.low_precision:
            text += ("; the module computes in part in single precision, and the graph "
                     "in double precision")
        if self.low.coupled:
            text += (f"; {self.low.coupled} normalises over the batch, which couples "
                     "the examples (module.eval() ends this)")
        return text

    def frozen(self):
        return self.module.frozen_names


KEEP = ("linear", "scaled_dot_product_attention", "cross_entropy_loss", "mse_loss",
        "binary_cross_entropy_with_logits", "gelu", "silu", "softplus", "elu",
        "leaky_relu", "hardswish", "hardsigmoid", "hardtanh", "mish", "selu", "celu",
        "log_sigmoid", "glu", "relu6", "prelu", "addcmul", "lerp", "log1p",
        "rms_norm", "native_layer_norm", "native_group_norm", "adaptive_avg_pool2d",
        "_adaptive_avg_pool2d", "adaptive_avg_pool1d", "avg_pool2d", "avg_pool1d",
        "l1_loss", "logsumexp", "matmul", "nll_loss_nd", "upsample_nearest2d", "unfold",
        "pixel_shuffle", "pixel_unshuffle", "instance_norm", "im2col", "col2im",
        "upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d",
        "upsample_trilinear3d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
        "grid_sampler_2d", "grid_sampler_3d", "unbind", "linalg_vector_norm", "binary_cross_entropy")


def prepared(module):
    """Return a copy in double precision without dropout."""
    import torch
    training = {name for name, one in module.named_modules() if one.training and
                isinstance(one, torch.nn.modules.batchnorm._BatchNorm)}
    own = copy.deepcopy(module).cpu().double().eval()
    own.frozen_names = {name for name, p in own.named_parameters()
                        if not p.requires_grad}
    for name, one in own.named_modules():
        if name in training:
            one.train()
        if isinstance(one, torch.nn.Embedding):
            one.padding_idx = None  # PyTorch leaves out derivatives of its row
        if isinstance(one, torch.nn.Embedding) and one.max_norm is not None:
            raise Failure(INPUT, f"{name}: found an embedding with max_norm, which "
                                 "changes its weight in place, expected none")
    for p in own.parameters():
        p.requires_grad_()
    compute_all_experts(own)
    return own


def compute_all_experts(module):
    """Let mixtures of experts of transformers compute every expert for every token, as a
    graph does: which experts have tokens depends on the data."""
    moe = sys.modules.get("transformers.integrations.moe")
    configs = [one.config for one in module.modules()
               if hasattr(getattr(one, "config", None), "_experts_implementation")]
    if moe is None or not hasattr(moe, "ALL_EXPERTS_FUNCTIONS") or not configs:
        return
    moe.ALL_EXPERTS_FUNCTIONS["hesse_all"] = all_experts
    for config in configs:
        config._experts_implementation_internal = "hesse_all"


def all_experts(self, hidden, index, weights):
    """Stand in for an experts function of transformers."""
    import torch
    total = torch.zeros_like(hidden)
    places = torch.arange(self.num_experts)
    weights = ((index[..., None] == places) * weights[..., None]).sum(-2)
    up = "gate_up_proj" if self.has_gate else "up_proj"

    def linear(x, name, expert):
        w = getattr(self, name)[expert]
        bias = getattr(self, name + "_bias")[expert] if self.has_bias else None
        return torch.nn.functional.linear(x, w.t() if self.is_transposed else w, bias)
    for expert in range(self.num_experts):
        x = linear(hidden, up, expert)
        x = self._apply_gate(x) if self.has_gate else self.act_fn(x)
        x = linear(x, "down_proj", expert)
        if getattr(self, "has_post_expert_norm", False):
            x = self.post_expert_norm(x)
        total = total + x * weights[:, expert, None]
    return total


def names_of(module):
    """Return the name under which each parameter is stored; tied ones have one."""
    first, names = {}, {}
    for name, p in module.named_parameters(remove_duplicate=False):
        names[name] = first.setdefault(id(p), name)
    return names


def arranged(example):
    """Return the positional and the named arguments."""
    import torch
    if isinstance(example, torch.Tensor):
        return (example,), {}
    if isinstance(example, dict):
        return (), dict(example)
    if isinstance(example, (tuple, list)):
        return tuple(example), {}
    raise Failure(INPUT, f"found an example of the type {type(example).__name__}, "
                         "expected a tensor, a tuple or a dict")


def as_double(x):
    import torch
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu().contiguous()
        return x.double() if x.dtype.is_floating_point else x
    return x


def count_of(leaves):
    import torch
    counts = {len(leaf) for leaf in leaves
              if isinstance(leaf, torch.Tensor) and leaf.ndim}
    if len(counts) != 1:
        raise Failure(INPUT, "found inputs whose first dimensions are "
                             f"{sorted(counts) or 'missing'}, expected one number of "
                             "examples")
    return counts.pop()


def wrapped(module, loss):
    import torch
    if isinstance(loss, str):
        if loss not in WORDS:
            raise Failure(USAGE, f"found the loss {loss}, expected one of "
                                 f"{', '.join(WORDS)}, or a function")
        function = getattr(torch.nn.functional, WORDS[loss])
        if loss == "cross_entropy":
            def by_token(output, target):
                if output.dim() == target.dim() + 1 and output.dim() > 2 and \
                        output.shape[:-1] == target.shape:
                    output, target = output.flatten(0, -2), target.flatten()
                return torch.nn.functional.cross_entropy(output, target)
            function = by_token
    else:
        function = loss
    if isinstance(function, torch.nn.Module):
        function = copy.deepcopy(function).double().eval()

    class Wrapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module

        def outputs(self, args, kwargs, target):
            with double_precision(torch) if self.wide else contextlib.nullcontext():
                return self.module(*args, **kwargs)

        wide = False

        def forward(self, args, kwargs, target):
            with double_precision(torch) if self.wide else contextlib.nullcontext():
                return self.computed(args, kwargs, target)

        def computed(self, args, kwargs, target):
            output = self.module(*args, **kwargs)
            if function is None:
                found = getattr(output, "loss", None)
                output = output if found is None else found
                if isinstance(output, (tuple, list)):  # (logits, loss), in any order
                    scalars = [one for one in output
                               if isinstance(one, torch.Tensor) and one.ndim == 0]
                    output = scalars if len(scalars) == 1 else output
                output = output[0] if isinstance(output, (tuple, list)) else output
            else:
                logits = getattr(output, "logits", None)
                output = output if logits is None else logits
                output = output[0] if isinstance(output, (tuple, list)) else output
                output = function(output, target) if target is not None \
                    else function(output)
            if not isinstance(output, torch.Tensor):
                raise TypeError(f"the module returns a {type(output).__name__}, expected "
                                "a tensor (give loss=)")
            return output

    return Wrapped()


def double_precision(torch):
    """Return a mode in which no function makes numbers in single precision."""
    from .lower import LOW
    names = {"float", "half", "bfloat16"}

    def wide(x):
        return torch.float64 if isinstance(x, torch.dtype) and x in LOW else x

    class Wide(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            if getattr(function, "__name__", "") in names and \
                    getattr(torch.Tensor, function.__name__, None) is function:
                return args[0].double()
            return function(*map(wide, args),
                            **{k: wide(v) for k, v in (kwargs or {}).items()})
    return Wide()


@contextlib.contextmanager
def one_value_is_enough(torch):
    """Let batch normalisation in training mode be traced with one value."""
    check = torch.nn.functional._verify_batch_size
    torch.nn.functional._verify_batch_size = lambda size: None
    try:
        yield
    finally:
        torch.nn.functional._verify_batch_size = check


def flat(x):
    """Return examples of one token without the dimension of the tokens."""
    return x[:, 0] if x.ndim == 3 and x.shape[1] == 1 else x


def join(tensors):
    import torch
    return torch.cat([one.detach().reshape(-1) for one in tensors])


def product(g, v, parameters):
    """Return the Hessian times v, from a gradient with its graph."""
    import torch
    total = sum((a * b).sum() for a, b in zip(g, v))
    if not total.requires_grad:
        return torch.zeros(sum(p.numel() for p in parameters))
    out = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
    return join([torch.zeros_like(p) if one is None else one
                 for one, p in zip(out, parameters)])


@contextlib.contextmanager
def differentiable():
    """Refuse a module that PyTorch cannot differentiate."""
    from .graph_builder import Refused
    try:
        yield
    except RuntimeError as found:
        raise Refused("PyTorch lacks derivatives of the module, with which the graph is "
                      f"compared ({str(found).splitlines()[0]}); write this function by "
                      "operators that PyTorch can differentiate twice") from None


def error(got, wanted):
    return abs(got - wanted) / max(1.0, abs(wanted))


def near(got, wanted, bound, what):
    from .graph_builder import Refused
    if not error(got, wanted) <= bound:
        raise Refused(f"the graph computes {got:.12g} for {what}, and PyTorch "
                      f"{wanted:.12g}; nothing was written")


def agree(gap, size, bound, what):
    """Fail if hesse differs from PyTorch by more than rounding."""
    if not gap <= bound * max(size, 1e-6):
        raise Failure(INPUT, f"hesse computes another {what} than PyTorch (relative "
                             f"error {gap / max(size, 1e-300):.1e}); nothing was written")


def near_vectors(got, wanted, bound, what):
    from .graph_builder import Refused
    gap = float((got - wanted).norm())
    size = float(wanted.norm())
    if not gap <= bound * max(size, 1e-6):
        raise Refused(f"{what} of the graph differs from that of PyTorch by "
                      f"{gap / max(size, 1e-300):.1e} relative to its length, as with "
                      "detach(), torch.no_grad(), or derivatives of the module's own; "
                      "nothing was written")
