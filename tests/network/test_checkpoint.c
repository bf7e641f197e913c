/* Checkpoints in all published layouts. The test writes them from the list of
   parameters: element i of the tensor whose parameter begins at offset o holds a number
   that encodes both. Then each checkpoint gets one mistake, which must be found. */
#include "check_files.h"

#include "network/families/config.h"
#include "network/layout.h"
#include "network/weights.h"

#include <math.h>

static const char FILE_NAME[] = "model.safetensors";

enum { ROOM = 1 << 15 };

/* A safetensors file of float32 numbers that is being made. */
typedef struct builder {
    char header[ROOM];
    float data[ROOM];
    size_t count;
} builder;

/* Add a tensor and return its numbers; cols = 0: it has one dimension. */
static float *add(builder *b, const char *name, int rows, int cols)
{
    const size_t at = strlen(b->header),
                 count = (size_t)rows * (size_t)(cols ? cols : 1);
    float *x = b->data + b->count;
    char shape[32];
    assert_true(b->count + count <= ROOM && at + 300 < ROOM);
    snprintf(shape, sizeof shape, cols ? "[%d,%d]" : "[%d]", rows, cols);
    snprintf(b->header + at, ROOM - at,
             "%c\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
             at ? ',' : '{', name, shape, 4 * b->count, 4 * (b->count + count));
    b->count += count;
    return x;
}

static void finish(builder *b)
{
    strcat(b->header, "}");
    write_safetensors(FILE_NAME, b->header, b->data, 4 * b->count);
}

enum { GPT2, LLAMA, BERT };
static const char *const names[] = {"gpt2", "llama", "bert"};

static hesse_arch tiny(int family)
{
    hesse_arch a = {.layers = 2,
                    .width = 6,
                    .inner = 5,
                    .vocabulary = 11,
                    .positions = 7,
                    .attention = {.heads = 3, .kv_heads = 3, .size = 2},
                    .tied = true};
    strcpy(a.family, names[family]);
    if (family == LLAMA) a.attention.kv_heads = 1;
    if (family == GPT2) a.attention_bias = a.mlp_bias = true;
    strcpy(a.layout.prefix, family == LLAMA ? "model." : "transformer.");
    return a;
}

static float element(const hesse_param *p, int row, int col)
{
    return (float)(p->offset + (size_t)(row * p->cols + col)) + 0.5f;
}

/* Rows and columns of the tensor that holds a parameter. */
static int stored_rows(const hesse_param *p)
{
    return p->out_rows && p->slice.total ? p->slice.total : p->rows;
}

static int stored_cols(const hesse_param *p)
{
    return !p->out_rows && p->slice.total ? p->slice.total : p->cols;
}

/* Put a parameter's numbers in their place within a fused tensor. */
static void put(const hesse_param *p, float *x)
{
    const int fused_cols = stored_cols(p);
    const int row = p->out_rows ? p->slice.first : 0;
    const int col = p->out_rows ? 0 : p->slice.first;
    for (int i = 0; i < p->rows; i++)
        for (int j = 0; j < p->cols; j++)
            x[(row + i) * fused_cols + col + j] = element(p, i, j);
}

/* The changes that one test makes to a checkpoint. */
typedef struct change {
    const char *wrapper;  /* put before every name */
    const char *inner;    /* put after the number of a layer */
    const char *skip;     /* tensor that is left out                 */
    const char *reshape;  /* tensor that gets one row more           */
    const char *extra[3]; /* further tensors                         */
    bool head_copy;       /* add a copy of the embedding under the head's name */
    float head_error;     /* added to the last element of that copy */
    bool nan;             /* the last element of the last tensor is NaN */
} change;

