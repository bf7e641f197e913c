/* Rank 0 writes the measures besides spectra. Directions have matrices of blocks by
   blocks; each is a dataset of its own, because a dataset has at most two dimensions.
 */
#include "base/memory.h"
#include "output/result.h"
#include "output/store.h"
#include "parallel/team.h"

#include <stdlib.h>
#include <string.h>

static void write_doubles(hesse_store *store, const char *where, const char *name,
                          int rank, const size_t *shape, const double *values)
{
    char path[HESSE_PATH];
    hesse_store_path(store, path, "%s%s", where, name);
    if (store->status) return;
    const hesse_set set = hesse_schema_set(path, false);
    hesse_store_doubles(store, &set, rank, shape, values);
}

static void write_texts(hesse_store *store, const char *path, size_t count,
                        const char *const *values)
{
    const hesse_set set = hesse_schema_set(path, false);
    hesse_store_texts(store, &set, 1, &count, values);
}

/* Write d_b' S d_c of every direction, and the diagonals of these matrices. */
static void write_between(hesse_store *store, const char *where,
                          const hesse_direction_results *x,
                          const hesse_direction_share *s)
{
    const size_t count = (size_t)x->count, blocks = (size_t)x->blocks;
    const size_t shape[] = {count, blocks}, square[] = {blocks, blocks};
    double *diagonal = hesse_alloc(count * blocks);
    if (!diagonal) {
        hesse_store_no_memory(store);
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < blocks; b++)
            diagonal[i * blocks + b] = s->between[(i * blocks + b) * blocks + b];
    write_doubles(store, where, "block_quadratic", 2, shape, diagonal);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "between/%zu", i);
        write_doubles(store, where, name, 2, square, s->between + i * blocks * blocks);
    }
    free(diagonal);
}

hesse_status hesse_result_directions(hesse_result *result, const char *prefix,
                                     const hesse_direction_results *x)
{
    result->prefix = prefix;
    if (hesse_store_agree(result)) return result->status;
    if (result->team->rank == 0) {
        static const char at[] = "measures/directions/";
        const size_t shape[] = {(size_t)x->count, (size_t)x->blocks};
        write_texts(result, "direction", shape[0], (const char *const *)x->names);
        write_doubles(result, at, "norm", 1, shape, x->norm);
        write_doubles(result, at, "block_norm", 2, shape, x->block_norm);
        write_doubles(result, at, "gradient_cosine", 1, shape, x->cosine);
        for (int i = 0; i < x->shares; i++) {
            const hesse_direction_share *s = &x->share[i];
            char where[HESSE_PATH];
            hesse_store_path(result, where, "%s%s/", at, hesse_kinds_name(s->kinds));
            write_doubles(result, where, "quadratic", 1, shape, s->quadratic);
            write_doubles(result, where, "rayleigh", 1, shape, s->rayleigh);
            write_doubles(result, where, "in_top", 1, shape, s->in_top);
            write_doubles(result, where, "block_in_top", 2, shape, s->block_in_top);
            if (s->product)
                write_doubles(result, where, "product", 2,
                              (const size_t[]){shape[0], x->size}, s->product);
            write_between(result, where, x, s);
        }
        hesse_store_note_whole(result, "measures/directions", "products",
                               (int64_t)x->products);
        hesse_store_note_number(result, "measures/directions", "seconds", x->seconds);
    }
    return hesse_store_agree(result);
}

/* Write the names of the vectors: "random 0", ..., "gradient", "top 0", ... */
static void write_vectors(hesse_store *store, const hesse_block_error *x)
{
    enum { NAME = 32 };
    const size_t count = (size_t)x->vectors;
    char *texts = hesse_calloc(count, NAME);
    const char **names = hesse_calloc(count, sizeof *names);
    for (int i = 0; texts && names && i < x->vectors; i++) {
        char *name = texts + i * NAME;
        names[i] = name;
        if (i < x->probes)
            snprintf(name, NAME, "random %d", i);
        else if (i == x->probes)
            snprintf(name, NAME, "gradient");
        else
            snprintf(name, NAME, "top %d", i - x->probes - 1);
    }
    if (texts && names)
        write_texts(store, "block_error_vector", count, names);
    else
        hesse_store_no_memory(store);
    free(names);
    free(texts);
}

static void write_blocks(hesse_store *store, const hesse_block_error *x)
{
    static const char path[] = "measures/block_error/blocks";
    const hesse_set set = hesse_schema_set(path, false);
    const size_t count = (size_t)x->partitions;
    int64_t *wholes = hesse_calloc(count, sizeof *wholes);
    for (size_t q = 0; wholes && q < count; q++) wholes[q] = x->blocks[q];
    if (wholes)
        hesse_store_wholes(store, &set, 1, &count, wholes);
    else
        hesse_store_no_memory(store);
    free(wholes);
}

hesse_status hesse_result_block_error(hesse_result *result, const char *prefix,
                                      const hesse_block_error *x, uint64_t seed)
{
    result->prefix = prefix;
    if (hesse_store_agree(result)) return result->status;
    if (result->team->rank == 0) {
        static const char at[] = "measures/block_error";
        const size_t shape[] = {(size_t)x->partitions, (size_t)x->vectors};
        write_texts(result, "block_error_partition", shape[0],
                    (const char *const *)x->names);
        write_vectors(result, x);
        write_blocks(result, x);
        for (int i = 0; i < x->shares; i++) {
            const hesse_block_error_share *s = &x->share[i];
            char where[HESSE_PATH];
            hesse_store_path(result, where, "%s/%s/", at, hesse_kinds_name(s->kinds));
            write_doubles(result, where, "error", 2, shape, s->error);
            write_doubles(result, where, "cosine", 2, shape, s->cosine);
            write_doubles(result, where, "outside", 1, shape, s->outside);
        }
        hesse_store_note_whole(result, at, "products", (int64_t)x->products);
        hesse_store_note_number(result, at, "seconds", x->seconds);
        hesse_store_note_whole(result, at, "seed", (int64_t)seed);
    }
    return hesse_store_agree(result);
}

hesse_status hesse_result_kronecker(hesse_result *result, const char *prefix,
                                    const hesse_kronecker_results *x)
{
    result->prefix = prefix;
    if (hesse_store_agree(result)) return result->status;
    if (result->team->rank == 0) {
        static const char at[] = "measures/kronecker";
        const size_t shape[] = {(size_t)x->blocks};
        for (int i = 0; i < x->shares; i++) {
            const hesse_kronecker_share *s = &x->share[i];
            char where[HESSE_PATH];
            hesse_store_path(result, where, "%s/%s/", at, hesse_kinds_name(s->kinds));
            for (int k = 0; k < HESSE_KRONECKER_PRODUCTS; k++) {
                char name[64];
                const char *product = hesse_kronecker_name((hesse_kronecker_product)k);
                snprintf(name, sizeof name, "%s_error", product);
                write_doubles(result, where, name, 1, shape, s->error[k]);
                snprintf(name, sizeof name, "%s_cosine", product);
                write_doubles(result, where, name, 1, shape, s->cosine[k]);
            }
            write_doubles(result, where, "diagonal", 1, shape, s->diagonal);
            write_doubles(result, where, "same_output", 1, shape, s->same_output);
            write_doubles(result, where, "same_input", 1, shape, s->same_input);
        }
        hesse_store_note_whole(result, at, "left_out", x->left_out);
        hesse_store_note_number(result, at, "seconds", x->seconds);
    }
    return hesse_store_agree(result);
}
