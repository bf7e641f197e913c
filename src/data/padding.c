/* A token attends to a range of tokens of its sequence. Padding stands at one end of a
   row, so what it leaves is a range. */
#include "data/padding.h"

#include "base/memory.h"

#include <stdlib.h>

/* Find the tokens first ... end - 1 of a row that are no padding. */
static hesse_status find_range(const hesse_batch *b, const char *path, const bool *seen,
                               int row, int *first, int *end, hesse_why *why)
{
    const int n = b->context;
    *first = 0, *end = n;
    while (*first < n && !seen[*first]) (*first)++;
    while (*end > *first && !seen[*end - 1]) (*end)--;
    if (*first == n)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: row %d (from 0) is padding alone, expected a token",
                          path, row);
    if (*first > 0 && *end < n)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: row %d (from 0) has padding at both ends, expected it at "
            "one",
            path, row);
    for (int i = *first; i < *end; i++)
        if (!seen[i])
            return hesse_fail(
                why, HESSE_E_INPUT,
                "%s: row %d (from 0) has padding between tokens, at column "
                "%d, expected it at one end",
                path, row, i);
    return HESSE_OK;
}

static hesse_status check_labels(const hesse_batch *b, const char *path,
                                 const bool *seen, hesse_why *why)
{
    for (int i = 0; b->labels == b->context && i < b->sequences * b->context; i++)
        if (!seen[i] && b->target && b->target[i] >= 0)
            return hesse_fail(
                why, HESSE_E_INPUT,
                "%s: row %d, column %d (from 0) is padding, and its target "
                "is %d, expected %d (with shifted labels the target is the "
                "label of the next token)",
                path, i / b->context, i % b->context, b->target[i], HESSE_IGNORED);
    return HESSE_OK;
}

hesse_status hesse_padding_hide(hesse_batch *b, const char *path, const bool *seen,
                                bool full, hesse_why *why)
{
    const size_t tokens = (size_t)b->sequences * (size_t)b->context;
    b->from = hesse_calloc(tokens, sizeof *b->from);
    b->end = hesse_calloc(tokens, sizeof *b->end);
    hesse_status s = check_labels(b, path, seen, why);
    if (!s && (!b->from || !b->end))
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for the data");
    bool padded = false;
    for (int row = 0; !s && row < b->sequences; row++) {
        int first, end;
        const int at = row * b->context;
        s = find_range(b, path, seen + at, row, &first, &end, why);
        padded |= !s && end - first < b->context;
        for (int i = 0; !s && i < b->context; i++) {
            b->from[at + i] = full || i > first ? first : i;
            b->end[at + i] = full ? end : i + 1;
        }
    }
    if (padded && !s) return s;
    free(b->from);
    free(b->end);
    b->from = b->end = NULL;
    return s;
}

hesse_status hesse_padding_skip(hesse_batch *b, const bool *seen, int pad,
                                hesse_why *why)
{
    const int tokens = b->sequences * b->context;
    b->position = hesse_calloc((size_t)tokens, sizeof *b->position);
    if (!b->position)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the data");
    for (int i = 0, next = 0; i < tokens; i++) {
        if (i % b->context == 0) next = 0;
        const bool counts = seen ? seen[i] : b->input[i] != pad;
        b->position[i] = counts ? next++ : -1;
    }
    return HESSE_OK;
}

bool hesse_padding_positions_by_id(const hesse_data_needs *needs)
{
    return needs->positions_skip_padding && needs->full && needs->pad;
}

/* Return the number of tokens that are padding at the start of a row, or at its end. */
static int run_of(const int *ids, int count, bool at_end, int pad)
{
    int run = 0;
    while (run < count && ids[at_end ? count - 1 - run : run] == pad) run++;
    return run;
}

/* Decoders often take the id that begins or ends a text as the id of padding. One of it
   at an end of a row is legitimate, and two are not. */
static int least_run(const hesse_data_needs *needs)
{
    return needs->full ? 1 : 2;
}

static hesse_status refuse_row(const char *path, size_t row, int pad, hesse_why *why)
{
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: row %zu (from 0) begins or ends with %d, the model's id of padding, and "
        "nothing hides it; expected a mask, or the id of padding (a mask of ones keeps "
        "the tokens)",
        path, row, pad);
}

hesse_status hesse_padding_notice_row(const int *ids, int count, const char *path,
                                      size_t row, const hesse_data_needs *needs,
                                      hesse_why *why)
{
    const int pad = needs->pad - 1, least = least_run(needs);
    if (!needs->pad || (run_of(ids, count, false, pad) < least &&
                        run_of(ids, count, true, pad) < least))
        return HESSE_OK;
    return refuse_row(path, row, pad, why);
}

/* Return true if the loss is over some of the last `run` tokens of a row. */
static bool counts_end(const hesse_batch *b, int row, int run)
{
    if (!b->target || b->labels != b->context) return true;
    for (int i = 1; i <= run; i++)
        if (b->target[(row + 1) * b->context - i] >= 0) return true;
    return false;
}

hesse_status hesse_padding_notice(const hesse_batch *b, const char *path,
                                  const hesse_data_needs *needs, hesse_why *why)
{
    const int n = b->context, pad = needs->pad - 1, least = least_run(needs);
    for (int row = 0; row < b->sequences; row++) {
        const int *ids = b->input + row * n, end = run_of(ids, n, true, pad);
        if (run_of(ids, n, false, pad) >= least ||
            (end >= least && (needs->full || counts_end(b, row, end))))
            return refuse_row(path, (size_t)row, pad, why);
    }
    return HESSE_OK;
}
