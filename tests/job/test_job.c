/* The job file: what is understood, what is refused and with which words, and that no
   text whatever does more than be refused. */
#include "check_files.h"

#include "job/job.h"
#include "network/families/families.h"
#include "ops/op.h"

#include <glob.h>
#include <jansson.h>

#define FAMILIES                                                                       \
    "gpt2, llama, gpt_neox, opt, gpt_neo, gemma, gemma2, phi, phi3, bert, roberta, "   \
    "distilbert, vit, mlp, mixer, vgg, resnet, linear_transformer, attention, "        \
    "quadratic or graph"

static const char good[] = "model:\n"
                           "  family: gpt2\n"
                           "data:\n"
                           "  tokens: corpus.npy\n";

static hesse_why why;

/* Allocation number broken_at fails, counted from 0. */
static int broken_at = -1, allocations;

void *__real_hesse_calloc(size_t count, size_t size);
void *__wrap_hesse_calloc(size_t count, size_t size);

void *__wrap_hesse_calloc(size_t count, size_t size)
{
    return allocations++ == broken_at ? NULL : __real_hesse_calloc(count, size);
}

static hesse_job *parse_told(const char *text, const char *const *sets, int n_sets,
                             const hesse_told *told)
{
    hesse_job *job = NULL;
    why.text[0] = '\0';
    const hesse_status s = hesse_job_parse(
        text, strlen(text), "jobs/job.yaml",
        &(hesse_job_choice){.sets = sets, .n_sets = n_sets}, told, &job, &why);
    if (s) fail_msg("refused: %s", why.text);
    assert_non_null(job);
    return job;
}

static hesse_job *parse_with(const char *text, const char *const *sets, int n_sets)
{
    return parse_told(text, sets, n_sets, NULL);
}

static hesse_job *parse(const char *text)
{
    return parse_with(text, NULL, 0);
}

/* A text that is refused with exactly this message. */
static void refuses_set(const char *text, const char *set, const char *message)
{
    hesse_job *job = NULL;
    const hesse_status s = hesse_job_parse(
        text, strlen(text), "job.yaml",
        &(hesse_job_choice){.sets = &set, .n_sets = set != NULL}, NULL, &job, &why);
    assert_string_equal(s ? why.text : "(accepted)", message);
    assert_int_equal(s, HESSE_E_JOB);
    assert_null(job);
}

static void refuses(const char *text, const char *message)
{
    refuses_set(text, NULL, message);
}

/* One more line of a section beside a good job. */
static void refuses_model(const char *line, const char *message)
{
    char text[500];
    snprintf(text, sizeof text, "data: {tokens: t.npy}\nmodel:\n  family: gpt2\n  %s\n",
             line);
    refuses(text, message);
}

static void refuses_hessian(const char *line, const char *message)
{
    char text[500];
    snprintf(text, sizeof text, "%shessian:\n  %s\n", good, line);
    refuses(text, message);
}

static void absent_keys_have_their_defaults(void **state)
{
    (void)state;
    hesse_job *job = parse(good);
    const hesse_arch *a = &job->arch;
    const hesse_attention *t = &a->attention;
    assert_true(strcmp(a->family, "gpt2") == 0 && a->layers == 2 && t->heads == 2);
    assert_true(t->kv_heads == 2 && a->width == 32 && a->inner == 128);
    assert_true(a->positions == 32 && a->vocabulary == 0 && t->size == 16);
    assert_true(a->activation == HESSE_ACT_GELU_TANH && a->tied && a->mlp_bias);
    assert_true(a->attention_bias && !t->full && a->norm_eps == 1e-5);
    assert_true(t->temperature == 0 && job->seed == 1);
    assert_null(job->paths.config);
    assert_null(job->paths.checkpoint);
    const hesse_data_options *d = &job->data;
    assert_string_equal(d->kind, "tokens");
    assert_int_equal(d->n_paths, 1);
    assert_string_equal(d->paths[0], "jobs/corpus.npy");
    assert_true(!d->characters && !d->sequences && !d->context && !d->shuffle);
    const hesse_analysis_options *h = &job->analysis;
    assert_true(h->scope == HESSE_BOTH && h->partition == HESSE_CUT_TENSOR);
    assert_true(h->n_only == 0 && h->n_parts == 1 && h->parts[0] == HESSE_ALL);
    assert_true(job->reduction == HESSE_MEAN && h->method == HESSE_METHOD_AUTO);
    assert_true(!(h->seconds > 0) && h->panel == 24 && !h->memory);
    assert_true(h->eigenvectors == 0 && h->engine == HESSE_ENGINE_AUTO);
    assert_true(h->lanczos.steps == 100 && h->lanczos.probes == 10);
    assert_true(h->lanczos.orthogonality == HESSE_ORTHOGONALITY_FULL);
    assert_true(h->lanczos.width == 24 && h->lanczos.seed == 0 && !h->matrices);
    const hesse_job_spectrum *s = &job->spectrum;
    assert_true(!s->paper && s->density.points == 1000 && s->density.bandwidth == 0.01);
    assert_false(s->density.absolute || s->density.tenth);
    assert_int_equal(job->metrics.n_distance, 3);
    assert_int_equal(job->metrics.distance[0], HESSE_JS);
    assert_int_equal(job->metrics.distance[1], HESSE_JS_RAW);
    assert_int_equal(job->metrics.distance[2], HESSE_WASSERSTEIN);
    assert_true(job->output.stretch == 120);
    assert_string_equal(job->text, good);
    hesse_job_free(job);
}

static const char full[] =
    "# everything\n"
    "model: {family: llama, checkpoint: /far/m.safetensors, layers: 3, heads: 4,\n"
    "  kv_heads: 2, head_size: 6, width: 40, inner: 50, context: 60, vocabulary: 70,\n"
    "  activation: relu, norm_eps: 1e-6, rope_theta: 5e5, tied: true, bias: true,\n"
    "  temperature: .5, attention: full, seed: 18446744073709551615}\n"
    "data: {text: ../a b.txt, vocabulary: characters, sequences: 9, context: 8, seed: "
    "0}\n"
    "hessian:\n"
    "  scope: blocks\n"
    "  partition: whole\n"
    "  only: ['*.query', \"h.[01]*\"]\n"
    "  parts: [gauss_newton, softmax, functional]\n"
    "  method: auto\n"
    "  seconds: 2.5\n"
    "  reduction: sum\n"
    "  panel: 8\n"
    "  memory: 1.5 GiB\n"
    "spectrum:\n"
    "  eigenvectors: 4\n"
    "  engine: elpa\n"
    "  lanczos: {steps: 5, probes: 6, reorthogonalise: false, width: 3, seed: 7}\n"
    "  density: {points: 2, bandwidth: 1E-3, absolute: true, scale: tenth}\n"
    "metrics: {distance: [js_log, js_distance]}\n"
    "output: {file: out/r.h5, matrices: true}\n";