static void write_checkpoint(const hesse_arch *arch, const change *c)
{
    static builder b;
    hesse_params params;
    hesse_why why;
    const char *wrapper = c->wrapper ? c->wrapper : "";
    char name[2 * HESSE_NAME];
    b = (builder){0};
    assert_int_equal(hesse_params_new(arch, &params, &why), HESSE_OK);
    for (const hesse_param *p = params.list; p < params.list + params.count; p++) {
        if (p->slice.first > 0 || (c->skip && strcmp(p->tensor, c->skip) == 0))
            continue;
        const int more = c->reshape && strcmp(p->tensor, c->reshape) == 0;
        const int rows = p->vector ? stored_cols(p) : stored_rows(p);
        const int cols = p->vector ? 0 : stored_cols(p);
        const size_t digit = strcspn(p->tensor, "0123456789");
        const size_t layer = c->inner && p->tensor[digit] ? digit + 2 : 0;
        snprintf(name, sizeof name, "%s%.*s%s%s", wrapper, (int)layer, p->tensor,
                 layer ? c->inner : "", p->tensor + layer);
        float *x = add(&b, name, rows + more, cols);
        for (const hesse_param *q = p; q < params.list + params.count; q++)
            if (strcmp(q->tensor, p->tensor) == 0) put(q, x);
    }
    if (c->nan) b.data[b.count - 1] = NAN;
    for (int i = 0; i < 3 && c->extra[i]; i++) add(&b, c->extra[i], 2, 2);
    if (c->head_copy) {
        snprintf(name, sizeof name, "%slm_head.weight", wrapper);
        put(params.list, add(&b, name, arch->vocabulary, arch->width));
        b.data[b.count - 1] += c->head_error;
    }
    finish(&b);
    hesse_params_free(&params);
}

/* Probe and read into fresh parameters of the arch. */
static hesse_status load(hesse_arch *arch, hesse_params *params, double **theta,
                         hesse_why *note, hesse_why *why)
{
    hesse_safetensors *file;
    char digest[HESSE_DIGEST_LENGTH], expected[HESSE_DIGEST_LENGTH];
    *params = (hesse_params){0};
    *theta = NULL;
    hesse_status s = hesse_safetensors_open(FILE_NAME, &file, why);
    if (!s) s = hesse_weights_probe(file, FILE_NAME, arch, why);
    if (!s) s = hesse_weights_widen(file, FILE_NAME, arch, true, why);
    if (!s) s = hesse_params_new(arch, params, why);
    if (!s) {
        *theta = malloc(params->size * sizeof **theta);
        assert_non_null(*theta);
        s = hesse_weights_read(file, FILE_NAME, arch,
                               &(hesse_tensors){.list = params, .values = *theta}, 1,
                               note, digest, why);
    }
    if (!s) {
        assert_int_equal(hesse_digest_file(FILE_NAME, expected, why), HESSE_OK);
        assert_string_equal(digest, expected);
    }
    hesse_safetensors_close(file);
    return s;
}

/* Assert that it loads, with every number in its place and this note. */
static hesse_arch assert_loads(hesse_arch arch, const char *note_says)
{
    hesse_params params;
    double *theta;
    hesse_why note, why;
    arch.layout = (hesse_layout){.prefix = "wrong.", .tied_as_head = true};
    if (load(&arch, &params, &theta, &note, &why)) fail_msg("%s", why.text);
    assert_string_equal(note.text, note_says);
    for (size_t i = 0; i < params.size; i++) assert_true(theta[i] == (double)i + 0.5);
    hesse_params_free(&params);
    free(theta);
    return arch;
}

static void assert_refused(hesse_arch arch, const char *says)
{
    hesse_params params;
    double *theta;
    hesse_why note, why = {0};
    assert_int_equal(load(&arch, &params, &theta, &note, &why), HESSE_E_INPUT);
    assert_says(&why, FILE_NAME, says);
    hesse_params_free(&params);
    free(theta);
}

