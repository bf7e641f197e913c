/* The grid of a team: rank r is in row r / cols and column r % cols. It is as square as
   the number of ranks allows, because a solver sends less if the shorter side is
   longer. */
#include "base/memory.h"
#include "parallel/dmat.h"

#include <stdlib.h>

/* The number of a BLACS setting. With it, sums are added in one order, even if messages
   arrive in another. */
enum { REPEATABLE = 15 };

void hesse_grid_shape(int ranks, int *rows, int *cols)
{
    *rows = 1;
    for (int r = 1; r <= ranks / r; r++)
        if (ranks % r == 0) *rows = r;
    *cols = ranks / *rows;
}

hesse_status hesse_grid_new(hesse_team *team, hesse_grid **grid)
{
    hesse_grid *g = hesse_calloc(1, sizeof *g);
    hesse_status s = HESSE_OK;
    if (!g)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "grid of %d ranks: no memory",
                       team->size);
    if ((s = hesse_agree(team, s))) {
        free(g);
        return s;
    }
    g->team = team;
    hesse_grid_shape(team->size, &g->rows, &g->cols);
    g->my_row = team->rank / g->cols;
    g->my_col = team->rank % g->cols;
    g->context = g->handle = Csys2blacs_handle(team->comm);
    Cblacs_gridinit(&g->context, "Row", g->rows, g->cols);
    Cblacs_set(g->context, REPEATABLE, &(int){1});
    *grid = g;
    return HESSE_OK;
}

void hesse_grid_free(hesse_grid *grid)
{
    if (!grid) return;
    Cblacs_gridexit(grid->context);
    Cfree_blacs_system_handle(grid->handle);
    free(grid);
}
