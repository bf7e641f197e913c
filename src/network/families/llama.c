/* Llama and the decoders that share its tensors: rotary positions, a gated MLP, key and
   value heads that query heads share. A model type is a row of the table below; what it
   varies is described by hesse_arch_decoder.
   Sources: Touvron et al., arXiv:2302.13971; Jiang et al., arXiv:2310.06825 (Mistral);
   Yang et al., arXiv:2407.10671 (Qwen2) and arXiv:2505.09388 (Qwen3); Groeneveld et
   al., arXiv:2402.00838 (OLMo) and arXiv:2501.00656 (OLMo 2). Names as in Hugging
   Face's transformers. */
#include "network/families/decoder.h"

#include <string.h>

typedef struct variant {
    const char *type; /* model_type of config.json */
    hesse_norm norm;
    hesse_query_key_norm query_key_norm;
    bool norm_after; /* and not before */
    double eps;      /* of the norms, where the file does not say it */
    bool tied;       /* where the file does not say it */
    int head_size;   /* where the file does not say it; 0: hidden_size / heads */
    double theta;    /* where the file does not say it; 0: 10000 */
} variant;

static const variant variants[] = {
    {"llama", HESSE_NORM_RMS, HESSE_QUERY_KEY_NORM_NONE, .eps = 1e-6},
    {"mistral", HESSE_NORM_RMS, HESSE_QUERY_KEY_NORM_NONE, .eps = 1e-6},
    {"qwen2", HESSE_NORM_RMS, HESSE_QUERY_KEY_NORM_NONE, .eps = 1e-6},
    {"qwen3", HESSE_NORM_RMS, HESSE_QUERY_KEY_NORM_HEAD, .eps = 1e-6, .head_size = 128},
    {"olmo", HESSE_NORM_LAYER_PLAIN, HESSE_QUERY_KEY_NORM_NONE, .eps = 1e-5},
    {"olmo2", HESSE_NORM_RMS, HESSE_QUERY_KEY_NORM_ALL, true, .eps = 1e-5},
    {"olmo3", HESSE_NORM_RMS, HESSE_QUERY_KEY_NORM_ALL, true, .eps = 1e-5},
    {"smollm3", HESSE_NORM_RMS, HESSE_QUERY_KEY_NORM_NONE, .eps = 1e-6, .tied = true,
     .theta = 2e6},
    {"granite", HESSE_NORM_RMS, HESSE_QUERY_KEY_NORM_NONE, .eps = 1e-6},
};
static const char *const types[] = {"llama", "mistral", "qwen2",   "qwen3",   "olmo",
                                    "olmo2", "olmo3",   "smollm3", "granite", NULL};

static bool is(const variant *v, const char *type)
{
    return strcmp(v->type, type) == 0;
}

/* Qwen: from layer max_window_layers on there is a window, if it is used at all. */
static void read_qwen_windows(hesse_config *c, hesse_arch *a)
{
    const json_t *window = json_object_get(c->root, "sliding_window");
    if (!hesse_config_truth(c, "use_sliding_window", false)) return;
    if (window && json_is_null(window)) return;
    if (hesse_config_value(c, "layer_types")) {
        hesse_config_windows(c, a, false);
        return;
    }
    const int first =
        hesse_config_whole(c, "max_window_layers", HESSE_CONFIG_LAYERS, 28);
    a->decoder.window =
        hesse_config_integer(c, "sliding_window", HESSE_CONFIG_MOST, 4096);
    for (int l = first; l < a->layers; l++) hesse_layers_add(a->decoder.windowed, l);
    hesse_windows_settle(&a->decoder);
}

/* SmolLM 3 leaves every fourth layer without rotary embedding, or those that a list of
   0 and 1 names. */
