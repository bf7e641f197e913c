/* The keys that config.json files of decoders share. Sources of the rotary scalings:
   Chen et al., arXiv:2306.15595 (linear); Peng et al., arXiv:2309.00071 (yarn); Llama
   Team, arXiv:2407.21783 (llama3); Ding et al., arXiv:2402.13753 (longrope); the
   formulas are those of Hugging Face's transformers, modeling_rope_utils.py. */
#include "network/families/decoder.h"

#include <math.h>
#include <string.h>

void hesse_config_decoder(hesse_config *c, hesse_arch *a, bool tied)
{
    hesse_attention *t = &a->attention;
    a->layers = hesse_config_integer(c, "num_hidden_layers", HESSE_CONFIG_LAYERS,
                                     HESSE_REQUIRED);
    a->width =
        hesse_config_integer(c, "hidden_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->vocabulary =
        hesse_config_integer(c, "vocab_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->positions = hesse_config_integer(c, "max_position_embeddings", HESSE_CONFIG_MOST,
                                        HESSE_REQUIRED);
    t->heads = hesse_config_integer(c, "num_attention_heads", HESSE_CONFIG_MOST,
                                    HESSE_REQUIRED);
    t->kv_heads =
        hesse_config_integer(c, "num_key_value_heads", HESSE_CONFIG_MOST, t->heads);
    t->size = hesse_config_integer(c, "head_dim", HESSE_CONFIG_MOST,
                                   t->heads <= a->width ? a->width / t->heads : 1);
    if (!hesse_config_value(c, "head_dim") && a->width % t->heads)
        hesse_config_refuse(c, "hidden_size", "a multiple of num_attention_heads");
    const char *size = hesse_config_value(c, "head_dim") ? "head_dim" : "hidden_size";
    if (t->size > HESSE_CONFIG_MOST / t->heads)
        hesse_config_refuse(c, size, "fewer than 2^24 channels in all heads");
    if (t->heads % t->kv_heads)
        hesse_config_refuse(c, "num_key_value_heads",
                            "a divisor of num_attention_heads");
    a->tied = hesse_config_truth(c, "tie_word_embeddings", tied);
}

/* Set the frequencies theta^(-2 j / turned) of all pairs. */
static void plain_frequencies(hesse_rotary *r, double theta, int turned)
{
    r->pairs = turned / 2;
    for (int j = 0; j < r->pairs; j++) r->frequency[j] = pow(theta, -2.0 * j / turned);
}

/* Return a number that must be there. */
static double needed(hesse_config *c, const char *key)
{
    if (!hesse_config_value(c, key)) hesse_config_refuse(c, key, "a number above 0");
    return hesse_config_positive(c, key, 1);
}

static void scale_linear(hesse_config *c, hesse_rotary *r)
{
    const double factor = needed(c, "factor");
    for (int j = 0; j < r->pairs; j++) r->frequency[j] /= factor;
}

/* Return the length that the model was trained with before it was extended. It stands
   beside the scaling or, in files of Phi 3, outside of it. */
static double original_length(hesse_config *c, hesse_config *in, const hesse_arch *a)
{
    static const char key[] = "original_max_position_embeddings";
    const double outside = hesse_config_positive(c, key, a->positions);
    const double inside = hesse_config_positive(in, key, outside);
    if (hesse_config_value(c, key) && inside != outside)
        hesse_config_refuse(in, key, "the same number as outside of this object");
    return inside;
}

static void scale_llama3(hesse_config *c, double trained, hesse_rotary *r)
{
    const double factor = needed(c, "factor"), low = needed(c, "low_freq_factor");
    const double high = needed(c, "high_freq_factor"), pi = acos(-1);
    if (!(high > low))
        hesse_config_refuse(c, "high_freq_factor", "a number above low_freq_factor");
    if (c->s) return;
    for (int j = 0; j < r->pairs; j++) {
        const double length = 2 * pi / r->frequency[j];
        const double smooth = (trained / length - low) / (high - low);
        const double share = smooth < 0 ? 0 : smooth > 1 ? 1 : smooth;
        r->frequency[j] *= share + (1 - share) / factor;
    }
}

/* The pair that turns `turns` times over the original length, as a real number. */
static double pair_of_turns(double turns, int turned, double theta, double length)
{
    return turned * log(length / (turns * 2 * acos(-1))) / (2 * log(theta));
}

static double mscale(double factor, double weight)
{
    return factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1;
}

static void scale_yarn(hesse_config *c, const hesse_arch *a, double trained,
                       hesse_rotary *r)
{
    const double theta = a->attention.rope_theta;
    const double factor =
        a->positions > trained
            ? hesse_config_positive(c, "factor", a->positions / trained)
            : needed(c, "factor");
    const double weight = hesse_config_positive(c, "mscale", 0);
    const double all = hesse_config_positive(c, "mscale_all_dim", 0);
    const double own = weight > 0 && all > 0
                           ? mscale(factor, weight) / mscale(factor, all)
                           : mscale(factor, 1);
    const int turned = 2 * r->pairs;
    const bool whole = hesse_config_truth(c, "truncate", true);
    double low = pair_of_turns(hesse_config_positive(c, "beta_fast", 32), turned, theta,
                               trained);
    double high =
        pair_of_turns(hesse_config_positive(c, "beta_slow", 1), turned, theta, trained);
    r->scale = hesse_config_positive(c, "attention_factor", own);
    if (whole) low = floor(low), high = ceil(high);
    low = low > 0 ? low : 0, high = high < turned - 1 ? high : turned - 1;
    if (low == high) high += 0.001;
    for (int j = 0; j < r->pairs; j++) {
        const double at = (j - low) / (high - low);
        const double ramp = at < 0 ? 0 : at > 1 ? 1 : at;
        r->frequency[j] *= ramp / factor + 1 - ramp;
    }
}

/* Up to the original length the short factors hold. */
static void scale_longrope(hesse_config *c, const hesse_arch *a, double trained,
                           hesse_rotary *r)
{
    const double factor = hesse_config_positive(c, "factor", a->positions / trained);
    const double own = factor <= 1 ? 1 : sqrt(1 + log(factor) / log(trained));
    const json_t *list = hesse_config_value(c, "short_factor");
    r->scale = hesse_config_positive(c, "attention_factor", own);
    r->longest = (int)trained;
    if ((int)json_array_size(list) != r->pairs) {
        hesse_config_refuse(c, "short_factor", "a number for each rotary pair");
        return;
    }
    for (int j = 0; j < r->pairs; j++) {
        const double x = json_number_value(json_array_get(list, (size_t)j));
        if (!(x > 0)) hesse_config_refuse(c, "short_factor", "numbers above 0");
        if (x > 0) r->frequency[j] /= x;
    }
}

/* `in` is the object that holds the scaling: rope_scaling or rope_parameters. */
static void scale(hesse_config *in, hesse_arch *a, double trained)
{
    hesse_rotary *r = &a->decoder.rotary;
    const char *key = hesse_config_value(in, "rope_type") ? "rope_type" : "type";
    const char *type = hesse_config_string(in, key, "default");
    if (!hesse_config_value(in, key) && hesse_config_value(in, "factor"))
        hesse_config_refuse(in, key, "the kind of scaling that the factor belongs to");
    if (strcmp(type, "linear") == 0)
        scale_linear(in, r);
    else if (strcmp(type, "llama3") == 0)
        scale_llama3(in, trained, r);
    else if (strcmp(type, "yarn") == 0)
        scale_yarn(in, a, trained, r);
    else if (strcmp(type, "longrope") == 0 || strcmp(type, "su") == 0)
        scale_longrope(in, a, trained, r);
    else if (strcmp(type, "dynamic") == 0)
        r->longest = a->positions;
    else if (strcmp(type, "default") != 0)
        hesse_config_refuse(in, key,
                            "\"default\", \"linear\", \"dynamic\", \"yarn\", "
                            "\"longrope\" or \"llama3\"");
}

static double fraction_in(hesse_config *c, const char *key, double absent, bool partial)
{
    const double x = hesse_config_positive(c, key, absent);
    if (!partial && x != 1) hesse_config_refuse(c, key, "1 for this model_type");
    if (x <= 1) return x;
    hesse_config_refuse(c, key, "a fraction, at most 1");
    return 1;
}

/* Step into the parameters of one kind of layers, where a file has them for each kind;
   they must be equal. */
static void enter_kind(hesse_config *in)
{
    const json_t *full = hesse_config_value(in, "full_attention");
    const json_t *sliding = hesse_config_value(in, "sliding_attention");
    if (!full && !sliding) return;
    if (!json_is_object(full))
        hesse_config_refuse(in, "full_attention", "an object");
    else if (!json_equal(full, sliding))
        hesse_config_refuse(in, "sliding_attention",
                            "the values of full_attention: all layers have the same "
                            "rotary embedding here");
    in->root = full;
    in->scope = "rope_parameters.full_attention.";
}

/* rope_theta and the fraction stand beside the scaling in files of transformers 5, and
   outside of it before. */
void hesse_config_rotary(hesse_config *c, hesse_arch *a, double theta, double fraction,
                         bool partial)
{
    static const char *const objects[] = {"rope_scaling", "rope_parameters"};
    hesse_rotary *r = &a->decoder.rotary;
    theta = hesse_config_positive(
        c, hesse_config_value(c, "rotary_emb_base") ? "rotary_emb_base" : "rope_theta",
        theta);
    fraction = fraction_in(
        c, hesse_config_value(c, "rotary_pct") ? "rotary_pct" : "partial_rotary_factor",
        fraction, partial);
    hesse_config in[2] = {*c, *c};
    for (int i = 0; !c->s && i < 2; i++) {
        const json_t *object = hesse_config_value(c, objects[i]);
        in[i].root = object;
        in[i].scope = i ? "rope_parameters." : "rope_scaling.";
        if (object && !json_is_object(object))
            hesse_config_refuse(c, objects[i], "an object");
        if (!object || c->s) continue;
        if (i) enter_kind(&in[i]);
        theta = hesse_config_positive(&in[i], "rope_theta", theta);
        fraction = fraction_in(&in[i], "partial_rotary_factor", fraction, partial);
        c->s = in[i].s;
    }
    if (in[0].root && in[1].root && !c->s && !json_equal(in[0].root, in[1].root))
        hesse_config_refuse(c, "rope_scaling",
                            "the same as rope_parameters, or no key");
    if (in[0].root && in[1].root) in[0].root = NULL; /* they are scaled once */
    const int turned = (int)(a->attention.size * fraction);
    a->attention.rope_theta = theta;
    r->fraction = fraction;
    if (c->s) return;
    if (turned < 2 || turned % 2) {
        hesse_config_refuse(
            c, hesse_config_value(c, "head_dim") ? "head_dim" : "hidden_size",
            "an even number of rotary channels for each head");
        return;
    }
    if (turned / 2 > HESSE_MOST_PAIRS) {
        hesse_config_refuse(c, "head_dim", "at most 512 rotary channels for each head");
        return;
    }
    plain_frequencies(r, theta, turned);
    for (int i = 0; !c->s && i < 2; i++) {
        if (!in[i].root) continue;
        scale(&in[i], a, original_length(c, &in[i], a));
        c->s = in[i].s;
    }
}

void hesse_config_windows(hesse_config *c, hesse_arch *a, bool by_default)
{
    hesse_arch_decoder *d = &a->decoder;
    const json_t *types = hesse_config_value(c, "layer_types");
    d->window = hesse_config_value(c, "sliding_window")
                    ? hesse_config_integer(c, "sliding_window", HESSE_CONFIG_MOST,
                                           HESSE_REQUIRED)
                    : 0;
    if (types && (int)json_array_size(types) != a->layers)
        hesse_config_refuse(c, "layer_types", "a list with one entry for each layer");
    for (int l = 0; !c->s && l < a->layers; l++) {
        const char *type = json_string_value(json_array_get(types, (size_t)l));
        const bool windowed =
            types ? type && strcmp(type, "sliding_attention") == 0 : by_default;
        if (types && !windowed && (!type || strcmp(type, "full_attention") != 0))
            hesse_config_refuse(c, "layer_types",
                                "\"full_attention\" or \"sliding_attention\" for each "
                                "layer");
        if (windowed && !d->window)
            hesse_config_refuse(c, "sliding_window",
                                "the tokens that a layer of sliding attention sees");
        if (windowed) hesse_layers_add(d->windowed, l);
    }
    hesse_windows_settle(d);
}

/* A list that says something else is refused: the model may have been trained with it,
   and the class of transformers does not look at it. */
void hesse_config_common_window(hesse_config *c, hesse_arch *a)
{
    const json_t *types = hesse_config_value(c, "layer_types");
    const json_t *window = hesse_config_value(c, "sliding_window");
    const char *all = window ? "sliding_attention" : "full_attention";
    char expected[160];
    hesse_config_windows(c, a, window);
    snprintf(expected, sizeof expected,
             "\"%s\" for each layer: in transformers sliding_window decides for all "
             "layers of this model_type",
             all);
    for (int l = 0; !c->s && types && l < a->layers; l++) {
        const char *type = json_string_value(json_array_get(types, (size_t)l));
        if (strcmp(type, all) != 0 && json_integer_value(window) < a->positions)
            hesse_config_refuse(c, "layer_types", expected);
    }
}

void hesse_windows_settle(hesse_arch_decoder *d)
{
    bool any = false;
    for (int i = 0; i < HESSE_MOST_LAYERS / 8; i++) any |= d->windowed[i];
    if (!any) d->window = 0;
}
