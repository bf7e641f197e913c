/* Laws of landscapes, on 1, 2 and 4 ranks: a quadratic is a parabola, the centre has
   the loss of the parameters, slices get the norms of the parameters', differences
   agree with products, and neither the order of directions nor the number of ranks
   matters. */
#include "check_memory.h"
#include "check_problem.h"
#include "landscape/landscape.h"
#include "network/partition.h"

#include <float.h>
#include <math.h>

enum { POINTS = 9 };

static const double eigenvalues[] = {1, 3, 20, 30, 70};

typedef struct subject {
    hesse_team *team;
    hesse_problem problem;
} subject;

/* A quadratic with two blocks. */
static subject quadratic(void)
{
    static const int sizes[] = {2, 3};
    subject x = {.team = team_of_all()};
    hesse_arch arch = {.family = "quadratic", .lists = {.n_widths = 2}};
    arch.lists.widths[0] = 2, arch.lists.widths[1] = 3;
    arch.data.loss = HESSE_LOSS_SQUARED_ERROR;
    const hesse_network_source source = {.arch = &arch, .seed = 5};
    const hesse_data_options data = {.kind = "quadratic",
                                     .sizes = sizes,
                                     .n_sizes = 2,
                                     .eigenvalues = eigenvalues,
                                     .seed = 5};
    x.problem = open_problem(x.team, &source, &data);
    return x;
}

static subject gpt2(void)
{
    subject x = {.team = team_of_all()};
    assert_done(x.team, read_reference(x.team, "gpt2", &x.problem));
    return x;
}

static void end(subject *x)
{
    hesse_problem_free(&x->problem);
    hesse_team_free(x->team);
}

static hesse_landscape_options options_of(int axes, double end)
{
    hesse_landscape_options o = {.axes = axes, .seed = 3, .gradient = true};
    for (int i = 0; i < axes; i++) {
        o.direction[i] = (hesse_landscape_direction){.name = "random"};
        o.axis[i] = (hesse_landscape_axis){-end, end, POINTS};
    }
    o.curvature = true;
    return o;
}

static hesse_landscape *compute(subject *x, const hesse_landscape_options *o)
{
    hesse_landscape *l = NULL;
    assert_done(x->team, hesse_landscape_compute(x->team, x->problem.network,
                                                 x->problem.dataset, o, &l));
    return l;
}

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * (fabs(a) + fabs(b));
}

static double loss_at(const hesse_landscape *l, int i, int j)
{
    return l->loss[i * l->points[1] + j];
}

static double centre_of(const hesse_landscape *l)
{
    return loss_at(l, l->centre[0], l->centre[1]);
}

/* L(x) = L(0) + g'd x + d'Hd x^2 / 2, and the curvature is the same everywhere. */
static void a_quadratic_is_a_parabola(void **state)
{
    (void)state;
    subject x = quadratic();
    hesse_landscape_options o = options_of(1, 2);
    const size_t n = hesse_network_size(x.problem.network);
    double gradient[8], slope = 0, loss;
    hesse_landscape *l = compute(&x, &o);
    assert_done(x.team, hesse_objective_gradient(x.problem.objective, &loss, gradient));
    for (size_t i = 0; i < n; i++) slope += gradient[i] * l->directions[i];
    assert_all(l->points[0] == POINTS && l->points[1] == 1 && l->n == n);
    assert_all(l->nonconvex == 0 && isnan(l->indefinite) && isnan(l->cosine));
    for (int i = 0; i < POINTS; i++) {
        const double at = l->coordinates[0][i];
        const double parabola = loss + slope * at + l->exact[0] * at * at / 2;
        assert_all(near(l->loss[i], parabola, 1e-12));
        assert_all(near(l->curvature[0][i], l->exact[0], 1e-13));
    }
    assert_all(near(l->of_grid[0], l->exact[0], 1e-10));
    hesse_landscape_free(l);
    end(&x);
}

static void the_centre_is_the_loss_of_the_parameters(void **state)
{
    (void)state;
    subject x = gpt2();
    hesse_landscape_options o = options_of(2, 1);
    double loss;
    o.normalise = HESSE_NORMALISE_FILTER;
    hesse_landscape *l = compute(&x, &o);
    assert_done(x.team, hesse_objective_loss(x.problem.objective, &loss));
    assert_all(near(centre_of(l), loss, 1e-14));
    assert_all(l->unfinished == 0 && l->rise > 0 && l->range >= l->rise);
    hesse_landscape_free(l);
    end(&x);
}

static double norm_of(const hesse_param *p, const hesse_rect *r, const double *theta)
{
    double sum = 0;
    for (int i = r->row; i < r->row + r->rows; i++)
        for (int j = r->col; j < r->col + r->cols; j++) {
            const double v = theta[p->offset + (size_t)i * (size_t)p->cols + (size_t)j];
            sum += v * v;
        }
    return sqrt(sum);
}

