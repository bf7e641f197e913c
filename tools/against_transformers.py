#!/usr/bin/env python3
"""Compare hesse with the model classes of Hugging Face's transformers, in double precision.

    against_transformers.py HESSE [--only NAME,...] [--ranks N] [--seed S] [--keep DIR] [--list]

Each case makes a small random model of a class of transformers and saves it with
`save_pretrained`, as a user would have it: config.json and model.safetensors. It runs
`mpirun -n N HESSE run job.yaml` and compares the loss, the gradient's norm, all eigenvalues of
the full Hessian, and the eigenvalues of the block of every tensor that is stored under its own
name. Jobs name no family, because the config tells it.

The program prints one line for each case. The exit status is 0 if all relative differences are
below 1e-12.

The classes compute some numbers in single precision: norms, softmax, rotary angles. The references
are in double precision throughout: `float32` means float64 in the modules of transformers, and
`Tensor.float` is `Tensor.double`.

Needs numpy, h5py, torch and transformers (tested with torch 2.13.0 and transformers 5.24.0).
"""
import argparse
import importlib
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import h5py
import numpy as np
import torch
import torch.nn.functional as F
import transformers

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # the tensors are small
torch.Tensor.float = torch.Tensor.double
transformers.utils.logging.disable_progress_bar()
BOUND = 1e-12


class DoubleTorch:
    """torch with float64 in place of float32."""

    def __getattr__(self, name):
        return torch.float64 if name in ("float32", "float") else getattr(torch, name)


def keep_digits(model):
    seen = {"transformers.modeling_rope_utils"}
    importlib.import_module("transformers.modeling_rope_utils").torch = DoubleTorch()
    for m in model.modules():
        for c in type(m).__mro__:
            if c.__module__.startswith("transformers.models.") and c.__module__ not in seen:
                seen.add(c.__module__)
                importlib.import_module(c.__module__).torch = DoubleTorch()


EAGER = dict(attn_implementation="eager")
S = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
         vocab_size=11, max_position_embeddings=16, tie_word_embeddings=False, **EAGER)
ONE_KEY = dict(S, num_key_value_heads=1)
OPT = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, ffn_dim=12, vocab_size=11,
           max_position_embeddings=16, word_embed_proj_dim=8, dropout=0.0, pad_token_id=1, **EAGER)
GPT2 = dict(n_embd=8, n_layer=2, n_head=2, n_positions=16, vocab_size=11, **EAGER)
GEMMA2 = dict(ONE_KEY, head_dim=6, tie_word_embeddings=True, query_pre_attn_scalar=9,
              sliding_window=3, attn_logit_softcapping=2.0, final_logit_softcapping=3.0)
PHI3 = dict(ONE_KEY, pad_token_id=0)
OLMO3 = dict(ONE_KEY, sliding_window=3, layer_types=["sliding_attention", "full_attention"])


def rope(kind, **keys):
    return dict(rope_type=kind, rope_theta=10000.0, **keys)


ROPE3 = rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
             original_max_position_embeddings=8)
LONG = rope("longrope", short_factor=[1.0, 1.5], long_factor=[2.0, 3.0],
            original_max_position_embeddings=8)
