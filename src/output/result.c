/* This file writes the data that a run has once: the model, the ranks, attributes,
   matrices; and it begins and ends the file. output/share.c writes the data of every
   share of the Hessian. */
#include "output/result.h"

#include "base/memory.h"
#include "output/store.h"
#include "parallel/team.h"

#include <stdlib.h>
#include <string.h>

/* Attributes live in object headers, which end at 64 KiB. */
static const size_t LONGEST_ATTRIBUTE = 32768;

static const char DESCRIPTION[] =
    "Exact Hessian of a loss: blocks, spectra and distances between them. Arrays are "
    "row-major (C order); MATLAB, Julia and Fortran show their dimensions reversed. "
    "Datasets have units and a description, axes have dimension scales.";

hesse_status hesse_result_new(hesse_team *team, const char *path, const char *folder,
                              hesse_result **result)
{
    return hesse_store_new(team, path, folder, result);
}

/* Collective. Everything that is written from now on goes to this place. */
static hesse_status enter(hesse_store *store, const char *prefix)
{
    store->prefix = prefix;
    return hesse_store_agree(store);
}

void hesse_result_drop(hesse_result *result)
{
    if (result) hesse_store_drop(result);
}

static void write_texts(hesse_store *store, const char *path, size_t count,
                        const char *const *values)
{
    const hesse_set set = hesse_schema_set(path, false);
    hesse_store_texts(store, &set, 1, &count, values);
}

static void write_wholes(hesse_store *store, const char *path, int rank,
                         const size_t *shape, const int64_t *values)
{
    const hesse_set set = hesse_schema_set(path, false);
    hesse_store_wholes(store, &set, rank, shape, values);
}

static void write_sizes(hesse_store *store, const char *path, size_t count,
                        const size_t *values)
{
    int64_t *wholes = hesse_calloc(count, sizeof *wholes);
    if (wholes) {
        for (size_t i = 0; i < count; i++) wholes[i] = (int64_t)values[i];
        write_wholes(store, path, 1, &count, wholes);
    } else {
        hesse_store_no_memory(store);
    }
    free(wholes);
}

/* Write a name, a tensor and four numbers for every parameter. */
static void write_columns(hesse_store *store, const hesse_params *params,
                          const char **names, int64_t *numbers)
{
    const size_t count = params->count, pairs[] = {count, 2};
    const char **tensors = names + count;
    int64_t *shape = numbers, *offset = numbers + 2 * count,
            *size = numbers + 3 * count;
    for (size_t i = 0; i < count; i++) {
        const hesse_param *p = &params->list[i];
        names[i] = p->name, tensors[i] = p->tensor;
        shape[2 * i] = p->rows, shape[2 * i + 1] = p->cols;
        offset[i] = (int64_t)p->offset, size[i] = (int64_t)hesse_param_size(p);
    }
    write_texts(store, "parameters/name", count, names);
    write_texts(store, "parameter_tensor", count, names);
    write_texts(store, "parameters/tensor", count, tensors);
    write_wholes(store, "parameters/shape", 2, pairs, shape);
    write_wholes(store, "parameters/offset", 1, &count, offset);
    write_wholes(store, "parameters/size", 1, &count, size);
}

static void write_parameters(hesse_store *store, const hesse_params *params)
{
    const size_t count = params->count;
    const char **names = hesse_calloc(2 * count, sizeof *names);
    int64_t *numbers = hesse_calloc(4 * count, sizeof *numbers);
    if (names && numbers)
        write_columns(store, params, names, numbers);
    else
        hesse_store_no_memory(store);
    free(numbers);
    free(names);
}

static void write_gradient(hesse_store *store, size_t n, const double *gradient)
{
    const hesse_set set = hesse_schema_set("gradient", false);
    int64_t *index = hesse_calloc(n, sizeof *index);
    if (index) {
        for (size_t i = 0; i < n; i++) index[i] = (int64_t)i;
        write_wholes(store, "parameter", 1, &n, index);
        hesse_store_doubles(store, &set, 1, &n, gradient);
    } else {
        hesse_store_no_memory(store);
    }
    free(index);
}

static void write_places(hesse_store *store, const hesse_block_table *blocks)
{
    const size_t count = (size_t)blocks->count;
    write_texts(store, "blocks/name", count, blocks->names);
    write_texts(store, "block", count, blocks->names);
    write_sizes(store, "blocks/offset", count, blocks->offset);
    write_sizes(store, "blocks/size", count, blocks->size);
}