static bool slices_have_norms(const subject *x, const hesse_landscape *l,
                              const hesse_landscape_options *o)
{
    const hesse_network *network = x->problem.objective->network;
    const double *w = hesse_network_values(network);
    const bool filter = o->normalise == HESSE_NORMALISE_FILTER;
    hesse_partition slices = {0};
    bool good = !hesse_partition_new(&network->params,
                                     filter ? HESSE_CUT_NEURON : HESSE_CUT_TENSOR, NULL,
                                     0, &slices, NULL);
    for (int i = 0; good && i < slices.n_pieces; i++) {
        const hesse_param *p = &network->params.list[slices.pieces[i].param];
        const hesse_rect *r = &slices.pieces[i].rect;
        const bool zero = p->vector && o->vectors == HESSE_VECTORS_ZERO;
        const double of = zero ? 0 : norm_of(p, r, w);
        for (int a = 0; a < l->axes; a++)
            good &= near(norm_of(p, r, l->directions + (size_t)a * l->n), of, 1e-12);
        const double *first = l->directions + p->offset;
        if (p->vector && o->vectors == HESSE_VECTORS_COPY)
            good &= !memcmp(first, w + p->offset, (size_t)p->cols * sizeof *first);
    }
    good &= slices.n_pieces > network->params.count || !filter;
    hesse_partition_free(&slices);
    return good;
}

static void slices_get_the_norms_of_the_parameters(void **state)
{
    (void)state;
    static const hesse_landscape_vectors vectors[] = {
        HESSE_VECTORS_ZERO, HESSE_VECTORS_KEEP, HESSE_VECTORS_COPY};
    subject x = gpt2();
    for (int layer = 0; layer < 2; layer++)
        for (int v = 0; v < 3; v++) {
            hesse_landscape_options o = options_of(2, 1);
            o.axis[0].points = o.axis[1].points = 3;
            o.normalise = layer ? HESSE_NORMALISE_LAYER : HESSE_NORMALISE_FILTER;
            o.vectors = vectors[v];
            hesse_landscape *l = compute(&x, &o);
            assert_all(slices_have_norms(&x, l, &o));
            assert_all(fabs(l->cosine) < 1); /* the draws differ */
            hesse_landscape_free(l);
        }
    end(&x);
}

static void unit_directions_are_orthogonal(void **state)
{
    (void)state;
    subject x = gpt2();
    hesse_landscape_options o = options_of(2, 0.02);
    o.normalise = HESSE_NORMALISE_UNIT, o.orthogonal = true;
    o.direction[0] = (hesse_landscape_direction){.name = "gradient",
                                                 .origin = HESSE_DIRECTION_GRADIENT};
    hesse_landscape *l = compute(&x, &o);
    assert_all(near(l->norm[0], 1, 1e-14) && near(l->norm[1], 1, 1e-14));
    assert_all(fabs(l->cosine) < 1e-15);
    hesse_landscape_free(l);
    o.direction[1] = o.direction[0];
    assert_all(hesse_landscape_compute(x.team, x.problem.network, x.problem.dataset, &o,
                                       &l) == HESSE_E_INPUT);
    assert_all(!l && strstr(hesse_team_why(x.team)->text, "lies along gradient"));
    end(&x);
}

static void differences_agree_with_products(void **state)
{
    (void)state;
    subject x = gpt2();
    hesse_landscape_options o = options_of(2, 0.04);
    o.normalise = HESSE_NORMALISE_FILTER;
    hesse_landscape *l = compute(&x, &o);
    for (int i = 0; i < 4; i++) assert_all(near(l->of_grid[i], l->exact[i], 0.001));
    const size_t centre =
        (size_t)l->centre[0] * (size_t)l->points[1] + (size_t)l->centre[1];
    assert_all(l->curvature[0][centre] == l->exact[0]);
    assert_all(l->curvature[1][centre] == l->exact[3]);
    assert_all(l->curvature[2][centre] == l->exact[1]);
    hesse_landscape_free(l);
    end(&x);
}

