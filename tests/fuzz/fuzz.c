/* The readers of files that nobody vouches for, under libFuzzer: whatever the bytes are,
   a reader ends, with a status and one line of reason when it refuses them. HESSE_FUZZ names
   the reader; tools/fuzz runs them all. */
#include "input/checkpoint.h"
#include "input/config.h"
#include "input/tokens.h"
#include "output/audit.h"
#include "output/part_file.h"
#include "output/show.h"
#include "program/job.h"
#include "program/manifest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static char folder[] = "/dev/shm/hesse-fuzz-XXXXXX";
static char path[128];

/* An error has a reason of one line. */
static void expect(hesse_status s, const hesse_why *why)
{
    if (s && (!why->text[0] || strchr(why->text, '\n'))) abort();
}

static void read_weights(void)
{
    hesse_why why;
    hesse_safetensors *file = NULL;
    hesse_arch arch = {.family = HESSE_GPT2};
    hesse_status s = hesse_safetensors_open(path, &file, &why);
    expect(s, &why);
    if (s) return;
    const size_t count = hesse_safetensors_count(file);
    for (size_t i = 0; i < count; i++) {
        const hesse_tensor *t = hesse_safetensors_tensor(file, i);
        if (t->count > 1 << 16) continue;
        double *values = malloc((t->count + 1) * sizeof *values);
        expect(hesse_safetensors_read(file, t, values, &why), &why);
        free(values);
    }
    expect(hesse_checkpoint_probe(file, path, &arch, &why), &why);
    hesse_safetensors_close(file);
}

static void read_config(void)
{
    hesse_why why;
    for (int family = HESSE_GPT2; family <= HESSE_LLAMA; family++) {
        hesse_arch arch = {.family = family};
        expect(hesse_config_read(path, &arch, &why), &why);
    }
}

static void read_tokens(void)
{
    hesse_why why;
    hesse_tokens tokens = {0};
    const hesse_tokens_request request = {
        .tokens = path, .vocabulary = 50, .positions = 16, .sequences = 2};
    const hesse_status s = hesse_tokens_read(&request, &tokens, &why);
    expect(s, &why);
    if (!s) hesse_tokens_free(&tokens);
}

static void read_job(const uint8_t *bytes, size_t count)
{
    hesse_why why;
    hesse_job *job = NULL;
    char *text = malloc(count + 1);
    if (count) memcpy(text, bytes, count);
    text[count] = '\0';
    const hesse_status s = hesse_job_parse(text, count, "j.yaml", NULL, 0, &job, &why);
    expect(s, &why);
    if (!s) hesse_job_free(job);
    free(text);
}

static void read_part(void)
{
    static const char identity[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    hesse_why why;
    hesse_part_entry *entries;
    size_t count;
    expect(hesse_part_scan(path, identity, &entries, &count, &why), &why);
    free(entries);
}

static void read_manifest(void)
{
    hesse_why why;
    expect(hesse_manifest_match(path,
                                "{\"format\": 1, \"inputs\": {\"data\": \"00\"}, "
                                "\"job\": {\"hessian.scope\": \"full\"}, "
                                "\"program\": \"hesse\"}",
                                &why),
           &why);
}

static void read_result(void)
{
    hesse_why why;
    FILE *out = fopen("/dev/null", "w");
    expect(hesse_result_show(path, out, &why), &why);
    expect(hesse_result_audit(path, out, &why), &why);
    fclose(out);
}

typedef struct target {
    const char *name, *file;
    void (*read)(void);
} target;

static const target targets[] = {{"safetensors", "model.safetensors", read_weights},
                                 {"index", "model.safetensors.index.json", read_weights},
                                 {"config", "config.json", read_config},
                                 {"npy", "tokens.npy", read_tokens},
                                 {"bin", "tokens.bin", read_tokens},
                                 {"job", "job.yaml", NULL},
                                 {"part", "a.part", read_part},
                                 {"manifest", "manifest.json", read_manifest},
                                 {"result", "result.h5", read_result}};

static const target *chosen;

static void leave(void)
{
    unlink(path);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const char *name = getenv("HESSE_FUZZ");
    for (size_t i = 0; name && i < sizeof targets / sizeof *targets; i++)
        if (strcmp(name, targets[i].name) == 0) chosen = &targets[i];
    if (!chosen || !mkdtemp(folder)) {
        fputs("HESSE_FUZZ names no reader\n", stderr);
        exit(2);
    }
    snprintf(path, sizeof path, "%s/%s", folder, chosen->file);
    atexit(leave);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (!chosen->read) {
        read_job(bytes, count);
        return 0;
    }
    FILE *f = fopen(path, "wb");
    if (count) fwrite(bytes, 1, count, f);
    fclose(f);
    chosen->read();
    return 0;
}