static void read_unrotated(hesse_config *c, hesse_arch *a)
{
    const json_t *list = hesse_config_value(c, "no_rope_layers");
    const int every =
        hesse_config_integer(c, "no_rope_layer_interval", HESSE_CONFIG_LAYERS, 4);
    if (list && (int)json_array_size(list) != a->layers)
        hesse_config_refuse(c, "no_rope_layers", "a list of 0 or 1 for each layer");
    for (int l = 0; !c->s && l < a->layers; l++) {
        const json_t *x = json_array_get(list, (size_t)l);
        const bool turned = list ? json_integer_value(x) == 1 : (l + 1) % every != 0;
        if (!turned) hesse_layers_add(a->decoder.unrotated, l);
    }
}

/* SmolLM 3: if windows are used at all, the layers without rotary embedding have them.
 */
static void read_smollm_windows(hesse_config *c, hesse_arch *a)
{
    const json_t *window = json_object_get(c->root, "sliding_window");
    if (!hesse_config_truth(c, "use_sliding_window", false)) return;
    if (window && json_is_null(window)) return;
    if (hesse_config_value(c, "layer_types")) {
        hesse_config_windows(c, a, false);
        return;
    }
    a->decoder.window =
        hesse_config_integer(c, "sliding_window", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    memcpy(a->decoder.windowed, a->decoder.unrotated, sizeof a->decoder.windowed);
}

/* OLMo 3 scales the rotary embedding only in layers without a window. A file that says
   nothing of rope_theta means 10000 in some versions of transformers and 500000 in
   others. */
static void check_olmo3_rotary(hesse_config *c, const hesse_arch *a)
{
    const json_t *all = hesse_config_value(c, "rope_parameters");
    const json_t *full = json_object_get(all, "full_attention");
    const json_t *old = hesse_config_value(c, "rope_scaling");
    const json_t *kind = json_object_get(old, "rope_type");
    const char *type = json_string_value(kind ? kind : json_object_get(old, "type"));
    if (all && !full)
        hesse_config_refuse(c, "rope_parameters",
                            "an object with full_attention and sliding_attention");
    if (!json_object_get(full, "rope_theta") && !hesse_config_value(c, "rope_theta"))
        hesse_config_refuse(c, "rope_theta", "a number above 0");
    if (a->decoder.window && old && (!type || strcmp(type, "default") != 0))
        hesse_config_refuse(c, "rope_scaling",
                            "null: it would hold for the layers without a window "
                            "alone, and all layers have the same rotary embedding "
                            "here");
}

/* OLMo 3: three of four layers have a window, unless a list says otherwise. */
static void read_olmo3(hesse_config *c, hesse_arch *a)
{
    if (hesse_config_value(c, "layer_types")) {
        hesse_config_windows(c, a, false);
    } else {
        const bool said = json_object_get(c->root, "sliding_window");
        a->decoder.window = hesse_config_integer(c, "sliding_window", HESSE_CONFIG_MOST,
                                                 said ? HESSE_REQUIRED : 4096);
        for (int l = 0; l < a->layers; l++)
            if ((l + 1) % 4) hesse_layers_add(a->decoder.windowed, l);
    }
    check_olmo3_rotary(c, a);
}

/* Granite: four factors. */
static void read_factors(hesse_config *c, hesse_arch *a)
{
    a->decoder.embedding_scale = hesse_config_positive(c, "embedding_multiplier", 1);
    a->decoder.residual_scale = hesse_config_positive(c, "residual_multiplier", 1);
    a->decoder.score_divisor = 1 / hesse_config_positive(c, "attention_multiplier", 1);
    a->decoder.logit_scale = 1 / hesse_config_positive(c, "logits_scaling", 1);
}

static void read_own(hesse_config *c, hesse_arch *a, const variant *v)
{
    const bool qwen2 = is(v, "qwen2");
    a->attention_bias =
        is(v, "mistral") ? false : hesse_config_truth(c, "attention_bias", qwen2);
    a->decoder.output_bias = a->attention_bias && !qwen2;
    if (qwen2 && !a->attention_bias)
        hesse_config_refuse(c, "attention_bias", "true, as Qwen2 has it");
    a->mlp_bias = is(v, "llama") || is(v, "smollm3") || is(v, "granite")
                      ? hesse_config_truth(c, "mlp_bias", false)
                      : false;
    if (qwen2 || is(v, "qwen3")) read_qwen_windows(c, a);
    if (is(v, "mistral")) hesse_config_common_window(c, a);
    if (is(v, "olmo3")) read_olmo3(c, a);
    if (is(v, "smollm3")) read_unrotated(c, a), read_smollm_windows(c, a);
    if (is(v, "granite")) read_factors(c, a);
    if (hesse_config_value(c, "clip_qkv"))
        hesse_config_refuse(c, "clip_qkv",
                            "null: clipped queries, keys and values are not computed "
                            "here");
}

static void read_config(hesse_config *c, hesse_arch *a)
{
    const char *type = hesse_config_string(c, "model_type", "llama");
    const variant *v = variants;
    while (v + 1 < variants + sizeof variants / sizeof *variants && !is(v, type)) v++;
    /* Keys that a file of Mistral leaves out have other defaults than elsewhere. */
    if (is(v, "mistral") && !json_object_get(c->root, "sliding_window"))
        hesse_config_refuse(c, "sliding_window", "null or a number of tokens");
    if (is(v, "mistral") && !hesse_config_value(c, "num_key_value_heads"))
        hesse_config_refuse(c, "num_key_value_heads", "a number of heads");
    hesse_config_decoder(c, a, v->tied);
    if (v->head_size && !hesse_config_value(c, "head_dim"))
        a->attention.size = v->head_size;
    a->inner =
        hesse_config_integer(c, "intermediate_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->activation = hesse_config_activation(c, "hidden_act", "silu");
    a->norm_eps = v->norm == HESSE_NORM_LAYER_PLAIN
                      ? v->eps
                      : hesse_config_positive(c, "rms_norm_eps", v->eps);
    a->decoder.norm = v->norm;
    a->decoder.query_key_norm = v->query_key_norm;
    a->decoder.norm_after = v->norm_after, a->decoder.norm_before = !v->norm_after;
    hesse_config_rotary(c, a, v->theta > 0 ? v->theta : 10000, 1, false);
    read_own(c, a, v);
}

static const hesse_decoder_names names = {
    .prefixes = {"model.", "", "transformer."},
    .anchor = "layers.0.self_attn.q_proj.weight",
    .embedding = "embed_tokens.weight",
    .layers = "layers.",
    .before_attention = "input_layernorm",
    .after_attention = "post_attention_layernorm",
    .before_mlp = "post_attention_layernorm",
    .after_mlp = "post_feedforward_layernorm",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .output = "self_attn.o_proj",
    .query_norm = "self_attn.q_norm",
    .key_norm = "self_attn.k_norm",
    .gate = "mlp.gate_proj",
    .up = "mlp.up_proj",
    .down = "mlp.down_proj",
    .final_norm = "norm",
    .head = "lm_head",
    .buffers = {"self_attn.rotary_emb.inv_freq"},
    .biases = {"norm.bias"},
};

static const hesse_arch_decoder style = {.norm = HESSE_NORM_RMS,
                                         .norm_before = true,
                                         .final_norm = true,
                                         .rotary = {.fraction = 1}};

static const hesse_owned_key keys[] = {
    {"config", NULL},        {"layers", "2"},       {"heads", "2"},
    {"kv_heads", NULL},      {"head_size", NULL},   {"width", "32"},
    {"inner", NULL},         {"context", "32"},     {"vocabulary", NULL},
    {"activation", "silu"},  {"norm_eps", "1e-5"},  {"rope_theta", "1e4"},
    {"tied", "false"},       {"bias", "false"},     {"temperature", NULL},
    {"attention", "causal"}, {"kernel", "softmax"}, {NULL, NULL}};

const hesse_family hesse_family_llama = {
    .name = "llama",
    .help = "Llama, Mistral, Qwen2, Qwen3, OLMo, OLMo 2 and 3, SmolLM and Granite: a "
            "decoder with rotary positions and a gated MLP.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .even_heads = true,
    .keys = keys,
    .check = hesse_decoder_check,
    .build = hesse_decoder_build,
    .config_types = types,
    .read_config = read_config,
    .decoder = &names,
    .style = &style,
    .probe = hesse_decoder_find_head,
};