static void exchanged_directions_transpose_the_grid(void **state)
{
    (void)state;
    subject x = gpt2();
    hesse_landscape_options o = options_of(2, 0.5);
    o.axis[1].points = 5;
    o.normalise = HESSE_NORMALISE_UNIT;
    o.direction[1] = (hesse_landscape_direction){.name = "gradient",
                                                 .origin = HESSE_DIRECTION_GRADIENT};
    hesse_landscape *a = compute(&x, &o);
    const hesse_landscape_axis axis = o.axis[0];
    o.axis[0] = o.axis[1], o.axis[1] = axis;
    for (int i = 0; i < 2; i++)
        o.direction[i] = (hesse_landscape_direction){.name = "values",
                                                     .origin = HESSE_DIRECTION_VALUES,
                                                     .values = a->directions +
                                                               (size_t)(1 - i) * a->n};
    o.normalise = HESSE_NORMALISE_NONE;
    hesse_landscape *b = compute(&x, &o);
    for (int i = 0; i < a->points[0]; i++)
        for (int j = 0; j < a->points[1]; j++) {
            const int at = i * a->points[1] + j, other = j * b->points[1] + i;
            assert_all(near(a->loss[at], b->loss[other], 1e-13));
            assert_all(near(a->gradient_norm[at], b->gradient_norm[other], 1e-11));
            assert_all(fabs(a->curvature[2][at] - b->curvature[2][other]) <
                       1e-11 * (fabs(a->curvature[0][at]) + fabs(a->curvature[1][at])));
        }
    assert_all(a->minima == b->minima && a->nonconvex == b->nonconvex);
    assert_all(a->indefinite == b->indefinite && near(a->rise, b->rise, 1e-11));
    hesse_landscape_free(a);
    hesse_landscape_free(b);
    end(&x);
}

/* d'Hd of eigenvectors are the eigenvalues, and they are orthogonal. */
static void eigenvectors_have_the_eigenvalues(void **state)
{
    (void)state;
    subject x = quadratic();
    hesse_landscape_options o = options_of(2, 1);
    static const int numbers[][2] = {{1, -1}, {2, 4}, {-2, 3}, {5, -5}};
    static const double found[][2] = {{70, 1}, {30, 3}, {3, 20}, {1, 70}};
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < 2; i++)
            o.direction[i] =
                (hesse_landscape_direction){.name = "eigenvector",
                                            .origin = HESSE_DIRECTION_EIGENVECTOR,
                                            .eigenvector = numbers[k][i]};
        hesse_landscape *l = compute(&x, &o);
        assert_all(near(l->exact[0], found[k][0], 1e-10));
        assert_all(near(l->exact[3], found[k][1], 1e-10));
        assert_all(fabs(l->cosine) < 1e-9 && fabs(l->exact[1]) < 1e-7);
        hesse_landscape_free(l);
    }
    o.direction[1].eigenvector = 6;
    hesse_landscape *l = NULL;
    assert_all(hesse_landscape_compute(x.team, x.problem.network, x.problem.dataset, &o,
                                       &l) == HESSE_E_JOB);
    end(&x);
}

/* A landscape of this rank alone has the same bits as one of all ranks. */
static void all_ranks_have_the_bits_of_one(void **state)
{
    (void)state;
    subject x = gpt2(), one = {0};
    hesse_landscape_options o = options_of(2, 0.5);
    hesse_landscape *a = NULL, *b = NULL;
    o.normalise = HESSE_NORMALISE_FILTER;
    o.direction[1] = (hesse_landscape_direction){.name = "gradient",
                                                 .origin = HESSE_DIRECTION_GRADIENT};
    o.axis[0].points = o.axis[1].points = 5;
    a = compute(&x, &o);
    assert_all(!hesse_team_new(MPI_COMM_SELF, &one.team));
    assert_all(!read_reference(one.team, "gpt2", &one.problem));
    assert_all(!hesse_landscape_compute(one.team, one.problem.network,
                                        one.problem.dataset, &o, &b));
    bool same = true;
    for (int i = 0; i < 25; i++) {
        same &= a->loss[i] == b->loss[i] && a->gradient_norm[i] == b->gradient_norm[i];
        for (int k = 0; k < 3; k++) same &= a->curvature[k][i] == b->curvature[k][i];
    }
    for (size_t i = 0; i < 2 * a->n; i++) same &= a->directions[i] == b->directions[i];
    for (int i = 0; i < 4; i++) same &= a->exact[i] == b->exact[i];
    assert_all(same);
    hesse_landscape_free(a);
    hesse_landscape_free(b);
    end(&one);
    end(&x);
}