static void every_layout_is_recognised(void **state)
{
    (void)state;
    static const char *const prefixes[2][2] = {{"transformer.", ""}, {"model.", ""}};
    static const char *const wrappers[] = {"", "_orig_mod.", "module.",
                                           "module._orig_mod."};
    for (int family = 0; family < 2; family++)
        for (int p = 0; p < 2; p++)
            for (int w = 0; w < 4; w++)
                for (int bits = 0; bits < 8; bits++) {
                    hesse_arch a = tiny(family);
                    strcpy(a.layout.prefix, prefixes[family][p]);
                    a.layout.out_first = family == GPT2 && (bits & 1);
                    a.attention_bias = a.mlp_bias = bits & 2;
                    a.tied = bits & 4;
                    write_checkpoint(&a, &(change){.wrapper = wrappers[w]});
                    const hesse_arch found = assert_loads(a, "");
                    hesse_params params;
                    hesse_why why;
                    assert_int_equal(hesse_params_new(&found, &params, &why), HESSE_OK);
                    assert_int_equal(strncmp(params.list[0].name, prefixes[family][p],
                                             strlen(prefixes[family][p])),
                                     0);
                    assert_null(strstr(params.list[0].name, "_orig_mod"));
                    assert_null(strstr(params.list[0].name, "module"));
                    hesse_params_free(&params);
                    assert_string_equal(found.layout.wrapper, wrappers[w]);
                    assert_string_equal(found.layout.prefix, prefixes[family][p]);
                    assert_int_equal(found.layout.out_first, a.layout.out_first);
                    assert_false(found.layout.tied_as_head);
                }
}

static void write_with_wrapper(int family, const char *wrapper, bool tied)
{
    hesse_arch a = tiny(family);
    a.tied = tied;
    write_checkpoint(&a, &(change){.wrapper = wrapper});
}

/* Any text is a wrapper, also one that is a usual prefix, and modules inside of names
   that only wrap others are left out. */
static void any_wrapper_is_seen_through(void **state)
{
    (void)state;
    static const char *const some[] = {"model.",
                                       "net.",
                                       "_forward_module.",
                                       "_fsdp_wrapped_module.",
                                       "base_model.model.",
                                       "state_dict.policy.pretrained_model.",
                                       "transformer.",
                                       "language_model."};
    for (int family = 0; family < 2; family++)
        for (size_t w = 0; w < sizeof some / sizeof *some; w++)
            for (int tied = 0; tied < 2; tied++) {
                hesse_arch a = tiny(family);
                a.tied = tied;
                write_with_wrapper(family, some[w], tied);
                a = assert_loads(a, "");
                assert_string_equal(a.layout.wrapper, some[w]);
                assert_string_equal(a.layout.prefix, tiny(family).layout.prefix);
            }
    hesse_arch a = tiny(LLAMA);
    strcpy(a.layout.prefix, "model.language_model.");
    a.tied = false;
    write_checkpoint(&a, &(change){.wrapper = "net."});
    assert_string_equal(assert_loads(a, "").layout.prefix, "model.language_model.");
    strcpy(a.layout.prefix, "");
    write_checkpoint(&a, &(change){.wrapper = "model."});
    assert_string_equal(assert_loads(a, "").layout.wrapper, "model.");
}

static void modules_around_layers_are_seen_through(void **state)
{
    (void)state;
    static const char *const some[] = {
        "_fsdp_wrapped_module.", "_orig_mod.",
        "_fsdp_wrapped_module._checkpoint_wrapped_module."};
    for (int family = 0; family < 3; family++)
        for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
            hesse_arch a = tiny(family);
            if (family == BERT) a.task = HESSE_TASK_MASKED, a.types = 2;
            write_checkpoint(&a, &(change){.wrapper = some[0], .inner = some[i]});
            assert_string_equal(assert_loads(a, "").layout.wrapper, some[0]);
        }
    hesse_arch a = tiny(GPT2);
    write_checkpoint(&a, &(change){.inner = some[0],
                                   .extra = {"transformer.h.0._orig_mod.attn.bias",
                                             "transformer.h.0._orig_mod.attn.other"}});
    assert_refused(a, "'transformer.h.0._orig_mod.attn.other' is no parameter");
}

/* Another network with the same names is ignored if it has no embedding of tokens. */
static void the_decoder_is_found_among_networks(void **state)
{
    (void)state;
    hesse_arch a = tiny(LLAMA);
    static const char anchor[] = "layers.0.self_attn.q_proj.weight";
    char audio[80], vision[80], note[200];
    snprintf(audio, sizeof audio, "audio.%s", anchor);
    snprintf(vision, sizeof vision, "vision.%s", anchor);
    snprintf(note, sizeof note, "ignored: %s, %s", audio, vision);
    write_checkpoint(&a, &(change){.wrapper = "text.", .extra = {audio, vision}});
    assert_string_equal(assert_loads(a, note).layout.wrapper, "text.");
    write_checkpoint(&a, &(change){.wrapper = "ema.",
                                   .extra = {"model.layers.0.self_attn.q_proj.weight",
                                             "model.embed_tokens.weight"}});
    assert_refused(a, "found several models, with the tensors "
                      "'ema.model.layers.0.self_attn.q_proj.weight' and "
                      "'model.layers.0.self_attn.q_proj.weight', expected one");
}

