/* The library's question: one matrix. */
#include "hesse/lanczos.h"

#include "curvature/quadratures.h"

static hesse_status check(const hesse_lanczos_options *q, hesse_why *why)
{
    if (!q) return hesse_fail(why, HESSE_E_JOB, "lanczos: nothing is asked");
    bool named = q->n_only >= 0 && (q->n_only == 0 || q->only);
    for (int i = 0; named && i < q->n_only; i++) named = q->only[i];
    if (!named)
        return hesse_fail(why, HESSE_E_JOB, "lanczos: n_only is %d, expected names",
                          q->n_only);
    if ((unsigned)q->partition > HESSE_CUT_FUSED)
        return hesse_fail(why, HESSE_E_JOB,
                          "lanczos: partition is %d, expected 0 to %d",
                          (int)q->partition, HESSE_CUT_FUSED);
    if (q->part & ~HESSE_ALL)
        return hesse_fail(why, HESSE_E_JOB,
                          "lanczos: part %#x, expected kinds of operators",
                          (unsigned)q->part);
    return HESSE_OK;
}

hesse_status hesse_lanczos(hesse_model *model, const hesse_lanczos_options *question,
                           hesse_quadrature **quadrature)
{
    if (!model) return HESSE_E_JOB;
    hesse_team *team = model->team;
    hesse_partition partition = {0};
    hesse_status s = check(question, &team->why);
    if (!s && !quadrature)
        s = hesse_fail(&team->why, HESSE_E_JOB, "lanczos: a quadrature needs a place");
    if ((s = hesse_agree(team, s))) return s;
    hesse_lanczos_settings settings = question->settings;
    hesse_submatrix aim = {.part = question->part ? question->part : HESSE_ALL,
                           .block = -1};
    if (!model->theta)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "lanczos: a model without values has no Hessian");
    if (!s) s = hesse_lanczos_defaults(&settings, &team->why);
    if (!s)
        s = hesse_partition_new(&model->arch, &model->params, question->partition,
                                question->only, question->n_only, &partition,
                                &team->why);
    if (!s)
        s = hesse_submatrix_quadrature(partition.size, &settings, &aim.q, &team->why);
    aim.pieces = partition.pieces, aim.n_pieces = partition.n_pieces;
    s = hesse_agree(team, s);
    if (!s)
        s = hesse_quadratures(model, &settings, 1, &aim,
                              &(hesse_matrix_free_options){0});
    hesse_partition_free(&partition);
    if (s)
        hesse_quadrature_free(aim.q);
    else
        *quadrature = aim.q;
    return s;
}