static void every_key_is_read(void **state)
{
    (void)state;
    hesse_job *job = parse(full);
    const hesse_arch *a = &job->arch;
    const hesse_attention *t = &a->attention;
    assert_true(strcmp(a->family, "llama") == 0 && a->layers == 3 && t->heads == 4);
    assert_true(t->kv_heads == 2 && t->size == 6 && a->width == 40);
    assert_true(a->inner == 50 && a->positions == 60 && a->vocabulary == 70);
    assert_true(a->activation == HESSE_ACT_RELU && a->tied && t->full);
    assert_true(a->attention_bias && a->mlp_bias);
    assert_true(a->norm_eps == 1e-6 && t->rope_theta == 5e5 && t->temperature == 0.5);
    assert_true(job->seed == UINT64_MAX);
    const hesse_data_options *d = &job->data;
    assert_string_equal(d->kind, "text");
    assert_true(d->characters && d->sequences == 9 && d->context == 8);
    assert_true(d->shuffle && d->seed == 0);
    const hesse_analysis_options *h = &job->analysis;
    assert_true(h->scope == HESSE_BLOCKS && h->partition == HESSE_CUT_WHOLE);
    assert_true(h->n_only == 2 && h->n_parts == 3);
    assert_string_equal(h->only[1], "h.[01]*");
    assert_string_equal(hesse_kinds_name(h->parts[0]), "gauss_newton");
    assert_string_equal(hesse_kinds_name(h->parts[1]), "softmax");
    assert_true(h->panel == 8 && h->seconds == 2.5);
    assert_true(job->reduction == HESSE_SUM_OF_TOKENS);
    assert_true(h->memory == (size_t)3 << 29);
    assert_true(h->eigenvectors == 4 && h->engine == HESSE_ENGINE_ELPA);
    assert_true(h->lanczos.steps == 5 && h->lanczos.probes == 6);
    assert_true(h->lanczos.orthogonality == HESSE_ORTHOGONALITY_NONE);
    assert_true(h->lanczos.width == 3 && h->lanczos.seed == 7);
    const hesse_job_spectrum *s = &job->spectrum;
    assert_true(s->density.points == 2 && s->density.bandwidth == 1e-3);
    assert_true(s->density.absolute && s->density.tenth);
    /* Stored matrices are dense. */
    assert_true(h->matrices && h->method == HESSE_METHOD_EXACT);
    assert_true(job->metrics.n_distance == 2);
    assert_string_equal(job->paths.checkpoint, "/far/m.safetensors");
    assert_string_equal(d->paths[0], "jobs/../a b.txt");
    assert_string_equal(job->paths.output, "jobs/out/r.h5");
    hesse_job_free(job);
}

/* With a config the job only adds: sizes are 0. */
static void a_config_has_the_sizes(void **state)
{
    (void)state;
    hesse_job *job = parse(
        "model: {family: bert, config: c.json, temperature: 3, loss: squared_error}\n"
        "data: {tokens: t.npy, context: 500}\n");
    const hesse_arch *a = &job->arch;
    assert_true(strcmp(a->family, "bert") == 0 && !a->layers && !a->width && !a->inner);
    assert_true(!a->positions && !a->attention.heads && !a->attention.size);
    assert_true(a->attention.temperature == 3 && a->attention.full &&
                a->task == HESSE_TASK_MASKED);
    assert_true(a->data.loss == HESSE_LOSS_SQUARED_ERROR);
    hesse_job_free(job);
}

/* Lists and words of other families go where their builders look. */
static void families_fill_the_architecture(void **state)
{
    (void)state;
    hesse_job *job = parse("model: {family: resnet, blocks: [1, 3], stem: cifar}\n"
                           "data: {images: a, labels: b, normalise: standard}\n");
    assert_true(job->arch.lists.n_widths == 2 && job->arch.lists.widths[1] == 3);
    assert_true(job->arch.image.small_stem && job->arch.width == 64);
    assert_true(job->arch.image.batch_norm == HESSE_BATCH_NORM_TRAINING);
    assert_true(job->data.standard);
    assert_string_equal(job->data.labels, "jobs/b");
    hesse_job_free(job);
    job = parse("model: {family: vgg}\ndata: {generator: clusters, noise: 2}\n");
    assert_true(job->arch.lists.n_widths == 13 && job->arch.lists.widths[12] == 0);
    assert_true(job->arch.lists.n_dense == 2 && job->arch.lists.dense[1] == 4096);
    assert_string_equal(job->data.kind, "clusters");
    assert_true(job->data.recipe.noise == 2 && job->data.recipe.classes == 500);
    hesse_job_free(job);
    job = parse("model: {family: mlp, multipliers: [0, -1.5]}\n"
                "data: {texts: [a, b]}\n");
    assert_true(job->arch.lists.n_multipliers == 2);
    assert_true(job->arch.lists.multipliers[1] == -1.5);
    assert_int_equal(job->data.n_paths, 2);
    assert_string_equal(job->data.paths[1], "jobs/b");
    hesse_job_free(job);
    job = parse("model: {family: quadratic, widths: [1, 2], eigenvalues: [1, 2, 3]}\n");
    assert_string_equal(job->data.kind, "quadratic");
    assert_true(job->data.n_sizes == 2 && job->data.sizes[1] == 2);
    assert_true(job->data.eigenvalues[2] == 3);
    assert_true(job->arch.data.loss == HESSE_LOSS_SQUARED_ERROR);
    hesse_job_free(job);
    job = parse("model: {family: bert}\ndata: {tokens: t, mask_id: 0}\n");
    assert_int_equal(*job->data.mask_id, 0);
    hesse_job_free(job);
}

