/* Keys of one section a table, sections in a table, and beside them what libcyaml has
   no place for: limits of numbers, and defaults.

   Booleans are words here, because libcyaml takes any unknown word for true. */
#include "job/job_schema.h"

#include <string.h>

enum {
    MAY = CYAML_FLAG_OPTIONAL,
    WORD = CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
    POINTER = CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER,
    MOST_ENTRIES = 1000,
    LONGEST_TEXT = 4095
};

static const cyaml_strval_t booleans[] = {{"false", false}, {"true", true}};

static const cyaml_strval_t families[] = {
    {"gpt2", HESSE_GPT2},
    {"llama", HESSE_LLAMA},
    {"bert", HESSE_BERT},
    {"vit", HESSE_VIT},
    {"mlp", HESSE_MLP},
    {"mixer", HESSE_MIXER},
    {"vgg", HESSE_VGG},
    {"resnet", HESSE_RESNET},
    {"linear_transformer", HESSE_LINEAR_TRANSFORMER},
    {"attention", HESSE_SINGLE_ATTENTION},
    {"quadratic", HESSE_QUADRATIC}};

static const cyaml_strval_t activations[] = {
    {"gelu", HESSE_ACT_GELU}, {"gelu_tanh", HESSE_ACT_GELU_TANH},
    {"relu", HESSE_ACT_RELU}, {"silu", HESSE_ACT_SILU},
    {"tanh", HESSE_ACT_TANH}, {"none", HESSE_ACT_NONE}};

static const cyaml_strval_t kernels[] = {{"softmax", HESSE_KERNEL_SOFTMAX},
                                         {"linear", HESSE_KERNEL_LINEAR},
                                         {"gaussian", HESSE_KERNEL_GAUSSIAN}};

static const cyaml_strval_t batch_norms[] = {
    {"none", HESSE_BATCH_NORM_NONE},
    {"training", HESSE_BATCH_NORM_TRAINING},
    {"evaluation", HESSE_BATCH_NORM_EVALUATION}};

static const cyaml_strval_t losses[] = {{"cross_entropy", HESSE_LOSS_CROSS_ENTROPY},
                                        {"squared_error", HESSE_LOSS_SQUARED_ERROR}};

static const cyaml_strval_t stems[] = {{"imagenet", false}, {"cifar", true}};

static const cyaml_strval_t tasks[] = {{"classify", false}, {"masked", true}};

static const cyaml_strval_t attentions[] = {{"causal", false}, {"full", true}};

static const cyaml_strval_t vocabularies[] = {{"bytes", false}, {"characters", true}};

static const cyaml_strval_t scalings[] = {{"unit", false}, {"standard", true}};

static const cyaml_strval_t generators[] = {{"none", 0},     {"gaussian", 1},
                                            {"clusters", 2}, {"regression", 3},
                                            {"addition", 4}, {"pathfinder", 5}};

static const cyaml_strval_t covariates[] = {{"normal", HESSE_COVARIATES_NORMAL},
                                            {"sphere", HESSE_COVARIATES_SPHERE},
                                            {"gamma", HESSE_COVARIATES_GAMMA}};

static const cyaml_strval_t scopes[] = {
    {"blocks", HESSE_BLOCKS}, {"full", HESSE_FULL}, {"both", HESSE_BOTH}};

static const cyaml_strval_t cuts[] = {
    {"tensor", HESSE_CUT_TENSOR}, {"head", HESSE_CUT_HEAD},
    {"neuron", HESSE_CUT_NEURON}, {"layer", HESSE_CUT_LAYER},
    {"group", HESSE_CUT_GROUP},   {"whole", HESSE_CUT_WHOLE},
    {"fused", HESSE_CUT_FUSED}};

