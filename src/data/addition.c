/* An example is the sum of two numbers with five digits, as 18 ids: digits, 10 for plus
   and 11 for the sign of equality. The labels of tokens 11 to 16 are the six digits of
   the sum, the others are ignored. An example depends on the seed, its number and, for
   long carries, on the size of a batch.
   Source: Quirke & Barez, arXiv:2310.13121. */
#include "data/drawn.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { DIGITS = 5, PLUS = 10, EQUALS = 11, LENGTH = 3 * DIGITS + 3 };

enum { BATCHES = 1 << 30 }; /* first number of a batch; examples have lower ones */

static const hesse_owned_key keys[] = {{NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_addition = {
    .name = "addition",
    .help = "Sums of two numbers with five digits, whose digits are to be predicted.",
    .examples = 1 << HESSE_READS_IDS,
    .drawn = true,
    .keys = keys,
    .read = read_examples};

/* In one of five batches a fifth of the pairs of digits, without repetition, add up to
   9: these pairs pass a carry on. The batch may have only its first pairs. */
static void force_carries(hesse_random_stream *stream, double pairs, int there,
                          const int *a, int *b)
{
    if (hesse_draw_integer(stream, 5)) return;
    double wanted = floor(pairs / 5);
    for (int i = 0; i < there; i++)
        if (hesse_draw(stream) * (pairs - i) < wanted) b[i] = 9 - a[i], wanted--;
}

static void write_sum(const int *a, const int *b, int *ids, int *labels)
{
    int carry = 0;
    ids[DIGITS] = PLUS, ids[2 * DIGITS + 1] = EQUALS;
    for (int i = DIGITS - 1; i >= 0; i--) {
        const int sum = a[i] + b[i] + carry;
        ids[i] = a[i], ids[DIGITS + 1 + i] = b[i];
        ids[2 * DIGITS + 3 + i] = sum % 10;
        carry = sum / 10;
    }
    ids[2 * DIGITS + 2] = carry;
    for (int i = 0; i < LENGTH; i++)
        labels[i] = i > 2 * DIGITS && i + 1 < LENGTH ? ids[i + 1] : HESSE_IGNORED;
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const hesse_batch form = {.context = LENGTH,
                              .vocabulary = EQUALS + 1,
                              .labels = LENGTH,
                              .classes = EQUALS + 1};
    const uint64_t seed = options->seed;
    (void)needs;
    hesse_status s = hesse_drawn_begin(options, NULL, 0, form, batch, why);
    if (s) return s;
    const int count = batch->sequences, each = options->batch ? options->batch : count;
    const size_t pairs = (size_t)count * DIGITS;
    int *x = hesse_calloc(2 * pairs, sizeof *x);
    if (!x)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d examples", count);
    int *y = x + pairs;
    for (int i = 0; i < count; i++) {
        hesse_random_stream stream = hesse_random_stream_of(seed, (uint64_t)i);
        for (int j = 0; j < DIGITS; j++) {
            x[i * DIGITS + j] = hesse_draw_integer(&stream, 10);
            y[i * DIGITS + j] = hesse_draw_integer(&stream, 10);
        }
    }
    for (int i = 0, there; i < count; i += there) {
        hesse_random_stream stream =
            hesse_random_stream_of(seed, BATCHES + (uint64_t)i);
        there = each < count - i ? each : count - i;
        force_carries(&stream, (double)each * DIGITS, there * DIGITS, x + i * DIGITS,
                      y + i * DIGITS);
    }
    for (int i = 0; i < count; i++)
        write_sum(x + i * DIGITS, y + i * DIGITS, batch->input + i * LENGTH,
                  batch->target + i * LENGTH);
    free(x);
    return hesse_drawn_end(hesse_data_addition.name, seed, batch, why);
}