static void the_result_stands_beside_the_job(void **state)
{
    (void)state;
    const char *const names[][2] = {{"job.yaml", "job.h5"},
                                    {"a.b/x.yml", "a.b/x.h5"},
                                    {"/x/job", "/x/job.h5"},
                                    {".yaml", ".yaml.h5"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        hesse_job *job = NULL;
        assert_int_equal(
            hesse_job_parse(good, strlen(good), names[i][0], NULL, NULL, &job, &why),
            0);
        assert_string_equal(job->paths.output, names[i][1]);
        hesse_job_free(job);
    }
}

static void unknown_keys_are_refused_with_the_nearest(void **state)
{
    (void)state;
    refuses_model("sequences: 3", "job.yaml:4: unknown key 'sequences' in 'model'; "
                                  "it belongs in 'data' or in 'train.evaluate'");
    refuses_model("layer: 3", "job.yaml:4: unknown key 'layer' in 'model'; "
                              "the nearest known key is 'layers'");
    refuses_model("steps: 3", "job.yaml:4: unknown key 'steps' in 'model'; "
                              "it belongs in 'spectrum.lanczos' or in 'train' or in "
                              "'theory'");
    refuses_model("pannel: 3", "job.yaml:4: unknown key 'pannel' in 'model'; "
                               "the nearest known key is 'panel' in 'hessian'");
    refuses_model("metrics: 3", "job.yaml:4: unknown key 'metrics' in 'model'; "
                                "it belongs at the top level");
    refuses_hessian("seed: 3",
                    "job.yaml:6: unknown key 'seed' in 'hessian'; "
                    "it belongs in 'model' or in 'data' or in 'spectrum.lanczos' or "
                    "in 'landscape'");
    refuses("data: {contexts: 3}\n", "job.yaml:1: unknown key 'contexts' in 'data'; "
                                     "the nearest known key is 'context'");
    refuses("modle: {}\n", "job.yaml:1: unknown key 'modle' at the top level; "
                           "the nearest known key is 'model'");
    refuses("family: gpt2\n", "job.yaml:1: unknown key 'family' at the top level; "
                              "it belongs in 'model'");
    refuses("model:\n  \"la\\nyer\": 3\n",
            "job.yaml:2: unknown key 'la?yer' in 'model'; "
            "the nearest known key is 'layers'");
}

static void keys_come_once(void **state)
{
    (void)state;
    refuses_model("family: llama",
                  "job.yaml:4: key 'family' is there twice, first on line 3");
    refuses("model: {}\n\nmodel: {}\n",
            "job.yaml:3: key 'model' is there twice, first on line 1");
    refuses("? [a]\n: b\n", "job.yaml:1: a key is a word of at most 64 bytes");
}

static void numbers_are_numbers_in_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"two",
                                      "3x",
                                      "1.5",
                                      "0",
                                      "-1",
                                      "4097",
                                      "010",
                                      "0x2",
                                      "1e1",
                                      "1_0",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[80], message[200];
        snprintf(line, sizeof line, "layers: %s", bad[i]);
        snprintf(
            message, sizeof message,
            "job.yaml:4: 'model.layers' is '%s', expected an integer from 1 to 4096",
            bad[i]);
        refuses_model(line, message);
    }
    refuses_model("layers:", "job.yaml:4: 'model.layers' is empty, "
                             "expected an integer from 1 to 4096");
    refuses_model("layers: [3]", "job.yaml:4: 'model.layers' is a list, "
                                 "expected an integer from 1 to 4096");
    refuses_model("layers: {a: 3}", "job.yaml:4: 'model.layers' is a mapping, "
                                    "expected an integer from 1 to 4096");
    refuses_model("seed: 18446744073709551616",
                  "job.yaml:4: 'model.seed' is '18446744073709551616', "
                  "expected an integer from 0 to 2^64 - 1");
    static const char *const wild[] = {"inf",    "nan",   "0", "-1",    "0x1p3", "1e",
                                       "1e-400", "1e999", ".", "1.2.3", "1,5"};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        char line[80], message[200];
        snprintf(line, sizeof line, "temperature: %s", wild[i]);
        snprintf(message, sizeof message,
                 "job.yaml:4: 'model.temperature' is '%s', expected a number above 0",
                 wild[i]);
        refuses_model(line, message);
    }
    refuses_hessian("panel: 1025", "job.yaml:6: 'hessian.panel' is '1025', "
                                   "expected an integer from 1 to 1024");
}

/* The tables of the document are those that the program prints: tools/renew_tables. */
static void the_document_has_the_keys(void **state)
{
    (void)state;
    static const char *const sections[] = {"model",     "data",  "hessian",  "spectrum",
                                           "metrics",   "train", "measures", "theory",
                                           "landscape", "output"};
    char *document, *table, wanted[60];
    size_t length;
    assert_int_equal(
        hesse_job_text(HESSE_TEST_FOLDER "/../docs/job.md", &document, &length, &why),
        HESSE_OK);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        FILE *memory = open_memstream(&table, &length);
        assert_non_null(memory);
        hesse_keys_markdown(memory, sections[i]);
        assert_int_equal(fclose(memory), 0);
        snprintf(wanted, sizeof wanted, "<!-- generated: %s -->\n", sections[i]);
        const char *at = strstr(document, wanted);
        if (!at || strncmp(at + strlen(wanted), table, length) != 0 ||
            strncmp(at + strlen(wanted) + length, "<!-- end -->", 12) != 0)
            fail_msg("docs/job.md, %s: tools/renew_tables renews it", sections[i]);
        free(table);
    }
    free(document);
}

/* Lists of families and kinds name keys of the table; a default is one or the other. */
static void every_row_is_whole(void **state)
{
    (void)state;
    typedef const hesse_owned_key *owners(int i, const char **name);
    owners *const all[] = {hesse_family_keys, hesse_kind_keys};
    const char *name;
    for (int of = 0; of < 2; of++)
        for (int i = 0; all[of](i, &name); i++)
            for (const hesse_owned_key *k = all[of](i, &name); k->name; k++) {
                char path[100];
                snprintf(path, sizeof path, "%s.%s", of ? "data" : "model", k->name);
                assert_true(hesse_key_find(path) >= 0);
                assert_null(hesse_key_at(hesse_key_find(path))->standard);
            }
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *k = hesse_key_at(i);
        assert_int_equal(hesse_key_find(k->path), i);
        assert_true(k->bytes && k->help && k->help[strlen(k->help) - 1] == '.');
        if (k->type == HESSE_KEY_WORD) assert_true(k->words || k->word);
        if (k->type == HESSE_KEY_INTEGER || k->type == HESSE_KEY_NUMBER)
            assert_true(k->low < k->high);
        if (k->list) assert_true(k->count && k->most);
    }
}

static void words_are_known_words(void **state)
{
    (void)state;
    refuses_hessian("scope: block",
                    "job.yaml:6: 'hessian.scope' is 'block', "
                    "expected blocks, full or both; the nearest is 'blocks'");
    refuses_hessian("scope:", "job.yaml:6: 'hessian.scope' is empty, "
                              "expected blocks, full or both");
    refuses_hessian("scope: Both",
                    "job.yaml:6: 'hessian.scope' is 'Both', "
                    "expected blocks, full or both; the nearest is 'both'");
    refuses_hessian("scope: 3", "job.yaml:6: 'hessian.scope' is '3', "
                                "expected blocks, full or both");
    refuses_model("tied: maybe", "job.yaml:4: 'model.tied' is 'maybe', "
                                 "expected false or true");
    refuses_model("tied: yes", "job.yaml:4: 'model.tied' is 'yes', "
                               "expected false or true");
    refuses("model: {family: [gpt2]}", "job.yaml:1: 'model.family' is a list, "
                                       "expected " FAMILIES);
    refuses("model: {family: gpt3}", "job.yaml:1: 'model.family' is 'gpt3', "
                                     "expected " FAMILIES "; the nearest is 'gpt2'");
}

static void lists_are_lists(void **state)
{
    (void)state;
    refuses_hessian("only: a",
                    "job.yaml:6: 'hessian.only' is 'a', expected a list, as in [a, b]");
    refuses_hessian(
        "only: []",
        "job.yaml:6: 'hessian.only' has 0 entries, expected from 1 to 1000");
    refuses_hessian("only: [a, '']",
                    "job.yaml:6: 'hessian.only' holds empty, expected a text");
    refuses_hessian("only: [a, [b]]",
                    "job.yaml:6: 'hessian.only' holds a list, expected a text");
    refuses_hessian("only:\n    - a\n    - b\n    - a",
                    "job.yaml:9: 'hessian.only' holds 'a' twice");
    refuses_hessian(
        "only: [*.query]",
        "job.yaml:6: did not find expected alphabetic or numeric character; "
        "a value that begins with * or & must stand in quotes");
    char text[300];
    snprintf(text, sizeof text, "%smetrics: {distance: [js, jsd]}\n", good);
    refuses(text,
            "job.yaml:5: 'metrics.distance' holds 'jsd', expected js, js_distance, "
            "js_raw, js_log or wasserstein; the nearest is 'js'");
}

