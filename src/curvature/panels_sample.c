/* A few entries of a part by dense directions through the whole tape, where all parameters
   move that the entries lie in. */
#include "curvature/panels_inner.h"

#include <string.h>

/* The piece of the part in which an index lies. */
static const hesse_piece *piece_at(const hesse_panels *p, size_t index)
{
    const hesse_piece *x = hesse_first_piece(p);
    while (x + 1 < hesse_end_of_pieces(p) && x[1].first <= p->origin + index) x++;
    return x;
}

/* An element of a parameter. */
typedef struct place {
    int param, row, col;
} place;

static place place_of(const hesse_panels *p, size_t index)
{
    const hesse_piece *x = piece_at(p, index);
    const int at = (int)(p->origin + index - x->first), cols = x->rect.cols;
    return (place){x->param, x->rect.row + at / cols, x->rect.col + at % cols};
}

void hesse_panels_sample(hesse_panels *p, int share, int count, const size_t *index,
                         double *sample)
{
    const size_t k = (size_t)count;
    memset(p->moves, 0, (size_t)p->params->count * sizeof *p->moves);
    memset(p->want, 0, (size_t)p->params->count * sizeof *p->want);
    for (int i = 0; i < count; i++) {
        const int q = piece_at(p, index[i])->param;
        p->moves[q] = true;
        p->want[q] = p->hulls[q];
    }
    hesse_panels_plan(p);

    memset(p->dense, 0, p->room.directions * HESSE_SAMPLE * sizeof *p->dense);
    for (int i = 0; i < count; i++) {
        const place at = place_of(p, index[i]);
        const size_t row = hesse_sweep_direction_of(p->sweep, at.param) +
                           (size_t)at.row * (size_t)p->params->list[at.param].cols +
                           (size_t)at.col;
        p->dense[row * k + (size_t)i] = 1;
    }
    const hesse_directions v = {.k = count, .v = p->dense};
    hesse_sweep_run(p->sweep, &v, 0, p->tape->sequences, 1, &p->request.kinds[share],
                    p->values);
    for (int i = 0; i < count; i++) {
        const place at = place_of(p, index[i]);
        const hesse_rect want = p->want[at.param];
        const size_t row = hesse_sweep_row_of(p->sweep, at.param) +
                           (size_t)(at.row - want.row) * (size_t)want.cols +
                           (size_t)(at.col - want.col);
        memcpy(sample + i * count, p->values[0] + row * k, k * sizeof *sample);
    }
}
