/* A cut names, for every rectangle of every parameter, the block it belongs to. Blocks
   stand in the order in which they first appear. Sorting the pieces by block is stable,
   so within a block they keep the order of the parameters. */
#include "network/partition.h"

#include "base/memory.h"
#include "base/nearest.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *group_of(hesse_role role)
{
    switch (role) {
    case HESSE_ROLE_QUERY:
    case HESSE_ROLE_KEY:
        return "QK";
    case HESSE_ROLE_VALUE:
    case HESSE_ROLE_OUTPUT:
        return "VO";
    case HESSE_ROLE_UP:
    case HESSE_ROLE_GATE:
    case HESSE_ROLE_DOWN:
        return "FFN";
    case HESSE_ROLE_NORM:
        return "Norm";
    case HESSE_ROLE_CONV:
        return "Conv";
    case HESSE_ROLE_OTHER:
        return "Other";
    default:
        return "Emb";
    }
}

/* Return the length of the module's name: "transformer.h.3" in
   "transformer.h.3.attn.c_attn.weight", "transformer.ln_f" in
   "transformer.ln_f.bias". */
static int module_length(const hesse_param *p)
{
    char number[16];
    snprintf(number, sizeof number, ".%d.", p->layer);
    const char *layer = p->layer < 0 ? NULL : strstr(p->tensor, number);
    if (layer) return (int)(layer - p->tensor + (long)strlen(number)) - 1;
    const char *last = strrchr(p->tensor, '.');
    return last ? (int)(last - p->tensor) : (int)strlen(p->tensor);
}

static bool by_heads(hesse_role role, bool vector)
{
    return role == HESSE_ROLE_QUERY || role == HESSE_ROLE_KEY ||
           role == HESSE_ROLE_VALUE || (role == HESSE_ROLE_OUTPUT && !vector);
}

/* The way a cut slices a parameter: the number of slices, the axis, and the word before
   a slice's number in its name. */
typedef struct slicing {
    int slices;
    bool rows;
    const char *word;
} slicing;

static slicing slicing_of(const hesse_param *p, hesse_cut cut)
{
    if (cut == HESSE_CUT_NEURON && !p->vector)
        return (slicing){p->out_rows ? p->rows : p->cols, p->out_rows, "neuron"};
    if (cut == HESSE_CUT_HEAD && by_heads(p->role, p->vector)) {
        const bool rows =
            p->vector ? false : p->out_rows != (p->role == HESSE_ROLE_OUTPUT);
        if (p->heads > 0 && (rows ? p->rows : p->cols) % p->heads == 0)
            return (slicing){p->heads, rows, "head"};
    }
    return (slicing){1, true, NULL};
}

static bool is_fused(const hesse_param *p)
{
    return p->role == HESSE_ROLE_QUERY || p->role == HESSE_ROLE_KEY ||
           p->role == HESSE_ROLE_VALUE;
}

static void name_block(const hesse_param *p, hesse_cut cut, slicing s, int slice,
                       char *name, size_t room)
{
    if (cut == HESSE_CUT_WHOLE)
        snprintf(name, room, "whole");
    else if (cut == HESSE_CUT_GROUP)
        snprintf(name, room, "%s", *p->group ? p->group : group_of(p->role));
    else if (cut == HESSE_CUT_LAYER)
        snprintf(name, room, "%.*s", module_length(p), p->tensor);
    else if (cut == HESSE_CUT_FUSED && is_fused(p))
        snprintf(name, room, "%.*s.qkv.%s", module_length(p), p->tensor,
                 p->vector ? "bias" : "weight");
    else if (s.word)
        snprintf(name, room, "%s.%s.%d", p->name, s.word, slice);
    else
        snprintf(name, room, "%s", p->name);
}

void hesse_partition_name(const hesse_param *p, hesse_cut cut, char *name, size_t room)
{
    name_block(p, cut, (slicing){1, true, NULL}, 0, name, room);
}

static hesse_rect slice_rect(const hesse_param *p, slicing s, int slice)
{
    const int length = (s.rows ? p->rows : p->cols) / s.slices;
    return s.rows ? (hesse_rect){slice * length, length, 0, p->cols}
                  : (hesse_rect){0, p->rows, slice * length, length};
}

/* Return the block of a name; append it when it is new. Only a cut by layer or group,
   or a fused cut, returns to blocks that were begun before, and such a cut has few
   blocks. */