static void sections_are_mappings(void **state)
{
    (void)state;
    refuses("model: 3\n", "job.yaml:1: 'model' is '3', expected a mapping of keys");
    refuses("model: [a]\n",
            "job.yaml:1: 'model' is a list, expected a mapping of keys");
    refuses("model:\ndata:\n",
            "job.yaml:1: 'model' is empty, expected a mapping of keys");
    refuses("- model\n", "job.yaml:1: the file is a list, expected a mapping of keys");
    refuses("hello\n", "job.yaml:1: the file is 'hello', expected a mapping of keys");
}

static void files_that_are_no_jobs(void **state)
{
    (void)state;
    static const char empty[] =
        "job.yaml: is empty, expected a job with the keys 'model' and 'data'";
    refuses("", empty);
    refuses("# nothing\n\n", empty);
    refuses("model:\n\tfamily: gpt2\n",
            "job.yaml:2: a tab begins the line, expected spaces");
    refuses("model:\n  family: gpt2\n\tseed: 3\n",
            "job.yaml:3: a tab begins the line, expected spaces");
    refuses("model: {family: gpt2\n",
            "job.yaml:2: did not find expected ',' or '}' while "
            "parsing a flow mapping");
    refuses("model: {}\n---\nmodel: {}\n",
            "job.yaml:2: a second document begins, expected one");
    refuses("a\nb\n\xff\n",
            "job.yaml:3: this is no text in UTF-8: invalid leading UTF-8 octet");
    refuses("a: \x01\n",
            "job.yaml:1: this is no text in UTF-8: control characters are not allowed");
    hesse_job *job;
    assert_int_equal(hesse_job_parse("a\n\0", 3, "job.yaml", NULL, NULL, &job, &why),
                     2);
    assert_string_equal(why.text, "job.yaml:2: this is no text in UTF-8: "
                                  "it has a byte of value zero");
    refuses("a: \"\\0\"\n", "job.yaml:1: a value holds a byte of value zero");
}

static void bombs_are_defused(void **state)
{
    (void)state;
    static const char anchors[] =
        "anchors and aliases have no place in a job file; "
        "a value that begins with * or & must stand in quotes";
    char message[200];
    snprintf(message, sizeof message, "job.yaml:1: %s", anchors);
    refuses("a: &a [x, x]\nb: &b [*a, *a]\n", message);
    refuses("a: *a\n", message);
    refuses("a: &b {}\n", message);
    refuses("a: !!int 3\n", "job.yaml:1: tags have no place in a job file; "
                            "a value that begins with ! must stand in quotes");
    refuses("a: [[[[[[[x]]]]]]]\n", "job.yaml:1: unknown key 'a' at the top level; "
                                    "`hesse keys` prints the known ones");
    refuses("a: [[[[[[[[x]]]]]]]]\n", "job.yaml:1: values nest more than 8 deep");
    const size_t size = HESSE_JOB_BYTES;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '[', size);
    text[size] = '\0';
    refuses(text, "job.yaml:1: values nest more than 8 deep");
    for (size_t i = 0; i < size; i++) text[i] = i % 2 ? ' ' : '-';
    refuses(text, "job.yaml:1: values nest more than 8 deep");
    for (size_t i = 0; i < size; i++) text[i] = ",a"[i % 2];
    text[0] = '[';
    refuses(text, "job.yaml:1: a job file has at most 10000 values");
    memset(text, 'a', size);
    refuses(text, "job.yaml:1: the file is "
                  "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...', "
                  "expected a mapping of keys");
    free(text);
}

static void keys_must_agree(void **state)
{
    (void)state;
    refuses("data: {tokens: a.npy}\n",
            "job.yaml: 'model.family' is missing, and there is no 'model.config' "
            "that tells it; expected " FAMILIES);
    refuses("model: {family: graph}\ndata: {tokens: t}\n",
            "job.yaml: the family is graph, and 'model.graph' is missing, a file that "
            "`hesse graph` prints");
    refuses(
        "model: {family: graph, graph: g,\n  config: c}\ndata: {tokens: t}\n",
        "job.yaml:2: 'model.config' is for all decoders, bert, roberta, distilbert, "
        "vit, and the family is graph");
    refuses("model: {family: mlp,\n  graph: g}\ndata: {tokens: t}\n",
            "job.yaml:2: 'model.graph' is for graph, and the family is mlp");
    refuses("model: {family: gpt2}\n",
            "job.yaml: there are no data, expected "
            "'data.tokens', 'data.text', 'data.texts', 'data.inputs', 'data.images' or "
            "'data.generator'");
    refuses(
        "model: {family: gpt2}\ndata:\n  tokens: a\n  text: b\n",
        "job.yaml:4: 'data.text' stands beside 'data.tokens', expected one of them");
    refuses(
        "model:\n  family: gpt2\n  checkpoint: a\n  checkpoints: [b]\n"
        "data: {tokens: a}\n",
        "job.yaml:4: 'model.checkpoints' stands beside 'model.checkpoint', expected "
        "one of them");
    refuses("model: {family: gpt2}\ndata: {tokens: a}\nseries:\n  step: [1, 2]\n",
            "job.yaml:4: 'series.step' is for 'model.checkpoints'");
    refuses(
        "model: {family: gpt2}\ndata:\n  tokens: a\n  vocabulary: bytes\n",
        "job.yaml:4: 'data.vocabulary' is for text, texts, and the data are tokens");
    refuses(
        "model: {family: mlp}\ndata:\n  generator: clusters\n  covariates: gamma\n",
        "job.yaml:4: 'data.covariates' is for regression, and the data are clusters");
    refuses("model: {family: mlp}\ndata:\n  generator: regression\n  shape: 1\n",
            "job.yaml:4: 'data.shape' is for 'data.covariates: gamma'");
    refuses("model: {family: gpt2}\ndata:\n  tokens: a\n  mask_id: 1\n",
            "job.yaml:4: 'data.mask_id' is for encoders with 'model.task: masked'");
    refuses("model: {family: bert}\ndata:\n  generator: none\n",
            "job.yaml:3: 'data.generator' is 'none', expected gaussian, clusters, "
            "regression, addition or pathfinder");
    refuses("model:\n  family: gpt2\n  config: c\n  width: 8\ndata: {tokens: a}\n",
            "job.yaml:4: 'model.width' stands beside 'model.config', which says it");
    refuses("model:\n  family: gpt2\n  config: c\n  context: 8\ndata: {tokens: a}\n",
            "job.yaml:4: 'model.context' stands beside 'model.config', which says it; "
            "'data.context' is for shorter sequences");
    refuses("model: {family: gpt2, context: 8}\ndata:\n  tokens: a\n  context: 9\n",
            "job.yaml:4: 'data.context' is 9, expected at most the model's context, 8");
    refuses_model(
        "kv_heads: 1",
        "job.yaml:4: 'model.kv_heads' is for llama, gemma, gemma2, phi, phi3, "
        "and the family is gpt2");
    refuses_model("rope_theta: 1",
                  "job.yaml:4: 'model.rope_theta' is for llama, gpt_neox, gemma, "
                  "gemma2, phi, phi3, "
                  "and the family is gpt2");
    refuses_model("classes: 10",
                  "job.yaml:4: 'model.classes' is for bert, roberta, distilbert, "
                  "vit, mlp, "
                  "mixer, vgg, resnet, and the family is gpt2");
    refuses_model("widths: [8]", "job.yaml:4: 'model.widths' is for mlp, vgg, "
                                 "quadratic, and the family is gpt2");
    refuses_model("heads: 5", "job.yaml:4: 'model.heads' does not fit: width 32 is no "
                              "multiple of 5 heads");
    refuses_model("width: 33", "job.yaml:4: 'model.width' does not fit: width 33 is no "
                               "multiple of 2 heads");
    refuses_model("head_size: 8", "job.yaml:4: 'model.head_size' does not fit: 2 heads "
                                  "of size 8 are not width 32");
    refuses("model:\n  family: llama\n  heads: 4\n  kv_heads: 3\ndata: {tokens: a}\n",
            "job.yaml:4: 'model.kv_heads' is 3, expected a divisor of 4 heads");
    refuses("model:\n  family: llama\n  width: 6\ndata: {tokens: a}\n",
            "job.yaml:3: 'model.width' does not fit: the size of a head is 3, rotary "
            "angles need an even one");
    refuses_hessian("memory: 4 gigs", "job.yaml:6: 'hessian.memory' is '4 gigs', "
                                      "expected a size with a unit, such as 4GiB or "
                                      "500 MB");
}