YARN = rope("yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=2.0, beta_slow=0.25)

CASES = {  # name: class, keywords of its config, kind of data
    "gpt_neox": ("GPTNeoX", dict(S, hidden_size=16, num_hidden_layers=1, rotary_pct=0.25),
                 "causal"),
    "gpt_neox_serial": ("GPTNeoX", dict(S, rotary_pct=0.5, use_parallel_residual=False),
                        "causal"),
    "gpt_neox_unbiased": ("GPTNeoX", dict(S, rotary_pct=0.5, attention_bias=False), "causal"),
    "llama": ("Llama", ONE_KEY, "causal"),
    "llama_biases": ("Llama", dict(ONE_KEY, attention_bias=True, mlp_bias=True), "causal"),
    "llama_rope3": ("Llama", dict(S, rope_parameters=ROPE3), "causal"),
    "llama_rope_linear": ("Llama", dict(S, rope_parameters=rope("linear", factor=2.0)), "causal"),
    "llama_rope_dynamic": ("Llama", dict(S, rope_parameters=rope("dynamic", factor=2.0)),
                           "causal"),
    "llama_rope_yarn": ("Llama", dict(ONE_KEY, hidden_size=16, num_hidden_layers=1,
                                      max_position_embeddings=64, rope_parameters=YARN), "causal"),
    "mistral_window": ("Mistral", dict(ONE_KEY, sliding_window=3), "causal"),
    "mistral_wide_window": ("Mistral", dict(ONE_KEY, sliding_window=4096), "causal"),
    "qwen2": ("Qwen2", ONE_KEY, "causal"),
    "qwen2_window": ("Qwen2", dict(ONE_KEY, use_sliding_window=True, sliding_window=3,
                                   max_window_layers=1), "causal"),
    "qwen3": ("Qwen3", dict(ONE_KEY, head_dim=6), "causal"),
    "smollm3": ("SmolLM3", dict(ONE_KEY, num_hidden_layers=4, no_rope_layer_interval=2,
                                pad_token_id=0), "causal"),
    "olmo": ("Olmo", S, "causal"),
    "olmo2": ("Olmo2", ONE_KEY, "causal"),
    "olmo3": ("Olmo3", OLMO3, "causal"),
    "granite": ("Granite", dict(ONE_KEY, embedding_multiplier=3.0, residual_multiplier=0.5,
                                attention_multiplier=0.3, logits_scaling=2.0), "causal"),
    "gpt2": ("GPT2", GPT2, "causal"),
    "gpt2_by_layer": ("GPT2", dict(GPT2, scale_attn_by_inverse_layer_idx=True), "causal"),
    "gpt_neo": ("GPTNeo", dict(hidden_size=8, num_layers=2, num_heads=2, vocab_size=11,
                               attention_types=[[["global", "local"], 1]], window_size=3,
                               max_position_embeddings=16, intermediate_size=12, **EAGER),
                "causal"),
    "opt": ("OPT", OPT, "causal"),
    "opt_350m": ("OPT", dict(OPT, do_layer_norm_before=False, word_embed_proj_dim=6), "causal"),
    "opt_plain": ("OPT", dict(OPT, enable_bias=False, layer_norm_elementwise_affine=False),
                  "causal"),
    "phi": ("Phi", dict(S, partial_rotary_factor=0.5), "causal"),
    "phi_query_key_norm": ("Phi", dict(S, qk_layernorm=True), "causal"),
    "phi3": ("Phi3", PHI3, "causal"),
    "phi3_partial": ("Phi3", dict(PHI3, partial_rotary_factor=0.5, sliding_window=3), "causal"),
    "phi3_longrope": ("Phi3", dict(PHI3, max_position_embeddings=32,
                                   original_max_position_embeddings=8, rope_parameters=LONG),
                      "causal"),
    "gemma": ("Gemma", dict(ONE_KEY, head_dim=6, tie_word_embeddings=True), "causal"),
    "gemma2": ("Gemma2", GEMMA2, "causal"),
    "roberta": ("RobertaForMaskedLM", dict(S, max_position_embeddings=18, type_vocab_size=1,
                                           pad_token_id=1, tie_word_embeddings=True), "masked"),
    "distilbert": ("DistilBertForMaskedLM", dict(vocab_size=11, max_position_embeddings=16,
                                                 n_layers=2, n_heads=2, dim=8, hidden_dim=12,
                                                 **EAGER), "masked"),
    "deit": ("DeiTForImageClassification", dict(hidden_size=8, num_hidden_layers=2,
                                                num_attention_heads=2, intermediate_size=12,
                                                image_size=8, patch_size=4, num_channels=3,
                                                num_labels=3, **EAGER), "image"),
}


def random_model(kind, keys, seed):
    """Return a model of random numbers, and the generator that drew them."""
    suffix = ("" if kind.endswith(("LM", "Classification")) else
              "LMHeadModel" if kind == "GPT2" else "ForCausalLM")
    model_class = getattr(transformers, kind + suffix)
    config = model_class.config_class(**keys)
    keep_digits(model_class(config))
    # Made again, the model has frequencies of rotary embeddings in double precision, too.
    model = model_class(config).double().eval()
    for m in model.modules():  # else PyTorch zeroes the gradient of the padding id's row
        if isinstance(m, torch.nn.Embedding):
            m.padding_idx = None
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for n, p in model.named_parameters():
            one = p.dim() == 1 and "norm" in n.lower() and n.endswith("weight")
            p.copy_((1.0 if one else 0.0) + 0.3 * torch.randn(p.shape, generator=rng))
        for _, b in model.named_buffers():
            if b.is_floating_point() and b.dtype != torch.float64:
                b.data = b.data.double()
    return model, rng


def examples(model, data, rng, folder):
    """Write the data of a job. Return the loss of a model's output, and the job's lines."""
    vocabulary = getattr(model.config, "vocab_size", 0)
    if data == "causal":
        x = torch.randint(vocabulary, (3, 7), generator=rng)
        np.save(f"{folder}/tokens.npy", x.numpy())

        def loss(f):
            z = f(input_ids=x[:, :-1], use_cache=False).logits
            return F.cross_entropy(z.flatten(0, 1), x[:, 1:].flatten())

        return loss, "  tokens: tokens.npy\n  sequences: 3\n"
    if data == "masked":
        x = torch.randint(2, vocabulary, (3, 6), generator=rng)
        hidden = torch.rand(3, 6, generator=rng) < 0.4
        y = torch.where(hidden, torch.randint(vocabulary, (3, 6), generator=rng), -100)
        y[:, 0] = 2
        stored = x

        def loss(f):
            return F.cross_entropy(f(input_ids=x).logits.flatten(0, 1), y.flatten())
    else:
        size = model.config.image_size
        x = torch.randn(3, 3, size, size, generator=rng)
        y = torch.randint(3, (3,), generator=rng)
        stored = x.permute(0, 2, 3, 1).contiguous()

        def loss(f):
            return F.cross_entropy(f(pixel_values=x).logits, y)

    np.save(f"{folder}/x.npy", stored.numpy())
    np.save(f"{folder}/y.npy", y.numpy())
    return loss, "  inputs: x.npy\n  labels: y.npy\n  sequences: 3\n"


def second_derivatives(model, loss_of):
    """Return loss, gradient and Hessian, and the indices of every tensor's elements."""
    params = dict(model.named_parameters())
    sizes = [p.numel() for p in params.values()]
    theta = torch.cat([p.detach().reshape(-1) for p in params.values()]).requires_grad_(True)
    w = {n: x.view(params[n].shape) for n, x in zip(params, theta.split(sizes))}
    loss = loss_of(lambda **keys: torch.func.functional_call(model, w, (), keys))
    g, = torch.autograd.grad(loss, theta, create_graph=True)
    hessian = torch.stack([torch.autograd.grad(g[i], theta, retain_graph=True)[0]
                           for i in range(len(theta))])
    ends = np.cumsum(sizes)
    where = {n: np.arange(e - s, e) for n, s, e in zip(params, sizes, ends)}
    return loss.item(), g.detach().numpy(), hessian.numpy(), where


def run_hesse(exe, ranks, folder, lines):
    """Run a job. Return the reason why it failed, or None."""
    with open(f"{folder}/job.yaml", "w") as f:
        f.write(f"model:\n  config: config.json\n  checkpoint: model.safetensors\ndata:\n{lines}"
                "hessian:\n  scope: both\n  partition: tensor\n  method: exact\n"
                "output:\n  file: result.h5\n")
    if os.path.exists(f"{folder}/result.h5"):
        os.remove(f"{folder}/result.h5")
    env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    command = ["mpirun", "--oversubscribe", "-n", str(ranks), os.path.abspath(exe), "run",
               f"{folder}/job.yaml"]
    p = subprocess.run(command, env=env, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=600)
    said = [line for line in p.stdout.splitlines() if line.startswith("hesse")][:1]
    return f"status {p.returncode}: {''.join(said)}" if p.returncode else None


def run(name, exe, ranks, seed, keep):
    """Return whether a case agrees, and what its line says."""
    kind, keys, data = CASES[name]
    model, rng = random_model(kind, keys, seed)
    folder = os.path.join(keep, name)
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder)
    loss_of, lines = examples(model, data, rng, folder)
    value, g, hessian, where = second_derivatives(model, loss_of)
    failed = run_hesse(exe, ranks, folder, lines)
    if failed:
        return False, failed
    # A block that is zero except for rounding, such as a key's bias, is compared with the whole.
    least = 1e-4 * np.linalg.norm(hessian)

    def difference(got, want):
        if np.shape(got) != np.shape(want):
            return float("inf")
        return float(np.linalg.norm(np.asarray(got) - want) / max(np.linalg.norm(want), least))

    with h5py.File(f"{folder}/result.h5") as f:
        norm = np.linalg.norm(f["gradient"][:])
        errors = {"loss": abs(f.attrs["loss"] / value - 1),
                  "gradient": abs(norm / np.linalg.norm(g) - 1),
                  "full spectrum": difference(f["spectra/full/eigenvalues"][:],
                                              np.linalg.eigvalsh(hessian))}
        blocks = [n for n in where if f"spectra/blocks/{n}/eigenvalues" in f]
        for n in blocks:
            errors[n] = difference(f[f"spectra/blocks/{n}/eigenvalues"][:],
                                   np.linalg.eigvalsh(hessian[np.ix_(where[n], where[n])]))
    if not blocks:
        return False, "no block has a name of the checkpoint"
    worst = max(errors, key=errors.get)
    return errors[worst] <= BOUND, (f"N = {len(g)}, {len(blocks)} blocks by name, largest "
                                    f"relative difference {errors[worst]:.1e} ({worst})")


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("hesse", nargs="?")
    a.add_argument("--only")
    a.add_argument("--ranks", type=int, default=2)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--keep")
    a.add_argument("--list", action="store_true")
    a = a.parse_args()
    if a.list or not a.hesse:
        print("\n".join(CASES))
        return
    keep = a.keep or tempfile.mkdtemp(prefix="hesse-transformers-")
    failed = 0
    names = a.only.split(",") if a.only else list(CASES)
    for name in names:
        try:
            ok, said = run(name, a.hesse, a.ranks, a.seed, keep)
        except Exception as e:  # a case that cannot be made has failed, with its reason
            ok, said = False, f"{type(e).__name__}: {str(e)[:200]}"
        failed += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {name}: {said}", flush=True)
    print(f"{len(names) - failed} of {len(names)} agree")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
