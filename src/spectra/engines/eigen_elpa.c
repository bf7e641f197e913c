/* ELPA's two-stage solver finds eigenvalues alone, and its one-stage solver
   eigenvectors, too: with the kernels that Debian packages, the back-transformation of
   the second stage is slow. ELPA reads both triangles, and fails if a rank owns
   nothing. Source: Marek et al., J. Phys.: Condens. Matter 26 (2014) 213201. */
#include "spectra/engines/engines.h"

/* Return true if every process along an axis owns something: if there is a block for
   the last one. */
static bool all_own(const hesse_dmat *a, int procs)
{
    return a->n > (procs - 1) * a->nb;
}

bool hesse_elpa_serves(const hesse_dmat *a)
{
    return all_own(a, a->grid->rows) && all_own(a, a->grid->cols);
}

#ifdef HESSE_HAVE_ELPA
#include <elpa/elpa.h>
#undef I /* elpa.h includes complex.h */

enum { API = 20211125 };

typedef struct setting {
    const char *name;
    int value;
} setting;

/* Return a handle that knows the matrix, or NULL when ELPA refuses. */
static elpa_t handle_for(const hesse_dmat *a, bool with_vectors)
{
    int error = ELPA_OK;
    const setting settings[] = {
        {"na", a->n},
        {"nev", a->n},
        {"local_nrows", a->row.count},
        {"local_ncols", a->col.count},
        {"nblk", a->nb},
        {"mpi_comm_parent", MPI_Comm_c2f(a->grid->team->comm)},
        {"process_row", a->grid->my_row},
        {"process_col", a->grid->my_col},
    };
    elpa_t handle = elpa_allocate(&error);
    for (size_t i = 0; error == ELPA_OK && i < sizeof settings / sizeof *settings; i++)
        elpa_set_integer(handle, settings[i].name, settings[i].value, &error);
    if (error == ELPA_OK) error = elpa_setup(handle);
    if (error == ELPA_OK)
        elpa_set_integer(handle, "solver",
                         with_vectors ? ELPA_SOLVER_1STAGE : ELPA_SOLVER_2STAGE,
                         &error);
    if (error == ELPA_OK) return handle;
    if (handle) elpa_deallocate(handle, &error);
    return NULL;
}

hesse_status hesse_elpa_solve(hesse_dmat *a, double *lambda, hesse_dmat *z)
{
    hesse_team *team = a->grid->team;
    hesse_status s = HESSE_OK;
    elpa_t handle = NULL;
    int error = ELPA_OK, unused;
    if (elpa_init(API) == ELPA_OK) handle = handle_for(a, z != NULL);
    if (!handle)
        s = hesse_fail(&team->why, HESSE_E_NUMERIC,
                       "ELPA cannot be set up for order %d", a->n);
    s = hesse_agree(team, s);
    if (!s) {
        if (z)
            elpa_eigenvectors_a_h_a_d(handle, a->local, lambda, z->local, &error);
        else
            elpa_eigenvalues_a_h_a_d(handle, a->local, lambda, &error);
        if (error != ELPA_OK)
            s = hesse_fail(&team->why, HESSE_E_NUMERIC, "ELPA failed: %s",
                           elpa_strerr(error));
        s = hesse_agree(team, s);
    }
    if (handle) elpa_deallocate(handle, &unused);
    elpa_uninit(&unused);
    return s;
}
#else
hesse_status hesse_elpa_solve(hesse_dmat *a, double *lambda, hesse_dmat *z)
{
    (void)lambda;
    (void)z;
    return hesse_agree(a->grid->team,
                       hesse_fail(&a->grid->team->why, HESSE_E_JOB,
                                  "this program was built without ELPA"));
}
#endif
