/* This file is compiled with HESSE_SINGLE alone. */
#include "curvature/single.h"

#include "spectra/engines/engines.h"

/* Indices are numbers of a tape. A float is exact up to this one. */
enum { LARGEST_INDEX = 1 << 24 };

/* Return the number of places that a node's indices name. */
static size_t places_of(const hesse_tape *t, const hesse_node *n)
{
    const hesse_value *from = &t->values[n->in[0]];
    if (n->op == &hesse_op_gather) return (size_t)from->tokens * (size_t)from->width;
    return n->op == &hesse_op_spread ? from->count : 0;
}

static hesse_status check_indices(const hesse_tape *t, hesse_why *why)
{
    for (const hesse_node *n = t->nodes; n < t->nodes + t->n_nodes; n++)
        if (places_of(t, n) > LARGEST_INDEX)
            return hesse_fail(why, HESSE_E_JOB,
                              "operator %d (%s) selects among %zu numbers, more than "
                              "the %d of single precision",
                              (int)(n - t->nodes), n->op->name, places_of(t, n),
                              LARGEST_INDEX);
    return HESSE_OK;
}

/* Local. Make a tape whose values and adjoints are ready. */
static hesse_status make_tape(const hesse_tape_source *x, hesse_tape **tape,
                              hesse_why *why)
{
    hesse_status s = hesse_family_build_tape(x->arch, x->batch, x->constants,
                                             &x->weighting, tape, why);
    if (!s) s = check_indices(*tape, why);
    if (s) return s;
    hesse_tape_hold(*tape, x->window);
    if (!hesse_tape_freeze(*tape))
        return hesse_fail(why, HESSE_E_NOMEM,
                          "%zu bytes for the activations in single precision are not "
                          "there",
                          hesse_tape_bytes(*tape));
    hesse_tape_set_parameters(*tape, x->theta);
    const double loss = hesse_tape_gradient(*tape, 0, (*tape)->sequences, NULL);
    if (!isfinite(loss))
        return hesse_fail(why, HESSE_E_NUMERIC, "the loss is %g in single precision",
                          loss);
    return HESSE_OK;
}

hesse_status hesse_dense_run_single(hesse_team *team, const hesse_tape_source *source,
                                    const hesse_params *params,
                                    const hesse_partition *partition,
                                    const hesse_schedule *schedule,
                                    const hesse_dense_options *options,
                                    hesse_share_results **results, hesse_times *times)
{
    hesse_tape *tape = NULL;
    hesse_status s = hesse_agree(team, make_tape(source, &tape, hesse_team_why(team)));
    if (!s)
        s = hesse_dense_run(team, tape, params, partition, schedule, options, results,
                            times);
    hesse_tape_free(tape);
    if (s == HESSE_E_NUMERIC) {
        hesse_why *why = hesse_team_why(team);
        const hesse_why said = *why;
        hesse_fail(why, s, "%s; double precision has more digits and a larger range",
                   said.text);
    }
    return s;
}

/* The engines of libraries are not for single precision. */

bool hesse_engine_exists(hesse_engine engine)
{
    return hesse_engine_serves_single(engine);
}

static hesse_status refuse(hesse_engine engine, hesse_why *why)
{
    return hesse_fail(why, HESSE_E_JOB,
                      "the engine %s has double precision alone, and so have "
                      "eigenvectors",
                      hesse_engine_name(engine));
}

hesse_status hesse_library_solve(hesse_dmat *a, hesse_spectrum *spectrum)
{
    return refuse(spectrum->engine, hesse_team_why(a->grid->team));
}

hesse_status hesse_lapack_solve(int n, real *a, hesse_spectrum *spectrum,
                                hesse_why *why)
{
    (void)n;
    (void)a;
    return refuse(spectrum->engine, why);
}

double hesse_lapack_bytes(int n, bool vectors)
{
    (void)vectors;
    return (double)n;
}
