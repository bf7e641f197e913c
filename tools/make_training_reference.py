#!/usr/bin/env python3
"""Train a small GPT-2 with PyTorch's optimisers, in double precision.

    make_training_reference.py [--check HESSE]

Without an option it writes tests/train/reference.json: for every case the keys of the section
`train`, the loss of every step, and entries of the parameters after the last one. The network,
the examples and their order are those of tests/reference/gpt2: batches of two examples, in
order, counted round.

With --check it runs `HESSE train` for every case instead, also on two ranks, and compares all
parameters, the optimiser's state and the losses.

torch.optim has every optimiser but two. `sign` is sgd with the sign of its step. For `muon` the
iteration of torch.optim.Muon runs in double precision, and AdamW takes all parameters but the
matrices of the layers. Adam-mini is written here after its authors' release 1.1.1, by heads,
output neurons and tokens.

Needs numpy, torch, transformers and safetensors. The committed values were made with PyTorch
2.13.0.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import GPT2Config, GPT2LMHeadModel

torch.set_default_dtype(torch.float64)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.join(ROOT, "tests", "reference", "gpt2")
STEPS, BATCH = 20, 2

CASES = {
    "gd": {"optimiser": "gd", "learning_rate": 0.3},
    "gd_momentum": {"optimiser": "gd", "learning_rate": 0.1, "momentum": 0.9,
                    "weight_decay": 0.01},
    "sgd": {"optimiser": "sgd", "learning_rate": 0.1},
    "sgd_nesterov": {"optimiser": "sgd", "learning_rate": 0.05, "momentum": 0.9,
                     "nesterov": True, "weight_decay": 0.02},
    "sgd_clip_norm": {"optimiser": "sgd", "learning_rate": 0.2, "momentum": 0.5,
                      "clip": {"norm": 0.3}},
    "sgd_clip_coordinate": {"optimiser": "sgd", "learning_rate": 0.2,
                            "clip": {"coordinate": 0.02}},
    "sign": {"optimiser": "sign", "learning_rate": 0.003, "momentum": 0.8},
    "rmsprop": {"optimiser": "rmsprop", "learning_rate": 0.003},
    "rmsprop_momentum": {"optimiser": "rmsprop", "learning_rate": 0.001, "momentum": 0.9,
                         "alpha": 0.95, "weight_decay": 0.01},
    "adam": {"optimiser": "adam", "learning_rate": 0.01, "weight_decay": 0.03},
    "adamw": {"optimiser": "adamw", "learning_rate": 0.01},
    "adamw_cosine": {"optimiser": "adamw", "learning_rate": 0.02, "betas": [0.9, 0.95],
                     "epsilon": 1e-6, "weight_decay": 0.1,
                     "schedule": {"kind": "cosine", "warmup": 5, "final": 0.1}},
    "adamw_linear": {"optimiser": "adamw", "learning_rate": 0.02,
                     "schedule": {"kind": "linear", "final": 0.25}},
    "adamw_step": {"optimiser": "adamw", "learning_rate": 0.02, "clip": {"norm": 1.0},
                   "schedule": {"kind": "step", "every": 6, "factor": 0.3}},
    "adam_mini": {"optimiser": "adam_mini", "learning_rate": 0.01, "weight_decay": 0.05},
    "muon": {"optimiser": "muon", "learning_rate": 0.01},
}


class SignDescent(torch.optim.Optimizer):
    def __init__(self, parameters, lr, momentum):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = p.grad.clone()
                else:
                    state["momentum_buffer"].mul_(group["momentum"]).add_(p.grad)
                p.sub_(group["lr"] * state["momentum_buffer"].sign())


class AdamMini(torch.optim.Optimizer):
    """Means of squares over heads, output neurons, tokens or a norm's gain."""

    def __init__(self, named, lr, betas, eps, weight_decay, heads):
        groups = [{"params": [p], "name": n} for n, p in named]
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps,
                                  "weight_decay": weight_decay})
        self.heads = heads

    def means(self, name, g2):
        if name.endswith("bias"):
            return g2
        if "ln_" in name:
            return g2.mean().expand_as(g2)
        if "c_attn" in name:  # [in, out]: query, key by heads, value by output neurons
            query, key, value = g2.chunk(3, dim=1)
            by_heads = []
            for x in (query, key):
                cut = x.unflatten(1, (self.heads, -1))
                by_heads.append(cut.mean(dim=(0, 2), keepdim=True).expand_as(cut).flatten(1))
            return torch.cat([*by_heads, value.mean(dim=0, keepdim=True).expand_as(value)], 1)
        if "wte" in name or "wpe" in name:
            return g2.mean(dim=1, keepdim=True).expand_as(g2)
        return g2.mean(dim=0, keepdim=True).expand_as(g2)  # [in, out]

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (p,), name, (b1, b2) = group["params"], group["name"], group["betas"]
            state = self.state[p]
            if not state:
                state.update(step=0, exp_avg=torch.zeros_like(p),
                             exp_avg_sq=torch.zeros_like(p))
            state["step"] += 1
            t, lr = state["step"], group["lr"]
            decays = not ("ln_" in name or name.endswith("bias"))
            p.mul_(1 - lr * group["weight_decay"] * decays)
            state["exp_avg"].lerp_(p.grad, 1 - b1)
            state["exp_avg_sq"].mul_(b2).add_((1 - b2) * self.means(name, p.grad**2))
            h = state["exp_avg_sq"].sqrt() / math.sqrt(1 - b2**t) + group["eps"]
            p.sub_(lr / (1 - b1**t) * state["exp_avg"] / h)