static void adapters_and_other_names_are_refused(void **state)
{
    (void)state;
    hesse_arch a = tiny(LLAMA);
    write_checkpoint(
        &a, &(change){.extra = {"model.layers.0.self_attn.q_proj.lora_A.weight"}});
    assert_refused(a, "'model.layers.0.self_attn.q_proj.lora_A.weight' belongs to an "
                      "adapter that is not merged");
    static builder b;
    b = (builder){0};
    add(&b, "layers.0.attention.wq.weight", 6, 6);
    finish(&b);
    assert_refused(a, "'layers.0.attention.wq.weight' has a name of Meta's own files");
}

/* For models that a builder describes, the text with which most parameters are found is
   left out. */
static void wrappers_of_encoders_are_seen_through(void **state)
{
    (void)state;
    static const char *const some[] = {"",
                                       "module.",
                                       "_orig_mod.module.",
                                       "model.net.",
                                       "_forward_module.student.",
                                       "_fsdp_wrapped_module."};
    hesse_arch a = tiny(BERT);
    a.task = HESSE_TASK_MASKED;
    a.types = 2;
    for (size_t w = 0; w < sizeof some / sizeof *some; w++) {
        char pooler[64], ignored[80];
        snprintf(pooler, sizeof pooler, "%sbert.pooler.dense.bias", some[w]);
        snprintf(ignored, sizeof ignored, "ignored: %s", pooler);
        write_checkpoint(&a, &(change){.wrapper = some[w], .extra = {pooler}});
        assert_string_equal(assert_loads(a, ignored).layout.wrapper, some[w]);
    }
    write_checkpoint(&a,
                     &(change){.wrapper = "module.", .skip = "cls.predictions.bias"});
    assert_refused(a, "expected a tensor 'module.cls.predictions.bias', nearest is "
                      "'module.cls.predictions.transform.LayerNorm.bias'");
    write_checkpoint(&a, &(change){.wrapper = "module.", .extra = {"bert.other"}});
    assert_loads(a, "ignored: bert.other");
    write_checkpoint(&a, &(change){.extra = {"bert.other"}});
    assert_refused(a, "'bert.other' is no parameter of this model");
}

static void a_checkpoint_without_biases_has_none(void **state)
{
    (void)state;
    hesse_arch bare = tiny(GPT2), a = bare;
    bare.attention_bias = bare.mlp_bias = false;
    write_checkpoint(&bare, &(change){.extra = {"transformer.h.0.attn.bias"}});
    a = assert_loads(a, "ignored: transformer.h.0.attn.bias (a buffer)");
    assert_false(a.attention_bias || a.mlp_bias);
}

static void a_tied_embedding_may_lie_as_the_head(void **state)
{
    (void)state;
    for (int family = 0; family < 2; family++)
        for (int wrapped = 0; wrapped < 2; wrapped++) {
            hesse_arch a = tiny(family);
            a.layout.tied_as_head = true;
            write_checkpoint(&a, &(change){.wrapper = wrapped ? "_orig_mod." : ""});
            assert_true(assert_loads(a, "").layout.tied_as_head);
            a.tied = false;
            assert_refused(a, "only the head is stored: is tie_word_embeddings: true");
        }
}

static void a_copy_of_the_tied_head_is_ignored_if_equal(void **state)
{
    (void)state;
    hesse_arch a = tiny(LLAMA);
    write_checkpoint(&a, &(change){.head_copy = true});
    assert_loads(a, "ignored: lm_head.weight (equal to the tied embedding)");
    write_checkpoint(&a, &(change){.head_copy = true, .head_error = 1});
    assert_refused(a, "'lm_head.weight' differs from 'model.embed_tokens.weight'");
    write_checkpoint(&a, &(change){.extra = {"lm_head.weight"}});
    assert_refused(a, "'lm_head.weight' differs");
    a.tied = false;
    write_checkpoint(&a, &(change){.skip = "lm_head.weight"});
    assert_refused(a, "'lm_head.weight', the embedding not being tied to the head: is "
                      "tie_word_embeddings: true meant?");
}