static int block_named(hesse_partition *x, const char *name, bool may_return)
{
    for (int b = x->count; may_return && b-- > 0;)
        if (strcmp(x->blocks[b].name, name) == 0) return b;
    snprintf(x->blocks[x->count].name, sizeof x->blocks->name, "%s", name);
    return x->count++;
}

/* Find the group of a parameter; NULL: there is none. */
static hesse_status find_group(const char *const *table, int count,
                               const hesse_param *p, bool *used, const char **group,
                               hesse_why *why)
{
    *group = NULL;
    for (int i = 0; i < count; i++) {
        const char *glob = strchr(table[i], '=') + 1;
        const size_t length = (size_t)(glob - table[i]);
        if (fnmatch(glob, p->name, 0) != 0) continue;
        used[i] = true;
        if (*group && strncmp(*group, table[i], length) != 0)
            return hesse_fail(why, HESSE_E_JOB,
                              "groups of parameters: '%s' is in '%.*s' and in '%.*s', "
                              "expected one group",
                              p->name, (int)strcspn(*group, "="), *group,
                              (int)length - 1, table[i]);
        *group = table[i];
    }
    return HESSE_OK;
}

static hesse_status no_parameter(const hesse_params *params, const char *entry,
                                 hesse_why *why)
{
    const char *glob = strchr(entry, '=') + 1;
    hesse_nearest near = {.word = glob};
    for (const hesse_param *p = params->list; p < params->list + params->count; p++)
        hesse_nearest_try(&near, p->name);
    return hesse_fail(why, HESSE_E_JOB,
                      "groups of parameters: '%s' of '%.*s' selects no parameter; the "
                      "nearest name is '%s'",
                      glob, (int)strcspn(entry, "="), entry, near.name);
}

hesse_status hesse_params_group(hesse_params *params, const char *const *table,
                                int count, hesse_why *why)
{
    bool *used = hesse_calloc((size_t)count, sizeof *used);
    hesse_status s = HESSE_OK;
    if (!used) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for groups");
    for (int i = 0; !s && i < count; i++) {
        const char *equals = strchr(table[i], '=');
        if (!equals || equals == table[i] || equals - table[i] >= HESSE_GROUP)
            s = hesse_fail(why, HESSE_E_JOB,
                           "groups of parameters: '%s', expected NAME=GLOB, with a "
                           "name of 1 to %d bytes",
                           table[i], HESSE_GROUP - 1);
    }
    for (int i = 0; !s && i < params->count; i++) {
        hesse_param *p = &params->list[i];
        const char *group;
        s = find_group(table, count, p, used, &group, why);
        if (!s)
            snprintf(p->group, sizeof p->group, "%.*s",
                     group ? (int)strcspn(group, "=") : (int)strlen("other"),
                     group ? group : "other");
    }
    for (int i = 0; !s && i < count; i++)
        if (!used[i]) s = no_parameter(params, table[i], why);
    free(used);
    return s;
}

static bool selected(const char *name, const char *const *only, int n_only, bool *used)
{
    bool any = n_only == 0;
    for (int i = 0; i < n_only; i++)
        if (fnmatch(only[i], name, 0) == 0) any = used[i] = true;
    return any;
}

/* Sort the pieces by block, and set the places of blocks and pieces. */
static void put_in_order(const hesse_partition *x, hesse_piece *sorted)
{
    for (int i = 0; i < x->n_pieces; i++) {
        hesse_block *b = &x->blocks[x->pieces[i].block];
        b->pieces++, b->size += hesse_area(x->pieces[i].rect);
    }
    for (int b = 1; b < x->count; b++) {
        x->blocks[b].piece = x->blocks[b - 1].piece + x->blocks[b - 1].pieces;
        x->blocks[b].first = x->blocks[b - 1].first + x->blocks[b - 1].size;
    }
    for (int b = 0; b < x->count; b++) x->blocks[b].pieces = 0;
    for (int i = 0; i < x->n_pieces; i++) {
        hesse_block *b = &x->blocks[x->pieces[i].block];
        hesse_piece *to = &sorted[b->piece + b->pieces];
        *to = x->pieces[i];
        to->first = b->pieces++ ? to[-1].first + hesse_area(to[-1].rect) : b->first;
    }
}