static void lists_must_fit(void **state)
{
    (void)state;
    refuses("model:\n  family: mlp\n  multipliers: [1]\ndata: {inputs: x, labels: y}\n",
            "job.yaml:3: 'model.multipliers' has 1 entries, expected one for each of 2 "
            "layers");
    refuses("model:\n  family: mlp\n  widths: [3, 0]\ndata: {inputs: x, labels: y}\n",
            "job.yaml:3: 'model.widths' holds 0, expected sizes from 1");
    refuses("model: {family: quadratic, widths: [1]}\n",
            "job.yaml: quadratic needs 'model.widths', the orders of its blocks, and "
            "'model.eigenvalues'");
    refuses("model:\n  family: quadratic\n  widths: [1, 2]\n  eigenvalues: [1, 2]\n",
            "job.yaml:4: 'model.eigenvalues' has 2 entries, expected 3 by "
            "'model.widths'");
}

static void data_must_fit(void **state)
{
    (void)state;
    refuses("model: {family: bert}\ndata: {tokens: a}\nhessian: {seconds: 1, method: "
            "exact}\n",
            "job.yaml:3: 'hessian.seconds' is for 'hessian.method: auto'");
    refuses("model:\n  family: bert\n  classes: 3\ndata: {tokens: a}\n",
            "job.yaml:3: 'model.classes' is for 'model.task: classify' and "
            "'model.task: tokens'");
    refuses("model: {family: mlp}\ndata:\n  inputs: a\n",
            "job.yaml:3: 'data.inputs' goes with 'data.labels' or 'data.targets', "
            "expected one of them");
    refuses("model: {family: mlp}\ndata:\n  inputs: a\n  labels: b\n  targets: c\n",
            "job.yaml:3: 'data.inputs' goes with 'data.labels' or 'data.targets', "
            "expected one of them");
    refuses("model: {family: quadratic, widths: [1], eigenvalues: [1]}\n"
            "data: {tokens: t}\n",
            "job.yaml:2: 'data.tokens' is not for quadratic, which has no data");
    refuses("model:\n  family: mlp\n  config: c\ndata: {inputs: x, labels: y}\n",
            "job.yaml:3: 'model.config' is for all decoders, bert, roberta, "
            "distilbert, vit, and the family is "
            "mlp");
}

static void overrides_win(void **state)
{
    (void)state;
    const char *const sets[] = {"data.sequences=4", "hessian.only=[a, 'b*']",
                                "model.family=llama", "data.sequences=5",
                                "spectrum.density={points: 7}"};
    hesse_job *job =
        parse_with("model: {family: gpt2, layers: 3}\ndata: {tokens: t}", sets, 5);
    assert_true(job->data.sequences == 5 && strcmp(job->arch.family, "llama") == 0);
    assert_true(job->arch.activation == HESSE_ACT_SILU && !job->arch.tied);
    assert_true(job->analysis.n_only == 2 && job->spectrum.density.points == 7);
    assert_true(job->spectrum.density.bandwidth == 0.01);
    assert_string_equal(job->analysis.only[1], "b*");
    assert_int_equal(job->arch.layers, 3);
    assert_string_equal(job->text,
                        "model: {family: gpt2, layers: 3}\ndata: {tokens: t}\n"
                        "# --set data.sequences=4\n"
                        "# --set hessian.only=[a, 'b*']\n"
                        "# --set model.family=llama\n"
                        "# --set data.sequences=5\n"
                        "# --set spectrum.density={points: 7}\n");
    hesse_job_free(job);
}

static void overrides_are_blamed_by_their_name(void **state)
{
    (void)state;
    refuses_set(good, "data.sequences=none",
                "--set data.sequences: 'data.sequences' is 'none', expected an integer "
                "from 1 to 2147483647");
    refuses_set(good, "data.sequenses=3",
                "--set data.sequenses: unknown key 'sequenses' in 'data'; "
                "the nearest known key is 'sequences'");
    refuses_set(good, "sequences=3",
                "--set sequences: unknown key 'sequences' at the top "
                "level; it belongs in 'data' or in 'train.evaluate'");
    refuses_set(good, "model.family.x=3",
                "--set model.family.x: 'model.family' is a "
                "mapping, expected " FAMILIES);
    refuses_set(good, "data=3",
                "--set data: 'data' is '3', expected a mapping of keys");
    refuses_set(good, "data.sequences",
                "--set data.sequences: expected section.key=VALUE");
    char deep[1000] = "", message[300];
    for (size_t i = 0; i < 200; i++) deep[i] = "a."[i % 2];
    strcpy(deep + 199, "=3");
    snprintf(message, sizeof message, "--set %.150s: expected section.key=VALUE", deep);
    refuses_set(good, deep, message);
    refuses_set(good, "=3", "--set : expected section.key=VALUE");
    refuses_set(good, "data.seed=",
                "--set data.seed: has no value, expected section.key=VALUE");
    refuses_set(good, "data..seed=3", "--set data..seed: expected section.key=VALUE");
    refuses_set(good, "hessian.only=[a",
                "--set hessian.only: did not find expected ',' or ']' while parsing a "
                "flow sequence");
    refuses_set(good, "output.file=a\nb",
                "--set output.file: holds a control character, expected one line");
    refuses_set(
        good, "data.text=a",
        "--set data.text: 'data.text' stands beside 'data.tokens', expected one "
        "of them");
}