class Several:
    def __init__(self, *optimisers):
        self.optimisers = optimisers
        self.param_groups = [g for o in optimisers for g in o.param_groups]

    def step(self):
        for o in self.optimisers:
            o.step()

    @property
    def state(self):
        return {p: s for o in self.optimisers for p, s in o.state.items()}


def newton_schulz(grad, coefficients, steps, eps):
    a, b, c = coefficients
    x = grad.T if grad.size(0) > grad.size(1) else grad
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if grad.size(0) > grad.size(1) else x


def optimiser_of(case, named):
    kind, lr = case["optimiser"], case["learning_rate"]
    parameters = [p for _, p in named]
    decay = {k: case[k] for k in ("weight_decay",) if k in case}
    adam = {**decay, **{k: tuple(case[k]) for k in ("betas",) if k in case},
            **({"eps": case["epsilon"]} if "epsilon" in case else {})}
    if kind in ("gd", "sgd"):
        return torch.optim.SGD(parameters, lr=lr, momentum=case.get("momentum", 0),
                               nesterov=case.get("nesterov", False), **decay)
    if kind == "sign":
        return SignDescent(parameters, lr, case["momentum"])
    if kind == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=lr, alpha=case.get("alpha", 0.99),
                                   momentum=case.get("momentum", 0), **decay)
    if kind == "adam":
        return torch.optim.Adam(parameters, lr=lr, **adam)
    if kind == "adamw":
        return torch.optim.AdamW(parameters, lr=lr, **adam)
    if kind == "adam_mini":
        return AdamMini(named, lr, (0.9, 0.999), 1e-8, case["weight_decay"], 2)
    import torch.optim._muon as muon
    muon._zeropower_via_newtonschulz = newton_schulz
    hidden = [p for n, p in named if ".h." in n and p.ndim == 2]
    others = [p for n, p in named if not (".h." in n and p.ndim == 2)]
    return Several(torch.optim.Muon(hidden, lr=lr),
                   torch.optim.AdamW(others, lr=lr, weight_decay=0.1))


