/* The work of sweeps must agree with its definition, whatever was asked before. Asking
   for the work of every parameter must visit nodes in proportion to the depth of the
   network. */
#include "nets.h"

#include "network/workload.h"

#include <string.h>

enum { SHARES = 2 };

/* Compute the work by its definition, from the properties of every node's inputs. */
static hesse_work work_of(const hesse_tape *t, const bool *moves,
                          const hesse_rect *want, bool dense)
{
    hesse_work sum = {0};
    bool *moved = calloc((size_t)t->n_values, 1),
         *wanted = calloc((size_t)t->n_values, 1);
    for (const hesse_node *n = t->nodes; n < t->nodes + t->n_nodes; n++) {
        const int inputs = n->op->activations + n->op->parameters;
        hesse_use use = {.shares = SHARES, .dense = dense};
        double numbers = 0;
        for (int j = 0; j < inputs; j++) {
            const hesse_value *v = &t->values[n->in[j]];
            if (v->param >= 0) {
                moved[n->in[j]] = moves[v->param];
                wanted[n->in[j]] = want[v->param].rows > 0;
                use.want[j] = want[v->param];
            }
            use.moves[j] = moved[n->in[j]], use.wanted[j] = wanted[n->in[j]];
            moved[n->out] |= use.moves[j], wanted[n->out] |= use.wanted[j];
            if (j < n->op->activations && use.wanted[j])
                numbers += (double)SHARES * n->d.n * v->width;
        }
        if (moved[n->out])
            numbers += (double)hesse_tape_first(t, n, n->d.n) * t->values[n->out].width;
        if (n->op->work)
            sum.products += n->op->work(&n->d, &use);
        else
            sum.elements += numbers;
    }
    free(moved);
    free(wanted);
    return sum;
}

static void assert_same(hesse_work a, hesse_work b)
{
    assert_true(a.products == b.products && a.elements == b.elements);
}

/* Want parameters first, first + step, ..., each of them wholly. */
static int some_wants(const transformer *m, int first, int step, hesse_want *wants)
{
    int count = 0;
    for (int p = first; p < m->params.count; p += step) {
        const hesse_param *x = &m->params.list[p];
        wants[count++] = (hesse_want){p, {0, x->rows, 0, x->cols}};
    }
    return count;
}

static void work_is_that_of_its_definition(void **state)
{
    (void)state;
    for (int which = 0; which < MODELS; which++) {
        transformer m;
        model_new(&m, which);
        const int all = m.params.count;
        hesse_want *wants = calloc((size_t)all, sizeof *wants);
        bool *moves = calloc((size_t)all, 1);
        hesse_rect *want = calloc((size_t)all, sizeof *want);
        for (int dense = 0; dense < 2; dense++) {
            hesse_workload *w = hesse_workload_new(m.tape, SHARES, dense);
            assert_non_null(w);
            for (int step = 1; step <= all; step++)
                for (int first = 0; first < step && first < all; first++) {
                    const int count = some_wants(&m, first, step, wants);
                    hesse_workload_want(w, wants, count);
                    memset(moves, 0, (size_t)all);
                    memset(want, 0, (size_t)all * sizeof *want);
                    for (int i = count; i-- > 0;) {
                        want[wants[i].param] = wants[i].rect;
                        want[wants[i].param].rows = 1; /* of the one that moves */
                        moves[wants[i].param] = true;
                        assert_same(hesse_workload_column(w, i, want[wants[i].param]),
                                    work_of(m.tape, moves, want, dense));
                        moves[wants[i].param] = false;
                        want[wants[i].param] = wants[i].rect;
                    }
                    for (int i = 0; i < count; i++) moves[wants[i].param] = true;
                    assert_same(hesse_workload_all(w),
                                work_of(m.tape, moves, want, dense));
                }
            hesse_workload_free(w);
        }
        free(want);
        free(moves);
        free(wants);
        transformer_free(&m);
    }
}

/* The work of output directions must not depend on results that are known from earlier
   questions. */
static void outputs_do_not_depend_on_earlier_questions(void **state)
{
    (void)state;
    for (int which = 0; which < MODELS; which++) {
        transformer m;
        model_new(&m, which);
        hesse_want *wants = calloc((size_t)m.params.count, sizeof *wants);
        hesse_workload *w = hesse_workload_new(m.tape, SHARES, false);
        for (int step = 1; step <= 3; step++) {
            const int count = some_wants(&m, 0, step, wants);
            for (int window = 1; window <= 3; window++)
                for (int i = 0; i < count; i++) {
                    hesse_workload *fresh = hesse_workload_new(m.tape, SHARES, false);
                    hesse_workload_want(fresh, wants, count);
                    hesse_workload_want(w, wants, count);
                    assert_same(
                        hesse_workload_output(w, i, wants[i].rect, window - 1, window),
                        hesse_workload_output(fresh, i, wants[i].rect, window - 1,
                                              window));
                    hesse_workload_column(w, i, wants[i].rect);
                    hesse_workload_free(fresh);
                }
        }
        hesse_workload_free(w);
        free(wants);
        transformer_free(&m);
    }
}

/* Count the visits of nodes while the work is asked for every parameter by itself, then
   for all in one list. */
static void visits_of(int layers, size_t *single, size_t *together)
{
    hesse_arch arch = tiny_llama; /* its embedding and last matrix are not the same */
    transformer m;
    arch.layers = layers;
    transformer_new(&m, &arch);
    hesse_want *wants = calloc((size_t)m.params.count, sizeof *wants);
    const int count = some_wants(&m, 0, 1, wants);
    hesse_workload *w = hesse_workload_new(m.tape, SHARES, false);
    for (int i = 0; i < count; i++) {
        hesse_workload_want(w, &wants[i], 1);
        hesse_workload_column(w, 0, wants[i].rect);
        hesse_workload_output(w, 0, wants[i].rect, 0, 2);
    }
    *single = hesse_workload_visits(w);
    hesse_workload_want(w, wants, count);
    for (int i = 0; i < count; i++) hesse_workload_column(w, i, wants[i].rect);
    *together = hesse_workload_visits(w) - *single;
    hesse_workload_free(w);
    free(wants);
    transformer_free(&m);
}

static void visits_grow_with_the_depth(void **state)
{
    (void)state;
    size_t single[3], together[3];
    for (int i = 0; i < 3; i++) visits_of(8 << i, &single[i], &together[i]);
    assert_true(single[2] - single[1] == 2 * (single[1] - single[0]));
    assert_true(together[2] - together[1] == 2 * (together[1] - together[0]));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_that_of_its_definition),
        cmocka_unit_test(outputs_do_not_depend_on_earlier_questions),
        cmocka_unit_test(visits_grow_with_the_depth),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
