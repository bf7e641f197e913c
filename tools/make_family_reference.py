#!/usr/bin/env python3
"""Make the reference values of tests/families with PyTorch, in double precision.

    make_family_reference.py [FOLDER [CASE...]]

This writes, for every case or for those that are named, a folder with job.yaml and its files, as
a user would have them, and reference.safetensors: loss [1], gradient [n], and of the Hessian and its Gauss-Newton part
the columns i (n - 1) / (c - 1) of c, [c, n]. Parameters are in the order of their tensors'
names; shapes.txt in the folder has the names and shapes of the libraries.

Decoders and further encoders are classes of Hugging Face's transformers, and their folders have config.json and
model.safetensors as `save_pretrained` writes them. They are made by the functions of
against_transformers.py.

Needs numpy, torch, safetensors and transformers. The committed values were made with PyTorch
2.13.0 and transformers 5.24.0.
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # the tensors are small
COLUMNS = 8
DECODER_COLUMNS = 4


def norm(w, name, x, eps):
    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)


def dense(w, name, x):
    return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))


def attend(w, names, x, heads):
    q, k, v = (dense(w, n, x).unflatten(2, (heads, -1)).transpose(1, 2) for n in names)
    p = (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(-1)
    return (p @ v).transpose(1, 2).flatten(2)


def mlp(w, x):
    for i, c in enumerate((1, 2, 0.5)):
        x = c * dense(w, f"layers.{i}", x)
        x = x.tanh() if i < 2 else x
    return x


def batch_norm(w, name, x, training):
    return F.batch_norm(x, w[name + ".running_mean"].clone(), w[name + ".running_var"].clone(),
                        w[name + ".weight"], w[name + ".bias"], training, eps=1e-5)


def vgg(w, x, bn=None):
    x, at = x.permute(0, 3, 1, 2), 0
    for pool in (False, True, False, True):
        if pool:
            x, at = F.max_pool2d(x, 2), at + 1
            continue
        x = F.conv2d(x, w[f"features.{at}.weight"], w[f"features.{at}.bias"], padding=1)
        if bn is not None:
            x, at = batch_norm(w, f"features.{at + 1}", x, bn), at + 1
        x, at = x.relu(), at + 2
    return dense(w, "classifier.3", dense(w, "classifier.0", x.flatten(1)).relu())


def bottleneck(w, x):
    def step(name, n, x, stride=1, pad=0):
        return batch_norm(w, n, F.conv2d(x, w[name + ".weight"], None, stride, pad), False)

    x = step("conv1", "bn1", x.permute(0, 3, 1, 2), 1, 1).relu()
    for s in (1, 2):
        p = f"layer{s}.0."
        y = step(p + "conv1", p + "bn1", x).relu()
        y = step(p + "conv2", p + "bn2", y, s, 1).relu()
        y = step(p + "conv3", p + "bn3", y)
        x = (step(p + "downsample.0", p + "downsample.1", x, s) + y).relu()
    return dense(w, "fc", x.mean((2, 3)))


def resnet(w, x, small, training):
    def step(name, n, x, stride, pad):
        return batch_norm(w, n, F.conv2d(x, w[name + ".weight"], None, stride, pad), training)

    x = x.permute(0, 3, 1, 2)
    x = step("conv1", "bn1", x, *((1, 1) if small else (2, 3))).relu()
    x = x if small else F.max_pool2d(x, 3, 2, 1)
    for s in (1, 2):
        p = f"layer{s}.0."
        y = step(p + "conv1", p + "bn1", x, s, 1).relu()
        y = step(p + "conv2", p + "bn2", y, 1, 1)
        if s > 1:
            x = step(p + "downsample.0", p + "downsample.1", x, s, 0)
        x = (x + y).relu()
    return dense(w, "fc", x.mean((2, 3)))


def vit(w, x, distilled=False, mean=False):
    m = "deit." if distilled else "vit."
    e = m + "embeddings."
    y = F.conv2d(x.permute(0, 3, 1, 2), w[e + "patch_embeddings.projection.weight"],
                 w[e + "patch_embeddings.projection.bias"], stride=4).flatten(2).transpose(1, 2)
    places = w[e + "position_embeddings"]
    first = [] if mean else [w[e + "cls_token"]]
    first += [w[e + "distillation_token"]] if distilled else []
    if distilled:  # the table has 2 x 2 patches, and the image 3 x 4
        table = places[:, 2:].view(1, 2, 2, -1).permute(0, 3, 1, 2)
        table = F.interpolate(table, (3, 4), mode="bicubic", align_corners=False)
        places = torch.cat([places[:, :2], table.flatten(2).transpose(1, 2)], 1)
    x = torch.cat([t.expand(len(x), 1, -1) for t in first] + [y], 1) + places
    p = m + "encoder.layer.0."
    names = [p + "attention.attention." + n for n in ("query", "key", "value")]
    x = x + dense(w, p + "attention.output.dense",
                  attend(w, names, norm(w, p + "layernorm_before", x, 1e-12), 2))
    y = F.gelu(dense(w, p + "intermediate.dense", norm(w, p + "layernorm_after", x, 1e-12)))
    x = norm(w, m + "layernorm", x + dense(w, p + "output.dense", y), 1e-12)
    if distilled:
        return (dense(w, "cls_classifier", x[:, 0]) +
                dense(w, "distillation_classifier", x[:, 1])) / 2
    return dense(w, "classifier", x.mean(1) if mean else x[:, 0])


def mixer(w, x):
    x = F.conv2d(x.permute(0, 3, 1, 2), w["stem.proj.weight"], w["stem.proj.bias"], stride=4)
    x, p = x.flatten(2).transpose(1, 2), "blocks.0."

    def mixing(name, z):
        return dense(w, p + name + ".fc2", F.gelu(dense(w, p + name + ".fc1", z)))

    x = x + mixing("mlp_tokens", norm(w, p + "norm1", x, 1e-6).transpose(1, 2)).transpose(1, 2)
    x = x + mixing("mlp_channels", norm(w, p + "norm2", x, 1e-6))
    return dense(w, "head", norm(w, "norm", x, 1e-6).mean(1))


def bert(w, x, masked):
    e, p = "bert.embeddings.", "bert.encoder.layer.0."
    x = w[e + "word_embeddings.weight"][x] + w[e + "position_embeddings.weight"][:x.shape[1]]
    x = norm(w, e + "LayerNorm", x + w[e + "token_type_embeddings.weight"][0], 1e-12)
    names = [p + "attention.self." + n for n in ("query", "key", "value")]
    y = dense(w, p + "attention.output.dense", attend(w, names, x, 2))
    x = norm(w, p + "attention.output.LayerNorm", x + y, 1e-12)
    y = dense(w, p + "output.dense", F.gelu(dense(w, p + "intermediate.dense", x)))
    x = norm(w, p + "output.LayerNorm", x + y, 1e-12)
    if not masked:
        return dense(w, "classifier", dense(w, "bert.pooler.dense", x[:, 0]).tanh())
    t = "cls.predictions."
    x = norm(w, t + "transform.LayerNorm", F.gelu(dense(w, t + "transform.dense", x)), 1e-12)
    return x @ w[e + "word_embeddings.weight"].T + w[t + "bias"]


def bert_mean(w, x):
    """Norms before attention and MLP, Gaussian attention, and the mean of the tokens that are not
    padding (id 0)."""
    seen = (x != 0).double()
    e, p = "bert.embeddings.", "bert.encoder.layer.0."
    x = w[e + "word_embeddings.weight"][x] + w[e + "position_embeddings.weight"][:x.shape[1]]
    x = norm(w, e + "LayerNorm", x + w[e + "token_type_embeddings.weight"][0], 1e-12)
    y = norm(w, p + "attention.LayerNorm", x, 1e-12)
    q, k, v = (dense(w, p + "attention.self." + n, y).unflatten(2, (2, -1)).transpose(1, 2)
               for n in ("query", "key", "value"))
    kernel = gaussian(q, k) * seen[:, None, None]
    x = x + dense(w, p + "attention.output.dense", (kernel @ v).transpose(1, 2).flatten(2))
    y = norm(w, p + "intermediate.LayerNorm", x, 1e-12)
    x = x + dense(w, p + "output.dense", F.gelu(dense(w, p + "intermediate.dense", y)))
    x = norm(w, "bert.LayerNorm", x, 1e-12)
    x = (x * seen[:, :, None]).sum(1) / seen.sum(1, keepdim=True)
    return dense(w, "classifier", dense(w, "bert.pooler.dense", x).tanh())


def gaussian(q, k):
    return (-(q[:, :, :, None] - k[:, :, None]).pow(2).sum(-1) / (2 * q.shape[-1] ** 0.5)).exp()


def linear_transformer(w, z, softmax):
    n, d = z.shape[1] - 1, z.shape[2] - 1
    mask = torch.diag(torch.tensor([1.0] * n + [0.0]))
    for l in range(2):
        p = torch.block_diag(w[f"layers.{l}.P"], torch.ones(1, 1))
        q = torch.block_diag(w[f"layers.{l}.Q"], torch.zeros(1, 1))
        a = z @ q @ z.transpose(1, 2)
        z = z + (a.softmax(-1) if softmax else a) @ mask @ (z @ p.T) / n
    return z[:, n, d:]


def linear_transformer_nonlinear(w, z, softmax):
    n, d = z.shape[1] - 1, z.shape[2] - 1
    mask = torch.diag(torch.tensor([1.0] * n + [0.0]))
    x = dense(w, "mlp.2", dense(w, "mlp.0", z[:, :, :d]).relu())
    z = torch.cat([x, z[:, :, d:]], 2)
    for l in range(2):
        a = z @ w[f"layers.{l}.Q"] @ z.transpose(1, 2)
        z = z + (a.softmax(-1) if softmax else a) @ mask @ z @ w[f"layers.{l}.P"].T / n
    return z[:, n, d:]


def attention(w, x, heads, kernel, causal):
    q, k, v = ((x @ w[n + ".weight"]).unflatten(2, (heads, -1)).transpose(1, 2)
               for n in ("query", "key", "value"))
    root = q.shape[-1] ** 0.5
    p = gaussian(q, k) if kernel == "gaussian" else q @ k.transpose(2, 3) / root
    p = p.softmax(-1) if kernel == "softmax" else p.tril() if causal else p
    y = (p @ v).transpose(1, 2).flatten(2)
    return y @ w["output.weight"] if "output.weight" in w else y


IMAGES = "inputs: x.npy, labels: y.npy"
NUMBERS = "inputs: x.npy, targets: y.npy"
CASES = {  # model keys, data keys, shapes of x and y (y: (N, classes) of labels), function
    "mlp": ("family: mlp, widths: [5, 4], activation: tanh, multipliers: [1, 2, 0.5]",
            IMAGES, (6, 5), 3, mlp),
    "vgg": ("family: vgg, widths: [3, 0, 4, 0], dense: [5]", IMAGES, (4, 6, 6, 2), 3, vgg),
    "vgg_bn": ("family: vgg, widths: [3, 0, 4, 0], dense: [5], batch_norm: training", IMAGES,
               (4, 6, 6, 2), 3, lambda w, x: vgg(w, x, True)),
    "vgg_bn_eval": ("family: vgg, widths: [3, 0, 4, 0], dense: [5], batch_norm: evaluation",
                    IMAGES, (4, 6, 6, 2), 3, lambda w, x: vgg(w, x, False)),
    "resnet": ("family: resnet, blocks: [1, 1], width: 2, stem: cifar", IMAGES, (4, 5, 5, 2), 3,
               lambda w, x: resnet(w, x, True, True)),
    "resnet_eval": ("family: resnet, blocks: [1, 1], width: 2, batch_norm: evaluation", IMAGES,
                    (4, 10, 10, 1), 3, lambda w, x: resnet(w, x, False, False)),
    "resnet_bottleneck": ("family: resnet, blocks: [1, 1], block: bottleneck, width: 2, "
                          "stem: cifar, batch_norm: evaluation", IMAGES, (4, 5, 5, 2), 3,
                          bottleneck),
    "vit": ("family: vit, layers: 1, heads: 2, width: 4, inner: 6, patch: 4", IMAGES,
            (4, 8, 8, 1), 3, vit),
    "deit": ("family: vit, layers: 1, heads: 2, width: 4, inner: 6, patch: 4, grid: 2, "
             "distillation: heads", IMAGES, (4, 12, 16, 1), 3, lambda w, x: vit(w, x, True)),
    "vit_mean": ("family: vit, layers: 1, heads: 2, width: 4, inner: 6, patch: 4, pooling: mean",
                 IMAGES, (4, 8, 8, 1), 3, lambda w, x: vit(w, x, mean=True)),
    "mixer": ("family: mixer, layers: 1, width: 4, inner: 6, token_inner: 3, patch: 4", IMAGES,
              (4, 8, 8, 1), 3, mixer),
    "bert": ("family: bert, layers: 1, heads: 2, width: 4, inner: 6, context: 5, vocabulary: 9",
             IMAGES, 9, (3, 5), lambda w, x: bert(w, x, True)),
    "bert_classes": ("family: bert, task: classify, layers: 1, heads: 2, width: 4, inner: 6, "
                     "context: 5, vocabulary: 9", IMAGES, 9, 3, lambda w, x: bert(w, x, False)),
    "bert_mean": ("family: bert, task: classify, layers: 1, heads: 2, width: 4, inner: 6, "
                  "context: 5, vocabulary: 9, kernel: gaussian, norm: before, pooling: mean",
                  IMAGES + ", padding: 0", 9, 3, bert_mean),
    "linear_transformer": ("family: linear_transformer, layers: 2", NUMBERS, (5, 5, 4), (5, 1),
                           lambda w, x: linear_transformer(w, x, False)),
    "linear_transformer_softmax": (
        "family: linear_transformer, layers: 2, kernel: softmax", NUMBERS, (5, 5, 4), (5, 1),
        lambda w, x: linear_transformer(w, x, True)),
    "linear_transformer_nonlinear": (
        "family: linear_transformer, layers: 2, inner: 5, joint: true", NUMBERS, (5, 5, 4), (5, 1),
        lambda w, x: linear_transformer_nonlinear(w, x, False)),
    "linear_transformer_joint_softmax": (
        "family: linear_transformer, layers: 2, inner: 5, joint: true, kernel: softmax", NUMBERS,
        (5, 5, 4), (5, 1), lambda w, x: linear_transformer_nonlinear(w, x, True)),
    "attention": ("family: attention, heads: 1, head_size: 2, value_size: 3", NUMBERS, (3, 4, 3),
                  (3, 4, 3), lambda w, x: attention(w, x, 1, "softmax", False)),
    "attention_linear": (
        "family: attention, heads: 1, head_size: 2, value_size: 3, kernel: linear, "
        "attention: causal", NUMBERS, (3, 4, 3), (3, 4, 3),
        lambda w, x: attention(w, x, 1, "linear", True)),
    "attention_gaussian": (
        "family: attention, heads: 2, head_size: 2, kernel: gaussian, output: true", NUMBERS,
        (3, 4, 3), (3, 4, 2), lambda w, x: attention(w, x, 2, "gaussian", False)),
}


S = dict(hidden_size=4, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
         intermediate_size=5, vocab_size=7, max_position_embeddings=8, tie_word_embeddings=False,
         attn_implementation="eager")
TWO = dict(S, num_hidden_layers=2)
WIDE = dict(S, hidden_size=8, intermediate_size=4)
GEMMA = dict(S, head_dim=2, tie_word_embeddings=True)
OPT = dict(hidden_size=4, num_hidden_layers=1, num_attention_heads=2, ffn_dim=5, vocab_size=7,
           max_position_embeddings=8, word_embed_proj_dim=4, dropout=0.0, pad_token_id=1,
           attn_implementation="eager")
ROPE3 = dict(rope_type="llama3", rope_theta=100.0, factor=8.0, low_freq_factor=1.0,
             high_freq_factor=4.0, original_max_position_embeddings=8)
DECODERS = {  # class of transformers, keywords of its config
    "llama_rope3": ("Llama", dict(WIDE, rope_parameters=ROPE3)),
    "mistral_window": ("Mistral", dict(S, sliding_window=2)),
    "qwen2": ("Qwen2", S),
    "qwen3": ("Qwen3", dict(S, head_dim=2)),
    "olmo": ("Olmo", S),
    "olmo2": ("Olmo2", S),
    "smollm3": ("SmolLM3", dict(TWO, no_rope_layer_interval=2, pad_token_id=0)),
    "granite": ("Granite", dict(S, embedding_multiplier=3.0, residual_multiplier=0.5,
                                attention_multiplier=0.3, logits_scaling=2.0)),
    "gpt_neox": ("GPTNeoX", dict(WIDE, rotary_pct=0.5)),
    "gpt_neo": ("GPTNeo", dict(hidden_size=4, num_layers=2, num_heads=2, vocab_size=7,
                               attention_types=[[["global", "local"], 1]], window_size=2,
                               max_position_embeddings=8, intermediate_size=5,
                               attn_implementation="eager")),
    "opt": ("OPT", OPT),
    "opt_after": ("OPT", dict(OPT, do_layer_norm_before=False, word_embed_proj_dim=3)),
    "phi": ("Phi", dict(WIDE, partial_rotary_factor=0.5, qk_layernorm=True)),
    "phi3": ("Phi3", dict(WIDE, partial_rotary_factor=0.5, sliding_window=2, pad_token_id=0)),
    "gemma": ("Gemma", GEMMA),
    "gemma2": ("Gemma2", dict(GEMMA, num_hidden_layers=2, query_pre_attn_scalar=9,
                              sliding_window=2, attn_logit_softcapping=2.0,
                              final_logit_softcapping=3.0)),
}


BERT = dict(hidden_size=4, num_hidden_layers=1, num_attention_heads=2, intermediate_size=5,
            vocab_size=7, max_position_embeddings=8, type_vocab_size=2,
            attn_implementation="eager")
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 1, 1, 1]])
ENCODERS = {  # class, keywords of its config, id of padding, keys of the data, loss
    "roberta": ("RobertaForMaskedLM", dict(BERT, max_position_embeddings=10, pad_token_id=1), 1,
                "labels: y.npy, mask: mask.npy", "tokens"),
    "distilbert_classes": ("DistilBertForSequenceClassification", dict(
        vocab_size=7, max_position_embeddings=8, n_layers=1, n_heads=2, dim=4, hidden_dim=5,
        num_labels=3, attn_implementation="eager"), 0, "labels: y.npy, padding: 0", "classes"),
    "bert_tokens": ("BertForTokenClassification", dict(BERT, num_labels=3), 0,
                    "labels: y.npy, mask: mask.npy, types: types.npy", "tokens"),
    "bert_regression": ("BertForSequenceClassification", dict(BERT, num_labels=1), 0,
                        "labels: y.npy, mask: mask.npy, types: types.npy", "regression"),
    "bert_binary": ("BertForSequenceClassification", dict(
        BERT, num_labels=2, problem_type="multi_label_classification"), 0,
                    "targets: y.npy, mask: mask.npy, types: types.npy", "binary"),
}


def usual_loss(z, y):
    if y.dtype == torch.float64:
        return F.mse_loss(z, y)
    return F.cross_entropy(z.reshape(-1, z.shape[-1]), y.flatten())


def values(tensors, kept, model, x, y, columns=COLUMNS, loss_of=usual_loss):
    names = sorted(tensors)
    sizes = [tensors[n].numel() for n in names]

    def out(theta):
        w = {n: p.view(tensors[n].shape) for n, p in zip(names, theta.split(sizes))}
        return model({**w, **kept}, x)

    def loss(theta):
        return loss_of(out(theta), y)

    theta = torch.cat([tensors[n].reshape(-1) for n in names])
    hessian = torch.autograd.functional.hessian(loss, theta)
    gradient = torch.autograd.functional.jacobian(loss, theta)
    z = out(theta).detach()
    jacobian = torch.autograd.functional.jacobian(lambda t: out(t).flatten(), theta)

    def outer(z):
        return loss_of(z.view(out(theta).shape), y)

    curve = torch.autograd.functional.hessian(outer, z.flatten())
    chosen = torch.arange(columns) * (len(theta) - 1) // (columns - 1)
    return {"loss": loss(theta).reshape(1), "gradient": gradient, "hessian": hessian[chosen],
            "gauss_newton": (jacobian.T @ curve @ jacobian)[chosen]}


def save_reference(folder, case, reference):
    save_file({n: t.detach().contiguous() for n, t in reference.items()},
              f"{folder}/{case}/reference.safetensors")
    print(f"{case}: {reference['gradient'].numel()} parameters, "
          f"loss {reference['loss'].item():.6f}")


def make_decoder(folder, case):
    import against_transformers as library
    model, rng = library.random_model(*DECODERS[case], seed=5)
    tokens = torch.randint(model.config.vocab_size, (3, 6), generator=rng)
    pad = model.config.pad_token_id
    if pad is not None and (tokens[:, -2:] == pad).all(1).any():  # random ids are no padding
        model.config.pad_token_id = model.generation_config.pad_token_id = None
    model.save_pretrained(f"{folder}/{case}")
    np.save(f"{folder}/{case}/tokens.npy", tokens.numpy().astype(np.int32))
    with open(f"{folder}/{case}/job.yaml", "w") as f:
        f.write("model: {config: config.json, checkpoint: model.safetensors}\n"
                "data: {tokens: tokens.npy, sequences: 3}\n")

    # save_pretrained gives the head of GPT-NeoX another name than the class has for it.
    head = {"lm_head.weight": "embed_out.weight"} if case == "gpt_neox" else {}
    params = dict(model.named_parameters())

    def logits(w, x):
        w = {n: w[head.get(n, n)] for n in params}
        return torch.func.functional_call(model, w, (), dict(input_ids=x, use_cache=False)).logits

    tensors = {head.get(n, n): p.detach() for n, p in params.items()}
    save_reference(folder, case, values(tensors, {}, logits, tokens[:, :-1], tokens[:, 1:],
                                        DECODER_COLUMNS))


def make_encoder(folder, case):
    import against_transformers as library
    kind, keys, pad, data, loss = ENCODERS[case]
    model, rng = library.random_model(kind, keys, seed=5)
    x = torch.randint(2, model.config.vocab_size, (3, 5), generator=rng)
    x = torch.where(MASK == 1, x, pad)
    types = torch.randint(2, (3, 5), generator=rng)
    given = dict(input_ids=x, attention_mask=MASK)
    arrays = {"x": x}
    if "mask" in data:
        arrays["mask"] = MASK
    if "types" in data:
        given["token_type_ids"] = arrays["types"] = types
    outputs = model.config.vocab_size if kind.endswith("MaskedLM") else model.config.num_labels
    y = {"tokens": torch.where((MASK == 1) & (types == 1),
                               torch.randint(outputs, (3, 5), generator=rng), -100),
         "classes": torch.tensor([1, 0, 2]),
         "regression": torch.tensor([0.5, -1.0, 2.0]),
         "binary": torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])}[loss]
    arrays["y"] = y
    loss_of = {"regression": lambda z, y: F.mse_loss(z.squeeze(-1), y),
               "binary": F.binary_cross_entropy_with_logits}.get(loss, usual_loss)
    model.save_pretrained(f"{folder}/{case}")
    for name, array in arrays.items():
        floats = array.is_floating_point()
        np.save(f"{folder}/{case}/{name}.npy", array.numpy().astype("<f8" if floats else "<i4"))
    with open(f"{folder}/{case}/job.yaml", "w") as f:
        f.write("model: {config: config.json, checkpoint: model.safetensors}\n"
                f"data: {{inputs: x.npy, {data}}}\n")

    def logits(w, x):
        return torch.func.functional_call(model, w, (), given).logits

    tensors = {n: p.detach() for n, p in model.named_parameters()}
    save_reference(folder, case, values(tensors, {}, logits, x, y, DECODER_COLUMNS, loss_of))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else f"{here}/../tests/families"
    with open(f"{folder}/shapes.txt") as f:
        shapes = {}
        for line in f:
            case, name, *shape = line.split()
            shapes.setdefault(case, {})[name] = [int(s) for s in shape]
    wanted = sys.argv[2:] or [*CASES, *DECODERS, *ENCODERS]
    for case in [c for c in wanted if c in CASES]:
        keys, data, x, y, model = CASES[case]
        torch.manual_seed(5)
        tensors, kept = {}, {}
        for name, shape in shapes[case].items():
            buffer = "running" in name
            base = 1.0 if name.endswith("running_var") or (
                name.endswith("weight") and len(shape) == 1) else 0.0
            values_of = base + 0.3 * torch.randn(shape)
            (kept if buffer else tensors)[name] = values_of.abs() if buffer and base else values_of
        x = torch.randint(x, (3, 5)) if isinstance(x, int) else torch.randn(x)
        if "padding" in data:
            x = torch.where(torch.arange(5) < torch.tensor([[5], [3], [4]]), x.clamp(min=1), 0)
        if isinstance(y, int):
            y = torch.arange(len(x)) % y
        elif case == "bert":
            y = torch.randint(9, y)
            y[:, ::2] = -100
        else:
            y = torch.randn(y)
        os.makedirs(f"{folder}/{case}", exist_ok=True)
        with open(f"{folder}/{case}/job.yaml", "w") as f:
            f.write(f"model: {{{keys}, checkpoint: model.safetensors}}\ndata: {{{data}}}\n")
        save_file({**tensors, **kept}, f"{folder}/{case}/model.safetensors")
        np.save(f"{folder}/{case}/x.npy", x.numpy())
        np.save(f"{folder}/{case}/y.npy", y.numpy())
        reference = values(tensors, kept, model, x, y)
        save_reference(folder, case, reference)
    for case in [c for c in wanted if c in DECODERS]:
        make_decoder(folder, case)
    for case in [c for c in wanted if c in ENCODERS]:
        make_encoder(folder, case)


main()