static const cyaml_strval_t shares[] = {{"hessian", HESSE_ALL},
                                        {"gauss_newton", HESSE_GAUSS_NEWTON},
                                        {"functional", HESSE_FUNCTIONAL},
                                        {"linear", HESSE_LINEAR},
                                        {"embedding", HESSE_EMBEDDING},
                                        {"layernorm", HESSE_LAYERNORM},
                                        {"rmsnorm", HESSE_RMSNORM},
                                        {"rotary", HESSE_ROTARY},
                                        {"scores", HESSE_SCORES},
                                        {"softmax", HESSE_SOFTMAX},
                                        {"mix", HESSE_MIX},
                                        {"gelu", HESSE_GELU},
                                        {"relu", HESSE_RELU},
                                        {"silu", HESSE_SILU},
                                        {"product", HESSE_PRODUCT},
                                        {"sum", HESSE_SUM},
                                        {"cross_entropy", HESSE_CROSS_ENTROPY},
                                        {"squared_error", HESSE_SQUARED_ERROR},
                                        {"conv", HESSE_CONV},
                                        {"pool", HESSE_POOL},
                                        {"batchnorm", HESSE_BATCHNORM},
                                        {"gaussian", HESSE_GAUSSIAN},
                                        {"tanh", HESSE_TANH},
                                        {"scale", HESSE_SCALE},
                                        {"move", HESSE_MOVE}};

static const cyaml_strval_t methods[] = {{"auto", HESSE_METHOD_AUTO},
                                         {"exact", HESSE_METHOD_EXACT},
                                         {"lanczos", HESSE_METHOD_LANCZOS}};

static const cyaml_strval_t orthogonalities[] = {
    {"true", HESSE_ORTHOGONALITY_FULL},
    {"false", HESSE_ORTHOGONALITY_NONE},
    {"full", HESSE_ORTHOGONALITY_FULL},
    {"selective", HESSE_ORTHOGONALITY_SELECTIVE},
    {"none", HESSE_ORTHOGONALITY_NONE}};

static const cyaml_strval_t procedures[] = {{"own", false}, {"paper", true}};

static const cyaml_strval_t presets[] = {{"all", HESSE_PRESET_NONE},
                                         {"paper-gpt2", HESSE_PRESET_PAPER_GPT2},
                                         {"paper-vit", HESSE_PRESET_PAPER_VIT},
                                         {"convolutions", HESSE_PRESET_CONVOLUTIONS}};

static const cyaml_strval_t reductions[] = {{"mean", HESSE_MEAN},
                                            {"sum", HESSE_SUM_OF_TOKENS},
                                            {"micro_batches", HESSE_SUM_OF_BATCHES}};

static const cyaml_strval_t engines[] = {{"auto", HESSE_ENGINE_AUTO},
                                         {"scalapack", HESSE_ENGINE_SCALAPACK},
                                         {"elpa", HESSE_ENGINE_ELPA},
                                         {"lapack", HESSE_ENGINE_LAPACK},
                                         {"band", HESSE_ENGINE_BAND}};

static const cyaml_strval_t scales[] = {{"none", false}, {"tenth", true}};

static const cyaml_strval_t distances[] = {{"js", HESSE_JS},
                                           {"js_distance", HESSE_JS_DISTANCE},
                                           {"js_raw", HESSE_JS_RAW},
                                           {"js_log", HESSE_JS_LOG},
                                           {"wasserstein", HESSE_WASSERSTEIN}};

static const cyaml_schema_value_t name_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LONGEST_TEXT)};

static const cyaml_schema_value_t size_entry = {
    CYAML_VALUE_INT(CYAML_FLAG_DEFAULT, int)};

static const cyaml_schema_value_t number_entry = {
    CYAML_VALUE_FLOAT(CYAML_FLAG_STRICT, double)};

static const cyaml_schema_value_t share_entry = {
    CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, hesse_kinds, shares, CYAML_ARRAY_LEN(shares))};

static const cyaml_schema_value_t distance_entry = {CYAML_VALUE_ENUM(
    CYAML_FLAG_STRICT, hesse_distance, distances, CYAML_ARRAY_LEN(distances))};