/* A point whose loss overflows is NaN, and the others are computed. */
static void points_without_a_loss_are_left_out(void **state)
{
    (void)state;
    subject x = quadratic();
    hesse_landscape_options o = options_of(1, 2);
    double huge[5] = {0, 0, 0, 0, 1e160};
    o.direction[0] = (hesse_landscape_direction){
        .name = "huge", .origin = HESSE_DIRECTION_VALUES, .values = huge};
    hesse_landscape *l = NULL;
    assert_all(hesse_landscape_compute(x.team, x.problem.network, x.problem.dataset, &o,
                                       &l) == HESSE_E_INPUT);
    huge[4] = 0.7e153; /* 70 (4 huge)^2 / 2 is above the largest double */
    o.axis[0] = (hesse_landscape_axis){-4, 4, 5};
    l = compute(&x, &o);
    assert_all(l->unfinished == 2 && l->exact[0] > 1e307);
    for (int i = 0; i < 5; i++) assert_all(isfinite(l->loss[i]) == (i > 0 && i < 4));
    assert_all(isfinite(l->range) && isnan(l->of_grid[0]));
    hesse_landscape_free(l);
    end(&x);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct {
        hesse_landscape_axis axis;
        const char *message;
    } axes[] = {{{-1, 1, 10}, "0 is not among the 10 points of an axis from -1 to 1"},
                {{0.5, 1, 5}, "0 is not among the 5 points of an axis"},
                {{1, 1, 5}, "an axis from 1 to 1 with 5 points"},
                {{0, 1, 2}, "at least 3 points of an axis"},
                {{-INFINITY, 1, 5}, "an axis from -inf to 1"}};
    subject x = quadratic();
    hesse_landscape *l = NULL;
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++) {
        hesse_landscape_options o = options_of(1, 1);
        o.axis[0] = axes[i].axis;
        assert_all(hesse_landscape_compute(x.team, x.problem.network, x.problem.dataset,
                                           &o, &l) == HESSE_E_JOB);
        assert_all(!l && strstr(hesse_team_why(x.team)->text, axes[i].message));
    }
    hesse_landscape_options o = options_of(2, 1);
    o.axes = 3;
    assert_all(hesse_landscape_compute(x.team, x.problem.network, x.problem.dataset, &o,
                                       &l) == HESSE_E_JOB);
    end(&x);
}

/* Every allocation fails once, on the last rank; the status is the same on all. */
static void memory_may_be_exhausted_anywhere(void **state)
{
    (void)state;
    subject x = quadratic();
    hesse_landscape_options o = options_of(2, 1);
    o.direction[1] = (hesse_landscape_direction){
        .name = "eigenvector", .origin = HESSE_DIRECTION_EIGENVECTOR, .eigenvector = 1};
    o.normalise = HESSE_NORMALISE_FILTER;
    o.axis[0].points = o.axis[1].points = 3;
    for (int from = 0; from < 2; from++) {
        hesse_status s = HESSE_E_NOMEM;
        for (broken_at = 0; s == HESSE_E_NOMEM && broken_at < 2000; broken_at++) {
            hesse_landscape *l = NULL;
            broken_rank = from ? hesse_team_size(x.team) - 1 : 0, allocations = 0;
            s = hesse_landscape_compute(x.team, x.problem.network, x.problem.dataset,
                                        &o, &l);
            broken_rank = -1;
            assert_all(s == HESSE_OK || (s == HESSE_E_NOMEM && !l));
            hesse_landscape_free(l);
        }
        assert_all(s == HESSE_OK && broken_at > 10);
    }
    end(&x);
}

/* x^2 + 2 c x y + y^2 on a grid: with c = 2 every point curves both ways although both
   axes curve upwards, with c = 1/2 the centre is the only minimum. */
static void figures_by_hand(void **state)
{
    (void)state;
    for (int saddle = 0; saddle < 2; saddle++) {
        const double c = saddle ? 2 : 0.5;
        double at[5] = {-2, -1, 0, 1, 2}, loss[25];
        for (int i = 0; i < 25; i++) {
            const double x = at[i / 5], y = at[i % 5];
            loss[i] = x * x + 2 * c * x * y + y * y;
        }
        hesse_landscape l = {.axes = 2,
                             .points = {5, 5},
                             .centre = {2, 2},
                             .coordinates = {at, at},
                             .loss = loss};
        hesse_landscape_measure(&l);
        assert_all(l.indefinite == saddle && l.nonconvex == saddle);
        assert_all(l.minima == (saddle ? 0 : 1.0 / 9) && l.unfinished == 0);
        assert_all(l.rise == 8 + 8 * c && l.range == (saddle ? 32 : 12));
        assert_all(near(l.of_grid[0], 2, 1e-13) && near(l.of_grid[3], 2, 1e-13));
        assert_all(near(l.of_grid[1], 2 * c, 1e-13) && l.of_grid[2] == l.of_grid[1]);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(figures_by_hand),
    cmocka_unit_test(a_quadratic_is_a_parabola),
    cmocka_unit_test(the_centre_is_the_loss_of_the_parameters),
    cmocka_unit_test(slices_get_the_norms_of_the_parameters),
    cmocka_unit_test(unit_directions_are_orthogonal),
    cmocka_unit_test(differences_agree_with_products),
    cmocka_unit_test(exchanged_directions_transpose_the_grid),
    cmocka_unit_test(eigenvectors_have_the_eigenvalues),
    cmocka_unit_test(all_ranks_have_the_bits_of_one),
    cmocka_unit_test(points_without_a_loss_are_left_out),
    cmocka_unit_test(options_out_of_range_are_refused),
    cmocka_unit_test(memory_may_be_exhausted_anywhere),
};

MPI_TEST_MAIN(tests)