static void buffers_and_strangers_are_named(void **state)
{
    (void)state;
    hesse_arch a = tiny(GPT2);
    write_checkpoint(&a,
                     &(change){.extra = {"transformer.h.1.attn.masked_bias",
                                         "transformer.h.0.attn.bias", "score.weight"}});
    assert_loads(a, "ignored: score.weight, transformer.h.0.attn.bias (a buffer), "
                    "transformer.h.1.attn.masked_bias (a buffer)");
    a = tiny(LLAMA);
    write_checkpoint(&a,
                     &(change){.extra = {"model.layers.0.self_attn.rotary_emb.inv_freq",
                                         "model.layers.1.self_attn.rotary_emb.inv_freq",
                                         "model.rotary_emb.inv_freq"},
                               .head_copy = true});
    assert_loads(a, "ignored: lm_head.weight (equal to the tied embedding), "
                    "model.layers.0.self_attn.rotary_emb.inv_freq (a buffer), "
                    "model.layers.1.self_attn.rotary_emb.inv_freq (a buffer), "
                    "model.rotary_emb.inv_freq");
}

static void a_long_note_is_cut(void **state)
{
    (void)state;
    static builder b;
    hesse_arch a = tiny(GPT2);
    hesse_params params;
    double *theta;
    hesse_why note, why;
    write_checkpoint(&a, &(change){.skip = NULL});
    assert_int_equal(load(&a, &params, &theta, &note, &why), HESSE_OK);
    b = (builder){0};
    for (const hesse_param *p = params.list; p < params.list + params.count; p++)
        if (p->slice.first == 0)
            add(&b, p->tensor, p->vector ? stored_cols(p) : p->rows,
                p->vector ? 0 : stored_cols(p));
    for (char c = 'a'; c <= 'i'; c++) add(&b, (char[]){c, 0}, 1, 0);
    finish(&b);
    free(theta);
    hesse_params_free(&params);
    assert_int_equal(load(&a, &params, &theta, &note, &why), HESSE_OK);
    assert_string_equal(note.text, "ignored: a, b, c, d and 5 more");
    write_checkpoint(&a, &(change){.extra = {".", "..layers"}});
    assert_loads(a, "ignored: ., ..layers");
    free(theta);
    hesse_params_free(&params);
}