static void text_survives_the_way_through(void **state)
{
    (void)state;
    const char *const sets[] = {
        "output.file=\"a \\L \xc3\xa9 \xf0\x9f\x99\x82 'q' \\\" \\\\ # : {x}\\t\\n\""};
    hesse_job *job = parse_with(good, sets, 1);
    assert_string_equal(job->paths.output,
                        "jobs/a \xe2\x80\xa8 \xc3\xa9 \xf0\x9f\x99\x82 'q' "
                        "\" \\ # : {x}\t\n");
    hesse_job_free(job);
}

/* The resolved job is a job, too, and the same one: it resolves to itself. */
static void resolves_to_itself(const char *text, const char *const *sets, int n_sets,
                               const hesse_told *told)
{
    hesse_job *job = parse_told(text, sets, n_sets, told);
    hesse_job *again = parse(job->complete);
    assert_string_equal(again->complete, job->complete);
    assert_memory_equal(&again->arch, &job->arch, sizeof job->arch);
    assert_memory_equal(&again->spectrum, &job->spectrum, sizeof job->spectrum);
    assert_memory_equal(&again->train.options.optimiser, &job->train.options.optimiser,
                        sizeof job->train.options.optimiser);
    assert_memory_equal(&again->train.options.schedule, &job->train.options.schedule,
                        sizeof job->train.options.schedule);
    assert_string_equal(again->data.kind, job->data.kind);
    assert_int_equal(again->data.shuffle, job->data.shuffle);
    assert_string_equal(again->paths.output, job->paths.output);
    hesse_job_free(again);
    hesse_job_free(job);
}

static void a_resolved_job_says_the_same(void **state)
{
    (void)state;
    const char *const sets[] = {
        "output.file=\"-a: \\t\\r\\L \xc3\xa9 #'\\\\\\\"\\x80\\uFFFE\"",
        "data.sequences=5"};
    resolves_to_itself(good, sets, 2, NULL);
    resolves_to_itself(full, sets, 2, NULL);
    resolves_to_itself("model: {family: gpt2, config: c.json}\ndata: {text: t}\n", sets,
                       2, NULL);
    resolves_to_itself(
        "model: {family: mlp, widths: [7, 4], multipliers: [.7, 3, -1.5]}\n"
        "data: {inputs: '-1.5', targets: 'true'}\n",
        sets, 2, NULL);
    resolves_to_itself("model: {family: gpt2}\ndata: {text: a}\n"
                       "hessian: {blocks: paper-gpt2, memory: 4096 MiB}\n"
                       "spectrum: {lanczos: {procedure: paper}}\n",
                       sets, 2, NULL);
    const hesse_key *optimiser = hesse_key_at(hesse_key_find("train.optimiser"));
    for (int i = 0; hesse_key_word(optimiser, i).name; i++) {
        char train[200];
        snprintf(train, sizeof train,
                 "train={optimiser: %s, schedule: {kind: %s}, measures: {every: 2}}",
                 hesse_key_word(optimiser, i).name, i % 2 ? "cosine" : "linear");
        const char *const own[] = {train, "train.schedule.warmup=1"};
        resolves_to_itself(good, own, 2, NULL);
    }
    const char *const by_steps[] = {"train.schedule={kind: step, every: 10}"};
    resolves_to_itself(good, by_steps, 1, NULL);
    hesse_job *job = parse(good);
    assert_non_null(strstr(job->complete, "train:\n  optimiser: adamw\n"));
    assert_non_null(strstr(job->complete, "\n  betas: [0.9, 0.999]\n"));
    assert_null(strstr(job->complete, "alpha"));
    assert_null(strstr(job->complete, "robust_condition"));
    assert_non_null(strstr(job->complete, "model:\n  family: gpt2\n"));
    assert_non_null(strstr(job->complete, "\n  density:\n    points: 1000\n"));
    assert_null(strstr(job->complete, "multipliers"));
    assert_null(strstr(job->complete, "normalise"));
    hesse_job_free(job);
    job = parse("model: {family: mlp, multipliers: [1, -1.5]}\n"
                "data: {inputs: x, labels: '7'}\n");
    assert_non_null(strstr(job->complete, "multipliers: [1, -1.5]\n"));
    assert_non_null(strstr(job->complete, "labels: \"7\"\n"));
    assert_null(strstr(job->complete, "layers"));
    hesse_job_free(job);
}

/* Every family on every kind of data, with nothing but defaults. */
static void every_family_resolves_to_itself(void **state)
{
    (void)state;
    static const char *const data[] = {"tokens: t",           "text: t",
                                       "texts: [t]",          "inputs: x, labels: y",
                                       "images: i",           "generator: gaussian",
                                       "generator: clusters", "generator: regression",
                                       "generator: addition", "generator: pathfinder"};
    const char *family;
    char text[200];
    for (int f = 0; hesse_family_keys(f, &family); f++)
        for (size_t d = 0; d < sizeof data / sizeof *data; d++) {
            const bool none = hesse_families[f]->data;
            snprintf(text, sizeof text, "model: {family: %s%s}\ndata: {%s}\n", family,
                     none                     ? ", widths: [1], eigenvalues: [2]"
                     : hesse_families[f]->fit ? ", graph: g.json"
                                              : "",
                     none ? "" : data[d]);
            resolves_to_itself(text, NULL, 0, NULL);
        }
}

/* The jobs of the tests of families, and those that come with the program. */
static void every_job_resolves_to_itself(void **state)
{
    (void)state;
    static const char *const patterns[] = {HESSE_TEST_FOLDER "/families/*/job.yaml",
                                           HESSE_TEST_FOLDER "/../jobs/*.yaml",
                                           HESSE_TEST_FOLDER "/../jobs/*/*.yaml"};
    size_t count = 0;
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        glob_t files;
        assert_int_equal(glob(patterns[p], 0, NULL, &files), 0);
        for (size_t i = 0; i < files.gl_pathc; i++, count++) {
            char *text;
            size_t length;
            assert_int_equal(hesse_job_text(files.gl_pathv[i], &text, &length, &why),
                             0);
            hesse_told told;
            if (hesse_job_tell(text, length, files.gl_pathv[i], NULL, &told, &why))
                told = (hesse_told){0}; /* its config is not in the tree */
            resolves_to_itself(text, NULL, 0, &told);
            free(text);
        }
        globfree(&files);
    }
    assert_true(count > 25);
}

/* What YAML 1.1 takes for a text is none of our numbers or truths. */
static void quoted_numbers_are_texts(void **state)
{
    (void)state;
    refuses_model("layers: \"3\"", "job.yaml:4: 'model.layers' is the text '3', "
                                   "expected an integer from 1 to 4096");
    refuses_model("temperature: '1'",
                  "job.yaml:4: 'model.temperature' is the text '1', "
                  "expected a number above 0");
    refuses_model("tied: \"true\"", "job.yaml:4: 'model.tied' is the text 'true', "
                                    "expected false or true");
    refuses("model:\n  family: mlp\n  multipliers: [1, \"-1.5\"]\ndata: {inputs: x}\n",
            "job.yaml:3: 'model.multipliers' holds the text '-1.5', expected a number "
            "that is finite");
    hesse_job *job = parse("model: {family: \"gpt2\"}\ndata: {tokens: '7'}\n");
    assert_string_equal(job->data.paths[0], "jobs/7");
    hesse_job_free(job);
}