def factor(schedule, t):
    warmup = schedule.get("warmup", 0)
    if t < warmup:
        return (t + 1) / warmup
    p, final = (t - warmup) / (STEPS - warmup), schedule.get("final", 0)
    return {"constant": 1, "linear": 1 + (final - 1) * p,
            "cosine": final + (1 - final) * (1 + math.cos(math.pi * p)) / 2,
            "step": schedule.get("factor", 0.1) ** ((t - warmup) // schedule.get("every", 1))
            }[schedule.get("kind", "constant")]


def train(case):
    """The losses, the parameters by name, and the state by name."""
    with open(os.path.join(SOURCE, "config.json")) as f:
        config = GPT2Config(**json.load(f), attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
    model = GPT2LMHeadModel(config).double()
    model.load_state_dict(load_file(os.path.join(SOURCE, "model.safetensors")), strict=False)
    model.tie_weights()
    named = list(model.named_parameters())
    rows = torch.tensor(np.load(os.path.join(SOURCE, "tokens.npy")), dtype=torch.long)
    optimiser = optimiser_of(case, named)
    losses = []
    for t in range(STEPS):
        take = (list(range(len(rows))) if case["optimiser"] == "gd"
                else [(t * BATCH + i) % len(rows) for i in range(BATCH)])
        for group in optimiser.param_groups:
            group["lr"] = case["learning_rate"] * factor(case.get("schedule", {}), t)
        model.zero_grad()
        logits = model(rows[take, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1),
                                                 rows[take, 1:].flatten())
        loss.backward()
        clip = case.get("clip", {})
        if "coordinate" in clip:
            torch.nn.utils.clip_grad_value_(model.parameters(), clip["coordinate"])
        if "norm" in clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip["norm"])
        optimiser.step()
        losses.append(loss.item())
    state = {f"{n}.{k}": v for n, p in named
             for k, v in optimiser.state.get(p, {}).items()
             if torch.is_tensor(v) and v.ndim == p.ndim and k != "step"}
    return losses, {n: p.detach() for n, p in named}, state


def reference():
    out = {}
    for name, case in CASES.items():
        losses, parameters, _ = train(case)
        if name == "sign":
            for n, p in parameters.items():
                if "c_attn.bias" in n:
                    p[KEY_BIAS] = 0
        entries = {n: p.flatten()[::29].tolist() for n, p in parameters.items()}
        out[name] = {"train": case, "loss": losses, "every_29th": entries}
    with open(os.path.join(ROOT, "tests", "train", "reference.json"), "w") as f:
        json.dump(out, f)
        f.write("\n")


# A softmax does not change when all its scores change alike, so the gradient of a key's bias
# is 0. The sign of its rounding is no number that two programs share.
KEY_BIAS = slice(6, 12)


def difference(found, expected, what):
    """The largest difference of an entry."""
    worst = 0
    for name, x in expected.items():
        if name not in found:
            sys.exit(f"{what}: {name} is missing")
        apart = (found[name] - x).abs()
        if what == "sign" and "c_attn.bias" in name:
            apart[KEY_BIAS] = 0
        worst = max(worst, apart.max().item())
    return worst


def check(hesse):
    import h5py
    failed = 0
    for name, case in CASES.items():
        losses, parameters, state = train(case)
        for ranks in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                keys = dict(case, steps=STEPS, order="sequential")
                if case["optimiser"] != "gd":
                    keys["batch"] = BATCH
                job = {"model": {"family": "gpt2", "config": SOURCE + "/config.json",
                                 "checkpoint": SOURCE + "/model.safetensors"},
                       "data": {"tokens": SOURCE + "/tokens.npy"}, "train": keys}
                with open(folder + "/job.yaml", "w") as f:
                    json.dump(job, f)
                run = subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), hesse,
                                      "train", folder + "/job.yaml"], capture_output=True,
                                     text=True, timeout=300)
                if run.returncode:
                    sys.exit(run.stderr)
                done = load_file(f"{folder}/job/stage-{STEPS:06}.safetensors")
                kept = f"{folder}/job/optimiser-{STEPS:06}.safetensors"
                kept = load_file(kept) if os.path.exists(kept) else {}
                with h5py.File(folder + "/job/log.h5") as f:
                    log = torch.tensor(f["loss"][()])
            worst = (difference(done, parameters, name), difference(kept, state, name),
                     (log - torch.tensor(losses)).abs().max().item())
            good = max(worst) < 1e-10
            failed += not good
            print(f"{name:22} {ranks} rank(s): parameters {worst[0]:.1e}, state "
                  f"{worst[1]:.1e}, loss {worst[2]:.1e}{'' if good else '  WRONG'}",
                  flush=True)
    return failed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        sys.exit(1 if check(sys.argv[2]) else 0)
    reference()