static const cyaml_schema_field_t model[] = {
    CYAML_FIELD_ENUM("family", WORD, hesse_job_model, family, families,
                     CYAML_ARRAY_LEN(families)),
    CYAML_FIELD_STRING_PTR("config", POINTER, hesse_job_model, config, 1, LONGEST_TEXT),
    CYAML_FIELD_STRING_PTR("checkpoint", POINTER, hesse_job_model, checkpoint, 1,
                           LONGEST_TEXT),
    CYAML_FIELD_INT("layers", MAY, hesse_job_model, layers),
    CYAML_FIELD_INT("heads", MAY, hesse_job_model, heads),
    CYAML_FIELD_INT("kv_heads", MAY, hesse_job_model, kv_heads),
    CYAML_FIELD_INT("head_size", MAY, hesse_job_model, head_size),
    CYAML_FIELD_INT("width", MAY, hesse_job_model, width),
    CYAML_FIELD_INT("inner", MAY, hesse_job_model, inner),
    CYAML_FIELD_INT("context", MAY, hesse_job_model, context),
    CYAML_FIELD_INT("vocabulary", MAY, hesse_job_model, vocabulary),
    CYAML_FIELD_INT("classes", MAY, hesse_job_model, classes),
    CYAML_FIELD_ENUM("activation", WORD, hesse_job_model, activation, activations,
                     CYAML_ARRAY_LEN(activations)),
    CYAML_FIELD_FLOAT("norm_eps", WORD, hesse_job_model, norm_eps),
    CYAML_FIELD_FLOAT("rope_theta", WORD, hesse_job_model, rope_theta),
    CYAML_FIELD_ENUM("tied", WORD, hesse_job_model, tied, booleans, 2),
    CYAML_FIELD_ENUM("bias", WORD, hesse_job_model, bias, booleans, 2),
    CYAML_FIELD_FLOAT("temperature", WORD, hesse_job_model, temperature),
    CYAML_FIELD_ENUM("attention", WORD, hesse_job_model, full, attentions, 2),
    CYAML_FIELD_ENUM("kernel", WORD, hesse_job_model, kernel, kernels,
                     CYAML_ARRAY_LEN(kernels)),
    CYAML_FIELD_INT("value_size", MAY, hesse_job_model, value_size),
    CYAML_FIELD_ENUM("output", WORD, hesse_job_model, output, booleans, 2),
    CYAML_FIELD_INT("patch", MAY, hesse_job_model, patch),
    CYAML_FIELD_INT("pool", MAY, hesse_job_model, pool),
    CYAML_FIELD_INT("token_inner", MAY, hesse_job_model, token_inner),
    CYAML_FIELD_INT("types", MAY, hesse_job_model, types),
    CYAML_FIELD_ENUM("task", WORD, hesse_job_model, masked, tasks, 2),
    CYAML_FIELD_SEQUENCE_COUNT("widths", POINTER, hesse_job_model, widths, n_widths,
                               &size_entry, 0, HESSE_MOST_WIDTHS),
    CYAML_FIELD_SEQUENCE_COUNT("blocks", POINTER, hesse_job_model, blocks, n_blocks,
                               &size_entry, 1, HESSE_MOST_WIDTHS),
    CYAML_FIELD_SEQUENCE_COUNT("dense", POINTER, hesse_job_model, dense, n_dense,
                               &size_entry, 0, HESSE_MOST_DENSE),
    CYAML_FIELD_SEQUENCE_COUNT("multipliers", POINTER, hesse_job_model, multipliers,
                               n_multipliers, &number_entry, 1, HESSE_MOST_WIDTHS + 1),
    CYAML_FIELD_SEQUENCE_COUNT("eigenvalues", POINTER, hesse_job_model, eigenvalues,
                               n_eigenvalues, &number_entry, 1, 20000),
    CYAML_FIELD_ENUM("batch_norm", WORD, hesse_job_model, batch_norm, batch_norms,
                     CYAML_ARRAY_LEN(batch_norms)),
    CYAML_FIELD_ENUM("stem", WORD, hesse_job_model, small_stem, stems, 2),
    CYAML_FIELD_ENUM("loss", WORD, hesse_job_model, loss, losses, 2),
    CYAML_FIELD_FLOAT("deviation", WORD, hesse_job_model, deviation),
    CYAML_FIELD_UINT("seed", MAY, hesse_job_model, seed),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t data[] = {
    CYAML_FIELD_STRING_PTR("tokens", POINTER, hesse_job_data, tokens, 1, LONGEST_TEXT),
    CYAML_FIELD_STRING_PTR("text", POINTER, hesse_job_data, text, 1, LONGEST_TEXT),
    CYAML_FIELD_SEQUENCE_COUNT("texts", POINTER, hesse_job_data, texts, n_texts,
                               &name_entry, 1, MOST_ENTRIES),
    CYAML_FIELD_STRING_PTR("inputs", POINTER, hesse_job_data, inputs, 1, LONGEST_TEXT),
    CYAML_FIELD_ENUM("generator", WORD, hesse_job_data, generator, generators,
                     CYAML_ARRAY_LEN(generators)),
    CYAML_FIELD_INT("features", MAY, hesse_job_data, recipe.features),
    CYAML_FIELD_INT("examples", MAY, hesse_job_data, recipe.examples),
    CYAML_FIELD_INT("contour", MAY, hesse_job_data, recipe.contour),
    CYAML_FIELD_FLOAT("noise", WORD, hesse_job_data, recipe.noise),
    CYAML_FIELD_FLOAT("shape", WORD, hesse_job_data, recipe.shape),
    CYAML_FIELD_ENUM("covariates", WORD, hesse_job_data, recipe.covariates, covariates,
                     CYAML_ARRAY_LEN(covariates)),
    CYAML_FIELD_FLOAT("mask_rate", WORD, hesse_job_data, mask_rate),
    CYAML_FIELD_INT("mask_id", MAY, hesse_job_data, mask_id),
    CYAML_FIELD_STRING_PTR("images", POINTER, hesse_job_data, images, 1, LONGEST_TEXT),
    CYAML_FIELD_INT("size", MAY, hesse_job_data, size),
    CYAML_FIELD_INT("classes", MAY, hesse_job_data, classes),
    CYAML_FIELD_ENUM("normalise", WORD, hesse_job_data, standard, scalings, 2),
    CYAML_FIELD_STRING_PTR("labels", POINTER, hesse_job_data, labels, 1, LONGEST_TEXT),
    CYAML_FIELD_STRING_PTR("targets", POINTER, hesse_job_data, targets, 1,
                           LONGEST_TEXT),
    CYAML_FIELD_ENUM("vocabulary", WORD, hesse_job_data, characters, vocabularies, 2),
    CYAML_FIELD_INT("sequences", MAY, hesse_job_data, sequences),
    CYAML_FIELD_INT("context", MAY, hesse_job_data, context),
    CYAML_FIELD_INT("batch", MAY, hesse_job_data, batch),
    CYAML_FIELD_UINT("seed", MAY, hesse_job_data, seed),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t hessian[] = {
    CYAML_FIELD_ENUM("scope", WORD, hesse_job_hessian, scope, scopes,
                     CYAML_ARRAY_LEN(scopes)),
    CYAML_FIELD_ENUM("partition", WORD, hesse_job_hessian, partition, cuts,
                     CYAML_ARRAY_LEN(cuts)),
    CYAML_FIELD_SEQUENCE_COUNT("only", POINTER, hesse_job_hessian, only, n_only,
                               &name_entry, 1, MOST_ENTRIES),
    CYAML_FIELD_ENUM("blocks", WORD, hesse_job_hessian, blocks, presets,
                     CYAML_ARRAY_LEN(presets)),
    CYAML_FIELD_SEQUENCE_COUNT("parts", POINTER, hesse_job_hessian, parts, n_parts,
                               &share_entry, 1, MOST_ENTRIES),
    CYAML_FIELD_ENUM("method", WORD, hesse_job_hessian, method, methods,
                     CYAML_ARRAY_LEN(methods)),
    CYAML_FIELD_FLOAT("seconds", WORD, hesse_job_hessian, seconds),
    CYAML_FIELD_ENUM("reduction", WORD, hesse_job_hessian, reduction, reductions,
                     CYAML_ARRAY_LEN(reductions)),
    CYAML_FIELD_INT("panel", MAY, hesse_job_hessian, panel),
    CYAML_FIELD_STRING_PTR("memory", POINTER, hesse_job_hessian, memory, 1, 40),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t lanczos[] = {
    CYAML_FIELD_INT("steps", MAY, hesse_job_lanczos, steps),
    CYAML_FIELD_INT("probes", MAY, hesse_job_lanczos, probes),
    CYAML_FIELD_ENUM("reorthogonalise", WORD, hesse_job_lanczos, reorthogonalise,
                     orthogonalities, CYAML_ARRAY_LEN(orthogonalities)),
    CYAML_FIELD_ENUM("procedure", WORD, hesse_job_lanczos, paper, procedures, 2),
    CYAML_FIELD_INT("width", MAY, hesse_job_lanczos, width),
    CYAML_FIELD_UINT("seed", MAY, hesse_job_lanczos, seed),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t extreme[] = {
    CYAML_FIELD_INT("pairs", MAY, hesse_extreme_settings, pairs),
    CYAML_FIELD_FLOAT("tolerance", WORD, hesse_extreme_settings, tolerance),
    CYAML_FIELD_INT("products", MAY, hesse_extreme_settings, products),
    CYAML_FIELD_INT("block", MAY, hesse_extreme_settings, block),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t hutchinson[] = {
    CYAML_FIELD_INT("probes", MAY, hesse_hutchinson_settings, probes),
    CYAML_FIELD_INT("sketch", MAY, hesse_hutchinson_settings, sketch),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t density[] = {
    CYAML_FIELD_INT("points", MAY, hesse_density, points),
    CYAML_FIELD_FLOAT("bandwidth", WORD, hesse_density, bandwidth),
    CYAML_FIELD_ENUM("absolute", WORD, hesse_density, absolute, booleans, 2),
    CYAML_FIELD_ENUM("scale", WORD, hesse_density, tenth, scales, 2),
    CYAML_FIELD_FLOAT("past", WORD, hesse_density, past),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t spectrum[] = {
    CYAML_FIELD_INT("eigenvectors", MAY, hesse_job_spectrum, eigenvectors),
    CYAML_FIELD_ENUM("engine", WORD, hesse_job_spectrum, engine, engines,
                     CYAML_ARRAY_LEN(engines)),
    CYAML_FIELD_MAPPING("lanczos", MAY, hesse_job_spectrum, lanczos, lanczos),
    CYAML_FIELD_MAPPING("extreme", MAY, hesse_job_spectrum, extreme, extreme),
    CYAML_FIELD_MAPPING("hutchinson", MAY, hesse_job_spectrum, hutchinson, hutchinson),
    CYAML_FIELD_MAPPING("density", MAY, hesse_job_spectrum, density, density),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t metrics[] = {
    CYAML_FIELD_SEQUENCE_COUNT("distance", POINTER, hesse_job_metrics, distance,
                               n_distance, &distance_entry, 0, MOST_ENTRIES),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t output[] = {
    CYAML_FIELD_STRING_PTR("file", POINTER, hesse_job_output, file, 1, LONGEST_TEXT),
    CYAML_FIELD_ENUM("matrices", WORD, hesse_job_output, matrices, booleans, 2),
    CYAML_FIELD_FLOAT("stretch", WORD, hesse_job_output, stretch),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t job[] = {
    CYAML_FIELD_MAPPING("model", MAY, hesse_job, model, model),
    CYAML_FIELD_MAPPING("data", MAY, hesse_job, data, data),
    CYAML_FIELD_MAPPING("hessian", MAY, hesse_job, hessian, hessian),
    CYAML_FIELD_MAPPING("spectrum", MAY, hesse_job, spectrum, spectrum),
    CYAML_FIELD_MAPPING("metrics", MAY, hesse_job, metrics, metrics),
    CYAML_FIELD_MAPPING("output", MAY, hesse_job, output, output),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t hesse_job_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, hesse_job, job)};

const hesse_limit *hesse_job_limit(const char *path)
{
    static const hesse_limit limits[] = {
        {"model.layers", 1, 4096, "from 1 to 4096"},
        {"model.heads", 1, 4096, "from 1 to 4096"},
        {"model.kv_heads", 1, 4096, "from 1 to 4096"},
        {"model.head_size", 1, 4096, "from 1 to 4096"},
        {"model.width", 1, 1 << 20, "from 1 to 1048576"},
        {"model.inner", 1, 1 << 24, "from 1 to 16777216"},
        {"model.context", 1, 1 << 24, "from 1 to 16777216"},
        {"model.vocabulary", 1, 1 << 24, "from 1 to 16777216"},
        {"model.classes", 1, 1 << 20, "from 1 to 1048576"},
        {"model.value_size", 1, 4096, "from 1 to 4096"},
        {"model.patch", 1, 4096, "from 1 to 4096"},
        {"model.pool", 1, 4096, "from 1 to 4096"},
        {"model.token_inner", 1, 1 << 24, "from 1 to 16777216"},
        {"model.types", 1, 1 << 24, "from 1 to 16777216"},
        {"model.widths", 0, 1 << 24, "from 0 to 16777216"},
        {"model.blocks", 1, 4096, "from 1 to 4096"},
        {"model.dense", 1, 1 << 24, "from 1 to 16777216"},
        {"model.multipliers", -1e300, 1e300, "that is finite"},
        {"model.eigenvalues", 0, 1e300, "from 0"},
        {"model.deviation", 1e-300, 1e300, "above 0"},
        {"model.norm_eps", 1e-300, 1, "above 0 and at most 1"},
        {"model.rope_theta", 1e-300, 1e300, "above 0"},
        {"model.temperature", 1e-300, 1e300, "above 0"},
        {"model.seed", 0, 0x1p64, "from 0 to 2^64 - 1"},
        {"data.size", 1, 4096, "from 1 to 4096"},
        {"data.classes", 1, 1 << 20, "from 1 to 1048576"},
        {"data.features", 1, 1 << 20, "from 1 to 1048576"},
        {"data.examples", 1, 1 << 20, "from 1 to 1048576"},
        {"data.contour", 2, 20, "from 2 to 20"},
        {"data.noise", 1e-300, 1e300, "above 0"},
        {"data.shape", 1e-300, 1e300, "above 0"},
        {"data.mask_rate", 1e-300, 1, "above 0 and at most 1"},
        {"data.mask_id", 0, (1 << 24) - 1, "from 0 to 16777215"},
        {"data.sequences", 1, INT32_MAX, "from 1 to 2147483647"},
        {"data.context", 1, 1 << 24, "from 1 to 16777216"},
        {"data.batch", 1, INT32_MAX, "from 1 to 2147483647"},
        {"data.seed", 0, 0x1p64, "from 0 to 2^64 - 1"},
        {"hessian.seconds", 1e-300, 1e300, "above 0"},
        {"hessian.panel", 1, 1024, "from 1 to 1024"},
        {"spectrum.eigenvectors", 0, INT32_MAX, "from 0 to 2147483647"},
        {"spectrum.lanczos.steps", 1, 1000000, "from 1 to 1000000"},
        {"spectrum.lanczos.probes", 1, 1000000, "from 1 to 1000000"},
        {"spectrum.lanczos.width", 1, 1024, "from 1 to 1024"},
        {"spectrum.lanczos.seed", 0, 0x1p64, "from 0 to 2^64 - 1"},
        {"spectrum.extreme.pairs", 0, 1000000, "from 0 to 1000000"},
        {"spectrum.extreme.tolerance", 1e-12, 1, "from 1e-12 to 1"},
        {"spectrum.extreme.products", 1, 1 << 30, "from 1 to 1073741824"},
        {"spectrum.extreme.block", 1, 1024, "from 1 to 1024"},
        {"spectrum.hutchinson.probes", 0, 1000000, "from 0 to 1000000"},
        {"spectrum.hutchinson.sketch", 0, 1000000, "from 0 to 1000000"},
        {"output.stretch", 0, 86400, "from 0 to 86400"},
        {"spectrum.density.points", 2, 2000000, "from 2 to 2000000"},
        {"spectrum.density.past", 1e-300, 1e300, "above 0"},
        {"spectrum.density.bandwidth", 1e-300, 1e300, "above 0"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (strcmp(path, limits[i].path) == 0) return &limits[i];
    return NULL;
}

const char hesse_job_defaults[] =
    "model: {seed: 1}\n"
    "hessian:\n"
    "  {scope: both, partition: tensor, blocks: all, only: ['*'], parts: [hessian], "
    "method: auto,\n"
    "   reduction: mean, panel: 24}\n"
    "spectrum:\n"
    "  eigenvectors: 0\n"
    "  engine: auto\n"
    "  lanczos: {procedure: own, steps: 100, probes: 10, reorthogonalise: true,\n"
    "    width: 24, seed: 0}\n"
    "  extreme: {pairs: 0, tolerance: 1e-8, products: 2000}\n"
    "  hutchinson: {probes: 0, sketch: 0}\n"
    "  density: {points: 1000, bandwidth: 0.01, absolute: false, scale: none}\n"
    "metrics: {distance: [js, js_raw, wasserstein]}\n"
    "output: {matrices: false, stretch: 120}\n";

const char hesse_job_defaults_paper[] =
    "hessian: {reduction: micro_batches, method: lanczos}\n"
    "spectrum:\n"
    "  lanczos: {steps: 100, probes: 10, reorthogonalise: none}\n"
    "  density:\n"
    "    {points: 50000, bandwidth: 0.0031622776601683794, absolute: true, past: 1}\n";

const char hesse_job_defaults_text[] = "data: {vocabulary: bytes}\n";

const char hesse_job_defaults_model[] =
    "model: {layers: 2, heads: 2, width: 32, context: 32}\n";

const char *hesse_job_defaults_always(const char *family)
{
    if (strcmp(family, "linear_transformer") == 0)
        return "model: {attention: full, kernel: linear}\n";
    if (strcmp(family, "bert") == 0)
        return "model: {attention: full, kernel: softmax, task: masked}\n";
    if (strcmp(family, "vit") == 0 || strcmp(family, "attention") == 0)
        return "model: {attention: full, kernel: softmax}\n";
    return "model: {attention: causal, kernel: softmax}\n";
}

const char *hesse_job_defaults_family(const char *family)
{
    static const struct {
        const char *family, *text;
    } defaults[] = {
        {"gpt2",
         "model: {activation: gelu_tanh, tied: true, bias: true, norm_eps: 1e-5}"},
        {"llama",
         "model: {activation: silu, tied: false, bias: false, rope_theta: 1e4, "
         "norm_eps: 1e-5}"},
        {"bert", "model: {activation: gelu, bias: true, norm_eps: 1e-12, types: 2, "
                 "loss: cross_entropy}"},
        {"vit", "model: {activation: gelu, bias: true, norm_eps: 1e-12, patch: 4, "
                "loss: cross_entropy}"},
        {"mixer", "model: {activation: gelu, norm_eps: 1e-6, patch: 4, "
                  "loss: cross_entropy}"},
        {"mlp", "model: {activation: relu, bias: true, widths: [8], "
                "loss: cross_entropy}"},
        {"vgg", "model: {activation: relu, norm_eps: 1e-5, batch_norm: none, "
                "widths: [64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0], "
                "dense: [4096, 4096], loss: cross_entropy}"},
        {"resnet", "model: {activation: relu, norm_eps: 1e-5, batch_norm: training, "
                   "width: 64, blocks: [2, 2, 2, 2], stem: imagenet, "
                   "loss: cross_entropy}"},
        {"linear_transformer", "model: {deviation: 0.05, "
                               "loss: squared_error}"},
        {"attention", "model: {output: false, loss: squared_error}"},
        {"quadratic", "model: {loss: squared_error}"},
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(family, defaults[i].family) == 0) return defaults[i].text;
    return "";
}

static const cyaml_schema_value_t *find(const char *path)
{
    const cyaml_schema_value_t *value = &hesse_job_schema;
    while (*path) {
        const size_t length = strcspn(path, ".");
        const cyaml_schema_field_t *f = value->mapping.fields;
        while (strlen(f->key) != length || strncmp(f->key, path, length) != 0) f++;
        value = &f->value;
        path += length + (path[length] == '.');
    }
    return value;
}

const char *hesse_job_word(const char *path, int value)
{
    const cyaml_schema_value_t *key = find(path);
    for (uint32_t i = 0; i < key->enumeration.count; i++)
        if (key->enumeration.strings[i].val == value)
            return key->enumeration.strings[i].str;
    return "";
}

const char *hesse_job_part(hesse_kinds kinds)
{
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (shares[i].val == (int64_t)kinds) return shares[i].str;
    return "";
}