static void what_would_change_the_function_is_refused(void **state)
{
    (void)state;
    const struct {
        int family;
        const char *extra;
    } cases[] = {
        {GPT2, "transformer.h.2.ln_1.weight"},
        {GPT2, "transformer.h.2.attn.bias"},
        {GPT2, "transformer.h.4294967296.attn.bias"},
        {GPT2, "transformer.h.0.crossattention.c_attn.weight"},
        {GPT2, "lm_head.bias"},
        {LLAMA, "model.layers.0.self_attn.q_norm.weight"},
        {LLAMA, "model.layers.1.self_attn.q_proj.bias"},
        {LLAMA, "model.norm.bias"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hesse_arch a = tiny(cases[i].family);
        char says[160];
        write_checkpoint(&a, &(change){.extra = {cases[i].extra}});
        snprintf(says, sizeof says, "'%s' is no parameter of this model",
                 cases[i].extra);
        assert_refused(a, says);
    }
    /* The file has biases, but the model is said to have none. */
    hesse_arch a = tiny(GPT2);
    write_checkpoint(&a, &(change){.skip = NULL});
    a.attention_bias = a.mlp_bias = false;
    assert_refused(a, ".bias' is no parameter of this model");
}

static void every_tensor_must_be_there_in_its_shape(void **state)
{
    (void)state;
    for (int family = 0; family < 2; family++) {
        const hesse_arch a = tiny(family);
        hesse_params params;
        hesse_why why;
        assert_int_equal(hesse_params_new(&a, &params, &why), HESSE_OK);
        for (const hesse_param *p = params.list; p < params.list + params.count; p++) {
            char says[2 * HESSE_NAME];
            write_checkpoint(&a, &(change){.skip = p->tensor});
            snprintf(says, sizeof says, "'%s'", p->tensor);
            assert_refused(a, says);
            write_checkpoint(&a, &(change){.reshape = p->tensor});
            snprintf(says, sizeof says, "tensor '%s' has shape [", p->tensor);
            assert_refused(a, says);
        }
        hesse_params_free(&params);
    }
    hesse_arch a = tiny(GPT2);
    write_checkpoint(&a, &(change){.skip = NULL});
    a.vocabulary = 12;
    assert_refused(a, "'transformer.wte.weight' has shape [11, 6], expected [12, 6]");
    a = tiny(GPT2);
    a.width = 8;
    assert_refused(a,
                   "'transformer.h.0.attn.c_attn.weight' has shape [6, 18], expected "
                   "[8, 24]");
    a = tiny(GPT2);
    a.layers = 3;
    assert_refused(a, "'transformer.h.2.ln_1.weight', nearest is "
                      "'transformer.h.0.ln_1.weight'");
}

static void another_family_is_recognised(void **state)
{
    (void)state;
    const hesse_arch a = tiny(GPT2);
    write_checkpoint(&a, &(change){.skip = NULL});
    assert_refused(
        tiny(LLAMA),
        "no llama checkpoint: expected a tensor 'model.layers.0.self_attn.q_proj"
        ".weight', nearest is 'transformer.");
    static builder b;
    b = (builder){.header = "{"};
    finish(&b);
    assert_refused(a,
                   "no gpt2 checkpoint: expected a tensor 'transformer.h.0.attn.c_attn"
                   ".weight', nearest is 'nothing'");
}

static void numbers_must_be_finite(void **state)
{
    (void)state;
    const hesse_arch a = tiny(GPT2);
    write_checkpoint(&a, &(change){.nan = true});
    assert_refused(a, "tensor 'transformer.ln_f.bias', element [5] is NaN");
}

/* A tensor of a trained checkpoint: its shape, and numbers computed with NumPy. */
typedef struct known {
    const char *name;
    int rows, cols;
    double first, last, sum;
} known;

static void assert_known(const char *model, const char *digest, size_t size,
                         bool as_head, const known values[4])
{
    char path[512];
    hesse_arch a = {.family = "llama"};
    hesse_safetensors *file;
    hesse_params params;
    hesse_why note, why = {0};
    char found[HESSE_DIGEST_LENGTH];
    data_path(model, path);
    assert_int_equal(hesse_config_read(path, &a, &why), HESSE_OK);
    assert_int_equal(hesse_safetensors_open(path, &file, &why), HESSE_OK);
    assert_int_equal(hesse_weights_probe(file, path, &a, &why), HESSE_OK);
    assert_string_equal(a.layout.prefix, "model.");
    assert_int_equal(a.layout.tied_as_head, as_head);
    assert_int_equal(hesse_params_new(&a, &params, &why), HESSE_OK);
    assert_int_equal(params.size, size);
    double *theta = malloc(size * sizeof *theta);
    assert_non_null(theta);
    assert_int_equal(
        hesse_weights_read(file, path, &a,
                           &(hesse_tensors){.list = &params, .values = theta}, 1, &note,
                           found, &why),
        HESSE_OK);
    assert_string_equal(note.text, "");
    assert_string_equal(found, digest);
    for (int k = 0; k < 4; k++) {
        const hesse_param *p = params.list;
        while (strcmp(p->name, values[k].name) != 0)
            assert_true(++p < params.list + params.count);
        const double *x = theta + p->offset;
        const size_t n = hesse_param_size(p);
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += x[i];
        assert_int_equal(p->rows, values[k].rows);
        assert_int_equal(p->cols, values[k].cols);
        assert_true(x[0] == values[k].first && x[n - 1] == values[k].last);
        assert_true(fabs(sum - values[k].sum) < 1e-9);
    }
    free(theta);
    hesse_params_free(&params);
    hesse_safetensors_close(file);
}

static void trained_checkpoints_load(void **state)
{
    (void)state;
    assert_known(
        "stories260K",
        "5d1a0521dc52ddb1bb0816bde71e3cafdb460f86a7e22fec47f2de38ccc36a1b", 260032,
        false,
        (known[]){{"model.embed_tokens.weight", 512, 64, -0.29474878311157227,
                   -0.424032598733902, -752.3677446640068},
                  {"model.layers.4.mlp.down_proj.weight", 64, 172, -0.04791264981031418,
                   -0.0035068716388195753, 19.543787761240765},
                  {"model.norm.weight", 1, 64, 2.4583089351654053, 1.7077769041061401,
                   115.95276230573654},
                  {"model.layers.2.self_attn.k_proj.weight", 32, 64,
                   0.05322672799229622, 0.018669389188289642, -2.161847283903626}});
    assert_known(
        "tinystories656K",
        "187d0d5e8360d9625e40e0b35ec57d1ef0eea1a60ddcf09412246bed3484852f", 656000,
        true,
        (known[]){
            {"lm_head.weight", 2048, 128, -0.68359375, -0.421875, 2512.834466814995},
            {"model.layers.1.mlp.down_proj.weight", 128, 384, -0.17578125,
             -0.1376953125, -41.52520179748535},
            {"model.norm.weight", 1, 128, 0.640625, 0.8359375, 83.99560546875},
            {"model.layers.0.self_attn.k_proj.weight", 64, 128, -1.1328125, -1.3984375,
             12.659892082214355}});
}

/* An encoder ignores heads for other tasks, but not a head that its own task
   would use. */
static void encoders_may_have_other_heads(void **state)
{
    (void)state;
    const hesse_arch bert = {.family = "bert", .task = HESSE_TASK_MASKED};
    const hesse_arch classes = {.family = "bert"}, vit = {.family = "vit"};
    const struct {
        const hesse_arch *arch;
        const char *name;
        hesse_extra extra;
    } extras[] = {
        {&bert, "cls.predictions.decoder.weight", HESSE_EXTRA_HEAD},
        {&bert, "cls.predictions.decoder.bias", HESSE_EXTRA_UNKNOWN},
        {&bert, "cls.seq_relationship.weight", HESSE_EXTRA_UNKNOWN},
        {&bert, "bert.pooler.dense.bias", HESSE_EXTRA_UNKNOWN},
        {&bert, "bert.embeddings.position_ids", HESSE_EXTRA_BUFFER},
        {&bert, "bert.encoder.layer.7.output.dense.bias", HESSE_EXTRA_PARAMETER},
        {&classes, "cls.predictions.bias", HESSE_EXTRA_UNKNOWN},
        {&classes, "bert.pooler.dense.weight", HESSE_EXTRA_PARAMETER},
        {&vit, "vit.pooler.dense.weight", HESSE_EXTRA_UNKNOWN},
        {&vit, "vit.embeddings.mask_token", HESSE_EXTRA_PARAMETER},
    };
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
        assert_int_equal(hesse_layout_extra(extras[i].arch, extras[i].name),
                         extras[i].extra);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoders_may_have_other_heads),
        cmocka_unit_test(every_layout_is_recognised),
        cmocka_unit_test(any_wrapper_is_seen_through),
        cmocka_unit_test(modules_around_layers_are_seen_through),
        cmocka_unit_test(the_decoder_is_found_among_networks),
        cmocka_unit_test(adapters_and_other_names_are_refused),
        cmocka_unit_test(wrappers_of_encoders_are_seen_through),
        cmocka_unit_test(a_checkpoint_without_biases_has_none),
        cmocka_unit_test(a_tied_embedding_may_lie_as_the_head),
        cmocka_unit_test(a_copy_of_the_tied_head_is_ignored_if_equal),
        cmocka_unit_test(buffers_and_strangers_are_named),
        cmocka_unit_test(a_long_note_is_cut),
        cmocka_unit_test(what_would_change_the_function_is_refused),
        cmocka_unit_test(every_tensor_must_be_there_in_its_shape),
        cmocka_unit_test(another_family_is_recognised),
        cmocka_unit_test(numbers_must_be_finite),
        cmocka_unit_test(trained_checkpoints_load),
    };
    return run_cases(argc, argv, tests, enter_folder, leave_folder);
}