/* The program must not write over any of these. */
static void paths_are_known(void **state)
{
    (void)state;
    hesse_job *job = parse("model: {family: mlp, checkpoint: c}\n"
                           "data: {texts: [a, /b]}\noutput: {file: o}\n");
    char found[200] = "";
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        const char *const *paths;
        if (key->type != HESSE_KEY_PATH || key->written) continue;
        const int n = hesse_job_paths_of(job, i, &paths);
        for (int p = 0; p < n; p++) strcat(strcat(found, paths[p]), " ");
    }
    assert_string_equal(found, "jobs/c jobs/a /b ");
    hesse_job_free(job);
}

/* Keys by what they change: what --resume compares. */
static void roles_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        hesse_key_role role;
    } some[] = {{"model.widths", HESSE_KEY_NUMBERS},
                {"hessian.panel", HESSE_KEY_NUMBERS},
                {"data.texts", HESSE_KEY_NEITHER},
                {"hessian.memory", HESSE_KEY_NEITHER},
                {"output.file", HESSE_KEY_NEITHER},
                {"output.matrices", HESSE_KEY_OUTPUT},
                {"metrics.distance", HESSE_KEY_OUTPUT},
                {"spectrum.density.points", HESSE_KEY_OUTPUT}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_int_equal(hesse_key_at(hesse_key_find(some[i].path))->role,
                         some[i].role);
    for (int i = 0; hesse_key_at(i); i++) /* files are known by their digests */
        if (hesse_key_at(i)->type == HESSE_KEY_PATH)
            assert_int_equal(hesse_key_at(i)->role, HESSE_KEY_NEITHER);
}

/* Words to complete are overrides: keys with an equals sign, and what may follow it. */
static void words_complete_overrides(void **state)
{
    (void)state;
    char *text;
    size_t length;
    FILE *memory = open_memstream(&text, &length);
    assert_non_null(memory);
    hesse_keys_words(memory);
    assert_int_equal(fclose(memory), 0);
    assert_non_null(strstr(text, "\nmodel.layers=\n"));
    assert_non_null(strstr(text, "\nhessian.scope=full\n"));
    assert_non_null(strstr(text, "\noutput.matrices=true\n"));
    free(text);
}

/* A schema for editors has every key, and is JSON. */
static void the_schema_has_the_keys(void **state)
{
    (void)state;
    char *text = hesse_keys_schema();
    assert_non_null(text);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    for (int i = 0; hesse_key_at(i); i++) {
        const json_t *at = root;
        const char *word = hesse_key_at(i)->path;
        for (size_t length; at && *word; word += length + (word[length] == '.')) {
            length = strcspn(word, ".");
            at = json_object_getn(json_object_get(at, "properties"), word, length);
        }
        assert_non_null(at);
        assert_non_null(json_object_get(at, "description"));
    }
    json_decref(root);
    free(text);
}

static void values_have_words(void **state)
{
    (void)state;
    assert_string_equal(hesse_job_word("hessian.scope", HESSE_BOTH), "both");
    assert_string_equal(hesse_job_word("spectrum.density.scale", 1), "tenth");
    assert_string_equal(hesse_job_word("hessian.scope", 4), "");
    for (int f = 0; hesse_families[f]; f++)
        assert_string_equal(hesse_job_word("model.family", f), hesse_families[f]->name);
}

/* Every allocation fails in turn. */
static void memory_may_end(void **state)
{
    (void)state;
    const char *const set = "data.sequences=5";
    hesse_job_free(parse_with(full, &set, 1));
    allocations = 0;
    hesse_job_free(parse_with(full, &set, 1));
    const int all = allocations;
    assert_true(all > 100);
    for (broken_at = 0; broken_at < all; broken_at++) {
        hesse_job *job = NULL;
        allocations = 0;
        assert_int_equal(hesse_job_parse(full, strlen(full), "job.yaml",
                                         &(hesse_job_choice){.sets = &set, .n_sets = 1},
                                         NULL, &job, &why),
                         HESSE_E_NOMEM);
        assert_null(job);
    }
    broken_at = -1;
}

/* Refused or understood, with a line of text for a reason, and nothing else. */
static void survives(const char *text, size_t length)
{
    hesse_job *job = NULL;
    why.text[0] = '\0';
    const hesse_status s =
        hesse_job_parse(text, length, "job.yaml", NULL, NULL, &job, &why);
    assert_true(s == HESSE_OK || s == HESSE_E_JOB);
    assert_true((s == HESSE_OK) == (job != NULL));
    if (s) assert_message(&why, "job.yaml");
    hesse_job_free(job);
}

static void damage_is_survived(void **state)
{
    (void)state;
    const size_t length = sizeof full - 1;
    char text[sizeof full];
    for (size_t n = 0; n <= length; n++) {
        char *exact = malloc(n + 1); /* so that a sanitizer sees reads past the end */
        assert_non_null(exact);
        memcpy(exact, full, n);
        survives(exact, n);
        free(exact);
    }
    memcpy(text, full, sizeof full);
    for (size_t i = 0; i < length; i++)
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(full[i] ^ (1 << bit));
            survives(text, length);
            text[i] = full[i];
        }
    static const char marks[] = "\t\n :{}[],&*!|>'\"%@`#-?\x80";
    for (size_t i = 0; i < length; i++)
        for (const char *m = marks; *m; m++) {
            text[i] = *m;
            survives(text, length);
            text[i] = full[i];
        }
}

/* The file's names of parts are the library's. */
static void parts_have_one_name(void **state)
{
    (void)state;
    for (int i = 0; hesse_ops[i]; i++)
        assert_int_equal(hesse_kinds_named(hesse_kinds_name(hesse_ops[i]->kind)),
                         hesse_ops[i]->kind);
    assert_int_equal(hesse_kinds_named(hesse_kinds_name(HESSE_FUNCTIONAL)),
                     HESSE_FUNCTIONAL);
    assert_int_equal(hesse_kinds_named(hesse_kinds_name(HESSE_ALL)), HESSE_ALL);
}

static void files_are_read(void **state)
{
    (void)state;
    hesse_job *job = NULL;
    write_text("job.yaml", good);
    assert_int_equal(hesse_job_read("job.yaml", NULL, &job, &why), HESSE_OK);
    assert_string_equal(job->text, good);
    hesse_job_free(job);
    assert_int_equal(hesse_job_read("none.yaml", NULL, &job, &why), HESSE_E_JOB);
    assert_string_equal(why.text,
                        "none.yaml: cannot be opened: No such file or directory");
    assert_int_equal(hesse_job_read(".", NULL, &job, &why), HESSE_E_JOB);
    assert_string_equal(why.text, ".: cannot be read: Is a directory");
    assert_null(job);
    char *large = malloc(HESSE_JOB_BYTES + 1);
    assert_non_null(large);
    memset(large, '#', HESSE_JOB_BYTES + 1);
    write_bytes("large.yaml", large, HESSE_JOB_BYTES + 1);
    free(large);
    assert_int_equal(hesse_job_read("large.yaml", NULL, &job, &why), HESSE_E_JOB);
    assert_string_equal(why.text,
                        "large.yaml: is larger than 1 MiB, expected a job file");
}