hesse_status hesse_result_blocks(hesse_result *result, const char *prefix,
                                 const hesse_block_table *blocks)
{
    if (enter(result, prefix)) return result->status;
    if (result->team->rank == 0) write_places(result, blocks);
    return hesse_store_agree(result);
}

hesse_status hesse_result_model(hesse_result *result, const char *prefix,
                                const hesse_params *params,
                                const hesse_block_table *blocks, const double *gradient)
{
    if (enter(result, prefix)) return result->status;
    if (result->team->rank == 0) {
        const size_t count = blocks->count;
        size_t n = 0;
        for (size_t b = 0; b < count; b++) n += blocks->size[b];
        write_parameters(result, params);
        write_places(result, blocks);
        write_gradient(result, n, gradient);
    }
    return hesse_store_agree(result);
}

/* Write the number that a row of the schema describes, for every rank. */
static void write_report(hesse_store *store, const hesse_schema_row *row,
                         const hesse_rank_report *reports)
{
    const size_t ranks = (size_t)store->team->size;
    const hesse_set set = hesse_schema_set(row->path, false);
    double *values = hesse_alloc(ranks);
    if (!values) {
        hesse_store_no_memory(store);
        return;
    }
    for (size_t r = 0; r < ranks; r++)
        memcpy(&values[r], (const char *)&reports[r] + row->offset, sizeof *values);
    hesse_store_doubles(store, &set, 1, &ranks, values);
    free(values);
}

hesse_status hesse_result_ranks(hesse_result *result, const char *prefix,
                                const hesse_rank_report *reports)
{
    const hesse_schema_row *row;
    if (enter(result, prefix)) return result->status;
    for (size_t i = 0; result->team->rank == 0 && (row = hesse_schema_row_at(i)); i++)
        if (row->source == HESSE_SOURCE_RANK) write_report(result, row, reports);
    return hesse_store_agree(result);
}

hesse_status hesse_result_matrix(hesse_result *result, const char *prefix,
                                 const char *name, const hesse_held *matrix)
{
    if (enter(result, prefix)) return result->status;
    const hesse_set set = hesse_schema_set(name, false);
    hesse_store_matrix(result, &set, matrix);
    return hesse_store_agree(result);
}

static void write_text(hesse_store *store, const char *name, const char *text)
{
    if (strlen(text) > LONGEST_ATTRIBUTE) {
        const hesse_set set = {.path = name,
                               .content = HESSE_CONTENT_TEXT,
                               .units = "1",
                               .description = "too long for an attribute"};
        hesse_store_texts(store, &set, 0, NULL, &text);
        text = "see the dataset of this name";
    }
    if (*text) hesse_store_note_text(store, "/", name, text);
}

static void write_note(hesse_store *store, const hesse_note *note)
{
    switch (note->kind) {
    case HESSE_NOTE_TEXT:
        write_text(store, note->name, note->text);
        break;
    case HESSE_NOTE_WHOLE:
        hesse_store_note_whole(store, "/", note->name, note->whole);
        break;
    case HESSE_NOTE_NUMBER:
        hesse_store_note_number(store, "/", note->name, note->number);
        break;
    }
}

hesse_status hesse_result_notes(hesse_result *result, const char *prefix,
                                const hesse_note *notes, int count)
{
    if (enter(result, prefix)) return result->status;
    for (int i = 0; result->team->rank == 0 && i < count; i++)
        write_note(result, &notes[i]);
    return hesse_store_agree(result);
}

hesse_status hesse_result_remove(hesse_result *result, const char *prefix)
{
    if (enter(result, "")) return result->status;
    hesse_store_remove(result, prefix);
    return hesse_store_agree(result);
}

hesse_status hesse_result_finish(hesse_result *result, const hesse_note *notes,
                                 int count)
{
    const hesse_note own[] = {{.name = "schema_version",
                               .kind = HESSE_NOTE_WHOLE,
                               .whole = HESSE_SCHEMA_VERSION},
                              {.name = "description", .text = DESCRIPTION}};
    hesse_result_notes(result, "", own, sizeof own / sizeof *own);
    hesse_result_notes(result, "", notes, count);
    return hesse_store_finish(result);
}