static hesse_status none_selected(const hesse_params *params, hesse_cut cut,
                                  const char *pattern, hesse_why *why)
{
    char nearest[HESSE_NAME + 24] = "", name[HESSE_NAME + 24];
    hesse_nearest near = {.word = pattern};
    for (const hesse_param *p = params->list; p < params->list + params->count; p++) {
        const slicing s = slicing_of(p, cut);
        name_block(p, cut, s, 0, name, sizeof name);
        if (hesse_nearest_try(&near, name)) strcpy(nearest, name);
    }
    return hesse_fail(why, HESSE_E_JOB,
                      "the pattern '%s' selects no block; the nearest name is '%s'",
                      pattern, nearest);
}

hesse_status hesse_partition_new(const hesse_params *params, hesse_cut cut,
                                 const char *const *only, int n_only,
                                 hesse_partition *partition, hesse_why *why)
{
    size_t most = 0;
    for (int i = 0; i < params->count; i++)
        most += (size_t)slicing_of(&params->list[i], cut).slices;
    hesse_partition x = {.blocks = hesse_calloc(most, sizeof *x.blocks),
                         .pieces = hesse_calloc(most, sizeof *x.pieces)};
    hesse_piece *sorted = hesse_calloc(most, sizeof *sorted);
    bool *used = hesse_calloc((size_t)n_only, sizeof *used);
    hesse_status s = HESSE_OK;
    if (!x.blocks || !x.pieces || !sorted || !used)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for %zu blocks", most);

    const bool may_return = cut == HESSE_CUT_LAYER || cut == HESSE_CUT_GROUP ||
                            cut == HESSE_CUT_WHOLE || cut == HESSE_CUT_FUSED;
    for (int i = 0; !s && i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        const slicing cuts = slicing_of(p, cut);
        for (int j = 0; j < cuts.slices; j++) {
            char name[sizeof x.blocks->name];
            name_block(p, cut, cuts, j, name, sizeof name);
            if (!selected(name, only, n_only, used)) continue;
            const int block = block_named(&x, name, may_return);
            const hesse_rect rect = slice_rect(p, cuts, j);
            x.pieces[x.n_pieces++] = (hesse_piece){i, block, rect, 0};
            x.size += hesse_area(x.pieces[x.n_pieces - 1].rect);
        }
    }
    for (int i = 0; !s && i < n_only; i++)
        if (!used[i]) s = none_selected(params, cut, only[i], why);
    free(used);
    if (s) {
        free(sorted);
        hesse_partition_free(&x);
        return s;
    }
    put_in_order(&x, sorted);
    free(x.pieces);
    x.pieces = sorted;
    *partition = x;
    return HESSE_OK;
}

hesse_piece *hesse_pieces_of_all(const hesse_params *params)
{
    hesse_piece *all = hesse_calloc((size_t)params->count, sizeof *all);
    for (int i = 0; all && i < params->count; i++)
        all[i] = (hesse_piece){
            .param = i, .rect = {0, params->list[i].rows, 0, params->list[i].cols}};
    return all;
}

void hesse_partition_free(hesse_partition *partition)
{
    if (!partition) return;
    free(partition->blocks);
    free(partition->pieces);
    *partition = (hesse_partition){0};
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

hesse_rect hesse_hull(hesse_rect a, hesse_rect b)
{
    if (!a.rows) return b;
    const int row = least(a.row, b.row), col = least(a.col, b.col);
    const int row_end = -least(-a.row - a.rows, -b.row - b.rows);
    const int col_end = -least(-a.col - a.cols, -b.col - b.cols);
    return (hesse_rect){row, row_end - row, col, col_end - col};
}

bool hesse_piece_follows(const hesse_piece *b, const hesse_piece *a)
{
    return b->param > a->param || (b->param == a->param && b->first >= a->first);
}

void hesse_partition_gather(const hesse_partition *partition,
                            const hesse_params *params, const double *theta,
                            double *indexed)
{
    for (const hesse_piece *p = partition->pieces;
         p < partition->pieces + partition->n_pieces; p++) {
        const hesse_param *from = &params->list[p->param];
        for (int i = 0; i < p->rect.rows; i++)
            memcpy(indexed + p->first + (size_t)i * (size_t)p->rect.cols,
                   theta + from->offset +
                       (size_t)(p->rect.row + i) * (size_t)from->cols + p->rect.col,
                   (size_t)p->rect.cols * sizeof *theta);
    }
}