static const char swept[] = "model: {family: gpt2, layers: 3}\n"
                            "data: {text: t, seed: 1}\n"
                            "sweep:\n"
                            "  size:\n"
                            "    small: {model: {layers: 1, width: 8}}\n"
                            "    large: {model: {layers: 2}, train: {steps: 7}}\n"
                            "  model: {kernel: [softmax, linear]}\n"
                            "  train: {betas: [[0.5, 0.9], [0, 1]]}\n"
                            "full:\n"
                            "  data: {seed: 9}\n"
                            "  sweep: {model: {kernel: [softmax, linear, gaussian]}}\n";

static void a_sweep_has_points(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        hesse_job *job = NULL;
        const hesse_job_choice choice = {.point = i};
        char name[100];
        snprintf(name, sizeof name, "size-%s-kernel-%s-betas-%s",
                 i < 4 ? "small" : "large", i / 2 % 2 ? "linear" : "softmax",
                 i % 2 ? "0_1" : "0.5_0.9");
        assert_int_equal(
            hesse_job_parse(swept, strlen(swept), "j.yaml", &choice, NULL, &job, &why),
            HESSE_OK);
        assert_string_equal(job->sweep.name, name);
        assert_true(job->sweep.points == 8 && job->sweep.axes == 3);
        assert_string_equal(job->sweep.axis[2], "betas");
        assert_int_equal(job->arch.layers, i < 4 ? 1 : 2);
        assert_int_equal(job->arch.width, i < 4 ? 8 : 32);
        assert_true(job->train.options.optimiser.betas[0] == (i % 2 ? 0 : 0.5));
        assert_int_equal(job->data.seed, 1);
        assert_non_null(strstr(job->text, name));
        hesse_job_free(job);
    }
}

static void points_and_the_full_size_are_chosen(void **state)
{
    (void)state;
    hesse_job *job = NULL;
    const char *const sets[] = {"sweep.size.large.model.layers=5", "model.width=16"};
    const hesse_job_choice choice = {.name = "size-large-kernel-gaussian-betas-0_1",
                                     .full = true,
                                     .sets = sets,
                                     .n_sets = 2};
    assert_int_equal(
        hesse_job_parse(swept, strlen(swept), "j.yaml", &choice, NULL, &job, &why),
        HESSE_OK);
    assert_int_equal(job->sweep.points, 12);
    assert_int_equal(job->arch.layers, 5); /* of the point, as overridden */
    assert_int_equal(job->arch.width, 16); /* an override is last         */
    assert_int_equal(job->data.seed, 9);
    assert_int_equal(job->train.steps, 7);
    assert_non_null(strstr(job->text, "# --full\n# --point size-large-"));
    hesse_job_free(job);
}

#define ALIKE "model: {family: mlp}\ndata: {generator: gaussian}\n"

static void sweeps_are_checked(void **state)
{
    (void)state;
    const char *const cases[][2] = {
        {ALIKE "full: 3\n",
         "job.yaml:3: 'full' is '3', expected overrides of sections"},
        {ALIKE "full: {data: {sequences: 1, colour: 2}}\n",
         "job.yaml:3: unknown key 'colour' in 'data'; the nearest known key is '"
         "contour'"},
        {ALIKE "sweep: []\n",
         "job.yaml:3: 'sweep' is a list, expected keys with lists of values, or axes "
         "with named points"},
        {ALIKE "sweep: {model: {seed: 3}}\n",
         "job.yaml:3: 'sweep.model.seed' is '3', expected a list of values"},
        {ALIKE "sweep: {model: {seed: []}}\n",
         "job.yaml:3: 'sweep.model.seed' is a list, expected one that is not empty"},
        {ALIKE "sweep: {size: {one: 1}}\n",
         "job.yaml:3: 'sweep.size' is '1', expected points with overrides, such as "
         "{small: {model: {layers: 1}}}"},
        {ALIKE "sweep: {size: [1, 2]}\n",
         "job.yaml:3: 'size' is a list, expected a section of the job, or a mapping of "
         "points"},
        {ALIKE "sweep: {model: {seed: [1, 1]}}\n",
         "job.yaml:3: 'sweep.model.seed' has two points called '1'"},
        {ALIKE "sweep: {model: {seed: [1]}, data: {seed: [1]}}\n",
         "job.yaml:3: 'sweep' has two axes called 'seed'; points with names can hold "
         "both keys"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(cases[i][0], cases[i][1]);
    hesse_job *job = NULL;
    const hesse_job_choice large = {.full = true}, point = {.name = "a"},
                           other = {.name = "size-huge"};
    assert_int_equal(
        hesse_job_parse(ALIKE, strlen(ALIKE), "j.yaml", &large, NULL, &job, &why),
        HESSE_E_JOB);
    assert_string_equal(why.text,
                        "j.yaml: has no section 'full', and --full asks for it");
    assert_int_equal(
        hesse_job_parse(ALIKE, strlen(ALIKE), "j.yaml", &point, NULL, &job, &why),
        HESSE_E_JOB);
    assert_string_equal(why.text, "j.yaml: has no section 'sweep', and --point asks "
                                  "for one of its points");
    assert_int_equal(
        hesse_job_parse(swept, strlen(swept), "j.yaml", &other, NULL, &job, &why),
        HESSE_E_JOB);
    assert_memory_equal(why.text, "--point: found 'size-huge', expected one of the 8",
                        48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sweep_has_points),
        cmocka_unit_test(points_and_the_full_size_are_chosen),
        cmocka_unit_test(sweeps_are_checked),
        cmocka_unit_test(absent_keys_have_their_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(a_config_has_the_sizes),
        cmocka_unit_test(families_fill_the_architecture),
        cmocka_unit_test(the_result_stands_beside_the_job),
        cmocka_unit_test(unknown_keys_are_refused_with_the_nearest),
        cmocka_unit_test(keys_come_once),
        cmocka_unit_test(numbers_are_numbers_in_range),
        cmocka_unit_test(the_document_has_the_keys),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(words_are_known_words),
        cmocka_unit_test(lists_are_lists),
        cmocka_unit_test(sections_are_mappings),
        cmocka_unit_test(files_that_are_no_jobs),
        cmocka_unit_test(bombs_are_defused),
        cmocka_unit_test(keys_must_agree),
        cmocka_unit_test(lists_must_fit),
        cmocka_unit_test(data_must_fit),
        cmocka_unit_test(overrides_win),
        cmocka_unit_test(overrides_are_blamed_by_their_name),
        cmocka_unit_test(text_survives_the_way_through),
        cmocka_unit_test(a_resolved_job_says_the_same),
        cmocka_unit_test(every_family_resolves_to_itself),
        cmocka_unit_test(every_job_resolves_to_itself),
        cmocka_unit_test(quoted_numbers_are_texts),
        cmocka_unit_test(paths_are_known),
        cmocka_unit_test(roles_are_known),
        cmocka_unit_test(words_complete_overrides),
        cmocka_unit_test(the_schema_has_the_keys),
        cmocka_unit_test(values_have_words),
        cmocka_unit_test(memory_may_end),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(parts_have_one_name),
        cmocka_unit_test_setup_teardown(files_are_read, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
